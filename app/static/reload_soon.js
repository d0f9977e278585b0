/* Something that the worker does is under way: look again after a while. */
"use strict";

setTimeout(() => location.reload(), 3000);

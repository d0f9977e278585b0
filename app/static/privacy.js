/* An erasure under way: look again after a while. */
"use strict";

setTimeout(() => location.reload(), 3000);

"""Opens and clicks of ticket replies: the Plausible Analytics module. Read README.md first."""

from plugins.plausible.module import Plausible

plugin = Plausible()

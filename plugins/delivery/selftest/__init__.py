"""Each provider's self-test: a signed sample through the very code that takes its events, and taken back at the end."""

from plugins.delivery.selftest.running import check, test, try_provider

__all__ = ["check", "test", "try_provider"]

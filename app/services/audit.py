"""The audit log: who changed what others should be able to look up."""

from app.audit import record

__all__ = ["record"]

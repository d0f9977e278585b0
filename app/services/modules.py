"""Integration Modules: look, switch, configure."""

from app.modules.service import ModuleError, ModuleView, UnknownModule, forget, save, set_enabled, view, views

__all__ = ["ModuleError", "ModuleView", "UnknownModule", "forget", "save", "set_enabled", "view", "views"]

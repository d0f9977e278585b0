"""The parts of the house that answer tickets."""

from app.departments.errors import DepartmentError, DepartmentNotFound, DepartmentRefused
from app.departments.models import Department
from app.departments.service import add, change, delete, department, departments, named

__all__ = [
    "Department",
    "DepartmentError",
    "DepartmentNotFound",
    "DepartmentRefused",
    "add",
    "change",
    "delete",
    "department",
    "departments",
    "named",
]

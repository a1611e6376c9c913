"""Base of the Django admin's pages: to look things up; changes go through services as actions."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin


def is_super_admin(request: HttpRequest) -> bool:
    """Whether the signed-in person may open the Django admin."""
    return bool(request.user.is_active and getattr(request.user, "is_super_admin", False))


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Rows to look at, for super admins; no row is added, changed or deleted here."""

    list_per_page = 50
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Super admins only."""
        return is_super_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Super admins only."""
        return is_super_admin(request)

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Nobody: rows are made by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: rows are changed by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: rows are deleted by services."""
        return False

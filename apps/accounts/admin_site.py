"""The site of the Django admin: a read-only window for superusers."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest


class ReadOnlyMixin:
    """Permissions of every model in the admin: superusers view, and nobody writes."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdminSite(AdminSite):
    """The admin, entered by superusers only. Models of other packages are read-only as well."""

    def has_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        base = admin_class or ModelAdmin
        super().register(
            model_or_iterable,
            type(base.__name__, (ReadOnlyMixin, base), {"__module__": base.__module__}),
            **options,
        )


def _is_superuser(request: HttpRequest) -> bool:
    """Return whether the user is an active superuser; is_staff plays no role."""
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))

"""Base viewset of the governance resources: governance users write; other users get an error that
names the required role."""

from typing import Any

from django.db.models import Model
from rest_framework.exceptions import PermissionDenied

from apps.api.framework.views import ReadViewSet


class GovernedViewSet[M: Model](ReadViewSet[M]):
    """Readable as far as `visible_to` shows it; written with the governance or
    administrator role."""

    def require_governance(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(
                "You need the governance or administrator role to change this. Contact a "
                "governance user."
            )

    def governed(self, *relations: str) -> Any:
        """Return the row in the URL for governance; a hidden row is 404 before a missing role is
        403."""
        row = self.subject(*relations)
        self.require_governance()
        return row

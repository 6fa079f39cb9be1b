"""What all resources of choosing share: governance writes, everybody else is told whom to ask."""

from typing import Any

from django.db.models import Model
from rest_framework.exceptions import PermissionDenied

from apps.api.framework.views import ReadViewSet


class GovernedViewSet[M: Model](ReadViewSet[M]):
    """Read as far as `visible_to` shows it; written by governance and administrators."""

    def require_governance(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(
                "Only governance and administrators may do this. Ask one of them."
            )

    def governed(self, *relations: str) -> Any:
        """The row named in the address, for an action of governance; 404 before 403."""
        row = self.subject(*relations)
        self.require_governance()
        return row

"""Undo of changes."""

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.roles import TeamRole
from apps.api.framework.validation import validate_data
from apps.api.framework.views import RegistryView
from apps.api.inventory.applications import ReasonMixin
from apps.inventory.actions import undo
from apps.inventory.models import Application


class UndoneSerializer(serializers.Serializer[Any]):
    change = serializers.UUIDField(help_text="ID of the undo, to undo it in turn.")
    n_rows = serializers.IntegerField(help_text="Number of restored rows.")
    applications = serializers.ListField(
        child=serializers.CharField(), help_text="Slugs of the affected applications."
    )


class UndoChangeView(RegistryView):
    @extend_schema(
        operation_id="changes_undo",
        summary="Undo a change",
        request=ReasonMixin,
        responses=UndoneSerializer,
    )
    def post(self, request: Request, change: UUID) -> Response:
        """Restore everything that the change wrote, if it is unchanged since; otherwise the answer
        is 409 with the users who changed it. Requires the editor role on each affected team."""
        data = validate_data(ReasonMixin(data=request.data))
        teams = undo.teams_of_change(change=change)
        visible_teams = teams if self.user.can_read_all else teams & set(self.user.team_roles())
        if not visible_teams:
            raise Http404
        for team_id in teams:
            self.require(TeamRole.EDITOR, team_id)
        result = undo.undo_change(change=change, by=self.user, reason=data.get("reason", ""))
        applications = (
            Application.objects.visible_to(self.user)
            .filter(pk__in=result.application_ids)
            .order_by("slug")
        )
        return Response(
            {
                "change": result.change,
                "n_rows": result.n_rows,
                "applications": list(applications.values_list("slug", flat=True)),
            }
        )

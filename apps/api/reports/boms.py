"""Bills of materials of applications and teams: what they stand on, for tools that read
CycloneDX."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.views import RegistryView
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.bom import MAX_APPLICATIONS, MEDIA_TYPE, build_bom

_DOCUMENT = {
    "type": "object",
    "additionalProperties": True,
    "description": "CycloneDX 1.6 (ECMA-424).",
}


class CycloneDxRenderer(FastJSONRenderer):
    """The same bytes under the standard's own media type."""

    media_type = MEDIA_TYPE.partition(";")[0]
    format = "cyclonedx"


class BillView(RegistryView):
    renderer_classes = [FastJSONRenderer, CycloneDxRenderer]

    def answer(self, body: dict[str, Any], name: str) -> Response:
        return Response(
            body, headers={"Content-Disposition": f'inline; filename="{name}.cdx.json"'}
        )


class ApplicationBillView(BillView):
    @extend_schema(
        operation_id="applications_bom",
        summary="Bill of materials of an application",
        responses={200: OpenApiResponse(_DOCUMENT, description="What it stands on today.")},
    )
    def get(self, request: Request, slug: str) -> Response:
        """CycloneDX 1.6: hosted models as services, the releases behind them as
        machine-learning-model components with model card and lineage, what was built on them, and
        who depends on whom. What the standard has no place for stands in properties `registry:...`,
        such as the day a model ends."""
        application = (
            Application.objects.visible_to(self.user)
            .filter(slug=slug)
            .select_related("team")
            .first()
        )
        if application is None:
            raise Http404
        at = now()
        body = build_bom(
            [application],
            user=self.user,
            name=application.name,
            ref=f"application:{slug}",
            on=day_of(at),
            at=at,
        )
        return self.answer(body, slug)


class TeamBillView(BillView):
    @extend_schema(
        operation_id="teams_bom",
        summary="Bill of materials of a team",
        responses={
            200: OpenApiResponse(_DOCUMENT, description="What its applications stand on today.")
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """As that of an application, for all in pilot or production of the team and those below it
        that you may see; at most 1,000 applications."""
        team = Team.objects.visible_to(self.user).filter(slug=slug).first()
        if team is None:
            raise Http404
        found = (
            Application.objects.visible_to(self.user)
            .in_scope()
            .filter(team__in=team_and_below(team_ids=[team.pk]))
            .select_related("team")
            .order_by("criticality", "pk")
        )
        applications = list(found[: MAX_APPLICATIONS + 1])
        if len(applications) > MAX_APPLICATIONS:
            raise ValidationError(
                {
                    "team": f"It has more than {MAX_APPLICATIONS:,} applications. Ask for the "
                    "teams below it."
                }
            )
        at = now()
        body = build_bom(
            applications, user=self.user, name=team.name, ref=f"team:{slug}", on=day_of(at), at=at
        )
        return self.answer(body, f"team-{slug}")

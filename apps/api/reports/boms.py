"""Bills of materials of applications and teams, for tools that read CycloneDX."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.views import RegistryView
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.bom import MAX_APPLICATIONS, MEDIA_TYPE, SPEC_VERSION, SPEC_VERSIONS, build_bom

_DOCUMENT = {
    "type": "object",
    "additionalProperties": True,
    "description": "CycloneDX 1.7 (ECMA-424), or 1.6 with `?spec=1.6`.",
}

_SPEC = OpenApiParameter(
    "spec", str, enum=SPEC_VERSIONS, description="Version of CycloneDX; the latest if absent."
)


class CycloneDxRenderer(FastJSONRenderer):
    """The same bytes under the media type of the standard."""

    media_type = MEDIA_TYPE
    format = "cyclonedx"


class BillView(RegistryView):
    renderer_classes = [FastJSONRenderer, CycloneDxRenderer]

    @property
    def spec(self) -> str:
        """Return the requested version of the standard."""
        spec: str = self.request.query_params.get("spec", SPEC_VERSION)
        if spec not in SPEC_VERSIONS:
            raise ValidationError({"spec": f"Send one of {', '.join(SPEC_VERSIONS)}."})
        return spec

    def answer(self, body: dict[str, Any], name: str) -> Response:
        return Response(
            body, headers={"Content-Disposition": f'inline; filename="{name}.cdx.json"'}
        )


class ApplicationBillView(BillView):
    @extend_schema(
        operation_id="applications_bom",
        summary="Bill of materials of an application",
        parameters=[_SPEC],
        responses={200: OpenApiResponse(_DOCUMENT, description="Bill of materials as of today.")},
    )
    def get(self, request: Request, slug: str) -> Response:
        """CycloneDX 1.7: hosted models as services, their releases as machine-learning-model
        components with model card and lineage, adaptations, and dependencies between them. Facts
        without a field in the standard, such as the retirement date, are in properties
        `registry:...`."""
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
            spec=self.spec,
        )
        return self.answer(body, slug)


class TeamBillView(BillView):
    @extend_schema(
        operation_id="teams_bom",
        summary="Bill of materials of a team",
        parameters=[_SPEC],
        responses={200: OpenApiResponse(_DOCUMENT, description="Bill of materials as of today.")},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Bill of materials of all applications in pilot or production of the team and its sub-
        teams that you can view; at most 1,000 applications."""
        team = Team.objects.visible_to(self.user).filter(slug=slug).first()
        if team is None:
            raise Http404
        visible_applications = (
            Application.objects.visible_to(self.user)
            .in_scope()
            .filter(team__in=team_and_below(team_ids=[team.pk]))
            .select_related("team")
            .order_by("criticality", "pk")
        )
        applications = list(visible_applications[: MAX_APPLICATIONS + 1])
        if len(applications) > MAX_APPLICATIONS:
            raise ValidationError(
                {
                    "team": f"The team has more than {MAX_APPLICATIONS:,} applications. Request "
                    "its sub-teams one by one."
                }
            )
        at = now()
        body = build_bom(
            applications,
            user=self.user,
            name=team.name,
            ref=f"team:{slug}",
            on=day_of(at),
            at=at,
            spec=self.spec,
        )
        return self.answer(body, f"team-{slug}")

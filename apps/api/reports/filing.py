"""DORA register as filed: check list and report package."""

from datetime import date
from typing import Any

from django.http import FileResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.api.framework.json_renderer import FastJSONRenderer
from apps.api.framework.views import RegistryView
from apps.api.openapi.schema import ProblemSerializer
from apps.api.reports.evidence_packs import ZipRenderer
from apps.common.time import day_of, now
from apps.reports.actions import reporting_entity
from apps.reports.dora.filing.cells import RULE_SOURCES
from apps.reports.dora.filing.check_list import FilingFinding, check_filing
from apps.reports.dora.filing.members import CURRENCIES
from apps.reports.dora.filing.package import OFFICE_ONLY, open_package
from apps.reports.dora.filing.parameters import DEFAULT_CURRENCY, FilingParameters, FilingScope
from apps.reports.dora.filing.taxonomy import FILED_TEMPLATES
from apps.reports.dora.register import open_register

# findings of each template in the answer
MAX_FINDINGS = 1_000


class FilingQuerySerializer(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(
        choices=[(str(scope), str(scope)) for scope in FilingScope], default="IND"
    )
    reference_date = serializers.DateField(required=False)
    currency = serializers.CharField(max_length=3, default=DEFAULT_CURRENCY)

    def validate_reference_date(self, day: date) -> date:
        if day > day_of(now()):
            raise serializers.ValidationError(
                "The reference date is in the future. Send an earlier one."
            )
        return day

    def validate_currency(self, currency: str) -> str:
        if currency not in CURRENCIES:
            raise serializers.ValidationError("Send a currency of ISO 4217, such as EUR.")
        return currency


class FiledTemplateSerializer(serializers.Serializer[Any]):
    template = serializers.CharField(help_text="Code of the published template, such as B_02.02.")
    name = serializers.CharField()
    filled_here = serializers.BooleanField(
        help_text="Whether the registry records a part of it; the others are filled elsewhere."
    )
    n_rows = serializers.IntegerField()
    n_findings = serializers.IntegerField()


class FilingFindingSerializer(serializers.Serializer[Any]):
    template = serializers.CharField()
    row = serializers.IntegerField(
        help_text="Row of the template's CSV, from 1; 0 for the whole template."
    )
    about = serializers.CharField(allow_blank=True)
    column = serializers.CharField(allow_blank=True)
    rule = serializers.CharField()
    rejects = serializers.BooleanField(
        help_text="Whether a register that breaks the rule is rejected."
    )
    sentence = serializers.CharField()
    source = serializers.CharField(help_text="Publication of the rule, with its day.")  # type: ignore[assignment]
    place = serializers.CharField(
        allow_blank=True, help_text="Record where it is corrected: provider, contract, ..."
    )
    slug = serializers.CharField(allow_blank=True)
    id = serializers.IntegerField(allow_null=True)


class FilingSerializer(serializers.Serializer[Any]):
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="Reasons why no package can be made."
    )
    n_findings = serializers.IntegerField()
    n_rejecting = serializers.IntegerField()
    templates = FiledTemplateSerializer(many=True)
    findings = FilingFindingSerializer(
        many=True, help_text="The first 1,000 findings of each template."
    )


_PARAMETERS = [
    OpenApiParameter(
        "scope", str, enum=[str(scope) for scope in FilingScope], description="Level of the filing."
    ),
    OpenApiParameter(
        "reference_date",
        date,
        description="Day of the report, and of the contracts and dependencies in it; today if "
        "absent.",
    ),
    OpenApiParameter("currency", str, description="Base currency (ISO 4217); EUR if absent."),
]


class FilingView(RegistryView):
    @extend_schema(
        operation_id="reports_filing", parameters=_PARAMETERS, responses=FilingSerializer
    )
    def get(self, request: Request) -> Response:
        """Check list of the DORA register as filed: per row and field what is missing or wrong, the
        published rule, and the record where it is corrected. For organisation roles."""
        parameters = _read_parameters(request, self.user)
        with open_register(user=self.user, on=parameters.reference_date) as register:
            check_list = check_filing(register, parameters, limit=MAX_FINDINGS)
        return Response(
            {
                "problems": check_list.problems,
                "n_findings": check_list.n,
                "n_rejecting": check_list.n_rejecting,
                "templates": [
                    {
                        "template": template.code,
                        "name": template.name,
                        "filled_here": template.table is not None,
                        "n_rows": check_list.n_rows.get(template.code, 0),
                        "n_findings": check_list.n_by_template.get(template.code, 0),
                    }
                    for template in FILED_TEMPLATES
                ],
                "findings": [_finding_body(finding) for finding in check_list.findings],
            }
        )


class FilingPackageView(RegistryView):
    renderer_classes = [ZipRenderer, FastJSONRenderer]

    @extend_schema(
        operation_id="reports_filing_package",
        parameters=_PARAMETERS,
        responses={
            (200, "application/zip"): OpenApiResponse(
                {"type": "string", "format": "binary"},
                description="xBRL-CSV report package; its name is in Content-Disposition.",
            ),
            (409, "application/problem+json"): OpenApiResponse(
                ProblemSerializer, description="Facts that the package needs are missing"
            ),
        },
    )
    def get(self, request: Request) -> FileResponse:
        """DORA register of information as an xBRL-CSV report package of the published templates,
        limited to the part that concerns AI models. No authority has accepted a package of this
        registry; see the check list first. For organisation roles."""
        parameters = _read_parameters(request, self.user)
        target, name = open_package(parameters, user=self.user)
        return FileResponse(
            target, as_attachment=True, filename=name, content_type="application/zip"
        )


def _read_parameters(request: Request, user: User) -> FilingParameters:
    if not user.can_read_all:
        raise PermissionDenied(OFFICE_ONLY)
    query = FilingQuerySerializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    at = now()
    return FilingParameters(
        entity=reporting_entity(),
        scope=FilingScope(query.validated_data["scope"]),
        reference_date=query.validated_data.get("reference_date") or day_of(at),
        currency=query.validated_data["currency"],
        at=at,
    )


def _finding_body(finding: FilingFinding) -> dict[str, Any]:
    entry = finding.entry
    return {
        "template": finding.template,
        "row": finding.row,
        "about": finding.about,
        "column": finding.column,
        "rule": finding.rule,
        "rejects": finding.rejects,
        "sentence": finding.sentence,
        "source": RULE_SOURCES[finding.rule],
        "place": entry.place if entry else "",
        "slug": entry.slug if entry else "",
        "id": entry.ref if entry else None,
    }

"""Applications. Changes use the actions of the inventory."""

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models import Model
from django.urls import reverse
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Team
from apps.accounts.roles import TeamRole
from apps.api.bulk.views import BulkMixin, bulk_schema
from apps.api.framework.file_responses import FileRows
from apps.api.framework.row_reader import EnumNameField
from apps.api.framework.validation import FORMAT_PARAMETERS, validate_data
from apps.api.framework.views import BY_ID, ReadViewSet, etag_of
from apps.api.intake.billed_costs import (
    BilledCostsOfApplicationSerializer,
    BilledMonthQuestion,
    bills_body,
)
from apps.api.inventory.costs import (
    COST_QUESTION,
    CostRowSerializer,
    CostSerializer,
    cost_body,
    cost_rows,
    requested_prices,
)
from apps.api.inventory.findings import FindingSerializer, findings_body
from apps.api.inventory.runways import PrimaryRunwaySerializer, runways_body
from apps.catalog.models import Provider
from apps.common.database.fields import TextMapField, small_text_map
from apps.common.database.keyset_pagination import Keyset
from apps.common.time import day_of, now
from apps.common.validators import validate_plausible_date
from apps.exposure.queries.dependents import application_stack
from apps.intake.billed_costs import compare_costs, latest_billed_month
from apps.inventory.actions import application_merge
from apps.inventory.actions import applications as actions_applications
from apps.inventory.actions.bulk_update import change_applications
from apps.inventory.bulk.resources import BULK_RESOURCES
from apps.inventory.costs import monthly_costs
from apps.inventory.filters import ApplicationFilter
from apps.inventory.findings import findings_about, findings_of, findings_of_application
from apps.inventory.models import Application, Criticality, Dependency
from apps.inventory.queries import application_merged_into, changes_of_application, last_change_id
from apps.inventory.runway import runways

SLUG = "[-a-zA-Z0-9_]+"
# a bulk change is one transaction and one response
MAX_BULK_APPLICATIONS = 5000
MAX_LISTED_CHANGES = 200


@extend_schema_field({"type": "string", "description": "Slug of a team that you can view."})
class VisibleTeamField(serializers.SlugRelatedField[Team]):
    """A team; one that the caller cannot view is treated as unknown."""

    def get_queryset(self) -> Any:
        return Team.objects.visible_to(self.context["request"].user)


@extend_schema_field({"type": "string", "description": "Slug of an application that you can view."})
class VisibleApplicationField(serializers.SlugRelatedField[Application]):
    def get_queryset(self) -> Any:
        return Application.objects.visible_to(self.context["request"].user).select_related("team")


@extend_schema_field({"type": "string", "description": "Slug of a provider."})
class ProviderField(serializers.SlugRelatedField[Provider]):
    pass


class ReasonMixin(serializers.Serializer[Any]):
    reason = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        max_length=500,
        help_text="Reason for the change, for the audit log.",
    )


class ConfirmingMixin(serializers.Serializer[Any]):
    confirm_breaks = serializers.BooleanField(
        write_only=True,
        required=False,
        help_text="Whether to save a choice that breaks something: a model that lacks what is "
        "used, is blocked, retires with or before the replaced one, or is the judge's own. "
        "Without it the answer is 409 and names what breaks.",
    )


class ExpectingMixin(serializers.Serializer[Any]):
    expected_updated_at = serializers.DateTimeField(
        write_only=True,
        required=False,
        help_text="`updated_at` as it was read. If another user changed the record "
        "since, the answer is 409.",
    )


class WrittenMixin(serializers.Serializer[Any]):
    """Further fields in the answer to a change."""

    findings = FindingSerializer(
        many=True, read_only=True, help_text="Findings about the record after the change."
    )
    change = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="ID of the change, to undo it with POST changes/{change}/undo/; null "
        "if nothing changed.",
    )


class TextMapSerializerField(serializers.DictField):
    """A few names with short texts; the limits are those of the model field."""

    child = serializers.CharField(max_length=TextMapField.MAX_VALUE_LENGTH, allow_blank=True)

    def to_internal_value(self, data: Any) -> Any:
        texts = super().to_internal_value(data)
        try:
            small_text_map(texts)
        except ModelValidationError as error:
            raise serializers.ValidationError(error.messages) from None
        return texts


class ApplicationSerializer(ReasonMixin, serializers.ModelSerializer[Application]):
    slug = serializers.SlugField(
        max_length=120,
        required=False,
        help_text="Slug of the application. Derived from the name if absent; cannot be "
        "changed later.",
    )
    team = VisibleTeamField(slug_field="slug", queryset=Team.objects.none())
    criticality = EnumNameField(Criticality, required=False)
    external_refs = TextMapSerializerField(required=False)
    merged_into = serializers.CharField(
        source="merged_into.slug",
        read_only=True,
        allow_null=True,
        help_text="Slug of the application it was merged into; null if it was not merged.",
    )

    business_owner_person = serializers.CharField(
        source="business_owner_person.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the person that `business_owner` names, of a contact the email "
        "address; null if it names none.",
    )
    technical_owner_person = serializers.CharField(
        source="technical_owner_person.username",
        read_only=True,
        allow_null=True,
        help_text="Username of the person that `technical_owner` names, of a contact the email "
        "address; null if it names none.",
    )

    class Meta:
        model = Application
        fields = [
            "id",
            "slug",
            "name",
            "purpose",
            "team",
            "business_owner",
            "business_owner_person",
            "technical_owner",
            "technical_owner_person",
            "criticality",
            "criticality_reason",
            "criticality_assessed_on",
            "status",
            "ai_act_class",
            "ai_act_role",
            "data_classification",
            "personal_data",
            "geography",
            "business_function",
            "function_ref",
            "licensed_activity",
            "autonomy",
            "impact_of_discontinuing",
            "users_affected",
            "rto_hours",
            "rpo_hours",
            "monthly_spend",
            "external_refs",
            "next_review_on",
            "merged_into",
            "created_at",
            "updated_at",
            "reason",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {"monthly_spend": {"min_value": 0}}


class ApplicationChangeSerializer(ExpectingMixin, ApplicationSerializer):
    class Meta(ApplicationSerializer.Meta):
        fields = [*ApplicationSerializer.Meta.fields, "expected_updated_at"]


class WrittenApplicationSerializer(WrittenMixin, ApplicationSerializer):
    class Meta(ApplicationSerializer.Meta):
        fields = [*ApplicationSerializer.Meta.fields, "findings", "change"]


class AffectedApplicationSerializer(ApplicationSerializer):
    affected_primary = serializers.BooleanField(
        read_only=True,
        help_text="Whether a primary model is affected; false for a fallback, judge or "
        "other role only.",
    )

    class Meta(ApplicationSerializer.Meta):
        fields = [name for name in ApplicationSerializer.Meta.fields if name != "reason"] + [
            "affected_primary"
        ]

    reason = None  # type: ignore[assignment]


class RetireSerializer(ReasonMixin):
    on = serializers.DateField(
        required=False,
        validators=[validate_plausible_date],
        help_text="First day out of use; today if absent.",
    )


class ReactivateSerializer(ReasonMixin):
    on = serializers.DateField(
        required=False,
        validators=[validate_plausible_date],
        help_text="First day in use again; today if absent.",
    )
    status = serializers.ChoiceField(
        choices=Application.Status.choices,
        default=Application.Status.PRODUCTION,
        help_text="New status, other than retired.",
    )
    with_dependencies = serializers.BooleanField(
        default=True,
        help_text="Whether to continue the dependencies that the retirement ended, with "
        "a new row after a gap.",
    )


class MergeSerializer(ReasonMixin):
    duplicate = VisibleApplicationField(
        slug_field="slug",
        queryset=Application.objects.none(),
        help_text="Slug of the duplicate, which is retired.",
    )
    on = serializers.DateField(
        required=False,
        validators=[validate_plausible_date],
        help_text="Date of the merge; today if absent.",
    )


class ApplicationFactsSerializer(ApplicationSerializer):
    """Facts of an application; all optional."""

    team = VisibleTeamField(slug_field="slug", queryset=Team.objects.none(), required=False)

    class Meta(ApplicationSerializer.Meta):
        fields = [
            name
            for name in ApplicationSerializer.Meta.fields
            if name not in {"id", "slug", "merged_into", "created_at", "updated_at", "reason"}
        ]
        extra_kwargs = {**ApplicationSerializer.Meta.extra_kwargs, "name": {"required": False}}

    slug = merged_into = reason = None  # type: ignore[assignment]


class BulkUpdateSerializer(ReasonMixin):
    applications = serializers.ListField(
        child=serializers.CharField(max_length=120),
        allow_empty=False,
        max_length=MAX_BULK_APPLICATIONS,
        help_text="Slugs of the applications.",
    )
    facts = ApplicationFactsSerializer(help_text="Facts to set on each application.")


class RejectedApplicationSerializer(serializers.Serializer[Any]):
    application = serializers.CharField(help_text="Slug of the application.")
    detail = serializers.CharField()


class BulkUpdateResultSerializer(serializers.Serializer[Any]):
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="Slugs of the changed applications."
    )
    unchanged = serializers.ListField(
        child=serializers.CharField(),
        help_text="Slugs of applications that already had these facts.",
    )
    rejected = RejectedApplicationSerializer(many=True)
    change = serializers.UUIDField(
        allow_null=True, help_text="ID of the change, to undo all of it; null if nothing changed."
    )


class ApplicationHistorySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    reason = serializers.CharField()
    n_rows = serializers.IntegerField(help_text="Number of rows of this application in the change.")


class StackSerializer(serializers.Serializer[Any]):
    dependency = serializers.IntegerField(source="dependency.pk")
    role = serializers.ChoiceField(source="dependency.role", choices=Dependency.Role.choices)
    fallback_order = serializers.IntegerField(source="dependency.fallback_order")
    offering = serializers.IntegerField(
        source="offering.pk", help_text="ID of the offering that the application calls."
    )
    api_id = serializers.CharField(source="offering.api_id")
    host = serializers.CharField(
        source="host.slug", help_text="Slug of the host of the serving offering."
    )
    answering = serializers.IntegerField(
        source="answering.pk", help_text="ID of the serving offering, after redirects."
    )
    version = serializers.CharField(source="version.identifier", allow_null=True, default=None)
    foundation = serializers.CharField(source="foundation.slug", allow_null=True, default=None)
    developer = serializers.CharField(source="developer.slug", allow_null=True, default=None)
    lifecycle = serializers.CharField(source="answering.lifecycle")
    retires_on = serializers.DateField(source="answering.retires_on", allow_null=True)
    days_left = serializers.IntegerField(allow_null=True)
    at_least = serializers.BooleanField(
        help_text="Whether the date is an earliest retirement: the model might retire later."
    )
    replacement = serializers.IntegerField(source="answering.replacement_id", allow_null=True)


class WritingViewSet[M: Model](ReadViewSet[M]):
    """Changes are answered with findings and with the ID of the change, to undo it."""

    def change_response(
        self, row: M, application: Application, dependency_id: int | None = None, code: int = 200
    ) -> Response:
        findings = findings_of_application(application=application, on=today())
        if dependency_id is not None:
            findings = findings_about(findings, dependency_id)
        body = self.read_row(self.reader.names, pk=row.pk)
        headers = {"ETag": etag_of(body)}
        body["findings"] = findings_body(findings, {application.pk: application.slug})
        body["change"] = last_change_id(row)
        return Response(body, status=code, headers=headers)


@extend_schema_view(
    bulk=bulk_schema(
        BULK_RESOURCES["applications"],
        {
            "slug": "claims-triage",
            "name": "Claims triage",
            "team": "claims-intake",
            "criticality": "important",
            "status": "production",
            "users_affected": 1200,
            "external_refs": {"cmdb": "APP-0042"},
        },
    )
)
class ApplicationViewSet(BulkMixin, WritingViewSet[Application]):
    """Applications of the caller's teams; all of them for organisation roles."""

    bulk_resource = "applications"
    model = Application
    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    lookup_field = "slug"
    lookup_value_regex = SLUG
    orders = {
        "criticality": Keyset(("criticality", "id")),
        "-criticality": Keyset(("-criticality", "-id")),
        "id": BY_ID,
        "-id": Keyset(("-id",)),
        "slug": Keyset(("slug",)),
        "-slug": Keyset(("-slug",)),
    }

    files = {
        "stack": FileRows(StackSerializer),
        "findings": FileRows(FindingSerializer),
        "runway": FileRows(PrimaryRunwaySerializer),
        "changes": FileRows(ApplicationHistorySerializer),
        "cost": FileRows(CostRowSerializer, "rows"),
    }

    @extend_schema(
        responses={
            200: ApplicationSerializer,
            301: OpenApiResponse(description="Merged into another application"),
        }
    )
    def retrieve(self, request: Request, slug: str) -> Response:
        """One application. The slug of a merged application redirects to the application it was
        merged into."""
        names = self.requested_fields(self.reader)
        row = self.read_row([*dict.fromkeys([*names, "merged_into"])], slug=slug)
        if row["merged_into"] is not None:
            survivor = application_merged_into(application=self.subject("merged_into"))
            if Application.objects.visible_to(request.user).filter(pk=survivor.pk).exists():
                address = request.build_absolute_uri(
                    reverse("api:application-detail", args=[survivor.slug])
                )
                return Response(
                    status=status.HTTP_301_MOVED_PERMANENTLY, headers={"Location": address}
                )
        return Response({name: row[name] for name in names})

    @extend_schema(
        responses={201: WrittenApplicationSerializer},
        examples=[
            OpenApiExample(
                "a critical application",
                request_only=True,
                value={
                    "name": "Claims triage",
                    "team": "claims-intake",
                    "criticality": "critical",
                    "status": "production",
                    "purpose": "Sorts incoming claims and routes each to a handler.",
                    "data_classification": "confidential",
                    "personal_data": True,
                    "rto_hours": 8,
                    "reason": "Imported from the CMDB.",
                },
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Register an application. Requires the editor role on its team."""
        facts = self.validated(ApplicationSerializer)
        team = facts.pop("team")
        self.require(TeamRole.EDITOR, team)
        application = actions_applications.register_application(
            name=facts.pop("name"),
            slug=facts.pop("slug", ""),
            team=team,
            reason=facts.pop("reason", ""),
            facts=facts,
            by=self.user,
        )
        return self.change_response(application, application, code=status.HTTP_201_CREATED)

    @extend_schema(request=ApplicationChangeSerializer, responses=WrittenApplicationSerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        """Change an application. Requires the editor role on its team, and on the new team if it
        moves. The slug cannot be changed."""
        application = self.editable()
        facts = self.validated(ApplicationChangeSerializer, instance=application, partial=True)
        if facts.pop("slug", application.slug) != application.slug:
            raise serializers.ValidationError(
                {
                    "slug": "The slug cannot be changed because other systems refer to it. Omit "
                    "the slug."
                }
            )
        if "team" in facts:
            self.require(TeamRole.EDITOR, facts["team"])
        application = actions_applications.change_application(
            application=application,
            reason=facts.pop("reason", ""),
            expected_updated_at=facts.pop("expected_updated_at", None),
            facts=facts,
            by=self.user,
        )
        return self.change_response(application, application)

    @extend_schema(request=BulkUpdateSerializer, responses=BulkUpdateResultSerializer)
    @action(detail=False, methods=["post"], url_path="bulk-update", picks_fields=False)
    def bulk_update(self, request: Request) -> Response:
        """Set the same facts on many applications. Those that cannot be changed are listed in
        `rejected`."""
        data = self.validated(BulkUpdateSerializer)
        slugs = list(dict.fromkeys(data["applications"]))
        pk_by_slug = dict(self.get_queryset().filter(slug__in=slugs).values_list("slug", "pk"))
        report = change_applications(
            facts_by_id=dict.fromkeys(pk_by_slug.values(), data["facts"]),
            by=self.user,
            reason=data.get("reason", ""),
        )
        slug_by_pk = {pk: slug for slug, pk in pk_by_slug.items()}
        rejections = [{"application": row.slug, "detail": row.sentence} for row in report.refused]
        rejections += [
            {"application": slug, "detail": "No application with this slug found. Check the slug."}
            for slug in slugs
            if slug not in pk_by_slug
        ]
        change = last_change_id(Application(pk=report.changed[0])) if report.changed else None
        return Response(
            {
                "changed": [slug_by_pk[pk] for pk in report.changed],
                "unchanged": [slug_by_pk[pk] for pk in report.unchanged],
                "rejected": rejections,
                "change": change,
            }
        )

    @extend_schema(request=RetireSerializer, responses=WrittenApplicationSerializer)
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, slug: str) -> Response:
        """Retire an application and end its dependencies. Repeating the request changes nothing."""
        application = self.editable()
        data = self.validated(RetireSerializer)
        application = actions_applications.retire_application(
            application=application,
            on=data.get("on", today()),
            reason=data.get("reason", ""),
            by=self.user,
        )
        return self.change_response(application, application)

    @extend_schema(request=ReactivateSerializer, responses=WrittenApplicationSerializer)
    @action(detail=True, methods=["post"])
    def reactivate(self, request: Request, slug: str) -> Response:
        """Reactivate a retired application, with the dependencies that its retirement ended."""
        application = self.editable()
        data = self.validated(ReactivateSerializer)
        application = actions_applications.reactivate_application(
            application=application,
            on=data.get("on", today()),
            status=data["status"],
            with_dependencies=data["with_dependencies"],
            reason=data.get("reason", ""),
            by=self.user,
        )
        return self.change_response(application, application)

    @extend_schema(request=MergeSerializer, responses=WrittenApplicationSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, slug: str) -> Response:
        """Merge a duplicate into this application: its dependencies move here, it is retired, and
        its slug redirects here."""
        survivor = self.editable()
        data = self.validated(MergeSerializer)
        duplicate = data["duplicate"]
        self.require(TeamRole.EDITOR, duplicate.team)
        survivor = application_merge.merge_applications(
            survivor=survivor,
            duplicate=duplicate,
            on=data.get("on", today()),
            reason=data.get("reason", ""),
            by=self.user,
        )
        response = self.change_response(survivor, survivor)
        response.data["change"] = last_change_id(duplicate)
        return response

    @extend_schema(responses=StackSerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def stack(self, request: Request, slug: str) -> Response:
        """Stack of the application as of today: primary models, fallbacks in order, then other
        roles."""
        rows = application_stack(application=self.subject("team"), on=today())
        return Response(StackSerializer(rows, many=True).data)

    @extend_schema(responses=FindingSerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def findings(self, request: Request, slug: str) -> Response:
        """Findings about the application, most severe first. Findings never block saving."""
        application = self.subject("team")
        findings = findings_of(application_ids=[application.pk], on=today())
        return Response(findings_body(findings, {application.pk: application.slug}))

    @extend_schema(responses=CostSerializer, parameters=COST_QUESTION, filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def cost(self, request: Request, slug: str) -> Response:
        """Monthly cost of the application by recorded usage: at the prices of `on` (announced
        prices for a later date), and under one hypothetical change. Unknown costs stay unknown, and
        currencies are not converted."""
        application = self.subject("team")
        prices_on, changes = requested_prices(request, today())
        costs = monthly_costs(
            on=today(),
            prices_on=prices_on,
            changes=changes,
            application_ids=[application.pk],
            statuses=[*Application.IN_SCOPE, Application.Status.PROPOSED],
        )
        return Response({"rows": cost_rows(costs)} if self.is_file else cost_body(costs, prices_on))

    @extend_schema(
        operation_id="applications_billed_cost",
        responses=BilledCostsOfApplicationSerializer,
        parameters=[BilledMonthQuestion],
        filters=False,
    )
    @action(
        detail=True,
        url_path="billed-cost",
        pagination_class=None,
        filterset_class=None,
        picks_fields=False,
    )
    def billed_cost(self, request: Request, slug: str) -> Response:
        """Bill of the application in a month (default: the latest that is over) by currency and
        model, beside the cost of recorded tokens at list prices, with the parts of the
        difference."""
        application = self.subject("team")
        question = validate_data(
            BilledMonthQuestion(data=request.query_params), extra_names=FORMAT_PARAMETERS
        )
        month = (
            date.fromisoformat(f"{question['month']}-01")
            if "month" in question
            else latest_billed_month(application.pk, today())
        )
        bills = (
            compare_costs([application.pk], month=month, today=today()).get(application.pk, {})
            if month
            else {}
        )
        return Response(bills_body(month, bills))

    @extend_schema(responses=PrimaryRunwaySerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def runway(self, request: Request, slug: str) -> Response:
        """Runway of each primary model: days until retirement minus days the migration takes,
        shortest first."""
        application = self.subject("team")
        return Response(
            runways_body(
                runways(on=today(), application_ids=[application.pk]),
                {application.pk: application.slug},
            )
        )

    @extend_schema(responses=ApplicationHistorySerializer(many=True), parameters=[], filters=False)
    @action(detail=True, pagination_class=None, filterset_class=None, picks_fields=False)
    def changes(self, request: Request, slug: str) -> Response:
        """Latest changes of the application and its records, latest first. Each can be undone."""
        rows = changes_of_application(application=self.subject("team"), limit=MAX_LISTED_CHANGES)
        return Response(ApplicationHistorySerializer(rows, many=True).data)

    def editable(self) -> Application:
        application = self.subject("team")
        self.require(TeamRole.EDITOR, application.team)
        return application


def today() -> date:
    return day_of(now())

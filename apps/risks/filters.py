"""Filters of risks, for pages and REST."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from apps.accounts.models import Team
from apps.accounts.queries import team_and_below
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, Region, Version
from apps.common.time import day_of, now
from apps.inventory.models import Criticality
from apps.risks.models import (
    Assessment,
    Evidence,
    FoundationRisk,
    Layer,
    RiskTemplate,
    RuleName,
    Treatment,
)
from apps.risks.queries.conditions import (
    CURRENT,
    INHERENT,
    RESIDUAL,
    STATES,
    UNDECIDED,
    InheritedRiskQuery,
)

LEVEL_BASES = [(INHERENT, "Inherent"), (CURRENT, "Current"), (RESIDUAL, "Residual")]
CRITICALITIES = [(level.name.lower(), level.label) for level in Criticality]
STATE_LABELS = {
    "unassessed": "Unassessed",
    "stale": "Stale",
    UNDECIDED: "Unassessed or stale",
    "assessed": "Assessed",
    "not_applicable": "Not applicable",
}
NODE_KINDS = [(kind.name.lower(), kind.label) for kind in NodeKind]
PARTIES = (NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY, NodeKind.VENDOR)


def _on_nodes(kind: NodeKind, subjects: QuerySet[Any]) -> Q:
    return Q(node__kind=kind, node__ref__in=subjects.order_by().values("pk"))


class RiskTemplateFilter(django_filters.FilterSet):  # type: ignore[misc]
    code = django_filters.CharFilter(label="Code")
    layer = django_filters.MultipleChoiceFilter(choices=Layer.choices, label="Layer")
    built_in = django_filters.BooleanFilter(label="Built-in template")
    taxonomy = django_filters.CharFilter(method="mapped_to", label="Mapped to taxonomy (slug)")

    class Meta:
        model = RiskTemplate
        fields: list[str] = []

    def mapped_to(
        self, queryset: QuerySet[RiskTemplate], name: str, value: str
    ) -> QuerySet[RiskTemplate]:
        return queryset.filter(mappings__entry__taxonomy__slug=value).distinct()


class FoundationRiskFilter(django_filters.FilterSet):  # type: ignore[misc]
    template = django_filters.CharFilter(field_name="template__code", label="Template (code)")
    layer = django_filters.MultipleChoiceFilter(
        field_name="template__layer", choices=Layer.choices, label="Layer"
    )
    node_kind = django_filters.TypedMultipleChoiceFilter(
        field_name="node__kind",
        choices=NODE_KINDS,
        coerce=lambda term: NodeKind[term.upper()].value,
        label="Node kind",
    )
    node_ref = django_filters.NumberFilter(field_name="node__ref", label="Node ID")
    rule = django_filters.MultipleChoiceFilter(choices=RuleName.choices, label="Added by rule")
    open = django_filters.BooleanFilter(method="being_open", label="Neither closed nor dismissed")
    dismissed = django_filters.BooleanFilter(
        field_name="dismissed_at", lookup_expr="isnull", exclude=True, label="Dismissed"
    )
    min_inherent = django_filters.NumberFilter(
        field_name="inherent",
        lookup_expr="gte",
        min_value=1,
        max_value=25,
        label="Minimum severity (1 to 25)",
    )

    class Meta:
        model = FoundationRisk
        fields: list[str] = []

    q = django_filters.CharFilter(method="titled", label="Title or code contains")
    foundation = django_filters.CharFilter(
        method="of_foundation", label="Foundation (slug), with its versions and offerings"
    )
    provider = django_filters.CharFilter(
        method="of_provider", label="Provider (slug), with all it offers"
    )
    offering = django_filters.NumberFilter(
        method="of_offering", min_value=1, max_value=2**62, label="Offering (id)"
    )

    def titled(
        self, queryset: QuerySet[FoundationRisk], name: str, value: str
    ) -> QuerySet[FoundationRisk]:
        return queryset.filter(
            Q(title__icontains=value)
            | Q(title="", template__title__icontains=value)
            | Q(template__code__icontains=value)
        )

    def of_foundation(
        self, queryset: QuerySet[FoundationRisk], name: str, value: str
    ) -> QuerySet[FoundationRisk]:
        return queryset.filter(
            _on_nodes(NodeKind.FOUNDATION, Foundation.objects.filter(slug=value))
            | _on_nodes(NodeKind.VERSION, Version.objects.filter(foundation__slug=value))
            | _on_nodes(NodeKind.OFFERING, Offering.objects.filter(version__foundation__slug=value))
        )

    def of_provider(
        self, queryset: QuerySet[FoundationRisk], name: str, value: str
    ) -> QuerySet[FoundationRisk]:
        parties = Provider.objects.filter(slug=value).order_by().values("pk")
        return queryset.filter(
            Q(node__kind__in=PARTIES, node__ref__in=parties)
            | _on_nodes(NodeKind.FOUNDATION, Foundation.objects.filter(developer__slug=value))
            | _on_nodes(NodeKind.VERSION, Version.objects.filter(foundation__developer__slug=value))
            | _on_nodes(NodeKind.OFFERING, Offering.objects.filter(host__slug=value))
            | _on_nodes(NodeKind.REGION, Region.objects.filter(host__slug=value))
        )

    def of_offering(
        self, queryset: QuerySet[FoundationRisk], name: str, value: Any
    ) -> QuerySet[FoundationRisk]:
        return queryset.filter(node__kind=NodeKind.OFFERING, node__ref=int(value))

    def being_open(
        self, queryset: QuerySet[FoundationRisk], name: str, value: bool
    ) -> QuerySet[FoundationRisk]:
        return (
            queryset.filter(FoundationRisk.OPEN) if value else queryset.exclude(FoundationRisk.OPEN)
        )


class InheritedRiskFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Form of the filters; `narrowed` returns their values as a query, since inherited risk is
    derived and has no queryset."""

    application = django_filters.CharFilter(method="later", label="Application (slug)")
    dependency = django_filters.NumberFilter(
        method="later", min_value=1, max_value=2**62, label="Dependency (id)"
    )
    risk = django_filters.NumberFilter(
        method="later", min_value=1, max_value=2**62, label="Foundation risk (id)"
    )
    team = django_filters.CharFilter(method="later", label="Team (slug), including sub-teams")
    template = django_filters.CharFilter(method="later", label="Template (code)")
    layer = django_filters.ChoiceFilter(method="later", choices=Layer.choices, label="Layer")
    state = django_filters.ChoiceFilter(
        method="later",
        choices=[(state, STATE_LABELS[state]) for state in STATES],
        label="State",
    )
    min_inherent = django_filters.NumberFilter(
        method="later", min_value=1, max_value=25, label="Minimum severity (1 to 25)"
    )
    q = django_filters.CharFilter(method="later", label="Title or code contains")
    level = django_filters.ChoiceFilter(
        method="later", choices=LEVEL_BASES, label="Basis of the level"
    )
    likelihood = django_filters.NumberFilter(
        method="later", min_value=1, max_value=5, label="Likelihood (1 to 5)"
    )
    impact = django_filters.NumberFilter(
        method="later", min_value=1, max_value=5, label="Impact (1 to 5)"
    )
    severity = django_filters.NumberFilter(
        method="later",
        min_value=1,
        max_value=5,
        label="Inherent severity (1 very low to 5 very high)",
    )
    criticality = django_filters.ChoiceFilter(
        method="later", choices=CRITICALITIES, label="Criticality"
    )
    treatment = django_filters.ChoiceFilter(
        method="later", choices=Treatment.choices, label="Treatment"
    )
    owner = django_filters.CharFilter(method="later", label="Owner (username)")
    due_before = django_filters.DateFilter(method="later", label="Due before")
    accepted_before = django_filters.DateFilter(method="later", label="Acceptance expires before")
    foundation = django_filters.CharFilter(method="later", label="From foundation (slug)")
    provider = django_filters.CharFilter(method="later", label="From provider (slug)")
    party = django_filters.CharFilter(
        method="later", label="On the provider itself or its regions (slug)"
    )
    offering = django_filters.NumberFilter(
        method="later", min_value=1, max_value=2**62, label="From offering (id)"
    )
    taxonomy = django_filters.CharFilter(method="later", label="Mapped to taxonomy (slug)")
    entry = django_filters.CharFilter(method="later", label="Mapped to entry (code)")
    node = django_filters.NumberFilter(
        method="later", min_value=1, max_value=2**62, label="From node (ID)"
    )
    alone = django_filters.BooleanFilter(method="later", label="Exclude sub-teams")

    class Meta:
        model = FoundationRisk
        fields: list[str] = []

    def later(
        self, queryset: QuerySet[FoundationRisk], name: str, value: Any
    ) -> QuerySet[FoundationRisk]:
        return queryset

    @property
    def narrowed(self) -> InheritedRiskQuery:
        """Return the values of the form as a query, without invalid ones, which the form
        reports."""
        cleaned = self.form.cleaned_data

        def text(name: str) -> str:
            return cleaned.get(name) or ""

        def number(name: str) -> int | None:
            return None if cleaned.get(name) is None else int(cleaned[name])

        criticality = text("criticality")
        values: dict[str, Any] = {name: text(name) for name in _WORDS} | {
            name: number(name) for name in _NUMBERS
        }
        return InheritedRiskQuery(
            **values,
            criticality=Criticality[criticality.upper()].value if criticality else None,
            due_before=cleaned.get("due_before"),
            accepted_before=cleaned.get("accepted_before"),
            alone=bool(cleaned.get("alone")),
        )


_WORDS = (
    "application",
    "team",
    "template",
    "layer",
    "state",
    "q",
    "level",
    "treatment",
    "owner",
    "foundation",
    "provider",
    "party",
    "taxonomy",
    "entry",
)
_NUMBERS = (
    "dependency",
    "risk",
    "min_inherent",
    "likelihood",
    "impact",
    "severity",
    "offering",
    "node",
)


class AssessmentFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="dependency__application__slug", label="Application (slug)"
    )
    dependency = django_filters.NumberFilter(field_name="dependency_id", label="Dependency (id)")
    risk = django_filters.NumberFilter(field_name="risk_id", label="Foundation risk (id)")
    template = django_filters.CharFilter(field_name="risk__template__code", label="Template (code)")
    team = django_filters.CharFilter(method="of_team", label="Team (slug), including sub-teams")
    state = django_filters.MultipleChoiceFilter(choices=Assessment.State.choices, label="State")
    treatment = django_filters.MultipleChoiceFilter(choices=Treatment.choices, label="Treatment")
    owner = django_filters.CharFilter(field_name="owner__username", label="Owner (username)")
    due_before = django_filters.DateFilter(
        field_name="due_on", lookup_expr="lt", label="Due before"
    )
    accepted_before = django_filters.DateFilter(
        method="ending_before", label="Acceptance expires before"
    )

    class Meta:
        model = Assessment
        fields: list[str] = []

    def of_team(
        self, queryset: QuerySet[Assessment], name: str, value: str
    ) -> QuerySet[Assessment]:
        top = list(Team.objects.filter(slug=value).values_list("pk", flat=True))
        return queryset.filter(dependency__application__team__in=team_and_below(team_ids=top))

    def ending_before(
        self, queryset: QuerySet[Assessment], name: str, value: date
    ) -> QuerySet[Assessment]:
        return queryset.filter(
            treatment=Treatment.ACCEPT, revoked_at__isnull=True, accepted_until__lt=value
        )


class EvidenceFilter(django_filters.FilterSet):  # type: ignore[misc]
    application = django_filters.CharFilter(
        field_name="application__slug", label="Application (slug)"
    )
    version = django_filters.CharFilter(
        field_name="version__identifier", label="Version (identifier)"
    )
    offering = django_filters.NumberFilter(field_name="offering_id", label="Offering (id)")
    template = django_filters.CharFilter(field_name="template__code", label="Template (code)")
    kind = django_filters.MultipleChoiceFilter(choices=Evidence.Kind.choices, label="Kind")
    tool = django_filters.CharFilter(label="Tool")
    run = django_filters.CharFilter(label="Run (ID in the tool)")
    passed = django_filters.BooleanFilter(label="Passed")
    failing_or_expired = django_filters.BooleanFilter(method="in_doubt", label="Failing or expired")

    class Meta:
        model = Evidence
        fields: list[str] = []

    def in_doubt(self, queryset: QuerySet[Evidence], name: str, value: bool) -> QuerySet[Evidence]:
        doubtful_ids = Evidence.objects.failing_or_expired_on(day_of(now())).values("pk")
        return (
            queryset.filter(pk__in=doubtful_ids) if value else queryset.exclude(pk__in=doubtful_ids)
        )

"""Proposed use cases: the list, with what waits for a decision first. For organisation roles."""

from collections.abc import Sequence
from operator import attrgetter

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.urls import reverse

from apps.common.text import pluralize
from apps.inventory.governance.use_cases.fields import (
    ANSWER_FIELDS,
    USE_CASE_FIELDS,
    display_answer,
)
from apps.inventory.governance.use_cases.filters import ProposedUseCaseFilter
from apps.inventory.governance.use_cases.tiers import tier_reasons
from apps.inventory.models import Application, ProposedUseCase
from apps.web.lists.columns import Column, FileColumn, format_moment, format_text
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.page import Headline

# columns of the page, which the files have already
_SHOWN = {"name", "model_text", "business_owner"}


def _build_answer_column(name: str) -> FileColumn[ProposedUseCase]:
    return FileColumn(USE_CASE_FIELDS.label(name), lambda row: display_answer(row, name))


def _describe_class(row: ProposedUseCase) -> str:
    return row.get_suggested_class_display() or "AI Act class unknown"


class UseCaseList(ListPage[ProposedUseCase, ProposedUseCase]):
    """Proposed use cases by the filters of the URL."""

    namespace = "use-cases"
    title = "Proposed use cases"
    nouns = ("proposed use case", "proposed use cases")
    counts = "Use cases proposed by the form"
    filterset_class = ProposedUseCaseFilter
    columns = (
        Column[ProposedUseCase](
            "name",
            "Use case",
            attrgetter("name"),
            note=attrgetter("reference"),
            url=lambda row: reverse("use-cases:detail", args=[row.pk]),
            order=("name", "pk"),
        ),
        Column[ProposedUseCase](
            "state",
            "State",
            ProposedUseCase.get_state_display,
            note=lambda row: str(row.decided_by or ""),
        ),
        Column[ProposedUseCase](
            "tier",
            "Risk tier",
            ProposedUseCase.get_tier_display,
            note=_describe_class,
            css=lambda row: "late" if row.is_open and row.tier == row.Tier.HIGH else "",
        ),
        Column[ProposedUseCase](
            "model", "Planned model", attrgetter("model_text"), note=attrgetter("vendor_text")
        ),
        Column[ProposedUseCase](
            "business_owner",
            "Business owner",
            attrgetter("business_owner"),
            format=lambda value: format_text(value) if value else "unknown",
            width="opt",
        ),
        Column[ProposedUseCase](
            "submitted",
            "Proposed",
            attrgetter("submitted_at"),
            format=format_moment,
            order=("-submitted_at", "-pk"),
        ),
    )
    file_columns = (
        FileColumn[ProposedUseCase]("Reference", attrgetter("reference")),
        *(_build_answer_column(name) for name in ANSWER_FIELDS if name not in _SHOWN),
        FileColumn[ProposedUseCase](
            "Suggested AI Act class", ProposedUseCase.get_suggested_class_display
        ),
        FileColumn[ProposedUseCase](
            "Reasons of the tier", lambda row: " ".join(tier_reasons(row.tier_rules))
        ),
        FileColumn[ProposedUseCase]("Version of the rules", attrgetter("tier_version")),
        FileColumn[ProposedUseCase]("Link", attrgetter("link.name")),
        FileColumn[ProposedUseCase]("Decided by", lambda row: str(row.decided_by or "")),
        FileColumn[ProposedUseCase]("Decided at", attrgetter("decided_at")),
        FileColumn[ProposedUseCase]("Reason", attrgetter("decision_reason")),
        FileColumn[ProposedUseCase](
            "Application", lambda row: row.application.slug if row.application else ""
        ),
    )
    controls = (
        FilterControl("q", "Search", "search"),
        FilterControl("state", "State", choices=ProposedUseCase.State.choices),
        FilterControl("tier", "Risk tier", choices=ProposedUseCase.Tier.choices),
        FilterControl("data_classification", "Data", choices=Application.DataClass.choices),
    )
    default_order = ("submitted", ())

    def check_access(self) -> None:
        if not self.user.can_read_all:
            raise Http404

    def get_queryset(self) -> "QuerySet[ProposedUseCase]":
        return ProposedUseCase.objects.visible_to(self.user).select_related(
            "link", "decided_by", "application"
        )

    def describe_all(self) -> Headline:
        """Return the number of undecided use cases, and how many of them are of the high tier."""
        waiting = ProposedUseCase.objects.undecided().visible_to(self.user)
        counts = waiting.aggregate(
            n=Count("pk"), n_high=Count("pk", filter=Q(tier=ProposedUseCase.Tier.HIGH))
        )
        n, n_high = counts["n"], counts["n_high"]
        if not n:
            return Headline("All proposed use cases are decided.")
        opening = pluralize(
            n, "1 proposed use case is undecided", f"{n} proposed use cases are undecided"
        )
        if not n_high:
            return Headline(f"{opening}.")
        mark = pluralize(n_high, "1 is of the high tier", f"{n_high} are of the high tier")
        return Headline(f"{opening}; ", mark, ".")

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Create link", reverse("use-case-links:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        text = (
            "Colleagues without an account propose use cases by a link. The registry assesses the "
            "risk tier, and governance decides."
        )
        if not self.user.is_governance:
            return EmptyState("No proposed use cases yet.", text)
        return EmptyState(
            "No proposed use cases yet.", text, "Create link", reverse("use-case-links:create")
        )

    def get_row_css(self, row: ProposedUseCase) -> str:
        return "" if row.is_open else "past"

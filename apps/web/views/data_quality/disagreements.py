"""Source disagreements about the retirement date of an offering: the list, the page of one with
excerpts, and the decision."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog.actions import remove_manual_fact, set_manual_fact
from apps.catalog.claims.disagreement_filters import STATES, DisagreementFilter
from apps.catalog.claims.disagreements import (
    Disagreement,
    DisagreementSide,
    count_by_source,
    disagreements,
)
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.models import Assertion, DateKind, NodeKind, Offering, Source
from apps.catalog.models.claims import Topic
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.feeds.models import PollState
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import changed_query
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.flash_messages import flash_error
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.queries import NodeReach, reach_by_ref, used_refs
from apps.web.wording import ago, day, number

# --- the table of the feeds page ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceCell:
    """Value of one source in the table; `side` is None if the source has no value."""

    side: DisagreementSide | None = None
    against: bool = False
    note: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class DisagreementRow:
    """Row of a disagreement: `cells` are (name of the source, cell) in the order of the table's
    sources, `all_cells` those with a value, highest priority first."""

    disagreement: Disagreement
    reach: NodeReach
    cells: tuple[tuple[str, SourceCell], ...]
    all_cells: tuple[SourceCell, ...]
    by_hand: SourceCell | None

    @property
    def offering(self) -> Offering:
        return self.disagreement.offering


@dataclass(frozen=True, slots=True)
class DisagreementTable:
    """Table of disagreements: `sources` are the (slug, name) of those with a value, highest
    priority first."""

    sources: tuple[tuple[str, str], ...] = ()
    rows: tuple[DisagreementRow, ...] = ()
    n_open: int = 0
    n_by_source: Mapping[str, int] = field(default_factory=dict)


def disagreement_table(
    shown_disagreements: Iterable[Disagreement], *, user: Any, at: datetime
) -> DisagreementTable:
    """Build the table; three statements: last reads, sources, and the user's applications that
    depend on the offerings."""
    shown_disagreements = list(shown_disagreements)
    read_at = dict(PollState.objects.order_by().values_list("source_id", "last_success_at"))
    source_slugs = {
        side.speaker for disagreement in shown_disagreements for side in disagreement.sides
    }
    sources = tuple(
        Source.objects.filter(slug__in=source_slugs)
        .order_by("trust_rank", "name")
        .values_list("slug", "name")
    )
    reach = reach_by_ref(
        kind=NodeKind.OFFERING,
        refs=[disagreement.offering.pk for disagreement in shown_disagreements],
        user=user,
        on=day_of(at),
    )
    rows = []
    for disagreement in shown_disagreements:
        cells = {
            side.speaker: _build_cell(disagreement, side, read_at, at)
            for side in disagreement.sides
        }
        rows.append(
            DisagreementRow(
                disagreement=disagreement,
                reach=reach.get(disagreement.offering.pk, NodeReach()),
                cells=tuple((name, cells.get(slug, SourceCell())) for slug, name in sources),
                all_cells=tuple(cells.values()),
                by_hand=_build_cell(disagreement, disagreement.by_hand, read_at, at)
                if disagreement.by_hand
                else None,
            )
        )
    return DisagreementTable(sources, tuple(rows))


def _build_cell(
    disagreement: Disagreement,
    side: DisagreementSide,
    read_at: Mapping[int, datetime | None],
    at: datetime,
) -> SourceCell:
    is_against = disagreement.stands_against(side)
    note = ""
    if side.source_claim.in_doubt:
        note = "in doubt: its source now has another value"
    elif side.is_soft and not is_against and side != disagreement.accepted:
        note = "compatible: an earliest date"
    return SourceCell(
        side, is_against, note, _describe_last_seen(side, read_at.get(side.claim.source_id), at)
    )


def _describe_last_seen(side: DisagreementSide, read_at: datetime | None, at: datetime) -> str:
    claim = side.claim
    if side.is_built_in:
        return f"built in, as of {day(day_of(claim.changed_at))}"
    if claim.source.slug == MANUAL:
        return f"{claim.asserted_by or 'a person'}, {day(day_of(claim.changed_at))}"
    if claim.missing_since:
        return f"not in the feed since {day(day_of(claim.missing_since))}"
    return f"seen {ago(read_at, at=at)}" if read_at else ""


def latest_disagreements(*, user: Any, at: datetime, limit: int = 6) -> DisagreementTable:
    """Return the newest open disagreements about offerings that applications of `user` depend on,
    with the number of all such disagreements and their number by source."""
    open_disagreements = disagreements(at=at)
    used_ids = set(
        used_refs(
            kind=NodeKind.OFFERING,
            user=user,
            on=day_of(at),
            among=[row.offering.pk for row in open_disagreements],
        )
    )
    disagreements_in_use = [row for row in open_disagreements if row.offering.pk in used_ids]
    newest = sorted(
        disagreements_in_use, key=lambda row: (row.since, row.offering.pk), reverse=True
    )[:limit]
    table = disagreement_table(newest, user=user, at=at)
    return DisagreementTable(
        table.sources,
        table.rows,
        len(disagreements_in_use),
        count_by_source(open_disagreements=disagreements_in_use),
    )


# --- the list of dates ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SideRow:
    """Retirement date of one source. The offering is written in the first row of its disagreement
    only."""

    disagreement: Disagreement
    side: DisagreementSide
    cell: SourceCell
    reach: NodeReach
    is_first: bool

    @property
    def offering(self) -> Offering:
        return self.disagreement.offering

    @property
    def is_override(self) -> bool:
        return self.side == self.disagreement.by_hand

    @property
    def is_accepted(self) -> bool:
        return self.side == self.disagreement.accepted

    @property
    def source_name(self) -> str:
        return "Manual override" if self.is_override else self.side.name

    @property
    def offering_note(self) -> str:
        if not self.is_first:
            return ""
        scope = (self.offering.region_scope, self.offering.service_tier)
        is_new = self.disagreement.is_new and self.disagreement.state == "open"
        apart = f"{number(self.disagreement.n_days)} days apart"
        notes = (f"on {self.offering.host.name}", *scope, apart, "new" if is_new else "")
        return ", ".join(filter(None, notes))

    @property
    def date_note(self) -> str:
        if self.cell.against:
            return "contradicts the accepted date"
        if self.is_accepted:
            return "accepted"
        return self.cell.note or ("earliest date" if self.side.is_soft else "")

    @property
    def accepted_note(self) -> str:
        return self.disagreement.reason if self.is_first else ""


def _css_of_first(css: str = "") -> Callable[[SideRow], str]:
    """Return the class of what only the first row of a disagreement shows."""
    return lambda row: css if row.is_first else "vh"


class DisagreementList(ListPage[Offering, SideRow]):
    """Offerings whose sources disagree about the retirement date; open ones in use, unless the URL
    says otherwise. With a row for each source."""

    namespace = "disagreements"
    title = "Source disagreements"
    nouns = ("disagreement", "disagreements")
    counts = "Applications you can view that depend on the offering"
    filterset_class = DisagreementFilter
    columns = (
        Column[SideRow](
            "api_id",
            "Model ID",
            attrgetter("offering.api_id"),
            note=attrgetter("offering_note"),
            url=lambda row: reverse("disagreements:detail", args=[row.offering.pk]),
            css=_css_of_first("id"),
            order=("api_id", "host__name", "pk"),
        ),
        Column[SideRow](
            "source", "Source", attrgetter("source_name"), note=attrgetter("cell.seen")
        ),
        Column[SideRow](
            "date",
            "Retirement date",
            attrgetter("side.day"),
            format=lambda value: format_day(value) if value else "no date",
            note=attrgetter("date_note"),
            css=lambda row: "bad" if row.cell.against else "",
        ),
        Column[SideRow](
            "ends",
            "Accepted date",
            attrgetter("offering.retires_on"),
            format=format_day,
            note=attrgetter("accepted_note"),
            css=_css_of_first(),
            order=("retires_on", "api_id", "pk"),
        ),
        Column[SideRow](
            "published",
            "Published at",
            attrgetter("side.claim.source_url"),
            width="whole",
            template="feeds/disagreement-excerpt.html",
        ),
        Column[SideRow](
            "applications",
            "Applications",
            attrgetter("reach.n"),
            format=format_number,
            css=_css_of_first(),
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[SideRow]("Host", attrgetter("offering.host.name")),
        FileColumn[SideRow]("State", attrgetter("disagreement.state")),
        FileColumn[SideRow]("Days apart", attrgetter("disagreement.n_days")),
        FileColumn[SideRow]("Since", attrgetter("disagreement.since")),
        FileColumn[SideRow]("Row of the feed", attrgetter("side.claim.external_id")),
        FileColumn[SideRow]("Type of date", lambda row: _describe_date_kind(row.side)),
        FileColumn[SideRow]("First seen", attrgetter("side.claim.first_seen")),
        FileColumn[SideRow]("Last change", attrgetter("side.claim.changed_at")),
        FileColumn[SideRow]("Missing since", attrgetter("side.claim.missing_since")),
        FileColumn[SideRow]("Accepted", attrgetter("is_accepted")),
        FileColumn[SideRow](
            "Type of the accepted date", lambda row: row.offering.get_date_kind_display()
        ),
        FileColumn[SideRow]("Reason", attrgetter("disagreement.reason")),
    )
    default_filters = {"state": "open", "in_use": "true"}
    default_order = ("ends", ())
    page_size = 25

    @cached_property
    def only_used(self) -> bool:
        return self.request.GET.get("in_use", self.default_filters["in_use"]) == "true"

    @cached_property
    def is_filtered(self) -> bool:
        return self.listing.is_filtered

    @cached_property
    def by_offering_id(self) -> Mapping[int, Disagreement]:
        return {row.offering.pk: row for row in disagreements(open_only=False, at=self.at)}

    @cached_property
    def used_ids(self) -> frozenset[int]:
        """The offerings on which visible applications depend."""
        return frozenset(
            used_refs(
                kind=NodeKind.OFFERING, user=self.user, on=self.today, among=self.by_offering_id
            )
        )

    def count(self, state: str, *, only_used: bool) -> int:
        return sum(
            row.state == state and (pk in self.used_ids or not only_used)
            for pk, row in self.by_offering_id.items()
        )

    def get_filterset_arguments(self) -> Mapping[str, Any]:
        return {"disagreements_by_id": self.by_offering_id}

    def get_queryset(self) -> "QuerySet[Offering]":
        ids = self.used_ids if self.only_used else self.by_offering_id
        return Offering.objects.visible_to(self.user).filter(pk__in=ids)

    def build_rows(self, records: Sequence[Offering]) -> Sequence[SideRow]:
        read_at = dict(PollState.objects.order_by().values_list("source_id", "last_success_at"))
        shown = [self.by_offering_id[offering.pk] for offering in records]
        reach = reach_by_ref(
            kind=NodeKind.OFFERING,
            refs=[row.offering.pk for row in shown],
            user=self.user,
            on=self.today,
        )
        return [
            SideRow(
                disagreement,
                side,
                _build_cell(disagreement, side, read_at, self.at),
                reach.get(disagreement.offering.pk, NodeReach()),
                is_first=place == 0,
            )
            for disagreement in shown
            for place, side in enumerate(
                (
                    *([disagreement.by_hand] if disagreement.by_hand else []),
                    *disagreement.sides,
                )
            )
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        all_disagreements = self.by_offering_id.values()
        return (
            FilterControl("q", "Model ID contains", "search"),
            FilterControl(
                "host", "Host", choices=_list_hosts(row.offering for row in all_disagreements)
            ),
            FilterControl("source", "Source", choices=_list_sources(all_disagreements)),
            FilterControl("state", "State", choices=STATES),
            FilterControl("in_use", "In use", choices=BOOLEANS[:1]),
        )

    def get_lead(self) -> Headline:
        """Return the disagreements that match, or the largest one among offerings in use."""
        if not self.by_offering_id:
            return Headline("Sources agree about all retirement dates.")
        if self.is_filtered:
            return self.describe_matches()
        n_used, n_open = self.count("open", only_used=True), self.count("open", only_used=False)
        if not n_open:
            return Headline("Every disagreement between sources is resolved.")
        offerings = pluralize(n_open, "1 offering", f"{number(n_open)} offerings")
        start = f"Sources disagree about the retirement date of {offerings}"
        if not n_used:
            return Headline(f"{start}; your applications depend on none of them.")
        if not self.only_used:
            verb = pluralize(n_used, "is", "are")
            return Headline(f"{start}; ", f"{number(n_used)} {verb} in use", ".")
        shown = [self.by_offering_id[offering.pk] for offering in self.listing.rows]
        max_days_apart = max((row.n_days for row in shown), default=0)
        return Headline(
            "Sources disagree about the retirement date of ",
            pluralize(n_used, "1 offering in use", f"{number(n_used)} offerings in use"),
            f", by {'up to ' if n_used > 1 else ''}{number(max_days_apart)} days.",
        )

    def get_basis(self) -> str:
        n_used, n_open = self.count("open", only_used=True), self.count("open", only_used=False)
        n_past = self.count("past", only_used=False)
        verb = pluralize(n_past, "needs", "need")
        past = (
            f" {number(n_past)} with dates of more than a year ago {verb} no decision."
            if n_past
            else ""
        )
        return (
            f"{number(n_used)} of {number(n_open)} open disagreements are about an offering in "
            f"use.{past} The source with the highest priority is accepted, then an announced date."
        )

    def get_actions(self) -> Sequence[PageAction]:
        actions = []
        n_open = self.count("open", only_used=False)
        if self.only_used and n_open > self.count("open", only_used=True):
            actions.append(PageAction("View all offerings", self._query(in_use="")))
        if self.count("past", only_used=False):
            actions.append(
                PageAction("View past disagreements", self._query(state="past", in_use=""))
            )
        return actions

    def _query(self, **changes: str) -> str:
        return changed_query(self.request, page=None, **changes)

    def get_empty_state(self) -> EmptyState:
        n_open = self.count("open", only_used=False)
        if n_open:
            return EmptyState(
                "No disagreements about offerings in use.",
                f"Sources disagree about {pluralize(n_open, '1 offering', f'{n_open} offerings')} "
                "on which your applications do not depend.",
                "View all offerings",
                self._query(in_use=""),
            )
        return EmptyState(
            "No two sources contradict each other.",
            "If two sources have different retirement dates for one offering, both are listed here "
            "with what they published, and you decide. That needs at least two polled feeds.",
            "View feeds",
            reverse("feeds:list"),
        )


def _list_hosts(offerings: Iterable[Offering]) -> list[tuple[str, str]]:
    return sorted({(row.host.slug, row.host.name) for row in offerings}, key=lambda host: host[1])


def _list_sources(all_disagreements: Iterable[Disagreement]) -> list[tuple[str, str]]:
    return sorted(
        {
            (side.speaker, side.name)
            for disagreement in all_disagreements
            for side in disagreement.sides
        },
        key=lambda source: source[1],
    )


def _describe_date_kind(side: DisagreementSide) -> str:
    if side.day is None:
        return "no date"
    return DateKind.NOT_BEFORE.label if side.is_soft else DateKind.FIRM.label


# --- one disagreement, and the decision -----------------------------------------------------------


class DecisionForm(forms.Form):
    """Form of the decision on a retirement date: the date of one side, or another date. The
    decision outranks every source until removed."""

    choice = forms.CharField(required=False, max_length=20)
    retires_on = DayField(label="Another date", required=False)
    date_kind = forms.ChoiceField(
        label="This date is", choices=[("", "–"), *DateKind.choices], required=False
    )
    reason = forms.CharField(
        label="Reason",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Source of the information.",
        error_messages={"required": "Enter a reason with the source of the information."},
    )

    def __init__(self, *args: Any, sides: Iterable[DisagreementSide], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sides = {str(side.claim.pk): side for side in sides if side.day}
        self.value: dict[str, Any] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        choice, other_date = cleaned.get("choice") or "", cleaned.get("retires_on")
        if choice == "other" or (not choice and other_date):
            if other_date and not cleaned.get("date_kind"):
                self.add_error(
                    "date_kind",
                    "Select whether the date is announced or the earliest possible date.",
                )
            elif not other_date and "retires_on" not in self.errors:
                self.add_error("retires_on", "Enter the date.")
            self.value = {"retires_on": other_date, "date_kind": cleaned.get("date_kind")}
        elif choice in self.sides:
            side = self.sides[choice]
            self.value = {**side.source_claim.value, "source_url": side.claim.source_url}
        else:
            self.add_error(None, "Select one of the dates, or enter another.")
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
def disagreement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show all sides of a disagreement with their excerpts; POST decides. If the sources agree
    again, redirect to the offering's page."""
    at = now()
    offering = get_object_or_404(
        Offering.objects.visible_to(request.user).select_related("host"), pk=pk
    )
    disagreement = next(iter(disagreements([offering.pk], open_only=False, at=at)), None)
    if disagreement is None:
        if request.method == "POST":
            flash_error(
                request, "The sources now agree, so nothing was changed. Review the dates again."
            )
        return redirect("offerings:detail", pk=pk)
    user = signed_in_user(request)
    if request.method == "POST":
        governance_user(request, "You need the governance role to resolve source disagreements.")
    return action_view(
        request,
        form=lambda: DecisionForm(
            request.POST or None,
            sides=disagreement.sides,
            initial={"choice": request.GET.get("side", "")},
        ),
        action=lambda form: set_manual_fact(
            offering=offering, value=form.value, by=user, reason=form.cleaned_data["reason"]
        ),
        done="Decision saved. It has precedence over every feed until it is removed.",
        back=reverse("disagreements:detail", args=[pk]),
        page=lambda form: _render_disagreement(request, disagreement, form, at),
    )


def _render_disagreement(
    request: HttpRequest, disagreement: Disagreement, form: DecisionForm, at: datetime
) -> HttpResponse:
    table = disagreement_table([disagreement], user=request.user, at=at)
    return render_page(
        request,
        "feeds/disagreement.html",
        title=disagreement.offering.api_id,
        crumbs=(
            ("Feeds", reverse("feeds:list")),
            ("Source disagreements", reverse("disagreements:list")),
        ),
        counts="Your active applications that depend on the offering",
        as_of=at,
        offering=disagreement.offering,
        found=disagreement,
        row=table.rows[0],
        sentence=_build_detail_headline(disagreement, day_of(at)),
        form=form,
        may_decide=signed_in_user(request).is_governance,
    )


def _build_detail_headline(disagreement: Disagreement, today: date) -> Headline:
    """Return the headline of one disagreement: the date that applies, and who decided it."""
    offering = disagreement.offering
    offering_text = f"{offering.api_id} on {offering.host.name}"
    if disagreement.by_hand is not None:
        decider = disagreement.by_hand.claim.asserted_by or "a user"
        decision_text = (
            f"the accepted retirement date is {day(disagreement.by_hand.day, today=today)}"
            if disagreement.by_hand.day
            else "no retirement date is accepted"
        )
        return Headline(
            f"{offering_text}: {decision_text}, decided by {decider}. The sources are ",
            f"{number(disagreement.n_days)} days apart",
            ".",
        )
    return Headline(
        f"Sources disagree about the retirement date of {offering_text} ",
        f"by {number(disagreement.n_days)} days",
        ".",
    )


class RemovalForm(forms.Form):
    """Reason for the removal of a decision."""

    reason = forms.CharField(
        error_messages={
            "required": "Enter a reason for removing the override. The value still applies."
        }
    )


@require_POST
def remove_override(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo a decision: the sources determine the date again."""
    user = governance_user(request, "You need the governance role to revoke a decision.")
    assertion = get_object_or_404(
        Assertion.objects.standing().select_related("source"),
        source__slug=MANUAL,
        topic=Topic.LIFECYCLE,
        offering=pk,
    )
    return action_view(
        request,
        form=lambda: RemovalForm(request.POST),
        action=lambda form: remove_manual_fact(
            assertion=assertion, by=user, reason=form.cleaned_data["reason"]
        ),
        done="Override removed. The sources determine the date again. The history keeps your "
        "decision.",
        back=reverse("disagreements:detail", args=[pk]),
    )

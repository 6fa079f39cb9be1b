"""Source disagreements about the retirement date of an offering: the list, the page of one with
excerpts, and the decision."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.actions import InvalidFactError, remove_manual_fact, set_manual_fact
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
from apps.common.time import day_of, now
from apps.feeds.models import PollState
from apps.web.pages.filter_controls import BOOLEANS, FilterControl, build_filter_controls
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.list_page import PaginatedList, Sorting, changed_query, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.queries import NodeReach, reach_by_ref, used_refs
from apps.web.wording import ago, as_word, count_of, day, number

PAGE_SIZE = 25
ORDERS = Sorting(
    {
        "ends": ("Accepted", ("retires_on", "api_id", "pk")),
        "api_id": ("Offering", ("api_id", "host__name", "pk")),
    }
)
# filters that apply unless the URL sets them
DEFAULT_STATE = {"state": "open", "in_use": "true"}


# --- the table, on its own page and on that of the feeds ------------------------------------------


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

    @property
    def n_columns(self) -> int:
        return len(self.sources) + 5


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


# --- ends: the list -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DisagreementQuery:
    """All disagreements, and the offerings that the URL selects; with `only_used` without offerings
    that no application depends on."""

    by_offering_id: Mapping[int, Disagreement]
    used_ids: frozenset[int]
    only_used: bool
    filterset: DisagreementFilter
    queryset: "QuerySet[Offering]"

    def count(self, state: str, *, only_used: bool) -> int:
        return sum(
            row.state == state and (pk in self.used_ids or not only_used)
            for pk, row in self.by_offering_id.items()
        )


def _parse_query(request: HttpRequest, at: datetime) -> DisagreementQuery:
    """Return the disagreements that match the URL. The offerings in use are those of visible
    applications."""
    disagreements_by_id = {row.offering.pk: row for row in disagreements(open_only=False, at=at)}
    used_ids = frozenset(
        used_refs(
            kind=NodeKind.OFFERING,
            user=signed_in_user(request),
            on=day_of(at),
            among=disagreements_by_id,
        )
    )
    data = request.GET.copy()
    for name, value in DEFAULT_STATE.items():
        data.setdefault(name, value)
    offerings = Offering.objects.visible_to(request.user).filter(pk__in=disagreements_by_id)
    only_used = data["in_use"] == "true"
    if only_used:
        offerings = offerings.filter(pk__in=used_ids)
    filterset = DisagreementFilter(
        data, offerings, request=request, disagreements_by_id=disagreements_by_id
    )
    return DisagreementQuery(
        disagreements_by_id, used_ids, only_used, filterset, ORDERS.apply(request, filterset.qs)
    )


@require_safe
def disagreement_list(request: HttpRequest) -> HttpResponse:
    """Show the offerings whose sources disagree about the retirement date."""
    at = now()
    query = _parse_query(request, at)
    listing = PaginatedList(request, query.queryset, size=PAGE_SIZE)
    shown_disagreements = [query.by_offering_id[row.pk] for row in listing.rows]
    return render_page(
        request,
        "feeds/disagreements.html",
        fragment="listing",
        title="Source disagreements",
        counts="Live applications of yours standing on the offering",
        as_of=at,
        sentence=_build_list_headline(query, listing, shown_disagreements),
        filters=build_filter_controls(
            request,
            query.filterset,
            [
                FilterControl("q", "API id contains", "search"),
                FilterControl(
                    "host",
                    "Host",
                    choices=_list_hosts(row.offering for row in query.by_offering_id.values()),
                ),
                FilterControl(
                    "source", "Source", choices=_list_sources(query.by_offering_id.values())
                ),
                FilterControl("state", "State", choices=STATES),
                FilterControl("in_use", "Stood on here", choices=BOOLEANS[:1]),
            ],
            default_values=DEFAULT_STATE,
        ),
        listing=listing,
        disagreement_columns=ORDERS.columns(request),
        disagreements=disagreement_table(shown_disagreements, user=request.user, at=at),
        with_excerpts=True,
        n_open=query.count("open", only_used=False),
        n_used=query.count("open", only_used=True),
        n_past=query.count("past", only_used=False),
        all_query=changed_query(request, in_use="", page=None),
        past_query=changed_query(request, state="past", in_use="", page=None),
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


def _build_list_headline(
    query: DisagreementQuery,
    listing: PaginatedList[Offering],
    shown_disagreements: list[Disagreement],
) -> Headline:
    """Return the headline of the list: the number of disagreements, and the largest one among
    offerings in use."""
    if not query.by_offering_id:
        return Headline("No source contradicts another about when an offering ends.")
    if listing.is_filtered:
        n = listing.n_found
        return Headline(
            f"{count_of(n, 'disagreement').capitalize()} {'matches' if n == 1 else 'match'} the "
            "filters."
        )
    n_used, n_open = query.count("open", only_used=True), query.count("open", only_used=False)
    if not n_open:
        return Headline("Every disagreement between sources has been decided.")
    offerings = count_of(n_open, "offering")
    if not n_used:
        return Headline(
            f"Sources disagree about the end of {offerings}; no application of yours stands on "
            f"{'it' if n_open == 1 else 'any of them'}."
        )
    if not query.only_used:
        return Headline(
            f"Sources disagree about the end of {offerings}; ",
            f"your applications stand on {as_word(n_used)}",
            " of them." if n_open > 1 else ".",
        )
    max_days_apart = max((row.n_days for row in shown_disagreements), default=0)
    return Headline(
        "Sources disagree about the end of ",
        f"{count_of(n_used, 'offering')} your applications stand on",
        f", by {'up to ' if n_used > 1 else ''}{number(max_days_apart)} days.",
    )


@require_safe
def disagreement_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send a row for each claim of each disagreement that the page would show."""
    at = now()
    query = _parse_query(request, at)
    reach = reach_by_ref(
        kind=NodeKind.OFFERING, refs=query.used_ids, user=request.user, on=day_of(at)
    )

    def lines() -> Iterator[tuple[Disagreement, DisagreementSide]]:
        for pk in query.queryset.values_list("pk", flat=True):
            disagreement = query.by_offering_id[pk]
            for side in (
                *([disagreement.by_hand] if disagreement.by_hand else []),
                *disagreement.sides,
            ):
                yield disagreement, side

    def cells(line: tuple[Disagreement, DisagreementSide]) -> list[Any]:
        disagreement, side = line
        offering, claim = disagreement.offering, side.claim
        return [
            offering.host.name,
            offering.api_id,
            disagreement.state,
            disagreement.n_days,
            disagreement.since,
            side.name,
            claim.external_id,
            side.day,
            _describe_date_kind(side),
            side.claim.first_seen,
            claim.changed_at,
            claim.missing_since,
            "yes" if side == disagreement.accepted else "",
            claim.source_url,
            offering.retires_on,
            offering.get_date_kind_display(),
            disagreement.reason,
            reach.get(offering.pk, NodeReach()).n,
        ]

    heads = [
        "host",
        "api id",
        "state",
        "days apart",
        "since",
        "source",
        "row",
        "says",
        "kind of day",
        "first seen",
        "last change",
        "missing since",
        "counts",
        "published at",
        "accepted",
        "kind of accepted day",
        "why",
        "applications",
    ]
    return csv_response("disagreements", heads, lines(), cells)


def _describe_date_kind(side: DisagreementSide) -> str:
    if side.day is None:
        return "no date"
    return DateKind.NOT_BEFORE.label if side.is_soft else DateKind.FIRM.label


# --- ends: one disagreement, and the decision -----------------------------------------------------


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
        if request.method != "POST":
            return redirect("offerings:detail", pk=pk)
        messages.error(
            request, "The sources now agree, so nothing was changed. Review the dates again."
        )
        return redirect("offerings:detail", pk=pk)
    form = DecisionForm(
        request.POST or None,
        sides=disagreement.sides,
        initial={"choice": request.GET.get("side", "")},
    )
    if request.method == "POST":
        user = governance_user(
            request, "You need the governance role to resolve source disagreements."
        )
        if form.is_valid():
            try:
                set_manual_fact(
                    offering=offering, value=form.value, by=user, reason=form.cleaned_data["reason"]
                )
            except InvalidFactError as error:
                form.add_error(None, str(error))
            else:
                messages.success(
                    request, "Decided. Your day stands until it is lifted; it outranks every feed."
                )
                return redirect("disagreements:detail", pk=pk)
    table = disagreement_table([disagreement], user=request.user, at=at)
    return render_page(
        request,
        "feeds/disagreement.html",
        title=offering.api_id,
        crumbs=(
            ("Feeds", reverse("feeds:list")),
            ("Source disagreements", reverse("disagreements:list")),
        ),
        counts="Live applications of yours standing on the offering",
        as_of=at,
        status=422 if form.errors else 200,
        offering=offering,
        found=disagreement,
        row=table.rows[0],
        sentence=_build_detail_headline(disagreement, day_of(at)),
        form=form,
        may_decide=signed_in_user(request).is_governance,
    )


def _build_detail_headline(disagreement: Disagreement, today: date) -> Headline:
    """Return the headline of one disagreement: the date that applies, and who decided it."""
    offering = disagreement.offering
    offering_text = f"{offering.api_id} at {offering.host.name}"
    if disagreement.by_hand is not None:
        decider = disagreement.by_hand.claim.asserted_by or "a person"
        decision_text = (
            f"{day(disagreement.by_hand.day, today=today)} holds"
            if disagreement.by_hand.day
            else "no date is known"
        )
        return Headline(
            f"{offering_text}: {decision_text}, decided by {decider} between days ",
            f"{number(disagreement.n_days)} days apart",
            ".",
        )
    return Headline(
        f"Sources disagree about the end of {offering_text} ",
        f"by {number(disagreement.n_days)} days",
        ".",
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
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(
            request, "Enter a reason for removing the override. The value still applies."
        )
    else:
        remove_manual_fact(assertion=assertion, by=user, reason=reason)
        messages.success(
            request, "Lifted. The sources settle the day again; your decision stays on record."
        )
    return redirect("disagreements:detail", pk=pk)

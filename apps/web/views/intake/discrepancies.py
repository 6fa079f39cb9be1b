"""Discrepancies between declared and observed usage: one list, with single and bulk responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, DomainError
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.intake.filters import DiscrepancyFilter
from apps.intake.models import Discrepancy
from apps.intake.observations.discrepancy_responses import (
    declare_discrepancies,
    dismiss_discrepancies,
    end_discrepancies,
    reopen_discrepancies,
)
from apps.intake.queries import open_by_kind
from apps.inventory.models import CRITICALITY_WORDS
from apps.web.lists.columns import Column, FileColumn, format_ago
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline
from apps.web.views.intake import presenters
from apps.web.views.undo import return_path
from apps.web.wording import bounded_number, day, number

MAX_SELECTED = 200
MAX_COUNTED = 1000
QUIET_DAYS = 90
MAX_REFUSALS = 5
_UNTIL_REQUIRED = "Enter the date until which it is dismissed, such as 2026-12-24."


@dataclass(frozen=True, slots=True)
class DiscrepancyRow:
    """Discrepancy: `finding` is the predicate, its subject being the application; `can_respond`
    whether the user may respond."""

    discrepancy: Discrepancy
    finding: str
    state: str
    can_respond: bool


def _build_row(discrepancy: Discrepancy, user: User) -> DiscrepancyRow:
    can_respond = discrepancy.closed_at is None and user.may(
        TeamRole.EDITOR, discrepancy.application.team_id
    )
    return DiscrepancyRow(
        discrepancy,
        presenters.describe_discrepancy(discrepancy),
        presenters.STATES[discrepancy.closed_as or "open"],
        can_respond,
    )


def _describe_next_step(row: DiscrepancyRow) -> str:
    """Return what the team should do about an open discrepancy, and its environment."""
    discrepancy = row.discrepancy
    action = ""
    if discrepancy.closed_at is None:
        action = presenters.describe_action(discrepancy.kind, discrepancy.details)
    return " ".join(filter(None, (action, discrepancy.details.get("environment", ""))))


def _describe_closing(row: DiscrepancyRow) -> str:
    discrepancy = row.discrepancy
    if discrepancy.closed_at is None:
        return ""
    texts = [day(day_of(discrepancy.closed_at)), str(discrepancy.closed_by or "")]
    if discrepancy.quiet_until:
        texts.append(f"until {day(discrepancy.quiet_until)}")
    closing = ", ".join(filter(None, texts))
    return f"{closing}: {discrepancy.reason}" if discrepancy.reason else closing


def _build_detail_column(header: str, *names: str) -> FileColumn[DiscrepancyRow]:
    """Return a column of the first of the recorded details that exists."""
    return FileColumn(
        header,
        lambda row: next(
            (row.discrepancy.details[name] for name in names if name in row.discrepancy.details), ""
        ),
    )


class DiscrepancyList(ListPage[Discrepancy, DiscrepancyRow]):
    """Discrepancies of visible applications by the filters of the URL, latest first; only open ones
    unless it names a state."""

    namespace = "discrepancies"
    title = "Discrepancies"
    nouns = ("discrepancy", "discrepancies")
    crumbs = (("Observed usage", "connections:list"),)
    counts = "Discrepancies of your applications"
    filterset_class = DiscrepancyFilter
    slug_filters = ("application", "team")
    columns = (
        Column[DiscrepancyRow](
            "application",
            "Application",
            attrgetter("discrepancy.application.name"),
            note=lambda row: (
                f"{row.discrepancy.application.get_criticality_display()}, "
                f"{row.discrepancy.application.team.name}"
            ),
            url=lambda row: (
                reverse("applications:detail", args=[row.discrepancy.application.slug])
                + "?tab=dependencies#seen"
            ),
        ),
        Column[DiscrepancyRow]("type", "Type", lambda row: presenters.KINDS[row.discrepancy.kind]),
        Column[DiscrepancyRow](
            "finding",
            "Finding",
            attrgetter("finding"),
            format=lambda text: f"{text[:1].upper()}{text[1:]}.",
            note=_describe_next_step,
            width="whole",
        ),
        Column[DiscrepancyRow](
            "found", "Found", attrgetter("discrepancy.opened_at"), format=format_ago
        ),
        Column[DiscrepancyRow]("state", "State", attrgetter("state"), note=_describe_closing),
    )
    file_columns = (
        FileColumn[DiscrepancyRow]("Application ID", attrgetter("discrepancy.application.slug")),
        FileColumn[DiscrepancyRow]("Team", attrgetter("discrepancy.application.team.name")),
        FileColumn[DiscrepancyRow](
            "Criticality", lambda row: row.discrepancy.application.get_criticality_display()
        ),
        _build_detail_column("Requested alias", "asked"),
        _build_detail_column("Model ID", "api_id", "called"),
        _build_detail_column("Host", "host"),
        _build_detail_column("Declared or earlier", "was", "stands_for"),
        _build_detail_column("Observed now", "now"),
        _build_detail_column("Environment", "environment"),
        FileColumn[DiscrepancyRow]("Closed", attrgetter("discrepancy.closed_at")),
        FileColumn[DiscrepancyRow]("Closed by", lambda row: str(row.discrepancy.closed_by or "")),
        FileColumn[DiscrepancyRow]("Reason", attrgetter("discrepancy.reason")),
        FileColumn[DiscrepancyRow]("Dismissed until", attrgetter("discrepancy.quiet_until")),
    )
    controls = (
        FilterControl("kind", "Type", choices=list(presenters.KINDS.items())),
        FilterControl("state", "State", choices=list(presenters.STATES.items())),
        FilterControl("application", "Application", "text"),
        FilterControl("team", "Team", "text"),
        FilterControl("criticality", "Criticality", choices=CRITICALITY_WORDS),
    )
    default_filters = {"state": "open"}
    default_order = ("", ("-opened_at", "-pk"))
    bulk_template = "intake/discrepancies-bulk.html"

    def get_queryset(self) -> "QuerySet[Discrepancy]":
        discrepancies = Discrepancy.objects.visible_to(self.user)
        return discrepancies.select_related("application__team", "dependency", "closed_by")

    def build_rows(self, records: Sequence[Discrepancy]) -> Sequence[DiscrepancyRow]:
        return [_build_row(discrepancy, self.user) for discrepancy in records]

    def get_lead(self) -> Headline:
        """Return the discrepancies that match, or those of undeclared use."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("Observed and declared usage agree.")
        verb = pluralize(self.listing.n_found, "is", "are")
        n = open_by_kind(self.user, max_count=MAX_COUNTED).get(Discrepancy.Kind.SHADOW, 0)
        if not n:
            return Headline(f"{self.count_records()} {verb} open.")
        formatted_n = bounded_number(n, MAX_COUNTED)
        undeclared = pluralize(n, "is an undeclared use", "are undeclared uses")
        return Headline(f"{self.count_records()} {verb} open; ", f"{formatted_n} {undeclared}", ".")

    def get_basis(self) -> str:
        return format_html(
            "Discrepancies change no dependency: a team editor responds to them. The registry "
            'compares every 10 minutes. <a href="{}?kind=usage_discrepancy">View discrepancies in '
            "Work, with their owners</a>.",
            reverse("issues:list"),
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "Observed and declared usage agree.",
            "An undeclared model, a declared model without calls, version drift, or a retired "
            "application that still calls is listed here until its team responds.",
            "View connections",
            reverse("connections:list"),
        )

    def get_selection_key(self, row: DiscrepancyRow) -> str:
        return str(row.discrepancy.pk) if row.can_respond else ""

    def get_selection_label(self, row: DiscrepancyRow) -> str:
        return f"{row.discrepancy.application.name} {row.finding}"

    def get_context(self) -> Mapping[str, Any]:
        return {
            "first_day": self.today + timedelta(days=1),
            "usual_day": self.today + timedelta(days=QUIET_DAYS),
        }


# --- responses ------------------------------------------------------------------------------------


class ResponseForm(forms.Form):
    action = forms.ChoiceField(
        choices=[("declare", ""), ("end", ""), ("dismiss", "")],
        error_messages=dict.fromkeys(
            ("required", "invalid_choice"),
            "Select a response: declare, end, or dismiss until a date.",
        ),
    )
    until = DayField(required=False, error_messages={"invalid": _UNTIL_REQUIRED})
    reason = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("action") == "dismiss" and not cleaned.get("until", True):
            self.add_error("until", _UNTIL_REQUIRED)
        return cleaned


@require_POST
def respond_to_discrepancies(request: HttpRequest) -> HttpResponse:
    """Declare, end or dismiss the selected discrepancies."""
    user = signed_in_user(request)
    return action_view(
        request,
        form=lambda: ResponseForm(request.POST),
        action=lambda form: _respond(request.POST.getlist("pick"), form, user),
        done=lambda confirmation: confirmation,
        back=return_path(request, reverse("discrepancies:list")),
    )


def _respond(raw_ids: list[str], form: ResponseForm, user: User) -> Confirmation:
    discrepancies = _select_discrepancies(raw_ids, user, is_open=True)
    if not discrepancies:
        raise DomainError(
            "Select at least one discrepancy. Those that another user has resolved are left out."
        )
    reason, at = form.cleaned_data["reason"][:500], now()
    undo: Any = current_change_id()
    match form.cleaned_data["action"]:
        case "declare":
            result = declare_discrepancies(
                discrepancies=discrepancies, by=user, at=at, reason=reason
            )
            message = pluralize(
                result.done, "{n} dependency declared.", "{n} dependencies declared."
            )
        case "end":
            result = end_discrepancies(discrepancies=discrepancies, by=user, at=at, reason=reason)
            message = pluralize(result.done, "{n} dependency ended.", "{n} dependencies ended.")
        case _:
            until = form.cleaned_data["until"]
            result = dismiss_discrepancies(
                discrepancies=discrepancies, until=until, reason=reason, by=user, at=at
            )
            message = pluralize(
                result.done,
                f"{{n}} discrepancy dismissed until {day(until)}.",
                f"{{n}} discrepancies dismissed until {day(until)}.",
            )
            query = urlencode({"pick": [row.pk for row in discrepancies]}, doseq=True)
            undo = f"{reverse('discrepancies:reopen')}?{query}"
    refusals = list(result.refused[:MAX_REFUSALS])
    if n_more := len(result.refused) - len(refusals):
        refusals.append(f"{number(n_more)} more could not be resolved this way.")
    return Confirmation(
        message.format(n=number(result.done)) if result.done else "", undo, refusals=refusals
    )


@require_POST
def reopen_dismissed(request: HttpRequest) -> HttpResponse:
    """Reopen discrepancies that were dismissed."""
    user = signed_in_user(request)

    def reopen(_form: forms.Form) -> int:
        discrepancies = _select_discrepancies(request.GET.getlist("pick"), user, is_open=False)
        n = reopen_discrepancies(discrepancies=discrepancies, by=user)
        if not n:
            raise ConflictError(
                "The discrepancy was found again meanwhile, so there is nothing to undo."
            )
        return n

    return action_view(
        request,
        action=reopen,
        done=lambda n: pluralize(
            n, f"{number(n)} discrepancy reopened.", f"{number(n)} discrepancies reopened."
        ),
        back=return_path(request, reverse("discrepancies:list")),
    )


def _select_discrepancies(raw_ids: list[str], user: User, *, is_open: bool) -> list[Discrepancy]:
    ids = [int(pk) for pk in raw_ids if pk.isdecimal() and len(pk) < 18][:MAX_SELECTED]
    discrepancies = Discrepancy.objects.visible_to(user).filter(
        pk__in=ids, closed_at__isnull=is_open
    )
    return list(
        discrepancies.select_related(
            "application", "dependency__application", "observation__offering"
        ).order_by("pk")
    )

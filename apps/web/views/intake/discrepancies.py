"""Discrepancies between declared and observed usage: one list, with single and bulk responses."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.intake.filters import DiscrepancyFilter
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Discrepancy
from apps.intake.observations.discrepancy_responses import (
    ResponseResult,
    declare_discrepancies,
    dismiss_discrepancies,
    end_discrepancies,
    reopen_discrepancies,
)
from apps.intake.queries import open_by_kind
from apps.inventory.models import CRITICALITY_WORDS
from apps.web.pages.filter_controls import FilterControl, build_filter_controls, with_filter_names
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.intake import presenters
from apps.web.views.undo import return_path
from apps.web.wording import day, number

MAX_SELECTED = 200
MAX_COUNTED = 1000
QUIET_DAYS = 90


@dataclass(frozen=True, slots=True)
class DiscrepancyRow:
    """Discrepancy: `said` is the predicate, its subject being the application; `may` whether the
    user may respond."""

    row: Discrepancy
    kind: Any
    said: str
    todo: str
    state: Any
    may: bool


def _filter_discrepancies(request: HttpRequest) -> tuple[DiscrepancyFilter, QuerySet[Discrepancy]]:
    """Return (filters, discrepancies) of the URL; only open ones unless it names a state."""
    parameters = with_filter_names(request.GET, "application", "team")
    if "state" not in request.GET:
        parameters["state"] = "open"
    discrepancies = Discrepancy.objects.visible_to(signed_in_user(request))
    filterset = DiscrepancyFilter(parameters, discrepancies, request=request)
    return filterset, filterset.qs.select_related(
        "application__team", "dependency", "closed_by"
    ).order_by("-opened_at", "-pk")


@require_safe
def discrepancy_list(request: HttpRequest) -> HttpResponse:
    """Show the open discrepancies of visible applications, by the filters of the URL."""
    user, at = signed_in_user(request), now()
    filterset, queryset = _filter_discrepancies(request)
    listing = PaginatedList(request, queryset)
    counts = open_by_kind(user, max_count=MAX_COUNTED)
    rows = [_build_row(discrepancy, user) for discrepancy in listing.rows]
    return render_page(
        request,
        "intake/discrepancies.html",
        fragment="listing",
        title="Discrepancies",
        counts="Disagreements about applications you may see",
        as_of=at,
        sentence=_build_headline(listing, request, counts),
        filters=build_filter_controls(
            request,
            filterset,
            [
                FilterControl("kind", "Kind", choices=list(presenters.KINDS.items())),
                FilterControl("state", "State", choices=list(presenters.STATES.items())),
                FilterControl("application", "Application", "text"),
                FilterControl("team", "Team", "text"),
                FilterControl("criticality", "Criticality", choices=CRITICALITY_WORDS),
            ],
            default_values={"state": "open"},
        ),
        listing=listing,
        rows=rows,
        answers=any(row.may for row in rows),
        first_day=day_of(at) + timedelta(days=1),
        usual_day=day_of(at) + timedelta(days=QUIET_DAYS),
    )


def _build_row(discrepancy: Discrepancy, user: User) -> DiscrepancyRow:
    can_respond = discrepancy.closed_at is None and user.may(
        TeamRole.EDITOR, discrepancy.application.team_id
    )
    state = presenters.STATES[discrepancy.closed_as or "open"]
    return DiscrepancyRow(
        discrepancy,
        presenters.KINDS[discrepancy.kind],
        presenters.describe_discrepancy(discrepancy),
        presenters.describe_action(discrepancy.kind),
        state,
        can_respond,
    )


def _build_headline(
    listing: PaginatedList[Discrepancy], request: HttpRequest, counts: dict[str, int]
) -> Headline:
    """Return the headline: the discrepancies that match, or those of undeclared use."""
    filter_names = {
        name for name, value in request.GET.items() if value and name not in {"page", "print"}
    }
    if not listing.n_found:
        return Headline(
            "Nothing matches the filters."
            if filter_names
            else "What was seen agrees with what is declared."
        )
    count_phrase = pluralize(
        listing.n_found, f"{listing.count} disagreement", f"{listing.count} disagreements"
    )
    if filter_names:
        return Headline(f"{count_phrase} match the filters.")
    n = counts.get(Discrepancy.Kind.SHADOW, 0)
    if not n:
        return Headline(f"{count_phrase} between what was seen and what is declared.")
    formatted_n = f"{number(MAX_COUNTED)}+" if n > MAX_COUNTED else number(n)
    undeclared_clause = pluralize(
        n, "{n} use was seen that nobody declared", "{n} uses were seen that nobody declared"
    )
    return Headline(f"{count_phrase} wait; ", undeclared_clause.format(n=formatted_n), ".")


HEADS = [
    "application",
    "slug",
    "team",
    "criticality",
    "kind",
    "what",
    "asked for",
    "model",
    "host",
    "was",
    "now",
    "environment",
    "opened",
    "state",
    "closed",
    "by",
    "reason",
    "left until",
]


@require_safe
def discrepancy_csv(request: HttpRequest) -> StreamingHttpResponse:
    _filterset, queryset = _filter_discrepancies(request)
    return csv_response("seen-and-declared", HEADS, queryset.iterator(chunk_size=1000), _csv_cells)


def _csv_cells(row: Discrepancy) -> list[Any]:
    details = row.details
    return [
        row.application.name,
        row.application.slug,
        row.application.team.name,
        row.application.get_criticality_display(),
        row.kind,
        presenters.describe_discrepancy(row),
        details.get("asked", ""),
        details.get("api_id", details.get("called", "")),
        details.get("host", ""),
        details.get("was", details.get("stands_for", "")),
        details.get("now", ""),
        details.get("environment", ""),
        row.opened_at,
        row.closed_as or "open",
        row.closed_at,
        str(row.closed_by or ""),
        row.reason,
        row.quiet_until,
    ]


# --- responses ------------------------------------------------------------------------------------


@require_POST
def respond_to_discrepancies(request: HttpRequest) -> HttpResponse:
    """Declare, end or dismiss the selected discrepancies."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("discrepancies:list"))
    discrepancies = _select_discrepancies(request.POST.getlist("pick"), user, is_open=True)
    if not discrepancies:
        flash_error(
            request,
            "Select at least one discrepancy. Those that another user has resolved are left out.",
        )
        return redirect(back)
    reason = request.POST.get("reason", "").strip()[:500]
    undo: Any = None
    try:
        match request.POST.get("action"):
            case "declare":
                result = declare_discrepancies(
                    discrepancies=discrepancies, by=user, at=at, reason=reason
                )
                message = pluralize(
                    result.done, "{n} dependency declared.", "{n} dependencies declared."
                )
                undo = current_change_id()
            case "end":
                result = end_discrepancies(
                    discrepancies=discrepancies, by=user, at=at, reason=reason
                )
                message = pluralize(result.done, "{n} dependency ended.", "{n} dependencies ended.")
                undo = current_change_id()
            case "dismiss":
                until = DayField().clean(request.POST.get("until"))
                result = dismiss_discrepancies(
                    discrepancies=discrepancies, until=until, reason=reason, by=user, at=at
                )
                message = pluralize(
                    result.done,
                    f"{{n}} discrepancy dismissed until {day(until)}.",
                    f"{{n}} discrepancies dismissed until {day(until)}.",
                )
                query = urlencode(
                    {"pick": [discrepancy.pk for discrepancy in discrepancies]}, doseq=True
                )
                undo = f"{reverse('discrepancies:reopen')}?{query}"
            case _:
                flash_error(request, "Select a response: declare, end, or dismiss until a date.")
                return redirect(back)
    except IntakePermissionError as error:
        raise PermissionDenied(str(error)) from None
    except InvalidStateError as error:
        flash_error(request, str(error))
        return redirect(back)
    except ValidationError:
        flash_error(request, "Enter the date until which it is dismissed, such as 2026-12-24.")
        return redirect(back)
    _flash_result(request, message, result, undo)
    return redirect(back)


def _flash_result(request: HttpRequest, message: str, result: ResponseResult, undo: Any) -> None:
    if result.done:
        flash_success(request, message.format(n=number(result.done)), undo=undo)
    for refusal in result.refused[:5]:
        flash_error(request, refusal)
    if len(result.refused) > 5:
        flash_error(
            request, f"{number(len(result.refused) - 5)} more could not be resolved this way."
        )


@require_POST
def reopen_dismissed(request: HttpRequest) -> HttpResponse:
    """Reopen discrepancies that were dismissed."""
    user = signed_in_user(request)
    discrepancies = _select_discrepancies(request.GET.getlist("pick"), user, is_open=False)
    try:
        n = reopen_discrepancies(discrepancies=discrepancies, by=user)
    except IntakePermissionError as error:
        raise PermissionDenied(str(error)) from None
    message = pluralize(
        n, f"{number(n)} discrepancy reopened.", f"{number(n)} discrepancies reopened."
    )
    flash_success(request, message) if n else flash_error(
        request, "The discrepancy was found again meanwhile, so there is nothing to undo."
    )
    return redirect(return_path(request, reverse("discrepancies:list")))


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

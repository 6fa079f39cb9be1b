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


def _found(request: HttpRequest) -> tuple[DiscrepancyFilter, QuerySet[Discrepancy]]:
    """What the address asks for; what is open where it says nothing of the state."""
    asked = with_filter_names(request.GET, "application", "team")
    if "state" not in request.GET:
        asked["state"] = "open"
    rows = Discrepancy.objects.visible_to(signed_in_user(request))
    found = DiscrepancyFilter(asked, rows, request=request)
    return found, found.qs.select_related("application__team", "dependency", "closed_by").order_by(
        "-opened_at", "-pk"
    )


@require_safe
def discrepancy_list(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    found, queryset = _found(request)
    listing = PaginatedList(request, queryset)
    counts = open_by_kind(user, most=MAX_COUNTED)
    rows = [_row(each, user) for each in listing.rows]
    return render_page(
        request,
        "intake/discrepancies.html",
        fragment="listing",
        title="Seen and declared",
        counts="Disagreements about applications you may see",
        as_of=at,
        sentence=_sentence(listing, request, counts),
        filters=build_filter_controls(
            request,
            found,
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


def _row(each: Discrepancy, user: User) -> DiscrepancyRow:
    may = each.closed_at is None and user.may(TeamRole.EDITOR, each.application.team_id)
    state = presenters.STATES[each.closed_as or "open"]
    return DiscrepancyRow(
        each,
        presenters.KINDS[each.kind],
        presenters.describe_discrepancy(each),
        presenters.describe_action(each.kind),
        state,
        may,
    )


def _sentence(
    listing: PaginatedList[Discrepancy], request: HttpRequest, counts: dict[str, int]
) -> Headline:
    asked = {name for name, value in request.GET.items() if value and name not in {"page", "print"}}
    if not listing.n_found:
        return Headline(
            "Nothing matches the filters."
            if asked
            else "What was seen agrees with what is declared."
        )
    said = pluralize(
        listing.n_found, f"{listing.count} disagreement", f"{listing.count} disagreements"
    )
    if asked:
        return Headline(f"{said} match the filters.")
    n = counts.get(Discrepancy.Kind.SHADOW, 0)
    if not n:
        return Headline(f"{said} between what was seen and what is declared.")
    shown = f"{number(MAX_COUNTED)}+" if n > MAX_COUNTED else number(n)
    mark = pluralize(
        n, "{n} use was seen that nobody declared", "{n} uses were seen that nobody declared"
    )
    return Headline(f"{said} wait; ", mark.format(n=shown), ".")


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
    _filterset, queryset = _found(request)
    return csv_response("seen-and-declared", HEADS, queryset.iterator(chunk_size=1000), _cells)


def _cells(row: Discrepancy) -> list[Any]:
    said = row.details
    return [
        row.application.name,
        row.application.slug,
        row.application.team.name,
        row.application.get_criticality_display(),
        row.kind,
        presenters.describe_discrepancy(row),
        said.get("asked", ""),
        said.get("api_id", said.get("called", "")),
        said.get("host", ""),
        said.get("was", said.get("stands_for", "")),
        said.get("now", ""),
        said.get("environment", ""),
        row.opened_at,
        row.closed_as or "open",
        row.closed_at,
        str(row.closed_by or ""),
        row.reason,
        row.quiet_until,
    ]


# --- answers --------------------------------------------------------------------------------------


@require_POST
def respond_to_discrepancies(request: HttpRequest) -> HttpResponse:
    """Declare, end or leave what is ticked."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("discrepancies:list"))
    chosen = _picked(request.POST.getlist("pick"), user, is_open=True)
    if not chosen:
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
                done = declare_discrepancies(discrepancies=chosen, by=user, at=at, reason=reason)
                said = pluralize(
                    done.done, "{n} dependency declared.", "{n} dependencies declared."
                )
                undo = current_change_id()
            case "end":
                done = end_discrepancies(discrepancies=chosen, by=user, at=at, reason=reason)
                said = pluralize(done.done, "{n} dependency ended.", "{n} dependencies ended.")
                undo = current_change_id()
            case "dismiss":
                until = DayField().clean(request.POST.get("until"))
                done = dismiss_discrepancies(
                    discrepancies=chosen, until=until, reason=reason, by=user, at=at
                )
                said = pluralize(
                    done.done,
                    f"{{n}} discrepancy dismissed until {day(until)}.",
                    f"{{n}} discrepancies dismissed until {day(until)}.",
                )
                picked = urlencode({"pick": [row.pk for row in chosen]}, doseq=True)
                undo = f"{reverse('discrepancies:reopen')}?{picked}"
            case _:
                flash_error(request, "Select a response: declare, end, or dismiss until a date.")
                return redirect(back)
    except IntakePermissionError as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except InvalidStateError as not_now:
        flash_error(request, str(not_now))
        return redirect(back)
    except ValidationError:
        flash_error(request, "Enter the date until which it is dismissed, such as 2026-12-24.")
        return redirect(back)
    _tell(request, said, done, undo)
    return redirect(back)


def _tell(request: HttpRequest, said: str, done: ResponseResult, undo: Any) -> None:
    if done.done:
        flash_success(request, said.format(n=number(done.done)), undo=undo)
    for refusal in done.refused[:5]:
        flash_error(request, refusal)
    if len(done.refused) > 5:
        flash_error(
            request, f"{number(len(done.refused) - 5)} more could not be resolved this way."
        )


@require_POST
def reopen_dismissed(request: HttpRequest) -> HttpResponse:
    """Reopen discrepancies that were dismissed."""
    user = signed_in_user(request)
    chosen = _picked(request.GET.getlist("pick"), user, is_open=False)
    try:
        n = reopen_discrepancies(discrepancies=chosen, by=user)
    except IntakePermissionError as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    said = pluralize(
        n, f"{number(n)} discrepancy reopened.", f"{number(n)} discrepancies reopened."
    )
    flash_success(request, said) if n else flash_error(
        request, "The discrepancy was found again meanwhile, so there is nothing to undo."
    )
    return redirect(return_path(request, reverse("discrepancies:list")))


def _picked(said: list[str], user: User, *, is_open: bool) -> list[Discrepancy]:
    ids = [int(pk) for pk in said if pk.isdecimal() and len(pk) < 18][:MAX_SELECTED]
    rows = Discrepancy.objects.visible_to(user).filter(pk__in=ids, closed_at__isnull=is_open)
    return list(
        rows.select_related(
            "application", "dependency__application", "observation__offering"
        ).order_by("pk")
    )

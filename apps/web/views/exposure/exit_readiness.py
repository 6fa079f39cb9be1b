"""Exit readiness of each critical application: the independence of its alternatives, tested or not,
and what would have to be rebuilt."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.time import day_of, now
from apps.exposure.engine.settings import engine_settings
from apps.exposure.queries.concentration import visible_team_ids
from apps.exposure.queries.portability import (
    GRADES,
    NO_FALLBACK,
    FallbackOption,
    Portability,
    fallback_options,
    portability,
)
from apps.inventory.models import Adaptation, Application
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import changed_query, csv_response
from apps.web.pages.page import render_page
from apps.web.views.exposure import headlines
from apps.web.views.exposure.concentration import grades_of
from apps.web.views.exposure.parameters import (
    GRADE_WORDS,
    applications_by_id,
    chosen_option,
    parameter_options,
)
from apps.web.views.exposure.single_points import number_of_page

PAGE_SIZE = 50
STATE_WORDS: dict[str, str] = {
    "": "All",
    "none": "No alternative",
    "untested": "Untested",
    "tested": "Valid exit test",
}


@dataclass(frozen=True, slots=True)
class ExitRow:
    """A critical application with its best alternative. `tested` and `declared` are the words for
    its grades; rebuild figures are those of adaptations that have to be built again. `is_bad`: no
    declared alternative survives the retirement of the model."""

    application: Application
    way: FallbackOption
    tested: Any
    declared: Any
    offering: Offering | None
    n_rebuild: int
    rebuild_days: Decimal
    rebuild_cost: Decimal
    next_change_on: date | None
    is_bad: bool


@require_safe
def exit_readiness_page(request: HttpRequest) -> HttpResponse:
    """Show the exit readiness of the visible critical applications, filtered by state and grade."""
    user, at = signed_in_user(request), now()
    team_ids, settings = visible_team_ids(user), engine_settings()
    readiness = portability(settings=settings, team_ids=team_ids, on=day_of(at))
    state, grade, page_number = (
        chosen_option(request, "state", STATE_WORDS, ""),
        _parse_grade(request),
        number_of_page(request),
    )
    options = fallback_options(
        settings=settings,
        team_ids=team_ids,
        state=state,
        grade=grade,
        offset=PAGE_SIZE * (page_number - 1),
        limit=PAGE_SIZE + 1,
    )
    return render_page(
        request,
        "exposure/ways-out.html",
        fragment="listing",
        title="Exit readiness",
        counts="Critical applications with an active primary model, by their worst primary path",
        as_of=at,
        sentence=headlines.exit_readiness_headline(readiness),
        leaving=readiness,
        grades=grades_of(readiness),
        states=parameter_options(request, "state", STATE_WORDS, state),
        grade=grade,
        grade_words=GRADE_WORDS.get(grade) if grade is not None else "",
        without_grade=changed_query(request, grade=None, page=None),
        rows=_build_rows(options[:PAGE_SIZE], readiness, user),
        is_filtered=bool(state) or grade is not None,
        previous=changed_query(request, page=page_number - 1) if page_number > 1 else "",
        next=changed_query(request, page=page_number + 1) if len(options) > PAGE_SIZE else "",
    )


@require_safe
def exit_readiness_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all rows of the page with its filters."""
    user = signed_in_user(request)
    team_ids, settings = visible_team_ids(user), engine_settings()
    readiness = portability(settings=settings, team_ids=team_ids, on=day_of(now()))
    options = fallback_options(
        settings=settings,
        team_ids=team_ids,
        state=chosen_option(request, "state", STATE_WORDS, ""),
        grade=_parse_grade(request),
        limit=100_000,
    )
    heads = [
        "application",
        "team",
        "best tested independence",
        "best declared independence",
        "alternative",
        "at",
        "valid until",
        "adaptations to rebuild",
        "invested days",
        "invested USD",
    ]
    return csv_response(
        "ways-out",
        heads,
        _build_rows(options, readiness, user),
        lambda row: [
            row.application.name,
            row.application.team.name,
            _grade_cell(row.way.tested),
            _grade_cell(row.way.declared),
            row.offering.api_id if row.offering else "",
            row.offering.host.name if row.offering else "",
            row.next_change_on,
            row.n_rebuild,
            row.rebuild_days,
            row.rebuild_cost,
        ],
    )


def _grade_cell(grade: int) -> int | str:
    return "" if grade == NO_FALLBACK else grade


def _parse_grade(request: HttpRequest) -> int | None:
    raw_grade = request.GET.get("grade", "")
    return int(raw_grade) if raw_grade in {str(grade) for grade in GRADES} else None


def _build_rows(options: list[FallbackOption], readiness: Portability, user: User) -> list[ExitRow]:
    """Build a row for each option whose application `user` may see: three statements."""
    applications = applications_by_id([option.application_id for option in options], user)
    offerings = Offering.objects.select_related("host", "version__foundation").in_bulk(
        [option.offering_id for option in options if option.offering_id]
    )
    today = day_of(now())
    rebuilds: dict[int, dict[str, Any]] = {
        row["dependency__application"]: dict(row)
        for row in Adaptation.objects.filter(
            Q(dependency__until__isnull=True) | Q(dependency__until__gt=today),
            moves=Adaptation.Moves.REBUILD,
            dependency__application__in=list(applications),
            dependency__role="primary",
            dependency__since__lte=today,
        )
        .order_by()
        .values("dependency__application")
        .annotate(n=Count("pk"), days=Sum("invested_days"), cost=Sum("invested_cost"))
    }
    rows = []
    for option in options:
        if (application := applications.get(option.application_id)) is None:
            continue
        rebuild = rebuilds.get(option.application_id, {})
        rows.append(
            ExitRow(
                application,
                option,
                GRADE_WORDS[option.tested],
                GRADE_WORDS[option.declared],
                offerings.get(option.offering_id) if option.offering_id else None,
                rebuild.get("n", 0),
                rebuild.get("days") or Decimal(0),
                rebuild.get("cost") or Decimal(0),
                option.next_change_on,
                option.declared < readiness.leaves_model,
            )
        )
    return rows

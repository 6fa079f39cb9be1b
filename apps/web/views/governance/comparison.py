"""Comparison of candidates side by side, fact by fact, with sources and gaps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.diligence.scorecard_facts import Scorecard
from apps.exposure.diligence.scorecards import (
    MAX_CANDIDATES,
    foundation_scorecards,
    provider_scorecards,
)
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.models import Approval
from apps.web.pages.list_page import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.candidate_search import (
    Candidates,
    note_of,
    read_candidates,
    search_candidates,
    words_of,
)
from apps.web.views.governance.scorecard_presenters import FactGroup, n_gaps, side_by_side
from apps.web.wording import as_word, join_names, number


@dataclass(frozen=True, slots=True)
class CandidateColumn:
    """Column header of a candidate: its name, the approval in force on it, and the URL without
    it."""

    name: str
    of: str
    url: str
    n_gaps: int
    decision: Approval | None
    without: str


@require_safe
def compare_candidates(request: HttpRequest) -> HttpResponse:
    """Show the comparison; its URL holds the candidates, so a link shows the same comparison."""
    at = now()
    today = day_of(at)
    chosen = read_candidates(request)
    words = words_of(request)
    cards = load_scorecards(chosen, user=request.user, on=today)
    groups = side_by_side([card.as_json() for card in cards])
    only_differing = request.GET.get("differing") == "true" and len(cards) > 1
    if only_differing:
        groups = _differing(groups)
    return render_page(
        request,
        "choosing/compare.html",
        fragment="finder",
        title="Choosing",
        counts="Facts on record; no grade, no total, no ranking",
        as_of=at,
        sentence=_sentence(chosen, cards),
        chosen=chosen,
        columns=_columns(chosen, cards, today),
        groups=groups,
        only_differing=only_differing,
        everything=chosen.query(),
        differing=chosen.query(differing="true"),
        csv=f"{reverse('selections:compare-csv')}{chosen.query()}",
        write_down=f"{reverse('selections:create')}{chosen.query()}"
        if chosen.kind == "foundation"
        else "",
        words=words,
        hits=search_candidates(words, already=chosen, user=request.user),
        most=MAX_CANDIDATES,
    )


@require_safe
def compare_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send one row per fact and candidate, as the page shows them."""
    chosen = read_candidates(request)
    cards = load_scorecards(chosen, user=request.user, on=day_of(now()))
    return csv_response(
        "comparison",
        [
            "fact",
            "key",
            chosen.kind,
            "slug",
            "value",
            "unit",
            "detail",
            "known",
            "why not",
            "source",
            "address",
            "as of",
        ],
        _lines(cards),
        lambda line: line,
    )


def load_scorecards(chosen: Candidates, *, user: Any, on: Any) -> list[Scorecard]:
    if not chosen.rows:
        return []
    if chosen.kind == "foundation":
        return foundation_scorecards(foundations=chosen.ids, user=user, on=on)
    return provider_scorecards(providers=chosen.ids, user=user, on=on)


def _lines(cards: list[Scorecard]) -> Iterator[list[Any]]:
    for group in side_by_side([card.as_json() for card in cards]):
        for row in group.rows:
            for card, cell in zip(cards, row.cells, strict=True):
                known = "no" if cell.gap else "does not apply" if cell.dormant else "yes"
                yield [
                    row.label,
                    row.key,
                    card.name,
                    card.slug,
                    cell.text,
                    cell.unit,
                    cell.detail,
                    known,
                    cell.why,
                    cell.source,
                    cell.url,
                    cell.as_of,
                ]


def _differing(groups: list[FactGroup]) -> list[FactGroup]:
    kept = [
        FactGroup(group.name, tuple(row for row in group.rows if row.differs)) for group in groups
    ]
    return [group for group in kept if group.rows]


def _columns(chosen: Candidates, cards: list[Scorecard], today: Any) -> list[CandidateColumn]:
    decisions = decisions_by_target(targets=list(chosen.rows), on=today) if chosen.rows else {}
    columns = []
    for row, card in zip(chosen.rows, cards, strict=True):
        columns.append(
            CandidateColumn(
                row.name,
                note_of(row),
                reverse(f"{chosen.kind}s:detail", args=[row.slug]),
                n_gaps([card])[0],
                decisions.get((chosen.kind, row.pk)),
                chosen.query([slug for slug in chosen.slugs if slug != row.slug]),
            )
        )
    return columns


def _sentence(chosen: Candidates, cards: list[Scorecard]) -> Headline:
    if not cards:
        return Headline("Which foundation, and on what terms? Put candidates side by side.")
    gaps, facts = n_gaps(cards)
    names = join_names([card.name for card in cards], max_names=3)
    if not gaps:
        said = (
            "{names}: all {facts} facts are known."
            if len(cards) > 1
            else "Everything asked of {names} is known."
        )
        return Headline(said.format(names=names, facts=number(facts)))
    unknown = pluralize(
        gaps,
        "{names}: of {facts} facts nobody knows {n}.",
        "{names}: of {facts} facts nobody knows {n}.",
    )
    return Headline(unknown.format(names=names, facts=number(facts), n=as_word(gaps)))

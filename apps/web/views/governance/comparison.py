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
    offering_scorecards,
    provider_scorecards,
)
from apps.inventory.governance.approvals import decisions_by_target
from apps.inventory.models import Approval
from apps.web.lists.pagination import csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.governance.candidate_search import (
    Candidates,
    label_of,
    note_of,
    read_candidates,
    read_search_text,
    search_candidates,
    slug_of,
)
from apps.web.views.governance.scorecard_presenters import FactGroup, build_fact_groups, n_gaps
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
    """Show the comparison. The URL holds the candidates, so that a link opens the same
    comparison."""
    at = now()
    today = day_of(at)
    candidates = read_candidates(request)
    search_text = read_search_text(request)
    cards = load_scorecards(candidates, user=request.user, on=today)
    groups = build_fact_groups([card.as_json() for card in cards])
    only_differing = request.GET.get("differing") == "true" and len(cards) > 1
    if only_differing:
        groups = _keep_differing_facts(groups)
    return render_page(
        request,
        "choosing/compare.html",
        fragment="finder",
        title="Comparisons",
        counts="Recorded facts, without grades or ranking",
        as_of=at,
        sentence=_build_headline(candidates, cards),
        chosen=candidates,
        columns=_build_columns(candidates, cards, today),
        groups=groups,
        only_differing=only_differing,
        everything=candidates.query(),
        differing=candidates.query(differing="true"),
        csv=f"{reverse('selections:compare-csv')}{candidates.query()}",
        write_down=f"{reverse('selections:create')}{candidates.query()}"
        if candidates.kind in {"foundation", "offering"}
        else "",
        words=search_text,
        hits=search_candidates(search_text, candidates=candidates, user=request.user),
        most=MAX_CANDIDATES,
    )


@require_safe
def compare_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send one row per fact and candidate, as the page shows them."""
    candidates = read_candidates(request)
    cards = load_scorecards(candidates, user=request.user, on=day_of(now()))
    return csv_response(
        "comparison",
        [
            "fact",
            "key",
            candidates.kind,
            "slug",
            "value",
            "unit",
            "detail",
            "known",
            "reason of the gap",
            "source",
            "address",
            "as of",
        ],
        _iterate_csv_rows(cards),
        lambda line: line,
    )


def load_scorecards(candidates: Candidates, *, user: Any, on: Any) -> list[Scorecard]:
    if not candidates.rows:
        return []
    if candidates.kind == "foundation":
        return foundation_scorecards(foundations=candidates.ids, user=user, on=on)
    if candidates.kind == "offering":
        return offering_scorecards(offerings=candidates.ids, user=user, on=on)
    return provider_scorecards(providers=candidates.ids, user=user, on=on)


def _iterate_csv_rows(cards: list[Scorecard]) -> Iterator[list[Any]]:
    """Yield a row for each fact and candidate."""
    for group in build_fact_groups([card.as_json() for card in cards]):
        for row in group.rows:
            for card, cell in zip(cards, row.cells, strict=True):
                known_text = "no" if cell.gap else "does not apply" if cell.dormant else "yes"
                yield [
                    row.label,
                    row.key,
                    card.name,
                    card.slug,
                    cell.text,
                    cell.unit,
                    cell.detail,
                    known_text,
                    cell.why,
                    cell.source,
                    cell.url,
                    cell.as_of,
                ]


def _keep_differing_facts(groups: list[FactGroup]) -> list[FactGroup]:
    groups_with_differences = [
        FactGroup(group.name, tuple(row for row in group.rows if row.differs)) for group in groups
    ]
    return [group for group in groups_with_differences if group.rows]


def _build_columns(
    candidates: Candidates, cards: list[Scorecard], today: Any
) -> list[CandidateColumn]:
    """Return a column for each candidate, with the approval that applies to it."""
    decisions = (
        decisions_by_target(targets=list(candidates.rows), on=today) if candidates.rows else {}
    )
    columns = []
    for row, card in zip(candidates.rows, cards, strict=True):
        columns.append(
            CandidateColumn(
                label_of(row),
                note_of(row),
                reverse(f"{candidates.kind}s:detail", args=[slug_of(row)]),
                n_gaps([card])[0],
                decisions.get((candidates.kind, row.pk)),
                candidates.query([slug for slug in candidates.slugs if slug != slug_of(row)]),
            )
        )
    return columns


def _build_headline(candidates: Candidates, cards: list[Scorecard]) -> Headline:
    """Return the headline: how many facts of the candidates are unknown."""
    if not cards:
        return Headline("Select two or more candidates to compare their facts.")
    n_unknown, n_facts = n_gaps(cards)
    names = join_names([card.name for card in cards], max_names=3)
    if not n_unknown:
        template = (
            "{names}: all {facts} facts are known."
            if len(cards) > 1
            else "All {facts} facts about {names} are known."
        )
        return Headline(template.format(names=names, facts=number(n_facts)))
    template_with_gaps = pluralize(
        n_unknown,
        "{names}: {n} of {facts} facts unknown.",
        "{names}: {n} of {facts} facts unknown.",
    )
    return Headline(
        template_with_gaps.format(names=names, facts=number(n_facts), n=as_word(n_unknown))
    )

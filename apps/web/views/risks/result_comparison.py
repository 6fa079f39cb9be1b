"""Comparison of two models on one evaluation suite: difference, losses and gains, overlap of
errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.models import Dependency
from apps.risks.errors import RiskChangeError
from apps.risks.evaluations.comparison import (
    Comparison,
    Interval,
    ItemChange,
)
from apps.risks.models import Evidence
from apps.risks.queries.compared_runs import (
    ComparedRuns,
    comparable_runs,
    compare_runs,
    runs_of_offering,
    same_suite,
)
from apps.web.lists.pagination import csv_response
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.wording import day, number

MAX_RUNS = 200
# of losses and of gains on the page; the file has all items
MAX_SHOWN_ITEMS = 100
MAX_EXIT_TESTS = 10


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of the comparison, how it was found, and whether it is unknown."""

    name: str
    value: str
    note: str = ""
    is_gap: bool = False


@dataclass(frozen=True, slots=True)
class RunOption:
    pk: int
    text: str


@require_safe
def compare_results(request: HttpRequest) -> HttpResponse:
    """Compare the runs `?a=` (old model) and `?b=` (new model); without both, choose them."""
    user, at = signed_in_user(request), now()
    old, new = _selected_run(request, user, "a"), _selected_run(request, user, "b")
    compared, problem = None, ""
    if old is not None and new is not None:
        try:
            compared = compare_runs(old, new)
        except RiskChangeError as error:
            problem = str(error)
    dependency = _named_dependency(request, user)
    if old is None and dependency is not None:
        old_runs = runs_of_offering(dependency.offering, user)
    else:
        old_runs = comparable_runs(user)
    comparison = compared.comparison if compared else None
    query = f"?a={old.pk}&b={new.pk}" if compared and old and new else ""
    return render_page(
        request,
        "risks/compare-results.html",
        title="Compare results",
        crumbs=(("Evidence", reverse("evidence:list")),),
        counts="Items of the suite with a result in both runs",
        as_of=at,
        sentence=_build_headline(compared),
        problem=problem,
        old=old,
        new=new,
        dependency=dependency,
        old_options=_run_options(old_runs, old),
        new_options=_run_options(same_suite(old, user) if old else comparable_runs(user), new),
        compared=compared,
        comparison=comparison,
        facts=_build_facts(comparison) if comparison and comparison.n else [],
        losses=_build_changes(comparison, comparison.losses) if comparison else [],
        gains=_build_changes(comparison, comparison.gains) if comparison else [],
        most=MAX_SHOWN_ITEMS,
        exit_tests=_exit_test_links(compared, dependency, user),
        csv=f"{reverse('evidence:compare-csv')}{query}" if query else "",
        swapped=f"?a={new.pk}&b={old.pk}" if compared and old and new else "",
    )


@require_safe
def compare_results_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send a row for each item that both runs have, with its scores and whether it is a loss."""
    user = signed_in_user(request)
    old, new = _selected_run(request, user, "a"), _selected_run(request, user, "b")
    if old is None or new is None:
        raise Http404
    try:
        compared = compare_runs(old, new)
    except RiskChangeError as error:
        raise Http404(str(error)) from None
    return csv_response(
        f"comparison-{old.pk}-{new.pk}",
        ["Item", "Place in the file", "Old score", "New score", "Change"],
        _iterate_csv_rows(compared),
        lambda row: row,
    )


def _iterate_csv_rows(compared: ComparedRuns) -> Iterator[list[Any]]:
    losses = {change.item for change in compared.comparison.losses}
    gains = {change.item for change in compared.comparison.gains}
    for item in compared.items:
        change = "loss" if item.item in losses else "gain" if item.item in gains else "same"
        yield [item.item, item.label, item.old, item.new, change]


def _named_dependency(request: HttpRequest, user: User) -> Dependency | None:
    """Return the dependency `?dependency=` that the user can view, from whose page they came."""
    pk = request.GET.get("dependency", "")
    if not (pk.isdecimal() and len(pk) < 19):
        return None
    return (
        Dependency.objects.visible_to(user)
        .select_related("application", "offering__host")
        .filter(pk=int(pk))
        .first()
    )


def _exit_test_links(
    compared: ComparedRuns | None, dependency: Dependency | None, user: User
) -> list[tuple[str, str]]:
    """Return (application, URL) of the exit tests that the user can record with the comparison: of
    the dependency they came from, else of current uses of the old model."""
    if compared is None or compared.comparison.difference is None:
        return []
    old, new = compared.old, compared.new
    if new.offering_id is None or old.offering_id is None:
        return []
    today = day_of(now())
    uses = (
        Dependency.objects.visible_to(user)
        .filter(Q(until__isnull=True) | Q(until__gt=today), offering=old.offering_id)
        .select_related("application")
        .order_by("application__name", "pk")
    )
    if dependency is not None:
        uses = uses.filter(pk=dependency.pk)
    if old.application_id is not None:
        uses = uses.filter(application=old.application_id)
    return [
        (
            use.application.name,
            f"{reverse('exit-tests:create', args=[use.pk])}"
            f"?comparison={old.pk}-{new.pk}&target={new.offering_id}",
        )
        for use in uses[:MAX_EXIT_TESTS]
        if user.may(TeamRole.EDITOR, use.application.team_id)
    ]


def _selected_run(request: HttpRequest, user: User, name: str) -> Evidence | None:
    """Return the run of the parameter, None without one; raise Http404 if the user cannot view
    it."""
    raw_pk = request.GET.get(name, "")
    if not raw_pk:
        return None
    if not (raw_pk.isdecimal() and len(raw_pk) < 19):
        raise Http404
    run = comparable_runs(user).filter(pk=int(raw_pk)).first()
    if run is None:
        raise Http404
    return run


def _run_options(runs: Any, selected: Evidence | None) -> list[RunOption]:
    """Return the newest runs as options, and the selected one."""
    rows = list(runs[:MAX_RUNS])
    if selected is not None and selected.pk not in {row.pk for row in rows}:
        rows.insert(0, selected)
    return [RunOption(row.pk, describe_run(row)) for row in rows]


def name_model(run: Evidence) -> str:
    """Return the tested model: its ID and host, its version, or the application alone."""
    if run.offering is not None:
        return f"{run.offering.api_id} on {run.offering.host.name}"
    if run.version is not None:
        return run.version.identifier
    return "an unidentified model"


def describe_run(run: Evidence) -> str:
    parts = [name_model(run), f"{run.dataset}, {run.metric}", day(run.run_on)]
    if run.application is not None:
        parts.append(run.application.name)
    return " · ".join(parts)


def _build_headline(compared: ComparedRuns | None) -> Headline:
    """Return the difference as a sentence, or that none is shown."""
    if compared is None:
        return Headline("Select two runs of one suite: the old model and the new model.")
    comparison, old, new = compared.comparison, compared.old, compared.new
    if comparison.difference is None:
        return Headline("The two runs have ", "no item in common", ".")
    items = f"{number(comparison.n)} items"
    suite = f"{old.dataset} ({old.metric})"
    interval = comparison.interval
    if interval is None or interval.low <= 0 <= interval.high:
        return Headline(
            f"On {suite}, no difference between {name_model(old)} and {name_model(new)} is shown "
            f"by {items}."
        )
    size = format_difference(abs(comparison.difference), comparison.is_binary, signed=False)
    is_better = (comparison.difference > 0) == old.higher_is_better
    return Headline(
        f"On {suite}, {name_model(new)} is ",
        f"{size} {'better' if is_better else 'worse'}",
        f" than {name_model(old)} on {items}.",
    )


def format_difference(value: float, is_binary: bool, *, signed: bool = True) -> str:
    """Return a difference in percentage points for shares, otherwise in the unit of the score."""
    sign = ("+" if value > 0 else "−" if value < 0 else "") if signed else ""
    if is_binary:
        return f"{sign}{abs(value) * 100:.1f} points"
    return f"{sign}{abs(value):.4g}"


def format_interval(interval: Interval | None, is_binary: bool) -> str:
    if interval is None:
        return ""
    low, high = (
        format_difference(value, is_binary).removesuffix(" points")
        for value in (interval.low, interval.high)
    )
    return f"95 % interval {low} to {high}"


def _format_mean(value: float | None, is_binary: bool) -> str:
    if value is None:
        return "–"
    return f"{value * 100:.1f} %" if is_binary else f"{value:.4g}"


def _build_facts(comparison: Comparison) -> list[Fact]:
    """Return the figures of a comparison with at least one common item."""
    is_binary = comparison.is_binary
    facts = [
        Fact(
            "Mean score",
            f"{_format_mean(comparison.old_mean, is_binary)} → "
            f"{_format_mean(comparison.new_mean, is_binary)}",
            f"{number(comparison.n)} items in both runs",
        )
    ]
    if comparison.difference is not None:
        interval = format_interval(comparison.interval, is_binary)
        method = comparison.method.label if comparison.method else ""
        facts.append(
            Fact(
                "Difference",
                format_difference(comparison.difference, is_binary),
                ", ".join(filter(None, (interval, method)))
                or "No interval: at least two items are needed.",
            )
        )
    facts.append(
        Fact(
            "Losses and gains",
            f"{number(len(comparison.losses))} and {number(len(comparison.gains))}",
            f"McNemar’s exact p = {_format_p(comparison.p_value)}"
            if comparison.p_value is not None
            else "Items with a worse and with a better score; no test, because the scores are not "
            "only 0 and 1.",
        )
    )
    facts.append(describe_overlap(comparison))
    if comparison.n_both_wrong is not None:
        facts.append(_describe_both_wrong(comparison))
    left_out = _describe_left_out(comparison)
    if left_out:
        facts.append(Fact("Left out", left_out))
    return facts


def describe_overlap(comparison: Comparison) -> Fact:
    """Return the overlap of errors, or why it cannot be stated."""
    overlap = comparison.overlap
    capa_gap = (
        f"CAPA cannot be computed: {comparison.capa_gap.label}." if comparison.capa_gap else ""
    )
    if overlap is None:
        reason = comparison.overlap_gap.label if comparison.overlap_gap else ""
        return Fact("Overlap of errors", "Not measured", f"Because {reason}.", is_gap=True)
    low, high = overlap.interval.low, overlap.interval.high
    note = (
        f"{overlap.measure.label}, 95 % interval {_format_kappa(low)} to "
        f"{_format_kappa(high)}, n = {number(overlap.n)}. 1: the same errors; 0: as two "
        "independent models of this accuracy."
    )
    return Fact(
        "Overlap of errors",
        _format_kappa(overlap.value),
        f"{note} {capa_gap}".strip(),
    )


def _describe_both_wrong(comparison: Comparison) -> Fact:
    n_same = comparison.n_same_wrong_answer
    return Fact(
        "Wrong in both runs",
        number(comparison.n_both_wrong),
        f"{number(n_same)} of them with the same answer"
        if n_same is not None
        else "Whether the answers are the same is not known."
        if comparison.n_both_wrong
        else "",
    )


def _describe_left_out(comparison: Comparison) -> str:
    parts = (
        (comparison.n_only_old, "only in the old run"),
        (comparison.n_only_new, "only in the new run"),
        (comparison.n_without_result, "without a result in one of the runs"),
    )
    return ", ".join(f"{number(n)} {where}" for n, where in parts if n)


def _format_kappa(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _format_p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _build_changes(
    comparison: Comparison, changes: Sequence[ItemChange]
) -> list[tuple[str, str, str, str]]:
    """Return (item, place, old score, new score) of the first changes."""
    return [
        (
            change.item,
            change.label if change.label != change.item else "",
            _format_score(change.old, comparison.is_binary),
            _format_score(change.new, comparison.is_binary),
        )
        for change in changes[:MAX_SHOWN_ITEMS]
    ]


def _format_score(value: float, is_binary: bool) -> str:
    if is_binary:
        return "right" if value else "wrong"
    return f"{value:.4g}"

"""Candidates of a dependency as pages show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from apps.catalog.capabilities.fit import ItemVerdict
from apps.exposure.successors.areas import service_region
from apps.exposure.successors.candidates import REASON_LABELS
from apps.exposure.successors.independence import GRADE_WORDS
from apps.exposure.successors.phrases import (
    APPROVAL_LABELS,
    OBSTACLE_NOUNS,
    describe_data_terms,
    describe_fallback,
    describe_judge,
    describe_obstacle,
    describe_retirement,
    describe_tests,
    name_model,
)
from apps.exposure.successors.records import (
    ExposureChange,
    MonthlyCost,
    ObstacleKind,
    Successor,
    SuccessorSearch,
)
from apps.inventory.costs import Money
from apps.web.presenters.fit import FitLine, FitSummary, present_fit
from apps.web.wording import number, share

NO_AMOUNT = "unknown"


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One effect of a move; `is_bad` says that it makes something worse."""

    label: str
    text: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A candidate above the line."""

    row: Successor
    name: str
    place: str
    retires: str
    difference: str
    cost: str
    approval: str
    grade: int | None
    grade_word: str
    fit: FitSummary
    region: FitLine | None
    effects: tuple[EffectLine, ...]

    @property
    def pk(self) -> int:
        return self.row.offering.pk


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """Candidates below the line: the same model on several hosts is one row."""

    pk: int
    name: str
    place: str
    marks: tuple[tuple[str, str], ...]
    reason: str
    difference: str
    retires: str
    is_late: bool


def format_amount(value: Fraction | None, *, signed: bool = False) -> str:
    """Return an amount in whole units; `unknown` for None."""
    if value is None:
        return NO_AMOUNT
    rounded = round(value)
    return f"+{number(rounded)}" if signed and rounded > 0 else number(rounded)


def currency_of(search: SuccessorSearch) -> str:
    costs: Iterable[MonthlyCost] = (search.cost, *(row.cost for row in search.all))
    return next(
        (cost.currency for cost in costs if isinstance(cost, Money) and cost.currency), "USD"
    )


def describe_place(row: Successor) -> str:
    """Return the host with the region that the offering is bound to."""
    region = service_region(row.offering)
    return f"{row.offering.host.name}, {region}" if region else row.offering.host.name


def present_candidate(row: Successor, search: SuccessorSearch, today: date) -> CandidateRow:
    cost = row.cost.amount if isinstance(row.cost, Money) else None
    return CandidateRow(
        row=row,
        name=name_model(row.offering),
        place=describe_place(row),
        retires=describe_retirement(row.offering, today),
        difference=format_amount(row.difference, signed=True),
        cost=format_amount(cost) if cost is not None else _describe_unknown(row.cost),
        approval=APPROVAL_LABELS[row.approval],
        grade=row.independence,
        grade_word="" if row.independence is None else GRADE_WORDS[row.independence],
        fit=present_fit(row.fit),
        region=_region_line(row, search),
        effects=tuple(_list_effects(row, search, today)),
    )


def _describe_unknown(cost: MonthlyCost) -> str:
    return "" if isinstance(cost, Money) else cost.sentence


def _region_line(row: Successor, search: SuccessorSearch) -> FitLine | None:
    if row.region == ItemVerdict.NOT_USED:
        return None
    return FitLine("region", str(row.region), f"Region {row.region}", "")


def _list_effects(row: Successor, search: SuccessorSearch, today: date) -> Iterable[EffectLine]:
    if row.reasons:
        yield EffectLine("Reason", f"{'. '.join(REASON_LABELS[one] for one in row.reasons)}.")
    yield EffectLine("Data terms", describe_data_terms(row.data_terms) or "Not known.")
    if row.fallback is not None:
        text = describe_fallback(row.fallback, search.dependency.offering)
        is_bad = not row.fallback.stays and row.fallback.proposed is None
        yield EffectLine("Fallback", text, is_bad)
    for judge in row.judges:
        yield EffectLine("Judge", describe_judge(judge, row), judge.shares_lineage)
    for change in row.shown_exposure:
        yield EffectLine("Tolerance", describe_change(change), change.opens_flag)
    yield EffectLine("Tested by", describe_tests(row, today))


def describe_change(change: ExposureChange) -> str:
    """Return the value of a policy before and after a move, with its tolerance."""
    if not change.is_share:
        verb = "goes from" if change.before != change.after else "stays at"
        values = (
            f"{number(change.n_before)} to {number(change.n_after)}"
            if change.before != change.after
            else number(change.n_after)
        )
        name = f"{change.node}: “{change.policy}”" if change.node else f"“{change.policy}”"
        limit = number(int(change.tolerance))
        return f"{name} {verb} {values} applications, tolerance {limit}."
    counts = f"({number(change.n_after)} of {number(change.n_all)})"
    limit = share(change.tolerance)
    if change.before == change.after:
        return f"{change.node} unchanged: {share(change.after)} {counts}, tolerance {limit}."
    return (
        f"{change.node} {share(change.before)} to {share(change.after)} {counts}, "
        f"tolerance {limit}."
    )


def present_broken(search: SuccessorSearch, today: date) -> list[BrokenRow]:
    """Return the candidates below the line; hosts of one model that lose the same are folded."""
    groups: dict[tuple[object, ...], list[Successor]] = {}
    for row in search.broken:
        key = (
            row.offering.version_id or -row.offering.pk,
            _marks(row),
            _describe_reasons(row, search),
        )
        groups.setdefault(key, []).append(row)
    return [_present_group(rows, search, today) for rows in groups.values()]


def _present_group(rows: Sequence[Successor], search: SuccessorSearch, today: date) -> BrokenRow:
    row, n_more = rows[0], len(rows) - 1
    place = describe_place(row)
    if n_more:
        place = f"{place} and {n_more} more {'host' if n_more == 1 else 'hosts'}"
    kinds = {obstacle.kind for obstacle in row.obstacles}
    return BrokenRow(
        pk=row.offering.pk,
        name=name_model(row.offering),
        place=place,
        marks=_marks(row),
        reason=_describe_reasons(row, search),
        difference=format_amount(row.difference, signed=True),
        retires=describe_retirement(row.offering, today),
        is_late=bool(kinds & {ObstacleKind.RETIRED, ObstacleKind.RETIRES_FIRST}),
    )


def _marks(row: Successor) -> tuple[tuple[str, str], ...]:
    """Return (verdict, text) of what is lost, then of a region that is not known."""
    nouns = dict.fromkeys(
        OBSTACLE_NOUNS[obstacle.kind]
        for obstacle in row.obstacles
        if obstacle.kind in OBSTACLE_NOUNS
    )
    marks = [("lost", f"{noun} lost") for noun in nouns]
    marks += [
        (line.verdict, line.text)
        for line in present_fit(row.fit).lines
        if line.verdict == ItemVerdict.LOST
    ]
    if row.region == ItemVerdict.UNKNOWN:
        marks.append(("unknown", "Region unknown"))
    return tuple(marks)


def _describe_reasons(row: Successor, search: SuccessorSearch) -> str:
    sentences = [describe_obstacle(obstacle, row, search) for obstacle in row.obstacles]
    sentences += [f"{REASON_LABELS[reason]}." for reason in row.reasons]
    return " ".join(dict.fromkeys(sentences))

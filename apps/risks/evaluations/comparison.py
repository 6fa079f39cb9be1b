"""Comparison of two runs of one suite, item by item: difference, losses, gains, overlap of errors.

Only items with a result in both runs count. `old` and `new` are runs of two models, or of one.

- Difference of scores of 0 and 1: interval of Newcombe for paired proportions (Statistics in
  Medicine 17, 1998, 2635-2650, method 10), which stays within -1 and 1 also for few items. Other
  scores: Student's t of the paired differences.
- Losses and gains: exact test of McNemar, two-sided.
- Overlap of errors, corrected for the agreement that two independent models of these accuracies
  would have. Where the number of options of each item is known: CAPA of hard predictions (Goel et
  al., arXiv 2502.04313): agreement of the answers, expected p1 p2 + (1-p1)(1-p2) x mean of
  1/(options-1). Otherwise error consistency (Geirhos et al., arXiv 2006.16736): agreement in right
  and wrong, which cannot tell different errors from equal ones. Intervals by the delta method.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, lgamma, log, sqrt
from statistics import NormalDist, fmean, stdev

from django.db.models import TextChoices

from apps.risks.evaluations.results import ItemResults

LEVEL = 0.95
# an overlap of fewer items says next to nothing, whatever its interval
MIN_OVERLAP_ITEMS = 100
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
# quantiles of Student's t for 1 to 4 degrees of freedom, where the expansion is too rough
_SMALL_T = (12.7062, 4.3027, 3.1824, 2.7764)


class DifferenceMethod(TextChoices):
    NEWCOMBE = "newcombe", "Newcombe’s interval for paired proportions"
    PAIRED_T = "paired_t", "Student’s t of the paired differences"


class OverlapMeasure(TextChoices):
    CAPA = "capa", "CAPA (hard predictions)"
    ERROR_CONSISTENCY = "error_consistency", "Error consistency"


class OverlapGap(TextChoices):
    """Reason why an overlap of errors cannot be stated."""

    SCORES = "scores", "the items have scores, not right or wrong answers"
    TOO_FEW_ITEMS = "too_few_items", f"fewer than {MIN_OVERLAP_ITEMS} items are in both runs"
    NO_ERRORS = "no_errors", "without both right and wrong answers, nothing is left above chance"


class CapaGap(TextChoices):
    """Reason why the overlap is not CAPA."""

    OPTIONS = "options", "the number of options of the items is not known"
    ANSWERS = "answers", "some wrong answers are not known"


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item with different scores in the two runs."""

    item: str
    label: str
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class ErrorOverlap:
    """Overlap of errors: 1 for the same errors, about 0 for independent ones, below 0 for errors on
    different items. `observed` and `expected` are shares of items on which the models agree."""

    measure: OverlapMeasure
    value: float
    interval: Interval
    n: int
    observed: float
    expected: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs on the items that both have. `losses` are items on which the new run is worse;
    `p_value` is McNemar's, None unless all scores are 0 or 1."""

    n: int
    n_only_old: int
    n_only_new: int
    n_without_result: int
    is_binary: bool
    old_mean: float | None = None
    new_mean: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    method: DifferenceMethod | None = None
    losses: tuple[ItemChange, ...] = ()
    gains: tuple[ItemChange, ...] = ()
    p_value: float | None = None
    n_both_wrong: int | None = None
    n_same_wrong_answer: int | None = None
    overlap: ErrorOverlap | None = None
    overlap_gap: OverlapGap | None = None
    capa_gap: CapaGap | None = None


@dataclass(frozen=True, slots=True)
class _Pair:
    """An item of both runs. `same_answer` is None if the answers cannot be compared."""

    item: str
    label: str
    old: float
    new: float
    same_answer: bool | None
    n_options: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What two models did on an item, with the share of chance agreement when both are wrong."""

    old_right: bool
    new_right: bool
    agree: bool
    chance: float


def compare_items(
    old: ItemResults, new: ItemResults, *, higher_is_better: bool = True
) -> Comparison:
    """Compare the results of two runs of one suite; without common items nothing but the numbers of
    items is stated."""
    pairs, n_common = _pair_items(old, new)
    is_binary = bool(pairs) and all({pair.old, pair.new} <= {0.0, 1.0} for pair in pairs)
    n_only_old, n_only_new = len(old.ids) - n_common, len(new.ids) - n_common
    n_without_result = n_common - len(pairs)
    if not pairs:
        return Comparison(0, n_only_old, n_only_new, n_without_result, is_binary=False)
    differences = [pair.new - pair.old for pair in pairs]
    sign = 1 if higher_is_better else -1
    changes = [
        (sign * (pair.new - pair.old), ItemChange(pair.item, pair.label, pair.old, pair.new))
        for pair in pairs
        if pair.new != pair.old
    ]
    # the largest loss first, and items in the order of the file
    changes.sort(key=lambda change: abs(change[0]), reverse=True)
    losses = tuple(change for size, change in changes if size < 0)
    gains = tuple(change for size, change in changes if size > 0)
    interval, method = _difference_interval(pairs, differences, is_binary=is_binary)
    overlap, overlap_gap, capa_gap = (
        _overlap_of(pairs, higher_is_better=higher_is_better)
        if is_binary
        else (None, OverlapGap.SCORES, None)
    )
    both_wrong = (
        [pair for pair in pairs if pair.old == pair.new == (0.0 if higher_is_better else 1.0)]
        if is_binary
        else None
    )
    return Comparison(
        n=len(pairs),
        n_only_old=n_only_old,
        n_only_new=n_only_new,
        n_without_result=n_without_result,
        is_binary=is_binary,
        old_mean=fmean(pair.old for pair in pairs),
        new_mean=fmean(pair.new for pair in pairs),
        difference=fmean(differences),
        interval=interval,
        method=method,
        losses=losses,
        gains=gains,
        p_value=mcnemar_p_value(len(losses), len(gains)) if is_binary else None,
        n_both_wrong=None if both_wrong is None else len(both_wrong),
        n_same_wrong_answer=_count_same_answers(both_wrong),
        overlap=overlap,
        overlap_gap=overlap_gap,
        capa_gap=capa_gap,
    )


def paired_scores(old: ItemResults, new: ItemResults) -> list[ItemChange]:
    """Return the scores of the items that both runs have, in the order of the old run."""
    pairs, _ = _pair_items(old, new)
    return [ItemChange(pair.item, pair.label, pair.old, pair.new) for pair in pairs]


def _pair_items(old: ItemResults, new: ItemResults) -> tuple[list[_Pair], int]:
    """Return (items with a result in both runs, number of items in both runs)."""
    places = {item: place for place, item in enumerate(new.ids)}
    common = [(place, places[item]) for place, item in enumerate(old.ids) if item in places]
    pairs = [_pair(old, new, *each) for each in common]
    return [pair for pair in pairs if pair is not None], len(common)


def _pair(old: ItemResults, new: ItemResults, old_place: int, new_place: int) -> _Pair | None:
    """Return the item as a pair of results; None if a run has no result for it."""
    old_score, new_score = old.scores[old_place], new.scores[new_place]
    if old_score is None or new_score is None:
        return None
    answers = old.answers[old_place], new.answers[new_place]
    options = old.options[old_place], new.options[new_place]
    return _Pair(
        old.ids[old_place],
        old.labels[old_place],
        old_score,
        new_score,
        answers[0] == answers[1] if all(answers) else None,
        # another number of options is another question
        options[0] if options[0] == options[1] else 0,
    )


def _count_same_answers(both_wrong: Sequence[_Pair] | None) -> int | None:
    """Return the number of items with the same wrong answer; None if an answer is unknown."""
    if not both_wrong or any(pair.same_answer is None for pair in both_wrong):
        return None
    return sum(pair.same_answer is True for pair in both_wrong)


def _difference_interval(
    pairs: Sequence[_Pair], differences: Sequence[float], *, is_binary: bool
) -> tuple[Interval | None, DifferenceMethod | None]:
    if is_binary:
        table = Counter((pair.new == 1.0, pair.old == 1.0) for pair in pairs)
        interval = newcombe_interval(
            table[True, True], table[True, False], table[False, True], table[False, False]
        )
        return interval, DifferenceMethod.NEWCOMBE
    if len(differences) < 2:
        return None, None
    half_width = t_quantile(len(differences) - 1) * stdev(differences) / sqrt(len(differences))
    mean = fmean(differences)
    return Interval(mean - half_width, mean + half_width), DifferenceMethod.PAIRED_T


def newcombe_interval(both: int, only_first: int, only_second: int, neither: int) -> Interval:
    """Return the interval of the difference (first minus second) of two paired proportions, by the
    number of items with both, one or none of the two properties; at least one item."""
    n = both + only_first + only_second + neither
    n_first, n_second = both + only_first, both + only_second
    first, second = n_first / n, n_second / n
    first_interval, second_interval = _wilson_interval(n_first, n), _wilson_interval(n_second, n)
    product = n_first * (n - n_first) * n_second * (n - n_second)
    covariance = float(both * neither - only_first * only_second)
    if covariance > 0:
        # continuity correction of the correlation
        covariance = max(covariance - n / 2, 0.0)
    correlation = covariance / sqrt(product) if product else 0.0

    def distance(first_step: float, second_step: float) -> float:
        square = first_step**2 - 2 * correlation * first_step * second_step + second_step**2
        return sqrt(max(square, 0.0))

    difference = first - second
    low = difference - distance(first - first_interval.low, second_interval.high - second)
    high = difference + distance(first_interval.high - first, second - second_interval.low)
    # the bounds hold but for rounding
    return Interval(max(low, -1.0), min(high, 1.0))


def _wilson_interval(n_successes: int, n: int) -> Interval:
    share = n_successes / n
    centre = share + _Z**2 / (2 * n)
    half_width = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return Interval((centre - half_width) / scale, (centre + half_width) / scale)


def t_quantile(degrees: int) -> float:
    """Return the 97.5 % quantile of Student's t, by the expansion of Cornish and Fisher (Abramowitz
    and Stegun 26.7.5)."""
    if degrees <= len(_SMALL_T):
        return _SMALL_T[degrees - 1]
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + fsum(term / float(degrees) ** power for power, term in enumerate(terms, 1))


def mcnemar_p_value(n_losses: int, n_gains: int) -> float:
    """Return the exact two-sided p-value that losses and gains are equally likely."""
    n = n_losses + n_gains
    if n == 0:
        return 1.0
    log_half = n * log(2)
    tail = sum(
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - log_half)
        for k in range(min(n_losses, n_gains) + 1)
    )
    return min(1.0, 2 * tail)


def _overlap_of(
    pairs: Sequence[_Pair], *, higher_is_better: bool
) -> tuple[ErrorOverlap | None, OverlapGap | None, CapaGap | None]:
    """Return (overlap, reason why there is none, reason why it is not CAPA)."""
    right = 1.0 if higher_is_better else 0.0
    if any(pair.n_options == 0 for pair in pairs):
        capa_gap = CapaGap.OPTIONS
    elif any(pair.same_answer is None and pair.old == pair.new != right for pair in pairs):
        capa_gap = CapaGap.ANSWERS
    else:
        capa_gap = None
    if len(pairs) < MIN_OVERLAP_ITEMS:
        return None, OverlapGap.TOO_FEW_ITEMS, capa_gap
    outcomes = Counter(_outcome(pair, right, is_capa=capa_gap is None) for pair in pairs)
    measure = OverlapMeasure.ERROR_CONSISTENCY if capa_gap else OverlapMeasure.CAPA
    overlap = _chance_corrected(measure, outcomes)
    return overlap, None if overlap else OverlapGap.NO_ERRORS, capa_gap


def _outcome(pair: _Pair, right: float, *, is_capa: bool) -> _Outcome:
    """Return what both models did. Both right is the same answer; right and wrong are not."""
    old_right, new_right = pair.old == right, pair.new == right
    if not is_capa:
        return _Outcome(old_right, new_right, old_right == new_right, 1.0)
    agree = (old_right and new_right) or (
        not old_right and not new_right and bool(pair.same_answer)
    )
    return _Outcome(old_right, new_right, agree, 1 / (pair.n_options - 1))


def _chance_corrected(
    measure: OverlapMeasure, outcomes: Mapping[_Outcome, int]
) -> ErrorOverlap | None:
    """Return (observed - expected) / (1 - expected) with its interval; None if both models are
    always right or always wrong in the only way, where nothing is left above chance."""
    n = sum(outcomes.values())
    shares = {outcome: count / n for outcome, count in outcomes.items()}
    observed = sum(share for outcome, share in shares.items() if outcome.agree)
    old_share = sum(share for outcome, share in shares.items() if outcome.old_right)
    new_share = sum(share for outcome, share in shares.items() if outcome.new_right)
    chance = sum(share * outcome.chance for outcome, share in shares.items())
    old_wrong, new_wrong = 1 - old_share, 1 - new_share
    expected = old_share * new_share + chance * old_wrong * new_wrong
    if 1 - expected < 1e-12:
        return None
    value = (observed - expected) / (1 - expected)
    # derivative of the value by the share of each outcome
    slopes = {}
    for outcome in shares:
        expected_slope = (
            outcome.old_right * (new_share - chance * new_wrong)
            + outcome.new_right * (old_share - chance * old_wrong)
            + outcome.chance * old_wrong * new_wrong
        )
        slopes[outcome] = (
            (outcome.agree - expected_slope) * (1 - expected)
            + (observed - expected) * expected_slope
        ) / (1 - expected) ** 2
    mean_slope = sum(share * slopes[outcome] for outcome, share in shares.items())
    variance = sum(share * (slopes[outcome] - mean_slope) ** 2 for outcome, share in shares.items())
    half_width = _Z * sqrt(variance / n)
    return ErrorOverlap(
        measure,
        value,
        Interval(max(value - half_width, -1.0), min(value + half_width, 1.0)),
        n,
        observed,
        expected,
    )

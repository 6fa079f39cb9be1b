"""Two runs of one suite are compared item by item; what cannot be computed is not stated."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.risks.evaluations.comparison import (
    MIN_OVERLAP_ITEMS,
    CapaGap,
    DifferenceMethod,
    OverlapGap,
    OverlapMeasure,
    compare_items,
    mcnemar_p_value,
    newcombe_interval,
    paired_scores,
    t_quantile,
)
from apps.risks.evaluations.results import ItemResults


def run_of(scores, answers=None, options=0, names="q"):
    n = len(scores)
    ids = [f"{names}{number}" for number in range(n)]
    return ItemResults(
        ids,
        list(ids),
        [None if s is None else float(s) for s in scores],
        list(answers) if answers is not None else [""] * n,
        [options] * n,
    )


def test_the_interval_of_paired_proportions_is_newcombes():
    """Airway hyper-responsiveness of 21 children before and after a transplantation (Bentur 2009;
    in Fagerland, Lydersen and Laake, Statistics in Medicine 33, 2014): -0.507 to -0.026."""
    interval = newcombe_interval(1, 1, 7, 12)

    assert (round(interval.low, 3), round(interval.high, 3)) == (-0.507, -0.026)
    assert newcombe_interval(5, 0, 0, 0).low >= -1
    assert newcombe_interval(0, 9, 0, 0).high <= 1


def test_mcnemars_test_is_exact():
    assert mcnemar_p_value(0, 0) == 1
    assert mcnemar_p_value(0, 6) == pytest.approx(2 / 64)
    assert mcnemar_p_value(7, 1) == mcnemar_p_value(1, 7) == pytest.approx(2 * (1 + 8) / 256)
    assert mcnemar_p_value(5, 5) == 1
    assert 0 < mcnemar_p_value(20_000, 20_400) < 0.05


def test_the_quantile_is_students():
    table = {1: 12.706, 2: 4.303, 4: 2.776, 5: 2.571, 10: 2.228, 30: 2.042, 120: 1.980}

    assert {n: round(t_quantile(n), 3) for n in table} == pytest.approx(table, abs=0.0015)


def test_losses_and_gains_are_the_items_that_changed():
    old = run_of([1, 1, 0, 0, 1, None, 1])
    new = run_of([1, 0, 1, 0, 0, 1])
    new.ids.append("other")
    new.labels.append("other")
    new.scores.append(1.0)
    new.answers.append("")
    new.options.append(0)

    found = compare_items(old, new)

    assert (found.n, found.n_only_old, found.n_only_new, found.n_without_result) == (5, 1, 1, 1)
    assert [change.item for change in found.losses] == ["q1", "q4"]
    assert [change.item for change in found.gains] == ["q2"]
    assert found.difference == pytest.approx(-0.2)
    assert found.method == DifferenceMethod.NEWCOMBE
    assert found.interval.low < -0.2 < found.interval.high
    assert (found.n_both_wrong, found.n_same_wrong_answer) == (1, None)
    assert found.p_value == 1
    assert [change.item for change in paired_scores(old, new)] == ["q0", "q1", "q2", "q3", "q4"]


def test_of_a_score_where_less_is_better_a_rise_is_a_loss():
    found = compare_items(run_of([0.2, 0.4]), run_of([0.3, 0.1]), higher_is_better=False)

    assert [change.item for change in found.losses] == ["q0"]
    assert [change.item for change in found.gains] == ["q1"]
    assert found.difference == pytest.approx(-0.1)


def test_scores_have_an_interval_by_student_and_no_overlap():
    """Differences 1, 2, 3, 4, 5: mean 3, standard deviation 1.5811, t(4) 2.776."""
    found = compare_items(run_of([0, 0, 0, 0, 0]), run_of([1, 2, 3, 4, 5]))

    assert found.method == DifferenceMethod.PAIRED_T
    assert found.interval.low == pytest.approx(3 - 2.7764 * 1.5811 / 5**0.5, abs=1e-3)
    assert (found.overlap, found.overlap_gap) == (None, OverlapGap.SCORES)
    assert (found.p_value, found.n_both_wrong) == (None, None)
    assert compare_items(run_of([0.5]), run_of([0.7])).interval is None


def test_without_common_items_nothing_is_stated():
    found = compare_items(run_of([1, 0]), run_of([1, 0], names="other"))

    assert (found.n, found.difference, found.overlap) == (0, None, None)


def four_options(old, new):
    """Return two runs on 100 items of four options, from (number, old answer, new answer); the
    right answer is A."""
    answers = [
        (a, b) for n, a, b in zip([60, 10, 10, 12, 8], old, new, strict=True) for _ in range(n)
    ]
    return tuple(
        run_of([each[side] == "A" for each in answers], [each[side] for each in answers], 4)
        for side in (0, 1)
    )


def test_capa_of_hard_predictions_by_hand():
    """60 both right, 10 and 10 one right, 12 wrong alike, 8 wrong differently: observed 0.72,
    accuracies 0.7, expected 0.49 + 0.09 / 3 = 0.52, so 0.2 / 0.48."""
    found = compare_items(*four_options("AABBB", "ABABC"))

    assert found.overlap.measure == OverlapMeasure.CAPA
    assert found.overlap.observed == pytest.approx(0.72)
    assert found.overlap.expected == pytest.approx(0.52)
    assert found.overlap.value == pytest.approx(0.2 / 0.48)
    assert found.overlap.interval.low < 0.4167 < found.overlap.interval.high
    assert (found.n_both_wrong, found.n_same_wrong_answer) == (20, 12)


def test_error_consistency_where_the_options_are_unknown():
    """The same items without options: observed 0.8, expected 0.49 + 0.09 = 0.58."""
    old, new = four_options("AABBB", "ABABC")
    old.options = [0] * 100

    found = compare_items(old, new)

    assert found.overlap.measure == OverlapMeasure.ERROR_CONSISTENCY
    assert found.overlap.value == pytest.approx(0.22 / 0.42)
    assert found.capa_gap == CapaGap.OPTIONS


def test_capa_is_not_claimed_if_a_wrong_answer_is_unknown():
    old, new = four_options("AABBB", "ABABC")
    old.answers[-1] = ""

    found = compare_items(old, new)

    assert (found.overlap.measure, found.capa_gap) == (
        OverlapMeasure.ERROR_CONSISTENCY,
        CapaGap.ANSWERS,
    )


def test_few_items_and_items_without_errors_have_no_overlap():
    few = run_of([1, 0] * 10)
    perfect = run_of([1] * MIN_OVERLAP_ITEMS)

    assert compare_items(few, few).overlap_gap == OverlapGap.TOO_FEW_ITEMS
    assert compare_items(perfect, perfect).overlap_gap == OverlapGap.NO_ERRORS


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=MIN_OVERLAP_ITEMS, max_size=150), st.integers(2, 9))
def test_identical_models_overlap_completely_where_it_is_defined(answers, options):
    run = run_of([answer == 0 for answer in answers], [f"a{answer}" for answer in answers], options)
    found = compare_items(run, run)

    assert found.difference == 0
    assert found.losses == found.gains == ()
    if found.overlap is None:
        assert found.overlap_gap == OverlapGap.NO_ERRORS
    else:
        assert found.overlap.value == pytest.approx(1)


@pytest.mark.parametrize(("options", "seed"), [(0, 1), (2, 2), (4, 3), (10, 4)])
def test_independent_models_overlap_by_chance_only(options, seed):
    draw = random.Random(seed)

    def independent_run(accuracy):
        scores = [draw.random() < accuracy for _ in range(4_000)]
        answers = [
            "right" if right else f"wrong {draw.randrange(max(options - 1, 1))}" for right in scores
        ]
        return run_of(scores, answers, options)

    found = compare_items(independent_run(0.7), independent_run(0.6)).overlap

    assert abs(found.value) < 0.06
    assert found.interval.low < 0 < found.interval.high


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=200),
    st.sampled_from([0, 2, 5]),
)
def test_every_comparison_is_within_its_bounds(pairs, options):
    old, new = (
        run_of([each[side] == 0 for each in pairs], [f"a{each[side]}" for each in pairs], options)
        for side in (0, 1)
    )
    found, reverse = compare_items(old, new), compare_items(new, old)

    assert -1 - 1e-9 <= found.interval.low <= found.difference <= found.interval.high <= 1 + 1e-9
    assert found.difference == pytest.approx(-reverse.difference)
    assert (len(found.losses), len(found.gains)) == (len(reverse.gains), len(reverse.losses))
    assert 0 < found.p_value <= 1
    if found.overlap:
        assert found.overlap.value <= 1 + 1e-9
        assert found.overlap.value == pytest.approx(reverse.overlap.value)

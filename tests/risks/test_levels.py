"""Levels on the 5 x 5 scale, and what adaptations do to them."""

from hypothesis import given
from hypothesis import strategies as st

from apps.risks.levels import AdaptationStep, Level, adjust_level

KINDS = ("prompt", "few_shot", "fine_tune", "retrieval", "agentic_tools")
levels = st.builds(Level, st.integers(1, 5), st.integers(1, 5))
steps = st.lists(
    st.builds(
        AdaptationStep,
        st.sampled_from(KINDS),
        st.integers(-2, 2),
        st.integers(-2, 2),
        st.just("because"),
    ),
    max_size=5,
    unique_by=lambda step: step.adaptation,
)


def test_without_adaptations_the_inherent_level_stands():
    after = adjust_level(
        Level(4, 3),
        [AdaptationStep("retrieval", -2, 0, "current documents")],
        (),
        in_the_weights=False,
    )

    assert after.level == Level(4, 3)
    assert after.steps == ()


def test_the_steps_of_the_adaptations_present_add_up_and_are_named():
    known = [
        AdaptationStep("retrieval", -2, 0, "a"),
        AdaptationStep("agentic_tools", 1, 1, "b"),
        AdaptationStep("fine_tune", 2, 2, "c"),
    ]

    after = adjust_level(Level(4, 3), known, {"retrieval", "agentic_tools"}, in_the_weights=False)

    assert after.level == Level(3, 4)
    assert [step.why for step in after.steps] == ["a", "b"]


def test_a_step_of_nothing_is_still_told():
    after = adjust_level(
        Level(4, 4),
        [AdaptationStep("prompt", 0, 0, "words change nothing")],
        {"prompt"},
        in_the_weights=True,
    )

    assert after.level == Level(4, 4)
    assert after.steps[0].why == "words change nothing"


def test_words_alone_lower_a_risk_in_the_weights_by_one_step_of_likelihood_at_most():
    known = [AdaptationStep("prompt", -2, -1, "a"), AdaptationStep("few_shot", -2, -2, "b")]

    assert adjust_level(
        Level(4, 4), known, {"prompt", "few_shot"}, in_the_weights=True
    ).level == Level(3, 4)
    assert adjust_level(
        Level(4, 4), known, {"prompt", "few_shot"}, in_the_weights=False
    ).level == Level(1, 1)


@given(levels, steps, st.sets(st.sampled_from(KINDS)), st.booleans())
def test_a_level_never_leaves_the_scale(inherent, known, kinds, deep):
    after = adjust_level(inherent, known, kinds, in_the_weights=deep).level

    assert 1 <= after.likelihood <= 5
    assert 1 <= after.impact <= 5


@given(levels, steps, st.sets(st.sampled_from(["prompt", "few_shot"])))
def test_prompts_and_examples_never_take_a_risk_out_of_the_weights(inherent, known, kinds):
    after = adjust_level(inherent, known, kinds, in_the_weights=True).level

    assert after.likelihood >= inherent.likelihood - 1
    assert after.impact >= inherent.impact

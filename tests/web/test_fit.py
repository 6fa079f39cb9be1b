"""Fit of a candidate in words: lost items first, unknown never counted as kept."""

from apps.catalog.capabilities.fit import check_fit
from apps.catalog.capabilities.values import SettledValue
from apps.web.presenters.fit import fit_phrase, present_fit

YES = SettledValue(True, "models.dev", "2026-07-01", 1)
NO = SettledValue(False, "LiteLLM", "2026-11-24", 2)


def test_lost_items_come_first_with_their_sources():
    fit = check_fit(
        {"tool_calling": True, "vision": True, "pdf": True, "reasoning": False},
        {"tool_calling": YES, "vision": NO},
    )
    summary = present_fit(fit)
    assert summary.verdict == "breaks"
    assert [(line.field, line.verdict) for line in summary.lines] == [
        ("vision", "lost"),
        ("pdf", "unknown"),
        ("tool_calling", "kept"),
    ]
    assert summary.n_kept == 1
    assert summary.not_used == "Reasoning"
    assert summary.sentence == "Breaks: has no image input. Unknown: PDF input."
    assert summary.lines[0].sentence == (
        "Needed: yes. Candidate: no (LiteLLM and 1 more, 24 November 2026)."
    )
    assert summary.lines[1].sentence == ("Needed: yes. Candidate: unknown (no source states it).")
    assert fit_phrase(fit) == "breaks: has no image input"


def test_limits_and_modalities_name_what_is_short():
    fit = check_fit(
        {"context_window": 90_000, "input_modalities": ["image", "text"], "batch": True},
        {
            "context_window": SettledValue(32_000),
            "input_modalities": SettledValue(["text"]),
            "batch": SettledValue(False),
        },
    )
    assert fit_phrase(fit) == (
        "breaks: has a context window of 32,000 tokens (90,000 needed), takes no image input and "
        "takes no batch requests"
    )
    assert [line.text for line in present_fit(fit).lines] == [
        "Context window of 90,000 tokens lost",
        "Input image, text lost",
        "Batch requests lost",
    ]


def test_unknown_is_said_and_never_fits():
    assert fit_phrase(check_fit({"vision": True}, {})) == "unknown: image input"
    contradicted = {"vision": SettledValue(None, contradicted=True)}
    line = present_fit(check_fit({"vision": True}, contradicted)).lines[0]
    assert (line.verdict, line.sentence) == (
        "unknown",
        "Needed: yes. Candidate: unknown (sources contradict each other).",
    )


def test_nothing_known_of_the_use_is_no_fit():
    fit = check_fit({}, {"vision": YES})
    assert present_fit(fit).sentence == "Nothing is known of what this dependency uses."
    assert fit_phrase(fit) == "fit unknown"


def test_everything_kept_fits():
    fit = check_fit({"vision": True}, {"vision": YES})
    assert fit_phrase(fit) == "fits"
    assert present_fit(fit).sentence == "Keeps everything that this dependency is recorded to use."

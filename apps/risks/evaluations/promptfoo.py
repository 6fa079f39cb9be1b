"""Reader of promptfoo's results.json (0.121; results version 3).

The file's own totals can leave out errors, so the cases are counted here: `failureReason` 0 is
passed, 1 a failed assertion, 2 an error of the call. `namedScores` are sums, divided by the number
of cases that have them. A case is the same item in every run with the same variables; if a provider
ran several prompts, the prompt distinguishes them. A case whose call failed has no result.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    ItemCollector,
    UnreadableError,
    as_mapping,
    clean,
    digest_of,
    digest_of_answer,
    load_object,
    parse_count,
    parse_number,
    parse_time,
)

_KINDS = {
    "chat",
    "completion",
    "completions",
    "responses",
    "messages",
    "embedding",
    "embeddings",
    "assistant",
    "realtime",
    "image",
    "moderation",
}
_ERROR = 2


@dataclass(slots=True)
class _Tally:
    n_passed: int = 0
    n_failed: int = 0
    n_errors: int = 0
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    items: ItemCollector = field(default_factory=ItemCollector)


def read_run(body: bytes) -> EvaluationRun:
    """Read a results file of promptfoo; raise UnreadableError for other files. Results by provider:
    the share of passed cases, and the mean of each named score."""
    document = load_object(body)
    results, metadata = as_mapping(document.get("results")), as_mapping(document.get("metadata"))
    cases = results.get("results")
    if "evalId" not in document or not isinstance(cases, list):
        raise UnreadableError(
            "This is not a results file of promptfoo, which has an evalId and "
            "results.results. Write it with the option -o."
        )
    run = EvaluationRun(
        "promptfoo",
        clean(metadata.get("promptfooVersion"), 60),
        clean(document["evalId"], 200),
        made_at=parse_time(metadata.get("evaluationCreatedAt") or results.get("timestamp")),
    )
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    prompts = {
        (_provider_of(as_mapping(case)), clean(as_mapping(case).get("promptId"))) for case in cases
    }
    has_several_prompts = len(prompts) > len({provider for provider, _ in prompts})
    for case in cases:
        _count_case(as_mapping(case), tallies, has_several_prompts=has_several_prompts)
    dataset = clean(as_mapping(document.get("config")).get("description"), 200) or "promptfoo suite"
    for provider, tally in tallies.items():
        host, model = split_provider(provider)
        n = tally.n_passed + tally.n_failed + tally.n_errors
        errors = (
            f"{tally.n_errors} of {n} cases failed because the call failed"
            if tally.n_errors
            else ""
        )
        if n:
            run.add(
                EvaluationResult(
                    model,
                    host,
                    dataset,
                    "pass rate",
                    tally.n_passed / n,
                    n,
                    passed=tally.n_passed == n,
                    note=errors,
                    where=provider,
                    items=tally.items.as_results(),
                )
            )
        for name, values in tally.scores.items():
            run.add(
                EvaluationResult(
                    model,
                    host,
                    dataset,
                    clean(name, 120),
                    sum(values) / len(values),
                    len(values),
                    where=provider,
                )
            )
    return run


def _provider_of(case: Any) -> str:
    stated_provider = case.get("provider")
    return clean(
        as_mapping(stated_provider).get("id")
        if isinstance(stated_provider, dict)
        else stated_provider
    )


def _count_case(case: Any, tallies: dict[str, _Tally], *, has_several_prompts: bool) -> None:
    """Add a test case to the tally of its provider. A failed call counts as an error, not as a
    failed case."""
    provider = _provider_of(case)
    if not provider:
        return
    tally = tallies[provider]
    _add_item(case, tally, has_several_prompts=has_several_prompts)
    if case.get("success") is True:
        tally.n_passed += 1
    elif case.get("failureReason") == _ERROR:
        tally.n_errors += 1
        return
    else:
        tally.n_failed += 1
    for name, value in as_mapping(case.get("namedScores")).items():
        figure = parse_number(value)
        if figure is not None:
            tally.scores[str(name)].append(figure)


def _add_item(case: Any, tally: _Tally, *, has_several_prompts: bool) -> None:
    """Add the case as an item, identified by its variables; without any, by its place."""
    number = parse_count(case.get("testIdx"))
    variables = case.get("vars") or as_mapping(case.get("testCase")).get("vars")
    if not variables and number is None:
        return
    key: Any = variables or number
    if has_several_prompts:
        key = [key, as_mapping(case.get("prompt")).get("label")]
    is_passed = case.get("success") is True
    has_result = is_passed or case.get("failureReason") != _ERROR
    tally.items.add(
        digest_of(key),
        f"test {number + 1}" if number is not None else "",
        float(is_passed) if has_result else None,
        answer=digest_of_answer(as_mapping(case.get("response")).get("output")),
    )


def split_provider(provider: str) -> tuple[str, str]:
    """Return (host, model) of `openai:chat:gpt-4o`; a model ID can itself contain colons. A path or
    URL does not name a model."""
    host, colon, model_id = provider.partition(":")
    if not colon or host in {"file", "http", "https", "exec", "python", "package"}:
        return "", provider
    kind, colon, model = model_id.partition(":")
    return (host, model) if colon and kind in _KINDS else (host, model_id)

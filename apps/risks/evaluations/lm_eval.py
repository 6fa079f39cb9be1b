"""Reader of results_*.json of the lm-evaluation-harness (0.4), where a task's figures have keys
`metric,filter`, and of its samples_*.jsonl, a sample per line.

A samples file names neither its task nor its model: both are stated by the sender. The choice of a
multiple-choice sample is the option with the highest likelihood. `alias`, `name` and `sample_len`
are not metrics, a standard error can be the text N/A, and fewer effective than original samples
mean that the benchmark was run only in part.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    ItemCollector,
    UnreadableError,
    as_list,
    as_mapping,
    clean,
    digest_of,
    digest_of_answer,
    load_object,
    parse_count,
    parse_number,
    parse_score,
    parse_time,
)

MAX_LINE_BYTES = 4 * 1024 * 1024

_NO_METRICS = {"alias", "name", "sample_len", "samples"}
_HOSTS = {"openai": "openai", "anthropic": "anthropic", "hf": "huggingface", "vllm": "huggingface"}


def read_run(body: bytes) -> EvaluationRun:
    """Read a results file or a samples file of lm-eval; raise UnreadableError for other files.
    Tasks of a group are skipped if the file has the results of the group."""
    if is_samples_file(body):
        return _read_samples_file(body)
    document = load_object(body)
    results = document.get("results")
    if not isinstance(results, dict) or not (
        {"lm_eval_version", "n-shot", "versions"} & document.keys()
    ):
        raise UnreadableError(
            "This is not a results file of lm-eval, which has results and versions by task. "
            "Send the results file."
        )
    source = clean(document.get("model_source"), 60)
    created_at = parse_time(document.get("date"))
    run = EvaluationRun(
        "lm-eval",
        clean(document.get("lm_eval_version"), 60),
        kind="benchmark",
        made_at=created_at,
        run=clean(
            "/".join(str(document.get(key)) for key in ("date", "model_name") if document.get(key)),
            200,
        ),
    )
    model = clean(document.get("model_name"))
    # local-chat-completions can be any compatible server
    host = _HOSTS.get(source.partition("-")[0], "")
    grouped_tasks = {
        name
        for tasks in as_mapping(document.get("group_subtasks")).values()
        if tasks
        for name in tasks
    }
    for task, figures in results.items():
        if task not in grouped_tasks or task not in as_mapping(document.get("groups")):
            _add_task(run, document, str(task), as_mapping(figures), model=model, host=host)
    return run


def _add_task(
    run: EvaluationRun, document: Any, task: str, figures: Any, *, model: str, host: str
) -> None:
    """Add a result for each numeric metric of the task, with its standard error as a note."""
    samples = as_mapping(as_mapping(document.get("n-samples")).get(task))
    n, n_original = parse_count(samples.get("effective")), parse_count(samples.get("original"))
    version = as_mapping(document.get("versions")).get(task)
    better = as_mapping(as_mapping(document.get("higher_is_better")).get(task))
    for key, value in figures.items():
        metric, _, kind = str(key).partition(",")
        figure = parse_number(value)
        if metric in _NO_METRICS or metric.endswith("_stderr") or figure is None:
            continue
        notes = []
        error = parse_number(figures.get(f"{metric}_stderr,{kind}"))
        if error is not None:
            notes.append(f"standard error {error:.4g}")
        if n is not None and n_original is not None and n < n_original:
            notes.append(f"{n} of {n_original} samples were run")
        run.add(
            EvaluationResult(
                model,
                host,
                clean(f"{task} v{version}" if version is not None else task, 200),
                clean(metric if kind in {"", "none"} else f"{metric} ({kind})", 120),
                figure,
                n,
                higher_is_better=better.get(metric) is not False,
                note="; ".join(notes),
                where=f"/results/{task}/{key}",
            )
        )


def is_samples_file(body: bytes) -> bool:
    """Return whether the first line of the file is a sample."""
    first_line = body[: body.find(b"\n") if b"\n" in body else len(body)]
    return b'"doc_id"' in first_line and b'"filtered_resps"' in first_line


def _read_samples_file(body: bytes) -> EvaluationRun:
    """Return a figure for each metric and filter, with the results of the samples; without the
    names of the model and the task, which the file does not have."""
    run = EvaluationRun("lm-eval", kind="benchmark")
    for metric, (mean, n, items) in sorted(_collect_figures(_parse_lines(body)).items()):
        run.add(
            EvaluationResult(
                "", "", "", metric, mean, n, where=f"/{metric}", items=items.as_results()
            )
        )
    if not (run.results or run.rejected):
        raise UnreadableError(
            "The samples have no metric with a score for each sample. Send the results file."
        )
    return run


def _parse_lines(body: bytes) -> Iterator[Any]:
    for number, line in enumerate(body.splitlines(), 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            raise UnreadableError(
                f"Line {number} is larger than {MAX_LINE_BYTES // 1024 // 1024} MiB. Send the file "
                "as lm-eval wrote it."
            )
        try:
            yield as_mapping(orjson.loads(line))
        except orjson.JSONDecodeError:
            raise UnreadableError(f"Line {number} is not valid JSON.") from None


def _collect_figures(samples: Iterable[Any]) -> dict[str, tuple[float, int, ItemCollector]]:
    """Return (mean, number of samples, items) by metric and filter."""
    sums: dict[str, list[float]] = {}
    items: dict[str, ItemCollector] = {}
    for sample in samples:
        doc_id = sample.get("doc_id")
        if not isinstance(doc_id, str | int):
            continue
        digest = sample.get("doc_hash")
        identity = digest_of(digest if isinstance(digest, str) and digest else str(doc_id))
        answer, n_options = _choice_of(sample)
        filter_name = clean(sample.get("filter"), 60)
        for each in as_list(sample.get("metrics"))[:20]:
            name = clean(each, 60)
            score = parse_score(sample.get(name))
            if not name or score is None:
                continue
            metric = name if filter_name in {"", "none"} else f"{name} ({filter_name})"
            sums.setdefault(metric, []).append(score)
            items.setdefault(metric, ItemCollector()).add(
                identity,
                clean(f"doc {doc_id}", 40),
                score,
                answer=answer,
                n_options=n_options,
            )
    return {
        metric: (sum(scores) / len(scores), len(scores), items[metric])
        for metric, scores in sums.items()
    }


def _choice_of(sample: Any) -> tuple[str, int]:
    """Return (digest of the answer, number of options) of a sample; 0 options unless it is a
    multiple choice, whose answer is then the option with the highest likelihood."""
    responses = as_list(sample.get("filtered_resps"))
    likelihoods = [parse_score(as_list(each)[0] if as_list(each) else None) for each in responses]
    if len(responses) < 2 or None in likelihoods:
        answer = responses[0] if len(responses) == 1 else ""
        return digest_of_answer(answer), 0
    values = [value for value in likelihoods if value is not None]
    return digest_of_answer(values.index(max(values))), len(values)

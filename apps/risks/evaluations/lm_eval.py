"""Reader of results_*.json of the lm-evaluation-harness (0.4), where a task's figures have keys
`metric,filter`.

`alias`, `name` and `sample_len` are not metrics, a standard error can be the text N/A, and fewer
effective than original samples mean that the benchmark was run only in part.
"""

from typing import Any

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    UnreadableError,
    as_mapping,
    clean,
    load_object,
    parse_count,
    parse_number,
    parse_time,
)

_NO_METRICS = {"alias", "name", "sample_len", "samples"}
_HOSTS = {"openai": "openai", "anthropic": "anthropic", "hf": "huggingface", "vllm": "huggingface"}


def read_run(body: bytes) -> EvaluationRun:
    """Read a results file of lm-eval; raise UnreadableError for other files. Tasks of a group are
    skipped if the file has the results of the group."""
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

"""Detection of an evaluation tool by the content of its file; another tool needs a reader and an
entry here."""

from collections.abc import Callable

from apps.common.processes.child_process import child_function
from apps.risks.evaluations import garak, inspect_ai, lm_eval, mlflow, promptfoo
from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    ItemResults,
    SkippedPart,
    UnreadableError,
)

READERS: dict[str, Callable[[bytes], EvaluationRun]] = {
    "promptfoo": promptfoo.read_run,
    "inspect_ai": inspect_ai.read_run,
    "lm-eval": lm_eval.read_run,
    "garak": garak.read_run,
    "MLflow": mlflow.read_run,
}


@child_function(
    classes=(EvaluationRun, EvaluationResult, ItemResults, SkippedPart),
    errors=(UnreadableError,),
    refusal=UnreadableError,
)
def read_run(body: bytes, *, tool: str = "") -> EvaluationRun:
    """Parse a file with the reader of `tool`; if empty, the tool is detected from the content."""
    if tool:
        if tool not in READERS:
            raise UnreadableError(
                f"'{tool}' is not a supported tool. Use one of: {', '.join(READERS)}."
            )
        return READERS[tool](body)
    return READERS[_detect_tool(body)](body)


def _detect_tool(body: bytes) -> str:
    """Return the tool that wrote the file, by keys that only its format has. Raise UnreadableError
    for other files."""
    head = body[:4096]
    if head[:4] == b"PK\x03\x04":
        return "inspect_ai"
    if b'"entry_type"' in head:
        return "garak"
    if lm_eval.is_samples_file(body):
        return "lm-eval"
    if b'"evalId"' in body:
        return "promptfoo"
    if b'"lm_eval_version"' in body or b'"n-shot"' in body:
        return "lm-eval"
    if b'"eval"' in body and b'"task"' in body:
        return "inspect_ai"
    if mlflow.looks_like_table(body):
        return "MLflow"
    raise UnreadableError(
        f"The file is not a results file of a supported tool. Use one of: {', '.join(READERS)}."
    )

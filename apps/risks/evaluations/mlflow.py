"""Reader of MLflow tables of evaluation results, a row per item: eval_results_table.json, which is
`{"columns": [...], "data": [[...]]}`, tables logged in that form, and the same tables as CSV.

A column `NAME/v1/score` (mlflow.evaluate) or `NAME/value` (mlflow.genai.evaluate) has the scores of
a metric. A table names neither its model nor its suite: both are stated by the sender. An item is
identified by its ID or, without one, by a digest of what was asked.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    ItemCollector,
    UnreadableError,
    as_list,
    clean,
    digest_of,
    digest_of_answer,
    item_id,
    load_object,
    parse_score,
)

MAX_COLUMNS = 500
# a longer header is not one of a table of results
MAX_HEADER_CHARACTERS = 100_000
_SCORE_COLUMN = re.compile(r"(?:feedback/)?([^/]{1,100})(?:/v\d{1,3}/score|/score|/value)")
_SCORE_NAMES = {"score", "correct", "is_correct", "exact_match", "passed"}
_ID_NAMES = ("id", "item_id", "question_id", "sample_id", "example_id", "inputs/question_id")
_INPUT_NAMES = ("inputs", "input", "question", "request", "prompt", "query")
_OUTPUT_NAMES = ("outputs", "output", "response", "prediction", "predictions")
# of MLflow's own metrics, those of which less is better
_LOWER_IS_BETTER = {"toxicity", "latency", "ari_grade_level", "flesch_kincaid_grade_level"}


def read_run(body: bytes) -> EvaluationRun:
    """Read a table of MLflow; raise UnreadableError for other files and for tables without scores
    or items. Each column of scores is a result."""
    columns, rows = _read_json(body) if body.lstrip()[:1] == b"{" else _read_csv(body)
    if not (score_columns := _score_columns(columns)):
        raise UnreadableError(
            "The table has no column of scores. MLflow names them like exact_match/v1/score or "
            "correctness/value."
        )
    id_column = _first_of(_ID_NAMES, columns)
    input_column = _first_of(_INPUT_NAMES, columns)
    if id_column is None and input_column is None:
        raise UnreadableError(
            "The table has no column that identifies its items. Add a column id, or inputs."
        )
    run = EvaluationRun("MLflow")
    for position, metric in score_columns.items():
        _add_metric(
            run,
            rows,
            metric,
            position,
            (id_column, input_column, _first_of(_OUTPUT_NAMES, columns)),
        )
    if not (run.results or run.rejected):
        raise UnreadableError("The columns of scores have no numbers. Check the table.")
    return run


def looks_like_table(body: bytes) -> bool:
    """Return whether the file is a table in JSON, or a CSV file with a column of scores."""
    start = body[:4096].lstrip()
    if start[:1] == b"{":
        return b'"columns"' in start and b'"data"' in body
    try:
        header = next(csv.reader([_first_line(body)]), [])
    except (csv.Error, UnicodeDecodeError):
        return False
    return len(header) > 1 and bool(_score_columns([name.strip() for name in header]))


def _add_metric(
    run: EvaluationRun,
    rows: Sequence[Sequence[Any]],
    metric: str,
    position: int,
    places: tuple[int | None, int | None, int | None],
) -> None:
    """Add the mean of a column of scores. `places` are the columns of ID, input and output."""
    id_column, input_column, output_column = places
    items = ItemCollector()
    scores = []
    for number, row in enumerate(rows, 1):
        stated_id = _cell(row, id_column)
        stated_input = _cell(row, input_column)
        if _is_blank(stated_id) and _is_blank(stated_input):
            continue
        score = parse_score(_cell(row, position))
        if score is not None:
            scores.append(score)
        items.add(
            digest_of(stated_input) if _is_blank(stated_id) else item_id(stated_id),
            f"row {number}",
            score,
            answer=digest_of_answer(_cell(row, output_column)),
        )
    if scores:
        run.add(
            EvaluationResult(
                "",
                "",
                "",
                metric,
                sum(scores) / len(scores),
                len(scores),
                higher_is_better=metric not in _LOWER_IS_BETTER,
                where=f"/columns/{position}",
                items=items.as_results(),
            )
        )


def _read_json(body: bytes) -> tuple[list[str], list[list[Any]]]:
    document = load_object(body)
    columns, data = document.get("columns"), document.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        raise UnreadableError(
            "This is not a table of MLflow, which has columns and data. Send "
            "eval_results_table.json."
        )
    return [clean(name, 200) for name in columns[:MAX_COLUMNS]], [as_list(row) for row in data]


def _read_csv(body: bytes) -> tuple[list[str], list[list[Any]]]:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(f"The table cannot be read as CSV in UTF-8: {error}.") from None
    if not lines:
        raise UnreadableError("The table is empty. Send a table with a row per item.")
    return [clean(name, 200) for name in lines[0][:MAX_COLUMNS]], lines[1:]


def _first_line(body: bytes) -> str:
    line, _, _ = body[:MAX_HEADER_CHARACTERS].partition(b"\n")
    return line.decode("utf-8-sig")


def _score_columns(columns: Sequence[str]) -> dict[int, str]:
    """Return the metric by position of each column of scores."""
    found = {}
    for position, name in enumerate(columns[:MAX_COLUMNS]):
        if name in _SCORE_NAMES:
            found[position] = name
        elif match := _SCORE_COLUMN.fullmatch(name):
            found[position] = match[1]
    return found


def _first_of(names: Sequence[str], columns: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _cell(row: Sequence[Any], position: int | None) -> Any:
    return row[position] if position is not None and position < len(row) else None


def _is_blank(value: Any) -> bool:
    return value is None or value == ""

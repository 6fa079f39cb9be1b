"""Reader of garak's report.jsonl (0.17, and its older key names): the number of attacks resisted
per probe.

The lines with the attacks hold hostile text and are skipped without parsing; without a `completion`
line the run was interrupted.
"""

from typing import Any

import orjson

from apps.risks.evaluations.results import (
    EvaluationResult,
    EvaluationRun,
    UnreadableError,
    as_mapping,
    clean,
    parse_count,
    parse_time,
)

MAX_LINE_BYTES = 1024 * 1024
# generator families of garak that name a host
_HOSTS = {name: name for name in ("openai", "huggingface", "cohere", "groq", "replicate")}


def read_run(body: bytes) -> EvaluationRun:
    """Read a garak report, a JSON object per line; raise UnreadableError for other files. Attempts
    are skipped, since the report also has their sums."""
    run = EvaluationRun("garak", kind="red_team")
    model = host = ""
    is_garak = is_complete = False
    for number, line in enumerate(body.splitlines(), 1):
        if (
            b'"entry_type": "attempt"' in line[:200]
            or b'"entry_type":"attempt"' in line[:200]
            or not line.strip()
        ):
            continue
        entry = _parse_line(line, number)
        match entry.get("entry_type"):
            case "start_run setup":
                is_garak = True
                kind = clean(entry.get("plugins.target_type") or entry.get("plugins.model_type"))
                model = clean(entry.get("plugins.target_name") or entry.get("plugins.model_name"))
                # OpenAICompatible can be any compatible server
                host = (
                    ""
                    if kind.endswith("Compatible")
                    else _HOSTS.get(kind.partition(".")[0].lower(), "")
                )
            case "init":
                is_garak = True
                run.tool_version, run.run = (
                    clean(entry.get("garak_version"), 60),
                    clean(entry.get("run"), 200),
                )
                run.made_at = parse_time(entry.get("start_time"))
            case "eval":
                _add_probe(run, entry, number, model=model, host=host)
            case "completion":
                is_complete = True
                run.made_at = parse_time(entry.get("end_time")) or run.made_at
    if not is_garak:
        raise UnreadableError(
            "This is not a report.jsonl of garak, which starts with the lines start_run "
            "setup and init. Send the report file."
        )
    if not is_complete:
        run.note = "The run was interrupted, so not all probes were tried."
    return run


def _parse_line(line: bytes, number: int) -> Any:
    if len(line) > MAX_LINE_BYTES:
        return {}
    try:
        return as_mapping(orjson.loads(line))
    except orjson.JSONDecodeError:
        raise UnreadableError(f"Line {number} of the report is not valid JSON.") from None


def _add_probe(run: EvaluationRun, entry: Any, number: int, *, model: str, host: str) -> None:
    """Add the result of one detector of a probe: the share of attempts that the model resisted.
    Without counts, nothing is added."""
    total = parse_count(entry.get("total_evaluated", entry.get("total")))
    passed = parse_count(entry.get("passed"))
    if not total or passed is None:
        return
    run.add(
        EvaluationResult(
            model,
            host,
            clean(entry.get("probe"), 200),
            clean(f"resisted ({entry.get('detector')})", 120),
            passed / total,
            total,
            passed=passed >= total,
            where=f"line {number}",
        )
    )

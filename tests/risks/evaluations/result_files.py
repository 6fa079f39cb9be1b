"""Files of results as evaluation tools write them."""

import json
from collections.abc import Iterable
from typing import Any


def promptfoo_file(*cases: dict[str, Any]) -> bytes:
    statistics = {"successes": 9, "failures": 0, "errors": 0}
    content = {
        "evalId": "eval-1",
        "config": {"description": "release gate"},
        "metadata": {
            "promptfooVersion": "0.121.20",
            "evaluationCreatedAt": "2026-11-24T13:42:50Z",
        },
        "results": {"version": 3, "stats": statistics, "results": list(cases)},
    }
    return json.dumps(content).encode()


def promptfoo_case(
    provider: str, success: bool, reason: int = 0, **scores: float
) -> dict[str, Any]:
    """Return one case; `reason` is promptfoo's number: 1 failed, 2 ended in an error."""
    return {
        "provider": {"id": provider, "label": "prod"},
        "success": success,
        "failureReason": reason,
        "namedScores": scores,
        "response": {"output": "SECRET ANSWER"},
    }


GARAK_ENTRIES = [
    {
        "entry_type": "start_run setup",
        "plugins.target_type": "openai.OpenAIGenerator",
        "plugins.target_name": "gpt-4o-mini",
    },
    {
        "entry_type": "init",
        "garak_version": "0.17.1",
        "run": "run-9",
        "start_time": "2026-11-24T13:45:00",
    },
    {"entry_type": "attempt", "prompt": "SECRET ATTACK"},
    {
        "entry_type": "eval",
        "probe": "dan.Ablation",
        "detector": "d.X",
        "passed": 9,
        "fails": 3,
        "total_evaluated": 12,
    },
    {"entry_type": "eval", "probe": "test.Old", "detector": "d.Y", "passed": 4, "total": 4},
    {"entry_type": "completion", "end_time": "2026-11-24T13:46:00"},
]


def garak_file(entries: Iterable[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(entry) for entry in entries).encode()

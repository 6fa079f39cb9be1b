"""Results of evaluation tools are counted anew, and nothing of what was asked or answered is
kept."""

import io
import json
import zipfile

import pytest
import zstandard

from apps.risks.evaluations.formats import read_run
from apps.risks.evaluations.promptfoo import split_provider
from apps.risks.evaluations.results import UnreadableError
from tests.risks.evaluations.result_files import (
    GARAK_ENTRIES,
    garak_file,
    promptfoo_case,
    promptfoo_file,
)


def figures(run):
    return [
        (
            each.model,
            each.provider,
            each.dataset,
            each.metric,
            round(each.value, 4),
            each.n,
            each.passed,
        )
        for each in run.results
    ]


INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {
        "task": "arithmetic",
        "task_version": 2,
        "model": "openai/gpt-4o",
        "run_id": "run-1",
        "created": "2026-11-24T13:42:38+00:00",
        "packages": {"inspect_ai": "0.3.285"},
    },
    "results": {
        "total_samples": 6,
        "scores": [
            {
                "name": "includes",
                "scored_samples": 5,
                "metrics": {
                    "accuracy": {"value": 0.25},
                    "stderr": {"value": 0.1},
                    "odd": {"value": None},
                },
            },
        ],
    },
    "samples": [{"input": "SECRET QUESTION"}],
}
LM_EVAL = {
    "results": {
        "arith": {
            "alias": "arith",
            "sample_len": 6,
            "exact_match,none": 0.5,
            "exact_match_stderr,none": "N/A",
            "perplexity,strict": 3.0,
        }
    },
    "versions": {"arith": 1.0},
    "n-shot": {"arith": 0},
    "n-samples": {"arith": {"original": 100, "effective": 6}},
    "higher_is_better": {"arith": {"exact_match": True, "perplexity": False}},
    "lm_eval_version": "0.4.13",
    "model_source": "local-chat-completions",
    "model_name": "gpt-4o-mini",
    "date": 1795527893.5,
}


def zstd_log(content):
    """An .eval as inspect_ai writes it: a zip whose members are Zstandard, which zipfile cannot
    write here."""
    packed = zstandard.ZstdCompressor().compress(content)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("header.json", packed)
        archive.writestr("samples/1.json", b"{}")
        info = archive.getinfo("header.json")
        info.compress_type, info.file_size = 93, len(content)
    body = bytearray(buffer.getvalue())
    body[8:10] = (93).to_bytes(2, "little")
    return bytes(body)


def test_errors_of_the_call_count_as_cases_whatever_the_files_own_totals_say():
    run = read_run(
        promptfoo_file(
            promptfoo_case("openai:chat:gpt-4o", True, facts=1.0),
            promptfoo_case("openai:chat:gpt-4o", False, 1, facts=0.0),
            promptfoo_case("openai:chat:boom", False, 2),
        )
    )

    assert (run.tool, run.run, run.tool_version) == ("promptfoo", "eval-1", "0.121.20")
    assert figures(run) == [
        ("gpt-4o", "openai", "release gate", "pass rate", 0.5, 2, False),
        ("gpt-4o", "openai", "release gate", "facts", 0.5, 2, None),
        ("boom", "openai", "release gate", "pass rate", 0.0, 1, False),
    ]
    assert run.results[2].note == "1 of 1 cases failed because the call failed"


@pytest.mark.parametrize(
    ("said", "split"),
    [
        ("openai:chat:gpt-4o", ("openai", "gpt-4o")),
        ("openai:gpt-4o", ("openai", "gpt-4o")),
        (
            "bedrock:anthropic.claude-3-haiku-20240307-v1:0",
            ("bedrock", "anthropic.claude-3-haiku-20240307-v1:0"),
        ),
        ("ollama:chat:llama3:70b", ("ollama", "llama3:70b")),
        ("file://own.js", ("", "file://own.js")),
    ],
)
def test_a_providers_id_is_split_at_the_host_and_not_within_the_model(said, split):
    assert split_provider(said) == split


def test_a_log_of_inspect_gives_each_metric_with_its_error_beside_it():
    run = read_run(json.dumps(INSPECT).encode())

    assert figures(run) == [
        ("gpt-4o", "openai", "arithmetic v2", "includes accuracy", 0.25, 5, None)
    ]
    assert run.results[0].note == "standard error 0.1"


def test_a_zipped_log_reads_the_same_also_where_python_cannot_open_it():
    content = json.dumps({**INSPECT, "status": "error"}).encode()
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", content)

    for body in (plain.getvalue(), zstd_log(content)):
        run = read_run(body)
        assert figures(run) == figures(read_run(json.dumps(INSPECT).encode()))
        assert "ended with status 'error'" in run.note


def test_not_a_number_is_no_figure():
    log = json.dumps(INSPECT).replace("0.25", "NaN").encode()

    assert figures(read_run(log)) == []


def test_the_harness_says_where_only_a_part_was_run_and_what_is_no_metric():
    run = read_run(json.dumps(LM_EVAL).encode())

    assert figures(run) == [
        ("gpt-4o-mini", "", "arith v1.0", "exact_match", 0.5, 6, None),
        ("gpt-4o-mini", "", "arith v1.0", "perplexity (strict)", 3.0, 6, None),
    ]
    assert [each.higher_is_better for each in run.results] == [True, False]
    assert run.results[0].note == "6 of 100 samples were run"
    assert run.kind == "benchmark"


def test_an_attack_that_got_through_is_a_failure_under_the_new_and_the_old_names():
    run = read_run(garak_file(GARAK_ENTRIES))

    assert figures(run) == [
        ("gpt-4o-mini", "openai", "dan.Ablation", "resisted (d.X)", 0.75, 12, False),
        ("gpt-4o-mini", "openai", "test.Old", "resisted (d.Y)", 1.0, 4, True),
    ]
    assert (run.run, run.kind, run.note) == ("run-9", "red_team", "")
    assert "interrupted" in read_run(garak_file(GARAK_ENTRIES[:-1])).note


def test_nothing_of_the_content_is_kept():
    for body in (
        promptfoo_file(promptfoo_case("openai:chat:x", True)),
        json.dumps(INSPECT).encode(),
        garak_file(GARAK_ENTRIES),
    ):
        assert "SECRET" not in repr(read_run(body))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "not a results file of a supported tool"),
        (b"<html>evalId</html>", "not a results file"),
        (b'{"evalId": 1}', "not a results file of promptfoo"),
        (b'{"evalId": "x", "results": ', "The file is not valid JSON"),
        (b'[{"evalId": 1}]', "not a JSON object"),
        (b"PK\x03\x04garbage", "cannot be opened"),
        (garak_file(GARAK_ENTRIES[:2]) + b"\n{broken", "Line 3"),
        (b'{"entry_type": "eval", "probe": "x"}', "starts with the lines"),
    ],
)
def test_what_cannot_be_read_says_why(body, sentence):
    with pytest.raises(UnreadableError, match=sentence):
        read_run(body)


def test_a_bomb_in_a_log_is_not_unpacked():
    with pytest.raises(UnreadableError, match="larger than 20 MiB"):
        read_run(zstd_log(b"{" + b" " * (21 * 1024 * 1024)))


@pytest.mark.shared
def test_recorded_runs_have_the_totals_that_their_tools_saw(shared):
    folder = shared / "samples" / "evals"
    runs = {path.name: read_run(path.read_bytes()) for path in sorted(folder.glob("*.json*"))}

    assert {run.tool for run in runs.values()} == {"promptfoo", "inspect_ai", "lm-eval", "garak"}
    rates = {
        each[0]: each[4:6]
        for each in figures(runs["promptfoo-0.121.20.results.json"])
        if each[3] == "pass rate"
    }
    assert rates == {"gpt-4o": (0.5, 2), "boom-model": (0.0, 2)}
    assert [each[3:6] for each in figures(runs["inspect_ai-0.3.285.openai-gpt-4o.json"])] == [
        ("includes accuracy", 0.1667, 6),
        ("match accuracy", 0.1667, 6),
    ]
    assert [each[3:6] for each in figures(runs["lm_eval-0.4.13.results.json"])] == [
        ("exact_match", 0.1667, 6)
    ]
    assert [each[5] for each in figures(runs["garak-0.17.1.report.jsonl"])] == [12, 2, 2, 16]

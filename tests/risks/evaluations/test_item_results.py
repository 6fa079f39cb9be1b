"""Of the items of a suite their IDs, scores and digests of short answers are kept, and nothing of
what was asked or answered."""

import io
import json
import zipfile

import pytest

from apps.risks.evaluations import results
from apps.risks.evaluations.formats import read_run
from apps.risks.evaluations.results import (
    UnreadableError,
    digest_of,
    digest_of_answer,
    item_id,
    parse_score,
)
from tests.risks.evaluations.result_files import promptfoo_case, promptfoo_file


def items_of(run, metric):
    return next(each.items for each in run.results if each.metric == metric)


def test_a_question_used_as_an_id_becomes_a_digest():
    assert item_id("q1") == "q1"
    assert item_id(17) == "17"
    assert item_id("What is my salary?").startswith("#")
    assert item_id("x" * 41).startswith("#")
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_short_answers_are_compared_without_regard_to_case_and_spaces():
    assert digest_of_answer(" A ") == digest_of_answer("a")
    assert digest_of_answer("x" * 65) == digest_of_answer("") == digest_of_answer(["A"]) == ""


def test_scores_are_numbers_truth_values_and_known_words():
    stated = ["C", "I", "P", "yes", "fail", True, 0.25, "0.5", "maybe", None, [1], "nan"]
    read = [1, 0, 0.5, 1, 0, 1, 0.25, 0.5, None, None, None, None]

    assert [parse_score(value) for value in stated] == read


def test_a_case_of_promptfoo_is_known_by_its_variables():
    def case(model, question, success, reason=0):
        return promptfoo_case(f"openai:chat:{model}", success, reason) | {
            "vars": {"q": question},
            "testIdx": 3,
        }

    run = read_run(
        promptfoo_file(
            case("gpt-4o", "SECRET", True),
            case("gpt-4o", "B", False, 1),
            case("gpt-4o", "C", False, 2),
            case("gpt-5", "SECRET", False, 1),
        )
    )

    old, new = (each.items for each in run.results)
    assert old.scores == [1, 0, None], "a failed call is no wrong answer"
    assert old.ids[0] == new.ids[0]
    assert old.labels[0] == "test 4"
    assert "SECRET" not in repr(run)


def test_several_prompts_of_a_provider_are_different_items():
    cases = [
        promptfoo_case("openai:chat:gpt-4o", True)
        | {"vars": {"q": "1"}, "promptId": prompt, "prompt": {"label": prompt}}
        for prompt in ("long", "short")
    ]

    assert len(items_of(read_run(promptfoo_file(*cases)), "pass rate").ids) == 2


INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "exam", "model": "openai/gpt-4o", "run_id": "run-1"},
    "results": {
        "total_samples": 2,
        "scores": [
            {"name": "choice", "metrics": {"accuracy": {"value": 0.5}, "var": {"value": 0.1}}}
        ],
    },
}
SAMPLES = [
    {
        "id": 1,
        "epoch": epoch,
        "choices": ["x", "y", "z"],
        "input": "SECRET",
        "scores": {"choice": {"value": value, "answer": "B"}},
    }
    for epoch, value in ((1, "C"), (2, "I"))
]


def test_samples_of_inspect_ai_have_their_options_and_the_mean_of_their_epochs():
    run = read_run(json.dumps(INSPECT | {"samples": SAMPLES}).encode())

    items = items_of(run, "choice accuracy")
    assert (items.ids, items.scores, items.options) == (["1"], [0.5], [3])
    assert items.answers == [digest_of_answer("b")]
    assert items_of(run, "choice var") is None
    assert "SECRET" not in repr(run)


def archive_of(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.json", json.dumps(content))
    return file.getvalue()


def test_an_archive_of_inspect_ai_has_its_samples_in_the_summaries():
    run = read_run(archive_of(header=INSPECT, summaries=SAMPLES))

    assert items_of(run, "choice accuracy").scores == [0.5]
    assert items_of(read_run(archive_of(header=INSPECT)), "choice accuracy") is None


def lm_eval_sample(number, likelihoods, correct):
    return {
        "doc_id": number,
        "doc": {"question": "SECRET"},
        "doc_hash": f"{number:064x}",
        "target": 0,
        "filtered_resps": [[str(value), "False"] for value in likelihoods],
        "filter": "none",
        "metrics": ["acc"],
        "acc": float(correct),
    }


def test_samples_of_lm_eval_choose_the_option_with_the_highest_likelihood():
    lines = [lm_eval_sample(0, (-1.5, -9, -2), True), lm_eval_sample(1, (-7, -3, -4), False)]
    run = read_run("\n".join(map(json.dumps, lines)).encode())

    [figure] = run.results
    assert (figure.metric, figure.value, figure.n, figure.model) == ("acc", 0.5, 2, "")
    assert figure.items.answers == [digest_of_answer(0), digest_of_answer(1)]
    assert figure.items.options == [3, 3]
    assert figure.items.labels == ["doc 0", "doc 1"]
    assert "SECRET" not in repr(run)


def test_generated_answers_of_lm_eval_have_no_options():
    sample = lm_eval_sample(0, (), True) | {"filtered_resps": ["42"], "filter": "strict"}
    [figure] = read_run(json.dumps(sample).encode()).results

    assert (figure.metric, figure.items.options) == ("acc (strict)", [0])
    assert figure.items.answers == [digest_of_answer("42")]


TABLE = {
    "columns": ["inputs", "outputs", "exact_match/v1/score", "toxicity/v1/score"],
    "data": [["SECRET", "A", 1, 0.1], ["other", "B", 0, 0.3], [None, "B", 1, 0.3]],
}
CSV = b"id,response,correctness/value\nq1,A,yes\nq2,B,no\nq3,C,\n"


def test_a_table_of_mlflow_has_a_figure_for_each_column_of_scores():
    run = read_run(json.dumps(TABLE).encode())

    assert [(each.metric, each.value, each.n, each.higher_is_better) for each in run.results] == [
        ("exact_match", 0.5, 2, True),
        ("toxicity", pytest.approx(0.2), 2, False),
    ]
    assert items_of(run, "exact_match").ids == [digest_of("SECRET"), digest_of("other")]
    assert "SECRET" not in repr(run)


def test_a_table_of_mlflow_as_csv():
    run = read_run(CSV)

    assert run.tool == "MLflow"
    items = items_of(run, "correctness")
    assert (items.ids, items.scores) == (["q1", "q2", "q3"], [1, 0, None])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"columns": ["inputs"], "data": [["a"]]}', "no column of scores"),
        (b'{"columns": ["a/v1/score"], "data": [[1]]}', "identifies its items"),
        (b'{"columns": ["id", "score"], "data": [["a", "x"]]}', "have no numbers"),
        (b'{"columns": {"a": 1}, "data": 3}', "not a table of MLflow"),
        (b"id,score\n\xff,1\n", "cannot be read as CSV"),
        (b'id,score\n"' + b"x" * 200_000 + b'",1\n', "cannot be read as CSV"),
        (b'{"doc_id": 1, "filtered_resps": []}\n{', "Line 2 is not valid JSON"),
        (b'{"doc_id": [1], "filtered_resps": {}}', "no metric with a score"),
    ],
)
def test_other_tables_are_refused_with_the_reason(body, reason):
    with pytest.raises(UnreadableError, match=reason):
        read_run(body)


@pytest.mark.parametrize(
    "body",
    [
        promptfoo_file({"provider": [], "vars": {"q": {}}, "promptId": [1]}),
        promptfoo_file(
            promptfoo_case("openai:chat:gpt-4o", True)
            | {"vars": [1], "testIdx": "x", "prompt": 3, "promptId": {}, "response": "text"}
        ),
        json.dumps(
            INSPECT | {"samples": [1, {"id": []}, {"id": 1, "scores": {"choice": 3}}]}
        ).encode(),
        json.dumps(INSPECT | {"samples": {"id": 1}}).encode(),
        json.dumps(
            lm_eval_sample(0, (), True)
            | {"metrics": [[1]], "filtered_resps": 3}
            | {"metrics": [{"a": 1}, "acc"]}
        ).encode(),
        json.dumps({"columns": ["id", "score"], "data": [1, [], ["a", 1e300], ["b", 1]]}).encode(),
    ],
)
def test_odd_values_are_left_out(body):
    assert read_run(body).results is not None


def test_of_too_many_items_the_figure_alone_is_kept(monkeypatch):
    monkeypatch.setattr(results, "MAX_ITEMS", 3)
    run = read_run(json.dumps(TABLE | {"data": TABLE["data"][:2]}).encode())

    assert [each.items is None for each in run.results] == [False, True]
    assert "more than 3 results of single items" in run.rejected[0].reason


@pytest.mark.shared
def test_files_of_the_tools_themselves_have_their_items(shared):
    folder = shared / "samples" / "evals"
    inspect = read_run((folder / "inspect_ai-0.3.285.openai-gpt-4o.json").read_bytes())
    promptfoo = read_run((folder / "promptfoo-0.121.20.results.json").read_bytes())

    assert items_of(inspect, "includes accuracy").ids == ["q1", "q2", "q3", "q4", "q5", "q6"]
    assert items_of(inspect, "includes accuracy").scores == [0, 0, 0, 0, 0, 1]
    kept = {each.model: each.items for each in promptfoo.results if each.metric == "pass rate"}
    assert kept["gpt-4o"].scores == [1, 0]
    assert kept["boom-model"] is None, "each call failed"

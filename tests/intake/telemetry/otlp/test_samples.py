"""What real exporters sent, against what a correct reader counts; none of its content comes
anywhere near the disk."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection

from apps.accounts.actions import issue_token
from apps.common.time import now
from apps.intake.models import Observation, UsageDay
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.telemetry.aggregation import aggregate_waiting
from tests.builders import make_user

pytestmark = [pytest.mark.shared, pytest.mark.django_db]

OTLP = "samples/otlp"
# minutes after the samples were; a counter that began long ago is not taken for one of today
RECORDED = datetime(2026, 11, 24, 14, tzinfo=UTC)
# nothing of these may be found in any table or line of log: prompts, answers, persons, addresses,
# headers
CONTENT = (
    "Hello, what is",
    "6*7",
    "stream please",
    "stream with usage",
    "vllm style",
    "secret contract text",
    "ok 42",
    "u-17",
    "curl/8",
    "default_user_id",
    "requester_ip",
    "litellm_proxy_master_key",
    "has been deprecated",
)


def expected(shared: Path) -> dict:
    return json.loads((shared / OTLP / "expected_calls.json").read_text())


def files(shared: Path, name: str) -> list[Path]:
    """The sample in every encoding it lies there in."""
    found = [shared / OTLP / name, (shared / OTLP / name).with_suffix(".bin")]
    return [file for file in found if file.exists()]


@pytest.fixture
def post(client):
    _, text = issue_token(
        user=make_user(role="governance"), name="collector", scopes=["intake"], at=now(), by=None
    )

    def send(address: str, body: bytes, kind: str = "application/json"):
        answer = client.post(
            address, data=body, content_type=kind, headers={"Authorization": f"Bearer {text}"}
        )
        assert answer.status_code == 200, answer.content
        return answer

    return send


def send_file(post, file: Path, signal: str = "traces"):
    kind = "application/json" if file.suffix == ".json" else "application/x-protobuf"
    return post(f"/otlp/v1/{signal}", file.read_bytes(), kind)


def counted(stream: str = "otlp") -> Counter:
    """{(service, alias, requested, served, provider): (calls, errors, without usage, input,
    output)} as a Counter."""
    found: Counter = Counter()
    for day in UsageDay.objects.filter(observation__stream=stream).select_related(
        "observation__service"
    ):
        seen = day.observation
        found[
            seen.service.name,
            seen.alias,
            seen.requested,
            seen.served,
            seen.provider,
            day.n_calls,
            day.n_errors,
            day.n_without_usage,
            day.input_tokens,
            day.output_tokens,
        ] += 1
    return found


# of LiteLLM's spans the samples' readers expect no served model, since the call's own span tells
# none: what its sibling `raw_gen_ai_request` holds in the capture; a streamed call has no answer
# there, a failed one no sibling
ANSWERED = {
    "openai/gpt-4o": "gpt-4o-2024-11-20",
    "anthropic/claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "openai/text-embedding-3-large": "text-embedding-3-large",
    "hosted_vllm/meta-llama/Llama-3.3-70B-Instruct": "meta-llama/Llama-3.3-70B-Instruct",
}


def wanted(calls: list[dict]) -> Counter:
    groups: dict[tuple, list] = {}
    for call in calls:
        if call["scope"] == "litellm":
            call["served"] = ANSWERED.get(call["requested"])
        service = call.get("app_hint") or "/".join(
            filter(None, (call["namespace"], call["service"]))
        )
        key = (
            service,
            call.get("alias") or "",
            call["requested"],
            call["served"] or "",
            call["provider"],
        )
        sums = groups.setdefault(key, [0, 0, 0, None, None])
        sums[0] += 1
        sums[1] += call["error"]
        sums[2] += call["input_tokens"] is None and call["output_tokens"] is None
        for place, tokens in ((3, call["input_tokens"]), (4, call["output_tokens"])):
            if tokens is not None:
                sums[place] = (sums[place] or 0) + tokens
    return Counter((*key, *sums) for key, sums in groups.items())


NAMES = [
    "genai_openai_13_json.traces.otlp.json",
    "litellm_proxy.traces.json",
    "openai_v2_240_default.traces.json",
    "openai_v2_240_latest.traces.json",
    "openinference.traces.json",
    "openllmetry.traces.json",
    "openllmetry_anthropic.traces.json",
]


@pytest.mark.parametrize("name", NAMES)
def test_counts_names_and_tokens_are_what_a_correct_reader_makes_of_it(post, shared, name):
    told = expected(shared)[name]

    # in either encoding, and sent again: the same calls, once
    for file in files(shared, name) * 2:
        answer = send_file(post, file)
        assert answer.content in {b"", b"{}"}
    aggregate_waiting(at=now())

    assert sum(UsageDay.objects.values_list("n_calls", flat=True)) == told["distinct_calls"]
    assert counted() == wanted(told["calls"])


def test_every_sample_is_expected_here(shared):
    assert set(NAMES) == set(expected(shared))


def test_a_gateway_s_aliases_become_no_models(post, shared):
    send_file(post, shared / OTLP / "litellm_proxy.traces.bin")
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    aliases = {"chat-default", "claude", "embed", "legacy-gpt", "gpt-4", "broken"}
    seen = Observation.objects.filter(
        alias="chat-default", requested="azure/contact-centre-prod"
    ).get()
    assert (seen.service.scope, seen.service.name, seen.provider) == (
        "litellm-proxy",
        "support-assistant",
        "azure",
    )
    assert not aliases & set(Observation.objects.values_list("requested", flat=True))
    assert not aliases & set(
        Observation.objects.exclude(served="").values_list("served", flat=True)
    )
    assert not aliases & set(Observation.objects.values_list("offering__api_id", flat=True))


def test_metrics_of_the_same_calls_count_the_same(post, shared, monkeypatch):
    monkeypatch.setattr("apps.api.telemetry.otlp.now", lambda: RECORDED)
    for name in (
        "openai_v2_240_default.metrics",
        "openai_v2_240_latest.metrics",
        "openllmetry.metrics",
    ):
        both = []
        for suffix in (".json", ".bin"):
            UsageDay.objects.all().delete()
            connection.cursor().execute("DELETE FROM intake_meteredseries")
            # sent twice: a counter that stands still adds nothing
            for _ in range(2):
                send_file(post, shared / OTLP / f"{name}{suffix}", "metrics")
            aggregate_waiting(at=RECORDED)
            both.append(counted("otlp-metrics"))
        assert both[0] == both[1]
        # its error names no model there, so that it is nobody's; default mode has no Responses API
        assert sum(row[5] for row in both[0]) == {"openllmetry.metrics": 6}.get(name, 7)


def test_litellm_s_callback_counts_both_halves_of_a_fallback(post, shared):
    body = (shared / "samples/litellm/generic_api.payload.json").read_bytes()
    lines = b"\n".join(json.dumps(record).encode() for record in json.loads(body))

    first = post("/api/v1/intake/litellm-callback/", body).json()
    again = post("/api/v1/intake/litellm-callback/", lines).json()
    aggregate_waiting(at=now())

    assert (first["calls"], again["calls"], again["repeated"]) == (9, 0, 9)
    found = counted("litellm:litellm")
    assert (
        "web-copilot",
        "broken",
        "openai/boom-model",
        "",
        "openai",
        1,
        1,
        1,
        None,
        None,
    ) in found
    assert (
        "support-assistant",
        "chat-default",
        "azure/contact-centre-prod",
        "",
        "azure",
        1,
        0,
        0,
        15,
        2,
    ) in found
    assert set(Observation.objects.values_list("service__name", flat=True)) == {
        "support-assistant",
        "web-copilot",
        "litellm",
    }


def test_no_content_reaches_a_table_the_cache_or_the_log(post, shared, capfd, caplog):
    caplog.set_level("DEBUG")
    everything = b""
    for file in sorted((shared / OTLP).iterdir()):
        signal = "metrics" if ".metrics." in file.name else "traces"
        if file.suffix == ".bin" or file.name.endswith(".otlp.json"):
            send_file(post, file, signal)
            everything += file.read_bytes()
    callback = (shared / "samples/litellm/generic_api.payload.json").read_bytes()
    post("/api/v1/intake/litellm-callback/", callback)
    _search(CONTENT, capfd, caplog)
    aggregate_waiting(at=now())
    reconcile_waiting(at=now())

    _search(CONTENT, capfd, caplog)
    # and all of it was sent
    assert [words for words in CONTENT if words.encode() not in everything + callback] == []


def _search(contents, capfd, caplog):
    """Every text of every table, what the cache holds and every line that was logged."""
    out, err = capfd.readouterr()
    rest = caplog.text + out + err + repr(getattr(cache, "_cache", ""))
    for words in contents:
        assert words not in rest
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [
            table
            for (table,) in cursor.fetchall()
            if not table.startswith(("catalog_", "risks_", "django_"))
        ]
        for table in tables:
            cursor.execute(
                f'SELECT t::text FROM "{table}" t WHERE t::text ILIKE ANY(%s) LIMIT 1',
                [[f"%{words}%" for words in contents]],
            )
            assert cursor.fetchone() is None, table

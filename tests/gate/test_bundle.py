"""The bundle that pipelines without a token judge by: signed, bounded, and in agreement with the
register."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.common.time import now
from apps.feeds.models import PollState
from apps.gate.actions import change_gate_policy, grant_waiver, request_waiver
from apps.gate.bundle import build_bundle, public_key, sign_bundle
from apps.gate.client import registry_gate
from apps.gate.matching import RequestedModel
from apps.gate.runs import release_run, request_run
from apps.inventory.governance.approvals import record_decision
from apps.inventory.models import Application
from tests.builders import make_offering, make_provider
from tests.gate.support_desk import SupportDesk

URL = "/api/v1/gate/bundle/"


@pytest.fixture
def judge(desk: SupportDesk, tmp_path, monkeypatch, capsys):
    """judge("--model", ...): (exit code, what was said) of the client by a bundle of now, without a
    token."""

    def run(
        *arguments: str, envelope: dict[str, str] | None = None, key: str = "", token: str = ""
    ) -> tuple[int, str]:
        for name in ("REGISTRY_TOKEN", "REGISTRY_URL", "GITHUB_SHA", "CI_COMMIT_SHA"):
            monkeypatch.delenv(name, raising=False)
        made = build_bundle(application=desk.application, environment="production", at=now())
        (tmp_path / "bundle.json").write_text(json.dumps(envelope or sign_bundle(made)))
        asked = [
            "--application",
            desk.application.slug,
            "--environment",
            "production",
            "--bundle",
            str(tmp_path / "bundle.json"),
            "--bundle-key",
            key or public_key(),
        ]
        with pytest.raises(SystemExit) as ended:
            registry_gate.main([*asked, *arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture(autouse=True)
def _no_evidence(desk):
    change_gate_policy(by=desk.governance, levels={"FR006": "off"})


def test_the_clients_own_arithmetic_agrees_with_the_library():
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    for message in (b"", b"a", b"x" * 5_000):
        signature = key.sign(message)
        assert registry_gate.is_signed(message, signature, public)
        assert not registry_gate.is_signed(message + b"!", signature, public)
        for spot in (0, 31, 32, 63):
            broken = bytearray(signature)
            broken[spot] ^= 1
            assert not registry_gate.is_signed(message, bytes(broken), public)
        # a scalar beyond the order is the same point again, and refused
        scalar = int.from_bytes(signature[32:], "little") + registry_gate.ORDER
        assert not registry_gate.is_signed(
            message, signature[:32] + scalar.to_bytes(32, "little"), public
        )
        assert not registry_gate.is_signed(
            message, signature, Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        )
    assert not registry_gate.is_signed(b"", b"short", public)
    assert not registry_gate.is_signed(b"", bytes(64), bytes([2]) + bytes(31))


def test_without_a_token_the_bundle_decides_as_the_register_does(desk, judge):
    assert judge("--model", "gpt-4o-2024-11-20", "--host", "OpenAI")[0] == 0
    code, said = judge("--model", "gpt-3.5-turbo-0125", "--host", "openai", "--format", "github")
    assert (code, "::error title=FR002 Model retired::" in said) == (1, True)
    code, said = judge("--model", "gpt-4o-2024-08-06")
    assert (code, "FR003 warning" in said) == (0, True)
    code, said = judge("--model", "gpt-4o-2024-08", "--model", "openai/*")
    assert (code, "FR005" in said, "FR009" in said) == (0, True, True)
    assert judge("--model", "gpt-3.5-turbo-0125", "--mode", "report")[0] == 0


def test_decisions_waivers_and_what_was_released_count_there_as_well(desk, judge):
    record_decision(
        target=desk.good, decision="blocked", reason="Leaks.", at=now(), by=desk.governance
    )
    Application.objects.filter(pk=desk.application.pk).update(business_owner="")
    desk.application.refresh_from_db()
    code, said = judge("--model", "gpt-4o-2024-11-20")
    assert (code, "Leaks." in said, "FR010" in said) == (1, True, True)

    waiver = request_waiver(
        application=desk.application,
        rule="FR001",
        model="gpt-4o-2024-11-20",
        reason="Ours.",
        until=desk.today + timedelta(9),
        by=desk.editor,
        at=now(),
    )
    grant_waiver(waiver=waiver, by=desk.governance, at=now())
    assert judge("--model", "gpt-4o-2024-11-20")[0] == 0

    run = request_run(
        application=desk.application,
        requested=[RequestedModel("gpt-3.5-turbo-0125", "openai")],
        by=desk.editor,
        at=now(),
        environment="production",
    )
    release_run(run=run, by=desk.editor, at=now())
    assert judge("--model", "gpt-3.5-turbo-0125")[0] == 0
    assert judge("--model", "gpt-3.5-turbo-0125", "--all")[0] == 1


def test_a_bundle_that_is_forged_foreign_or_too_old_decides_nothing(desk, judge):
    made = build_bundle(application=desk.application, environment="production", at=now())
    honest = sign_bundle(made)
    forged = {
        **honest,
        "payload": base64.b64encode(json.dumps({**made, "findings": []}).encode()).decode(),
    }

    assert judge("--model", "gpt-3.5-turbo-0125", envelope=forged)[0] == 3
    assert judge("--model", "gpt-3.5-turbo-0125", key="0" * 64)[0] == 3
    code, said = judge("--model", "a", envelope=sign_bundle({**made, "application": "another"}))
    assert (code, "is for another" in said) == (3, True)
    code, said = judge(
        "--model", "a", envelope=sign_bundle({**made, "valid_until": "2026-01-01T00:00:00+00:00"})
    )
    assert (code, "too old" in said) == (3, True)
    assert judge("--model", "a", "--on-unknown", "pass", envelope=forged)[0] == 0
    assert judge("--model", "a", envelope={"hello": "x"})[0] == 2
    assert judge("--model", "a", "--format", "sarif")[0] == 2

    PollState.objects.all().delete()
    assert judge("--model", "gpt-4o-2024-11-20")[0] == 3


def test_it_is_fetched_by_a_gate_token_and_told_again_by_its_etag(desk, api):
    client = api(desk.editor)
    asked = {"application": desk.application.slug, "environment": "prod"}

    answer = client.get(URL, asked)

    assert answer.status_code == 200
    bundle = json.loads(base64.b64decode(answer.json()["payload"]))
    assert (bundle["application"], bundle["environment"]) == (desk.application.slug, "production")
    assert {row[3] for row in bundle["findings"]} == {"FR002", "FR003", "FR004"}
    assert client.get(URL, asked, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304
    change_gate_policy(by=desk.governance, levels={"FR005": "error"})
    assert client.get(URL, asked, HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 200
    assert api(desk.viewer).get(URL, asked).status_code == 403
    assert api(desk.stranger).get(URL, asked).status_code == 404
    assert api(desk.editor, "read").get(URL, asked).status_code == 403


def test_one_id_at_several_hosts_means_the_developers_own_where_no_host_is_said(desk, judge):
    elsewhere = make_provider("amazon-bedrock", name="Amazon Bedrock")
    make_offering(
        "gpt-3.5-turbo-0125", host=elsewhere, version=desk.retired.version, lifecycle="active"
    )

    assert judge("--model", "gpt-3.5-turbo-0125")[0] == 1
    assert judge("--model", "gpt-3.5-turbo-0125", "--host", "amazon-bedrock")[0] == 0


def test_a_bundle_costs_the_same_number_of_statements_however_long_the_catalogue(desk):
    def n_statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            build_bundle(application=desk.application, environment="production", at=now())
        return len(captured)

    few = n_statements()
    for _ in range(5):
        make_offering(lifecycle="retired")
    assert n_statements() == few


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        (
            {"@context": "x", "@graph": [{"type": "ai_AIPackage", "name": "gpt-3.5-turbo-0125"}]},
            3,
            "only CycloneDX",
        ),
        ({"hello": 1}, 3, "only CycloneDX"),
        (
            {
                "bomFormat": "CycloneDX",
                "components": [
                    1,
                    {
                        "components": [
                            {
                                "type": "machine-learning-model",
                                "name": "gpt-3.5-turbo-0125",
                                "properties": [1],
                                "evidence": 2,
                            }
                        ]
                    },
                ],
            },
            1,
            "FR002",
        ),
        (
            {
                "bomFormat": "CycloneDX",
                "services": [
                    {
                        "provider": {"name": "openai"},
                        "properties": [{"name": "cdx:ai:modelId", "value": "gpt-3.5-turbo-0125"}],
                    }
                ],
            },
            1,
            "FR002",
        ),
        (
            {
                "bomFormat": "CycloneDX",
                "components": [
                    {
                        "type": "machine-learning-model",
                        "name": "OpenAI (import: openai)",
                        "properties": [{"name": "trusera:file", "value": "a.py"}],
                    }
                ],
            },
            0,
            "0 models",
        ),
    ],
)
def test_what_cannot_be_read_without_the_register_does_not_pass(
    judge, tmp_path, document, code, words
):
    (tmp_path / "bom.json").write_text(json.dumps(document))

    ended, said = judge("--bom", str(tmp_path / "bom.json"))

    assert (ended, words in said) == (code, True), said


def test_a_bundle_speaks_for_its_environment_alone(desk, judge):
    assert judge("--model", "gpt-4o-2024-11-20", "--environment", "Prod")[0] == 0
    code, said = judge("--model", "gpt-4o-2024-11-20", "--environment", "staging")
    assert (code, "'production', not for 'staging'" in said) == (3, True)


def test_what_breaks_in_the_client_is_no_decision(judge, monkeypatch):
    monkeypatch.setattr(registry_gate, "findings_by_bundle", lambda *_: 1 / 0)

    code, said = judge("--model", "gpt-4o-2024-11-20")

    assert (code, "ZeroDivisionError" in said) == (3, True)

"""Evidence packs: what is in them and for whom, that their digests verify, and what becomes of a
lost worker."""

import hashlib
import io
import json
import subprocess
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, User
from apps.alerts.models import Alert, Delivery, Notice
from apps.common.exports.jobs import ExportError
from apps.common.history.context import audit_context
from apps.common.jobs import MAX_ATTEMPTS, takeover_after
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.models import EvidencePack
from apps.reports.packs import actions
from apps.reports.packs.actions import (
    delete_expired_packs,
    make_pack,
    make_waiting_packs,
    request_pack,
)
from apps.reports.packs.archive import PackTooLargeError
from tests.builders import make_claim, make_event, make_source
from tests.reports.insurer import Insurer, more_applications


def ask(by: User, **about: object) -> EvidencePack:
    today = day_of(now())
    return request_pack(
        by=by,
        at=now(),
        since=today - timedelta(400),
        until=today + timedelta(1),
        **about,  # type: ignore[arg-type]
    )


def made(pack: EvidencePack) -> zipfile.ZipFile:
    assert make_pack(pack.pk, at=now())
    pack.refresh_from_db()
    assert (pack.state, pack.error) == ("done", "")
    return zipfile.ZipFile(io.BytesIO(body_of(pack)))


def body_of(pack: EvidencePack) -> bytes:
    return b"".join(bytes(part.body) for part in pack.parts.order_by("number"))


def text(archive: zipfile.ZipFile, name: str) -> str:
    return archive.read(name).decode()


@pytest.fixture
def told(insurer: Insurer) -> Insurer:
    """Each team has an alert about an event of its own application, with a message."""
    for application, team in ((insurer.triage, insurer.claims), (insurer.drafter, insurer.legal)):
        offering = application.dependencies.get(role="primary").offering
        claim = make_claim(
            make_source(),
            offering.api_id,
            offering=offering,
            first_seen=now(),
            changed_at=now(),
            value={"retires_on": "2027-01-15"},
            excerpt={"deprecation": f"of {offering.api_id}"},
            source_url=f"https://example.org/{offering.api_id}",
        )
        event = make_event(offering, detected_at=now() - timedelta(hours=1))
        event.evidence.add(claim)
        delivery = Delivery.objects.create(
            team=team,
            address=team.email,
            message_id=f"<{team.slug}>",
            subject=f"{application} loses a model",
            body_text="...",
            due_at=now(),
            state="sent",
            sent_at=now(),
        )
        alert = Alert.objects.create(
            key=f"event:{event.pk}|announced||team:{team.pk}",
            kind="announced",
            severity=5,
            event=event,
            offering=offering,
            team=team,
            application_ids=[insurer.triage.pk, insurer.drafter.pk],
            raised_at=now() - timedelta(hours=1),
        )
        Notice.objects.create(alert=alert, team=team, why="team", owed_at=now(), delivery=delivery)
    return insurer


def test_every_digest_of_the_manifest_verifies(told: Insurer, tmp_path: Path) -> None:
    pack = ask(told.governance)
    archive = made(pack)
    assert hashlib.sha256(archive.read("manifest.json")).hexdigest() == pack.digest
    manifest = json.loads(archive.read("manifest.json"))
    assert {file["name"] for file in manifest["files"]} | {"manifest.json", "SHA256SUMS"} == set(
        archive.namelist()
    )
    for file in manifest["files"]:
        body = archive.read(file["name"])
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (file["sha256"], file["bytes"])
    assert (manifest["asked_by"], manifest["whole_organisation"]) == ("maren", True)
    # as the README tells people to
    archive.extractall(tmp_path)
    subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )


@pytest.mark.proof
def test_the_same_data_makes_the_same_bytes(told: Insurer) -> None:
    pack = ask(told.governance)
    made(pack)
    first, digest = body_of(pack), pack.digest
    EvidencePack.objects.update(state="queued")
    made(pack)
    assert (body_of(pack), pack.digest) == (first, digest)
    Application.objects.filter(pk=told.triage.pk).update(purpose="Other")
    EvidencePack.objects.update(state="queued")
    made(pack)
    assert pack.digest != digest


def test_it_holds_stacks_tests_events_with_excerpts_and_who_was_told(told: Insurer) -> None:
    with audit_context(user=told.governance, reason="the board asked"):
        told.triage.purpose = "Sorts claims by night"
        told.triage.save()
    archive = made(ask(told.governance))
    assert "Sorts claims by night" in text(archive, "data/applications.csv")
    assert "anthropic/sonnet-1" in text(archive, "data/stacks.csv")
    assert "passed" in text(archive, "data/exit-tests.csv")
    assert "AWS-1" in text(archive, "data/contracts.csv")
    events = [json.loads(line) for line in text(archive, "data/provider-events.jsonl").splitlines()]
    assert events[0]["evidence"][0]["excerpt"] == {"deprecation": "of sonnet"}
    assert events[0]["evidence"][0]["source_url"] == "https://example.org/sonnet"
    assert "Claims triage loses a model" in text(archive, "data/told.csv")
    history = [json.loads(line) for line in text(archive, "data/history.jsonl").splitlines()]
    change = next(
        entry for entry in history if entry["row"].get("purpose") == "Sorts claims by night"
    )
    assert (change["actor"], change["reason"], change["change"]) == (
        "maren",
        "the board asked",
        "update",
    )
    assert "manifest.json" in text(archive, "README.html")


def test_a_row_of_another_team_is_in_no_file_of_an_editors_pack(told: Insurer) -> None:
    archive = made(ask(told.editor))
    for name in archive.namelist():
        said = text(archive, name)
        for foreign in (
            "Mail drafter",
            told.drafter.slug,
            "large",
            "Legal",
            told.legal.email,
            "AWS-1",
        ):
            assert foreign not in said, (foreign, name)
    assert "Claims triage" in text(archive, "data/applications.csv")
    assert "Claims triage loses a model" in text(archive, "data/told.csv")


@pytest.mark.proof
def test_a_pack_of_one_application_or_provider_speaks_of_nothing_else(told: Insurer) -> None:
    one = made(ask(told.governance, application=told.drafter))
    assert "Mail drafter" in text(one, "data/applications.csv")
    assert "Claims triage" not in text(one, "data/applications.csv")
    assert "sonnet" not in text(one, "data/provider-events.jsonl")
    provider = made(ask(told.governance, provider=told.anthropic))
    assert "Claims triage" in text(provider, "data/applications.csv")
    assert "Mail drafter" not in text(provider, "data/applications.csv")


def test_no_cell_is_run_as_a_formula(told: Insurer) -> None:
    Application.objects.filter(pk=told.triage.pk).update(name="=cmd|' /C calc'!A0")
    assert "'=cmd|" in text(made(ask(told.governance)), "data/applications.csv")


def test_who_may_fetch_it(told: Insurer) -> None:
    own, whole = ask(told.editor), ask(told.governance)

    def seen(user: User) -> set[EvidencePack]:
        return set(EvidencePack.objects.visible_to(User.objects.get(pk=user.pk)))

    assert seen(told.governance) == {own, whole}
    assert seen(told.editor) == {own}
    assert seen(told.outsider) == set()
    # who leaves the team loses what was packed of it
    Membership.objects.filter(user=told.editor).delete()
    assert seen(told.editor) == set()


@pytest.mark.proof
def test_a_lost_worker_is_followed_by_another_and_given_up_in_the_end(told: Insurer) -> None:
    pack = ask(told.governance)
    EvidencePack.objects.filter(pk=pack.pk).update(state="running", started_at=now(), attempts=1)
    assert not make_pack(pack.pk, at=now())  # somebody has it
    later = now() + takeover_after() + timedelta(minutes=1)
    assert make_waiting_packs(at=later) == 1
    pack.refresh_from_db()
    assert (pack.state, pack.attempts) == ("done", 2)

    lost = ask(told.governance, application=told.triage)
    EvidencePack.objects.filter(pk=lost.pk).update(
        state="running", started_at=now(), attempts=MAX_ATTEMPTS
    )
    assert make_waiting_packs(at=later) == 0
    lost.refresh_from_db()
    assert lost.state == "failed"
    assert f"failed after {MAX_ATTEMPTS} attempts because the worker stopped" in lost.error
    assert "Try again for a shorter period" in lost.error
    made(ask(told.governance, application=told.triage))


def test_a_worker_that_fails_half_way_leaves_a_reason_and_no_half_file(
    told: Insurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_args: object, **_words: object) -> None:
        raise PackTooLargeError("Choose a shorter period.")

    pack = ask(told.governance)
    with monkeypatch.context() as patched:
        patched.setattr(actions, "write_pack", too_large)
        make_pack(pack.pk, at=now())
    pack.refresh_from_db()
    assert (pack.state, pack.error, pack.parts.count()) == ("failed", "Choose a shorter period.", 0)
    made(ask(told.governance))


def test_what_cannot_be_packed_is_refused(told: Insurer) -> None:
    today = day_of(now())
    with pytest.raises(ExportError, match="must end after its start"):
        request_pack(by=told.governance, at=now(), since=today, until=today)
    with pytest.raises(ExportError, match="at most five years"):
        request_pack(by=told.governance, at=now(), since=date(2000, 1, 1), until=today)
    with pytest.raises(ExportError, match="not a member of a team"):
        ask(told.outsider)
    ask(told.governance)
    with pytest.raises(ExportError, match="already being created"):
        ask(told.governance)


@pytest.mark.proof
def test_files_are_dropped_when_their_day_has_come_and_digests_stay(told: Insurer) -> None:
    pack = ask(told.governance)
    made(pack)
    assert delete_expired_packs(on=pack.expires_on - timedelta(1)) == 0
    assert delete_expired_packs(on=pack.expires_on) == 1
    pack.refresh_from_db()
    assert (pack.parts.count(), len(pack.digest), pack.manifest["pack"]) == (0, 64, pack.pk)


@pytest.mark.proof
def test_it_costs_the_same_statements_whatever_the_portfolio(told: Insurer) -> None:
    def count() -> int:
        pack = ask(told.governance)
        with CaptureQueriesContext(connection) as queries:
            made(pack)
        return len([query for query in queries if "evidencepackpart" not in query["sql"]])

    few = count()
    more_applications(told, 27)
    assert count() == few

"""POST /api/v1/intake/{format}/: what a sender may send, how, and what it is answered."""

import gzip
import json
import zlib
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake import import_jobs
from apps.intake.documents import ingest
from apps.intake.models import BilledCost, Import, Observation, TokenBinding
from apps.intake.tasks import run_import
from apps.inventory.models import Dependency
from tests.api.retailer import SERIAL, bom, post
from tests.builders import (
    make_application,
    make_dependency,
    make_member,
    make_offering,
    make_team,
    make_user,
)
from tests.http import problem_detail

pytestmark = pytest.mark.django_db


def calls(application):
    return set(application.dependencies.values_list("offering__api_id", flat=True))


# --- what becomes of it ---------------------------------------------------------------------------


def test_known_models_become_dependencies_and_unknown_ones_questions(sender, retailer, about):
    answer = post(sender, bom("gpt-4o", "process.env.MODEL", "nobody-1"), about)
    said = answer.json()

    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v1/imports/{said['id']}/"
    assert (said["status"], said["application"], said["tool"]) == (
        "partial",
        retailer.shop.slug,
        "scan",
    )
    assert (said["counts"]["created"], said["counts"]["unresolved"]) == (1, 2)
    assert [part["reason"].split("'")[1] for part in said["unresolved"]] == [
        "nobody-1",
        "process.env.MODEL",
    ]
    dependency = retailer.shop.dependencies.get()
    assert (dependency.offering, dependency.origin) == (retailer.gpt, "observed")
    assert dependency.history.get().pgh_context.metadata["user"] == retailer.editor.pk


@pytest.mark.parametrize(
    "wrap",
    [
        lambda body: {"said": body},
        lambda body: {"said": body, "type": "application/vnd.cyclonedx+json; version=1.6"},
        lambda body: {"said": body, "type": "application/octet-stream"},
        lambda body: {"said": gzip.compress(body), "Content-Encoding": "gzip"},
        lambda body: {"said": zlib.compress(body), "Content-Encoding": "deflate"},
        lambda body: {
            "said": gzip.compress(body[:50]) + gzip.compress(body[50:]),
            "type": "application/gzip",
        },
    ],
    ids=["JSON", "its own type", "any type", "gzip", "deflate", "a gzip file in two parts"],
)
def test_a_raw_body_comes_as_it_likes(sender, retailer, about, wrap):
    answer = post(sender, query=about, **wrap(json.dumps(bom("gpt-4o")).encode()))

    assert (answer.status_code, answer.json()["status"]) == (202, "done")
    assert calls(retailer.shop) == {"gpt-4o"}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_form_brings_one_file(sender, retailer, about, pack):
    body = pack(json.dumps(bom("gpt-4o")).encode())
    file = SimpleUploadedFile("shop\x00.cdx.json", body, "application/json")

    answer = sender.post(
        f"/api/v1/intake/cyclonedx/{about}", {"file": file, "note": "x"}, format="multipart"
    )

    assert (answer.status_code, answer.json()["file_name"]) == (202, "shop.cdx.json"), (
        answer.content
    )
    assert calls(retailer.shop) == {"gpt-4o"}


def test_the_document_may_name_its_application_itself(sender, retailer):
    said = post(sender, bom("gpt-4o", subject="shop")).json()

    assert (said["status"], said["application"]) == ("done", retailer.shop.slug)
    again = post(sender, bom("gpt-4o", subject="shop"))
    assert (again.status_code, again.json()["id"]) == (200, said["id"])


def test_a_subject_of_another_team_is_not_written_to(sender, retailer):
    other = make_application("Elsewhere")

    said = post(sender, bom("gpt-4o", subject=other.name)).json()

    assert said["status"] == "needs_application"
    assert not other.dependencies.exists()


def test_a_large_document_is_read_by_a_worker(sender, retailer, about, monkeypatch):
    sent = []
    monkeypatch.setattr(ingest, "MAX_IMMEDIATE_BYTES", 10)
    monkeypatch.setattr(import_jobs, "send_to_worker", sent.append)
    said = post(sender, bom("gpt-4o"), about).json()

    assert (said["status"], sent) == ("queued", [said["id"]])
    run_import(said["id"])
    assert calls(retailer.shop) == {"gpt-4o"}


def test_the_environment_is_kept(sender, about):
    post(sender, bom("gpt-4o"), f"{about}&environment=staging")

    assert Observation.objects.get().environment == "staging"


def test_no_control_characters_get_through(sender, retailer, about):
    said = bom("gpt\x00-4o", "gpt-4o\u202e", tool="sc\x00an", serialNumber="urn:\x00", version=1)
    said["components"][0] |= {
        "description": "a\x00b",
        "type": "machine-learning-model",
        "x\x00": "y",
    }
    said["components"].append({"type": "li\x00brary", "name": "z"})
    said["metadata"]["component"] = {"name": "sub\x00ject"}

    answer = post(sender, said, f"{about}&environment=a%00b&part=c%00d", **{"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json()["tool"]) == (202, "scan"), answer.content
    assert set(Observation.objects.values_list("requested", "environment")) == {("gpt-4o", "ab")}


def test_one_id_in_two_roles_is_taken(sender, retailer, about):
    said = bom("gpt-4o", "gpt-4o")
    said["components"][1]["modelCard"] = {"modelParameters": {"task": "content moderation"}}

    answer = post(sender, said, about)

    assert answer.json()["status"] == "done", answer.content
    assert set(retailer.shop.dependencies.values_list("role", flat=True)) == {
        "primary",
        "guardrail",
    }


# --- the same again, older, newer -----------------------------------------------------------------


def test_the_same_document_again_is_the_first_import(sender, retailer, about):
    first = post(sender, bom("gpt-4o"), about)
    again = post(sender, bom("gpt-4o"), about)

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert Import.objects.count() == 1


def test_what_calls_itself_the_same_and_says_the_same_is_the_same(sender, retailer, about):
    said = bom("gpt-4o", serialNumber=SERIAL, version=1)
    first = post(sender, said, about).json()

    spread = post(sender, json.dumps(said, indent=4).encode(), about)
    edited = post(sender, said | {"components": bom("gpt-4o-mini")["components"]}, about)

    assert (spread.status_code, spread.json()["id"]) == (200, first["id"])
    assert "the same" in spread.json()["note"]
    assert edited.status_code == 202, "its version was left as it was, and it says something else"
    assert Dependency.objects.count() == 2


def test_a_key_of_the_sender_stands_for_one_document(sender, about):
    key = {"Idempotency-Key": "build-7"}
    first = post(sender, bom("gpt-4o"), about, **key)
    again = post(sender, bom("gpt-4o"), about, **key)
    other = post(sender, bom("gpt-4o-mini"), about, **key)

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert other.status_code == 422
    assert "Use a new one" in other.json()["detail"]
    assert (
        post(sender, bom("gpt-4o-mini"), about, **{"Idempotency-Key": "k" * 129}).status_code == 400
    )


def missing():
    return set(
        Observation.objects.filter(missing_since__isnull=False).values_list("requested", flat=True)
    )


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"at": "2026-11-01T00:00:00Z"}, {"at": "2026-11-20T00:00:00Z"}),
        ({"serialNumber": SERIAL, "version": 1}, {"serialNumber": SERIAL, "version": 2}),
    ],
    ids=["by its time", "by its version"],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["in order", "out of order"])
def test_the_newest_document_of_a_tool_counts_whenever_it_comes(
    sender, retailer, about, older, newer, is_first
):
    documents = [bom("gpt-4o", "gpt-4o-mini", **older), bom("gpt-4o", **newer)]

    answers = [
        post(sender, said, about).json()
        for said in (documents if is_first else reversed(documents))
    ]

    assert [said["is_older"] for said in answers] == ([False, False] if is_first else [False, True])
    assert missing() == {"gpt-4o-mini"}
    # nothing was deleted; what was over when we heard of it never began
    assert calls(retailer.shop) == ({"gpt-4o", "gpt-4o-mini"} if is_first else {"gpt-4o"})


def test_an_older_document_under_a_new_name_does_not_bring_back_what_is_gone(
    sender, retailer, about
):
    old = bom("gpt-4o", "gpt-4o-mini", at="2026-11-01T00:00:00Z")
    post(sender, old, about)
    post(sender, bom("gpt-4o", at="2026-11-20T00:00:00Z"), about)

    again = post(sender, old | {"serialNumber": SERIAL}, about).json()

    assert again["is_older"]
    assert missing() == {"gpt-4o-mini"}


def test_a_clock_that_runs_ahead_outdates_nothing(sender, retailer, about):
    post(sender, bom("gpt-4o", at="2099-01-01T00:00:00Z"), about)

    later = post(sender, bom("gpt-4o-mini"), about).json()
    dated = post(sender, bom("gpt-4o-mini", at=now().isoformat()), about).json()

    assert not later["is_older"]
    assert not dated["is_older"]
    assert missing() == {"gpt-4o"}


def test_one_tool_does_not_end_what_another_saw(sender, retailer, about):
    post(sender, bom("gpt-4o", "gpt-4o-mini", tool="one"), about)
    post(sender, bom("gpt-4o", tool="two"), about)
    assert missing() == set()

    post(sender, bom("gpt-4o", tool="one", version=2), about)

    assert missing() == {"gpt-4o-mini"}
    assert calls(retailer.shop) == {"gpt-4o", "gpt-4o-mini"}, (
        "that it is gone is for a person to say"
    )


def test_a_document_speaks_for_its_part_and_its_environment(sender, retailer, about):
    both = bom("gpt-4o", "gpt-4o-mini")
    for query in ("&part=api", "&part=worker", "&environment=staging"):
        post(sender, both, about + query)
    post(sender, bom("gpt-4o", version=2), f"{about}&part=api")

    gone = Observation.objects.filter(missing_since__isnull=False)
    assert [(each.requested, each.seen_in.mapping["part"]) for each in gone] == [
        ("gpt-4o-mini", "api")
    ]
    assert Dependency.objects.count() == 2, "one use, told three times"


def test_a_name_without_a_host_is_what_the_application_calls_already(sender, retailer, about):
    make_dependency(make_application("Other"), retailer.mini)
    make_dependency(retailer.shop, retailer.mini)
    make_offering("gpt-4o-mini", host=retailer.claude.host, version=retailer.mini.version)

    said = post(sender, bom("gpt-4o-mini", provider=""), about).json()

    assert said["status"] == "done", said["unresolved"]
    assert Observation.objects.get().offering == retailer.mini


def test_a_provider_that_cannot_be_it_is_not_believed(sender, retailer, about):
    said = post(sender, bom("claude-1"), about).json()

    assert said["status"] == "done", said["unresolved"]
    assert retailer.shop.dependencies.get().offering == retailer.claude, (
        "OpenAI serves no model of Anthropic's"
    )


def test_a_name_without_a_host_is_placed_by_what_another_tool_says_later(sender, retailer, about):
    make_offering("gpt-4o-mini", host=retailer.claude.host, version=retailer.mini.version)
    first = post(sender, bom("gpt-4o-mini", provider="", tool="one"), about).json()
    assert "offered by Anthropic, OpenAI. Select the offering." in first["unresolved"][0]["reason"]

    post(sender, bom("gpt-4o-mini", tool="two"), about)

    assert set(Observation.objects.values_list("state", "offering")) == {
        ("matched", retailer.mini.pk)
    }


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrap", "status", "says"),
    [
        ({"said": b"", "type": "application/json"}, 400, "empty"),
        ({"said": b"{} plain", "Content-Encoding": "gzip"}, 400, "not gzip"),
        ({"said": gzip.compress(b"{}" * 99)[:-4], "Content-Encoding": "gzip"}, 400, "incomplete"),
        ({"said": gzip.compress(b"") * 100, "Content-Encoding": "gzip"}, 400, "more than 64 parts"),
        ({"said": b"--x--", "type": "multipart/form-data; boundary=x"}, 400, "no file"),
        ({"said": b"nothing", "type": "multipart/form-data"}, 400, "multipart/form-data"),
        ({"said": b"{}", "type": "text/html"}, 415, "text/html is not supported"),
        (
            {"said": b"a=b", "type": "application/x-www-form-urlencoded"},
            415,
            "Send the document as",
        ),
        ({"said": b"{}", "Content-Encoding": "br"}, 415, "br is not supported"),
        ({"said": b" " * (10 * 1024 * 1024 + 1)}, 413, "at most 10 MiB"),
        (
            {"said": gzip.compress(b" " * 60_000_000), "Content-Encoding": "gzip"},
            413,
            "50 MiB after decompression",
        ),
        ({"said": gzip.compress(b" " * 60_000_000)}, 413, "50 MiB after decompression"),
        ({"said": b"{"}, 422, "not JSON"),
        ({"said": b'{"a": "\xff"}'}, 422, "not UTF-8"),
        ({"said": {"spdxVersion": "SPDX-2.3"}}, 422, "send it as spdx"),
        ({"said": b"[" * 10_000}, 422, "more than 64 levels deep"),
        (
            {"said": b"<!DOCTYPE a [<!ENTITY b 'c'>]><bom/>", "type": "application/xml"},
            422,
            "entities",
        ),
    ],
)
def test_what_cannot_be_taken_is_a_problem_with_a_sentence(sender, about, wrap, status, says):
    answer = post(sender, query=about, **wrap)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
    assert not Dependency.objects.exists()


def test_a_body_that_says_it_is_too_large_is_not_even_read(sender, about):
    class Unread(BytesIO):
        def read(self, *args):
            raise AssertionError("it was read")

    answer = sender.generic(
        "POST",
        f"/api/v1/intake/cyclonedx/{about}",
        b"",
        "application/json",
        **{"wsgi.input": Unread(), "CONTENT_LENGTH": str(20 * 1024 * 1024)},
    )

    assert answer.status_code == 413


def test_a_form_with_several_files_is_refused(sender, about):
    files = {name: SimpleUploadedFile(name, b"{}") for name in ("a", "b")}

    answer = sender.post(f"/api/v1/intake/cyclonedx/{about}", files, format="multipart")

    assert "several files" in problem_detail(answer, 400)


def test_what_could_not_be_read_is_kept_as_a_failed_import_and_may_be_sent_again(
    api, sender, retailer, about
):
    refused = post(sender, b"{", about)
    answer = api(retailer.editor).get(refused["Location"]).json()

    assert refused.json()["import"] == answer["id"]
    assert (answer["status"], "not JSON" in answer["error"]) == ("failed", True)
    assert post(sender, b"{", about).status_code == 422


def test_a_broken_schema_is_marked_and_strict_senders_are_told(sender, retailer, about):
    said = bom(
        "gpt-4o", components=[*bom("gpt-4o")["components"], {"type": "service", "name": "x"}]
    )

    strict = post(sender, said, f"{about}&strict=true")
    lenient = post(sender, said, about).json()

    assert strict.status_code == 422
    assert "does not match its schema" in strict.json()["detail"]
    assert (lenient["status"], lenient["schema_valid"]) == ("done", False)
    assert lenient["schema_errors"][0]["where"] == "/components/1/type"
    again = post(sender, said, f"{about}&strict=true")
    assert f"as import {lenient['id']}" in problem_detail(again, 422)


@pytest.mark.parametrize("asked", ["&strict=perhaps", "&aplication=x"])
def test_what_the_door_does_not_read_is_refused_before_anything_is_kept(
    sender, retailer, about, asked
):
    before = Import.objects.count()

    answer = post(sender, bom("gpt-4o"), f"{about}{asked}")

    assert (answer.status_code, Import.objects.count()) == (400, before)


@pytest.mark.parametrize(
    ("query", "kind", "says"),
    [
        ("?application=nobody", "cyclonedx", 'No application "nobody"'),
        ("?application=no%00body", "cyclonedx", 'No application "nobody"'),
        ("?team=nobody", "cyclonedx", 'No team "nobody"'),
        ("", "nonsense", "azure-deployments, backstage, bedrock-profiles, csv"),
    ],
)
def test_what_is_not_there_is_named(sender, query, kind, says):
    answer = post(sender, bom("gpt-4o"), query, kind=kind)

    assert says in problem_detail(answer, 404)


# --- who may --------------------------------------------------------------------------------------


def test_only_editors_of_the_team_write_and_strangers_find_nothing(api, retailer, about):
    viewer, stranger = make_member(retailer.team, TeamRole.VIEWER), make_member(make_team())

    assert post(api(viewer, "intake"), bom("gpt-4o"), about).status_code == 403
    assert post(api(stranger, "intake"), bom("gpt-4o"), about).status_code == 404
    assert post(api(make_user(role="auditor"), "intake"), bom("gpt-4o"), about).status_code == 403
    assert (
        post(api(make_user(role="governance"), "intake"), bom("gpt-4o"), about).status_code == 202
    )
    assert Import.objects.count() == 1


def test_a_token_needs_the_scope_and_a_session_does_not_do(api, client, retailer, about):
    assert post(api(retailer.editor, "read", "write"), bom("gpt-4o"), about).status_code == 403
    assert post(api(), bom("gpt-4o"), about).status_code == 401
    client.force_login(retailer.editor)
    assert post(client, bom("gpt-4o"), about).status_code == 401


@pytest.mark.parametrize(
    "path", ["imports/", "observations/", "dependencies/", "imports/{id}/", "applications/"]
)
def test_an_intake_token_reads_nothing(sender, about, path):
    taken = post(sender, bom("gpt-4o"), about).json()

    assert sender.get(f"/api/v1/{path.format(**taken)}").status_code == 403


def test_a_token_for_one_application_speaks_of_no_other(api, retailer, about):
    other = make_application("Other", team=retailer.team)
    bound = api(retailer.editor, "intake")
    token = ApiToken.objects.latest("pk")
    TokenBinding.objects.create(token=token, application=other, environment="production")

    refused = post(bound, bom("gpt-4o"), about)
    taken = post(bound, bom("gpt-4o", subject="shop")).json()

    assert other.slug in problem_detail(refused, 403)
    assert (taken["application"], taken["environment"]) == (other.slug, "production")
    assert not retailer.shop.dependencies.exists()


def test_a_token_bound_to_a_team_reaches_no_further_than_it(api, retailer):
    elsewhere = make_team()
    make_member(elsewhere, TeamRole.EDITOR, retailer.editor)
    other = make_application("Elsewhere", team=elsewhere)
    bound = api(retailer.editor, "intake", team=retailer.team)

    assert post(bound, bom("gpt-4o"), f"?application={other.slug}").status_code == 404
    assert (
        post(bound, bom("gpt-4o-mini", subject="elsewhere")).json()["status"] == "needs_application"
    )
    assert post(bound, bom("gpt-4o"), f"?application={retailer.shop.slug}").status_code == 202


def test_senders_are_slowed_down(api, retailer, about, settings):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_THROTTLE_RATES": rates | {"intake": "1/h"}
    }
    sender = api(retailer.editor, "intake")

    codes = [post(sender, bom("gpt-4o"), about).status_code for _ in range(3)]

    assert codes[-1] == 429


@pytest.mark.parametrize("is_form", [False, True], ids=["body", "form"])
def test_a_compressed_bill_comes_as_a_body_or_a_form(sender, retailer, about, is_form):
    head = (
        b"BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargeCategory,ProviderName,"
        b"SkuMeter"
    )
    body = gzip.compress(head + b"\n3,3,USD,2026-10-03,Usage,OpenAI,gpt-4o\n")
    address = f"/api/v1/intake/focus/{about}"

    answer = (
        sender.post(address, {"file": SimpleUploadedFile("focus.csv.gz", body)}, format="multipart")
        if is_form
        else sender.generic("POST", address, body, content_type="text/csv")
    )

    assert (answer.status_code, answer.json()["status"]) == (202, "done"), answer.content
    assert BilledCost.objects.get().observation.application == retailer.shop

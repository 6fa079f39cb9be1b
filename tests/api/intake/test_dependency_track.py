"""Dependency-Track's upload: its clients post here unchanged."""

import base64
import gzip
import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.intake import import_jobs
from apps.intake.documents import ingest
from apps.intake.models import Import, TokenBinding
from apps.intake.tasks import run_import
from tests.api.retailer import bom
from tests.builders import make_application, make_member, make_team
from tests.http import problem_detail

pytestmark = pytest.mark.django_db


@pytest.fixture
def sender(api, retailer):
    client = api(retailer.editor, "intake")
    # cdxgen --server-url ... --api-key ... --project-name ...
    key = client._credentials.pop("HTTP_AUTHORIZATION").removeprefix("Bearer ")
    client.credentials(HTTP_X_API_KEY=key)
    return client


def encoded(said):
    return base64.b64encode(said if isinstance(said, bytes) else json.dumps(said).encode()).decode()


def put(client, said, **more):
    upload = {
        "projectName": "Shop",
        "projectVersion": "main",
        "autoCreate": "true",
        "bom": encoded(said),
    } | more
    return client.put("/api/v1/bom", upload, format="json")


def test_a_client_uploads_and_asks_until_it_is_read(sender, retailer, monkeypatch):
    monkeypatch.setattr(ingest, "MAX_IMMEDIATE_BYTES", 10)
    monkeypatch.setattr(import_jobs, "send_to_worker", lambda pk: None)
    answer = put(sender, bom("gpt-4o", tool="cdxgen"))

    assert (answer.status_code, answer.json().keys()) == (200, {"token"}), answer.content
    ask = f"/api/v1/bom/token/{answer.json()['token']}"
    assert sender.get(ask).json() == {"processing": True}
    run_import(Import.objects.get().pk)
    assert sender.get(ask).json() == {"processing": False}
    assert retailer.shop.dependencies.get().offering == retailer.gpt


@pytest.mark.parametrize(
    "send",
    [
        lambda client, body: put(client, body, projectName="shop"),
        lambda client, body: put(client, gzip.compress(body)),
        lambda client, body: put(
            client,
            body,
            bom="\n".join(base64.urlsafe_b64encode(body).decode().split("A"))
            if b"A" not in base64.b64encode(body)
            else encoded(body),
        ),
        lambda client, body: put(client, b"\xef\xbb\xbf" + body),
        lambda client, body: client.post(
            "/api/v1/bom", {"projectName": "Shop", "bom": encoded(body)}, format="json"
        ),
        lambda client, body: client.post(
            "/api/v1/bom",
            {"projectName": "Shop", "bom": SimpleUploadedFile("bom.json", body)},
            format="multipart",
        ),
        lambda client, body: client.post(
            "/api/v1/bom", {"projectName": "Shop", "bom": body.decode()}, format="multipart"
        ),
    ],
    ids=[
        "by slug or name",
        "compressed",
        "letters of addresses",
        "with a mark",
        "POST",
        "a form",
        "a form's text",
    ],
)
def test_every_way_of_uploading_is_the_same(sender, retailer, send):
    answer = send(sender, json.dumps(bom("gpt-4o")).encode())

    assert answer.status_code == 200, answer.content
    assert retailer.shop.dependencies.get().offering == retailer.gpt


def test_the_same_upload_again_has_the_same_token(sender):
    assert put(sender, bom("gpt-4o")).json() == put(sender, bom("gpt-4o")).json()


def test_a_project_nobody_knows_waits_for_a_person_or_is_refused(sender, retailer):
    kept = put(sender, bom("gpt-4o"), projectName="unheard of")
    refused = put(sender, bom("gpt-4o"), projectName="unheard of", autoCreate=False)

    assert kept.status_code == 200
    assert Import.objects.get().state == Import.State.RECEIVED
    assert sender.get(f"/api/v1/bom/token/{kept.json()['token']}").json() == {"processing": False}
    assert 'No application "unheard of"' in problem_detail(refused, 404)


def test_what_one_project_sent_is_not_what_another_nobody_knows_sends(sender, retailer):
    first = put(sender, bom("gpt-4o")).json()["token"]

    other = put(sender, bom("gpt-4o"), projectName="Not ours yet").json()["token"]

    assert other != first
    assert Import.objects.latest("pk").state == Import.State.RECEIVED
    assert put(sender, bom("gpt-4o"), projectName="Not ours yet").json()["token"] == other


def test_a_bound_token_needs_no_project(api, retailer):
    client = api(retailer.editor, "intake")
    TokenBinding.objects.create(token=ApiToken.objects.latest("pk"), application=retailer.shop)

    assert (
        client.put("/api/v1/bom", {"bom": encoded(bom("gpt-4o"))}, format="json").status_code == 200
    )
    assert retailer.shop.dependencies.exists()


@pytest.mark.parametrize(
    ("upload", "status", "says"),
    [
        ({"projectName": "Shop"}, 400, "base64"),
        ({"projectName": "Shop", "bom": "%%%"}, 400, "not valid base64"),
        ({"projectName": "Shop", "bom": {"a": 1}}, 400, "base64"),
        ({"bom": encoded({})}, 400, "projectName"),
        ([1], 400, "base64"),
        ({"projectName": "Shop", "bom": encoded({"a": 1})}, 422, "bomFormat"),
        (
            {"projectName": "Shop", "bom": encoded(gzip.compress(b" " * 60_000_000))},
            413,
            "50 MiB after decompression",
        ),
    ],
)
def test_what_is_wrong_with_an_upload_is_said(sender, upload, status, says):
    answer = sender.put("/api/v1/bom", upload, format="json")

    assert says in problem_detail(answer, status)


def test_others_uploads_are_nobodys_business(api, sender, retailer):
    token = put(sender, bom("gpt-4o")).json()["token"]

    for other in (api(retailer.editor, "intake"), api(make_member(make_team()), "intake")):
        assert other.get(f"/api/v1/bom/token/{token}").status_code == 404
    assert sender.get(f"/api/v1/bom/token/{uuid.uuid4()}").status_code == 404
    assert api(retailer.editor, "read").get(f"/api/v1/bom/token/{token}").status_code == 403
    assert api().get(f"/api/v1/bom/token/{token}").status_code == 401


def test_only_editors_upload(api, retailer):
    make_application("Elsewhere")

    assert (
        put(api(make_member(retailer.team, TeamRole.VIEWER), "intake"), bom("gpt-4o")).status_code
        == 403
    )
    assert put(api(retailer.editor, "read"), bom("gpt-4o")).status_code == 403
    assert (
        put(
            api(retailer.editor, "intake"), bom("gpt-4o"), projectName="Elsewhere", autoCreate=""
        ).status_code
        == 404
    )

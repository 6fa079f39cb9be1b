"""Sources by the API: added and changed by governance, and a mapping tried without writing
anything."""

from typing import Any

import pytest

from apps.catalog.models import Assertion, Source
from apps.common.time import now
from apps.feeds.models import FeedRun, Payload, ProviderNotice, QuarantinedRow, SourceMapping
from tests.builders import make_source, make_user

pytestmark = pytest.mark.django_db

URL = "/api/v1/sources/"
MAPPING = {
    "rows": "models[*]",
    "external_id": "id",
    "host": "'acme'",
    "api_id": "id",
    "retires_on": "ends",
}
SOURCE = {
    "name": "Acme",
    "url": "https://acme.example/models",
    "mapping": MAPPING,
    "reason": "we call it",
}
SAMPLE = {
    "models": [{"id": "m-1", "ends": "2027-01-01"}, {"id": "m-2", "ends": "soon"}, {"ends": None}]
}


@pytest.fixture
def governance(api: Any) -> Any:
    return api(make_user(role="governance"), "read", "write")


def counts() -> list[int]:
    return [
        model.objects.count()
        for model in (Source, SourceMapping, Assertion, FeedRun, QuarantinedRow, Payload)
    ]


def test_one_is_added_read_changed_and_switched_off(governance: Any) -> None:
    made = governance.post(URL, SOURCE, format="json")
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["slug"], body["kind"], body["mapping"], body["health"]) == (
        "acme",
        "json-mapping",
        MAPPING,
        "never",
    )

    at = f"{URL}{body['id']}/"
    changed = governance.patch(
        at, {"mapping": MAPPING | {"retires_on": "end"}, "enabled": False}, format="json"
    )
    assert changed.status_code == 200, changed.content
    assert (changed.json()["mapping"]["retires_on"], changed.json()["enabled"]) == ("end", False)
    entry = (
        Source.history.rel.related_model.objects.select_related("pgh_context")
        .filter(slug="acme")
        .earliest("pgh_id")
    )
    assert entry.pgh_context.metadata["reason"] == "we call it"
    assert governance.get(f"{at}?fields=slug,mapping").json() == {
        "slug": "acme",
        "mapping": MAPPING | {"retires_on": "end"},
    }


def test_sources_that_come_with_the_product_take_settings_and_no_mapping(governance: Any) -> None:
    source = make_source("litellm")
    at = f"{URL}{source.pk}/"
    assert governance.patch(at, {"trust_rank": 7}, format="json").json()["trust_rank"] == 7
    assert governance.get(at).json()["mapping"] is None
    refused = governance.patch(at, {"mapping": MAPPING}, format="json")
    assert refused.status_code == 400
    assert (
        "Only a source of the kind json-mapping or page can have a mapping."
        in refused.content.decode()
    )
    manual = make_source("manual", kind="manual")
    assert (
        governance.patch(f"{URL}{manual.pk}/", {"trust_rank": 7}, format="json").status_code == 400
    )


def test_a_mapping_is_tried_on_a_sample_and_nothing_is_written(governance: Any) -> None:
    before = counts()

    tried = governance.post(
        f"{URL}preview/", {"mapping": MAPPING, "sample": SAMPLE}, format="json"
    ).json()

    assert [(row["external_id"], row["lifecycle"]) for row in tried["rows"]] == [
        ("m-1", {"retires_on": "2027-01-01", "date_kind": "firm"}),
        ("m-2", None),
    ]
    assert [row["external_id"] for row in tried["set_aside"]] == ["row 2", "m-2"]
    assert (tried["refusal"], tried["unfound"], tried["n_rows"], tried["n_set_aside"]) == (
        "",
        {},
        2,
        2,
    )
    assert counts() == before


def test_a_try_says_what_lies_there_instead(governance: Any) -> None:
    asked = {"mapping": MAPPING | {"rows": "data[*]"}, "sample": '{"models": [1]}'}
    tried = governance.post(f"{URL}preview/", asked, format="json").json()
    assert tried["refusal"] == "The path 'data[*]' finds nothing. Available keys: 'models'."


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"mapping": {"rows": "a"}, "sample": {}},
            "' finds one value. Use [*] for every element of a list or * for every value of a map:",
        ),
        ({"mapping": MAPPING}, "Send either a sample or the URL"),
        ({"mapping": MAPPING, "url": "http://127.0.0.1:1/x"}, "the server itself"),
        ({"mapping": MAPPING, "url": "http://169.254.169.254/latest"}, "metadata"),
        ({"mapping": MAPPING, "url": "file:///etc/passwd"}, "a file on the server"),
        ({"mapping": [], "sample": {}}, "Send the mapping as an object"),
    ],
)
def test_what_cannot_be_tried_is_said(asked: dict[str, Any], says: str, governance: Any) -> None:
    answer = governance.post(f"{URL}preview/", asked, format="json")
    assert answer.status_code == 400
    assert says in answer.content.decode()


def test_only_governance_may_and_nobody_learns_more_by_trying(api: Any) -> None:
    source = make_source("litellm")
    for role in ("", "auditor"):
        client = api(make_user(role=role), "read", "write")
        assert client.post(URL, {}, format="json").status_code == 403
        assert client.post(f"{URL}preview/", {}, format="json").status_code == 403
        assert client.patch(f"{URL}{source.pk}/", {"name": 1}, format="json").status_code == 403
    assert api().post(URL, SOURCE, format="json").status_code == 401
    reading_only = api(make_user(role="governance"), "read")
    assert reading_only.post(URL, SOURCE, format="json").status_code == 403
    assert not Source.objects.filter(name="Acme").exists()


def test_notices_are_read_by_everybody_and_settled_by_governance(api: Any, governance: Any) -> None:
    notice = ProviderNotice.objects.create(
        source=make_source("news", kind="notices"),
        external_id="n-1",
        title="Big 1 goes",
        names=["acme-big-1"],
        first_seen=now(),
        changed_at=now(),
    )
    at = f"/api/v1/provider-notices/{notice.pk}/"
    other = api(make_user(), "read", "write")

    assert [
        row["title"] for row in other.get("/api/v1/provider-notices/?named=true").json()["results"]
    ] == ["Big 1 goes"]
    assert other.post(f"{at}close/", {}, format="json").status_code == 403
    assert other.post(f"{at}reopen/", {}, format="json").status_code == 403
    settled = governance.post(f"{at}close/", {"reason": "not ours"}, format="json").json()
    assert (settled["state"], settled["outcome"], settled["reason"]) == (
        "done",
        "nothing",
        "not ours",
    )
    assert governance.post(f"{at}close/", {}, format="json").status_code == 409
    assert governance.post(f"{at}reopen/", {}, format="json").json()["state"] == "unread"
    assert (
        governance.post("/api/v1/provider-notices/0/close/", {}, format="json").status_code == 404
    )


PAGE = """# Deprecations

## Chat models

| Model | Shutdown date | Recommended replacement |
| --- | --- | --- |
| `acme-1` | 2027-01-01 | `acme-2` |
| Preview models | | |
| `acme-2` | No sooner than June 1, 2027 | |
"""


def test_a_lifecycle_page_is_tried_and_added(governance: Any) -> None:
    before = counts()
    tried = governance.post(
        f"{URL}preview/",
        {"kind": "page", "mapping": {"host": "acme"}, "sample": PAGE},
        format="json",
    ).json()
    assert [(row["external_id"], row["lifecycle"]["date_kind"]) for row in tried["rows"]] == [
        ("acme/acme-1", "firm"),
        ("acme/acme-2", "not_before"),
    ]
    (table,) = tried["tables"]
    assert (table["columns"]["retires"], table["n_rows"], table["n_skipped"]) == (
        "Shutdown date",
        3,
        1,
    )
    assert counts() == before

    wrong = governance.post(
        f"{URL}preview/", {"kind": "page", "mapping": {}, "sample": PAGE}, format="json"
    )
    assert "Enter the provider that publishes the page" in wrong.content.decode()
    prose = governance.post(
        f"{URL}preview/",
        {"kind": "page", "mapping": {"host": "acme"}, "sample": "# News\n\nNo table.\n"},
        format="json",
    ).json()
    assert (bool(prose["refusal"]), prose["rows"], prose["tables"]) == (True, [], [])

    facts = {"name": "Acme page", "kind": "page", "url": "https://acme.example/d.md"}
    made = governance.post(URL, facts | {"mapping": {"host": "Acme", "kinds": {}}}, format="json")
    assert made.status_code == 201, made.content
    assert made.json()["mapping"] == {"host": "acme"}

"""Imports and observations: what came in, as its people see it, taken back and told where it
belongs."""

import jsonschema_rs
import pytest
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.roles import TeamRole
from apps.intake.models import Import, Observation
from apps.inventory.models import Dependency
from tests.api.retailer import bom, post
from tests.builders import make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(api, retailer):
    return api(retailer.editor, "read", "write")


def ids(client, what="imports", query=""):
    answer = client.get(f"/api/v1/{what}/{query}")
    assert answer.status_code == 200, answer.content
    return {row["id"] for row in answer.json()["results"]}


def test_one_import_tells_all_and_a_list_leaves_the_long_parts_out(sender, editor, about):
    taken = post(sender, bom("gpt-4o", "nobody-1", specVersion="1.9"), about).json()

    one = editor.get(f"/api/v1/imports/{taken['id']}/").json()
    (listed,) = editor.get("/api/v1/imports/").json()["results"]

    assert one == {name: value for name, value in taken.items() if name not in {"token", "note"}}
    assert (one["status"], one["unresolved"][0]["reason"][:8]) == ("partial", "nobody-1")
    assert one["ignored"][0]["where"] == "/specVersion"
    assert listed["counts"] == one["counts"]
    assert not listed.keys() & {"unresolved", "ignored", "rejected", "schema_errors"}
    (asked,) = editor.get("/api/v1/imports/?fields=id,unresolved").json()["results"]
    assert asked == {"id": taken["id"], "unresolved": one["unresolved"]}


@pytest.mark.proof
def test_answers_are_what_the_openapi_document_promises(sender, editor, about):
    components = SchemaGenerator().get_schema(request=None, public=True)["components"]
    taken = post(sender, bom("gpt-4o", "nobody-1"), about).json()
    loose = post(sender, bom("gpt-4o", tool="")).json()

    for name, answers in (
        ("Received", [taken, loose]),
        ("Import", [editor.get(f"/api/v1/imports/{taken['id']}/").json()]),
        ("Observation", editor.get("/api/v1/observations/").json()["results"]),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        for answer in answers:
            jsonschema_rs.Draft202012Validator(schema).validate(answer)


def test_people_see_their_own_and_what_is_about_their_applications(api, sender, retailer, about):
    here = post(sender, bom("gpt-4o"), about).json()["id"]
    loose = post(sender, bom("gpt-4o-mini")).json()["id"]
    viewer, stranger = make_member(retailer.team, TeamRole.VIEWER), make_member(make_team())

    assert ids(api(retailer.editor)) == {here, loose}
    assert ids(api(viewer)) == {here}
    assert ids(api(stranger)) == set()
    assert ids(api(make_user(role="auditor"))) == {here, loose}
    assert len(ids(api(viewer), "observations")) == 1
    assert ids(api(stranger), "observations") == set()
    assert api(stranger).get(f"/api/v1/imports/{here}/").status_code == 404


@pytest.mark.proof
def test_lists_are_narrowed_and_cost_the_same_whatever_their_length(
    sender, editor, retailer, about, django_assert_num_queries
):
    first = post(sender, bom("gpt-4o", "nobody-1", tool="one"), about).json()["id"]
    for n in range(3):
        post(sender, bom("gpt-4o", f"nobody-{n + 2}", tool="two"), about)

    assert ids(editor, "imports", f"?application={retailer.shop.slug}&state=applied") >= {first}
    assert len(ids(editor, "observations", "?stream=cyclonedx:one")) == 2
    assert len(ids(editor, "observations", "?state=unresolved")) == 4
    for what in ("imports", "observations"):
        editor.get(f"/api/v1/{what}/")
        with django_assert_num_queries(2):  # the token with the teams, the rows
            assert len(editor.get(f"/api/v1/{what}/").json()["results"]) >= 4


def test_an_observation_says_who_saw_what_and_what_became_of_it(sender, editor, retailer, about):
    taken = post(sender, bom("gpt-4o", tool="one"), about).json()

    (row,) = editor.get("/api/v1/observations/").json()["results"]

    assert (row["stream"], row["requested"], row["state"], row["confidence"]) == (
        "cyclonedx:one",
        "gpt-4o",
        "matched",
        "bom",
    )
    assert (row["host"], row["api_id"], row["offering"]) == ("openai", "gpt-4o", retailer.gpt.pk)
    assert (row["dependency"], row["seen_in"]) == (Dependency.objects.get().pk, taken["id"])


def test_an_undone_import_takes_its_dependencies_back_and_they_stay_away(
    sender, editor, retailer, about
):
    declared = retailer.shop.dependencies.create(
        offering=retailer.mini, role="primary", since="2025-01-01"
    )
    taken = post(sender, bom("gpt-4o", "gpt-4o-mini"), about).json()

    answer = editor.post(f"/api/v1/imports/{taken['id']}/undo/")

    assert (answer.status_code, answer.json()["status"]) == (200, "undone"), answer.content
    assert [each.pk for each in Dependency.objects.all()] == [declared.pk]
    assert post(sender, bom("gpt-4o", "gpt-4o-mini"), about).status_code == 202, (
        "sent again it is a new import"
    )
    assert set(Observation.objects.values_list("state", flat=True)) == {"set_aside"}
    assert editor.post(f"/api/v1/imports/{taken['id']}/undo/").status_code == 409


def test_who_may_undo(api, sender, retailer, about):
    taken = post(sender, bom("gpt-4o"), about).json()
    address = f"/api/v1/imports/{taken['id']}/undo/"

    assert (
        api(make_member(retailer.team, TeamRole.VIEWER), "read", "write").post(address).status_code
        == 403
    )
    assert api(make_member(make_team()), "read", "write").post(address).status_code == 404
    assert api(retailer.editor, "read").post(address).status_code == 403
    assert Dependency.objects.exists()


def test_a_document_without_an_application_is_told_where_it_belongs(sender, editor, retailer):
    taken = post(sender, bom("gpt-4o", subject="unheard of")).json()
    assert (taken["status"], "unheard of" in taken["error"]) == ("needs_application", True)
    address = f"/api/v1/imports/{taken['id']}/application/"

    missing = editor.post(address, {"application": "nobody"}, format="json")
    elsewhere = make_application("Elsewhere")
    strange = editor.post(address, {"application": elsewhere.slug}, format="json")
    named = editor.post(address, {"application": retailer.shop.slug}, format="json")
    again = editor.post(address, {"application": retailer.shop.slug}, format="json")

    assert (missing.status_code, strange.status_code, again.status_code) == (404, 404, 409)
    assert (named.status_code, named.json()["status"], named.json()["application"]) == (
        200,
        "done",
        retailer.shop.slug,
    )
    assert retailer.shop.dependencies.get().offering == retailer.gpt
    resent = post(sender, bom("gpt-4o", subject="unheard of"))
    assert (resent.status_code, resent.json()["id"]) == (200, taken["id"]), (
        "it is known where it belongs"
    )


def test_only_editors_of_the_application_name_it(api, sender, retailer):
    taken = post(sender, bom("gpt-4o")).json()
    other = make_application("Other")
    make_member(other.team, TeamRole.VIEWER, retailer.editor)

    answer = api(retailer.editor, "write").post(
        f"/api/v1/imports/{taken['id']}/application/", {"application": other.slug}, format="json"
    )

    assert answer.status_code == 403
    assert Import.objects.get().state == Import.State.RECEIVED

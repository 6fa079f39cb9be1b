"""The kept baselines are read, renames are made in them, and what nobody listed shows."""

import json
from typing import Any

import pytest

from tools.baselines import openapi, questions, routes
from tools.baselines.differences import Differences, compared
from tools.baselines.functions import N_DRAWN, drawn


def _document(path: str = "/api/v1/notices/", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties or {"why": {"type": "string"}}}
    answer = {"schema": {"$ref": "#/components/schemas/Notice"}}
    states = {"type": "string", "enum": ["open", "done"]}
    operation = {
        "operationId": "notices_list",
        "description": "Who was told.",
        "parameters": [{"in": "query", "name": "state", "schema": states}],
        "responses": {"200": {"content": {"application/json": answer}}},
    }
    return {"paths": {path: {"get": operation}}, "components": {"schemas": {"Notice": schema}}}


def _differences(before: dict[str, Any], after: dict[str, Any], **renames: Any) -> Differences:
    changed = openapi.renamed(before, openapi.Renames(**renames))
    return compared(openapi.facts_of(changed), openapi.facts_of(after))


def test_same_document_has_no_differences() -> None:
    assert not _differences(_document(), _document())


def test_listed_renames_leave_no_difference() -> None:
    after = _document("/api/v1/notifications/", route={"type": "string", "enum": ["own", "team"]})
    before = _document(why={"type": "string", "enum": ["mine", "team"]})

    assert _differences(before, after)
    assert not _differences(
        before,
        after,
        paths={"/api/v1/notices/": "/api/v1/notifications/"},
        properties={"Notice.why": "route"},
        values={"Notice.why=mine": "own"},
    )


def test_property_that_is_gone_is_named() -> None:
    both = {"why": {"type": "string"}, "at": {"type": "string", "format": "date-time"}}

    found = _differences(_document(**both), _document(why=both["why"]))

    assert found.removed["property"] == ["Notice.at"]
    assert not found.renamed["property"]


def test_unlisted_rename_shows_as_one() -> None:
    found = _differences(_document(), _document(route={"type": "string"}))

    assert found.renamed["property"] == [("Notice.why", "Notice.route")]


def test_value_that_is_gone_is_named() -> None:
    after = _document()
    after["paths"]["/api/v1/notices/"]["get"]["parameters"][0]["schema"]["enum"] = ["open"]

    found = _differences(_document(), after)

    assert found.removed["value"] == ["GET /api/v1/notices/ query state = done"]


def test_value_of_a_parameter_is_renamed_on_one_path_alone() -> None:
    values = {"/notices/?fields=why": "route", "?state=never": "off"}
    renames = openapi.Renames(values=values)

    assert renames.value("/notices/?fields", "why") == "route"
    assert renames.value("/teams/?fields", "why") == "why"
    assert renames.value("/teams/?state", "never") == "off"


def test_text_of_a_composed_property_is_a_difference_of_texts_alone() -> None:
    reference = {"allOf": [{"$ref": "#/components/schemas/Why"}]}
    before = _document(description=reference | {"description": "Why."})
    after = _document(description=reference | {"description": "The route."})

    assert list(_differences(before, after).changed) == [openapi.TEXT]


def test_changed_text_is_a_difference_of_texts_alone() -> None:
    after = _document()
    after["paths"]["/api/v1/notices/"]["get"]["description"] = "Users who were notified."

    assert list(_differences(_document(), after).changed) == [openapi.TEXT]


def test_longest_beginning_of_a_path_is_renamed_and_arguments_keep_their_names() -> None:
    paths = {"/senders/": "/services/", "/senders/{x}/claim/": "/services/{x}/link/"}
    renames = openapi.Renames(paths=paths)

    assert renames.path("/senders/{pk}/claim/") == "/services/{pk}/link/"
    assert renames.path("/senders/{id}/") == "/services/{id}/"
    assert renames.path("/teams/") == "/teams/"


def test_every_route_of_pages_and_rest_has_its_access() -> None:
    found = routes.present_routes()
    without = [
        address
        for address, route in found.items()
        if not route["access"] and not address.startswith(("/admin/", "/otlp/", "/api/"))
    ]

    assert without == []
    assert found["/applications/"]["access"] == {"GET": "yyyyyyyl"}
    assert found["/api/v1/teams/{slug}/"]["access"].keys() == {"DELETE", "GET", "PATCH"}


def test_route_with_another_name_is_no_loss() -> None:
    kept = {"/a/": {"name": "a", "view": "v", "methods": ["GET"], "access": {"GET": "yyyyyyyl"}}}
    now = {"/a/": {**kept["/a/"], "name": "web:a"}}

    found = compared(routes.facts_of(kept), routes.facts_of(now))

    assert found.changed == {"name": [("/a/", "a", "web:a")]}


def test_lost_row_of_access_is_named() -> None:
    kept = {"/a/": {"name": "a", "view": "v", "methods": ["GET"], "access": {"GET": "yyyyyyyl"}}}

    found = compared(routes.facts_of(kept), routes.facts_of({"/a/": {**kept["/a/"], "access": {}}}))

    assert found.removed == {"access": ["GET /a/"]}


def test_every_question_has_an_answer_in_one_file() -> None:
    asked = questions.read_questions(questions.FILE.read_text())

    assert [question.number for question in asked] == list(range(1, 31))
    assert len(questions.searched(asked)) == 30


def test_answer_that_is_nowhere_is_an_error() -> None:
    # in two parts, as this file is not searched and need not know that
    lost = questions.Question(1, "Where?", "where", "no such " + "line anywhere")

    with pytest.raises(questions.MarkerError, match="is in no file"):
        questions.searched([lost])


def test_functions_are_drawn_alike_each_time() -> None:
    assert len(drawn()) == N_DRAWN
    assert drawn() == drawn()


def test_the_kept_document_is_the_same_with_a_line_for_each_address_and_schema():
    kept = openapi.FILE.read_text()
    document = json.loads(kept)

    assert openapi.written(document) == kept
    assert kept.count("\n") < len(document["paths"]) + len(document["components"]["schemas"]) + 10

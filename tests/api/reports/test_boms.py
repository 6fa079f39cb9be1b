"""Bills of materials: valid by the standard's own schema, complete, and only of what the caller may
see."""

import json
from datetime import timedelta

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.catalog.models import Node, NodeKind, Offering, Version
from apps.intake.readers.cyclonedx.bill_of_materials import read_cyclonedx
from apps.reports.models import ModelStatement
from apps.risks.models import Evidence
from tests.builders import (
    NOW,
    TODAY,
    make_adaptation,
    make_application,
    make_data_terms,
    make_dependency,
    make_derivation,
    make_member,
    make_offering,
    make_provider,
    make_risk,
    make_team,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def application():
    application = make_application(
        "Claims assistant",
        team=make_team("Claims"),
        purpose="Sorts claims.",
        data_classification="confidential",
    )
    base, tuned = make_version("maker/base-1"), make_version("maker/tuned-1")
    make_derivation(tuned, base)
    tuned.foundation.__class__.objects.filter(pk=tuned.foundation_id).update(
        licence="Apache-2.0", modalities=["text", "image"], family="Maker"
    )
    offering = make_offering(
        "maker-tuned",
        host=make_provider("here"),
        version=tuned,
        category="chat",
        lifecycle="deprecated",
        retires_on=TODAY + timedelta(days=90),
        date_kind="firm",
    )
    dependency = make_dependency(application, offering)
    make_dependency(
        application, make_offering("mystery", resolved=False), "fallback", fallback_order=1
    )
    make_dependency(application, make_offering("gone"), "judge", until=TODAY - timedelta(days=9))
    make_adaptation(dependency, "fine_tune", name="claims-lora", artefact_ref="models/1")
    make_adaptation(dependency, "prompt", name="triage", moves="re_run")
    Evidence.objects.create(
        kind="own_evaluation",
        application=application,
        version=tuned,
        metric="accuracy",
        value="0.9310",
        n=500,
        dataset="claims-2026",
        run_on=TODAY,
        recorded_at=NOW,
    )
    return application


def bill(client, address, *, spec=None):
    answer = client.get(address, {"spec": spec} if spec else {})
    assert answer.status_code == 200, answer.content
    schema = SchemaVersion.V1_6 if spec == "1.6" else SchemaVersion.V1_7
    problem = JsonStrictValidator(schema).validate_str(answer.content.decode())
    assert problem is None, problem
    return answer.json()


def facts(of):
    return {one["name"].removeprefix("registry:"): one["value"] for one in of["properties"]}


def test_an_application_stands_on_services_and_they_on_models(reader, application):
    document = bill(reader, f"/api/v1/applications/{application.slug}/bom/")

    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.7")
    assert document["metadata"]["component"]["name"] == "Claims assistant"
    assert facts(document["metadata"]["component"])["team"] == application.team.slug
    services = {one["name"]: one for one in document["services"]}
    assert set(services) == {"maker-tuned", "mystery"}
    service = services["maker-tuned"]
    assert (service["provider"]["name"], service["data"]) == (
        "Here" if service["provider"]["name"] == "Here" else service["provider"]["name"],
        [{"flow": "bi-directional", "classification": "confidential"}],
    )
    told = facts(service)
    assert (told["lifecycle"], told["retires-on"], told["date-kind"]) == (
        "deprecated",
        str(TODAY + timedelta(days=90)),
        "firm",
    )
    edges = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    top = edges[f"application:{application.slug}"]
    assert {name.partition(":")[0] for name in top} == {"offering", "adaptation"}
    assert edges[service["bom-ref"]] == ["version:maker/tuned-1"]


def test_a_model_has_card_licence_lineage_and_what_was_measured(reader, application):
    document = bill(reader, f"/api/v1/applications/{application.slug}/bom/")

    [model] = [one for one in document["components"] if one["bom-ref"] == "version:maker/tuned-1"]
    assert model["type"] == "machine-learning-model"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert [one["version"] for one in model["pedigree"]["ancestors"]] == ["maker/base-1"]
    assert "maker/tuned-1 is a fine-tune of maker/base-1." in model["pedigree"]["notes"]
    card = model["modelCard"]
    assert (card["modelParameters"]["task"], card["modelParameters"]["inputs"]) == (
        "text-generation",
        [{"format": "text"}, {"format": "image"}],
    )
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "accuracy", "value": "0.931", "slice": "claims-2026"}
    ]
    built = {
        one["name"]: one["type"]
        for one in document["components"]
        if one["bom-ref"].startswith("adaptation:")
    }
    assert built == {"claims-lora": "machine-learning-model", "triage": "data"}


def test_the_card_has_what_owners_state_and_what_is_known_to_limit_the_model(reader, application):
    version = Version.objects.get(identifier="maker/tuned-1")
    ModelStatement.objects.create(
        application=application, intended_use="Sorts claims only.", limitations="German only."
    )
    make_risk(
        Node.objects.get(kind=NodeKind.FOUNDATION, ref=version.foundation_id),
        title="Sunset",
        facts="It retires in March.",
    )
    card_url = "https://maker.example/card"
    Evidence.objects.create(
        kind="provider_card",
        version=version,
        link=card_url,
        digest="a" * 64,
        run_on=TODAY,
        recorded_at=NOW,
    )

    document = bill(reader, f"/api/v1/applications/{application.slug}/bom/")

    [model] = [one for one in document["components"] if one["bom-ref"] == "version:maker/tuned-1"]
    assert model["modelCard"]["considerations"] == {
        "useCases": ["Claims assistant: Sorts claims only."],
        "technicalLimitations": ["Claims assistant: German only.", "Sunset. It retires in March."],
    }
    [card] = [one for one in model["externalReferences"] if one["type"] == "model-card"]
    assert (card["url"], card["hashes"]) == (card_url, [{"alg": "SHA-256", "content": "a" * 64}])


def test_data_terms_and_sources_come_with_the_day(reader, application):
    Version.objects.filter(identifier="maker/tuned-1").update(
        source_url="https://maker.example/models", source_on=TODAY, access="api"
    )
    make_data_terms(
        Offering.objects.get(api_id="maker-tuned"),
        training_use=False,
        residency=["eu", "ch"],
        retention_days=None,
    )

    document = bill(reader, f"/api/v1/applications/{application.slug}/bom/")

    told = facts(next(one for one in document["services"] if one["name"] == "maker-tuned"))
    assert {name: value for name, value in told.items() if name.startswith("data-term")} == {
        "data-term:training-use": "false",
        "data-term:training-use:source": "Terms of the host, 2026-05-01",
        "data-term:residency": "eu, ch",
        "data-term:residency:source": "Terms of the host, 2026-05-01",
    }
    [citation] = document["citations"]
    [pointer] = citation["pointers"]
    cited = document["components"][int(pointer.rpartition("/")[2])]
    assert cited["bom-ref"] == "version:maker/tuned-1"
    assert cited["isExternal"] is True
    assert citation["note"] == "Read at https://maker.example/models"


def test_the_former_version_is_written_on_request_and_both_are_read(reader, application):
    Version.objects.filter(identifier="maker/tuned-1").update(
        source_url="https://maker.example/models", source_on=TODAY, access="api"
    )
    address = f"/api/v1/applications/{application.slug}/bom/"

    former, latest = bill(reader, address, spec="1.6"), bill(reader, address)

    assert (former["specVersion"], latest["specVersion"]) == ("1.6", "1.7")
    assert "citations" not in former
    for document in (former, latest):
        read = read_cyclonedx(json.dumps(document).encode())
        assert (read.schema_valid, read.schema_errors) == (True, [])
        assert "maker/tuned-1" in str(read.sightings)
    assert reader.get(address, {"spec": "1.5"}).status_code == 400


def test_the_same_content_has_the_same_number(reader, application):
    address = f"/api/v1/applications/{application.slug}/bom/"
    first = bill(reader, address)["serialNumber"]

    assert bill(reader, address)["serialNumber"] == first
    make_dependency(application, make_offering("another"), "embedding")
    assert bill(reader, address)["serialNumber"] != first


def test_it_comes_under_the_media_type_of_the_standard(reader, application):
    answer = reader.get(
        f"/api/v1/applications/{application.slug}/bom/",
        headers={"Accept": "application/vnd.cyclonedx+json"},
    )

    assert answer["Content-Type"].startswith("application/vnd.cyclonedx+json")


def test_a_team_is_all_of_its_applications_and_those_below(reader, application, api, monkeypatch):
    below = make_application(team=make_team("Motor", parent=application.team))
    make_dependency(below, make_offering("maker-2"))

    document = bill(reader, f"/api/v1/teams/{application.team.slug}/bom/")

    applications = {
        one["bom-ref"] for one in document["components"] if one["type"] == "application"
    }
    assert applications == {f"application:{application.slug}", f"application:{below.slug}"}
    assert {one["name"] for one in document["services"]} >= {"maker-2", "maker-tuned"}
    monkeypatch.setattr("apps.api.reports.boms.MAX_APPLICATIONS", 1)
    assert reader.get(f"/api/v1/teams/{application.team.slug}/bom/").status_code == 400


def test_others_find_nothing(application, api):
    outsider = api(make_member(make_team()))

    assert outsider.get(f"/api/v1/applications/{application.slug}/bom/").status_code == 404
    assert outsider.get(f"/api/v1/teams/{application.team.slug}/bom/").status_code == 404


@pytest.mark.parametrize("n", [1, 6])
def test_the_number_of_statements_does_not_depend_on_what_is_in_it(reader, n):
    team = make_team()
    for _ in range(n):
        make_dependency(make_application(team=team), make_offering())

    with CaptureQueriesContext(connection) as queries:
        bill(reader, f"/api/v1/teams/{team.slug}/bom/")

    # token, team, teams below, applications, dependencies, one generation, adaptations, evidence,
    # risks, statements, data terms
    assert len(queries) == 11

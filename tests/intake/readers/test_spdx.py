"""SPDX: the AI profile as it is meant, as scanners write it, and the packages of 2.3."""

import json
from datetime import UTC, datetime

import pytest

from apps.intake.documents.records import UnreadableError
from apps.intake.models import Confidence
from apps.intake.readers import spdx

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"


def graph(*elements, **more):
    return {"@context": CONTEXT, "@graph": list(elements)} | more


def package(name="gpt-4o", **more):
    return {"type": "ai_AIPackage", "spdxId": f"urn:{name}", "name": name} | more


def read(said):
    return spdx.read_spdx(json.dumps(said).encode())


def only(said):
    (sighting,) = read(said).sightings
    return sighting


def test_the_profile_as_it_is_meant():
    document = read(
        graph(
            {
                "type": "CreationInfo",
                "@id": "_:c",
                "created": "2026-11-24T13:35:06Z",
                "createdUsing": ["urn:tool"],
            },
            {"type": "Tool", "spdxId": "urn:tool", "name": "maker 1"},
            {
                "type": "SpdxDocument",
                "spdxId": "urn:doc",
                "creationInfo": "_:c",
                "rootElement": ["urn:app"],
            },
            {
                "type": "software_Package",
                "spdxId": "urn:app",
                "name": "shop",
                "software_primaryPurpose": "application",
            },
            {"type": "Organization", "spdxId": "urn:openai", "name": "OpenAI"},
            {
                "type": "simplelicensing_LicenseExpression",
                "spdxId": "urn:l",
                "simplelicensing_licenseExpression": "Apache-2.0",
            },
            {"type": "dataset_DatasetPackage", "spdxId": "urn:d", "name": "clicks"},
            {
                "type": "Relationship",
                "from": "urn:gpt-4o",
                "to": ["urn:l"],
                "relationshipType": "hasDeclaredLicense",
            },
            {
                "type": "Relationship",
                "from": "urn:gpt-4o",
                "to": ["urn:d"],
                "relationshipType": "trainedOn",
            },
            package(
                suppliedBy="urn:openai",
                software_packageVersion="2024-08-06",
                software_downloadLocation="NOASSERTION",
                ai_domain=["search"],
                ai_limitation="short texts",
                ai_standardCompliance=["ISO 42001"],
                ai_metric=[{"type": "DictionaryEntry", "key": "f1", "value": "0.9"}],
            ),
        )
    )
    (sighting,) = document.sightings

    assert (document.maker, document.subject, document.natural_key) == (
        "maker 1",
        "shop",
        "urn:doc",
    )
    assert document.made_at == datetime(2026, 11, 24, 13, 35, 6, tzinfo=UTC)
    assert (sighting.requested, sighting.provider) == ("gpt-4o-2024-08-06", "OpenAI")
    assert sighting.facts["licences"] == ["Apache-2.0"]
    assert sighting.facts["trained_on"] == ["clicks"]
    assert sighting.facts["card"]["metrics"] == [{"type": "f1", "value": "0.9"}]
    assert "download" not in sighting.facts, "NOASSERTION says nothing"


def test_parties_may_stand_inline_and_keys_under_any_prefix():
    said = {
        "@type": ["https://spdx.org/rdf/3.0.1/terms/AI/AIPackage"],
        "https://spdx.org/terms#name": "gpt-4o",
        "Core:suppliedBy": {"type": "Organization", "name": "OpenAI"},
    }

    sighting = only([said])

    assert (sighting.requested, sighting.provider) == ("gpt-4o", "OpenAI")


def test_ai_bom_has_a_dialect_of_its_own():
    element = {"type": "ai-bom:AIPackage", "suppliedBy": {"name": "OpenAI"}}
    place = {"file": "/home/jane/shop/app/chat.py", "line": 10}
    document = read(
        {
            "@context": [CONTEXT],
            "type": "SpdxDocument",
            "creationInfo": {
                "createdUsing": [{"type": "Tool", "name": "ai-bom", "version": "3.6.0"}]
            },
            "elements": [
                element
                | {"name": "OpenAI (import: openai)", "ai-bom:componentType": "llm_provider"},
                element
                | {
                    "name": "Model reference",
                    "ai-bom:componentType": "model",
                    "ai-bom:modelName": "gpt-4o",
                    "ai-bom:sourceLocation": place,
                    "ai-bom:usageType": "embedding",
                },
            ],
        }
    )
    (sighting,) = document.sightings

    assert (document.maker, document.maker_version) == ("ai-bom", "3.6.0")
    assert (sighting.requested, sighting.role, sighting.places) == (
        "gpt-4o",
        "embedding",
        ("chat.py:10",),
    )
    assert [part.where for part in document.ignored] == ["/elements/0"]


def test_airom_hides_what_it_knows_in_comments():
    sighting = only(
        graph(
            {"type": "Organization", "spdxId": "urn:baai", "name": "baai"},
            package(
                "baai/bge-m3",
                suppliedBy="urn:baai",
                software_packageVersion="NOASSERTION",
                comment="airom:model.id baai/bge-m3; airom:confidence 0.3; airom:kind "
                "embedding-model",
            ),
        )
    )

    assert (sighting.requested, sighting.provider, sighting.role) == (
        "baai/bge-m3",
        "huggingface",
        "embedding",
    )
    assert sighting.confidence == Confidence.GUESS


def test_cisco_names_the_model_as_its_type():
    document = read(
        graph(
            package("assistant", typeOfModel="gpt-4o-2024-08-06"),
            {
                "type": "SpdxDocument",
                "creationInfo": {"creators": ["Organization: Cisco", "Tool: cisco-aibom-1.10.0"]},
            },
        )
    )

    assert (document.maker, document.maker_version) == ("cisco-aibom", "1.10.0")
    assert document.sightings[0].requested == "gpt-4o-2024-08-06"


def test_packages_of_2_3_are_models_where_their_address_says_so():
    document = read(
        {
            "spdxVersion": "SPDX-2.3",
            "documentNamespace": "http://example.com/doc-1",
            "creationInfo": {
                "created": "2026-11-24T13:49:38Z",
                "creators": ["Tool: aisbom-cli-1.7.0"],
            },
            "packages": [
                {"SPDXID": "SPDXRef-Lib-openai", "name": "openai"},
                {
                    "SPDXID": "SPDXRef-a",
                    "name": "bge-m3",
                    "licenseDeclared": "MIT",
                    "versionInfo": "unknown",
                    "externalRefs": [
                        {
                            "referenceType": "purl",
                            "referenceLocator": "pkg:huggingface/BAAI/bge-m3@1",
                        }
                    ],
                },
                {
                    "SPDXID": "SPDXRef-Model-weights.pt",
                    "name": "weights.pt",
                    "supplier": "Organization: Acme",
                },
                {"SPDXID": "SPDXRef-app", "name": "shop", "primaryPackagePurpose": "APPLICATION"},
            ],
            "relationships": [
                {"relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-app"}
            ],
        }
    )

    assert (document.maker, document.maker_version, document.subject) == (
        "aisbom-cli",
        "1.7.0",
        "shop",
    )
    assert [(each.requested, each.provider) for each in document.sightings] == [
        ("BAAI/bge-m3", "huggingface"),
        ("weights.pt", "Acme"),
    ]
    assert document.sightings[0].facts["licences"] == ["MIT"]


@pytest.mark.parametrize(
    "said",
    [
        graph(1, None, {}, package(name=None), package(name={"a": 1})),
        graph(
            package(
                suppliedBy=[],
                software_packageVersion=[],
                ai_metric=5,
                comment=7,
                ai_domain={"a": 1},
            )
        ),
        graph({"type": [], "relationshipType": 4}, {"type": 5}, package(suppliedBy="urn:nobody")),
        graph(creationInfo=5, rootElement={"a": 1}),
        {"@graph": {"a": 1}},
        {"spdxVersion": "SPDX-2.3", "packages": 5, "creationInfo": [], "relationships": [None, {}]},
        {
            "spdxVersion": "SPDX-2.3",
            "packages": [None, {"externalRefs": [{"referenceType": "purl"}], "name": 4}],
        },
    ],
)
def test_values_of_any_type_are_passed_over(said):
    assert all(isinstance(each.requested, str) for each in read(said).sightings)


@pytest.mark.parametrize(
    ("said", "says"), [(5, "one JSON object"), ({"bomFormat": "CycloneDX"}, "send it as cyclonedx")]
)
def test_what_is_none_is_refused(said, says):
    with pytest.raises(UnreadableError, match=says):
        read(said)


@pytest.mark.shared
def test_documents_of_scanners_name_what_their_cyclonedx_names(shared):
    folder = shared / "samples/spdx"
    ai_bom, airom, aisbom = (
        spdx.read_spdx((folder / name).read_bytes())
        for name in (
            "ai-bom-3.6.0.support-assistant.spdx3.json",
            "airom-0.5.0.support-assistant.spdx3.json",
            "aisbom-cli-1.7.0.support-assistant.spdx23.json",
        )
    )

    assert {each.requested for each in ai_bom.sightings} == {
        "gpt-4o-2024-08-06",
        "claude-3-5-sonnet-20241022",
        "gpt-4-turbo",
        "o1-preview",
        "claude-3-haiku-20240307",
        "gpt-4o-mini",
        "amazon.titan-embed-text-v2:0",
    }
    assert {each.requested for each in airom.sightings} == {
        "baai/bge-m3",
        "text-embedding-3-large",
        "gpt-4o-mini",
        "eu.anthropic.claude-sonnet-4-20250514-v1:0",
        "gpt-4o-2024-08-06",
        "amazon.titan-embed-text-v2:0",
    }
    assert (ai_bom.maker, airom.maker, aisbom.maker) == ("ai-bom", "airom", "aisbom-cli")
    assert airom.subject == "support-assistant"
    assert not aisbom.sightings
    assert aisbom.ignored[0].reason.startswith("Ignored, because they are not models")


@pytest.mark.proof
def test_a_package_that_stands_in_a_hundred_thousand_relations_keeps_some_of_them():
    relations = [
        {
            "type": "Relationship",
            "from": "urn:gpt-4o",
            "to": [f"{n}-{k}" for k in range(10)],
            "relationshipType": "trainedOn",
        }
        for n in range(20_000)
    ]

    assert len(only(graph(package(), *relations)).facts["trained_on"]) == 25

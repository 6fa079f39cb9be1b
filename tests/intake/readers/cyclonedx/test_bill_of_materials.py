"""CycloneDX: what each scanner means, what is kept of a model card, and what a document may not do
to us."""

import json
from datetime import UTC, datetime

import pytest

from apps.intake.documents.records import UnreadableError
from apps.intake.models import Confidence
from apps.intake.readers.cyclonedx import bill_of_materials
from apps.intake.readers.cyclonedx.model_cards import MAX_FACT_BYTES

XMLNS = "http://cyclonedx.org/schema/bom/1.6"
SERIAL = "urn:uuid:6DD5BEED-446d-4092-9a8e-16333563835e"


def bom(*components, tool=None, **more):
    said = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components)}
    if tool:
        said["metadata"] = {
            "tools": {"components": [{"type": "application", "name": tool, "version": "1.0"}]}
        }
    return said | more


def model(name="gpt-4o", **more):
    return {"type": "machine-learning-model", "name": name} | more


def properties(**values):
    return [
        {"name": name.replace("__", ":").replace("_0_", "."), "value": value}
        for name, value in values.items()
    ]


def read(said):
    return bill_of_materials.read_cyclonedx(json.dumps(said).encode())


def only(said):
    (sighting,) = read(said).sightings
    return sighting


# --- what it looked for ---------------------------------------------------------------------------


def test_a_document_of_libraries_names_no_ai_and_one_with_a_model_or_an_ai_service_does():
    library = {"type": "library", "name": "openai"}
    service = {"name": "OpenAI API", "properties": properties(cdx__ai__kind="inference-service")}

    assert not read(bom(library)).names_ai
    assert not read(bom(library, services=[{"name": "billing"}])).names_ai
    assert read(bom(library, services=[service])).names_ai
    assert read(bom(library, model())).names_ai
    # a call without its model: the scanner looked
    assert read(bom({"type": "machine-learning-model", "name": ""})).names_ai


@pytest.mark.parametrize(
    ("metadata", "profile"),
    [
        ({}, ""),
        ({"lifecycles": [{"phase": "pre-build"}, {"phase": "build"}]}, ""),
        ({"lifecycles": [{"phase": "operations"}]}, "operations"),
        ({"lifecycles": "nonsense"}, ""),
        ({"properties": [{"name": "scan:bom:profile", "value": "research"}]}, "research"),
    ],
)
def test_the_kind_of_run_is_read_where_the_document_names_one(metadata, profile):
    assert read(bom(model(), metadata=metadata)).profile == profile


# --- the document ---------------------------------------------------------------------------------


def test_the_head_names_maker_subject_time_and_key():
    document = read(
        bom(
            serialNumber=SERIAL,
            version=3,
            metadata={
                "timestamp": "2026-11-24T13:35:06Z",
                "component": {"type": "application", "name": "shop"},
                "tools": {
                    "components": [{"type": "application", "name": "airom", "version": "0.5.0"}]
                },
            },
        )
    )

    assert (document.maker, document.maker_version, document.subject) == ("airom", "0.5.0", "shop")
    assert document.made_at == datetime(2026, 11, 24, 13, 35, 6, tzinfo=UTC)
    assert document.natural_key == f"{SERIAL.lower()}/3"
    assert document.schema_valid is False, "its serial number is in capitals"


def test_tools_as_they_were_listed_before_1_5_are_read():
    document = read(
        bom(metadata={"tools": [{"vendor": "Cisco", "name": "cisco-aibom", "version": "1.10.0"}]})
    )

    assert (document.maker, document.maker_version) == ("cisco-aibom", "1.10.0")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (json.dumps(bom(serialNumber=SERIAL, version=7)), f"{SERIAL.lower()}/7"),
        (
            json.dumps(bom(model(version="2024"), serialNumber=SERIAL, version=12), indent=2),
            f"{SERIAL.lower()}/12",
        ),
        (json.dumps(bom(serialNumber=SERIAL)), f"{SERIAL.lower()}/1"),
        (json.dumps(bom(version=3)), ""),
        (f'<bom serialNumber="{SERIAL}" version="4" xmlns="{XMLNS}"/>', f"{SERIAL.lower()}/4"),
    ],
)
def test_the_key_is_the_same_whether_read_or_only_looked_for(body, key):
    assert bill_of_materials.natural_key_of(body.encode()) == key
    assert bill_of_materials.read_cyclonedx(body.encode()).natural_key == key


@pytest.mark.parametrize("version", ["1.8", "2.0", "newest", None])
def test_a_version_nobody_knows_yet_is_read_with_a_warning(version):
    document = read(bom(model(), specVersion=version))

    assert document.schema_valid is None
    assert document.sightings[0].requested == "gpt-4o"
    assert document.ignored[0].where == "/specVersion"


def test_a_broken_schema_is_told_by_pointer_and_read_all_the_same():
    broken = [{"type": "service", "name": f"s{n}"} for n in range(30)]
    document = read(bom(model(), *broken))

    assert document.schema_valid is False
    assert len(document.schema_errors) == 20
    assert document.schema_errors[0].where == "/components/1/type"
    assert "service" not in document.schema_errors[0].reason, (
        "the value itself stays out of the words"
    )
    assert len(document.sightings) == 1


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([], "one JSON object"),
        ({"components": []}, "bomFormat"),
        ({"spdxVersion": "SPDX-2.3"}, "send it as spdx"),
        (bom(*[model()] * 50_001), "50,000 components"),
        (
            bom(
                model(
                    components=[
                        {"components": [model()] * 30_000},
                        {"components": [model()] * 30_000},
                    ]
                )
            ),
            "50,000",
        ),
    ],
    ids=["a list", "no format", "SPDX", "many", "many, nested"],
)
def test_what_is_none_or_too_much_is_refused(said, says):
    with pytest.raises(UnreadableError, match=says):
        read(said)


@pytest.mark.parametrize(
    "said",
    [
        bom(components={"a": 1}),
        bom(components=[1, None, "x", [], {}]),
        bom(model(name=None)),
        bom(
            model(
                name={"a": 1}, version=[], purl=7, evidence=[], properties={"name": 1}, modelCard=[]
            )
        ),
        bom(
            model(
                properties=[{"name": None, "value": {}}, 3],
                evidence={"occurrences": [{"location": None}, 2]},
            )
        ),
        bom(model(licenses=[None, {"license": None}], hashes="x", externalReferences=[{"url": 1}])),
        bom(metadata=[], services={"x": 1}, dependencies=3),
        bom(metadata={"tools": "x", "component": [], "timestamp": 5, "properties": 1}),
        bom(
            services=[
                {
                    "properties": [{"name": "cdx:ai:modelId", "value": None}],
                    "endpoints": [None, "http://["],
                }
            ]
        ),
        bom(serialNumber=5, version="x", specVersion=[]),
    ],
)
def test_values_of_any_type_are_passed_over(said):
    document = read(said)

    assert all(isinstance(each.requested, str) for each in document.sightings)


# --- which model ----------------------------------------------------------------------------------


def test_ai_bom_calls_imports_models_and_only_its_model_names_count():
    document = read(
        bom(
            model("OpenAI (import: openai)", properties=properties(trusera__provider="OpenAI")),
            model(
                "Model reference: gpt-4o-2024-08-06",
                purl="pkg:pypi/model reference: gpt-4o",
                properties=properties(
                    trusera__provider="OpenAI",
                    trusera__model_name="gpt-4o-2024-08-06",
                    trusera__source_location="/home/jane/shop/app/chat.py:10",
                ),
            ),
            model(
                "Again",
                properties=properties(
                    trusera__provider="OpenAI",
                    trusera__model_name="gpt-4o-2024-08-06",
                    trusera__source_location="/home/jane/shop/lib/more.py:2",
                ),
            ),
            tool="ai-bom",
        )
    )
    (sighting,) = document.sightings

    assert (sighting.requested, sighting.provider) == ("gpt-4o-2024-08-06", "OpenAI")
    assert sighting.places == ("app/chat.py:10", "lib/more.py:2"), "nobody's home folder"
    assert "purl" not in sighting.facts
    assert [part.where for part in document.ignored] == ["/components/0"]


def test_airom_splits_days_off_and_changes_letters():
    document = read(
        bom(
            model(
                "gpt-4o",
                version="2024-08-06",
                properties=properties(
                    airom__model_0_id="gpt-4o",
                    airom__model_0_provider="openai",
                    airom__kind="hosted-llm",
                    airom__confidence="0.85",
                ),
            ),
            model(
                "baai/bge-m3",
                properties=properties(
                    airom__model_0_id="baai/bge-m3",
                    airom__model_0_provider="baai",
                    airom__kind="embedding-model",
                    airom__confidence="0.4",
                ),
                evidence={
                    "identity": [{"field": "name", "concludedValue": "BAAI/bge-m3"}],
                    "occurrences": [
                        {"location": "app/rag.py", "line": 6, "additionalContext": "secret = 1"}
                    ],
                },
            ),
            tool="airom",
        )
    )
    hosted, local = document.sightings

    assert (hosted.requested, hosted.provider, hosted.confidence) == (
        "gpt-4o-2024-08-06",
        "openai",
        Confidence.BOM,
    )
    assert (local.requested, local.provider, local.role) == (
        "BAAI/bge-m3",
        "huggingface",
        "embedding",
    )
    assert local.confidence == Confidence.GUESS
    assert local.places == ("app/rag.py:6",)
    assert "secret" not in json.dumps(local.facts), "lines of source code are not kept"


def test_cdxgen_repeats_its_models_under_every_provider_it_suspects():
    said = [
        {"name": "cdx:ai:modelId", "value": name}
        for name in ("gpt-4o", "process.env.MODEL", "only-here")
    ]
    document = read(
        bom(
            model(
                "gpt-4o",
                group="openai",
                version="",
                purl="pkg:generic/openai/gpt-4o",
                properties=properties(cdx__ai__provider="openai", cdx__ai__confidence="medium"),
                evidence={"occurrences": [{"location": "src/server.ts#L11"}]},
            ),
            model(
                "process.env.MODEL",
                group="openai",
                properties=properties(cdx__ai__provider="openai"),
            ),
            model(
                "eu.anthropic.claude-sonnet-4-20250514-v1:0",
                group="anthropic",
                properties=properties(cdx__ai__provider="anthropic"),
            ),
            model("titan", group="ai", properties=properties(cdx__ai__kind="model")),
            tool="cdxgen",
            services=[
                {
                    "name": "OpenAI API",
                    "provider": {"name": "openai"},
                    "properties": said,
                    "endpoints": ["https://contoso.example.com/x?key=1"],
                },
                {"name": "Anthropic API", "provider": {"name": "anthropic"}, "properties": said},
            ],
        )
    )
    by_name = {each.requested: each for each in document.sightings}

    assert len(document.sightings) == 5
    assert (by_name["gpt-4o"].provider, by_name["gpt-4o"].places) == (
        "openai",
        ("src/server.ts:11",),
    )
    assert by_name["gpt-4o"].facts["endpoints"] == ["contoso.example.com"]
    assert by_name["eu.anthropic.claude-sonnet-4-20250514-v1:0"].provider == "bedrock", (
        "an id of Bedrock says so"
    )
    assert by_name["titan"].provider == ""
    assert (by_name["only-here"].provider, by_name["only-here"].confidence) == (
        "openai",
        Confidence.GUESS,
    )


def test_cisco_writes_the_kind_into_its_description():
    sighting = only(
        bom(
            model(
                "text-embedding-3-large",
                description="text-embedding-3-large — embedding — openai",
                properties=properties(
                    **{
                        "cisco-aibom__file": "/builds/team/shop/app/rag.py",
                        "cisco-aibom__line": "5",
                        "cisco-aibom__framework": "openai",
                    }
                ),
            ),
            tool="cisco-aibom",
        )
    )

    assert (sighting.provider, sighting.role, sighting.places) == (
        "openai",
        "embedding",
        ("app/rag.py:5",),
    )


@pytest.mark.parametrize(
    ("component", "requested", "provider"),
    [
        (
            model("bert-base-NER", purl="pkg:huggingface/dslim/bert-base-NER@abc"),
            "dslim/bert-base-NER",
            "huggingface",
        ),
        (
            model("stable-diffusion", group="CompVis", publisher="Acme"),
            "CompVis/stable-diffusion",
            "Acme",
        ),
        (
            model("gpt-4o", version="2024-08-06", supplier={"name": "OpenAI"}),
            "gpt-4o-2024-08-06",
            "OpenAI",
        ),
        (model("gpt-4o", version="latest", manufacturer={"name": "OpenAI"}), "gpt-4o", "OpenAI"),
        (model("claude-sonnet-4-5", version="20250929"), "claude-sonnet-4-5-20250929", ""),
        (model("gpt-4-0613", version="0613"), "gpt-4-0613", ""),
        (model("x\u202e\x00y", publisher="unknown"), "xy", ""),
        (model("m" * 400), "m" * 256, ""),
    ],
)
def test_what_anybody_writes(component, requested, provider):
    sighting = only(bom(component))

    assert (sighting.requested, sighting.provider) == (requested, provider)


@pytest.mark.parametrize(
    ("task", "role"),
    [
        ("feature-extraction", "embedding"),
        ("text-ranking", "reranker"),
        ("moderation", "guardrail"),
        ("chat", ""),
    ],
)
def test_a_task_tells_the_role(task, role):
    assert only(bom(model(modelCard={"modelParameters": {"task": task}}))).role == role


def test_models_inside_others_and_the_subject_itself_count():
    document = read(
        bom(
            {"type": "application", "name": "api", "components": [model("inner")]},
            metadata={"component": model("subject", components=[model("part")])},
        )
    )

    assert [(each.requested, each.where) for each in document.sightings] == [
        ("subject", "/metadata/component"),
        ("inner", "/components/0/components/0"),
        ("part", "/metadata/component/components/0"),
    ]
    assert document.subject == "", "a model is no application"


# --- facts ----------------------------------------------------------------------------------------

CARD = {
    "modelParameters": {
        "task": "ranking",
        "approach": {"type": "supervised"},
        "datasets": [
            {"name": "clicks", "contents": {"url": "https://example.com/d"}},
            {"ref": "data-1"},
        ],
        "inputs": [{"format": "text"}],
    },
    "quantitativeAnalysis": {
        "performanceMetrics": [
            {
                "type": "f1",
                "value": "0.91",
                "slice": "de",
                "confidenceInterval": {"lowerBound": "0.9", "upperBound": "0.92"},
            }
        ],
        "graphics": {"collection": [{"image": {"content": "A" * 500}}]},
    },
    "considerations": {
        "users": ["analysts"],
        "technicalLimitations": ["short texts"],
        "ethicalConsiderations": [{"name": "bias", "mitigationStrategy": "review"}],
    },
}


def test_a_model_card_is_kept_without_its_pictures():
    facts = only(
        bom(
            model(
                modelCard=CARD, licenses=[{"license": {"id": "MIT"}}, {"expression": "Apache-2.0"}]
            )
        )
    ).facts

    assert facts["licences"] == ["MIT", "Apache-2.0"]
    assert facts["card"]["metrics"] == [
        {"type": "f1", "value": "0.91", "slice": "de", "lower": "0.9", "upper": "0.92"}
    ]
    assert facts["card"]["parameters"]["datasets"][1] == {"ref": "data-1"}
    assert facts["card"]["considerations"]["ethical_considerations"][0]["name"] == "bias"
    assert "AAAA" not in json.dumps(facts)


def test_facts_are_cut_rather_than_large():
    long = {"users": [{"name": f"{n} " + "x" * 900, "more": ["y" * 900] * 30} for n in range(30)]}
    card = {
        "considerations": {**long, "useCases": long["users"], "technicalLimitations": long["users"]}
    }

    facts = only(bom(model(modelCard=card, description="d" * 9_000))).facts

    assert len(json.dumps(facts)) <= MAX_FACT_BYTES
    assert facts["card"]["considerations"]


# --- XML ------------------------------------------------------------------------------------------


def xml(inner, *, head=""):
    return f'{head}<bom serialNumber="{SERIAL}" version="2" xmlns="{XMLNS}">{inner}</bom>'


def test_xml_says_the_same_as_json():
    inner = """
      <metadata><timestamp>2026-11-24T13:35:06Z</timestamp>
        <tools><components><component type="application"><name>airom</name><version>0.5</version></component>
        </components></tools>
        <component type="application"><name>shop</name></component></metadata>
      <components><component type="machine-learning-model"><name>gpt-4o</name><version>2024-08-06</version>
        <licenses><license><id>MIT</id></license></licenses>
        <properties><property name="airom:model.id">gpt-4o</property>
          <property name="airom:model.provider">openai</property></properties>
        <components><component type="machine-learning-model"><name>part</name></component></components>
        <evidence><occurrences><occurrence><location>a.py</location><line>3</line></occurrence></occurrences></evidence>
        <modelCard><modelParameters><task>ranking</task></modelParameters></modelCard>
      </component></components>"""  # noqa: E501
    same = bom(
        model(
            "gpt-4o",
            version="2024-08-06",
            licenses=[{"license": {"id": "MIT"}}],
            properties=properties(airom__model_0_id="gpt-4o", airom__model_0_provider="openai"),
            components=[model("part")],
            evidence={"occurrences": [{"location": "a.py", "line": 3}]},
            modelCard={"modelParameters": {"task": "ranking"}},
        ),
        serialNumber=SERIAL,
        version=2,
        metadata={
            "timestamp": "2026-11-24T13:35:06Z",
            "component": {"type": "application", "name": "shop"},
            "tools": {"components": [{"name": "airom", "version": "0.5"}]},
        },
    )
    of_xml, of_json = bill_of_materials.read_cyclonedx(xml(inner).encode()), read(same)

    assert of_xml.sightings == of_json.sightings
    assert len(of_xml.sightings) == 2
    for name in ("maker", "maker_version", "subject", "natural_key", "made_at"):
        assert getattr(of_xml, name) == getattr(of_json, name)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (xml("<!-- -->", head='<!DOCTYPE b [<!ENTITY a "x">]>'), "document type or entities"),
        (
            xml("&lol;", head='<!DOCTYPE b [<!ENTITY lol SYSTEM "file:///etc/passwd">]>'),
            "document type or entities",
        ),
        (xml("<a>" * 70), "nested more than 64"),
        (xml("<components>"), "error in line 1"),
        ("<html/>", "not CycloneDX"),
        ('<?xml version="1.0" encoding="nonsense"?><bom/>', "not XML|encoding"),
    ],
    ids=["entities", "a file", "deep", "broken", "another", "encoding"],
)
def test_xml_that_is_not_read(body, says):
    with pytest.raises(UnreadableError, match=says):
        bill_of_materials.read_cyclonedx(body.encode())


# --- documents of real tools ----------------------------------------------------------------------


@pytest.mark.shared
def test_ai_bom_names_seven_models_in_an_invalid_document(shared):
    document = bill_of_materials.read_cyclonedx(
        (
            shared / "samples/cyclonedx/ai-bom-3.6.0.support-assistant.cdx16-INVALID.json"
        ).read_bytes()
    )

    assert {each.requested for each in document.sightings} == {
        "gpt-4o-2024-08-06",
        "claude-3-5-sonnet-20241022",
        "gpt-4-turbo",
        "o1-preview",
        "claude-3-haiku-20240307",
        "gpt-4o-mini",
        "amazon.titan-embed-text-v2:0",
    }
    assert document.schema_valid is False
    assert not any("/srv/" in place for each in document.sightings for place in each.places)


@pytest.mark.shared
def test_the_example_of_the_specification_keeps_its_metrics_in_both_spellings(shared):
    folder = shared / "samples/cyclonedx"
    of_json, of_xml = (
        bill_of_materials.read_cyclonedx(
            (folder / f"spec-valid-machine-learning-1.6.{kind}").read_bytes()
        )
        for kind in ("json", "xml")
    )

    assert of_json.sightings == of_xml.sightings
    assert (
        of_json.sightings[0].facts["card"]["metrics"][0]["lower"]
        == "The lower bound of the confidence interval"
    )


@pytest.mark.shared
def test_every_recorded_document_is_read_and_shows_nobodys_folders(shared):
    files = [
        each
        for each in (shared / "samples/cyclonedx").iterdir()
        if each.suffix in {".json", ".xml"}
    ]
    for path in files:
        body = path.read_bytes()
        document = bill_of_materials.read_cyclonedx(body)
        assert document.natural_key == bill_of_materials.natural_key_of(body)
        assert (document.schema_valid is False) is ("INVALID" in path.name)
        assert not any(
            place.startswith("/") for each in document.sightings for place in each.places
        )
        assert not document.rejected
    assert len(files) >= 12


def test_a_document_made_of_errors_is_checked_as_far_as_the_first():
    document = read(bom(model(), dependencies=[{} for _ in range(400_000)]))

    assert document.schema_valid is False
    assert len(document.schema_errors) == 1
    assert len(document.sightings) == 1


@pytest.mark.proof
def test_services_that_name_one_model_again_and_again_are_looked_at_once():
    # 20,000 models of one name times 20,000 mentions of it would be hours
    services = [
        {
            "name": "s",
            "endpoints": ["https://api.example.com/v1"],
            "properties": [{"name": "cdx:ai:modelId", "value": "gpt-4o"} for _ in range(20_000)],
        }
    ]
    document = read(bom(*(model() for _ in range(20_000)), services=services))

    assert len(document.sightings) == 1

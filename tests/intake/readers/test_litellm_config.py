"""The proxy's configuration: aliases lead to models, fallbacks stand behind them, secrets stay
outside."""

import orjson
import pytest

from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import UnreadableError
from apps.intake.models import ImportContent
from apps.intake.readers.litellm_config import read_litellm, redact_litellm
from apps.inventory.models import Dependency
from tests.builders import make_application, make_offering, make_provider, make_version

CONFIG = b"""
model_list:
  - model_name: chat
    litellm_params: {model: openai/talker-1, api_key: sk-very-secret, api_base: "https://user:pw@inner.example/v1"}
  - model_name: chat
    litellm_params: {model: azure/contact-prod, api_key: os.environ/KEY}
    model_info: {base_model: azure/talker-1}
  - model_name: careful
    litellm_params: {model: anthropic/writer-2, aws_region_name: eu-west-1}
  - model_name: embed
    litellm_params: {model: openai/vectors-3}
    model_info: {mode: embedding}
  - model_name: "open/*"
    litellm_params: {model: "hosted_vllm/*"}
  - model_name: nothing
router_settings:
  model_group_alias: {gpt-4: chat, hidden: {model: careful, hidden: true}}
litellm_settings:
  fallbacks: [{chat: [hidden]}, {chat: [gone]}]
general_settings: {master_key: sk-master, database_url: "postgresql://u:p@h/d"}
"""


def sightings(document, role=""):
    return [
        (each.alias, each.provider, each.requested)
        for each in document.sightings
        if each.role == role
    ]


def test_an_alias_stands_for_each_of_its_deployments():
    document = read_litellm(CONFIG)

    assert sightings(document) == [
        ("chat", "openai", "talker-1"),
        ("chat", "azure", "contact-prod"),
        ("careful", "anthropic", "writer-2"),
    ]
    assert sightings(document, "embedding") == [("embed", "openai", "vectors-3")]
    assert document.sightings[1].facts == {"base_model": "azure/talker-1", "also_called": ["gpt-4"]}
    assert document.sightings[2].region == "eu-west-1"


def test_what_an_alias_falls_back_on_stands_behind_it_by_whatever_name_it_is_called():
    document = read_litellm(CONFIG)

    fallback = next(each for each in document.sightings if each.role == "fallback")
    assert (fallback.alias, fallback.requested, fallback.fallback_order) == ("chat", "writer-2", 1)
    assert [part.reason for part in document.rejected if "gone" in part.reason] == [
        "'chat' has the fallback 'gone', which has no deployment in the file."
    ]


def test_a_wildcard_is_an_open_door_and_no_model():
    document = read_litellm(CONFIG)

    assert [(part.where, "wildcard" in part.reason) for part in document.open_routes] == [
        ("/model_list/4", True)
    ]
    assert not any("*" in each.requested for each in document.sightings)


def test_no_secret_is_kept_and_what_is_kept_reads_the_same():
    kept = redact_litellm(CONFIG)

    for secret in (b"sk-very-secret", b"sk-master", b"pw@", b"postgresql", b"os.environ"):
        assert secret not in kept
    assert read_litellm(kept) == read_litellm(CONFIG)


def test_the_answer_of_model_info_reads_like_the_file():
    answer = orjson.dumps(
        {"data": [{"model_name": "chat", "litellm_params": {"model": "openai/talker-1"}}]}
    )

    assert sightings(read_litellm(answer)) == [("chat", "openai", "talker-1")]


@pytest.mark.parametrize(
    ("said", "split"),
    [
        ("gpt-5-mini", ("openai", "gpt-5-mini")),
        ("o3", ("openai", "o3")),
        ("claude-1", ("anthropic", "claude-1")),
        ("our-own", ("", "our-own")),
        ("openrouter/openai/gpt-4o", ("openrouter", "openai/gpt-4o")),
    ],
)
def test_a_name_without_a_provider_is_one_only_where_it_can_be_no_other(said, split):
    body = orjson.dumps({"model_list": [{"model_name": "x", "litellm_params": {"model": said}}]})

    (sighting,) = read_litellm(body).sightings
    assert (sighting.provider, sighting.requested) == split


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"a: [1", "cannot be read at line"),
        (b"- 1", "Send a YAML file with a model_list, or the response of GET /model/info"),
        (b"x: 1", "no model_list"),
        (
            b'{"data": [{"id": "chat", "object": "model"}]}',
            "Send the response of GET /model/info, or the config.yaml of the proxy",
        ),
        (b"a: &a [1]\nb: &b [*a, *b]\nmodel_list: *b", "refers to itself"),
        (b"!!python/object/apply:os.system ['true']", "cannot be read"),
        (b"[" * 100 + b"]" * 100, "The YAML is nested more than"),
        (
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "more than 200,000 values",
        ),
    ],
)
def test_what_cannot_be_read_says_why(body, sentence):
    with pytest.raises(UnreadableError, match=sentence):
        read_litellm(body.encode() if isinstance(body, str) else body)


@pytest.mark.django_db
def test_the_application_behind_the_gateway_stands_on_what_it_routes_to():
    talker = make_version("acme/talker-1")
    openai, azure, anthropic = (make_provider(slug) for slug in ("openai", "azure", "anthropic"))
    make_offering("talker-1", host=openai, version=talker)
    make_offering("talker-1", host=azure, version=talker)
    make_offering("writer-2", host=anthropic)
    make_offering("vectors-3", host=openai, category="embedding")
    application = make_application()

    taken, _ = receive_document(
        document_format=FORMATS["litellm-config"],
        body=CONFIG,
        by=None,
        at=now(),
        application=application,
    )

    found = {
        (each.offering.host.slug, each.offering.api_id, each.offering.region_scope, each.role)
        for each in Dependency.objects.filter(origin="declared").select_related("offering__host")
    }
    assert found == {
        ("openai", "talker-1", "", "primary"),
        ("azure", "talker-1", "", "primary"),
        ("anthropic", "writer-2", "eu-west-1", "primary"),
        ("anthropic", "writer-2", "eu-west-1", "fallback"),
        ("openai", "vectors-3", "", "embedding"),
    }
    assert Dependency.objects.get(role="fallback").fallback_order == 1
    assert taken.problems["open_routes"][0]["where"] == "/model_list/4"
    assert b"secret" not in bytes(ImportContent.objects.get().body)


@pytest.mark.shared
def test_the_recorded_configurations_name_no_alias_as_a_model(shared):
    folder = shared / "samples" / "litellm"
    names = set()
    for path in sorted(folder.glob("*.yaml")):
        document = read_litellm(path.read_bytes())
        names |= {each.requested for each in document.sightings}
    document = read_litellm((folder / "model_info.response.json").read_bytes())
    names |= {each.requested for each in document.sightings}

    assert {"gpt-4o", "contact-centre-prod", "claude-sonnet-4-5", "text-embedding-3-large"} <= names
    assert not names & {"chat-default", "claude", "embed", "broken"}


def test_a_number_to_the_base_of_sixty_that_never_ends_is_refused():
    # reading it costs the square of its length: of two megabytes, minutes
    with pytest.raises(UnreadableError, match="number of 400,001 digits at line 2"):
        read_litellm(b"model_list: []\nnumber: 1" + b":1" * 200_000)

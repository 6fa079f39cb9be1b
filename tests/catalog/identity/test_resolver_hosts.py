"""Hosts and developers under the feeds' spellings."""

import gzip
import json

import pytest

from apps.catalog.identity.hosts import HOSTS, developer_slug, host_slug
from tests.catalog.resolver_catalogue import CATALOGUE, SHARED, needs_shared


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("AWS Bedrock", "amazon-bedrock"),
        ("bedrock_converse", "amazon-bedrock"),
        ("Google Vertex", "google-vertex"),
        ("Google Vertex AI", "google-vertex"),
        ("vertex_ai-anthropic_models", "google-vertex"),
        ("fireworks_ai-embedding-models", "fireworks"),
        ("huggingface_cerebras", "huggingface"),
        ("Azure", "azure"),
        ("azure_ai", "azure"),
        ("gemini", "google"),
        ("together_ai", "together"),
        ("togetherai", "together"),
        ("dashscope", "alibaba"),
        ("Z.AI", "zai"),
        ("OpenRouter", "openrouter"),
        ("moonshotai-cn", "moonshotai"),
        ("no such host", None),
        ("", None),
    ],
)
def test_a_host_is_known_by_every_feeds_spelling(text: str, slug: str | None) -> None:
    assert host_slug(text) == slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Qwen", "alibaba"),
        ("meta-llama", "meta"),
        ("z-ai", "zhipuai"),
        ("CohereLabs", "cohere"),
        ("acme", None),
    ],
)
def test_a_developer_is_known_by_its_vendor_prefixes(text: str, slug: str | None) -> None:
    assert developer_slug(text) == slug


def test_slugs_are_unique_and_every_host_answers_to_its_own_slug_and_name() -> None:
    assert len({host.slug for host in HOSTS}) == len(HOSTS)
    for host in HOSTS:
        assert host_slug(host.slug) == host.slug
        assert host_slug(host.name) is not None


@pytest.mark.shared
@needs_shared
def test_developers_of_hosts_are_developers_of_the_catalogue() -> None:
    with CATALOGUE.open() as rows:
        developers = {json.loads(row)["developer"] for row in rows}

    assert {host.developer for host in HOSTS if host.developer} <= developers
    assert all(developer_slug(developer) == developer for developer in developers)


@pytest.mark.shared
@needs_shared
def test_every_models_dev_provider_is_a_host() -> None:
    newest = sorted((SHARED / "feeds" / "models_dev").glob("*/api.json.gz"))[-1]
    providers = json.loads(gzip.decompress(newest.read_bytes()))

    assert [provider for provider in providers if host_slug(provider) is None] == []

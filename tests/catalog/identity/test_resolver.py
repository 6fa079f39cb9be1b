"""The identity resolver: what it answers, what it refuses, and what it never does."""

import json
from functools import cache
from itertools import cycle

import pytest

from apps.catalog.identity.resolver.index import known_ids
from apps.catalog.identity.resolver.resolve import Resolver
from tests.catalog.resolver_catalogue import (
    A_FEW,
    CATALOGUE,
    LABELS,
    SONNET_45,
    needs_shared,
    resolver,
)


def answer(raw: str, host: str | None = None) -> str | None:
    return resolver().resolve(raw, host).canonical


# --- near misses: a date, size or version nobody published ----------------------------------------


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("gpt-4-0615", "openai"),
        ("gpt-4o-2025-08-06", "openai"),
        ("azure/gpt-4o-2024-10-21", "azure"),
        ("openai/gpt-4o-20250101", "openrouter"),
        ("gpt-5.9", "openai"),
        ("o2-mini", "openai"),
        ("o3-nano", "openai"),
        ("gpt-4-64k", "openai"),
        ("gpt-oss-70b", "openai"),
        ("claude-3-5-sonnet-20250101", "anthropic"),
        ("anthropic.claude-3-5-sonnet-20250101-v1:0", "bedrock"),
        ("anthropic/claude-sonnet-4-5-20250930", None),
        ("claude-sonnet-4-5@20250930", "vertex"),
        ("claude-haiku-3-7", "anthropic"),
        ("gemini-1.5-pro-001", "google"),
        ("gemini-2.1-flash", "google"),
        ("gemini-2.5-pro-preview-06-06", "google"),
        ("imagen-4.0-fast-generate-001", "vertex"),
        ("llama-3.1-72b-instruct", "meta"),
        ("meta-llama/Llama-3.3-405B-Instruct-Turbo", "together"),
        ("llama3.5:70b", "ollama"),
        ("qwen-34b", "ollama"),
        ("qwen3:48b", "ollama"),
        ("qwen3-235b-a22b-instruct-2510", "alibaba"),
        ("mistral-large-2409", "mistral"),
        ("mistral.mistral-7b-instruct-v0:2", "amazon-bedrock"),
        ("kimi-k2-1105-preview", "moonshotai"),
        ("MiniMax-M2.9", "minimax"),
        ("glm-4.6-air", "zhipuai"),
        ("grok-4.9-fast", "xai"),
        ("grok-4.3-fast", "xai"),
        ("amazon.titan-embed-text-v2:0", "amazon-bedrock"),
        ("amazon.nova-ultra-v1:0", "bedrock"),
        ("doubao-seed-2-0-pro-260428", "volcengine"),
        ("deepseek-r1:8b", "ollama"),
    ],
)
def test_a_near_miss_is_unknown(raw: str, host: str | None) -> None:
    resolution = resolver().resolve(raw, host)

    assert resolution.canonical is None, resolution.why
    assert resolution.kind == "unknown"
    assert resolution.confidence == 0


def test_a_near_miss_offers_its_line_as_a_hint() -> None:
    resolution = resolver().resolve("claude-3-5-sonnet-20250101", "anthropic")

    assert resolution.line_hint == "anthropic/claude-3-5-sonnet"
    assert "is unknown" in resolution.why


# --- traps: names that look alike -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("gpt-4", "openai/gpt-4"),
        ("gpt-4o", "openai/gpt-4o"),
        ("gpt-4-0613", "openai/gpt-4-0613"),
        ("gpt-4-turbo", "openai/gpt-4-turbo"),
        ("gpt-4.1", "openai/gpt-4.1"),
        ("o4-mini-high", "openai/o4-mini"),
        ("gpt-5.1-instant", None),
        ("gpt-5.1-chat", "openai/gpt-5.1-chat"),
        ("gpt-5.1-codex-max", None),
        ("gpt-4o-mini-transcribe", None),
        ("gpt-4o-mini-tts", "openai/gpt-4o-mini-tts"),
        ("claude-3.5-haiku", "anthropic/claude-3-5-haiku"),
        ("claude-haiku-3.5", "anthropic/claude-3-5-haiku"),
        ("claude-4.5-haiku", "anthropic/claude-haiku-4-5"),
        ("claude-4-sonnet", "anthropic/claude-sonnet-4-0"),
        ("claude-sonnet-4", "anthropic/claude-sonnet-4-0"),
        ("claude-opus-4", None),
        ("claude-3-5-sonnet", "anthropic/claude-3-5-sonnet"),
        ("claude-3-5-sonnet-v2", "anthropic/claude-3-5-sonnet-20241022"),
        ("gemini-2.0-flash-thinking", None),
        ("gemini-2.5-flash-lite", None),
        ("mistral-medium-3.1", "mistral/mistral-medium-2508"),
        ("mistral-medium-3-1-2508", "mistral/mistral-medium-2508"),
        ("mistral-medium-3-1-2505", None),
        ("deepseek-v3.2-speciale", None),
        ("deepseek-v3", "deepseek/deepseek-v3"),
        ("deepseek-chat", "deepseek/deepseek-chat"),
        ("deepseek-chat-v3-0324", "deepseek/deepseek-v3-0324"),
        ("deepseek-r1-chat", None),
        ("qwen3-235b-a22b", "alibaba/qwen3-235b-a22b"),
        ("qwen3-235b-a22b-2507", "alibaba/qwen3-235b-a22b-instruct-2507"),
        ("qwen3-235b-a22b-thinking", "alibaba/qwen3-235b-a22b-thinking-2507"),
        ("qwen3-32b-thinking", "alibaba/qwen3-32b"),
        ("qwen2.5-72b-instruct", "alibaba/qwen2-5-72b-instruct"),
        ("qwen2.5-vl-72b-instruct", "alibaba/qwen2-5-vl-72b-instruct"),
        ("qwen2.5-coder-72b-instruct", None),
        ("qwen-turbo", "alibaba/qwen-turbo"),
        ("kimi-k2-turbo", "moonshotai/kimi-k2-turbo-preview"),
        ("kimi-k2-thinking", "moonshotai/kimi-k2-thinking"),
        ("kimi-k2.5-thinking", "moonshotai/kimi-k2.5"),
        ("minimax-m2.5", "minimax/minimax-m2.5"),
        ("minimax-m2.5-highspeed", "minimax/minimax-m2.5-highspeed"),
        ("minimax-m2.1", None),
        ("grok-4-fast", "xai/grok-4-fast"),
        ("grok-3-fast", "xai/grok-3"),
        ("gemini-3-pro", "google/gemini-3-pro-preview"),
        ("imagen-4-fast", None),
    ],
)
def test_look_alikes_are_kept_apart(raw: str, expected: str | None) -> None:
    assert answer(raw) == expected


def test_an_undated_name_of_two_snapshots_is_no_snapshot() -> None:
    resolution = resolver().resolve("anthropic/claude-3.5-sonnet", "openrouter")

    assert resolution.canonical == "anthropic/claude-3-5-sonnet"
    assert resolution.kind == "family"


def test_the_host_decides_what_a_shared_slug_means() -> None:
    assert answer("deepseek/deepseek-v3", "vercel") == "deepseek/deepseek-v3-0324"
    assert answer("deepseek/deepseek-v3", "novita") == "deepseek/deepseek-v3"
    assert answer("mistral-large2", "snowflake") == "mistral/mistral-large-2407"
    assert answer("deepseek.v3-v1:0", "amazon-bedrock") == "deepseek/deepseek-v3.1"


def test_an_undated_name_is_the_moving_name() -> None:
    resolution = resolver().resolve("mistral/codestral", "vercel")

    assert resolution.canonical == "mistral/codestral-latest"
    assert resolution.kind == "alias"


@pytest.mark.parametrize(
    "raw",
    [
        "huihui-ai/Llama-3.3-70B-Instruct-abliterated",
        "failspy/Meta-Llama-3-70B-Instruct-abliterated-v3.5",
        "abacusai/dracarys-llama-3_1-70b-instruct",
        "DeepSeek-R1-0528-Qwen3-8B",
        "Qwen3-32B-Derestricted",
        "OpenPipe/Qwen3-4B-Instruct",
        "cloudflare/@cf/meta-llama/llama-2-7b-chat-hf-lora",
        "ft:gpt-4o-mini-2024-07-18:acme::9ZyXw",
        "ft:gpt-4-0613",
        "accounts/acme-corp/models/llama-v3p1-8b-instruct",
        "deepseek-r1t-chimera",
    ],
)
def test_a_derivative_is_unknown(raw: str) -> None:
    assert answer(raw) is None


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("chat-prod", "azure"),
        ("my-gpt4-deployment", "azure"),
        ("gpt-4o-eu", "azure"),
        ("command", "azure"),
        ("ada", "azure"),
        ("gpt-router", None),
        ("claude", None),
        ("sonnet", "litellm"),
        ("gpt", "azure"),
        ("qwen", "litellm"),
        ("llama3", "ollama"),
        ("mistral", "ollama"),
        ("o3-batch-queue", None),
        ("", None),
        ("   ", None),
        ("/", None),
        ("null", "litellm"),
        ("openrouter/auto", "openrouter"),
        ("~openai/gpt-latest", "openrouter"),
        ("perplexity/search", "litellm"),
        ("together-ai-41.1b-80b", "litellm"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/k3j4h5g6f7d8",
            "bedrock",
        ),
        ("arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc", "bedrock"),
        ("arn:aws:bedrock:us-east-1:123456789012:imported-model/abc", "bedrock"),
        ("projects/acme/locations/us-central1/endpoints/1234567890", "vertex"),
    ],
)
def test_a_name_of_ones_own_is_unknown(raw: str, host: str | None) -> None:
    assert answer(raw, host) is None


def test_base_weights_are_not_the_instruct_model() -> None:
    assert answer("meta-llama/Llama-3.1-8B", "huggingface") is None
    assert answer("meta-llama/Meta-Llama-3-70B", "together") is None
    assert answer("accounts/fireworks/models/llama-v3p1-8b", "fireworks") is None
    assert answer("meta-textgeneration-llama-2-7b", "sagemaker") is None
    assert answer("llama-3.1-8b", "cerebras") == "meta/llama-3.1-8b-instruct"


def test_another_vendors_prefix_lowers_the_confidence() -> None:
    own = resolver().resolve("zai-org/GLM-5.1-FP8", "gmi")
    others = resolver().resolve("nvidia/GLM-5.1-FP8", "gmi")

    assert own.canonical == others.canonical == "zhipuai/glm-5.1"
    assert others.confidence < own.confidence


def test_an_everyday_word_is_a_model_only_beside_its_developer() -> None:
    assert answer("command", "cohere") == "cohere/command"
    assert (
        resolver().resolve("command").confidence
        < resolver().resolve("command", "cohere").confidence
    )


# --- decisions, explanations, suggestions ---------------------------------------------------------


def test_a_persons_decision_outranks_every_rule() -> None:
    decided = Resolver(A_FEW, {("azure", "chat-prod"): "openai/gpt-4o", ("", "gpt-4"): None})

    assert decided.resolve("Chat-Prod", "Azure OpenAI").canonical == "openai/gpt-4o"
    assert decided.resolve("chat-prod", "bedrock").canonical is None
    assert decided.resolve("gpt-4", "openai").canonical is None
    assert "a user decided" in decided.resolve("gpt-4").why


def test_the_steps_say_how_the_answer_came_about() -> None:
    resolution = resolver().resolve("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock")

    assert resolution.why == (
        "us is a geographic inference profile; anthropic is the developer anthropic; "
        "-v1:0 is Bedrock's packaging revision; "
        f"the facts claude sonnet 4.5 =20250929 are those of {SONNET_45}"
    )


def test_an_answer_has_a_reason_and_a_confidence_and_no_answer_has_none() -> None:
    for raw in ("gpt-4o", "chat-prod", "fireworks_ai/accounts/fireworks/models/glm-5p1", ""):
        resolution = resolver().resolve(raw)

        assert resolution.steps
        assert (resolution.confidence > 0) == (resolution.canonical is not None)


def test_suggestions_are_known_ids_best_first_one_per_synonym() -> None:
    suggestions = resolver().suggest("claude-3-5-sonnet-20250101", "anthropic", limit=4)

    assert len(suggestions) == 4
    assert suggestions[0].canonical.startswith("anthropic/claude-3-5-sonnet")
    assert [s.score for s in suggestions] == sorted((s.score for s in suggestions), reverse=True)
    assert all(s.canonical in resolver().index.by_id and s.reason for s in suggestions)


def test_nothing_is_suggested_for_a_name_that_shares_nothing() -> None:
    assert resolver().suggest("zzz") == []


# --- what holds for every string ------------------------------------------------------------------

FORMS = (
    ("{name}", None),
    ("{id}", None),
    ("{NAME}", None),
    ("  {name} ", None),
    ("openrouter/{id}", "litellm"),
    ("{id}:free", "openrouter"),
    ("~{id}", "openrouter"),
    ("aihubmix/{id}", "litellm"),
    ("azure/eu/{name}", "litellm"),
    ("azure/global-standard/{name}", "litellm"),
    (
        "https://acme.openai.azure.com/openai/deployments/{name}/chat/completions?api-version=1",
        "azure",
    ),
    ("{developer}.{name}-v1:0", "amazon-bedrock"),
    ("us.{developer}.{name}-v1:0", "amazon-bedrock"),
    ("bedrock/us-east-1/{developer}.{name}-v1:0", "litellm"),
    ("bedrock/converse/eu.{developer}.{name}-v1:0", "litellm"),
    ("arn:aws:bedrock:us-east-1::foundation-model/{developer}.{name}-v1:0", None),
    ("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{developer}.{name}-v1:0", None),
    ("publishers/{developer}/models/{name}", "vertex"),
    ("projects/acme/locations/global/publishers/{developer}/models/{name}", "vertex"),
    ("{name}@default", "google-vertex"),
    ("{id}-maas", "google-vertex"),
    ("fireworks_ai/accounts/fireworks/models/{name}", "litellm"),
    ("accounts/fireworks/models/{name}", "fireworks-ai"),
    ("databricks-{name}", "databricks"),
    ("@cf/{id}", "cloudflare-workers-ai"),
    ("@cf/{id}-fp8", "cloudflare"),
    ("hf:{id}", "synthetic"),
    ("Pro/{id}", "siliconflow"),
    ("route/{name}", "routing-run"),
    ("{developer}/chat-completion/models/{name}", "clarifai"),
    ("{name}-TEE", "chutes"),
    ("{name}-FP8", None),
    ("{name}-Q4_K_M.gguf", None),
    ("unsloth/{name}-bnb-4bit", "huggingface"),
    ("{developer}--{name}", "sap-ai-core"),
    ("models/{name}", "google"),
)


@pytest.mark.parametrize(("form", "host"), FORMS)
def test_a_pinned_id_comes_back_from_every_wrapping(form: str, host: str | None) -> None:
    for entry in A_FEW:
        if entry.kind != "pinned":
            continue
        raw = form.format(
            name=entry.slug, NAME=entry.slug.upper(), id=entry.id, developer=entry.developer
        )
        resolution = resolver().resolve(raw, host)

        assert resolution.canonical is not None, (raw, resolution.why)
        found = resolver().index.by_id[resolution.canonical]
        assert found.entity == entry.entity, (raw, resolution.why)


AWKWARD = (
    "a",
    "-",
    ":",
    "@",
    "/",
    "//",
    ".",
    "..",
    "v1",
    "1",
    "2024-08-06",
    "20240806",
    "3.5",
    "@cf/",
    "hf:",
    "ft:",
    "~",
    "#",
    "gpt-4o#",
    "accounts/",
    "accounts/fireworks/models/",
    "projects/",
    "publishers/google/models/",
    "arn:aws:",
    "us.anthropic.",
    "anthropic.",
    ":0",
    "-v1:0",
    "@default",
    "models/",
    "[1m]",
    "(version:)",
    "ü",
    "模型",
    "gpt 4o",
    "x" * 5000,
    "-".join("abc123" * 400),
    "a/" * 500,
    "gpt-4o:" * 50,
    "\x00",
    "gpt-4o\n",
    "https://",
    "azureml://",
    "https://x.openai.azure.com/openai/deployments/",
    "q4_k_m",
    "fp8",
    "free",
    "latest",
    "thinking",
    "-fast-fast-fast",
)


@pytest.mark.proof
def test_no_string_raises_and_every_answer_is_a_known_id() -> None:
    raws = [
        *AWKWARD,
        *(
            form.format(name=word, NAME=word, id=word, developer="x")
            for form, _ in FORMS
            for word in AWKWARD
        ),
    ]
    hosts = cycle(("azure", "bedrock", "openrouter", "litellm", "no such host"))
    for raw in raws:
        for host in (None, next(hosts)):
            resolution = resolver().resolve(raw, host)

            assert resolution.canonical is None or resolution.canonical in resolver().index.by_id
            assert (resolution.canonical is None) == (resolution.kind == "unknown")
            assert 0 <= resolution.confidence <= 1


def test_the_answer_does_not_depend_on_what_was_asked_before_or_on_the_order_of_known_ids() -> None:
    turned = Resolver(tuple(reversed(A_FEW)))
    for entry in A_FEW:
        for raw in (
            entry.id,
            entry.slug,
            f"us.{entry.developer}.{entry.slug}-v1:0",
            f"{entry.slug}-thinking",
        ):
            first = resolver().resolve(raw, "bedrock")

            assert first == resolver().resolve(raw, "bedrock")
            assert first.canonical == turned.resolve(raw, "bedrock").canonical


def test_an_empty_list_of_known_ids_answers_unknown() -> None:
    assert Resolver(()).resolve("gpt-4o", "openai").canonical is None


# --- the benchmark --------------------------------------------------------------------------------


@cache
def catalogue_resolver() -> Resolver:
    with CATALOGUE.open() as rows:
        return Resolver(known_ids(json.loads(row) for row in rows))


@pytest.mark.shared
@needs_shared
def test_every_id_alias_and_repository_of_the_catalogue_names_its_own_model() -> None:
    index = catalogue_resolver().index
    for entry in index.by_id.values():
        assert catalogue_resolver().resolve(entry.id).canonical == entry.id
        for text in entry.aliases:
            found = catalogue_resolver().resolve(f"{entry.developer}/{text}").canonical
            assert found is not None
            assert index.by_id[found].entity == entry.entity, text


@pytest.mark.shared
@needs_shared
def test_the_labels_for_tuning_are_met_at_entity_level() -> None:
    index = catalogue_resolver().index
    right = answered = positives = accepted_negatives = 0
    with LABELS.open() as rows:
        labels = [json.loads(row) for row in rows]
    for label in labels:
        if label["tier"] == "floating_pointer":
            continue
        found = catalogue_resolver().resolve(label["raw"], label["host_hint"]).canonical
        positive = label["canonical"] != "unknown"
        positives += positive
        answered += found is not None
        right += positive and found is not None and index.by_id[found].entity == label["entity"]
        accepted_negatives += found is not None and not positive

    assert right / answered >= 0.99
    assert right / positives >= 0.95
    assert accepted_negatives == 0


@pytest.mark.shared
@needs_shared
def test_an_invented_snapshot_of_a_known_model_is_never_accepted() -> None:
    for entry in list(catalogue_resolver().index.by_id.values()):
        if entry.kind == "family" or entry.slug.endswith("latest"):
            continue
        for invented in (
            f"{entry.slug}-20300101",
            f"{entry.slug}-2030-01-01",
            f"{entry.slug}-9999",
        ):
            for raw, host in (
                (invented, entry.developer),
                (f"{entry.developer}/{invented}", "azure"),
            ):
                resolution = catalogue_resolver().resolve(raw, host)

                assert resolution.canonical is None, (raw, resolution.why)

"""Each documented form of an id, by host: what is identity, what is region, what is variant."""

import pytest

from tests.catalog.resolver_catalogue import SONNET_45, resolver

# (raw, host hint, canonical, host, region, variant)
CASES = [
    # Amazon Bedrock
    (
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "aws",
        "anthropic/claude-3-5-sonnet-20241022",
        "amazon-bedrock",
        None,
        (),
    ),
    ("anthropic.claude-v2:1", None, "anthropic/claude-2.1", "amazon-bedrock", None, ()),
    ("anthropic.claude-v2", None, "anthropic/claude-2.0", "amazon-bedrock", None, ()),
    ("anthropic.claude-v2:1:200k", None, "anthropic/claude-2.1", "amazon-bedrock", None, ("200k",)),
    ("amazon.nova-reel-v1:1", None, "amazon/nova-reel-1-1", "amazon-bedrock", None, ()),
    ("amazon.nova-reel-v1:0", None, "amazon/nova-reel-1-0", "amazon-bedrock", None, ()),
    ("mistral.mixtral-8x7b-instruct-v0:1", None, "mistral/mixtral-8x7b-instruct-v0.1", "amazon-bedrock", None, ()),
    ("amazon.nova-lite-v1:0", "bedrock", "amazon/nova-lite-v1", "amazon-bedrock", None, ()),
    ("openai.gpt-oss-120b-1:0", "bedrock", "openai/gpt-oss-120b", "amazon-bedrock", None, ()),
    ("meta.llama3-3-70b-instruct-v1:0", "bedrock", "meta/llama-3.3-70b-instruct", "amazon-bedrock", None, ()),
    ("qwen.qwen3-235b-a22b-2507-v1:0", "bedrock", "alibaba/qwen3-235b-a22b-instruct-2507", "amazon-bedrock", None, ()),
    ("deepseek.v3.2", "bedrock", "deepseek/deepseek-v3.2", "amazon-bedrock", None, ()),
    ("us-gov.anthropic.claude-opus-4-8", None, "anthropic/claude-opus-4-8", "amazon-bedrock", "us-gov", ()),
    ("moonshot.kimi-k2-thinking", "bedrock", "moonshotai/kimi-k2-thinking", "amazon-bedrock", None, ()),
    ("nvidia.nemotron-nano-3-30b", "bedrock", "nvidia/nemotron-3-nano-30b-a3b", "amazon-bedrock", None, ()),
    (
        "bedrock/us-west-2/1-month-commitment/anthropic.claude-v2:1",
        "litellm",
        "anthropic/claude-2.1",
        "amazon-bedrock",
        "us-west-2",
        ("1-month-commitment",),
    ),
    (
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        None,
        SONNET_45,
        "amazon-bedrock",
        "eu",
        (),
    ),
    (
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20240620-v1:0",
        None,
        "anthropic/claude-3-5-sonnet-20240620",
        "amazon-bedrock",
        "us-east-1",
        (),
    ),
    # Google Vertex AI and the Gemini API
    ("claude-sonnet-4-5@20250929", None, SONNET_45, "google-vertex", None, ()),
    ("claude-3-5-sonnet-v2@20241022", None, "anthropic/claude-3-5-sonnet-20241022", "google-vertex", None, ()),
    ("vertex_ai/mistral-large@2411-001", "litellm", "mistral/mistral-large-2411", "google-vertex", None, ()),
    ("jamba-1.5-large@001", "vertex_ai", "ai21/jamba-1.5-large", "google-vertex", None, ()),
    ("codestral@latest", "vertex_ai", "mistral/codestral-latest", "google-vertex", None, ()),
    (
        "meta/llama-3.3-70b-instruct-maas",
        "google-vertex",
        "meta/llama-3.3-70b-instruct",
        "google-vertex",
        None,
        ("maas",),
    ),
    ("publishers/google/models/gemini-2.5-pro", None, "google/gemini-2.5-pro", "google-vertex", None, ()),
    ("models/gemini-1.5-pro-002", "google", "google/gemini-1.5-pro-002", "google", None, ()),
    ("google-gla:gemini-2.5-pro", None, "google/gemini-2.5-pro", "google", None, ()),
    # Azure
    ("gpt-35-turbo", "azure", "openai/gpt-3.5-turbo", "azure", None, ()),
    ("gpt-4o (version:2024-08-06)", "azure", "openai/gpt-4o-2024-08-06", "azure", None, ()),
    ("azure/eu/gpt-4o-2024-08-06", "litellm", "openai/gpt-4o-2024-08-06", "azure", "eu", ()),
    ("azure_ai/FW-GLM-5.1", "litellm", "zhipuai/glm-5.1", "azure", None, ()),
    ("Cohere-embed-v3-english", "azure", "cohere/embed-english-v3.0", "azure", None, ()),
    (
        "azure/high/1024-x-1024/gpt-image-1-mini",
        "litellm",
        "openai/gpt-image-1-mini",
        "azure",
        None,
        ("high", "1024-x-1024"),
    ),
    (
        "azureml://registries/azure-openai/models/gpt-4o/versions/2024-08-06",
        None,
        "openai/gpt-4o-2024-08-06",
        "azure",
        None,
        (),
    ),
    (
        "azureml://registries/azureml-meta/models/Llama-3.3-70B-Instruct/versions/4",
        None,
        "meta/llama-3.3-70b-instruct",
        "azure",
        None,
        (),
    ),
    # OpenRouter and gateways like it
    ("z-ai/glm-4.5-air:free", "openrouter", "zhipuai/glm-4.5-air", "openrouter", None, ("free",)),
    ("anthropic/claude-4.5-sonnet-20250929", "openrouter", SONNET_45, "openrouter", None, ()),
    ("anthropic/claude-4-sonnet-20250522", "openrouter", "anthropic/claude-sonnet-4-0", "openrouter", None, ()),
    ("anthropic/claude-4-sonnet-20250522", None, "anthropic/claude-sonnet-4-0", None, None, ()),
    ("openai/gpt-5.1-codex-20251113", "openrouter", "openai/gpt-5.1-codex", "openrouter", None, ()),
    ("z-ai/glm-4.7-20251222", None, "zhipuai/glm-4.7", None, None, ()),
    ("qwen/qwen3-32b-04-28", "openrouter", "alibaba/qwen3-32b", "openrouter", None, ()),
    ("qwen/qwen3-235b-a22b-07-25", "openrouter", "alibaba/qwen3-235b-a22b-instruct-2507", "openrouter", None, ()),
    ("qwen/qwen3-coder", "openrouter", "alibaba/qwen3-coder-480b-a35b-instruct", "openrouter", None, ()),
    ("meta-llama/llama-4-scout", "openrouter", "meta/llama-4-scout-17b-instruct", "openrouter", None, ()),
    ("openai/o3-mini-high:batch", "openrouter", "openai/o3-mini", "openrouter", None, ("batch", "high")),
    ("anthropic/claude-opus-4.8-fast", "openrouter", "anthropic/claude-opus-4-8", "openrouter", None, ("fast",)),
    (
        "claude-sonnet-4-thinking:32000",
        "nano-gpt",
        "anthropic/claude-sonnet-4-0",
        "nano-gpt",
        None,
        ("32000", "thinking"),
    ),
    # Hugging Face ids and their re-users
    ("neuralmagic/Llama-3.3-70B-Instruct-FP8", "stackit", "meta/llama-3.3-70b-instruct", "stackit", None, ("fp8",)),
    ("bartowski/Meta-Llama-3-70B-Instruct-GGUF", None, "meta/llama-3-70b-instruct", None, None, ("gguf",)),
    (
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "togetherai",
        "meta/llama-3.3-70b-instruct",
        "together",
        None,
        ("turbo",),
    ),
    ("Meta-Llama-3_3-70B-Instruct", "ovhcloud", "meta/llama-3.3-70b-instruct", "ovhcloud", None, ()),
    ("TEE/glm-5.1", "nano-gpt", "zhipuai/glm-5.1", "nano-gpt", None, ("tee",)),
    ("llama-3.1-8b-instruct.Q5_K_M.gguf", None, "meta/llama-3.1-8b-instruct", None, None, ("gguf", "q5_k_m")),
    # Fireworks
    ("accounts/fireworks/models/llama-v3p1-8b-instruct", None, "meta/llama-3.1-8b-instruct", "fireworks", None, ()),
    ("accounts/fireworks/routers/glm-5p1-fast-us", None, "zhipuai/glm-5.1", "fireworks", None, ("fast", "us")),
    # Databricks, Snowflake, SAP, DigitalOcean, Venice, GitLab
    ("databricks-claude-haiku-4-5", "databricks", "anthropic/claude-haiku-4-5", "databricks", None, ()),
    ("databricks-meta-llama-3-3-70b-instruct", "databricks", "meta/llama-3.3-70b-instruct", "databricks", None, ()),
    ("system.ai.llama_v3_3_70b_instruct", None, "meta/llama-3.3-70b-instruct", "databricks", None, ()),
    ("snowflake-llama3.3-70b", "snowflake-cortex", "meta/llama-3.3-70b-instruct", "snowflake", None, ()),
    ("anthropic--claude-4.5-haiku", "sap-ai-core", "anthropic/claude-haiku-4-5", "sap-ai-core", None, ()),
    ("anthropic-claude-4.5-sonnet", "digitalocean", "anthropic/claude-sonnet-4-5", "digitalocean", None, ()),
    ("openai-gpt-54", "venice", "openai/gpt-5.4", "venice", None, ()),
    ("minimax-m25", "venice", "minimax/minimax-m2.5", "venice", None, ()),
    ("duo-chat-sonnet-4-5", "gitlab", "anthropic/claude-sonnet-4-5", "gitlab", None, ()),
    # Cloudflare, Groq, Cerebras
    (
        "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        "cloudflare",
        "meta/llama-3.3-70b-instruct",
        "cloudflare",
        None,
        ("fast", "fp8"),
    ),
    ("groq/llama-3.3-70b-versatile", "litellm", "meta/llama-3.3-70b-instruct", "groq", None, ("versatile",)),
    ("llama3-70b-8192", "groq", "meta/llama-3-70b-instruct", "groq", None, ("8192",)),
    ("llama-3.3-70b", "cerebras", "meta/llama-3.3-70b-instruct", "cerebras", None, ()),
    # Ollama
    ("llama3.1:8b-instruct-q4_K_M", "ollama", "meta/llama-3.1-8b-instruct", "ollama", None, ("q4_k_m",)),
    ("gemma3:27b", "ollama", "google/gemma-3-27b-it", "ollama", None, ()),
    ("deepseek-r1:70b", "ollama", "deepseek/deepseek-r1-distill-llama-70b", "ollama", None, ()),
    ("deepseek-r1:32b", "ollama", "deepseek/deepseek-r1-distill-qwen-32b", "ollama", None, ()),
    ("deepseek-r1:671b", "ollama", "deepseek/deepseek-r1", "ollama", None, ()),
    ("deepseek-v3.1:671b-cloud", "ollama", "deepseek/deepseek-v3.1", "ollama", None, ("cloud",)),
    # Others
    ("meta-textgeneration-llama-2-7b-f", None, "meta/llama-2-7b-chat-hf", "sagemaker", None, ()),
    ("deepseek-v3-2-251201", "volcengine", "deepseek/deepseek-v3.2", "volcengine", None, ()),
    ("deepseek-r1-250528", "volcengine", "deepseek/deepseek-r1-0528", "volcengine", None, ()),
    ("kimi-k2-250905", "volcengine", "moonshotai/kimi-k2-0905-preview", "volcengine", None, ()),
    ("morph/morph-dsv41flash", "litellm", "deepseek/deepseek-v4.1-flash", "morph", None, ()),
    ("gpt-oss-120b-cs", "poe", "openai/gpt-oss-120b", "poe", None, ("cs",)),
    ("k2p5", "kimi-for-coding", "moonshotai/kimi-k2.5", "moonshotai", None, ()),
    ("openai/responses/gpt-4o", "litellm", "openai/gpt-4o", "openai", None, ()),
    ("perplexity/perplexity/glm-5.1", "litellm", "zhipuai/glm-5.1", "perplexity", None, ()),
    ("huggingface/together/deepseek-ai/DeepSeek-R1", "litellm", "deepseek/deepseek-r1", "huggingface", None, ()),
    ("hosted_vllm/Qwen/Qwen3-32B", "litellm", "alibaba/qwen3-32b", "vllm", None, ()),
    ("claude-sonnet-4-5[1m]", None, "anthropic/claude-sonnet-4-5", None, None, ("1m",)),
]


@pytest.mark.parametrize(("raw", "hint", "canonical", "host", "region", "variant"), CASES)
def test_a_form_is_read_into_identity_host_region_and_variant(
    raw: str, hint: str | None, canonical: str, host: str | None, region: str | None, variant: tuple[str, ...]
) -> None:
    resolution = resolver().resolve(raw, hint)

    assert (resolution.canonical, resolution.host, resolution.region) == (canonical, host, region), resolution.why
    assert resolution.variant == variant

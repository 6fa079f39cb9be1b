"""Documented facts about the names that hosts and developers use, which no general rule can derive.

Every line is a published fact (model card, model list of the host, or the table of traps in the
requirements), never a string that was only observed. A fact is looked up by the tokens of its text,
so that one spelling covers all.
"""

import re


def words(text: str) -> frozenset[str]:
    """Return the words of `text` as a set."""
    return frozenset(text.split())


# (host slug or "" for any host, text, canonical ID, or None if it names no single version)
NAMES: tuple[tuple[str, str, str | None], ...] = (
    # The same slug, but different models on different hosts.
    ("vercel", "deepseek-v3", "deepseek/deepseek-v3-0324"),
    ("snowflake", "mistral-large2", "mistral/mistral-large-2407"),
    ("", "mistral-large-2", "mistral/mistral-large-2407"),
    ("amazon-bedrock", "v3-v1", "deepseek/deepseek-v3.1"),
    # The packaging revision means a snapshot.
    ("", "claude-3-5-sonnet-v1", "anthropic/claude-3-5-sonnet-20240620"),
    ("", "claude-3-5-sonnet-v2", "anthropic/claude-3-5-sonnet-20241022"),
    ("amazon-bedrock", "nemotron-nano-12b-v2", "nvidia/nemotron-nano-12b-v2-vl"),
    # K2.7 is published as a coding model only.
    ("moonshotai", "kimi-k2.7", "moonshotai/kimi-k2.7-code"),
    ("umans-ai", "kimi-k2.7", "moonshotai/kimi-k2.7-code"),
    # Slugs that omit facts: the developer's first or only model of that name.
    ("", "qwen3-coder", "alibaba/qwen3-coder-480b-a35b-instruct"),
    ("", "llama-4-scout", "meta/llama-4-scout-17b-instruct"),
    ("", "llama-4-maverick", "meta/llama-4-maverick-17b-instruct"),
    ("", "llama-4-scout-instruct", "meta/llama-4-scout-17b-instruct"),
    ("", "llama-4-maverick-instruct", "meta/llama-4-maverick-17b-instruct"),
    ("", "llama-4-16x17b", "meta/llama-4-scout-17b-instruct"),
    ("", "llama-4-128x17b", "meta/llama-4-maverick-17b-instruct"),
    ("", "qwen3-235b-a22b-2507", "alibaba/qwen3-235b-a22b-instruct-2507"),
    ("", "qwen3-235b-2507", "alibaba/qwen3-235b-a22b-instruct-2507"),
    ("", "mistral-large-3-675b-instruct", "mistral/mistral-large-2512"),
    ("", "mistral-large-3-675b", "mistral/mistral-large-2512"),
    ("", "mistral-large-3-675b-instruct-2512", "mistral/mistral-large-2512"),
    ("google-vertex", "llama3-405b-instruct", "meta/llama-3.1-405b-instruct"),
    # Version number and date of one Mistral release.
    ("", "mistral-small-3.1", "mistral/mistral-small-2503"),
    ("", "mistral-small-3.2", "mistral/mistral-small-2506"),
    ("", "mistral-small-4", "mistral/mistral-small-2603"),
    ("", "devstral-small-2", "mistral/labs-devstral-small-2512"),
    ("", "devstral-small-2-24b", "mistral/labs-devstral-small-2512"),
    ("", "devstral-small-2-24b-instruct-2512", "mistral/labs-devstral-small-2512"),
    # Three versions share this name; the catalogue's own undated ID is another weight file.
    ("", "mistral-7b", None),
    ("", "mistral-7b-instruct", None),
    # Ollama: the tag is a size, and only 671b is R1 itself; the other sizes are distilled models.
    ("", "deepseek-r1-671b", "deepseek/deepseek-r1"),
    ("", "deepseek-r1-70b", "deepseek/deepseek-r1-distill-llama-70b"),
    ("", "deepseek-r1-32b", "deepseek/deepseek-r1-distill-qwen-32b"),
    ("", "deepseek-r1-14b", "deepseek/deepseek-r1-distill-qwen-14b"),
    ("", "deepseek-r1-7b", "deepseek/deepseek-r1-distill-qwen-7b"),
    ("", "deepseek-r1-1.5b", "deepseek/deepseek-r1-distill-qwen-1.5b"),
    # Bedrock's own names for Cohere's and Amazon's first models.
    ("amazon-bedrock", "command-text-v14", "cohere/command"),
    ("amazon-bedrock", "command-light-text-v14", "cohere/command-light"),
    # Google's first model of that name, not the moving -latest of today.
    ("", "gemini-pro", None),
    # A family word alone is not a version.
    ("ollama", "mistral", None),
)

# Claude 1 was served as 1.0 to 1.3 under these names.
NO_SINGLE_VERSION = re.compile(r"claude-(instant-)?v?1|claude-instant|claude")

# Total sizes that hosts restate although the developer's name has none: (pattern of canonical ids,
# sizes). From the model cards.
RESTATED_SIZES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), tuple(sizes.split()))
    for pattern, sizes in (
        (
            r"deepseek/deepseek-(v3|v3-0324|v3\.1|v3\.1-terminus|v3\.2|v3\.2-exp|v3\.2-speciale|r1-0528)",
            "671b 685b",
        ),
        (r"moonshotai/kimi-k2(-.*|\.5|\.6)?", "1t"),
        (r"zhipuai/glm-4\.[567]", "355b 355b-a32b 358b"),
        (r"zhipuai/glm-4\.5-air", "106b 106b-a12b 110b"),
        (r"zhipuai/glm-5(\.\d)?", "744b 744b-a40b 754b"),
        (r"minimax/minimax-m2(\.\d)?", "230b 230b-a10b 229b"),
        (r"mistral/mistral-nemo", "12b"),
        (r"mistral/mistral-small-(2501|2503|2506)", "24b"),
        (r"mistral/mistral-small-2603", "119b"),
        (r"mistral/(devstral|magistral)-small-25\d\d", "24b"),
        (r"mistral/devstral-2512", "123b"),
        (r"mistral/labs-devstral-small-2512", "24b"),
        (r"mistral/mistral-large-(2407|2411)", "123b"),
        (r"mistral/pixtral-large-2411", "124b"),
        (r"mistral/voxtral-mini-2507", "3b"),
        (r"mistral/codestral-2405", "22b"),
        (r"mistral/mistral-saba-2502", "24b"),
        (r"microsoft/phi-4", "14b"),
        (r"cohere/command-r-(03|08)-2024", "35b 32b"),
        (r"cohere/command-r-plus-(04|08)-2024", "104b"),
        (r"cohere/command-a-03-2025", "111b"),
        (r"essentialai/rnj-1-instruct", "8b"),
        (r"meta/llama-4-scout-17b-instruct", "109b"),
        (r"meta/llama-4-maverick-17b-instruct", "400b 402b"),
        (r"xiaomi/mimo-v2-flash", "309b 309b-a15b"),
        (r"stepfun/step-3\.5-flash", "196b 196b-a11b"),
        (r"prime-intellect/intellect-3", "106b"),
        (r"arcee-ai/trinity-mini", "26b 26b-a3b"),
        (r"arcee-ai/trinity-large-(preview|thinking)", "400b 398b"),
    )
)

# Hosts on which a name without -instruct is the base model, because they list both, and
# organisations that publish base weights under the bare name.
HOSTS_OF_BASE_WEIGHTS = frozenset(
    {"fireworks", "replicate", "watsonx", "huggingface", "sagemaker", "hyperbolic"}
)
ORGANISATIONS_OF_BASE_WEIGHTS = frozenset(
    {"meta-llama", "qwen", "mistralai", "google", "meta-models"}
)
BASE_NAMES = re.compile(
    r"(meta-)?(llama|codellama)|qwen-?(1\.5|2|2\.5|2-5)(?![\d.])|mi[sx]tral-?\d|gemma-?2(?!\d)"
)

# Prefixes that a host adds and that say nothing about the model; the hosts' own names are prefixes
# too.
HOST_PREFIXES = words(
    "route umans coding stealth duo-chat fw mlx hf alicloud deep cc cf workers-ai system.ai "
    "system-ai "
    "huggingface-llm huggingface-textgeneration c4ai ai21 copilot tee free nim cursor"
)
# Developers' names as prefixes (`openai-gpt-5`, `meta-llama-3-8b`, `zai-org-glm-4.6`).
DEVELOPER_PREFIXES = words(
    "openai anthropic google meta amazon nvidia microsoft cohere mistral mistralai mistral-ai "
    "alibaba qwen "
    "deepseek-ai moonshotai moonshot zai zai-org z-ai zhipu zhipuai xiaomi xai x-ai minimax "
    "minimaxai ibm "
    "ibm-granite tencent bytedance stepfun baidu arcee arcee-ai aion-labs liquid nousresearch "
    "perplexity "
    "writer upstage thinkingmachines inclusionai black-forest-labs stability stabilityai poolside "
    "sakana "
    "cognition meta-llama labs thudm deepcogito allenai twelvelabs voyage"
)

# Family names that a dotted or first-party name can omit (`deepseek.v3.2`, `k2p5`, `opus-4-5`).
FAMILY_NAMES: dict[str, tuple[str, ...]] = {
    "deepseek": ("deepseek",),
    "moonshotai": ("kimi",),
    "minimax": ("minimax",),
    "anthropic": ("claude",),
    "xai": ("grok",),
    "xiaomi": ("mimo",),
    "zhipuai": ("glm",),
    "amazon": ("nova",),
}
CLAUDE_TIERS = frozenset({"opus", "sonnet", "haiku", "fable", "mythos"})

# Abbreviations in model names of one host.
ABBREVIATIONS: dict[str, tuple[tuple[str, str], ...]] = {"morph": (("dsv", "deepseek-v"),)}

# --- words that describe how a model is hosted, not which model it is -----------------------------
# Number formats and containers: at any position.
FORMAT = re.compile(
    # match a number from its first digit only
    r"(?<!\d)\d+bit|fp\d+(v\d+)?|bf16|(nv|mx)fp\d|int\d|w\d+a\d+|awq|gptq|gguf|ggml|mlx|exl\d|bnb|onnx|qat|quantized|quant"
    r"|i?q\d|mxfp|mtp|paddle|safetensors|autoround|imatrix|ud"
)
# At the end of a name: price classes, speeds, routes.
SERVICE = words(
    "free maas tee tput exacto nitro floor online extended web batch flex priority cloud original "
    "cheaper "
    "serverless fast dynamic"
)
# The same, but only on the given host; elsewhere they can be part of the model's name.
SERVICE_OF_HOST: dict[str, frozenset[str]] = {
    "fireworks": frozenset({"basic", "us", "eu", "global", "spot", "ultrafast", "long"}),
    "poe": frozenset({"cs", "fw", "el", "n"}),
    "neuralwatt": frozenset({"short"}),
    "aihubmix": frozenset({"disc"}),
    "groq": frozenset({"preview"}),
    "together": frozenset({"lite", "reference"}),
    "deepinfra": frozenset({"ultra"}),
}
# The same, but only for open weights: developers of closed models use these words in model names.
SERVICE_OF_OPEN_WEIGHTS = frozenset({"turbo", "lightning"})
# Groq's names for Llama models, which others copy.
SERVICE_OF_LLAMA = frozenset({"instant", "versatile", "specdec"})
# Models without an optional thinking mode; with the word they would be other models.
NOT_HYBRID = re.compile(
    r"google/gemini-(1|2\.0)|openai/(chat)?gpt-[34]|anthropic/claude-(1|2|instant|3-(haiku|opus|sonnet|5))|xai/grok-[23]"
)
# Models of which the developer sells -fast, or a mode, as a separate model.
FAST_IS_A_MODEL = re.compile(
    r"xai/grok-[4-9]|google/(imagen|veo)|(cohere|bytedance|bfl|cognition|morph|voyage)/"
)
MODE_IS_A_MODEL = re.compile(r"xai/grok-[4-9]")
REASONING = frozenset(
    {"thinking", "reasoning", "think", "thought", "nothinking", "nothink", "noreasoning"}
)
# Two words that are removed together.
PAIRS = {
    ("non", "thinking"): "non-thinking",
    ("no", "thinking"): "non-thinking",
    ("non", "reasoning"): "non-reasoning",
    ("no", "reasoning"): "non-reasoning",
    ("no", "think"): "non-thinking",
    ("high", "throughput"): "high-throughput",
}
EFFORT = frozenset({"high", "low", "medium", "minimal", "xhigh", "none"})
DEVELOPERS_WITH_EFFORT = frozenset({"openai", "anthropic", "google", "xai"})
# Words that are variants only after a colon.
COLON_ONLY = frozenset(
    {"beta", "search", "max", "cache", "self-moderated", "latest", "discounted", "on-demand"}
)

# Hosts that append the date of listing to a slug.
HOSTS_WITH_LISTING_DATES = frozenset(
    {"openrouter", "kilo", "zenmux", "fastrouter", "requesty", "orcarouter"}
)

# Single words that are IDs in the catalogue, but also common in names of deployments.
EVERYDAY_WORDS = frozenset(
    {"command", "rerank", "spotlight", "weaver", "ada", "curie", "babbage", "davinci"}
)

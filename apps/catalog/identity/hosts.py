"""Hosts and developers, and their spellings in feeds.

One table for two uses: a feed parser looks up the provider of its row with `host_slug`, and the
resolver looks up whether the first segment of a string is a host or a developer. A host serves
models; a developer makes them. Many companies are both, and then the host refers to its developer.

Sources of the spellings: `litellm_provider` values and first segments of the LiteLLM price map,
provider ids of models.dev, genai-prices, modeldeprecations.dev and deprecations.info, vendor
prefixes of OpenRouter, organisations of Hugging Face, and provider names of OpenTelemetry's
conventions for generative AI.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Host:
    """A host of models: `slug` is its ID, `name` its display name.

    `developer` is the catalogue's developer slug if the host is run by one, otherwise None.
    `spellings` are further names in the feeds; the slug and the name count as spellings without
    being listed.
    """

    slug: str
    name: str
    developer: str | None = None
    spellings: tuple[str, ...] = ()


def _host(slug: str, name: str, developer: str | None = None, spellings: str = "") -> Host:
    return Host(slug, name, developer, tuple(spellings.split()))


# Regional sites and subscription plans of one company are spellings of one host: the contract
# partner is the same, and the offering records the region.
HOSTS: tuple[Host, ...] = (
    # --- developers that serve their own models ---------------------------------------------------
    _host(
        "openai",
        "OpenAI",
        "openai",
        "text-completion-openai openai-api chatgpt openai-chat azure-openai-compatible",
    ),
    _host(
        "anthropic",
        "Anthropic",
        "anthropic",
        "anthropic-text anthropic-api anthropic.messages claude-platform",
    ),
    _host(
        "google",
        "Google",
        "google",
        "gemini google-gla google-ai-studio google-genai google-api gla gcp.gemini gcp.gen-ai "
        "google.generative-ai",
    ),
    _host(
        "mistral",
        "Mistral AI",
        "mistral",
        "mistral-ai mistralai codestral text-completion-codestral",
    ),
    _host("cohere", "Cohere", "cohere", "cohere-chat cohere-api"),
    _host("deepseek", "DeepSeek", "deepseek", "deepseek-ai"),
    _host("xai", "xAI", "xai", "x-ai xai-api"),
    _host("perplexity", "Perplexity", "perplexity", "perplexity-ai perplexity-agent pplx"),
    _host(
        "alibaba",
        "Alibaba Cloud Model Studio",
        "alibaba",
        "dashscope alibaba-cn alibaba-coding-plan alibaba-coding-plan-cn alibaba-token-plan "
        "alibaba-token-plan-cn "
        "qwencloud qwen-ai-platform aliyun bailian tongyi",
    ),
    _host("moonshotai", "Moonshot AI", "moonshotai", "moonshot moonshotai-cn kimi-for-coding"),
    _host(
        "zai",
        "Z.AI",
        "zhipuai",
        "z-ai z.ai zhipuai zhipu bigmodel zai-coding-plan zhipuai-coding-plan zai-org zhipu-ai",
    ),
    _host(
        "minimax",
        "MiniMax",
        "minimax",
        "minimax-cn minimax-coding-plan minimax-cn-coding-plan minimaxi minimaxai",
    ),
    _host(
        "xiaomi",
        "Xiaomi MiMo",
        "xiaomi",
        "xiaomi-mimo xiaomi-token-plan-ams xiaomi-token-plan-cn xiaomi-token-plan-sgp",
    ),
    _host("ai21", "AI21 Labs", "ai21", "ai21-chat ai21-labs ai21labs"),
    _host("amazon-nova", "Amazon Nova API", "amazon"),
    _host("voyage", "Voyage AI", "voyage", "voyageai voyage-ai"),
    _host("jina", "Jina AI", "jina", "jina-ai"),
    _host("stability", "Stability AI", "stability", "stability-ai stabilityai"),
    _host("black-forest-labs", "Black Forest Labs API", "bfl", "bfl"),
    _host("meta-llama", "Meta API", "meta", "meta llama meta-llama-api llama-api"),
    _host("inception", "Inception", "inception", "text-completion-inception inceptionlabs"),
    _host("morph", "Morph", "morph", "morphllm"),
    _host("upstage", "Upstage", "upstage"),
    _host("sakana", "Sakana AI", "sakana"),
    _host("sarvam", "Sarvam AI", "sarvam", "sarvamai"),
    _host("poolside", "Poolside", "poolside"),
    _host("cognition", "Cognition", "cognition"),
    _host("v0", "v0 by Vercel", "vercel"),
    _host("stepfun", "StepFun", "stepfun", "stepfun-ai"),
    _host("tencent", "Tencent Cloud", "tencent", "tencent-coding-plan tencent-tokenhub hunyuan"),
    _host("volcengine", "Volcengine Ark", "bytedance", "volcano ark doubao byteplus bytedance"),
    _host("baidu", "Baidu Qianfan", "baidu", "qianfan wenxin"),
    _host("bailing", "Ant Bailing", "inclusionai"),
    _host("nvidia", "NVIDIA NIM", "nvidia", "nvidia-nim nim"),
    _host("watsonx", "IBM watsonx.ai", "ibm", "ibm watsonx-text"),
    _host("streamlake", "StreamLake", "kwaipilot", "kuaishou vanchin"),
    _host("twelvelabs", "TwelveLabs", "twelvelabs"),
    _host("writer", "Writer", "writer"),
    _host("relace", "Relace", "relace"),
    # --- clouds and platforms ---------------------------------------------------------------------
    _host(
        "amazon-bedrock",
        "Amazon Bedrock",
        None,
        "bedrock bedrock-converse bedrock-mantle aws-bedrock aws amazon-bedrock-converse mantle "
        "bedrock-invoke",
    ),
    _host(
        "sagemaker",
        "Amazon SageMaker",
        None,
        "sagemaker-chat aws-sagemaker sagemaker-jumpstart sagemaker-nova",
    ),
    _host(
        "google-vertex",
        "Google Vertex AI",
        None,
        "vertex vertex-ai vertexai google-vertex-ai google-vertex-anthropic google-vertex-search "
        "gcp.vertex.agent "
        "vertex-ai-beta google-vertexai gcp gcp.vertex-ai",
    ),
    _host(
        "azure",
        "Microsoft Azure",
        None,
        "azure-ai azure-text azure-openai azure-cognitive-services azure-foundry azure-ai-foundry "
        "azure-ai-inference azureml microsoft-foundry microsoft-azure azure-ai-studio az.ai.openai "
        "azure.ai.openai "
        "az.ai.inference",
    ),
    _host("microsoft-365-copilot", "Microsoft 365 Copilot"),
    _host("oci", "Oracle Cloud Generative AI", None, "oracle oracle-cloud oci-genai"),
    _host("databricks", "Databricks", None, "databricks-ai-gateway"),
    _host("snowflake", "Snowflake Cortex", None, "snowflake-cortex"),
    _host("sap-ai-core", "SAP AI Core", None, "sap"),
    _host("digitalocean", "DigitalOcean Gradient AI", None, "gradient-ai do-ai"),
    _host("heroku", "Heroku Managed Inference"),
    _host("github-models", "GitHub Models", None, "github"),
    _host("github-copilot", "GitHub Copilot", None, "copilot"),
    _host("gitlab", "GitLab Duo", None, "gitlab-duo"),
    _host("cloudflare", "Cloudflare Workers AI", None, "cloudflare-workers-ai workers-ai cf"),
    _host("cloudflare-ai-gateway", "Cloudflare AI Gateway", None, "clf-ai-gateway"),
    _host("ovhcloud", "OVHcloud AI Endpoints", None, "ovh"),
    _host("scaleway", "Scaleway"),
    _host("stackit", "STACKIT"),
    _host("hostinger", "Hostinger", None, "hostinger-router"),
    # --- inference companies ----------------------------------------------------------------------
    _host(
        "together", "Together AI", None, "together-ai togetherai together-computer togethercomputer"
    ),
    _host("fireworks", "Fireworks AI", None, "fireworks-ai fw"),
    _host("groq", "Groq"),
    _host("cerebras", "Cerebras"),
    _host("sambanova", "SambaNova"),
    _host("deepinfra", "DeepInfra", None, "deep-infra"),
    _host("novita", "Novita AI", None, "novita-ai novitaai"),
    _host("nebius", "Nebius Token Factory", None, "nebius-ai-studio"),
    _host("baseten", "Baseten"),
    _host("hyperbolic", "Hyperbolic"),
    _host("nscale", "Nscale"),
    _host("lambda", "Lambda", None, "lambda-ai"),
    _host("anyscale", "Anyscale"),
    _host("replicate", "Replicate"),
    _host("fal", "fal", None, "fal-ai"),
    _host("friendli", "Friendli", None, "friendliai friendli-ai"),
    _host("featherless", "Featherless AI", None, "featherless-ai"),
    _host("gmi", "GMI Cloud", None, "gmicloud gmi-cloud"),
    _host("crusoe", "Crusoe"),
    _host("wandb", "Weights & Biases Inference", None, "weights-biases"),
    _host("huggingface", "Hugging Face", None, "hugging-face hf"),
    _host("siliconflow", "SiliconFlow", None, "siliconflow-cn"),
    _host("chutes", "Chutes"),
    _host("clarifai", "Clarifai"),
    _host("io-net", "IO.NET", None, "io.net"),
    _host("inference", "Inference.net", None, "inference-net"),
    _host("modal", "Modal"),
    _host("avian", "Avian"),
    _host("doubleword", "Doubleword"),
    _host("lepton", "Lepton AI", None, "lepton-ai"),
    _host("octoai", "OctoAI"),
    _host("predibase", "Predibase"),
    _host("deepgram", "Deepgram"),
    _host("elevenlabs", "ElevenLabs"),
    _host("assemblyai", "AssemblyAI"),
    _host("runwayml", "Runway"),
    _host("recraft", "Recraft"),
    _host("nlp-cloud", "NLP Cloud"),
    _host("aleph-alpha", "Aleph Alpha"),
    _host("petals", "Petals"),
    _host("gigachat", "GigaChat"),
    _host("publicai", "Public AI"),
    _host("llamagate", "LlamaGate"),
    _host("tensormesh", "Tensormesh"),
    _host("zerogpu", "ZeroGPU"),
    _host("sail", "Sail"),
    _host("scx", "SCX", None, "scx-ai"),
    _host("soniox", "Soniox"),
    _host("wally", "Wally"),
    _host("refuseless", "Refuseless"),
    _host("abliteration-ai", "abliteration.ai", None, "abliteration"),
    _host("coralbricks", "Coral Bricks"),
    _host("libertai", "LibertAI"),
    _host("pinstripes", "Pinstripes"),
    _host("openinfer", "OpenInfer", None, "oi"),
    _host("darkbloom", "Darkbloom"),
    _host("aiand", "ai&"),
    _host("kyma", "Kyma"),
    _host("empiriolabs", "EmpirioLabs"),
    _host("inferenceapis", "InferenceAPIs"),
    _host("inceptron", "Inceptron"),
    _host("ambient", "Ambient"),
    _host("auriko", "Auriko"),
    _host("berget", "Berget.AI", None, "berget-ai"),
    _host("claudinio", "Claudinio"),
    _host("cloudferro-sherlock", "CloudFerro Sherlock"),
    _host("crof", "CrofAI", None, "crofai"),
    _host("dinference", "DInference"),
    _host("drun", "D.Run"),
    _host("evroc", "evroc"),
    _host("freemodel", "FreeModel"),
    _host("frogbot", "FrogBot"),
    _host("hpc-ai", "HPC-AI"),
    _host("iflow", "iFlow", None, "iflowcn"),
    _host("jiekou", "Jiekou.AI"),
    _host("kuae", "KUAE Cloud", None, "kuae-cloud-coding-plan"),
    _host("lilac", "Lilac"),
    _host("lucidquery", "LucidQuery"),
    _host("meganova", "Meganova"),
    _host("mixlayer", "Mixlayer"),
    _host("moark", "Moark"),
    _host("modelscope", "ModelScope"),
    _host("nearai", "NEAR AI Cloud", None, "near-ai"),
    _host("neon", "Neon"),
    _host("neuralwatt", "Neuralwatt"),
    _host("nova", "Nova"),
    _host("privatemode-ai", "Privatemode AI", None, "privatemode"),
    _host("regolo", "Regolo AI", None, "regolo-ai"),
    _host("submodel", "submodel"),
    _host("subconscious", "Subconscious"),
    _host("synthetic", "Synthetic"),
    _host("tinfoil", "Tinfoil"),
    _host("umans-ai", "Umans AI", None, "umans umans-ai-coding-plan"),
    _host("venice", "Venice AI", None, "venice-ai"),
    _host("vultr", "Vultr"),
    _host("wafer", "Wafer", None, "wafer.ai"),
    _host("xpersona", "Xpersona"),
    _host("zeldoc", "Zeldoc"),
    # --- gateways and routers ---------------------------------------------------------------------
    _host("openrouter", "OpenRouter"),
    _host("vercel", "Vercel AI Gateway", "vercel", "vercel-ai-gateway ai-gateway"),
    _host("kilo", "Kilo Gateway", None, "kilocode kilo-gateway"),
    _host("requesty", "Requesty"),
    _host("fastrouter", "FastRouter"),
    _host("zenmux", "ZenMux"),
    _host("orcarouter", "OrcaRouter"),
    _host("nano-gpt", "NanoGPT", None, "nanogpt"),
    _host("aihubmix", "AIHubMix"),
    _host("302ai", "302.AI", None, "302-ai"),
    _host("abacus", "Abacus.AI", None, "abacus-ai route-llm"),
    _host("aiml", "AI/ML API", None, "aimlapi aiml-api"),
    _host("anyapi", "AnyAPI"),
    _host("cortecs", "Cortecs"),
    _host("helicone", "Helicone"),
    _host("llmgateway", "LLM Gateway", None, "llm-gateway"),
    _host("llmtr", "LLMTR"),
    _host("merge-gateway", "Merge Gateway"),
    _host("opencode", "OpenCode Zen", None, "opencode-zen"),
    _host("opencode-go", "OpenCode Go"),
    _host("poe", "Poe"),
    _host("portkey", "Portkey"),
    _host("qihang-ai", "QiHang", None, "qihang"),
    _host("qiniu", "Qiniu", None, "qiniu-ai"),
    _host("routing-run", "routing.run"),
    _host("the-grid-ai", "The Grid AI"),
    _host("vivgrid", "Vivgrid"),
    _host("atomic-chat", "Atomic Chat"),
    _host("cometapi", "CometAPI"),
    _host("bytez", "Bytez"),
    _host("dataforseo", "DataForSEO"),
    _host("exa", "Exa", None, "exa-ai"),
    _host("tavily", "Tavily"),
    _host("firecrawl", "Firecrawl"),
    _host("linkup", "Linkup"),
    _host("parallel", "Parallel", None, "parallel-ai"),
    # --- on one's own machines --------------------------------------------------------------------
    _host("ollama", "Ollama", None, "ollama-chat"),
    _host("ollama-cloud", "Ollama Cloud"),
    _host("vllm", "vLLM", None, "hosted-vllm"),
    _host("lmstudio", "LM Studio", None, "lm-studio"),
    _host("llamafile", "Llamafile"),
    _host("llama-cpp", "llama.cpp", None, "llamacpp"),
    _host("xinference", "Xinference"),
    _host("triton", "Triton"),
    _host("lemonade", "Lemonade"),
    _host("docker-model-runner", "Docker Model Runner"),
)

# Developer slugs by vendor prefix, Bedrock prefix or Hugging Face organisation. Host spellings of
# the same company are added below from HOSTS.
_DEVELOPER_SPELLINGS: dict[str, str] = {
    "ai21": "ai21 ai21labs ai21-labs",
    "aion-labs": "aion-labs aionlabs",
    "alfredpros": "alfredpros",
    "alibaba": "alibaba qwen alibaba-nlp tongyi tongyi-zhiwen",
    "allenai": "allenai allen-ai",
    "amazon": "amazon amazon-nova",
    "anthracite-org": "anthracite-org",
    "anthropic": "anthropic",
    "arcee-ai": "arcee-ai arcee",
    "baai": "baai",
    "baidu": "baidu",
    "bfl": "bfl black-forest-labs",
    "bytedance": "bytedance bytedance-seed volcengine doubao",
    "cognition": "cognition",
    "cognitivecomputations": "cognitivecomputations dphn",
    "cohere": "cohere cohereforai coherelabs cohere-labs",
    "deepcogito": "deepcogito deep-cogito",
    "deepreinforce": "deepreinforce deepreinforce-ai",
    "deepseek": "deepseek deepseek-ai",
    "essentialai": "essentialai essential-ai",
    "google": "google",
    "gryphe": "gryphe",
    "ibm": "ibm ibm-granite",
    "inception": "inception inceptionlabs",
    "inclusionai": "inclusionai",
    "inflection": "inflection",
    "jina": "jina jina-ai jinaai",
    "kwaipilot": "kwaipilot kwai kuaishou",
    "liquid": "liquid liquidai",
    "mancer": "mancer",
    "meta": "meta meta-llama facebook meta-models llama",
    "microsoft": "microsoft",
    "minimax": "minimax minimaxai",
    "mistral": "mistral mistralai mistral-ai",
    "moonshotai": "moonshotai moonshot kimi moonshot-ai",
    "morph": "morph",
    "nex-agi": "nex-agi",
    "nousresearch": "nousresearch nous",
    "nvidia": "nvidia",
    "openai": "openai",
    "perceptron": "perceptron",
    "perplexity": "perplexity perplexity-ai",
    "poolside": "poolside",
    "prime-intellect": "prime-intellect primeintellect",
    "reflection": "reflection",
    "reka": "reka rekaai reka-ai",
    "relace": "relace",
    "sakana": "sakana",
    "sao10k": "sao10k",
    "sarvam": "sarvam sarvamai",
    "stability": "stability stabilityai stability-ai",
    "stepfun": "stepfun stepfun-ai",
    "tencent": "tencent",
    "thedrummer": "thedrummer",
    "thinkingmachines": "thinkingmachines thinking-machines",
    "twelvelabs": "twelvelabs",
    "undi95": "undi95",
    "upstage": "upstage",
    "vercel": "vercel",
    "voyage": "voyage voyageai",
    "writer": "writer",
    "xai": "xai x-ai",
    "xiaomi": "xiaomi xiaomimimo",
    "zhipuai": "zhipuai zai zai-org z-ai thudm zhipu",
}

_NOT_WORD = re.compile(r"[^a-z0-9]+")


def _fold(text: str) -> str:
    return _NOT_WORD.sub("-", text.lower()).strip("-")


BY_SLUG: dict[str, Host] = {host.slug: host for host in HOSTS}
_BY_SPELLING: dict[str, Host] = {}
for _entry in HOSTS:
    for _spelling in (_entry.slug, _entry.name, *_entry.spellings):
        _BY_SPELLING.setdefault(_fold(_spelling), _entry)
# A slug always identifies its own host, even if another host lists it as a spelling.
_BY_SPELLING.update({_fold(_slug): _entry for _slug, _entry in BY_SLUG.items()})

_DEVELOPER_BY_SPELLING: dict[str, str] = {
    _fold(spelling): developer
    for developer, spellings in _DEVELOPER_SPELLINGS.items()
    for spelling in spellings.split()
}

# LiteLLM divides a host by kind of model: `vertex_ai-anthropic_models`,
# `fireworks_ai-embedding-models`.
_KIND_OF_MODEL = re.compile(r"^(vertex-ai|fireworks-ai|huggingface)-[a-z0-9-]+$")


@lru_cache(maxsize=4096)
def host_slug(text: str) -> str | None:
    """Return the slug of the host that `text` names, ignoring case and punctuation; None if it is
    not a host."""
    key = _fold(text)
    host = _BY_SPELLING.get(key)
    if host is None and (match := _KIND_OF_MODEL.match(key)):
        host = _BY_SPELLING.get(match.group(1))
    return host.slug if host else None


@lru_cache(maxsize=4096)
def developer_slug(text: str) -> str | None:
    """Return the catalogue's developer slug for a vendor prefix or organisation; None if it is
    unknown."""
    return _DEVELOPER_BY_SPELLING.get(_fold(text))

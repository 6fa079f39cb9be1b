"""Where a model runs, in people's words: hosts, platforms and own machines."""

import re
from dataclasses import dataclass
from functools import lru_cache

from apps.catalog.identity.hosts import BY_SLUG, HOSTS, developer_slug, host_slug
from apps.catalog.identity.names.own_machines import OWN_CELL, OWN_WORDS, is_in_proper_name
from apps.catalog.identity.names.phrases import word_pattern

OWN = "own"  # own machines, instead of a host of the catalogue


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform under the names that people write, and the host it is."""

    host: str
    name: str
    pattern: str


# Names that mean the platform wherever they stand, the longer ones first.
PLATFORMS: tuple[Platform, ...] = tuple(
    Platform(host, name, pattern)
    for host, name, pattern in (
        (
            "azure",
            "Azure AI Foundry",
            r"(?:microsoft |ms )?azure (?:ai )?(?:foundry|studio)|(?:microsoft |ai )foundry|"
            r"foundry models",
        ),
        (
            "azure",
            "Azure OpenAI",
            r"(?:microsoft |ms )?azure (?:open ?ai|oai)(?: service)?|open ?ai (?:on|in|"
            r"via) azure|aoai",
        ),
        ("azure", "Azure Machine Learning", r"azure (?:ml|machine learning)"),
        ("azure", "Microsoft Azure", r"(?:microsoft |ms )?azure(?: cloud)?"),
        ("amazon-bedrock", "Amazon Bedrock", r"(?:amazon |aws )?bedrock"),
        ("sagemaker", "Amazon SageMaker", r"(?:amazon |aws )?sagemaker(?: jumpstart)?"),
        ("amazon-bedrock", "Amazon Web Services", r"aws(?: cloud)?|amazon web services"),
        (
            "google-vertex",
            "Google Vertex AI",
            r"(?:google |gcp )?(?:cloud )?vertex(?: ai)?|vertexai|google model garden",
        ),
        ("google-vertex", "Google Cloud", r"google cloud(?: platform)?|gcp"),
        (
            "google",
            "Google AI Studio",
            r"(?:google )?ai studio|(?:google )?gemini (?:developer )?api",
        ),
        (
            "mistral",
            "La Plateforme",
            r"(?:mistral )?la plateforme|mistral (?:ai )?(?:api|platform)",
        ),
        (
            "anthropic",
            "Anthropic API",
            r"anthropic (?:api|direct|platform)|claude (?:api|platform)|"
            r"(?:direct )?from anthropic api",
        ),
        (
            "openai",
            "OpenAI API",
            r"open ?ai (?:api|platform|direct)|direct open ?ai|platform\.openai\.com",
        ),
        ("cohere", "Cohere API", r"cohere (?:api|platform)"),
        ("deepseek", "DeepSeek API", r"deepseek (?:api|platform)"),
        ("xai", "xAI API", r"x ?ai api"),
        ("openrouter", "OpenRouter", r"open ?router(?:\.ai)?"),
        ("together", "Together AI", r"together\.? ?ai"),
        ("fireworks", "Fireworks AI", r"fireworks(?:\.? ?ai)?"),
        ("groq", "Groq", r"groq(?: ?cloud)?"),
        ("cerebras", "Cerebras", r"cerebras"),
        ("sambanova", "SambaNova", r"sambanova"),
        ("deepinfra", "DeepInfra", r"deep ?infra"),
        ("huggingface", "Hugging Face", r"hugging ?face|hf inference(?: endpoints?)?"),
        ("databricks", "Databricks", r"databricks(?: mosaic ai)?"),
        ("snowflake", "Snowflake Cortex", r"snowflake(?: cortex(?: ai)?)?"),
        ("sap-ai-core", "SAP AI Core", r"sap (?:ai core|gen(?:erative)? ?ai hub)"),
        ("watsonx", "IBM watsonx.ai", r"(?:ibm )?watsonx(?:\.? ?ai)?"),
        (
            "oci",
            "Oracle Cloud Generative AI",
            r"oci(?: gen(?:erative)? ?ai)?|oracle cloud(?: gen(?:erative)? ?ai)?",
        ),
        ("nvidia", "NVIDIA NIM", r"nvidia nims?|nims?"),
        ("cloudflare", "Cloudflare Workers AI", r"cloudflare(?: workers ai)?|workers ai"),
        ("ovhcloud", "OVHcloud AI Endpoints", r"ovh(?: ?cloud)?(?: ai endpoints)?"),
        ("scaleway", "Scaleway", r"scaleway"),
        ("stackit", "STACKIT", r"stackit"),
        ("digitalocean", "DigitalOcean Gradient AI", r"digital ?ocean"),
        ("github-models", "GitHub Models", r"github models"),
        ("nebius", "Nebius Token Factory", r"nebius"),
        ("novita", "Novita AI", r"novita(?: ai)?"),
        ("baseten", "Baseten", r"baseten"),
        ("alibaba", "Alibaba Cloud Model Studio", r"alibaba cloud|dashscope|model studio"),
        ("ollama-cloud", "Ollama Cloud", r"ollama cloud"),
        ("volcengine", "Volcengine Ark", r"volcengine"),
        ("vercel", "Vercel AI Gateway", r"vercel ai gateway"),
    )
)

OWN_HOSTS = frozenset(
    {
        "ollama",
        "vllm",
        "lmstudio",
        "llamafile",
        "llama-cpp",
        "xinference",
        "triton",
        "lemonade",
        "docker-model-runner",
    }
)
_GATEWAYS = re.compile(
    word_pattern(
        r"lite ?llm|(?:our |own |internal |ai |llm )?gateway|api management|apim|kong|portkey|proxy"
    )
)

_PLATFORM = re.compile(
    "|".join(
        rf"(?P<p{number}>(?<![a-z0-9])(?:{platform.pattern.replace(' ', '[ -]?')})(?![a-z0-9]|"
        rf"\.[a-z]))"
        for number, platform in enumerate(PLATFORMS)
    )
)
# Hosts with everyday names are read only after a word such as "via".
_RISKY = frozenset(
    {"google", "meta-llama", "amazon-nova", "nova", "microsoft-365-copilot", "github-copilot"}
)
_AFTER_VIA = re.compile(
    r"(?<![a-z0-9])(?:via|through|over|uber|by|przez|hosted (?:by|on|at)|@) ?(?P<host>"
    + "|".join(
        sorted(
            {
                re.escape(name.lower()).replace(r"\ ", "[ -]?").replace(r"\-", "-")
                for host in HOSTS
                if host.slug not in _RISKY and host.slug not in OWN_HOSTS
                for name in (host.name, *host.spellings)
                if len(name) > 3 and developer_slug(name) is None
            },
            key=len,
            reverse=True,
        )
    )
    + r")(?![a-z0-9])|@ ?(?P<api>mistral|anthropic|openai|cohere|deepseek)(?![a-z0-9])"
)
_MICROSOFT = re.compile(word_pattern(r"microsoft(?: cloud)?|msft"))

# The word API beside the name of a developer, in either order: `Sonar Pro (Perplexity API)`.
_OF = r"(?:di|de|du|des|del|della|von|van|of|by|from|d')"
_OWN_APIS = "|".join(
    sorted(
        {
            re.escape(name.lower()).replace(r"\ ", "[ -]?").replace(r"\-", "[ -]?")
            for host in HOSTS
            if host.developer is not None
            for name in (host.slug, host.name, *host.spellings)
            if len(name) > 3 and developer_slug(name) == host.developer
        },
        key=len,
        reverse=True,
    )
)
_API = re.compile(
    rf"(?<![a-z0-9])(?:(?P<first>{_OWN_APIS})[ -]?apis?"
    rf"|apis?[ -](?:{_OF} ?)?(?P<second>{_OWN_APIS})"
    rf"|(?:chez|bei|bij|presso) (?!google|amazon|microsoft)(?P<at>{_OWN_APIS}))(?![a-z0-9])"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A host, platform or own machines in a text, with its position."""

    start: int
    end: int
    host: str | None
    platform: str = ""


@dataclass(frozen=True, slots=True)
class HostCell:
    """What the cell beside a name says: host, developer and platform, if it names them."""

    host: str | None = None
    developer: str | None = None
    platform: str = ""

    @property
    def hint(self) -> str | None:
        """The host, if it is one of the catalogue."""
        return self.host if self.host in BY_SLUG else None


def find_places(folded: str) -> list[Place]:
    """Return the hosts, platforms and own machines in the text; none overlap."""
    found: list[Place] = []

    def add(start: int, end: int, host: str | None, platform: str = "") -> None:
        if not any(start < each.end and each.start < end for each in found):
            found.append(Place(start, end, host, platform))

    for match in _PLATFORM.finditer(folded):
        platform = PLATFORMS[int((match.lastgroup or "p0")[1:])]
        add(match.start(), match.end(), platform.host, platform.name)
    for match in _API.finditer(folded):
        if (slug := host_slug(match["first"] or match["second"] or match["at"])) is not None:
            add(match.start(), match.end(), slug, f"{BY_SLUG[slug].name.removesuffix(' API')} API")
    for match in OWN_WORDS.finditer(folded):
        add(match.start(), match.end(), OWN)
    for match in _AFTER_VIA.finditer(folded):
        name = match["host"] or match["api"]
        start = match.end() - len(name)
        if (host := host_slug(name)) is not None:
            add(start, match.end(), host, BY_SLUG[host].name)
    for match in _GATEWAYS.finditer(folded):
        add(match.start(), match.end(), None)
    return sorted(found, key=lambda each: each.start)


def find_apis(folded: str) -> list[tuple[int, int]]:
    """Return the positions of words for the API of a developer, which are no product of it."""
    return [match.span() for match in _API.finditer(folded)]


def find_microsoft(folded: str) -> re.Match[str] | None:
    """Return the word Microsoft, which beside another developer's model means Azure."""
    return _MICROSOFT.search(folded)


@lru_cache(maxsize=4096)
def read_host_cell(folded: str) -> HostCell:
    """Return what a host or vendor cell says. A developer alone means its own API; own machines
    and a platform come first."""
    bare = folded.strip(" .,;:-")
    if not re.search(r"[^\W\d_]{2}", bare):
        return HostCell()
    places = [
        place
        for place in find_places(bare)
        if place.host is not None
        and not (place.host == OWN and is_in_proper_name(bare, place.start, place.end))
    ]
    developer = developer_slug(bare)
    if places:
        own = next((place for place in places if place.host == OWN), None)
        place = own or places[0]
        return HostCell(place.host, developer, place.platform)
    if find_microsoft(bare):
        return HostCell("azure", None)
    if _GATEWAYS.search(bare):
        return HostCell()
    host = host_slug(bare)
    if host is None:
        words = re.findall(r"[a-z0-9.]+", bare)
        developers = {found for word in words if (found := developer_slug(word)) is not None}
        if len(developers) == 1:
            developer = developers.pop()
            host = next((each.slug for each in HOSTS if each.developer == developer), None)
    if developer == "amazon":
        host = "amazon-bedrock"
    # a number, a date or an amount is no place
    cell_words = re.findall(r"[a-z]+", bare)
    is_own = bool(cell_words) and all(OWN_CELL.fullmatch(word) for word in cell_words)
    if host in OWN_HOSTS or (host is None and is_own):
        return HostCell(OWN)
    if host is not None and BY_SLUG[host].slug in ("github-copilot", "microsoft-365-copilot"):
        host = None
    if developer is None and host is not None:
        developer = BY_SLUG[host].developer
    return HostCell(host, developer)

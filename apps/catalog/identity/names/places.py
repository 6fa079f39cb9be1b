"""Where a model runs, in people's words: hosts, platforms, own machines and regions."""

import re
from dataclasses import dataclass
from functools import lru_cache

from apps.catalog.identity.hosts import BY_SLUG, HOSTS, developer_slug, host_slug
from apps.catalog.identity.names.phrases import compile_words

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

_OWN_WORDS = compile_words(
    r"on prem(?:ises?|ise|isse)?|onprem\w*|self host(?:ed|ing)?|in house|inhouse|locally|"
    r"local(?:host)?",
    r"lokal\w*|(?:our )?own (?:\w+ )?(?:dcs?|data ?cent(?:er|re)s?|hardware|gpus?|servers?|"
    r"cluster|infra\w*|machines?|hosting|box(?:es)?|host)",
    r"our (?:own )?(?:\w+ ){0,2}(?:box(?:es)?|clusters?|servers?|gpus?|hardware|data ?cent(?:er|"
    r"re)s?|dc|infra\w*|machines?)",
    r"(?:eigen\w*|unser\w*) (?:\w+ ){0,1}(?:server\w*|rechenzentr\w*|rz|hardware|cluster\w*|"
    r"gpu\w*|infrastruktur|betrieb|umgebung|maschine\w*)",
    r"hauseigen\w*|im (?:eigenen )?haus|intern\w* (?:gehostet\w*|betrieben\w*|server\w*|"
    r"rechenzentrum|hosting)|selbst ?(?:gehostet\w*|betrieben\w*)",
    r"hosted internally|internal(?:ly)? (?:hosted|hosting|servers?|cluster|gpus?)|vor ort|"
    r"eigenbetrieb",
    r"auto ?heberge\w*|heberge\w* (?:en )?(?:interne|local)|en interne|en local|sur site|"
    r"sur (?:nos|notre) (?:propres? )?serveurs?",
    r"serveurs? (?:internes?|propres?|locaux|local)|centre de donnees interne",
    r"auto ?alojad\w*|alojad\w* (?:localmente|internamente|en casa)|servidor(?:es)? (?:propi\w*|"
    r"intern\w*|local\w*)",
    r"en (?:nuestros|nuestro) servidor(?:es)?|infraestructura propia|centro de datos propio|"
    r"en las instalaciones",
    r"in locale|in sede|server (?:intern\w+|propri\w+|aziendal\w+|local\w+)|(?:nostr\w+|"
    r"propri\w+) server|datacenter (?:interno|proprio)",
    r"lokalnie|(?:na )?wlasn\w+ (?:serwer\w*|sprzecie|infrastruktur\w*|centrum)|"
    r"serwer\w* wlasn\w+|we wlasnym centrum danych|u nas",
    r"lokaal(?= (?:gehost|draai|gedraaid|geinstall|beheerd|op |in |bij )|\W*$)|"
    r"lokale (?:servers?|machines?|hardware|omgeving|installatie)|"
    r"zelf ?(?:gehost\w*|beheerd\w*|hosting)|eigen (?:\w+ )?(?:servers?|hardware|"
    r"data ?cent(?:er|rum)|rekencentrum|gpu'?s?|infrastructuur|machines?|omgeving)|"
    r"in eigen huis|intern gehost",
    r"(?:hosted|run(?:ning)?|operated|heberge\w*|tourne|gehostet|betrieben|lauft|gehost|draait|"
    r"ospitat\w+|alojad\w+) (?:by|with|chez|bei|bij|door|da|presso(?: di)?|en) "
    r"(?:us|ourselves|nous|uns|ons(?:zelf)?|noi|nuestr\w+ \w+)",
    r"(?:chez nous|bei uns|bij ons|da noi) (?:selbst |zelf )?(?:heberge\w*|gehostet|"
    r"betrieben|gehost|ospitat\w+)|en nuestro (?:cpd|centro de datos)|wlasn\w+ dc",
    r"(?:centre de donnees|data ?cent(?:er|re)) (?:intern\w*|propi\w*|propri\w*|maison)",
    r"own (?:\w+ ){0,2}(?:nodes?|gpus?|servers?|cards?)",
    r"v ?llm(?: cluster)?|ollama|llama\.?cpp|llama c\+\+|lm ?studio|local ?ai|"
    r"text generation inference|tgi|triton",
    r"air ?gapped|private cloud|openshift|kubernetes cluster",
)
_OWN_CELL = compile_words(
    r"intern(?:al(?:ly)?|e[rs]?|o|a)?|own|eigen\w*|haus|rechenzentrum|rz|propio|interno|wlasny|self"
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
_GATEWAYS = compile_words(
    r"lite ?llm|(?:our |own |internal |ai |llm )?gateway|api management|apim|kong|portkey|proxy"
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
_MICROSOFT = compile_words(r"microsoft(?: cloud)?|msft")

# --- regions --------------------------------------------------------------------------------------
_SIDE = "north|south|east|west|central|northeast|southeast|northwest|southwest"
_REGION = re.compile(
    rf"(?<![a-z0-9])(?:(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov)?-(?:{_SIDE})-\d"
    rf"|(?:us|europe|asia|australia|southamerica|northamerica|me|africa)-(?:{_SIDE})\d+"
    r"|(?:eu|us) data ?zone(?: standard)?|data ?zone (?:eu|us)|eu data boundary"
    r"|(?:sweden|france|poland|canada|korea|india|australia|us|usgov|spain|italy|norway|uae|"
    r"israel|mexico|qatar)"
    r" ?(?:central|north|south|east|west) ?\d?"
    r"|germany ?(?:west ?central|north)|switzerland ?(?:north|west)|south africa north|"
    r"uk ?(?:south|west)"
    r"|japan ?(?:east|west)|(?:north|west) ?europe|east ?us ?\d?|west ?us ?\d?|(?:north|south|"
    r"west) ?central ?us"
    r"|central ?us|brazil ?south|south ?east ?asia|east ?asia|(?:central|south|west) ?india"
    r"|frankfurt(?: am main)?|dublin|ireland|irland|paris|london|stockholm|zurich|milan(?:o)?|"
    r"mailand|madrid"
    r"|warsaw|warszawa|warschau|netherlands|niederlande|amsterdam|berlin|munich|munchen|oregon|"
    r"ohio|virginia"
    r"|tokyo|singapore|sydney|mumbai|montreal|toronto|belgium|belgien|finland|germany|"
    r"deutschland|france"
    r"|frankreich|sweden|schweden|switzerland|schweiz|spain|italy|poland|norway|austria|"
    r"osterreich)(?![a-z0-9])"
)
_BLOC = re.compile(r"(?<![\w./-])(?:eu|usa|uk|apac|emea|eea)(?:[ -](?:region|only))?(?![\w./-])")
# In small letters it is a word of English.
_US = re.compile(r"(?<![\w./-])US(?:[ -](?:region|Region|only))?(?![\w./-])")


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
    for match in _OWN_WORDS.finditer(folded):
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


def find_regions(folded: str) -> list[tuple[int, int]]:
    """Return the positions of words for a region, a data zone, a country or a city with regions."""
    spans = [match.span() for match in _REGION.finditer(folded)]
    spans += [
        match.span()
        for match in _BLOC.finditer(folded)
        if not any(match.start() < end and start < match.end() for start, end in spans)
    ]
    return sorted(spans)


def regions_in(cleaned: str, folded: str) -> list[str]:
    """Return the words for regions as written. The United States count in capitals only."""
    spans = find_regions(folded)
    spans += [
        match.span()
        for match in _US.finditer(cleaned)
        if not any(match.start() < end and start < match.end() for start, end in spans)
    ]
    return [cleaned[start:end].strip() for start, end in sorted(spans)]


@lru_cache(maxsize=4096)
def read_host_cell(folded: str) -> HostCell:
    """Return what a host or vendor cell says. A developer alone means its own API; own machines
    and a platform come first."""
    bare = folded.strip(" .,;:-")
    if not bare:
        return HostCell()
    places = [place for place in find_places(bare) if place.host is not None]
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
    is_own = all(_OWN_CELL.fullmatch(word) for word in re.findall(r"[a-z]+", bare))
    if host in OWN_HOSTS or (host is None and is_own):
        return HostCell(OWN)
    if host is not None and BY_SLUG[host].slug in ("github-copilot", "microsoft-365-copilot"):
        host = None
    if developer is None and host is not None:
        developer = BY_SLUG[host].developer
    return HostCell(host, developer)

"""Separates a string into host, path, region, packaging and the name of the model.

This module knows no models. Each form is a documented way in which a host writes names (resource
name, ARN, routing key, deployment URL, file name); the removed parts are recorded as host, region,
variant and an explanation. A string whose form alone shows that it names no published model (a
fine-tune, a customer's deployment, an opaque resource) is rejected with a reason.
"""

import re
from dataclasses import dataclass, field

from apps.catalog.identity.hosts import developer_slug, host_slug
from apps.catalog.identity.resolver import facts
from apps.catalog.identity.resolver.facts import words


@dataclass(slots=True)
class Unwrapped:
    """The parts of a string: `names` are the possible readings of the model's own name, the most
    literal first.

    developer: the developer that a vendor prefix names. organisation: that prefix as written, in
    lower case. routed: LiteLLM's form, whose first segment is a host even if it is a developer's
    name. closed: reason for which the string is rejected. dotted: Bedrock's `<developer>.<model>`
    form.
    """

    names: list[str] = field(default_factory=list)
    host: str | None = None
    developer: str | None = None
    organisation: str = ""
    region: str | None = None
    variant: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    closed: str = ""
    dotted: bool = False
    routed: bool = False

    def refuse(self, reason: str) -> "Unwrapped":
        self.closed = reason
        self.steps.append(reason)
        return self


_VERSION_WORD = re.compile(r"\b(?:model\s+)?version(?=[^\S ]*[:= ])\s*+[:=]?\s*", re.I)
_CONTEXT_REMARK = re.compile(r"\[(\d+m|\d+k)\]$", re.I)
_ARN = re.compile(
    r"arn:aws[a-z-]*:(bedrock|sagemaker)[a-z-]*:([a-z0-9-]*):([0-9*]*):([a-z-]+)/(.+)$", re.I
)
_AZUREML = re.compile(r"^azureml://registries/([^/]+)/models/([^/]+)(?:/versions/([^/]+))?", re.I)
_URL = re.compile(r"^https?://([^/]+)/(.*)$", re.I)
_DEPLOYMENT = re.compile(r"(?:^|/)deployments/([^/?]+)", re.I)
_GEO = re.compile(
    r"^(us-gov|us|eu|apac|au|jp|global|ca|in|sa|uk|me|af|kr|mx|il|ap)\.(?=[a-z0-9-]+\.)"
)
_DOTTED = re.compile(r"^([a-z][a-z0-9]*)\.(?=[a-z0-9])")
_BEDROCK_TAIL = re.compile(
    r"^(?P<name>.+?)(?:-v(?P<major>\d+))?(?::(?P<minor>\d+))?(?::(?P<context>\d+k|mm))?$"
)
_AWS_REGION = re.compile(
    r"^(us|eu|ap|sa|ca|me|af|il|mx|cn)(-gov|-iso[a-z]?)?-(north|south|east|west|central|northeast|southeast|northwest|southwest)-\d$"
)
_GCP_REGION = re.compile(
    r"^(us|europe|asia|australia|southamerica|northamerica|me|africa)-(north|south|east|west|central|northeast|southeast|northwest|southwest)\d+$"
)
_AZURE_REGION = re.compile(
    r"^((north|south|east|west|central)(us|europe|india)\d?|(east|west|central|southcentral|northcentral|westcentral)us\d?"
    r"|swedencentral|francecentral|germanywestcentral|uksouth|ukwest|japaneast|japanwest|australiaeast|canadaeast"
    r"|canadacentral|koreacentral|norwayeast|switzerlandnorth|brazilsouth|southeastasia|eastasia|polandcentral"
    r"|italynorth|spaincentral|uaenorth|southafricanorth|centralindia)$"
)
_DATA_ZONE = words("us eu global global-standard apac au jp ca uk in us-gov datazone standard")
_ROUTE_WORDS = words(
    "converse converse_like converse-like invoke async_invoke async-invoke responses chat "
    "completions completion "
    "claude_platform anthropic messages route openai stealth hf @hf @cf pro serverless provisioned "
    "embeddings batch "
    "audio ranking rerank image images text-to-image language vision"
)
_TASKS = words("community text-to-image text-to-video image-to-video reference-to-video edit")
_IMAGE_SIZE = re.compile(r"^(\d+-x-\d+|max-x-max|\d+x\d+|\d+-steps)$")
_QUALITY = words("low medium high standard hd auto")
_COMMITMENT = re.compile(r"^\d+-months?-commitment$")
_OPAQUE_RESOURCES = words(
    "application-inference-profile provisioned-model imported-model custom-model "
    "custom-model-deployment "
    "endpoint endpoints prompt prompt-router default-prompt-router marketplace "
    "model-customization-job"
)
_HASH = re.compile(r"^[0-9a-f]{12,64}$")
_COLON_NUMBER = re.compile(r"^\d{3,6}$")
_COLON_VARIANT = re.compile(r"^variant\d*$")
_GGUF = re.compile(r"(-\d{5}-of-\d{5})?\.(gguf|ggml|safetensors|bin)$")
_GGUF_QUANT = re.compile(r"[-._:@](i?q\d(?:_[a-z0-9]+)*|(?:b|f)f?16|f32)(?=$|[-.])")
_JUMPSTART = re.compile(r"^meta-textgeneration-(llama-.+?)((?:-b)?-f)?$")
_N_BIT = re.compile(r"(?<![a-z0-9.])(\d)-bit\b")
_AT_REVISION = re.compile(r"^\d{3}$")
_AT_CODE_REVISION = re.compile(r"^(\d{4,8})-(\d{3})$")


def _is_region(text: str) -> bool:
    return bool(_AWS_REGION.match(text) or _GCP_REGION.match(text) or _AZURE_REGION.match(text))


def _join_version(text: str) -> str:
    """Return `name-1` for `name (version: 1)`: a final remark that states the version."""
    body = text.rstrip()
    inside = body[:-1] if body.endswith((")", "]")) else body
    # the version reaches from the word to the end, without a closing bracket
    after_brackets = max(inside.rfind(")"), inside.rfind("]")) + 1
    match = _VERSION_WORD.search(inside, after_brackets)
    if match is None or match.end() == len(inside):
        return text
    name = inside[: match.start()].rstrip()
    if name.endswith(("(", "[", ",")):
        name = name[:-1].rstrip()
    return f"{name}-{inside[match.end() :]}"


def unwrap(raw: str, host_hint: str | None) -> Unwrapped:
    """Separate `raw` into its parts; takes linear time."""
    result = Unwrapped()
    hint = host_slug(host_hint) if host_hint else None
    result.host = hint
    result.routed = host_hint is not None and host_hint.lower() == "litellm"
    text = raw.strip().strip("`'\"")
    text = _join_version(text)
    lower = text.lower()
    if "%" in lower:
        # escaped characters of a URL's path
        lower = lower.replace("%3a", ":").replace("%2f", "/")
    if not lower:
        return result.refuse("the string is empty")
    if lower.startswith(("ft:", "ft-")) or "/ft:" in lower or ":ft-" in lower:
        return result.refuse("ft: names a fine-tuned model of a customer")
    if (match := _AZUREML.match(lower)) is not None:
        return _read_azureml(result, match)
    if (match := _URL.match(lower)) is not None:
        lower = _read_url(result, match)
    if (match := _ARN.search(lower)) is not None:
        service, region, _account, resource, remainder = match.groups()
        result.host = "amazon-bedrock" if service == "bedrock" else "sagemaker"
        result.steps.append(f"an AWS ARN of type {resource}")
        if resource in _OPAQUE_RESOURCES or resource not in (
            "foundation-model",
            "inference-profile",
        ):
            return result.refuse(
                f"{resource} names no model by itself: only the AWS control plane knows which"
            )
        result.region = region or None
        lower = remainder
    if "#" in lower:
        lower, _, _ = lower.partition("#")
        result.variant.append("dedicated")
        result.steps.append("a dedicated deployment of the model before #")
    lower = lower.lstrip("~")
    lower = _read_scheme(result, lower)
    path = [segment for segment in lower.split("/") if segment]
    if not path:
        return result.refuse("the string is empty")
    name = _read_segments(result, path)
    if result.closed:
        return result
    _read_name(result, name, path)
    return result


def _read_azureml(result: Unwrapped, match: re.Match[str]) -> Unwrapped:
    """Read an ID of a model registry of Azure into `result`. Its version is part of the name only
    in the registry azure-openai, where it is the snapshot date."""
    registry, name, version = match.groups()
    result.host = "azure"
    result.developer = developer_slug(registry.removeprefix("azureml-").removeprefix("azure-"))
    if registry == "azure-openai":
        result.developer = "openai"
        result.steps.append(
            "a model of the registry azure-openai, whose version is the snapshot date"
        )
        result.names = [f"{name}-{version}"] if version and len(version) > 3 else [name]
    else:
        result.steps.append(
            f"a model of the registry {registry}; its version counts uploads, not models"
        )
        result.names = [name]
    return result


def _read_url(result: Unwrapped, match: re.Match[str]) -> str:
    """Return the part of a URL that names the model, and store the host that the domain suggests in
    `result`."""
    domain, path = match.groups()
    path = path.partition("?")[0]
    if "azure" in domain:
        result.host = "azure"
    elif "huggingface.co" in domain or domain == "hf.co":
        result.host = result.host or "huggingface"
        path = re.sub(r"/(tree|blob|resolve)/.*$", "", path)
    elif "amazonaws.com" in domain:
        result.host = "amazon-bedrock"
    elif "googleapis.com" in domain:
        result.host = "google-vertex" if "aiplatform" in domain else "google"
    if (deployment := _DEPLOYMENT.search(path)) is not None:
        result.steps.append("the deployment named in an Azure URL")
        return deployment.group(1)
    result.steps.append(f"a URL of {domain}")
    path = re.sub(
        r":(generatecontent|streamgeneratecontent|predict|rawpredict|streamrawpredict)$", "", path
    )
    path = re.sub(r"/(invoke|converse|invoke-with-response-stream|converse-stream)$", "", path)
    return re.sub(r"^(v1|v1beta|v1beta1|openai|api|model)/", "", path)


def _read_scheme(result: Unwrapped, lower: str) -> str:
    """Read `google-gla:gemini-2.5-pro`, `hf:org/name`: a host before the first colon."""
    head, colon, remainder = lower.partition(":")
    if not colon or "/" in head or not remainder:
        return lower
    if head == "hf":
        result.steps.append("hf: marks a Hugging Face repository")
        return remainder
    host = host_slug(head)
    if (
        host is not None
        and not remainder[0].isdigit()
        and "." not in head[1:]
        and head not in ("mistral", "deepseek", "llama", "command")
    ):
        result.host = host
        result.steps.append(f"{head}: names the host {host}")
        return remainder
    return lower


def _read_segments(result: Unwrapped, path: list[str]) -> str:
    """Read all segments except the model's own name, which is returned."""
    if len(path) > 2 and path[-1] in _TASKS:
        result.variant.append(path[-1])
        result.steps.append(f"{path[-1]} at the end is what the endpoint does")
        path.pop()
    lead, last = path[:-1], path[-1]
    if "accounts" in path[:-1]:
        i = path.index("accounts")
        account = path[i + 1]
        result.host = "fireworks"
        if account != "fireworks" and (
            i + 2 >= len(path) - 1 or path[i + 2] not in ("models", "routers", "deployedmodels")
        ):
            result.refuse("an account path that names no model")
            return last
        if account != "fireworks" and developer_slug(account) is None:
            result.refuse(f"a model of the customer account {account}")
            return last
        result.steps.append(f"a Fireworks resource of the account {account}")
        lead = []
    if "projects" in lead or "publishers" in lead:
        result.host = "google-vertex" if result.host in (None, "google") else result.host
        if "publishers" not in lead:
            result.refuse("an endpoint of a project names no model by itself")
            return last
        publisher = path[path.index("publishers") + 1]
        result.developer, result.organisation = developer_slug(publisher), publisher
        if "locations" in lead and path.index("locations") + 1 < len(path):
            result.region = path[path.index("locations") + 1]
        result.steps.append(f"a Vertex resource name of the publisher {publisher}")
        return last
    if "custom-model" in lead or "endpoints" in lead:
        result.refuse("an endpoint names no model by itself")
        return last
    if len(lead) >= 2 and lead[-1] == "models":  # Clarifai: user/app/models/name
        result.steps.append(f"a model resource of {lead[0]}")
        lead = [segment for segment in lead[:-2] if segment != "models"]
    image = any(_IMAGE_SIZE.match(segment) for segment in lead)
    path_steps: list[str] = []
    for position, segment in enumerate(lead):
        if _IMAGE_SIZE.match(segment) or (
            segment in _QUALITY and (image or position > 0 or len(lead) > 1)
        ):
            result.variant.append(segment)
            path_steps.append(f"{segment} is an image price row")
        elif _is_region(segment) or segment == "*":
            result.region = segment if segment != "*" else None
            path_steps.append(f"{segment} is a region")
        elif segment in _DATA_ZONE and (
            position > 0 or result.host in ("azure", "amazon-bedrock", None)
        ):
            result.region = {"global-standard": "global", "standard": None, "datazone": None}.get(
                segment, segment
            )
            path_steps.append(f"{segment} is a data zone")
        elif _COMMITMENT.match(segment):
            result.variant.append(segment)
            path_steps.append(f"{segment} is a contract")
        elif segment == "tee":
            result.variant.append("tee")
            path_steps.append("tee is confidential computing")
        elif segment in _ROUTE_WORDS and position > 0 and developer_slug(segment) is None:
            path_steps.append(f"{segment} is a route")
        else:
            _read_vendor(result, segment, position, path_steps)
    if path_steps:
        result.steps.append("in the path " + ", ".join(path_steps))
    return last


def _read_vendor(result: Unwrapped, segment: str, position: int, path_steps: list[str]) -> None:
    """Read a segment that names a host, a developer or an organisation."""
    segment = segment.lstrip("@~")
    host = host_slug(segment)
    developer = developer_slug(segment)
    if developer is not None and not (result.routed and position == 0 and host is not None):
        result.developer, result.organisation = developer, segment
        path_steps.append(f"{segment} is the developer {developer}")
    elif host is not None:
        if position == 0 and result.host is None:
            result.host = host
        result.developer, result.organisation = None, ""
        path_steps.append(f"{segment} is the host {host}")
    elif segment not in _ROUTE_WORDS:
        result.developer, result.organisation = None, segment
        path_steps.append(f"{segment} is an organisation")
    else:
        path_steps.append(f"{segment} is a route")


def _read_name(result: Unwrapped, name: str, path: list[str]) -> None:
    """Remove the packaging from the last segment and list its readings."""
    if (match := _CONTEXT_REMARK.search(name)) is not None:
        result.variant.append(match.group(1))
        result.steps.append(f"[{match.group(1)}] is a context length")
        name = name[: match.start()]
    if (match := _GGUF.search(name)) is not None:
        result.steps.append(f"{match.group(2)} is a file format")
        result.variant.append(match.group(2))
        name = name[: match.start()]
    if (match := _JUMPSTART.match(name)) is not None:
        # JumpStart marks the chat weights with -f; without it the weights are those of the base
        # model.
        result.host = "sagemaker"
        result.steps.append("a SageMaker JumpStart id")
        name = match.group(1) + ("-chat" if match.group(2) else "")
    name = _N_BIT.sub(r"\1bit", name)
    if (match := _GGUF_QUANT.search(name)) is not None and not name.startswith(match.group(1)):
        result.variant.append(match.group(1))
        result.steps.append(f"{match.group(1)} is a number format")
        name = name[: match.start()] + name[match.end() :]
    name = _read_dotted(result, name)
    if "@" in name:
        _read_at(result, name)
        return
    if result.dotted or result.host == "amazon-bedrock":
        _read_bedrock_tail(result, name)
    else:
        if ":" in name:
            name = _read_colon(result, name)
        result.names.append(name)
        if re.search(r"-v\d+$", name):
            # A Bedrock id quoted without its revision, as some gateways do.
            stem, _, revision = name.rpartition("-v")
            if revision == "1" and stem.count("-") > 1:
                result.names.append(stem)
    if len(path) > 1 and not result.developer:
        result.names.append(f"{path[-2]}-{result.names[0]}")


def _read_dotted(result: Unwrapped, name: str) -> str:
    """Read `us.anthropic.claude-...`: a geographic profile and a developer, separated by dots."""
    if name.startswith("system.ai."):
        result.host = "databricks"
        result.steps.append("system.ai is Databricks' catalogue")
        return name.removeprefix("system.ai.")
    geo = _GEO.match(name)
    remainder = name[geo.end() :] if geo else name
    dot = _DOTTED.match(remainder)
    if dot is None:
        return name
    developer = developer_slug(dot.group(1))
    if developer is None or dot.group(1) in ("llama", "kimi"):
        return name
    result.developer, result.organisation, result.dotted = developer, dot.group(1), True
    result.host = result.host or "amazon-bedrock"
    if geo:
        result.region = geo.group(1)
        result.steps.append(f"{geo.group(1)} is a geographic inference profile")
    result.steps.append(f"{dot.group(1)} is the developer {developer}")
    return remainder[dot.end() :]


def _read_bedrock_tail(result: Unwrapped, name: str) -> None:
    """Read `-v1:0`, `-1:0`, `:0:200k`: Bedrock's packaging revision, which for a few models is the
    version."""
    match = _BEDROCK_TAIL.match(name)
    if match is None:
        result.names.append(name)
        return
    stem, major, minor, context = match["name"], match["major"], match["minor"], match["context"]
    if ":" in stem or (major is None and minor is not None and len(minor) > 2):
        # A tag of another kind, not a revision.
        result.names.append(_read_colon(result, name))
        return
    if context:
        result.variant.append(context)
        result.steps.append(f"{context} is a context length")
    if major is None:
        if minor is not None and (short := re.sub(r"-\d$", "", stem)) != stem and minor == "0":
            result.names += [stem, short]
            result.steps.append(f":{minor} is Bedrock's packaging revision")
        else:
            result.names.append(stem)
            if minor is not None:
                result.steps.append(f":{minor} is Bedrock's packaging revision")
        return
    if minor is not None and not (major != "0" and minor == "0"):
        result.names.append(f"{stem}-{major}.{minor}")
    result.names.append(f"{stem}-v{major}")
    if major == "1" or (major != "0" and re.search(r"\d{8}", stem)):
        result.names.append(stem)
        result.steps.append(
            f"-v{major}{f':{minor}' if minor is not None else ''} is Bedrock's packaging revision"
        )


def _read_at(result: Unwrapped, name: str) -> None:
    """Read `name@version` of Vertex, `name@region` of a gateway."""
    stem, _, tag = name.partition("@")
    tag, colon, remark = tag.partition(":")
    if colon:
        result.variant.append(remark)
    if _is_region(tag) or tag in _DATA_ZONE:
        result.region = tag
        result.steps.append(f"@{tag} is a region")
        result.names.append(stem)
        return
    result.host = result.host or "google-vertex"
    if tag == "default":
        result.steps.append("@default is Vertex's undated version")
        result.names.append(stem)
    elif tag == "latest":
        result.names += [f"{stem}-latest"]
    elif _AT_REVISION.match(tag):
        result.names.append(f"{stem}-{tag}")
        # A partner's revision counts uploads on Vertex; Google's own revisions are snapshots.
        if not stem.startswith(("gemini", "text-", "imagen", "veo", "chat-", "code")):
            result.names.append(stem)
            result.steps.append(f"@{tag} is Vertex's revision of a partner model")
    elif (match := _AT_CODE_REVISION.match(tag)) is not None:
        result.steps.append(f"-{match.group(2)} is Vertex's revision")
        result.names.append(f"{stem}-{match.group(1)}")
    else:
        result.names.append(f"{stem}-{tag}")
        if (stem_without_version := re.sub(r"-v\d$", "", stem)) != stem:
            result.names.append(f"{stem_without_version}-{tag}")


def _read_colon(result: Unwrapped, name: str) -> str:
    """Read `name:remark`: a variant of a router, or a tag that belongs to the name."""
    stem, *remarks = name.split(":")
    name_parts = [stem]
    for remark in remarks:
        if (
            remark in facts.SERVICE
            or remark in facts.REASONING
            or remark in facts.EFFORT
            or remark in facts.COLON_ONLY
            or remark in facts.SERVICE_OF_OPEN_WEIGHTS
            or _COLON_NUMBER.match(remark)
        ):
            if remark != "latest":
                result.variant.append(remark)
            result.steps.append(f":{remark} is a variant")
        elif _HASH.match(remark) or _COLON_VARIANT.match(remark) or remark == "0":
            result.steps.append(f":{remark} is the host's own number")
        else:
            name_parts.append(remark)
    return "-".join(name_parts)

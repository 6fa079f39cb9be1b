"""What an incident concerns: whether the serving of models, and which models its text names.

Components and texts are the words of the host. What they do not say stays open: an incident without
a known component or model concerns the whole host."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.models import Offering, Provider
from apps.feeds.incidents.records import ReportedIncident

# Components of a cloud that serve models, or that all its services need, by the slug of the host.
_MACHINES_FOR_ALL = (
    r"multiple (?:services|products)|network infrastructure|active directory\b(?! b2c)|entra"
)
_SERVING: Mapping[str, re.Pattern[str]] = {
    "amazon-bedrock": re.compile(rf"bedrock|{_MACHINES_FOR_ALL}", re.IGNORECASE),
    "sagemaker": re.compile(rf"sagemaker|{_MACHINES_FOR_ALL}", re.IGNORECASE),
    "google-vertex": re.compile(
        rf"vertex|gemini|generative ai|cloud machine learning|ai platform|{_MACHINES_FOR_ALL}",
        re.IGNORECASE,
    ),
    # Companies with further services, of which models are one.
    "cloudflare": re.compile(r"workers ai|ai gateway", re.IGNORECASE),
    "snowflake": re.compile(r"cortex", re.IGNORECASE),
    "github-copilot": re.compile(r"copilot", re.IGNORECASE),
    "github-models": re.compile(r"models", re.IGNORECASE),
    "azure": re.compile(
        rf"openai|cognitive services|azure ai (?!search)|foundry|machine learning"
        rf"|{_MACHINES_FOR_ALL}",
        re.IGNORECASE,
    ),
}
# Components that serve no model to applications: chat products, consoles, billing, websites.
_PRODUCT = re.compile(
    r"chatgpt|claude\.ai|claude code|cowork|claude for government|console|dashboard|playground"
    r"|\bdocs\b|documentation|website|log ?in\b|sign ?in\b|billing|\bsora\b|\bgpts\b|desktop"
    r"|\bios\b|android|mobile|\(web\)|le ?chat|support|community|\bads\b|marketplace|workspace"
    r"|sandbox|vs code|extension|\bapp\b|\bcoral\b|codex",
    re.IGNORECASE,
)
_ADMINISTRATION = re.compile(r"console|dashboard|\bads\b|compliance|admin|billing", re.IGNORECASE)
_API = re.compile(r"\bapi\b", re.IGNORECASE)

# Words by which a host says that no single model is concerned.
_ALL_MODELS = re.compile(
    r"\b(?:all|multiple|several|many|most|other|various|some) (?:\w{1,20} ){0,2}models\b",
    re.IGNORECASE,
)
# Sentences that name a model as a way out, or as not affected.
_OTHER_MODEL = re.compile(
    r"\b(?:switch|use|using|fall ?back|alternative\w*|instead|recommend\w*|not affected|unaffected"
    r"|not impacted|no impact|except|other than|remains? (?:available|operational)|migrat\w+)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\n")
_INSIDE_BEFORE = re.compile(r"[\w./:@-]")
_INSIDE_AFTER = re.compile(r"[\w:@/]|[.-]\w")
_HAS_DIGIT = re.compile(r"\d")
_MIN_NAME_LENGTH = 2
# A text that names more is a catalogue.
_MAX_MODELS = 200


def serves_models(host_slug: str, components: Collection[str]) -> bool:
    """Return whether one of these components serves models; True without components."""
    if not components:
        return True
    serving = _SERVING.get(host_slug)
    if serving is not None:
        return any(serving.search(name) for name in components)
    return not all(_is_product(name) for name in components)


def _is_product(name: str) -> bool:
    if _ADMINISTRATION.search(name):
        return True
    return bool(_PRODUCT.search(name)) and not _API.search(name)


@dataclass(frozen=True, slots=True)
class NamedModels:
    """Models that an incident names: IDs of versions and of offerings of its host. Both empty: the
    whole host."""

    versions: frozenset[int] = frozenset()
    offerings: frozenset[int] = frozenset()


class ModelFinder:
    """Finds the models of one host in texts, by the model IDs and names of the catalogue; one
    statement when it is made."""

    def __init__(self, host: Provider) -> None:
        """Load the names of all models that `host` serves."""
        self._versions: dict[str, set[int]] = defaultdict(set)
        self._offerings: dict[str, set[int]] = defaultdict(set)
        rows: Any = (
            Offering.objects.model_ids()
            .filter(host=host, not_a_model=False)
            .order_by()
            .values_list(
                "pk",
                "api_id",
                "version_id",
                "version__identifier",
                "version__name",
                "version__names",
                "version__aliases",
                "version__foundation__name",
            )
        )
        for pk, api_id, version_id, identifier, name, names, aliases, foundation in rows:
            self._offerings[api_id.lower()].add(pk)
            if version_id is None:
                continue
            for text in (
                identifier,
                identifier.rpartition("/")[2],
                name,
                foundation,
                *(names or ()),
                *(aliases or ()),
            ):
                for spelling in _spellings(text or ""):
                    self._versions[spelling].add(version_id)
        known = {*self._versions, *self._offerings}
        self._names = sorted(
            (name for name in known if len(name) >= _MIN_NAME_LENGTH and _HAS_DIGIT.search(name)),
            key=lambda name: (-len(name), name),
        )

    def find(self, incident: ReportedIncident) -> NamedModels:
        """Return the models that title, updates and components name. None of them where the text
        says that several or all models are concerned."""
        texts = [incident.title, *(update.text for update in incident.updates)]
        if any(_ALL_MODELS.search(text) for text in texts):
            return NamedModels()
        names = set(self._names_in(incident.title))
        for update in incident.updates:
            for sentence in _SENTENCE_END.split(update.text):
                if not _OTHER_MODEL.search(sentence):
                    names.update(self._names_in(sentence))
        names |= self._models_among(incident.components)
        versions = set().union(*(self._versions.get(name, ()) for name in names))
        offerings = set().union(*(self._offerings.get(name, ()) for name in names))
        if len(versions) > _MAX_MODELS or len(offerings) > _MAX_MODELS:
            return NamedModels()
        return NamedModels(frozenset(versions), frozenset(offerings))

    def _models_among(self, components: Sequence[str]) -> set[str]:
        """Return the components if each of them is a model; a component beside them concerns the
        whole host."""
        names = {name.lower() for name in components}
        return names if names and all(self._knows(name) for name in names) else set()

    def _knows(self, name: str) -> bool:
        return name in self._versions or name in self._offerings

    def _names_in(self, text: str) -> Iterator[str]:
        """Yield the names that the text contains as whole words. A name inside a longer one is no
        mention: "Claude Sonnet 4" in "Claude Sonnet 4.5"."""
        lowered = text.lower()
        spans: list[tuple[int, int]] = []
        for name in self._names:
            start = lowered.find(name)
            while start >= 0:
                end = start + len(name)
                is_free = not any(start < last and first < end for first, last in spans)
                if is_free and not _is_inside(lowered, start, end):
                    spans.append((start, end))
                    yield name
                start = lowered.find(name, start + 1)


def _is_inside(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[end : end + 2]
    return bool(_INSIDE_BEFORE.match(before) or _INSIDE_AFTER.match(after))


def _spellings(name: str) -> Iterable[str]:
    """Return a name in lower case, and a Claude model as its host shortens it: "Opus 4.5"."""
    lowered = name.lower()
    short = lowered.removeprefix("claude ")
    return (lowered, short) if short != lowered and not short[:1].isdigit() else (lowered,)

"""Reads texts without the name of a model or product: a platform, a developer, no model."""

import re
from dataclasses import replace

from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import Scan
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.places import OWN, HostCell
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.resolver.facts import words

_CLOUDS = frozenset({"Microsoft Azure", "Amazon Web Services", "Google Cloud", "Databricks"})
_SYSTEMS = words("chatbot bot bots agent agents assistant assistants app apps tool tools system")
_COMPANIES = {
    "azure": "microsoft",
    "amazon-bedrock": "amazon",
    "sagemaker": "amazon",
    "google-vertex": "google",
    "google": "google",
    "watsonx": "ibm",
    "nvidia": "nvidia",
}


class UnnamedReader:
    """Reads what is left if a text names no model and no product."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def read_unnamed(self, text: Passage, scan: Scan, cell: HostCell) -> Reading:
        """Return the reading of a text without the name of a model or product."""
        rest = text.masked.strip()
        folded = text.folded
        platform = next((place for place in text.places if place.platform), None)
        is_open = bool(
            phrases.NOT_STATED.search(rest)
            or phrases.NO_MORE.search(rest)
            or phrases.ELSEWHERE.match(folded)
            or phrases.PLACEHOLDER.fullmatch(folded)
            or re.fullmatch(r"[\W_]*\?+[\W_]*", rest)
        )
        start = re.split(r"[(,;:/.-]", rest.lstrip("-_*. "))[0].strip()
        is_none = bool(
            phrases.METHOD.search(folded)
            or (phrases.NONE.fullmatch(start) and not phrases.PLACEHOLDER.fullmatch(folded))
            or (phrases.NO_MODEL.search(folded) and not is_open)
        )
        developer = text.developers[0][1] if text.developers else None
        if developer is not None and (
            words := re.findall(r"[a-z]+", folded[: text.developers[0][0]])
        ):
            developer = None if phrases.NEGATION.fullmatch(words[-1]) else developer
        if developer == "nvidia" and phrases.HARDWARE.search(folded):
            developer = None  # the machines are named, and no model
        is_none = is_none or bool(
            not developer
            and not scan.fragments
            and (phrases.TOOLS.search(folded) or phrases.HARDWARE.search(folded))
        )
        foreign = phrases.OTHER_MODELS.search(rest)
        if is_none and not platform and not developer and not foreign:
            return Reading("", Kind.NOT_A_MODEL, why="The cell names no AI model.")
        company = _COMPANIES.get(platform.host) if platform and platform.host else None
        if platform is not None and developer not in (None, company):
            platform = None  # a developer's model on a platform
        is_list = len(scan.segments) > 1
        platforms = list(dict.fromkeys(each.platform for each in text.places if each.platform))
        if len(platforms) > 1 and is_list and not foreign and not scan.fragments:
            hosts = {each.platform: each.host for each in text.places}
            named = [self._read_platform(each, hosts[each]) for each in platforms]
            return self._read_list(named, text, cell)
        if platform is not None and not foreign and not scan.fragments:
            host = self._host_of_cell(text, cell)
            if _is_platform_only(platform.platform, text, scan):
                return replace(
                    self._read_platform(platform.platform, platform.host),
                    host=host,
                    regions=text.regions,
                )
        if developer is not None and not foreign and not scan.fragments:
            families = [
                self._read_developer(each)
                for each in dict.fromkeys(slug for _start, slug in text.developers)
            ]
            named = [reading for reading in families if reading is not None]
            if len(named) > 1 and is_list:
                return self._read_list(named, text, cell)
            if named:
                return replace(named[0], host=self._host_of_cell(text, cell), regions=text.regions)
        if is_open:
            return Reading(
                "",
                Kind.NOT_A_MODEL,
                not_stated=True,
                host=self._host_of_cell(text, cell),
                why="The cell says that the model is not stated yet, so the question stays open.",
            )
        if is_none:
            return Reading("", Kind.NOT_A_MODEL, why="The cell names no AI model.")
        return Reading(
            "",
            Kind.UNKNOWN,
            host=self._host_of_cell(text, cell),
            regions=text.regions,
            why="The cell names no model that the catalogue knows.",
        )

    @staticmethod
    def _read_platform(name: str, host: str | None) -> Reading:
        return Reading(
            "",
            Kind.PRODUCT,
            product=f"platform:{host}",
            product_name=name,
            host=host,
            why=f"{name} is a platform. Select the model that is used there.",
        )

    def _read_developer(self, developer: str) -> Reading | None:
        """Return the family of all that a developer makes; None if the catalogue has nothing."""
        lines = self._families.of_developer(developer)
        if not lines:
            return None
        return Reading(
            "",
            Kind.FAMILY,
            developer=developer,
            candidates=lines,
            why=f"The cell names the developer {developer} and none of its models.",
        )

    def _read_list(self, parts: list[Reading], text: Passage, cell: HostCell) -> Reading:
        host = self._host_of_cell(text, cell)
        return Reading(
            "",
            Kind.SEVERAL,
            parts=tuple(
                replace(part, text=part.product_name or part.developer, host=part.host or host)
                for part in parts
            ),
            regions=text.regions,
            why=f"The cell names {len(parts)} developers or platforms. Each one is read by itself.",
        )

    def _host_of_cell(self, text: Passage, cell: HostCell) -> str | None:
        places = [place for place in text.places if place.host]
        own = [place for place in places if place.host == OWN]
        return (own or places)[0].host if places else cell.host


def _is_platform_only(platform: str, text: Passage, scan: Scan) -> bool:
    """Return whether a text says nothing but a platform. A cloud for everything needs to be alone,
    because a system on it says nothing of AI."""
    if any(scan.unknown_words.values()):
        return False
    if platform not in _CLOUDS:
        return True
    return not set(re.findall(r"[a-z]+", text.masked)) & _SYSTEMS

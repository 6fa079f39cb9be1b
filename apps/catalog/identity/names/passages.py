"""Separates the text of a cell: IDs, products, hosts, regions, developers, dates and counts are
read and blanked out, so that only names of models and the words around them are left."""

import re
from dataclasses import dataclass, replace

from apps.catalog.identity.hosts import BY_SLUG, developer_slug, host_slug
from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.dates import Stamp, find_dates
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import FIRST_MARK
from apps.catalog.identity.names.places import (
    OWN,
    OWN_HOSTS,
    HostCell,
    Place,
    find_apis,
    find_places,
)
from apps.catalog.identity.names.products import NamedProduct, find_products
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.names.regions import find_regions, regions_in
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.identity.resolver.tokens import tokens_of

_DEVELOPER_NAMES = re.compile(
    phrases.word_pattern(
        r"open ?ai|anthropic|google(?: deepmind)?|deepmind|meta(?: ai)?|facebook|amazon|microsoft|"
        r"alibaba|nvidia|ibm|xai|x\.ai",
        r"cohere|zhipu(?: ai)?|z\.ai|moonshot(?: ai)?|baidu|bytedance|tencent|stability(?: ai)?|"
        r"black forest labs|ai21(?: labs)?",
        r"nous ?research|(?<!chez\s)(?<!par\s)(?<!pour\s)(?<!avec\s)(?<!de\s)nous|"
        r"mistral ai|inflection|upstage|xiaomi|stepfun|allen ?ai|ai2|voyage ai|"
        r"jina(?: ai)?|baai|perplexity|voyage(?= (?:re ?rank|embed))",
        r"aleph alpha|liquid ai|arcee(?: ai)?|writer|ibm research",
        r"(?:anthropic|google|microsoft|amazon|openai|meta|alibaba|nvidia|cohere)s",
    )
)
_DEVELOPER_SLUGS = {
    "googledeepmind": "google",
    "deepmind": "google",
    "metaai": "meta",
    "ai2": "allenai",
    "blackforestlabs": "bfl",
    "nous": "nousresearch",
    "ibmresearch": "ibm",
    "aleph alpha": "",
}
_ID_WORD = re.compile(r"[^\s()\[\],;\"'|→]+")
_PACKAGED = re.compile(r"[:@/]|^[a-z][a-z0-9-]*\.[a-z]|^arn:|_")
# `ft:gpt-4o-mini-2024-07-18:org::id`, and the older `davinci:ft-org-2023-02-11`
_FINE_TUNE = re.compile(r"ft:(?P<base>[a-z0-9.-]+)(?::.*)?|(?P<old_base>[a-z0-9.-]+):ft-.+")


@dataclass(slots=True)
class Passage:
    """A text and what was read in it; in `masked`, what was read is blanked out."""

    cleaned: str
    folded: str
    masked: str
    places: list[Place]
    regions: tuple[str, ...]
    developers: list[tuple[int, str]]
    products: list[NamedProduct]
    dates: list[tuple[int, tuple[Stamp, ...]]]
    ids: list[tuple[int, int, Reading]]


class PassageReader:
    """Separates texts with the known IDs of a resolver."""

    def __init__(self, resolver: Resolver, families: Families, releases: Releases) -> None:
        self._resolver = resolver
        self._families = families
        self._releases = releases

    def separate(self, cleaned: str, cell: HostCell, cell_cleaned: str) -> Passage:
        """Return the text with everything blanked out that is not the name of a model."""
        cell_text = phrases.fold(cell_cleaned)
        folded = phrases.fold(cleaned)
        letters = list(phrases.drop_formats(folded))
        for match in phrases.NO_MORE.finditer(folded):
            if re.search(r"[a-z]", folded[: match.start()] + folded[match.end() :]):
                letters[match.start() : match.end()] = " " * len(match[0])

        def mask(start: int, end: int) -> None:
            letters[start] = chr(FIRST_MARK)
            for index in range(start + 1, end):
                letters[index] = " "

        ids = self._find_ids(folded, cell)
        for start, end, _reading in ids:
            mask(start, end)
        folded_rest = "".join(letters)
        apis = find_apis(folded_rest)
        products = [
            named
            for named in find_products(folded_rest, cell_text)
            if not any(start <= named.start and named.end <= end for start, end in apis)
        ]
        for named in products:
            mask(named.start, named.end)
        folded_rest = "".join(letters)
        spans = find_regions(folded_rest)
        named_regions = regions_in(cleaned, folded_rest)
        for start, end, _reading in ids:
            named_regions += regions_in(folded[start:end], folded[start:end])
        named_regions += regions_in(cell_cleaned, cell_text)
        regions = tuple(dict.fromkeys(named_regions))
        places = find_places(folded_rest)
        for start, end in [*spans, *((place.start, place.end) for place in places)]:
            mask(start, end)
        folded_rest = "".join(letters)
        developers = []
        for match in _DEVELOPER_NAMES.finditer(folded_rest):
            name = re.sub(r"[ -]", "", match.group())
            slug = (
                _DEVELOPER_SLUGS.get(name)
                or developer_slug(match.group())
                or developer_slug(name)
                or developer_slug(name.removesuffix("s"))  # `Anthropics neuestes Modell`
            )
            if slug is not None and not _joins_name(folded_rest, match):
                developers.append((match.start(), slug))
                mask(match.start(), match.end())
        folded_rest = "".join(letters)
        dates = []
        for written in find_dates(folded_rest):
            mask(written.start, written.end)
            if not written.is_other:
                dates.append((written.start, written.readings))
        folded_rest = "".join(letters)
        for match in phrases.DEPLOYMENT.finditer(folded_rest):
            if self._releases.resolve(tokens_of(match["name"]), None) is None:
                mask(match.start("name"), match.end("name"))
        for pattern in (phrases.COUNT, phrases.GENERIC):
            for match in pattern.finditer(folded_rest):
                mask(match.start(), match.end())
        return Passage(
            cleaned,
            folded,
            "".join(letters),
            places,
            regions,
            developers,
            products,
            dates,
            ids,
        )

    def _find_ids(self, folded: str, cell: HostCell) -> list[tuple[int, int, Reading]]:
        """Return the words of the text that are IDs in a host's form: an ARN, a path, a tag."""
        found = []
        for match in _ID_WORD.finditer(folded):
            word = match.group().strip(".:!?")
            if len(word) < 4 or word.endswith("_") or not _PACKAGED.search(word):
                continue
            if "/" not in word and not re.search(r"\d", word):
                continue
            if (tuned := self._read_fine_tune(word, cell)) is not None:
                found.append((match.start(), match.start() + len(word), tuned))
                continue
            resolution = self._resolver.resolve(word, cell.hint)
            known_id = self._resolver.index.by_id.get(resolution.canonical or "")
            if "/" in word and not self._is_path(word, known_id):
                continue
            if known_id is None:
                if word.startswith("arn:"):
                    reading = Reading(
                        word,
                        Kind.UNKNOWN,
                        hint=resolution.line_hint or "",
                        host=resolution.host,
                        why=f"“{word}” names no published model: {resolution.why}.",
                    )
                    found.append((match.start(), match.start() + len(word), reading))
                continue
            reading = self._releases.read_known_id(known_id, tokens_of(_last_segment(word)))
            reading = replace(
                reading,
                host=OWN if resolution.host in OWN_HOSTS else resolution.host,
                why=f"{reading.why} {_sentence(resolution.why)}",
            )
            found.append((match.start(), match.start() + len(word), reading))
        return found

    def _read_fine_tune(self, word: str, cell: HostCell) -> Reading | None:
        """Return the reading of the ID of an own fine-tune: unknown, with the model it is built
        on."""
        match = _FINE_TUNE.fullmatch(word)
        if match is None:
            return None
        resolution = self._resolver.resolve(match["base"] or match["old_base"], cell.hint)
        base = self._resolver.index.by_id.get(resolution.canonical or "")
        line = base.line if base else resolution.line_hint or ""
        return Reading(
            word,
            Kind.UNKNOWN,
            hint=line,
            derived_from=line,
            host=resolution.host,
            adaptation="fine-tune",
            why=f"“{word}” is a fine-tune of the organisation. Its base is not the model.",
        )

    def _is_path(self, word: str, known_id: KnownId | None) -> bool:
        """Return whether a word with slashes is a path of one model, not a list of two: a family's
        name in front is a host only for models of its own developer (`gemini/gemini-2.0-flash`)."""
        if word in self._resolver.index.by_text or word.startswith(("arn:", "http", "projects/")):
            return True
        developer = known_id.developer if known_id else None
        for part in word.split("/")[:-1]:
            host = host_slug(part)
            own = developer_slug(part) or (BY_SLUG[host].developer if host else None)
            if part in self._families.anchors:
                if own is None or own != developer:
                    return False
            elif own is None and host is None and part not in ("accounts", "models"):
                return False
        return True


def _last_segment(word: str) -> str:
    return word.rpartition("/")[2].replace(":", "-").replace("@", "-")


def _sentence(steps: str) -> str:
    return f"{steps[:1].upper()}{steps[1:]}." if steps else ""


def _joins_name(folded: str, match: re.Match[str]) -> bool:
    """Return whether a developer's name is in the middle of a longer word."""
    return (
        folded[match.end() : match.end() + 1] == "-"
        and folded[match.start() - 1 : match.start()] == "-"
    )

"""Reads what a cell says about a model: a version, a line, a family, a product, several, or none.

The order is fixed: an ID as a host writes it; products, hosts, regions, dates and counts; the names
that are left, each with the facts that belong to it; then the remarks that stand around a name. A
reading is a version only if every fact of the name belongs to it. What is open is asked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from apps.catalog.identity.hosts import BY_SLUG, developer_slug, host_slug
from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.dates import Stamp, find_dates
from apps.catalog.identity.names.families import (
    DISTINCTIVE,
    EVERYDAY,
    SHARED_ANCHORS,
    UNMISTAKABLE,
    Families,
    LineMatch,
    facts_of,
    is_number,
    is_stamp,
)
from apps.catalog.identity.names.mentions import FIRST_MARK, Mention, MentionFinder, Scan
from apps.catalog.identity.names.places import (
    OWN,
    HostCell,
    Place,
    find_microsoft,
    find_places,
    find_regions,
    read_host_cell,
)
from apps.catalog.identity.names.products import BY_SLUG as PRODUCTS
from apps.catalog.identity.names.products import NamedProduct, find_products
from apps.catalog.identity.resolver.facts import EVERYDAY_WORDS
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.identity.resolver.tokens import CODE, SIZE, tokens_of


class Kind(StrEnum):
    """What a cell says."""

    RESOLVED = "resolved"  # one version, or one moving alias
    CHOOSE = "choose"  # one line; its version is to be asked
    FAMILY = "family"  # several lines; which one is to be asked
    PRODUCT = "product"  # a product or platform with models inside
    SEVERAL = "several"  # several of these, in `parts`
    NOT_A_MODEL = "not_a_model"  # no model, or not stated yet
    UNKNOWN = "unknown"  # a name that the catalogue does not know


class Certainty(StrEnum):
    """How a reading was found."""

    EXACT = "exact"  # the cell is the ID
    CERTAIN = "certain"  # every fact of the name belongs to the answer
    LIKELY = "likely"  # a slip was corrected, or a fact was taken from beside the name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell says. `version` and `line` are IDs of the catalogue, empty if none is named.

    candidates: of CHOOSE the versions of the line, of FAMILY the lines, of PRODUCT the slugs of
    products, most likely first. hint: a line to offer, never a match. derived_from: the line on which
    an own model is built. host: a slug of HOSTS, "own" for own machines, None if not named.
    """

    text: str
    kind: Kind
    version: str = ""
    line: str = ""
    developer: str = ""
    candidates: tuple[str, ...] = ()
    product: str = ""
    product_name: str = ""
    inside: "Reading | None" = None
    parts: tuple["Reading", ...] = ()
    not_stated: bool = False
    hint: str = ""
    derived_from: str = ""
    adaptation: str = ""
    role: str = ""
    host: str | None = None
    regions: tuple[str, ...] = ()
    certainty: Certainty = Certainty.CERTAIN
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The reading of one name before host, region and role are added; `start` and `end` are its
    position."""

    reading: Reading
    start: int
    end: int
    segment: int = 0
    is_old: bool = False
    is_future: bool = False
    is_negated: bool = False


@dataclass(slots=True)
class _Text:
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


_DEVELOPER_NAMES = phrases.compile_words(
    r"open ?ai|anthropic|google(?: deepmind)?|deepmind|meta(?: ai)?|facebook|amazon|microsoft|alibaba|nvidia|ibm|xai|x\.ai",
    r"cohere|zhipu(?: ai)?|z\.ai|moonshot(?: ai)?|baidu|bytedance|tencent|stability(?: ai)?|black forest labs|ai21(?: labs)?",
    r"nous ?research|nous|mistral ai|inflection|upstage|xiaomi|stepfun|allen ?ai|ai2|voyage ai|jina(?: ai)?|baai|perplexity",
    r"aleph alpha|liquid ai|arcee(?: ai)?|writer|ibm research",
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
_MAIN_FAMILIES: dict[str, tuple[str, ...]] = {
    "openai": ("gpt",),
    "azure": ("gpt",),
    "google": ("gemini", "gemma"),
    "google-vertex": ("gemini", "gemma"),
    "anthropic": ("claude",),
    "mistral": ("mistral",),
    "meta-llama": ("llama",),
    "amazon-nova": ("nova",),
    "deepseek": ("deepseek",),
    "xai": ("grok",),
    "alibaba": ("qwen",),
    "cohere": ("command",),
}
BY_COMPANY = {
    "azure": "microsoft",
    "amazon-bedrock": "amazon",
    "sagemaker": "amazon",
    "google-vertex": "google",
    "google": "google",
    "watsonx": "ibm",
    "nvidia": "nvidia",
}
_ID_WORD = re.compile(r"[^\s()\[\],;\"'|→]+")
_PACKAGED = re.compile(r"[:@/]|^[a-z][a-z0-9-]*\.[a-z]|^arn:|_")
_CONFUSED = {"gemini": "gemma", "gemma": "gemini", "mistral": "mixtral", "mixtral": "mistral"}
_ZERO_FOR_O = re.compile(r"(\d)0")
_ZERO_FIRST = re.compile(r"(?<![a-z0-9.-])0(?=[134](?![a-z0-9.]))")
_OWN_NAME = re.compile(
    r"\"[^\"]{2,40}\"|(?<![a-z0-9])(?:called|named|genannt|namens|dit|llamado)(?![a-z0-9])"
)
_QUESTIONED = re.compile(r"\?")
_LATEST = "latest"
_STAGES = frozenset({"preview", "beta", "experimental"})
_MAX_KEPT = 50_000
_SPECIAL_ONLY = re.compile(r"latest|experimental|beta|preview")


class NameReader:
    """Reads names of models with the known IDs of a resolver; building takes some tens of
    milliseconds, and reading keeps no state but what it has looked up before."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._families = Families(resolver.index)
        self._finder = MentionFinder(self._families)
        self._resolved_names: dict[tuple[str, str | None], KnownId | None] = {}

    def read_name(self, text: str, host_cell: str = "") -> Reading:
        """Return what the cell says, with the cell beside it that names a host or vendor."""
        cleaned = phrases.clean(text)
        cell_cleaned = phrases.clean(host_cell)
        cell_text = phrases.fold(cell_cleaned)
        cell = read_host_cell(cell_text)
        if not re.search(r"\w", cleaned):
            return Reading(
                text,
                Kind.NOT_A_MODEL,
                not_stated=True,
                why="The cell is empty, so no model is stated.",
            )
        exact = self._read_exact(cleaned, cell)
        if exact is not None:
            return replace(exact, text=text)
        parts = self._separate(cleaned, cell, cell_cleaned)
        reading = self._read_parts(parts, cell, cell_text)
        return replace(reading, text=text)

    # --- IDs as hosts write them ------------------------------------------------------------------

    def _read_exact(self, cleaned: str, cell: HostCell) -> Reading | None:
        """Return the reading of a cell that is one ID of the catalogue to the letter."""
        known_id = self._resolver.index.by_text.get(cleaned.lower())
        if known_id is None or (cleaned.isalpha() and cleaned.lower() in EVERYDAY | EVERYDAY_WORDS):
            return None
        if not re.search(r"\d", cleaned) and _LATEST not in cleaned.lower():
            return None
        host = _hint_of(cell)
        resolution = self._resolver.resolve(cleaned, host)
        if resolution.canonical != known_id.id:
            return None
        reading = self._read_known_id(known_id, tokens_of(known_id.slug.lower()))
        return replace(
            reading,
            host=cell.host or resolution.host,
            certainty=Certainty.EXACT,
        )

    def _find_ids(self, folded: str, cell: HostCell) -> list[tuple[int, int, Reading]]:
        """Return the words of the text that are IDs in a host's form: an ARN, a path, a tag."""
        found = []
        for match in _ID_WORD.finditer(folded):
            word = match.group().strip(".:!?")
            if len(word) < 4 or not _PACKAGED.search(word) or not re.search(r"\d", word):
                continue
            if "/" in word and not self._is_path(word):
                continue
            resolution = self._resolver.resolve(word, _hint_of(cell))
            known_id = self._resolver.index.by_id.get(resolution.canonical or "")
            if known_id is None:
                if word.startswith(("ft:", "arn:")):
                    reading = Reading(
                        word,
                        Kind.UNKNOWN,
                        hint=resolution.line_hint or "",
                        host=resolution.host,
                        adaptation="fine-tune" if word.startswith("ft:") else "",
                        why=f"“{word}” names no published model: {resolution.why}.",
                    )
                    found.append((match.start(), match.start() + len(word), reading))
                continue
            reading = self._read_known_id(known_id, tokens_of(_last_segment(word)))
            reading = replace(
                reading,
                host=resolution.host if _names_host(word, resolution.host) else None,
                why=f"{reading.why} {_sentence(resolution.why)}",
            )
            found.append((match.start(), match.start() + len(word), reading))
        return found

    def _is_path(self, word: str) -> bool:
        """Return whether a word with slashes is a path of one model, not a list of two."""
        if word in self._resolver.index.by_text:
            return True
        lead = word.split("/")[:-1]
        return all(
            (
                host_slug(part) is not None
                or developer_slug(part) is not None
                or part in ("accounts", "models")
            )
            and not (part in self._families.anchors and developer_slug(part) is None)
            for part in lead
        ) and bool(lead[0])

    def _read_known_id(self, known_id: KnownId, tokens: Sequence[str]) -> Reading:
        """Return the reading of a name that means a known ID: its version, or its line if the name
        leaves the release open."""
        facts = facts_of(tokens)
        line = self._families.lines[known_id.line]
        own = facts_of(tokens_of(known_id.slug.lower()))
        if known_id.kind != "pinned":
            if _LATEST in facts and _LATEST in own:
                return self._resolved(known_id, "the moving name that follows the newest release")
            entity = self._resolver.index.by_id.get(known_id.entity)
            numbers = {fact for fact in own if is_number(fact)} - line.slug_facts
            if entity is not None and entity.kind == "pinned" and numbers and own <= facts:
                return self._resolved(entity, "the only release with this number")
            if own & facts & _STAGES - line.slug_facts and len(line.ids) > 1:
                return self._resolved(known_id, "the name of its preview")
            return self._choose(known_id.line)
        # of several IDs of one release, the one that says no more than the name
        for other in line.ids:
            if other.kind == "pinned" and other.entity == known_id.entity:
                other_own = facts_of(tokens_of(other.slug.lower()))
                if {fact for fact in other_own if not is_stamp(fact)} <= facts and not (
                    {fact for fact in own if not is_stamp(fact)} <= facts
                ):
                    known_id, own = other, other_own
        has_stamp = any(is_stamp(token) for token in tokens)
        stated = {fact for fact in own if not is_stamp(fact)} <= facts
        own_stamps = {fact for fact in own if is_stamp(fact)}
        numbers = {fact for fact in facts if is_number(fact)} - line.slug_facts
        if own_stamps and not has_stamp:
            # a version number that the developer gives to one release only
            if numbers - own and stated:
                return self._resolved(known_id, "the only release with this number")
            return self._choose(known_id.line)
        if not own_stamps and not has_stamp and self._has_later_release(known_id):
            return self._choose(known_id.line)
        if not stated and not numbers & own_stamps:
            if has_stamp and own_stamps & facts:
                return self._resolved(known_id, "the only release with this date")
            return self._choose(known_id.line)
        return self._resolved(known_id, "one release")

    def _has_later_release(self, known_id: KnownId) -> bool:
        """Return whether the line has further releases that only a date tells apart."""
        own = facts_of(tokens_of(known_id.slug.lower()))
        for other in self._families.lines[known_id.line].ids:
            if other.kind != "pinned":
                continue
            more = facts_of(tokens_of(other.slug.lower())) - own
            if more and all(is_stamp(fact) for fact in more):
                return True
        return False

    # --- readings ---------------------------------------------------------------------------------

    @staticmethod
    def _resolved(known_id: KnownId, what: str) -> Reading:
        return Reading(
            "",
            Kind.RESOLVED,
            version=known_id.id,
            line=known_id.line,
            developer=known_id.developer,
            candidates=(known_id.id,),
            why=f"The name is that of {known_id.id}, {what}.",
        )

    def _choose(self, line: str, *, likely: bool = False, note: str = "") -> Reading:
        versions = self._families.lines[line].identifiers()
        count = "one version" if len(versions) == 1 else f"{len(versions)} versions"
        return Reading(
            "",
            Kind.CHOOSE,
            line=line,
            developer=self._families.lines[line].developer,
            candidates=versions,
            certainty=Certainty.LIKELY if likely else Certainty.CERTAIN,
            why=f"The name is that of {line} and states no release. The catalogue has {count}.{note}",
        )

    def _family(self, lines: Sequence[str], *, note: str = "", likely: bool = False) -> Reading:
        developers = {self._families.lines[line].developer for line in lines}
        return Reading(
            "",
            Kind.FAMILY,
            developer=developers.pop() if len(developers) == 1 else "",
            candidates=tuple(lines),
            certainty=Certainty.LIKELY if likely else Certainty.CERTAIN,
            why=note
            or f"The name leaves the generation, size or tier open. {len(lines)} models have it.",
        )

    @staticmethod
    def _unknown(hint: str, why: str) -> Reading:
        return Reading("", Kind.UNKNOWN, hint=hint, why=why)

    # --- separating the text ----------------------------------------------------------------------

    def _separate(self, cleaned: str, cell: HostCell, cell_cleaned: str) -> _Text:
        """Return the text with everything blanked out that is not the name of a model."""
        cell_text = phrases.fold(cell_cleaned)
        folded = phrases.fold(cleaned)
        letters = list(phrases.drop_formats(folded))

        def mask(start: int, end: int) -> None:
            letters[start] = chr(FIRST_MARK)
            for index in range(start + 1, end):
                letters[index] = " "

        ids = self._find_ids(folded, cell)
        for start, end, _reading in ids:
            mask(start, end)
        folded_rest = "".join(letters)
        products = find_products(folded_rest, cell_text)
        for named in products:
            mask(named.start, named.end)
        folded_rest = "".join(letters)
        spans = find_regions(cleaned, folded_rest)
        regions = tuple(dict.fromkeys(cleaned[start:end] for start, end in spans))
        cell_regions = tuple(
            cell_cleaned[start:end] for start, end in find_regions(cell_cleaned, cell_text)
        )
        regions = tuple(dict.fromkeys((*regions, *cell_regions)))
        places = find_places(folded_rest)
        for start, end in [*spans, *((place.start, place.end) for place in places)]:
            mask(start, end)
        folded_rest = "".join(letters)
        developers = []
        for match in _DEVELOPER_NAMES.finditer(folded_rest):
            name = re.sub(r"[ -]", "", match.group())
            slug = (
                _DEVELOPER_SLUGS.get(name) or developer_slug(match.group()) or developer_slug(name)
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
        for pattern in (phrases.COUNT, phrases.GENERIC):
            for match in pattern.finditer(folded_rest):
                mask(match.start(), match.end())
        return _Text(
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

    # --- reading the parts ------------------------------------------------------------------------

    def _read_parts(self, text: _Text, cell: HostCell, cell_text: str) -> Reading:
        scan = self._finder.scan(text.masked)
        if not scan.mentions and not text.ids:
            corrected = self._finder.correct_anchors(text.masked)
            if corrected != text.masked:
                attempt = self._finder.scan(corrected)
                for mention in attempt.mentions:
                    mention.corrected = True
                if attempt.mentions:
                    scan = attempt
        answers = self._read_mentions(text, scan, cell, cell_text)
        answers += [_Answer(reading, start, end) for start, end, reading in text.ids]
        answers = self._drop_repeated(sorted(answers, key=lambda answer: answer.start), text)
        if not answers and any(
            named.product and named.product.slug == "chatgpt" for named in text.products
        ):
            answers = self._read_chat_fragment(scan)
            text.products = [] if answers else text.products
        elif not answers and not text.products:
            answers = self._read_fragment(text, scan, cell, cell_text)
        answers = [self._mark(answer, answers, text) for answer in answers]
        return self._assemble(answers, text, scan, cell, cell_text)

    def _read_mentions(
        self, text: _Text, scan: Scan, cell: HostCell, cell_text: str
    ) -> list[_Answer]:
        answers: list[_Answer] = []
        mentions = self._merge_distilled(scan.mentions, text)
        for number, mention in enumerate(mentions):
            following = mentions[number + 1] if number + 1 < len(mentions) else None
            last_segment = following.segment if following else len(scan.segments)
            extra: list[_Answer] = []
            for segment in range(mention.segment + 1, last_segment):
                fragment = scan.fragments.get(segment)
                if not fragment:
                    continue
                merged = self._merge_fragment(mention, fragment, scan.segments[segment].mark, text)
                if merged:
                    mention.tokens = merged
                    continue
                inherited = self._inherit(mention, fragment, text)
                if inherited is not None:
                    extra.append(_Answer(inherited, *_span(scan, segment, text), segment))
            reading = self._read_mention(mention, mentions, text, scan, cell, cell_text)
            if reading is not None and number and reading.kind is Kind.FAMILY:
                reading = self._inherit_tier(mentions[number - 1], mention, scan, text) or reading
            if reading is not None:
                answers.append(_Answer(reading, mention.start, mention.end, mention.segment))
                answers += extra
        return answers

    def _merge_distilled(self, mentions: list[Mention], text: _Text) -> list[Mention]:
        """Join a name that contains the name of another family (a distilled model, a tuned one)."""
        result: list[Mention] = []
        for mention in mentions:
            last = result[-1] if result else None
            if last is not None and last.segment == mention.segment:
                between = text.masked[last.end : mention.start]
                tokens = [*last.tokens, *mention.tokens]
                if re.fullmatch(r"[\s\-_]*", between) and (
                    self._families.find(tuple(tokens)).exact or self._resolve(tokens, None)
                ):
                    last.tokens, last.end = tokens, mention.end
                    last.strange += mention.strange
                    continue
            result.append(mention)
        return result

    def _merge_fragment(
        self, mention: Mention, fragment: list[str], mark: str, text: _Text
    ) -> list[str]:
        """Return the tokens of a name with those of the next part, if together they are one name:
        `Hermes 4, 70B`, `Mistral Small 3.1 / 2503`. Empty if they are not."""
        if not all(is_number(token) or token in ("instruct", "chat") for token in fragment):
            if mark != ",":
                return []
        tokens = [*mention.tokens, *fragment]
        known_id = self._resolve(tokens, None)
        if known_id is not None or self._families.find(tuple(tokens)).exact:
            return tokens
        if all(is_stamp(token) for token in fragment):
            match = self._families.find(self._families.complete(tuple(mention.tokens)))
            if match.exact:
                return tokens  # a date that the line does not have makes the name unknown
        return []

    def _inherit(self, mention: Mention, fragment: list[str], text: _Text) -> Reading | None:
        """Return the reading of a part that repeats only what differs: `Llama 3.1 8B / 70B`,
        `GPT-4o and mini`."""
        tokens = self._families.complete(tuple(mention.tokens))
        anchor = tokens[0]
        numbers = [token for token in tokens[1:] if is_number(token) and not SIZE.fullmatch(token)]
        for base in ([anchor, *numbers], [anchor]):
            match = self._families.find((*base, *fragment))
            if match.exact:
                return self._choose(match.lines[0], likely=True)
        return None

    def _inherit_tier(
        self, previous: Mention, mention: Mention, scan: Scan, text: _Text
    ) -> Reading | None:
        """Return the reading of a tier that follows another one of the same generation
        (`Claude 3.5 Sonnet / Haiku`)."""
        is_next = mention.segment == previous.segment + 1
        family = self._families.complete(tuple(previous.tokens))[0]
        if not is_next or self._families.complete((mention.anchor,))[0] != family:
            return None
        if len(mention.tokens) > 1 or mention.anchor == family:
            return None
        return self._inherit(previous, mention.tokens, text)

    # --- one name ---------------------------------------------------------------------------------

    def _resolve(self, tokens: Sequence[str], host: str | None) -> KnownId | None:
        """Return the known ID that the resolver finds for the tokens as one string."""
        joined = "-".join(token.lstrip("=") for token in tokens)
        key = (joined, host)
        if key not in self._resolved_names:
            if len(self._resolved_names) >= _MAX_KEPT:
                self._resolved_names.clear()
            self._resolved_names[key] = self._resolve_joined(joined, host)
        return self._resolved_names[key]

    def _resolve_joined(self, joined: str, host: str | None) -> KnownId | None:
        for name in dict.fromkeys((joined, joined.replace("embed", "embedding"))):
            resolution = self._resolver.resolve(name, host)
            if resolution.canonical is not None:
                return self._resolver.index.by_id.get(resolution.canonical)
        return None

    def _read_mention(
        self,
        mention: Mention,
        mentions: list[Mention],
        text: _Text,
        scan: Scan,
        cell: HostCell,
        cell_text: str,
    ) -> Reading | None:
        """Return the reading of one name; None if its word is an everyday word here."""
        tokens = list(self._families.complete(tuple(mention.tokens)))
        developer = self._developer_of(mention, text)
        if mention.anchor in SHARED_ANCHORS and developer is None:
            made_by = cell.developer
            developer = made_by if made_by in self._families.developers_of(mention.anchor) else None
        if developer is not None and developer not in self._families.developers_of(mention.anchor):
            if len(tokens) == 1 and mention.anchor in EVERYDAY:
                return None
            if developer in ("microsoft", "amazon", "google", "ibm", "nvidia"):
                developer = None  # a platform's company beside another developer's model
            else:
                return self._unknown(
                    "",
                    f"“{' '.join(tokens)}” is no model of {developer}, which the cell also names.",
                )
        readings = [
            stamp
            for start, stamps in text.dates
            if self._is_near(start, mention, mentions)
            for stamp in stamps
        ]
        if mention.optional:
            longer = [*tokens, *mention.optional]
            if self._families.find(tuple(longer), developer).exact or self._resolve(longer, None):
                tokens = longer
        reading = self._read_tokens(tokens, readings, developer, _hint_of(cell))
        reading = self._consider_distant(mention, tokens, reading, developer)
        if reading.kind is Kind.CHOOSE and phrases.SERIES.match(text.folded, mention.end):
            reading = self._family(self._families.series_of(reading.line, tokens[0]))
        if (
            reading.kind is Kind.FAMILY
            and len(mention.tokens) == 1
            and mention.anchor not in UNMISTAKABLE
            and developer is None
            and _is_beside_system(text.folded, mention)
        ):
            return None
        if mention.anchor in EVERYDAY and not self._is_supported(
            mention, tokens, reading, text, scan, cell, developer
        ):
            return None
        if mention.strange:
            words = " ".join(mention.strange)
            return self._unknown(
                reading.line
                or reading.hint
                or (
                    reading.candidates[0]
                    if reading.kind is Kind.FAMILY and reading.candidates
                    else ""
                ),
                f"“{words}” is part of the name, and no known model has it.",
            )
        if mention.corrected and reading.kind in (Kind.RESOLVED, Kind.CHOOSE, Kind.FAMILY):
            if reading.kind is Kind.RESOLVED:
                reading = self._choose(reading.line)
            reading = replace(
                reading, certainty=Certainty.LIKELY, why=f"{reading.why} A word was misspelt."
            )
        return self._read_adaptation(mention, reading, text, scan)

    def _developer_of(self, mention: Mention, text: _Text) -> str | None:
        """Return the developer named beside the name, if any."""
        near = [
            developer for start, developer in text.developers if abs(start - mention.start) < 40
        ]
        fitting = [each for each in near if each in self._families.developers_of(mention.anchor)]
        if fitting:
            return fitting[0]
        others = {each for each in near}
        if len(others) == 1 and not any(
            each in self._families.developers_of(anchor)
            for each in others
            for anchor in self._all_anchors(text)
        ):
            return others.pop()
        return None

    def _all_anchors(self, text: _Text) -> set[str]:
        return {
            word for word in re.findall(r"[a-z]+", text.masked) if word in self._families.anchors
        }

    @staticmethod
    def _is_near(start: int, mention: Mention, mentions: list[Mention]) -> bool:
        """Return whether a date belongs to this name: the last name before it, or the only one."""
        before = [each for each in mentions if each.start < start]
        owner = before[-1] if before else mentions[0]
        return owner is mention

    def _read_tokens(
        self,
        tokens: Sequence[str],
        dates: Sequence[Stamp],
        developer: str | None,
        host: str | None,
    ) -> Reading:
        """Return the reading of a name's tokens and of the dates beside it."""
        has_stamp = any(is_stamp(token) for token in tokens)
        known_id = self._find_known_id(tokens, developer, host, has_stamp)
        bare = [token for token in tokens if not is_stamp(token)]
        if known_id is not None:
            reading = self._read_known_id(known_id, tokens)
            reading = self._widen(reading, known_id, tokens)
        elif has_stamp:
            reading = self._read_stamped(tokens, bare, developer)
        else:
            reading = self._read_lines(self._families.find(tuple(tokens), developer), tokens)
        if not dates:
            return reading
        return self._read_dated(reading, dates, tokens)

    def _find_known_id(
        self, tokens: Sequence[str], developer: str | None, host: str | None, has_stamp: bool
    ) -> KnownId | None:
        if len(tokens) == 1 and not re.fullmatch(r"[a-z]\d", tokens[0]):
            return None
        for hint in dict.fromkeys((None if has_stamp else host, None)):
            known_id = self._resolve(tokens, hint)
            if known_id is not None and developer in (None, known_id.developer):
                return known_id
        return None

    def _widen(self, reading: Reading, known_id: KnownId, tokens: Sequence[str]) -> Reading:
        """Return a family instead of a line whose only names move, or whose name another line shares
        (`Gemini Pro`, `Kimi`)."""
        if reading.kind is not Kind.CHOOSE:
            return reading
        line = self._families.lines[reading.line]
        moving = all(_SPECIAL_ONLY.search(each.slug) and each.kind != "pinned" for each in line.ids)
        if moving and not any(is_number(token) for token in tokens):
            facts = facts_of(tokens)
            lines = [
                each.identifier
                for each in self._families.lines.values()
                if each.developer == line.developer
                and any(facts <= spelling for spelling in each.spellings)
                and (not each.is_special or each is line)
            ]
            if len(lines) > 1:
                return self._family(self._families.sort_lines(lines))
        return reading

    def _read_stamped(
        self, tokens: Sequence[str], bare: Sequence[str], developer: str | None
    ) -> Reading:
        """Return the version with the date or code of the name; without one the name is unknown."""
        stamps = [token for token in tokens if is_stamp(token)]
        base = self._find_known_id(bare, developer, None, False)
        match = (
            LineMatch((base.line,), exact=True)
            if base is not None
            else self._families.find(tuple(bare), developer)
        )
        found = {
            line: known_id
            for line in match.lines
            if (known_id := self._families.find_by_stamp(line, stamps)) is not None
        }
        if len(found) == 1 and (match.exact or len(match.lines) <= 4):
            known_id = next(iter(found.values()))
            return self._resolved(known_id, "the only release with this date or code")
        contained = self._families.find_containing(tokens, developer)
        if contained is not None:
            return self._resolved(contained, "the only release with this name")
        hint = match.lines[0] if match.lines else match.hint
        return self._unknown(
            hint,
            f"“{' '.join(tokens)}”: no known release has "
            f"{' '.join(stamp.lstrip('=') for stamp in stamps)}."
            + (f" {hint} is offered as a hint only." if hint else ""),
        )

    def _read_lines(self, match: LineMatch, tokens: Sequence[str]) -> Reading:
        name = " ".join(tokens)
        if match.exact:
            reading = self._choose(match.lines[0])
            return self._widen(reading, self._families.lines[match.lines[0]].ids[0], tokens)
        if match.lines:
            return self._family(match.lines)
        slip = self._read_slip(tokens)
        if slip is not None:
            return slip
        return self._unknown(
            match.hint,
            f"“{name}”: the catalogue has no such model."
            + (f" {match.hint} is offered as a hint only." if match.hint else ""),
        )

    def _read_slip(self, tokens: Sequence[str]) -> Reading | None:
        """Return a family of the one line that a common slip can mean, to be confirmed: a zero for
        the letter o, one family for another."""
        variants = [
            [
                _ZERO_FOR_O.sub(r"\1o", token) if _ZERO_FOR_O.fullmatch(token) else token
                for token in tokens
            ]
        ]
        if tokens[0] in _CONFUSED:
            variants.append([_CONFUSED[tokens[0]], *tokens[1:]])
        for variant in variants:
            if list(variant) == list(tokens):
                continue
            match = self._families.find(tuple(variant))
            if match.exact:
                return self._family(
                    match.lines,
                    note=f"“{' '.join(tokens)}” is no known model; {match.lines[0]} may be meant. Confirm it.",
                    likely=True,
                )
        return None

    def _read_dated(
        self, reading: Reading, dates: Sequence[Stamp], tokens: Sequence[str]
    ) -> Reading:
        """Return the version with the date that stands beside the name."""
        lines = (
            (reading.line,)
            if reading.line
            else reading.candidates
            if reading.kind is Kind.FAMILY
            else ()
        )
        if not lines:
            return reading
        found = {
            line: known_id
            for line in lines
            if (known_id := self._families.find_by_dates(line, dates)) is not None
        }
        if reading.version and reading.version not in {each.id for each in found.values()}:
            known_id = self._resolver.index.by_id[reading.version]
            if any(is_stamp(token) for token in tokens) and not found:
                return self._unknown(reading.line, "The name has two dates that do not agree.")
        if len(found) == 1 and (reading.line or len(lines) <= 6):
            known_id = next(iter(found.values()))
            return replace(
                self._resolved(known_id, "the only release with this date"),
                certainty=Certainty.CERTAIN
                if any(date.day for date in dates)
                else Certainty.LIKELY,
            )
        line = lines[0]
        if reading.line and not self._families.has_stamps(line):
            released = {
                known_id.released[:7]
                for known_id in self._families.lines[line].ids
                if known_id.released
            }
            months = {f"{date.year}-{date.month:02d}" for date in dates if date.year}
            if months & released or not any(date.day for date in dates):
                return reading
        if reading.kind is Kind.FAMILY:
            return reading
        return self._unknown(
            line, f"No known release of {line} has this date. The line is a hint only."
        )

    def _consider_distant(
        self, mention: Mention, tokens: Sequence[str], reading: Reading, developer: str | None
    ) -> Reading:
        """Return a family if a tier that stands farther away would name another line."""
        for word in dict.fromkeys(mention.distant):
            if word in tokens or reading.kind not in (Kind.RESOLVED, Kind.CHOOSE):
                continue
            match = self._families.find((*tokens, word), developer)
            if match.exact and match.lines[0] != reading.line:
                return self._family(
                    (reading.line, match.lines[0]),
                    note=f"“{word}” stands apart from the name, so that {reading.line} or {match.lines[0]} is meant.",
                )
        return reading

    def _is_supported(
        self,
        mention: Mention,
        tokens: Sequence[str],
        reading: Reading,
        text: _Text,
        scan: Scan,
        cell: HostCell,
        developer: str | None,
    ) -> bool:
        """Return whether a word of everyday language is the name of a family here."""
        developers = self._families.developers_of(mention.anchor)
        if developer in developers or cell.developer in developers:
            return True
        hosts = {cell.host, *(place.host for place in text.places)}
        if "amazon" in developers and "amazon-bedrock" in hosts:
            return True
        if any(BY_SLUG[host].developer in developers for host in hosts if host in BY_SLUG):
            return True
        if reading.kind is Kind.RESOLVED and any(is_stamp(token) for token in tokens):
            return True
        is_found = reading.kind in (Kind.RESOLVED, Kind.CHOOSE) and len(tokens) > 1
        if is_found and any(is_number(token) for token in tokens) and len(tokens) > 2:
            return True
        strong = mention.anchor in DISTINCTIVE
        if is_found and strong:
            return True
        is_alone = not any(scan.unknown_words.values())
        if strong and is_alone:
            return True
        return is_alone and is_found

    def _read_adaptation(
        self, mention: Mention, reading: Reading, text: _Text, scan: Scan
    ) -> Reading:
        """Return the reading with the adaptation that the text names, or unknown for an own model
        that is only built on the named one."""
        folded = text.folded
        line = reading.line or (
            reading.candidates[-1]
            if reading.kind is Kind.FAMILY and reading.candidates
            else reading.hint
        )
        is_open = bool(line) and self._families.lines[line].is_open
        before = folded[: mention.start]
        adaptation = phrases.ADAPTATION.search(folded)
        kind = (adaptation.lastgroup or "").replace("_", "-") if adaptation else ""
        if reading.kind is Kind.UNKNOWN:
            return replace(reading, adaptation=kind)
        based = phrases.BASED_ON.search(before)
        derivative = phrases.DERIVATIVE.search(_without(folded, mention))
        if derivative and derivative.group() in mention.tokens:
            derivative = None
        own_name = _OWN_NAME.search(folded) if adaptation else None
        named_first = (
            based is not None
            and is_open
            and re.search(r"[a-z]+[-_]?\d|[a-z]{3,}lm(?![a-z])", before[: based.start()])
        )
        if derivative or own_name or named_first:
            reason = (
                "is a model of its own" if not adaptation else "is an own model with its own name"
            )
            return Reading(
                "",
                Kind.UNKNOWN,
                developer="",
                derived_from=line,
                adaptation=kind,
                why=f"The text {reason}, built on {line}. Its base is not the model.",
            )
        return replace(reading, adaptation=kind)

    # --- texts without the name of a family -------------------------------------------------------

    def _read_fragment(
        self, text: _Text, scan: Scan, cell: HostCell, cell_text: str
    ) -> list[_Answer]:
        """Return the reading of numbers and tiers alone, with the family of the host cell or the only
        family that has such a model."""
        fragment = [token for tokens in scan.fragments.values() for token in tokens]
        fragment = [
            token for token in fragment if token not in ("instruct", "new", "preview")
        ] or fragment
        zeroed = _ZERO_FIRST.sub("o", text.masked)
        if zeroed != text.masked:
            again = self._finder.scan(zeroed)
            for mention in again.mentions:
                match = self._families.find(tuple(mention.tokens), "openai")
                if match.exact and mention.tokens[0] in ("o1", "o3", "o4"):
                    reading = self._family(
                        match.lines,
                        note=f"“{text.cleaned}” is no known model; {match.lines[0]} may be meant. Confirm it.",
                        likely=True,
                    )
                    return [_Answer(reading, mention.start, mention.end)]
        if not fragment:
            return []
        if any(words for words in scan.unknown_words.values()):
            return []
        cell_scan = self._finder.scan(cell_text)
        if cell_scan.mentions:
            anchor = cell_scan.mentions[0]
            reading = self._read_tokens(
                [*self._families.complete(tuple(anchor.tokens)), *fragment], (), None, None
            )
            return [_Answer(replace(reading, certainty=Certainty.LIKELY), 0, len(text.folded))]
        place = next((each.host for each in text.places if each.host), None) or cell.host
        families = _MAIN_FAMILIES.get(place or "", ())
        families = families or tuple(
            dict.fromkeys(name for names in _MAIN_FAMILIES.values() for name in names)
        )
        if len(fragment) < 2 and not (
            families
            and re.fullmatch(r"\d+[a-z]|[a-z]\d", fragment[0])
            and not SIZE.fullmatch(fragment[0])
        ):
            return []
        found: dict[str, Reading] = {}
        for family in families:
            reading = self._read_tokens((family, *fragment), (), None, None)
            if reading.kind in (Kind.RESOLVED, Kind.CHOOSE):
                found[reading.line] = reading
        if len(found) != 1:
            return []
        reading = next(iter(found.values()))
        return [_Answer(replace(reading, certainty=Certainty.LIKELY), 0, len(text.folded))]

    def _read_chat_fragment(self, scan: Scan) -> list[_Answer]:
        """Return the family that `ChatGPT 4o` can mean: the model, or the one of the app."""
        fragment = [token for tokens in scan.fragments.values() for token in tokens]
        if not fragment or not is_number(fragment[0]):
            return []
        lines = [
            line
            for anchor in ("gpt", "chatgpt")
            for line in self._families.find((anchor, *fragment), "openai").lines
        ]
        if not lines:
            return []
        reading = self._family(
            lines,
            note="ChatGPT is a product; the number can mean the model of the API or the one in the app.",
            likely=True,
        )
        return [_Answer(replace(reading, product="chatgpt", product_name="ChatGPT"), 0, 0)]

    # --- several names ----------------------------------------------------------------------------

    def _drop_repeated(self, answers: list[_Answer], text: _Text) -> list[_Answer]:
        """Drop a name that another one repeats more exactly (`Codex (code-davinci-002)`)."""
        kept: list[_Answer] = []
        for number, answer in enumerate(answers):
            following = answers[number + 1].reading if number + 1 < len(answers) else None
            if (
                answer.reading.kind is Kind.FAMILY
                and following is not None
                and following.kind is Kind.RESOLVED
                and following.developer == answer.reading.developer
                and re.fullmatch(
                    r"\W*[(\[:=]\W*", text.folded[answer.end : answers[number + 1].start]
                )
            ):
                continue  # the ID in brackets says which one
            if (
                answer.reading.kind is Kind.FAMILY
                and following is not None
                and following.kind in (Kind.RESOLVED, Kind.CHOOSE)
                and following.developer == answer.reading.developer
                and answer.end - answer.start < 12
                and re.fullmatch(r"[\s-]*", text.folded[answer.end : answers[number + 1].start])
            ):
                continue  # `GPT o3` is o3
            if any(
                other is not answer
                and _covers(other.reading, answer.reading, self._families)
                and (
                    not _covers(answer.reading, other.reading, self._families)
                    or other.start < answer.start
                )
                for other in answers
            ):
                continue
            kept.append(answer)
        return kept

    def _mark(self, answer: _Answer, answers: list[_Answer], text: _Text) -> _Answer:
        """Return the answer with what the words around it say: no longer, planned, fallback."""
        previous_end = max(
            (other.end for other in answers if other.end <= answer.start and other is not answer),
            default=0,
        )
        next_start = min(
            (other.start for other in answers if other.start >= answer.end and other is not answer),
            default=len(text.folded),
        )
        before = text.folded[previous_end : answer.start][-48:]
        after = text.folded[answer.end : next_start][:48]
        bracket = re.match(r"[^a-z0-9]*\(([^)]*)\)", after)
        remark = bracket[1] if bracket else ""
        has_next = next_start < len(text.folded)
        is_old = bool(
            phrases.PAST.search(before[-32:])
            or (has_next and phrases.REPLACED_BY.search(after))
            or (
                len(answers) > 1
                and re.search(
                    r"(?<![a-z])(?:old|alt|retired|replaced|abgelost|decommissioned|legacy|ancien)(?![a-z])",
                    remark,
                )
            )
        ) and not phrases.REPLACED_BY.search(before)
        last_word = re.findall(r"[a-z0-9']+", before)[-2:]
        is_negated = any(phrases.NEGATION.fullmatch(word) for word in last_word[-1:]) or (
            len(last_word) == 2
            and phrases.NEGATION.fullmatch(last_word[0]) is not None
            and last_word[1] in ("the", "a", "an", "any", "using", "use", "openai", "ein", "das")
        )
        is_future = bool(
            phrases.FUTURE.search(before[-24:])
            or (remark and phrases.FUTURE.search(remark))
            or (len(answers) > 1 and phrases.FUTURE.match(after.lstrip(" :-")))
        )
        role = answer.reading.role
        directly_after = after.lstrip(" :-")
        if (
            phrases.FALLBACK.search(before)
            or (remark and phrases.FALLBACK.search(remark))
            or (len(answers) > 1 and phrases.FALLBACK.match(directly_after))
        ):
            role = "fallback"
        return replace(
            answer,
            reading=replace(answer.reading, role=role),
            is_old=is_old,
            is_future=is_future,
            is_negated=is_negated,
        )

    def _assemble(
        self, answers: list[_Answer], text: _Text, scan: Scan, cell: HostCell, cell_text: str
    ) -> Reading:
        """Return the one reading of the cell."""
        dropped = [answer for answer in answers if answer.is_old or answer.is_negated]
        current = [answer for answer in answers if answer not in dropped]
        if any(not answer.is_future for answer in current):
            current = [answer for answer in current if not answer.is_future]
        products = self._read_products(text, answers)
        if dropped and not current and not products:
            return self._read_negated(dropped, text)
        if not current and products:
            current, products = products, []
        elif products:
            current, products = self._join_products(products, current, text), []
        if not current:
            return self._read_nothing(text, scan, cell, cell_text)
        current = self._add_foreign_parts(current, text, scan)
        arrow = text.cleaned.find("→")
        placed = [self._place(answer, current, text, cell) for answer in current]
        if len(placed) == 1:
            return placed[0]
        if arrow >= 0:
            placed = [
                replace(reading, role="old")
                if answer.end <= arrow and not reading.role
                else reading
                for reading, answer in zip(placed, current, strict=True)
            ]
        return Reading(
            "",
            Kind.SEVERAL,
            parts=tuple(placed),
            regions=text.regions,
            host=placed[0].host if len({part.host for part in placed}) == 1 else None,
            why=f"The cell names {len(placed)} models or products. Each one is read by itself.",
        )

    def _read_negated(self, dropped: list[_Answer], text: _Text) -> Reading:
        reading = dropped[0].reading
        hint = reading.line or reading.hint
        if any(answer.is_old for answer in dropped) and (
            phrases.NO_MODEL.search(text.masked)
            or re.search(
                r"no longer|nicht mehr|not any ?more|decommission|abgelost|dropped", text.folded
            )
        ):
            return Reading(
                "",
                Kind.NOT_A_MODEL,
                hint=hint,
                why="The cell says that the model it names is no longer used, and names no other.",
            )
        return self._unknown(hint, "The cell says what is not used, and not what is used.")

    def _read_products(self, text: _Text, answers: list[_Answer]) -> list[_Answer]:
        result = []
        for named in text.products:
            before = text.folded[: named.start]
            words = re.findall(r"[a-z0-9']+", before)[-1:]
            if any(phrases.NEGATION.fullmatch(word) for word in words):
                continue
            if named.product is None:
                names = [PRODUCTS[slug].name for slug in named.candidates]
                reading = Reading(
                    "",
                    Kind.PRODUCT,
                    candidates=named.candidates,
                    why=f"Several products have this name: {', '.join(names)}. Which one is to be asked.",
                )
            else:
                reading = Reading(
                    "",
                    Kind.PRODUCT,
                    product=named.product.slug,
                    product_name=named.product.name,
                    candidates=(named.product.slug,),
                    why=f"{named.product.name} is a product of {named.product.vendor}. Its vendor states which models are inside.",
                )
            if any(
                other.reading.product and other.reading.product == reading.product
                for other in result
            ):
                continue
            result.append(_Answer(reading, named.start, named.end))
        specific = [answer for answer in result if answer.reading.product]
        if specific and len(specific) < len(result):
            result = (
                specific
                if any("copilot" in answer.reading.product for answer in specific)
                else result
            )
        return result

    def _join_products(
        self, products: list[_Answer], answers: list[_Answer], text: _Text
    ) -> list[_Answer]:
        """Return products and models of one cell: a model stands inside a product, or beside it in a
        list."""
        listed: list[_Answer] = []
        inside: list[_Answer] = []
        for answer in answers:
            product = min(products, key=lambda each: abs(each.start - answer.start))
            first, second = sorted((product, answer), key=lambda each: each.start)
            between = text.folded[first.end : second.start]
            is_list = (
                bool(
                    re.search(
                        r"[+&;,→|]|(?<!\w)/(?!\w)|\s/\s|(?<![a-z])(?:and|und|et|oraz|plus)(?![a-z])",
                        between,
                    )
                )
                and "(" not in between
            )
            (listed if is_list else inside).append(answer)
        result = list(products)
        if inside:
            product = min(products, key=lambda each: abs(each.start - inside[0].start))
            index = result.index(product)
            if product.reading.product == "chatgpt" and inside[0].reading.kind is Kind.FAMILY:
                pass
            within = (
                inside[0].reading
                if len(inside) == 1
                else Reading(
                    "",
                    Kind.SEVERAL,
                    parts=tuple(answer.reading for answer in inside),
                    why="Several models are named.",
                )
            )
            result[index] = replace(product, reading=replace(product.reading, inside=within))
        return sorted([*result, *listed], key=lambda each: each.start)

    def _add_foreign_parts(self, answers: list[_Answer], text: _Text, scan: Scan) -> list[_Answer]:
        """Add the parts of a list that name a model of no catalogue; tools in the list are dropped."""
        if not answers:
            return answers
        taken = {answer.segment for answer in answers}
        added = list(answers)
        for number, segment in enumerate(scan.segments):
            if number in taken or segment.mark == "" and number == 0 and 0 in taken:
                continue
            end = (
                scan.segments[number + 1].start
                if number + 1 < len(scan.segments)
                else len(text.masked)
            )
            body = text.masked[segment.start : end]
            match = phrases.OTHER_MODELS.search(body)
            if match is None or any(segment.start <= answer.start < end for answer in answers):
                continue
            reading = self._unknown("", f"“{body.strip(' ,;/+&|')}” is in no catalogue.")
            added.append(_Answer(reading, segment.start, end, number))
        return sorted(added, key=lambda answer: answer.start)

    def _place(
        self, answer: _Answer, answers: list[_Answer], text: _Text, cell: HostCell
    ) -> Reading:
        """Return the reading with its host and the regions: the host in the text beside the name,
        else the host that all names share, else that of the cell."""
        reading = answer.reading
        host = reading.host
        is_product = reading.kind is Kind.PRODUCT
        if host is None:
            host = self._host_in_text(answer, answers, text)
        if host is None and not any(place.host for place in text.places):
            host = cell.host
            if host == "google" and reading.developer not in ("google", ""):
                host = "google-vertex"  # Google serves models of others on Vertex AI only
        if is_product and not reading.product.startswith(("azure-", "platform:")):
            host = None
        return replace(
            reading,
            text=text.cleaned[answer.start : answer.end] if len(answers) > 1 else "",
            host=host,
            regions=text.regions if len(answers) == 1 else (),
        )

    @staticmethod
    def _host_in_text(answer: _Answer, answers: list[_Answer], text: _Text) -> str | None:
        places = [place for place in text.places if place.host]
        if not places:
            microsoft = find_microsoft(text.folded)
            if microsoft and answer.reading.developer not in ("microsoft", ""):
                return "azure"
            return None
        if len(answers) == 1:
            own = next((place for place in places if place.host == OWN), None)
            following = [place for place in places if place.start >= answer.end]
            return (own or (following or places)[0]).host
        index = answers.index(answer)
        start = answers[index - 1].end if index else 0
        end = answers[index + 1].start if index + 1 < len(answers) else len(text.folded)
        mine = [place for place in places if answer.end <= place.start < end]
        if mine:
            return mine[0].host
        if index == 0 and (first := [place for place in places if place.start < answer.start]):
            return first[0].host
        is_last = [place for place in places if place.start >= answers[-1].end]
        is_first = [place for place in places if place.end <= answers[0].start]
        shared = is_last or is_first
        return shared[0].host if len(shared) == len(places) and len(text.folded) < 90 else None

    # --- nothing named ----------------------------------------------------------------------------

    def _read_nothing(self, text: _Text, scan: Scan, cell: HostCell, cell_text: str) -> Reading:
        """Return the reading of a text without the name of a model or product."""
        rest = text.masked.strip()
        folded = text.folded
        platform = next((place for place in text.places if place.platform), None)
        is_open = bool(phrases.NOT_STATED.search(rest) or re.fullmatch(r"[\W_]*\?+[\W_]*", rest))
        is_none = bool(phrases.NO_MODEL.search(rest) or phrases.METHOD.search(folded))
        developer = text.developers[0][1] if text.developers else None
        if developer is not None and (
            words := re.findall(r"[a-z]+", folded[: text.developers[0][0]])
        ):
            developer = None if phrases.NEGATION.fullmatch(words[-1]) else developer
        foreign = phrases.OTHER_MODELS.search(rest)
        if is_none and not platform and not developer and not foreign:
            return Reading("", Kind.NOT_A_MODEL, why="The cell names no AI model.")
        company = BY_COMPANY.get(platform.host) if platform and platform.host else None
        if platform is not None and developer not in (None, company):
            platform = None  # a developer's model on a platform
        if platform is not None and not foreign and not scan.fragments:
            host = self._place(
                _Answer(Reading("", Kind.UNKNOWN), 0, 0),
                [_Answer(Reading("", Kind.UNKNOWN), 0, 0)],
                text,
                cell,
            ).host
            if not any(scan.unknown_words.values()) or len(rest) < 40:
                return Reading(
                    "",
                    Kind.PRODUCT,
                    product=f"platform:{platform.host}",
                    product_name=platform.platform,
                    host=host,
                    regions=text.regions,
                    why=f"{platform.platform} is a platform. Which of its models is used is to be asked.",
                )
        if developer is not None and not foreign and not scan.fragments:
            lines = self._families.of_developer(developer)
            if lines:
                return Reading(
                    "",
                    Kind.FAMILY,
                    developer=developer,
                    candidates=lines,
                    host=self._host_of_cell(text, cell),
                    regions=text.regions,
                    why=f"The cell names the developer {developer} and none of its models.",
                )
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

    def _host_of_cell(self, text: _Text, cell: HostCell) -> str | None:
        place = next((place for place in text.places if place.host), None)
        return place.host if place else cell.host


def _span(scan: Scan, segment: int, text: _Text) -> tuple[int, int]:
    """Return the position of a part of a list, without the blanks and signs around it."""
    start = scan.segments[segment].start
    end = (
        scan.segments[segment + 1].start - 1
        if segment + 1 < len(scan.segments)
        else len(text.folded)
    )
    body = text.folded[start:end]
    start += len(body) - len(body.lstrip(" ()[]:-"))
    return start, max(start, start + len(body.strip(" ()[]:-")))


def _hint_of(cell: HostCell) -> str | None:
    return cell.host if cell.host in BY_SLUG else None


def _names_host(word: str, host: str | None) -> bool:
    """Return whether the form of an ID itself states its host."""
    return host is not None


def _last_segment(word: str) -> str:
    return word.rpartition("/")[2].replace(":", "-").replace("@", "-")


def _sentence(steps: str) -> str:
    return f"{steps[:1].upper()}{steps[1:]}." if steps else ""


def _joins_name(folded: str, match: re.Match[str]) -> bool:
    """Return whether a developer's name is part of a longer word (`meta-llama` keeps its meaning)."""
    return (
        folded[match.end() : match.end() + 1] == "-"
        and folded[match.start() - 1 : match.start()] == "-"
    )


def _without(folded: str, mention: Mention) -> str:
    return folded[: mention.start] + " " + folded[mention.end :]


def _is_beside_system(folded: str, mention: Mention) -> bool:
    """Return whether the word before or after a family's name says that it names a system."""
    before = re.search(r"([a-z]+)[\s:\-\"'(]*$", folded[: mention.start])
    after = re.match(r"[\s:\-\"')]*([a-z]+)(?:\s+([a-z]+))?", folded[mention.end :])
    words = [match[1] for match in (before,) if match]
    words += [word for word in after.groups() if word] if after else []
    return any(phrases.SYSTEM.fullmatch(word) for word in words)


def _covers(reading: Reading, other: Reading, families: Families) -> bool:
    """Return whether one reading says all that the other says: the same line, or a line of its
    family."""
    if other.kind is Kind.RESOLVED:
        return reading.version == other.version
    if other.kind is Kind.CHOOSE:
        return reading.line == other.line
    if other.kind is Kind.FAMILY:
        if reading.kind is Kind.FAMILY:
            return set(reading.candidates) <= set(other.candidates)
        return (
            bool(reading.line)
            and reading.developer == other.developer
            and (reading.line in other.candidates)
        )
    return False

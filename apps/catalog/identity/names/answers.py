"""Reads each name that a text mentions, with the dates, developers and remarks beside it."""

import re
from collections.abc import Sequence
from dataclasses import replace

from apps.catalog.identity.hosts import BY_SLUG
from apps.catalog.identity.names import phrases
from apps.catalog.identity.names.adaptations import find_base_words, read_adaptation
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import Mention, MentionFinder, Scan, Segment, Token
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.places import HostCell
from apps.catalog.identity.names.reading import Answer, Certainty, Kind, Reading
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.names.vocabulary import (
    DISTINCTIVE,
    EVERYDAY,
    LANGUAGES,
    MAIN_FAMILIES,
    SHARED_ANCHORS,
    TIERS,
    TUNERS,
    UNMISTAKABLE,
    is_number,
    is_stamp,
    is_telling,
)
from apps.catalog.identity.resolver.tokens import SIZE

_O_SERIES = re.compile(r"o[134]")
_VERSION_IN_BRACKETS = re.compile(
    r"\(\s*(?:model )?(?:versi(?:on|one|e)|wersja|ver|v)[ .:]*(?P<number>\d)$"
)
_GENERATION = re.compile(r"\d\.\d{1,2}|\do")


class AnswerReader:
    """Reads the mentions of a text, one after another."""

    def __init__(self, families: Families, finder: MentionFinder, releases: Releases) -> None:
        self._families = families
        self._finder = finder
        self._releases = releases

    def read_mentions(
        self, text: Passage, scan: Scan, cell: HostCell, cell_text: str
    ) -> list[Answer]:
        answers: list[Answer] = []
        mentions = self._merge_distilled(scan.mentions, text)
        for number, mention in enumerate(mentions):
            following = mentions[number + 1] if number + 1 < len(mentions) else None
            last_segment = following.segment if following else len(scan.segments)
            extra: list[Answer] = []
            parts = range(mention.segment + 1, last_segment)
            for segment in (*range(mention.segment if not number else 0), *parts):
                fragment = scan.fragments.get(segment)
                if not fragment:
                    continue
                mark = scan.segments[segment].mark
                tiers = [token for token in fragment if not is_number(token)]
                longer = self._families.find((*mention.tokens, *tiers))
                is_after = segment > mention.segment
                if not is_after and not any(map(_GENERATION.fullmatch, fragment)):
                    continue
                if (
                    is_after
                    and mark in ",;"
                    and tiers
                    and (longer.exact or set(tiers) <= LANGUAGES)
                ):
                    mention.distant += tiers  # of this model, or a second one
                    continue
                merged = self._merge_fragment(mention, fragment) if is_after else []
                if merged:
                    mention.tokens = merged
                    continue
                inherited = self._inherit(mention, fragment)
                if inherited is None and not _has_other_words(scan, segment):
                    inherited = self._ask_generation(mention, fragment, scan.segments[segment])
                if inherited is not None:
                    extra.append(Answer(inherited, *_span(scan, segment, fragment), segment))
            reading = self._read_mention(mention, mentions, text, scan, cell, cell_text)
            if reading is not None and number and reading.kind is Kind.FAMILY:
                reading = self._inherit_tier(mentions[:number], mention, text) or reading
            if reading is not None:
                answers.append(Answer(reading, mention.start, mention.end, mention.segment))
                answers += extra
        return answers

    def _merge_distilled(self, mentions: list[Mention], text: Passage) -> list[Mention]:
        """Join a name that contains the name of another family (a distilled model, a tuned one)."""
        result: list[Mention] = []
        for mention in mentions:
            last = result[-1] if result else None
            if last is not None and last.segment == mention.segment:
                between = text.masked[last.end : mention.start]
                tokens = [*last.tokens, *mention.tokens]
                is_base = re.fullmatch(r"\s*\(\s*", between) and (
                    self._families.find(tuple(tokens)).exact  # `Nemotron Ultra 253B (Llama 3.1)`
                )
                if is_base or (
                    re.fullmatch(r"[\s\-_]*", between)
                    and (
                        self._families.developers_of(last.anchor) <= TUNERS
                        or self._families.find(tuple(tokens)).exact
                        or self._releases.resolve(tokens, None)
                    )
                ):
                    last.tokens, last.end = tokens, mention.end
                    last.strange += mention.strange
                    continue
            result.append(mention)
        return result

    def _merge_fragment(self, mention: Mention, fragment: list[str]) -> list[str]:
        """Return the tokens of a name with those of the next part, if together they are one name:
        `Hermes 4, 70B`, `Mistral Small 3.1 / 2503`. Empty if they are not."""
        if not all(is_number(token) or token in ("instruct", "chat") for token in fragment):
            return []
        tokens = [*mention.tokens, *fragment]
        known_id = self._releases.resolve(tokens, None)
        if known_id is not None or self._families.find(tuple(tokens)).exact:
            return tokens
        if all(is_stamp(token) for token in fragment):
            match = self._families.find(self._families.complete(tuple(mention.tokens)))
            if match.exact:
                return tokens  # a date that the line does not have makes the name unknown
        return []

    def _inherit(self, mention: Mention, fragment: list[str]) -> Reading | None:
        """Return the reading of a part that repeats only what differs: `Llama 3.1 8B / 70B`,
        `GPT-4o and mini`."""
        tokens = self._families.complete(tuple(mention.tokens))
        anchor = tokens[0]
        numbers = [token for token in tokens[1:] if is_number(token) and not SIZE.fullmatch(token)]
        others = [token for token in tokens if not is_number(token)]
        if _O_SERIES.fullmatch(anchor):
            match = self._families.find(("gpt", *fragment), "openai")
            if match.exact:
                return self._releases.choose(match.lines[0], likely=True)
        last = len(tokens)
        while last > 1 and tokens[last - 1] in TIERS:
            last -= 1
        for base in ([anchor, *numbers], [anchor], others, tokens[:last]):
            match = self._families.find((*base, *fragment))
            if match.exact:
                return self._releases.choose(match.lines[0], likely=True)
        return None

    def _ask_generation(
        self, mention: Mention, fragment: list[str], segment: Segment
    ) -> Reading | None:
        """Return what a part that is a generation alone can mean, to be asked: `o3 / 4.1`."""
        words = {item.text for item in segment.items if isinstance(item, Token)}
        if words & {"api", "apis"} or not any(map(_GENERATION.fullmatch, fragment)):
            return None  # `API 2.1` is no model
        anchor = self._families.complete(tuple(mention.tokens))[0]
        family = "gpt" if _O_SERIES.fullmatch(anchor) else anchor
        match = self._families.find((family, *fragment))
        if match.lines:
            return self._releases.family(match.lines, likely=True)
        name = " ".join(fragment)
        return self._releases.unknown(match.hint, f"“{name}” is a number without a name.")

    def _inherit_tier(
        self, before: Sequence[Mention], mention: Mention, text: Passage
    ) -> Reading | None:
        """Return the reading of a tier that follows another one of the same generation
        (`Claude 3.5 Sonnet / Haiku`)."""
        segment = mention.segment
        for previous in reversed(before):
            family = self._families.complete(tuple(previous.tokens))[0]
            is_of_family = self._families.complete((mention.anchor,))[0] == family
            if previous.segment != segment - 1 or not is_of_family or mention.anchor == family:
                return None
            if len(mention.tokens) > 1:
                return None
            if any(is_number(token) for token in previous.tokens):
                return self._inherit(previous, mention.tokens)
            segment = previous.segment
        return None

    def _read_mention(
        self,
        mention: Mention,
        mentions: list[Mention],
        text: Passage,
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
            if self._families.find((developer, *tokens)).lines:
                # a family that has the name of its developer: `Jina reranker v2`
                tokens = [developer, *tokens]
                return self._releases.read_tokens(tokens, (), developer, cell.hint)
            if len(tokens) == 1 and mention.anchor in EVERYDAY:
                return None
            if developer in ("microsoft", "amazon", "google", "ibm", "nvidia"):
                developer = None  # a platform's company beside another developer's model
            else:
                return self._releases.unknown(
                    "",
                    f"“{' '.join(tokens)}” is not a model of {developer}, which is named too.",
                )
        readings = [
            stamp
            for start, stamps in text.dates
            if self._is_near(start, mention, mentions)
            for stamp in stamps
        ]
        if mention.optional:
            longer = [*tokens, *mention.optional]
            if self._families.find(tuple(longer), developer).exact or self._releases.resolve(
                longer, None
            ):
                tokens = longer
        reading = self._releases.read_tokens(tokens, readings, developer, cell.hint)
        reading = self._consider_version(mention, tokens, reading, text, developer) or reading
        reading = self._consider_before(mention, tokens, developer) or reading
        reading = self._consider_distant(mention, tokens, reading, developer)
        if reading.kind is Kind.CHOOSE and _names_series(text.folded, mention):
            reading = self._releases.family(self._families.series_of(reading.line, tokens[0]))
        if (
            reading.kind is Kind.FAMILY
            and len(mention.tokens) == 1
            and phrases.PARTITION.match(text.folded, mention.end)
        ):
            return None  # the partition table, not the model
        if (
            reading.kind is Kind.FAMILY
            and len(mention.tokens) == 1
            and mention.anchor not in UNMISTAKABLE
            and developer is None
            and (
                _is_beside_system(text.folded, mention)
                or phrases.METHOD.search(text.folded)
                or (
                    cell.developer not in self._families.developers_of(mention.anchor)
                    and _is_before_word(text.masked, mention)
                )
            )
        ):
            return None
        if mention.anchor in EVERYDAY and not self._is_supported(
            mention, tokens, reading, text, scan, cell, developer
        ):
            return None
        if mention.strange:
            words = " ".join(mention.strange)
            return self._releases.unknown(
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
            if reading.kind is Kind.RESOLVED and not any(is_stamp(token) for token in tokens):
                reading = self._releases.choose(reading.line)
            reading = replace(
                reading, certainty=Certainty.LIKELY, why=f"{reading.why} A word was misspelt."
            )
        return read_adaptation(mention, reading, text, self._families)

    def _developer_of(self, mention: Mention, text: Passage) -> str | None:
        """Return the developer named beside the name, if any."""
        near = [
            developer for start, developer in text.developers if abs(start - mention.start) < 40
        ]
        fitting = [each for each in near if each in self._families.developers_of(mention.anchor)]
        if fitting:
            return fitting[0]
        others = set(near)
        if len(others) == 1 and not any(
            each in self._families.developers_of(anchor)
            for each in others
            for anchor in self._all_anchors(text)
        ):
            return others.pop()
        return None

    def _all_anchors(self, text: Passage) -> set[str]:
        return {
            word for word in re.findall(r"[a-z]+", text.masked) if word in self._families.anchors
        }

    @staticmethod
    def _is_near(start: int, mention: Mention, mentions: list[Mention]) -> bool:
        """Return whether a date belongs to this name: the last name before it, or the only one."""
        before = [each for each in mentions if each.start < start]
        owner = before[-1] if before else mentions[0]
        return owner is mention

    def _consider_distant(
        self, mention: Mention, tokens: Sequence[str], reading: Reading, developer: str | None
    ) -> Reading:
        """Return a family if a tier that stands farther away would name another line."""
        for word in dict.fromkeys(mention.distant):
            if word in LANGUAGES and reading.kind is Kind.FAMILY:
                lines = self._families.drop_other_languages(reading.candidates, word)
                if lines and len(lines) < len(reading.candidates):
                    reading = self._releases.family(lines)
                continue
            if word in tokens or reading.kind not in (Kind.RESOLVED, Kind.CHOOSE):
                continue
            match = self._families.find((*tokens, word), developer)
            if match.exact and match.lines[0] != reading.line:
                return self._releases.family(
                    (reading.line, match.lines[0]),
                    note=f"“{word}” is apart from the name, so that {reading.line} or "
                    f"{match.lines[0]} is meant.",
                )
        return reading

    def _consider_version(
        self,
        mention: Mention,
        tokens: Sequence[str],
        reading: Reading,
        text: Passage,
        developer: str | None,
    ) -> Reading | None:
        """Return the reading of an embedding whose name is complete before a version in brackets,
        unless the catalogue has that version: hosts number their releases themselves."""
        match = _VERSION_IN_BRACKETS.search(text.folded[mention.start : mention.end])
        if match is None or tokens[-1].lstrip("v") != match["number"]:
            return None
        if not phrases.KIND_OF_MODEL.search(text.folded[mention.start : mention.end]):
            return None
        whole = self._releases.read_tokens(tokens[:-1], (), developer, None)
        if whole.kind not in (Kind.RESOLVED, Kind.CHOOSE):
            return None
        if reading.line and reading.line != whole.line:
            return self._releases.family((whole.line, reading.line))
        return None if reading.version else self._releases.choose(whole.line, likely=True)

    def _consider_before(
        self, mention: Mention, tokens: Sequence[str], developer: str | None
    ) -> Reading | None:
        """Return the reading of a name that starts with a number of another family, where only one
        family has it (`R1 Distill Qwen 32B`)."""
        if not any(is_telling(word) for word in mention.before):
            return None
        found = {
            match.lines[0]: family
            for family in MAIN_FAMILIES
            if (match := self._families.find((family, *mention.before, *tokens))).exact
        }
        if len(found) != 1:
            return None
        [(line, family)] = found.items()
        if developer not in (None, self._families.lines[line].developer):
            return None
        return self._releases.read_tokens((family, *mention.before, *tokens), (), None, None)

    def _is_supported(
        self,
        mention: Mention,
        tokens: Sequence[str],
        reading: Reading,
        text: Passage,
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
        if len(tokens) > 1 and find_base_words(text.folded[: mention.start]):
            return True
        is_narrow = reading.kind is Kind.FAMILY and len(reading.candidates) == 2
        is_found = (reading.kind in (Kind.RESOLVED, Kind.CHOOSE) or is_narrow) and len(tokens) > 1
        if is_found and any(is_number(token) for token in tokens) and len(tokens) > 2:
            return True
        strong = mention.anchor in DISTINCTIVE
        if strong and _names_series(text.folded, mention):
            return True
        if is_found and strong:
            return True
        if strong and not scan.unknown_words.get(mention.segment):
            return True
        unknown = [word for words in scan.unknown_words.values() for word in words]
        return is_found and all(phrases.PAST.fullmatch(word) for word in unknown)


def _has_other_words(scan: Scan, segment: int) -> bool:
    """Return whether a part of a list has unknown words, beside its use."""
    return any(not phrases.FALLBACK.fullmatch(word) for word in scan.unknown_words.get(segment, ()))


def _span(scan: Scan, segment: int, fragment: list[str]) -> tuple[int, int]:
    """Return the position of the facts in a part of a list."""
    tokens = [
        item
        for item in scan.segments[segment].items
        if isinstance(item, Token) and item.text in fragment
    ]
    return tokens[0].start, tokens[-1].end


def _names_series(folded: str, mention: Mention) -> bool:
    """Return whether a word such as "family" follows a name, or is joined to it."""
    if phrases.SERIES.match(folded, mention.end):
        return True
    joined = re.search(r"-[a-z]+$", folded[mention.start : mention.end])
    return joined is not None and phrases.SERIES.fullmatch(joined.group()) is not None


def _is_before_word(masked: str, mention: Mention) -> bool:
    """Return whether an unknown word follows a family's name directly."""
    match = re.match(r" ([a-z]{3,})(?![a-z0-9])", masked[mention.end :])
    return match is not None and match[1] not in phrases.NOISE | phrases.CONNECTORS | TIERS


def _is_beside_system(folded: str, mention: Mention) -> bool:
    """Return whether the word before or after a family's name says that it names a system."""
    before = re.search(r"([a-z]+)[\s:\-\"'(]*$", folded[: mention.start])
    after = re.match(r"[\s:\-\"')]*([a-z]+)(?:\s+([a-z]+))?", folded[mention.end :])
    words = [match[1] for match in (before,) if match]
    words += [word for word in after.groups() if word] if after else []
    return any(phrases.SYSTEM.fullmatch(word) for word in words)

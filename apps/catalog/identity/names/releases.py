"""Reads the tokens of one name: a release, a line, a family, or unknown with a hint."""

import re
from collections.abc import Sequence
from dataclasses import replace

from apps.catalog.identity.names.dates import Stamp
from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.lines import LineMatch
from apps.catalog.identity.names.reading import Certainty, Kind, Reading
from apps.catalog.identity.names.vocabulary import (
    facts_of,
    has_restated_size,
    is_number,
    is_stamp,
)
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.identity.resolver.tokens import SIZE, tokens_of

_CONFUSED = {"gemini": "gemma", "gemma": "gemini", "mistral": "mixtral", "mixtral": "mistral"}
_ZERO_FOR_O = re.compile(r"(\d)0")
_LATEST = "latest"
_STAGES = frozenset({"preview", "beta", "experimental"})
_MAX_KEPT = 50_000
_SPECIAL_ONLY = re.compile(r"latest|experimental|beta|preview")


class Releases:
    """Reads names token by token with the resolver and the families; what was looked up is kept."""

    def __init__(self, resolver: Resolver, families: Families) -> None:
        self._resolver = resolver
        self._families = families
        self._resolved_names: dict[tuple[str, str | None], KnownId | None] = {}

    @staticmethod
    def resolved(known_id: KnownId, what: str) -> Reading:
        return Reading(
            "",
            Kind.RESOLVED,
            version=known_id.id,
            line=known_id.line,
            developer=known_id.developer,
            candidates=(known_id.id,),
            why=f"The name is that of {known_id.id}, {what}.",
        )

    def choose(self, line: str, *, likely: bool = False, note: str = "") -> Reading:
        versions = self._families.lines[line].identifiers()
        count = self._count_ids(versions)
        return Reading(
            "",
            Kind.CHOOSE,
            line=line,
            developer=self._families.lines[line].developer,
            candidates=versions,
            certainty=Certainty.LIKELY if likely else Certainty.CERTAIN,
            why=f"The name is that of {line}, without a release. The catalogue has {count}.{note}",
        )

    def _count_ids(self, identifiers: Sequence[str]) -> str:
        """Return how many versions and aliases the IDs of a line are, in words."""
        by_id = self._resolver.index.by_id
        pinned = sum(by_id[identifier].kind == "pinned" for identifier in identifiers)
        aliases = len(identifiers) - pinned
        counts = (
            (pinned, "one version", f"{pinned} versions"),
            (aliases, "one alias", f"{aliases} aliases"),
        )
        return " and ".join(
            one if count == 1 else several for count, one, several in counts if count
        )

    def family(self, lines: Sequence[str], *, note: str = "", likely: bool = False) -> Reading:
        developers = {self._families.lines[line].developer for line in lines}
        return Reading(
            "",
            Kind.FAMILY,
            developer=developers.pop() if len(developers) == 1 else "",
            candidates=tuple(lines),
            certainty=Certainty.LIKELY if likely else Certainty.CERTAIN,
            why=note or _say_open(len(lines)),
        )

    @staticmethod
    def unknown(hint: str, why: str) -> Reading:
        return Reading("", Kind.UNKNOWN, hint=hint, why=why)

    def resolve(self, tokens: Sequence[str], host: str | None) -> KnownId | None:
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

    def read_known_id(self, known_id: KnownId, tokens: Sequence[str]) -> Reading:
        """Return the reading of a name that means a known ID: its version, or its line if the name
        leaves the release open."""
        facts = facts_of(tokens)
        line = self._families.lines[known_id.line]
        own = facts_of(tokens_of(known_id.slug.lower()))
        if known_id.kind != "pinned":
            if _LATEST in facts and _LATEST in own:
                return self.resolved(known_id, "the moving name that follows the newest release")
            entity = self._resolver.index.by_id.get(known_id.entity)
            numbers = {fact for fact in own if is_number(fact)} - line.slug_facts
            if entity is not None and entity.kind == "pinned" and numbers and own <= facts:
                return self.resolved(entity, "the only release with this number")
            if own & facts & _STAGES - line.slug_facts and len(line.ids) > 1:
                return self.resolved(known_id, "the name of its preview")
            return self.choose(known_id.line)
        # of several IDs of one release, the one that is closest to what the name says
        same = [each for each in line.ids if each.kind == "pinned"]
        same = [each for each in same if each.entity == known_id.entity]
        known_id = min(same, key=lambda each: (*_distance(each, facts), each is not known_id))
        own = facts_of(tokens_of(known_id.slug.lower()))
        if "instruct" not in facts and (tuned := self._find_tuned(own, known_id)):
            if tuned == known_id.line:
                return self.choose(known_id.line)
            return self.family((tuned, known_id.line))
        has_stamp = any(is_stamp(token) for token in tokens)
        stated = {fact for fact in own if not is_stamp(fact)} <= facts
        own_stamps = {fact for fact in own if is_stamp(fact)}
        numbers = {fact for fact in facts if is_number(fact)} - line.slug_facts
        if own_stamps and not has_stamp:
            # a version number that the developer gives to one release only
            if numbers - own and stated:
                return self.resolved(known_id, "the only release with this number")
            return self.choose(known_id.line)
        if not own_stamps and not has_stamp and self._has_later_release(known_id):
            return self.choose(known_id.line)
        if not stated and not numbers & own_stamps:
            if has_stamp and own_stamps & facts:
                return self.resolved(known_id, "the only release with this date")
            return self.choose(known_id.line)
        return self.resolved(known_id, "one release")

    def _find_tuned(self, own: frozenset[str], known_id: KnownId) -> str:
        """Return the line of the instruct model, or of the thinking one beside it, which a name
        without the word can mean too; empty if there is none, or if it is a later release with a
        date of its own."""
        names = [own | {"instruct"}]
        if "instruct" in own:
            names = [own - {"instruct"} | {"thinking"}]
        for other in [line for name in names for line in self._families.lines_of(name)]:
            line = self._families.lines[other]
            is_dated = all(any(map(is_stamp, tokens_of(each.slug.lower()))) for each in line.ids)
            is_later = is_dated and "instruct" not in own
            if line.developer == known_id.developer and not is_later:
                return other
        return ""

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

    def read_tokens(
        self,
        tokens: Sequence[str],
        dates: Sequence[Stamp],
        developer: str | None,
        host: str | None,
    ) -> Reading:
        """Return the reading of a name's tokens and of the dates beside it."""
        has_stamp = any(is_stamp(token) for token in tokens)
        known_id = self.find_known_id(tokens, developer, host, has_stamp)
        bare = [token for token in tokens if not is_stamp(token)]
        if known_id is not None:
            reading = self.read_known_id(known_id, tokens)
            reading = self._widen(reading, known_id, tokens)
            if len(others := self._families.find_beside(known_id.line, tuple(tokens))) > 1:
                reading = self.family(others)
            if reading.kind is not Kind.RESOLVED:
                reading = self._read_sized(tokens, developer, host) or reading
        elif has_stamp:
            reading = self._read_stamped(tokens, bare, developer)
        else:
            reading = self._read_lines(self._families.find(tuple(tokens), developer), tokens)
        if reading.kind is Kind.CHOOSE:
            others = self._families.find_stamped(reading.line, tuple(tokens))
            reading = self.family(others) if len(others) > 1 else reading
        named = self._families.lines_of(facts_of(tokens))
        namesakes = [line for line in named if line != reading.line]
        if reading.kind is Kind.RESOLVED and namesakes and not has_stamp:
            # the name is that of another line too
            reading = self.family((reading.line, *namesakes))
        if not dates:
            return reading
        return self._read_dated(reading, dates, tokens)

    def find_known_id(
        self, tokens: Sequence[str], developer: str | None, host: str | None, has_stamp: bool
    ) -> KnownId | None:
        if len(tokens) == 1 and not re.fullmatch(r"[a-z]\d", tokens[0]):
            return None
        for hint in dict.fromkeys((None if has_stamp else host, None)):
            known_id = self.resolve(tokens, hint)
            if known_id is not None and developer in (None, known_id.developer):
                return known_id
        return None

    def _read_sized(
        self, tokens: Sequence[str], developer: str | None, host: str | None
    ) -> Reading | None:
        """Return the release that a name means without its size, if the release has that size
        (`Mistral Small 3.1 24B`)."""
        sizes = {token for token in tokens if SIZE.fullmatch(token)}
        rest = [token for token in tokens if token not in sizes]
        plain = self.find_known_id(rest, developer, host, False) if sizes and rest else None
        if plain is None or not has_restated_size(plain.id, sizes):
            return None
        reading = self.read_known_id(plain, rest)
        return reading if reading.kind is Kind.RESOLVED else None

    def _widen(self, reading: Reading, known_id: KnownId, tokens: Sequence[str]) -> Reading:
        """Return a family instead of a line whose only names move (`Gemini Pro`, `Kimi`)."""
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
                return self.family(self._families.sort_lines(lines))
        return reading

    def _read_stamped(
        self, tokens: Sequence[str], bare: Sequence[str], developer: str | None
    ) -> Reading:
        """Return the version with the date or code of the name; without one the name is unknown."""
        stamps = [token for token in tokens if is_stamp(token)]
        base = self.find_known_id(bare, developer, None, False)
        match = (
            LineMatch((base.line,), exact=True)
            if base is not None
            else self._families.find(tuple(bare), developer)
        )
        found = {
            line: known_id
            for line in match.lines
            if (known_id := self._families.versions.find_by_stamp(line, stamps)) is not None
        }
        if len(found) == 1 and (match.exact or len(match.lines) <= 4):
            known_id = next(iter(found.values()))
            return self.resolved(known_id, "the only release with this date or code")
        contained = self._families.versions.find_containing(tokens, developer)
        if contained is not None:
            return self.resolved(contained, "the only release with this name")
        hint = match.lines[0] if match.lines else match.hint
        return self.unknown(
            hint,
            f"“{' '.join(tokens)}”: no known release has "
            f"{' '.join(stamp.lstrip('=') for stamp in stamps)}."
            + (f" {hint} is offered as a hint only." if hint else ""),
        )

    def _read_lines(self, match: LineMatch, tokens: Sequence[str]) -> Reading:
        name = " ".join(tokens)
        if match.exact:
            reading = self.choose(match.lines[0])
            return self._widen(reading, self._families.lines[match.lines[0]].ids[0], tokens)
        if match.lines:
            return self.family(match.lines)
        slip = self._read_slip(tokens)
        if slip is not None:
            return slip
        return self.unknown(
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
                return self.family(
                    match.lines,
                    note=f"“{' '.join(tokens)}” is not a known model. {match.lines[0]} might be "
                    "meant. Confirm it.",
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
            if (known_id := self._families.versions.find_by_dates(line, dates)) is not None
        }
        if reading.version and reading.version not in {each.id for each in found.values()}:
            known_id = self._resolver.index.by_id[reading.version]
            if any(is_stamp(token) for token in tokens) and not found:
                return self.unknown(reading.line, "The name has two dates that do not agree.")
        if len(found) == 1 and (reading.line or len(lines) <= 6):
            known_id = next(iter(found.values()))
            return replace(
                self.resolved(known_id, "the only release with this date"),
                certainty=Certainty.CERTAIN
                if any(date.day for date in dates)
                else Certainty.LIKELY,
            )
        line = lines[0]
        if reading.line and not self._families.versions.has_stamps(line):
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
        return self.unknown(
            line, f"No known release of {line} has this date. The line is a hint only."
        )


def _say_open(count: int) -> str:
    """Return why a name with this many possible models is asked."""
    if count == 1:
        return "The name is not complete. One model has it. Confirm it."
    return f"The name leaves the generation, size or tier open. {count} models have it."


def _distance(known_id: KnownId, facts: frozenset[str]) -> tuple[int, int]:
    """Return how many facts an ID has that the name lacks, and how few it shares with the name."""
    own = facts_of(tokens_of(known_id.slug.lower()))
    return len(own - facts), -len(own & facts)

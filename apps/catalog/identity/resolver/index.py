"""The known ids, and the index that finds one by the facts of a name.

Each known id is entered under the tokens of its own id, then of its aliases and repositories, its
display names, its line when the line has one version, and at last of shortened forms a host may
use: without -instruct, without the active size, without a size nothing else shares. `Rank` orders
these; the best rank that has an entry decides alone, so a shortened form never overrides an id.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Any

from apps.catalog.identity.resolver import facts
from apps.catalog.identity.resolver.tokens import (
    ACTIVE,
    CODE,
    CONTEXT,
    NUMBER,
    REVISION,
    SIZE,
    Tokens,
    tokens_of,
)

Signature = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownId:
    """One entry of the known ids, shaped as a row of catalogue.jsonl.

    id: `developer/name`. kind: pinned, alias or family. entity: the id that all ids of one fixed
    model share. same_as: the first of a group of pure synonyms. points_to: where an alias points,
    when documented.
    """

    id: str
    developer: str
    line: str
    kind: str
    entity: str
    same_as: str
    points_to: str | None = None
    released: str | None = None
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The id without its developer."""
        return self.id.partition("/")[2]


def known_ids(rows: Iterable[Mapping[str, Any]]) -> list[KnownId]:
    """Known ids from dictionaries shaped as the rows of catalogue.jsonl."""
    return [
        KnownId(
            id=row["id"],
            developer=row["developer"],
            line=row["line"],
            kind=row["kind"],
            entity=row["entity"],
            same_as=row["same_as_root"],
            points_to=row.get("points_to"),
            released=row.get("release_date"),
            names=tuple(row.get("names") or ()),
            aliases=tuple(row.get("aliases") or ()),
            repositories=tuple(row.get("hf_repos") or ()),
        )
        for row in rows
    ]


class Rank(IntEnum):
    """How directly a name states an id; lower is better."""

    ID = 0
    REPOSITORY = 1
    NAME = 2
    LINE = 3
    FILLED = 4  # one customary word left out
    SHORT = 5  # two left out
    SIZELESS = 6  # the size left out, unique all the same


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known id under one of its spellings; `left_out` says in words what the spelling omits.

    moving: a display name that says "(latest)", which the spelling omits.
    """

    known_id: KnownId
    rank: Rank
    tokens: Tokens
    left_out: str = ""
    instruct_left_out: bool = False
    needs_developer: bool = False
    moving: bool = False


@dataclass(slots=True)
class Index:
    """Lookup tables over the known ids; built once, then only read."""

    by_signature: dict[Signature, tuple[Candidate, ...]] = field(default_factory=dict)
    by_text: dict[str, KnownId] = field(default_factory=dict)
    by_squash: dict[str, KnownId | None] = field(default_factory=dict)
    by_id: dict[str, KnownId] = field(default_factory=dict)
    lines: dict[Signature, str] = field(default_factory=dict)
    released: dict[str, date] = field(
        default_factory=dict
    )  # by id; its own, else its entity's first
    moving: frozenset[str] = frozenset()  # entities that an alias or family name stands for
    families: dict[str, frozenset[tuple[str, str]]] = field(
        default_factory=dict
    )  # (developer, first word) by word
    dated: frozenset[str] = frozenset()  # lines with a snapshot named by its day
    coded: frozenset[str] = frozenset()  # lines with a snapshot named by four digits
    pairs_by_word: dict[str, tuple[tuple[str, frozenset[str]], ...]] = field(default_factory=dict)


def signature(tokens: Tokens) -> Signature:
    """The facts without their order."""
    return tuple(sorted(tokens))


_NOT_WORD = re.compile(r"[^a-z0-9]+")


def squash(text: str) -> str:
    """Letters and digits only."""
    return _NOT_WORD.sub("", text)


def _without(tokens: Tokens, *removed_tokens: str) -> Tokens:
    return tuple(token for token in tokens if token not in removed_tokens)


def _plain(tokens: Tokens, developer: str) -> Tokens:
    """Tokens without the developer's own name in front (`NVIDIA-Nemotron`, `Meta-Llama`,
    `AI21-Jamba`)."""
    if len(tokens) > 2 and tokens[0] in ("meta", "nvidia", "c4ai") and tokens[1].isalpha():
        return tokens[1:]
    if developer == "ai21" and tokens[:2] == ("ai", "21"):
        return tokens[2:]
    return tokens


def _undated(tokens: Tokens) -> Tokens:
    """Tokens without snapshot date and revision."""
    return tuple(token for token in tokens if token[0] != "=" and not REVISION.fullmatch(token))


def _spellings(known_id: KnownId) -> list[tuple[Tokens, Rank]]:
    spellings = [(tokens_of(known_id.slug.lower()), Rank.ID)]
    spellings += [(tokens_of(alias.lower()), Rank.REPOSITORY) for alias in known_id.aliases]
    spellings += [
        (tokens_of(repo.rpartition("/")[2].lower()), Rank.REPOSITORY)
        for repo in known_id.repositories
    ]
    result = []
    for tokens, rank in spellings:
        result.append((tokens, rank))
        plain_tokens = _plain(tokens, known_id.developer)
        if plain_tokens != tokens:
            result.append((plain_tokens, rank))
        # A repository in one number format stands for the model.
        without_format = tuple(token for token in plain_tokens if not facts.FORMAT.fullmatch(token))
        if rank is Rank.REPOSITORY and without_format != plain_tokens:
            result.append((without_format, rank))
    return result


def _telling(name: Tokens) -> bool:
    """Return whether a display name can stand alone: it has a word and a number, or three words."""
    return len(name) > 2 or (
        len(name) == 2 and any(NUMBER.fullmatch(t) or SIZE.fullmatch(t) for t in name)
    )


_INSTRUCT = ("instruct", "chat")


def _shortened(tokens: Tokens, known_id: KnownId) -> Iterable[tuple[Tokens, Rank, str, bool]]:
    """Shorter spellings of `tokens`: (tokens, rank, what is left out, whether -instruct is among
    it)."""
    has_size = any(SIZE.fullmatch(token) for token in tokens)
    active = tuple(token for token in tokens if ACTIVE.fullmatch(token))
    instruct = tuple(token for token in tokens if token in _INSTRUCT)
    codes = tuple(token for token in tokens if CODE.fullmatch(token))
    has_version = any(NUMBER.fullmatch(token) and not CODE.fullmatch(token) for token in tokens)
    if instruct and (has_size or codes):
        yield _without(tokens, *instruct), Rank.FILLED, "-instruct", True
    if active and has_size:
        yield _without(tokens, *active), Rank.FILLED, "the active size", False
        if instruct:
            yield (
                _without(tokens, *instruct, *active),
                Rank.SHORT,
                "-instruct and the active size",
                True,
            )
    if "preview" in tokens:
        yield _without(tokens, "preview"), Rank.FILLED, "-preview", False
    # Mistral's -2512 and Qwen's -2507 name the release that the version number, or the word, names
    # already.
    if codes and has_version and known_id.developer == "mistral":
        yield _without(tokens, *codes, *active), Rank.SHORT, "the release code", False
        if instruct and has_size:
            yield (
                _without(tokens, *codes, *instruct),
                Rank.SHORT,
                "the release code and -instruct",
                True,
            )
    if (
        codes
        and has_version
        and known_id.developer == "alibaba"
        and ("thinking" in tokens or "instruct" in tokens)
    ):
        yield _without(tokens, *codes, *active), Rank.SHORT, "the release code", False
    if has_size and known_id.kind == "pinned":
        sizeless = tuple(t for t in tokens if not SIZE.fullmatch(t) and not ACTIVE.fullmatch(t))
        for short, drops_instruct in (
            (sizeless, False),
            (_without(sizeless, *_INSTRUCT), bool(instruct)),
        ):
            if len(short) > 2 and any(NUMBER.fullmatch(token) for token in short):
                yield short, Rank.SIZELESS, "the size", drops_instruct
    if "vision" in tokens and has_size:
        yield (
            _without(tokens, "vision", *instruct),
            Rank.SIZELESS,
            "-vision, which only this size has",
            bool(instruct),
        )
    if known_id.developer == "nvidia" and has_size:
        tier = tuple(token for token in tokens if token in ("nano", "super", "ultra"))
        if tier:
            yield _without(tokens, *tier), Rank.SIZELESS, "the tier word", False


def _day(text: str | None) -> date | None:
    """The day an ISO date or time names; None when there is none."""
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None


def _day_of_snapshot(known_id: KnownId) -> date | None:
    """The day a pinned id carries in its name."""
    for token in tokens_of(known_id.entity.partition("/")[2].lower()):
        if token[0] == "=" and len(token) == 9:
            return _day(f"{token[1:5]}-{token[5:7]}-{token[7:9]}")
    return None


def build_index(known_ids: Iterable[KnownId]) -> Index:
    """The index over `known_ids`; about 60 ms for the 1,326 ids of the catalogue."""
    index = Index()
    entries = list(known_ids)
    candidates_by_signature: dict[Signature, list[Candidate]] = defaultdict(list)
    pairs_by_word: dict[str, set[tuple[str, frozenset[str]]]] = defaultdict(set)
    families: dict[str, set[tuple[str, str]]] = defaultdict(set)
    squashes: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[KnownId]] = defaultdict(list)

    def enter(candidate: Candidate) -> None:
        if candidate.tokens:
            candidates_by_signature[signature(candidate.tokens)].append(candidate)

    for entry in entries:
        index.by_id[entry.id] = entry
        members[entry.line].append(entry)
        index.by_text.setdefault(entry.id.lower(), entry)
    # A slug or repository is an exact string only while one entity has it.
    for text_of in (
        lambda entry: (entry.slug,),
        lambda entry: entry.repositories,
        lambda entry: tuple(repo.rpartition("/")[2] for repo in entry.repositories),
        lambda entry: entry.aliases,
    ):
        owners: dict[str, list[KnownId]] = defaultdict(list)
        for entry in entries:
            for text in text_of(entry):
                owners[text.lower()].append(entry)
        for text, holders in owners.items():
            if len({entry.entity for entry in holders}) == 1:
                index.by_text.setdefault(text, holders[0])
    hosting_words = facts.SERVICE_OF_LLAMA | {
        word for service_words in facts.SERVICE_OF_HOST.values() for word in service_words
    }
    hosting_words |= facts.REASONING | facts.SERVICE | facts.SERVICE_OF_OPEN_WEIGHTS
    # A preview is not what an undated name means once the model is released.
    released_signatures = {
        signature(_undated(tokens_of(entry.slug.lower())))
        for entry in entries
        if "preview" not in entry.slug.lower()
    }
    tuned_entities = {
        entry.entity
        for entry in entries
        for repo in entry.repositories
        if "instruct" in repo.lower()
    }
    for entry in entries:
        spellings = _spellings(entry)
        for tokens, rank in spellings:
            enter(Candidate(entry, rank, tokens))
            for word in tokens:
                if word in hosting_words:
                    pairs_by_word[word].add((entry.developer, frozenset(tokens)))
                if CONTEXT.fullmatch(word) or word == "lightning":
                    families[word if word == "lightning" else "#context"].add(
                        (entry.developer, tokens[0])
                    )
            for short, short_rank, left_out, drops_instruct in _shortened(tokens, entry):
                if left_out == "-preview" and signature(short) in released_signatures:
                    continue
                enter(Candidate(entry, short_rank, short, left_out, drops_instruct))
        for text in (entry.slug, *entry.aliases):
            squashes[squash(text.lower())].add(entry.id)
        for pattern, sizes in facts.RESTATED_SIZES:
            if pattern.fullmatch(entry.id):
                for size in sizes:
                    for tokens, _rank in spellings:
                        with_size = (*tokens, *tokens_of(size))
                        enter(Candidate(entry, Rank.REPOSITORY, with_size))
                        enter(
                            Candidate(entry, Rank.FILLED, (*with_size, "instruct"), "its own size")
                        )
                        if "instruct" in tokens:
                            enter(
                                Candidate(
                                    entry,
                                    Rank.FILLED,
                                    _without(with_size, "instruct"),
                                    "-instruct",
                                    True,
                                )
                            )
        for name in entry.names:
            text = name.lower().replace("(latest)", "")
            tokens = tokens_of(text)
            if len(tokens) > 1:
                enter(
                    Candidate(
                        entry,
                        Rank.NAME,
                        tokens,
                        instruct_left_out=entry.entity in tuned_entities
                        and not set(_INSTRUCT) & set(tokens),
                        needs_developer=not _telling(tokens),
                        moving=text != name.lower(),
                    )
                )
                if "instruct" in tokens and _telling(_without(tokens, "instruct")):
                    enter(
                        Candidate(
                            entry, Rank.FILLED, _without(tokens, "instruct"), "-instruct", True
                        )
                    )
    for line, holders in members.items():
        tokens = tokens_of(line.partition("/")[2].lower())
        index.lines.setdefault(signature(tokens), line)
        if len({entry.entity for entry in holders}) == 1 and _telling(tokens):
            enter(
                Candidate(holders[0], Rank.LINE, tokens, "the snapshot, of which the line has one")
            )
    index.by_signature = {
        key: tuple(sorted(candidates, key=lambda candidate: candidate.rank))
        for key, candidates in candidates_by_signature.items()
    }
    index.families = {word: frozenset(pairs) for word, pairs in families.items()}
    index.dated = frozenset(
        entry.line
        for entry in entries
        if any(token[0] == "=" and len(token) == 9 for token in tokens_of(entry.slug.lower()))
    )
    index.coded = frozenset(
        entry.line
        for entry in entries
        if any(CODE.fullmatch(token) for token in tokens_of(entry.slug.lower()))
    )
    first: dict[str, date] = {}
    for entry in entries:
        if (day := _day(entry.released) or _day_of_snapshot(entry)) is not None:
            index.released[entry.id] = day
            first[entry.entity] = min(day, first.get(entry.entity, day))
    for entry in entries:
        if entry.entity in first:
            index.released.setdefault(entry.id, first[entry.entity])
    index.moving = frozenset(entry.entity for entry in entries if entry.kind != "pinned")
    index.pairs_by_word = {word: tuple(sets) for word, sets in pairs_by_word.items()}
    for text, ids in squashes.items():
        entities = {index.by_id[known_id].entity for known_id in ids}
        index.by_squash[text] = index.by_id[min(ids)] if len(entities) == 1 else None
    return index

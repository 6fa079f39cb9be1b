"""Resolves a raw string to a known ID, or to unknown.

The order is fixed: a user's decision; the exact string; the string without its wrapping; then for
each reading of the name the facts as they are, and then with one hosting remark after another
removed. At each stage every fact in the name must be accounted for; a name with anything
unrecognised (a date, a size, a version, an unknown word) is unknown and never resolved to a similar
ID.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from apps.catalog.identity.hosts import BY_SLUG, developer_slug, host_slug
from apps.catalog.identity.resolver import facts
from apps.catalog.identity.resolver.index import (
    Candidate,
    Index,
    KnownId,
    Rank,
    Signature,
    build_index,
    signature,
    squash,
)
from apps.catalog.identity.resolver.suggest import Suggestion, suggest
from apps.catalog.identity.resolver.tokens import (
    CODE,
    CONTEXT,
    NUMBER,
    SIZE,
    Tokens,
    sizes_of,
    tokens_of,
)
from apps.catalog.identity.resolver.unwrap import Unwrapped, unwrap

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result for one string.

    canonical: a known ID, or None. kind: pinned, alias, family or unknown. host: slug from HOSTS,
    taken from the string or the hint. confidence: 0..1, 0 when unknown. steps: explanation in
    words. line_hint: the line to which the string seems to belong if its snapshot, size or version
    is not known; never a match.
    """

    raw: str
    host_hint: str | None
    canonical: str | None
    kind: str
    host: str | None
    region: str | None
    variant: tuple[str, ...]
    confidence: float
    steps: tuple[str, ...]
    line_hint: str | None = None

    @property
    def why(self) -> str:
        """The steps as one sentence."""
        return "; ".join(self.steps)


@dataclass(frozen=True, slots=True)
class _Match:
    """A known ID found for some tokens, with the hosting remarks removed on the way."""

    known_id: KnownId
    confidence: float
    steps: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()


@dataclass(slots=True)
class _Context:
    """What the wrapping reveals about the name being looked up.

    developer: the developer of a vendor prefix. host_developer: the developer that runs the host,
    if any. certain: the developer's name was part of the model's own name. instruct: the name
    states that it is the instruct or chat model. base_weights: a bare name means base weights here.
    """

    host: str | None
    developer: str | None
    organisation: str
    host_developer: str | None
    text: str
    vendor_prefix: bool = False
    certain: bool = False
    instruct: bool = False
    base_weights: bool = field(init=False)

    def __post_init__(self) -> None:
        self.base_weights = self.host in facts.HOSTS_OF_BASE_WEIGHTS or (
            self.organisation in facts.ORGANISATIONS_OF_BASE_WEIGHTS
            and facts.BASE_NAMES.match(self.text) is not None
        )


_MODES = frozenset(facts.PAIRS.values())
_CONFIDENCE = {
    Rank.ID: 0.98,
    Rank.REPOSITORY: 0.97,
    Rank.NAME: 0.93,
    Rank.LINE: 0.88,
    Rank.FILLED: 0.86,
    Rank.SHORT: 0.8,
    Rank.SIZELESS: 0.75,
}
_FUSED = re.compile(r"([a-z]?)([1-9])([1-9])")
_TOKEN_COUNTS = frozenset(str(1 << exponent) for exponent in range(11, 21))
_LISTED_WITHIN_DAYS = 65
_TORN_SIZE = re.compile(r"\db")
_COMPACT_DATE = re.compile(r"(?<!\d)20\d{6}(?!\d)")
_SHORT_DATE = re.compile(r"(?<!\d)2[3-9]\d{4}(?!\d)")
# OpenRouter rewrites `claude-opus-4-7` as `claude-4.7-opus-<date of listing>`.
_TURNED_CLAUDE = re.compile(r"claude-[4-9](\.\d)?-[a-z]+-")
_FIRST = re.compile(r"^([a-z0-9.]+)[-_]+(?=.)")
_FIRST_TWO = re.compile(r"^([a-z0-9.]+[-_][a-z0-9.]+)[-_]+(?=.)")
# Developers for whose models some hosts add -instruct although the ID has none.
_INSTRUCT_OPTIONAL = frozenset({"microsoft", "mistral", "moonshotai", "nvidia", "meta", "tencent"})


def _split_fused_numbers(tokens: Tokens) -> Tokens:
    """Return the tokens with two fused digits read as a version number (`54`, `k25`), and a split
    size joined (`1`, `5b`)."""
    result: list[str] = []
    for token in tokens:
        if (match := _FUSED.fullmatch(token)) is not None:
            result.append(f"{match[1]}{match[2]}.{match[3]}")
        elif (
            result and _TORN_SIZE.fullmatch(token) and len(result[-1]) == 1 and result[-1].isdigit()
        ):
            result[-1] = f"{result[-1]}.{token}"
        else:
            result.append(token)
    return tuple(result)


class Resolver:
    """Finds the known ID that a string names.

    `decisions` maps (host slug or "", raw string in lower case) to the ID that a user chose, or to
    None for "not a model"; it takes precedence over every rule. Building takes some tens of
    milliseconds; `resolve` keeps no state.
    """

    def __init__(
        self,
        known_ids: Iterable[KnownId],
        decisions: Mapping[tuple[str, str], str | None] | None = None,
    ) -> None:
        self.index: Index = build_index(known_ids)
        self._decisions = dict(decisions or {})
        self._facts: dict[tuple[str, Signature], KnownId | None] = {}
        for host, text, target in facts.NAMES:
            if target is None:
                self._facts[host, signature(tokens_of(text))] = None
            elif (entry := self.index.by_id.get(target)) is not None:
                self._facts[host, signature(tokens_of(text))] = entry

    def resolve(self, raw: str, host_hint: str | None = None) -> Resolution:
        """Return the known ID that `raw` names on the host `host_hint`, with the reasons; 20-100
        microseconds."""
        lower = raw.strip().lower()
        hint = host_slug(host_hint) if host_hint else None
        key = self._find_decision(lower, host_hint, hint)
        if key is not None:
            return self._build_from_decision(raw, host_hint, hint, self._decisions[key])
        name_parts = unwrap(raw, host_hint)
        if name_parts.closed:
            return self._build_unresolved(raw, host_hint, name_parts, ())
        exact = self._match_verbatim(lower, name_parts)
        if exact is not None:
            return self._build_resolution(raw, host_hint, name_parts, exact)
        match = self._search(name_parts)
        if match is not None and not self._is_everyday(match, name_parts):
            return self._build_resolution(raw, host_hint, name_parts, match)
        return self._build_unresolved(raw, host_hint, name_parts, tokens_of(name_parts.names[0]))

    def is_decided(self, raw: str, host_hint: str | None = None) -> bool:
        """Return whether a user decided what `raw` is, at this host or at every host."""
        hint = host_slug(host_hint) if host_hint else None
        return self._find_decision(raw.strip().lower(), host_hint, hint) is not None

    def _find_decision(
        self, lower: str, host_hint: str | None, hint: str | None
    ) -> tuple[str, str] | None:
        """Return the key of the decision about a string; None if there is none."""
        if not self._decisions:
            return None
        # a decision can be for a host that is not in the table
        for host in dict.fromkeys((hint or "", (host_hint or "").strip().lower(), "")):
            if (host, lower) in self._decisions:
                return host, lower
        return None

    def suggest(self, raw: str, host_hint: str | None = None, limit: int = 5) -> list[Suggestion]:
        """Return IDs similar to `raw` for a user to choose from, best first."""
        return suggest(self.index.by_id, raw, host_hint, limit)

    # --- results ----------------------------------------------------------------------------------

    def _build_from_decision(
        self, raw: str, hint: str | None, host: str | None, choice: str | None
    ) -> Resolution:
        entry = self.index.by_id.get(choice) if choice else None
        if entry is None:
            step = "a user decided that this is not a known model"
            return Resolution(raw, hint, None, UNKNOWN, host, None, (), 0.0, (step,))
        step = f"a user decided that this is {entry.id}"
        return Resolution(raw, hint, entry.id, entry.kind, host, None, (), 1.0, (step,))

    @staticmethod
    def _build_resolution(
        raw: str, hint: str | None, name_parts: Unwrapped, match: _Match
    ) -> Resolution:
        """Return the result for a name that identifies the model of `match`, with the steps of
        unwrapping and matching."""
        variant = tuple(dict.fromkeys((*name_parts.variant, *match.variant)))
        return Resolution(
            raw=raw,
            host_hint=hint,
            canonical=match.known_id.id,
            kind=match.known_id.kind,
            host=name_parts.host,
            region=name_parts.region,
            variant=variant,
            confidence=round(match.confidence, 2),
            steps=(*name_parts.steps, *match.steps),
        )

    def _build_unresolved(
        self, raw: str, hint: str | None, name_parts: Unwrapped, tokens: Tokens
    ) -> Resolution:
        """Return the result for a name that identifies no model, with the line (such as a model
        family) that part of the name suggests, if any."""
        line = None if name_parts.closed else self._line_hint(tokens, name_parts.developer)
        steps = list(name_parts.steps)
        if line is not None:
            steps.append(
                f"part of the name is the line {line}, the rest (a date, size, version or "
                "word) is unknown"
            )
        elif not name_parts.closed:
            steps.append("no known id has this name")
        return Resolution(
            raw,
            hint,
            None,
            UNKNOWN,
            name_parts.host,
            name_parts.region,
            tuple(name_parts.variant),
            0.0,
            tuple(steps),
            line,
        )

    def _line_hint(self, tokens: Tokens, developer: str | None) -> str | None:
        """Return the line that is the longest prefix of the name, if there is one."""
        for end in range(len(tokens), 1, -1):
            short = tokens[:end]
            line = self.index.lines.get(signature(short))
            if line is None and (match := self.index.by_signature.get(signature(short))):
                line = match[0].known_id.line
            if line is not None and (developer is None or line.startswith(developer + "/")):
                return line
        return None

    # --- exact strings ----------------------------------------------------------------------------

    def _match_verbatim(self, lower: str, name_parts: Unwrapped) -> _Match | None:
        """Return the ID, alias or repository that equals the string."""
        entry = self.index.by_text.get(lower)
        if entry is None:
            return None
        text = lower.rpartition("/")[2]
        tokens_signature = signature(tokens_of(text))
        if name_parts.host and (name_parts.host, tokens_signature) in self._facts:
            return None
        match = _Match(entry, 1.0, (f"the string is exactly {entry.id}",))
        if not self._is_everyday(match, name_parts, lower):
            return match
        return None if name_parts.host == "azure" else replace(match, confidence=0.6)

    def _is_everyday(self, match: _Match, name_parts: Unwrapped, lower: str = "") -> bool:
        """Return whether a match of one plain word is doubtful: without its developer, the word
        might be the freely chosen name of a deployment."""
        name = lower or (name_parts.names[0] if name_parts.names else "")
        if not name.isalpha() or name_parts.developer == match.known_id.developer:
            return False
        host_developer = BY_SLUG[name_parts.host].developer if name_parts.host in BY_SLUG else None
        if host_developer == match.known_id.developer:
            return False
        return name in facts.EVERYDAY_WORDS or name_parts.host == "azure"

    # --- search -----------------------------------------------------------------------------------

    def _search(self, name_parts: Unwrapped) -> _Match | None:
        """Return the match of the first reading of the name that has one; None if there is none, or
        if a documented fact states that the name is no single version. If no reading fits token by
        token, the first name is compared by letters and digits alone."""
        host_developer = BY_SLUG[name_parts.host].developer if name_parts.host in BY_SLUG else None
        for name in name_parts.names:
            for text, developer, steps in self._strip_prefixes(name, name_parts.host, 2):
                if facts.NO_SINGLE_VERSION.fullmatch(text):
                    return None
                tokens = tokens_of(text)
                if not tokens:
                    continue
                context = _Context(
                    name_parts.host,
                    developer or name_parts.developer,
                    name_parts.organisation,
                    host_developer,
                    text,
                    vendor_prefix=name_parts.developer is not None and not name_parts.dotted,
                    certain=developer is not None,
                )
                match = self._look_up(tokens, context)
                if match == "blocked":
                    return None
                if isinstance(match, _Match):
                    return replace(match, steps=(*steps, *match.steps))
        for name in name_parts.names[:1]:
            for text, developer, steps in self._strip_prefixes(name, name_parts.host, 2):
                entry = self._match_squashed(text, name_parts.host)
                if entry is not None and developer in (None, entry.developer):
                    step = f"letters and digits are those of {entry.id}, written in one"
                    return _Match(entry, 0.84, (*steps, step))
        return None

    def _strip_prefixes(
        self, name: str, host: str | None, depth: int
    ) -> Iterator[tuple[str, str | None, tuple[str, ...]]]:
        """Yield (text, developer, steps) for `name`, and for `name` without prefixes of a host or
        developer."""
        yield name, None, ()
        if depth == 0:
            return
        hosts_word = host.partition("-")[0] if host else ""
        for pattern in (_FIRST, _FIRST_TWO):
            match = pattern.match(name)
            if match is None:
                return
            head = match.group(1).replace("_", "-")
            remainder = name[match.end() :]
            is_repeated = remainder.startswith(head)
            developer = (
                developer_slug(head) if head in facts.DEVELOPER_PREFIXES or is_repeated else None
            )
            head_host = host_slug(head)
            if (
                developer is None
                and head not in facts.DEVELOPER_PREFIXES
                and head not in facts.HOST_PREFIXES
                and head != hosts_word
                and (head_host is None or BY_SLUG[head_host].developer is not None)
            ):
                continue
            step = (
                f"{head} in front is the developer"
                if developer
                else f"{head} in front is a prefix of the host"
            )
            for text, inner_developer, steps in self._strip_prefixes(remainder, host, depth - 1):
                yield text, inner_developer or developer, (step, *steps)

    def _look_up(self, tokens: Tokens, context: _Context) -> _Match | str | None:
        """Look up `tokens` as they are, then with the family name added, then with fused decimals
        split."""
        match = self._find_without_remarks(tokens, context)
        if match is not None:
            return match
        for completed_tokens, step in self._add_family(tokens, context):
            match = self._find_without_remarks(completed_tokens, context)
            if match is not None:
                return self._with_step(match, step, 0.03)
        split_tokens = _split_fused_numbers(tokens)
        if split_tokens != tokens:
            match = self._find_without_remarks(split_tokens, context)
            if match is not None:
                return self._with_step(match, "two digits in one are a version number", 0.04)
        return self._match_pair(tokens, context) or self._match_listing(tokens, context)

    def _match_pair(self, tokens: Tokens, context: _Context) -> _Match | None:
        """Match a version number and a release code that mean the same release
        (`mistral-medium-3-1-2508`)."""
        codes = tuple(token for token in tokens if CODE.fullmatch(token))
        numbers = tuple(token for token in tokens if NUMBER.fullmatch(token) and token not in codes)
        if len(codes) != 1 or len(numbers) != 1:
            return None
        by_code = self._find_without_remarks(
            tuple(token for token in tokens if token != numbers[0]), context
        )
        by_number = self._find_without_remarks(
            tuple(token for token in tokens if token != codes[0]), context
        )
        if not isinstance(by_code, _Match) or not isinstance(by_number, _Match):
            return None
        if by_code.known_id.entity != by_number.known_id.entity:
            return None
        step = f"{numbers[0]} and {codes[0]} both mean {by_code.known_id.id}"
        return replace(by_code, steps=(*by_code.steps, step), confidence=by_code.confidence - 0.05)

    @staticmethod
    def _with_step(match: _Match | str, step: str, doubt: float) -> _Match | str:
        if isinstance(match, str):
            return match
        return replace(match, steps=(step, *match.steps), confidence=match.confidence - doubt)

    @staticmethod
    def _add_family(tokens: Tokens, context: _Context) -> Iterator[tuple[Tokens, str]]:
        """Yield (tokens with the family name in front, step), where developer or tier of Claude
        imply the family."""
        if (
            "claude" not in tokens
            and facts.CLAUDE_TIERS & set(tokens)
            and any(NUMBER.fullmatch(t) for t in tokens)
        ):
            if context.developer in (None, "anthropic"):
                yield ("claude", *tokens), "a tier with a version is Claude"
            return
        developer = context.developer or context.host_developer
        if developer and tokens[0][-1:].isdigit() and not SIZE.fullmatch(tokens[0]):
            for family in facts.FAMILY_NAMES.get(developer, ()):
                yield (family, *tokens), f"{developer} makes the family {family}"

    def _match_squashed(self, text: str, host: str | None) -> KnownId | None:
        """Return the one known ID with the same letters and digits, unless the spellings have
        different sizes."""
        candidates = [text]
        for short, long in facts.ABBREVIATIONS.get(host or "", ()):
            if text.startswith(short):
                candidates.append(long + text[len(short) :])
            stem, _, suffix = candidates[-1].rpartition("-")
            if stem and suffix in facts.SERVICE:
                candidates.append(stem)
        for candidate in candidates:
            entry = self.index.by_squash.get(squash(candidate))
            if entry is not None and sizes_of(tokens_of(candidate)) == sizes_of(
                tokens_of(entry.slug.lower())
            ):
                return entry
        return None

    # --- removing hosting remarks -----------------------------------------------------------------

    def _find_without_remarks(self, tokens: Tokens, context: _Context) -> _Match | str | None:
        """Look up the tokens; while there is no match, remove one hosting remark and look up
        again."""
        removed_words: list[str] = []
        steps: list[str] = []
        doubt = 0.0
        context.instruct = "instruct" in tokens or "chat" in tokens
        while tokens:
            match = self._find(tokens, context)
            if match == "blocked":
                return match
            if isinstance(match, _Match):
                if removed_words and not self._may_drop(removed_words, tokens, match, context):
                    return None
                variant = tuple(
                    reversed(
                        [
                            word
                            for word in removed_words
                            if word not in ("latest", "instruct", "chat")
                        ]
                    )
                )
                return replace(
                    match,
                    steps=(*steps, *match.steps),
                    variant=variant,
                    confidence=match.confidence - doubt,
                )
            removal = self._remove_remark(tokens, context)
            if removal is None:
                return None
            tokens, word, step = removal
            removed_words.append(word)
            steps.append(step)
            if not facts.FORMAT.fullmatch(word):
                doubt += 0.02
        return None

    @staticmethod
    def _remove_remark(tokens: Tokens, context: _Context) -> tuple[Tokens, str, str] | None:
        """Return (tokens without one hosting remark, the removed word, step); None if there is no
        remark."""
        for position in range(len(tokens) - 1, 0, -1):
            if facts.FORMAT.fullmatch(tokens[position]):
                remaining = tokens[:position]
                after = tokens[position + 1 :]
                if after and facts.FORMAT.fullmatch(after[0]):
                    after = after[1:]
                if after[:2] == ("mixed", "ar"):
                    after = after[2:]
                # Letters after GGUF's q4 (k, m) belong to the format.
                if re.fullmatch(r"i?q\d", tokens[position]):
                    while after and after[0] in ("k", "m", "s", "l", "xl", "xs", "xxs"):
                        after = after[1:]
                return (
                    (*remaining, *after),
                    tokens[position],
                    f"{tokens[position]} is a number format",
                )
        if len(tokens) < 2:
            return None
        last = tokens[-1]
        if len(tokens) > 2 and (pair := facts.PAIRS.get((tokens[-2], last))):
            return tokens[:-2], pair, f"{pair} is a mode"
        if (
            last in facts.SERVICE
            or last in facts.SERVICE_OF_OPEN_WEIGHTS
            or last in facts.SERVICE_OF_LLAMA
            or last in facts.SERVICE_OF_HOST.get(context.host or "", ())
        ):
            return tokens[:-1], last, f"-{last} is how the host serves it"
        if last in facts.REASONING:
            return tokens[:-1], last, f"-{last} is a mode of a hybrid model"
        if last in facts.EFFORT:
            return tokens[:-1], last, f"-{last} is an effort"
        if last[0] == "=" and tokens[-2] in facts.EFFORT:
            return (*tokens[:-2], last), tokens[-2], f"-{tokens[-2]} is an effort"
        if CONTEXT.fullmatch(last) or last in _TOKEN_COUNTS:
            return tokens[:-1], last, f"-{last} is a context length"
        if last == "latest":
            return tokens[:-1], last, "-latest of a moving name is that name"
        if "instruct" in tokens[1:]:
            position = tokens.index("instruct", 1)
            return (
                (*tokens[:position], *tokens[position + 1 :]),
                "instruct",
                "-instruct adds nothing here",
            )
        if "chat" in tokens[1:-1] and NUMBER.fullmatch(tokens[tokens.index("chat", 1) + 1]):
            position = tokens.index("chat", 1)
            return (*tokens[:position], *tokens[position + 1 :]), "chat", "-chat adds nothing here"
        if len(tokens) > 2 and last in ("beta", "preview") and tokens[-2] in ("fast", "turbo"):
            return (*tokens[:-2], last), tokens[-2], f"-{tokens[-2]} is how the host serves it"
        return None

    def _may_drop(
        self, removed_words: list[str], tokens: Tokens, match: _Match, context: _Context
    ) -> bool:
        """Return whether the removed words can be hosting remarks for the matched model."""
        known_id, remaining, first_token = match.known_id, frozenset(tokens), tokens[0]
        for word in removed_words:
            for developer, spelling in self.index.pairs_by_word.get(word, ()):
                if (
                    developer == known_id.developer
                    and word not in remaining
                    and remaining | {word} <= spelling
                ):
                    return False
            if word == "fast" and facts.FAST_IS_A_MODEL.match(known_id.id):
                return False
            if (
                word in facts.SERVICE_OF_OPEN_WEIGHTS
                and not known_id.repositories
                and known_id.developer != "meta"
            ):
                return False
            if word in facts.SERVICE_OF_LLAMA and not known_id.id.startswith("meta/llama-3"):
                return False
            if (known_id.developer, first_token) in self.index.families.get(word, ()):
                return False
            if word in facts.EFFORT and known_id.developer not in facts.DEVELOPERS_WITH_EFFORT:
                return False
            # If a family is sold by context length, the length is part of the identity.
            if (CONTEXT.fullmatch(word) or word.isdigit()) and (
                (known_id.developer, first_token) in self.index.families.get("#context", ())
                or match.confidence < 0.8
            ):
                return False
            if word == "latest" and not self._is_moving_name(remaining, known_id, context):
                return False
            if (word in facts.REASONING or word in _MODES) and (
                facts.NOT_HYBRID.match(known_id.id) or facts.MODE_IS_A_MODEL.match(known_id.id)
            ):
                return False
            if word == "instruct" and known_id.developer not in _INSTRUCT_OPTIONAL:
                return False
            if word == "chat" and known_id.developer != "deepseek":
                return False
        return True

    def _is_moving_name(
        self, remaining: frozenset[str], known_id: KnownId, context: _Context
    ) -> bool:
        """Return whether `known_id`-latest is `known_id`: a moving name of its own developer, or a
        name with a single version."""
        if known_id.developer == "openai":
            return False
        if known_id.kind == "pinned":
            return known_id.entity in self.index.moving
        return known_id.developer == context.host_developer or any(
            NUMBER.fullmatch(token) for token in remaining
        )

    # --- one lookup -------------------------------------------------------------------------------

    def _find(self, tokens: Tokens, context: _Context) -> _Match | str | None:
        """Return the known ID with exactly these facts; "blocked" if a documented fact states that
        the name is no single version."""
        tokens_signature = signature(tokens)
        for host in (context.host or "", ""):
            if (host, tokens_signature) in self._facts:
                entry = self._facts[host, tokens_signature]
                if entry is None:
                    return "blocked"
                return _Match(entry, 0.9, (f"documented: {' '.join(tokens)} is {entry.id}",))
        match = self._choose_best(
            self.index.by_signature.get(tokens_signature, ()), tokens, context
        )
        if match is None and "latest" not in tokens and (len(tokens) > 1 or context.developer):
            latest = (*tokens, "latest")
            candidates = self.index.by_signature.get(signature(latest), ())
            match = self._choose_best(
                tuple(c for c in candidates if c.rank is Rank.ID), latest, context
            )
            if match is not None:
                return replace(
                    match,
                    steps=(f"undated, so the moving name {match.known_id.id}",),
                    confidence=match.confidence - 0.1,
                )
        return match

    def _choose_best(
        self, candidates: tuple[Candidate, ...], tokens: Tokens, context: _Context
    ) -> _Match | None:
        """Return the match with the best of these candidates; None if none fits, or if several of
        the best rank are different models and only a guess could choose between them. Candidates
        are ordered by rank.

        The confidence starts at that of the rank and falls with each difference from the name."""
        matches = [candidate for candidate in candidates if self._fits(candidate, tokens, context)]
        if not matches:
            return None
        rank = matches[0].rank
        group = [candidate for candidate in matches if candidate.rank is rank]
        made_by = context.developer or context.host_developer
        if made_by is not None and len(group) > 1:
            group = [c for c in group if c.known_id.developer == made_by] or group
        group = [c for c in group if c.tokens == tokens] or group
        if len({candidate.known_id.entity for candidate in group}) > 1:
            group = self._choose_by_name(group) if rank is Rank.NAME else []
            if not group:
                return None
        best = min(
            group,
            key=lambda c: (
                c.known_id.slug.lower() != context.text,
                c.known_id.same_as != c.known_id.id,
                c.known_id.id,
            ),
        )
        known_id = best.known_id
        confidence = _CONFIDENCE[rank]
        if best.tokens != tokens:
            confidence -= 0.02
        if context.developer is not None and known_id.developer != context.developer:
            confidence -= 0.08
        if rank <= Rank.REPOSITORY:
            step = f"the facts {' '.join(tokens)} are those of {known_id.id}"
        elif rank is Rank.NAME:
            step = f"this is the display name of {known_id.id}"
        else:
            step = f"{known_id.id} without {best.left_out}, and nothing else fits"
        return _Match(known_id, confidence, (step,))

    @staticmethod
    def _choose_by_name(group: list[Candidate]) -> list[Candidate]:
        """Choose among several IDs with one display name in one line: the moving one, otherwise the
        only pinned one."""
        lines = {candidate.known_id.line for candidate in group if not candidate.moving}
        if len(lines) != 1:
            return []
        aliases = [c for c in group if c.moving and c.known_id.line in lines]
        pinned_ids = [c for c in group if c.known_id.kind == "pinned" and c.known_id.line in lines]
        if aliases:
            return aliases
        return (
            pinned_ids if len({candidate.known_id.entity for candidate in pinned_ids}) == 1 else []
        )

    @staticmethod
    def _fits(candidate: Candidate, tokens: Tokens, context: _Context) -> bool:
        if candidate.instruct_left_out and context.base_weights and not context.instruct:
            return False
        if candidate.needs_developer and candidate.known_id.developer not in (
            context.developer,
            context.host_developer,
        ):
            return False
        if context.developer is None or candidate.known_id.developer == context.developer:
            return True
        # Another vendor's prefix, that is a gateway's label or a re-uploader: then the name alone
        # must identify the model.
        return candidate.rank <= Rank.REPOSITORY and len(tokens) > 1 and not context.certain

    # --- dates of listing -------------------------------------------------------------------------

    def _match_listing(self, tokens: Tokens, context: _Context) -> _Match | str | None:
        """Match a name with the date on which a router or Volcengine listed the model, which is no
        snapshot date."""
        dates = [token for token in tokens if token[0] == "=" and len(token) == 9]
        has_listing_dates = context.host in facts.HOSTS_WITH_LISTING_DATES
        if not dates:
            return self._match_listing_code(tokens, context) if has_listing_dates else None
        day = dates[0]
        remaining = tuple(token for token in tokens if token != day)
        is_short_date = (
            _SHORT_DATE.search(context.text) is not None and context.developer != "bytedance"
        )
        is_dated_slug = (
            context.host is None
            and context.vendor_prefix
            and _COMPACT_DATE.search(context.text) is not None
            and (context.developer != "anthropic" or _TURNED_CLAUDE.match(context.text) is not None)
        )
        if not (has_listing_dates or is_short_date or is_dated_slug):
            return None
        match = self._find_without_remarks(remaining, context)
        if not isinstance(match, _Match):
            return match
        if is_short_date and match.known_id.developer == "bytedance":
            return None
        if match.known_id.line in self.index.dated and not _TURNED_CLAUDE.match(context.text):
            # Snapshots of this line are named by their date, and none has this date.
            return None
        if match.known_id.kind == "pinned" or is_short_date:
            match_by_code = self._find_without_remarks((*remaining, day[5:]), context)
            if (
                isinstance(match_by_code, _Match)
                and match_by_code.known_id.kind == "pinned"
                and match_by_code.known_id.developer == match.known_id.developer
            ):
                return self._with_step(match_by_code, f"{day[1:]} is the snapshot {day[5:]}", 0.04)
        if not self._is_plausible_listing(day, match.known_id):
            return None
        return self._with_step(match, f"{day[1:]} is the day of listing, not a snapshot", 0.1)

    def _is_plausible_listing(self, day: str, known_id: KnownId) -> bool:
        """Return whether a listing on `day` ("=YYYYMMDD") fits the release date of the model; True
        if that is unknown.

        Routers list a model within weeks of its release; some of their dates have the wrong year.
        """
        released_on = self.index.released.get(known_id.id)
        if released_on is None:
            return True
        try:
            listed_on = date.fromisoformat(day[1:])
            gap_days = (listed_on - released_on).days
            is_same_day = (listed_on.month, listed_on.day) == (released_on.month, released_on.day)
        except ValueError:
            return False
        return abs(gap_days) <= _LISTED_WITHIN_DAYS or is_same_day

    def _match_listing_code(self, tokens: Tokens, context: _Context) -> _Match | str | None:
        """Match a name that ends with a four-digit code: month and year of the release, if its
        halves swapped identify a model, otherwise the day of listing. None if neither is
        plausible."""
        code = tokens[-1]
        if not CODE.fullmatch(code):
            return None
        swapped_match = self._find_without_remarks((*tokens[:-1], code[2:] + code[:2]), context)
        if isinstance(swapped_match, _Match):
            return self._with_step(swapped_match, f"{code} is month and year of the release", 0.08)
        match = self._find_without_remarks(tokens[:-1], context)
        if (
            not isinstance(match, _Match)
            or match.known_id.kind != "pinned"
            or not match.known_id.repositories
        ):
            return None
        if match.known_id.line in self.index.coded or not self._is_plausible_code(
            code, match.known_id
        ):
            return None
        return self._with_step(match, f"{code} is the day of listing, not a snapshot", 0.1)

    def _is_plausible_code(self, code: str, known_id: KnownId) -> bool:
        """Return whether four digits, as month and day or as year and month, fit the release date;
        True if that is unknown."""
        released_on = self.index.released.get(known_id.id)
        if released_on is None or code == f"{released_on:%y%m}":
            return True
        try:
            listed_on = released_on.replace(month=int(code[:2]), day=int(code[2:]))
        except ValueError:
            return False
        return abs((listed_on - released_on).days) <= _LISTED_WITHIN_DAYS

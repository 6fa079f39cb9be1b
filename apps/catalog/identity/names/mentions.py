"""Finds the names of models in the words of a text: a family, and the facts that belong to it.

The text arrives with blanks of a private mark where hosts, products, regions, dates and counts were
read already. A fact belongs to a family if it is a number, a word of the family's names or a tier,
and nothing but small words, brackets or a comma is between.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.phrases import CONNECTORS, JOINED_NOISE, NOISE, ROLE
from apps.catalog.identity.names.vocabulary import EVERYDAY, SYNONYMS, TIERS, is_number
from apps.catalog.identity.resolver.facts import EFFORT, FORMAT, SERVICE_OF_LLAMA, words
from apps.catalog.identity.resolver.tokens import tokens_of

FIRST_MARK = 0xE000
_ITEM = re.compile(r"[a-z0-9][a-z0-9._-]*|[\ue000-\uf8ff]|[^\sa-z0-9]")
_LIST_MARKS = frozenset("/+&|;→")
_LIST_WORDS = words(
    """
    and und et y e i oraz sowie or oder ou o lub bzw respectively resp then
    """
)
_OTHER_FAMILY = frozenset({"code", "tiny", "open"})
_OTHER_NAMES = frozenset({("labs", "devstral")})
_DOUBLED = re.compile(r"(.)\1")
_CORRECTABLE = re.compile(r"[a-z]{3,12}")


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a word; `joined`: with the token before it in one word; `pure`: the word has
    nothing but numbers, tiers and small words."""

    text: str
    start: int
    end: int
    joined: bool
    pure: bool


@dataclass(slots=True)
class Segment:
    """A part of a list: `mark` is the separator before it, `items` are tokens and other signs."""

    mark: str
    start: int
    end: int = 0
    items: list[Token | str] = field(default_factory=list)


@dataclass(slots=True)
class Mention:
    """A name in the text: its tokens in their order, and its position.

    strange: words joined to the name that belong to no family. distant: words of a tier that stand
    farther away. before: numbers and tiers in front of the name. optional: small words beside the
    name that are also words of the family. corrected: a word was misspelt.
    """

    anchor: str
    tokens: list[str]
    start: int
    end: int
    segment: int
    strange: list[str] = field(default_factory=list)
    distant: list[str] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    optional: list[str] = field(default_factory=list)
    corrected: bool = False


@dataclass(slots=True)
class Scan:
    """What the words of a text are: mentions, fragments without a family (by segment), and
    unknown words."""

    segments: list[Segment]
    mentions: list[Mention]
    fragments: dict[int, list[str]]
    unknown_words: dict[int, list[str]]


def split_segments(masked: str) -> list[Segment]:
    """Return the parts of the text between commas, slashes, plus signs, arrows and small words such
    as "and"."""
    segments = [Segment("", 0)]
    for match in _ITEM.finditer(masked):
        text = match.group()
        if not (text[0].isascii() and text[0].isalnum()):
            if text in _LIST_MARKS or text == ",":
                segments[-1].end = match.start()
                segments.append(Segment(text, match.end()))
            else:
                segments[-1].items.append(text)
            continue
        text = text.rstrip("._-")
        if text in _LIST_WORDS and segments[-1].items:
            segments[-1].end = match.start()
            segments.append(Segment("and", match.end()))
            continue
        start = match.start()
        joined = start > 0 and masked[start - 1] in "-_"
        tokens = _split(text)
        pure = all(is_number(token) or token in TIERS or token in NOISE for token in tokens)
        for token in tokens:
            segments[-1].items.append(Token(token, start, match.start() + len(text), joined, pure))
            joined = True
    segments[-1].end = len(masked)
    return segments


@lru_cache(maxsize=16384)
def _split(text: str) -> tuple[str, ...]:
    return tuple(SYNONYMS.get(token, token) for token in tokens_of(text))


class MentionFinder:
    """Finds mentions with the vocabulary of families."""

    def __init__(self, families: Families) -> None:
        self._families = families
        self._spellings = sorted(
            word
            for word in families.anchors
            if len(word) >= 4
            and word.isalpha()
            and (word not in EVERYDAY or word in ("mistral", "whisper"))
        )
        self._corrections: dict[str, str] = {}

    def scan(self, masked: str) -> Scan:
        """Return the mentions, fragments and unknown words of the masked text."""
        segments = split_segments(masked)
        scan = Scan(segments, [], {}, {})
        for number, segment in enumerate(segments):
            self._scan_segment(number, segment, scan)
        return scan

    def _scan_segment(self, number: int, segment: Segment, scan: Scan) -> None:
        items = segment.items
        current: Mention | None = None
        gap = False  # a word that belongs to nothing is between the name and here
        after_dash = False  # `Ministral 8B - Edge-Box Filiale`: a word of its own after the name
        fragment: list[str] = []
        unknown: list[str] = []
        found: list[Mention] = []
        position = 0
        while position < len(items):
            item = items[position]
            if isinstance(item, str):
                if item in "([":
                    gap = False
                after_dash = item == "-"
                position += 1
                continue
            after = self._next_token(items, position)
            token = item
            if self._starts(token, after, current, gap):
                current = self._begin(token, number, found, fragment, items, position)
                found.append(current)
                gap = False
                position += 1
                continue
            word = token.text
            if after_dash and current is not None and not token.pure and word in TIERS:
                gap = True
                unknown.append(word)
                position += 1
                continue
            after_dash = after_dash and token.joined
            if current is not None and self._belongs(token, current.anchor):
                if not gap:
                    current.tokens.append(word)
                    current.end = token.end
                elif word in TIERS and not is_number(word):
                    current.distant.append(word)
            elif FORMAT.fullmatch(word):
                pass
            elif word in CONNECTORS:
                if current is not None and not gap and self._is_of_family(word, current):
                    current.optional.append(word)
            elif current is not None and not gap and token.joined:
                corrected = self._correct(word, current.anchor)
                if corrected:
                    current.tokens.append(corrected)
                    current.corrected = True
                    current.end = token.end
                elif word not in JOINED_NOISE:
                    current.strange.append(word)
                else:
                    gap = True
            elif word in NOISE or word in JOINED_NOISE or ROLE.fullmatch(word):
                if current is not None and not gap and self._is_of_family(word, current):
                    current.optional.append(word)
                    position += 1
                    continue
                gap = True
                if token.joined and current is None:
                    unknown.append(word)
            elif current is not None and not gap and (fixed := self._correct(word, current.anchor)):
                current.tokens.append(fixed)
                current.corrected = True
                current.end = token.end
            elif current is None and token.pure and (is_number(word) or word in TIERS):
                fragment.append(word)
            else:
                gap = True
                if not is_number(word):
                    unknown.append(word)
            position += 1
        scan.mentions.extend(found)
        if fragment and not found:
            scan.fragments[number] = fragment
        elif fragment:
            found[0].distant += [word for word in fragment if word in TIERS]
            found[0].before = fragment
        scan.unknown_words[number] = unknown

    @staticmethod
    def _next_token(items: list[Token | str], position: int) -> str:
        for item in items[position + 1 : position + 3]:
            if isinstance(item, Token):
                return item.text
            if item not in "([-:":
                return ""
        return ""

    def _starts(self, token: Token, after: str, current: Mention | None, gap: bool) -> bool:
        """Return whether a token starts a name: it is the name of a family, and not a further word
        of the name before it."""
        if not self._families.is_anchor(token.text, after):
            return False
        if current is None or gap:
            return True
        if token.text == current.anchor:
            return token.text not in current.tokens[1:] and len(current.tokens) > 1
        return token.text not in self._families.words_of(current.anchor)

    def _begin(
        self,
        token: Token,
        number: int,
        found: list[Mention],
        fragment: list[str],
        items: list[Token | str],
        position: int,
    ) -> Mention:
        """Return the mention that starts at a token, with the facts directly before it."""
        before: list[str] = []
        strange: list[str] = []
        family_words = self._families.words_of(token.text)
        start = token.start
        expects_joined = token.joined
        index = position - 1
        while index >= 0 and isinstance(previous := items[index], Token):
            if found and previous.end <= found[-1].end:
                break
            word = previous.text
            near = expects_joined
            is_fact = word in family_words and (word in TIERS or near) and word != token.text
            is_generation = is_number(word) and (near or token.text in ("sonnet", "opus", "haiku"))
            if is_fact or is_generation:
                before.insert(0, word)
                start = previous.start
                if word in fragment:
                    fragment.remove(word)
            elif (word in _OTHER_FAMILY or (word, token.text) in _OTHER_NAMES) and not near:
                strange.append(word)  # Code Llama is not Llama
                break
            elif near and not FORMAT.fullmatch(word):
                if word not in NOISE and word not in JOINED_NOISE and word not in CONNECTORS:
                    strange.append(word)
                start = previous.start
            else:
                break
            expects_joined = previous.joined
            index -= 1
        return Mention(token.text, [token.text, *before], start, token.end, number, strange)

    def _is_of_family(self, word: str, mention: Mention) -> bool:
        return word in self._families.words_of(mention.anchor)

    def _belongs(self, token: Token, anchor: str) -> bool:
        """Return whether a token can be a fact of a name of the family."""
        word = token.text
        if word in NOISE and not token.joined:
            return False
        if is_number(word) or word in TIERS:
            return True
        if word in SERVICE_OF_LLAMA and anchor == "llama":
            return True
        if word in EFFORT and token.joined:
            return True  # the resolver knows whose models have an effort
        return word in self._families.words_of(anchor)

    # --- misspelt words ---------------------------------------------------------------------------

    def correct_anchors(self, masked: str) -> str:
        """Return the text with misspelt names of families corrected, where exactly one is one slip
        away; of the same length if nothing was corrected."""

        def replace(match: re.Match[str]) -> str:
            word = match.group()
            if (
                word in NOISE
                or word in TIERS
                or word in CONNECTORS
                or word in self._families.anchors
            ):
                return word
            return self._correct_anchor(word) or word

        return re.sub(r"(?<![a-z])[a-z]{3,12}(?![a-z])", replace, masked)

    def _correct_anchor(self, word: str) -> str:
        if word not in self._corrections:
            if word in ("gtp", "gpr", "gbt"):
                fixed = "gpt" if word != "gpr" else ""
            else:
                near = [each for each in self._spellings if _is_slip(word, each)]
                fixed = near[0] if len(near) == 1 else ""
            if len(self._corrections) < 50_000:
                self._corrections[word] = fixed
            return fixed
        return self._corrections[word]

    def _correct(self, word: str, anchor: str) -> str:
        """Return the only word of the family's names that is one slip away; empty if none is."""
        if not _CORRECTABLE.fullmatch(word) or len(word) < 4 or word in NOISE or word in CONNECTORS:
            return ""
        near = [
            each
            for each in self._families.words_of(anchor)
            if len(each) >= 4 and each.isalpha() and each in TIERS and _is_slip(word, each)
        ]
        return near[0] if len(near) == 1 else ""


def _is_slip(word: str, right: str) -> bool:
    """Return whether a word differs from the right one by one slip: two letters exchanged, a letter
    doubled or single, or, in words of five letters and more, one letter wrong, missing or added."""
    if word == right or abs(len(word) - len(right)) > 1 or word[0] != right[0]:
        return False
    if _DOUBLED.sub(r"\1", word) == _DOUBLED.sub(r"\1", right):
        return True  # `lamma`: the wrong letter is doubled
    if len(word) == len(right):
        different = [i for i in range(len(word)) if word[i] != right[i]]
        if len(different) == 1:
            return len(right) >= 6
        first, last = different[0], different[-1]
        return (
            len(different) == 2
            and last == first + 1
            and word[first] == right[last]
            and word[last] == right[first]
        )
    longer, shorter = (word, right) if len(word) > len(right) else (right, word)
    for i in range(len(longer)):
        if longer[:i] + longer[i + 1 :] == shorter:
            is_doubled = (i > 0 and longer[i - 1] == longer[i]) or (
                i + 1 < len(longer) and longer[i + 1] == longer[i]
            )
            return is_doubled or len(right) >= 6
    return False

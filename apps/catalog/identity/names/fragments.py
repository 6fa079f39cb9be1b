"""Reads numbers and tiers that stand without the name of a family."""

import re
from dataclasses import replace

from apps.catalog.identity.names.families import Families
from apps.catalog.identity.names.mentions import MentionFinder, Scan
from apps.catalog.identity.names.passages import Passage
from apps.catalog.identity.names.places import HostCell
from apps.catalog.identity.names.reading import Answer, Certainty, Kind, Reading
from apps.catalog.identity.names.releases import Releases
from apps.catalog.identity.names.vocabulary import (
    MAIN_FAMILIES,
    TIERS,
    is_number,
    is_telling,
)

_OF_HOST: dict[str, tuple[str, ...]] = {
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
_ZERO_FIRST = re.compile(r"(?<![a-z0-9.-])0(?=[134](?![a-z0-9.]))")


class FragmentReader:
    """Reads fragments with the family of the host cell, or the only family that has such a
    model."""

    def __init__(self, families: Families, finder: MentionFinder, releases: Releases) -> None:
        self._families = families
        self._finder = finder
        self._releases = releases

    def read_fragment(
        self, text: Passage, scan: Scan, cell: HostCell, cell_text: str
    ) -> list[Answer]:
        """Return the reading of numbers and tiers alone, with the family of the host cell or the
        only family that has such a model."""
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
                    reading = self._releases.family(
                        match.lines,
                        note=f"“{text.cleaned}” is not a known model. {match.lines[0]} might be "
                        "meant. Confirm it.",
                        likely=True,
                    )
                    return [Answer(reading, mention.start, mention.end)]
        if not fragment and not text.dates:
            return []
        if any(words for words in scan.unknown_words.values()):
            return []
        cell_scan = self._finder.scan(cell_text)
        if cell_scan.mentions:
            anchor = cell_scan.mentions[0]
            stamps = [stamp for _start, stamps in text.dates for stamp in stamps]
            reading = self._releases.read_tokens(
                [*self._families.complete(tuple(anchor.tokens)), *fragment], stamps, None, None
            )
            return [Answer(replace(reading, certainty=Certainty.LIKELY), 0, len(text.folded))]
        if not fragment:
            return []
        place = next((each.host for each in text.places if each.host), None) or cell.host
        families = _OF_HOST.get(place or "") or MAIN_FAMILIES
        # `4o` and `r1` say enough; other numbers need the word of a tier, and all of it in one part
        says_enough = any(is_telling(token) for token in fragment)
        has_tier = len(fragment) > 1 and any(token in TIERS for token in fragment)
        if len(scan.fragments) > 1 or not (says_enough or has_tier):
            return []
        found: dict[str, Reading] = {}
        for family in families:
            reading = self._releases.read_tokens((family, *fragment), (), None, None)
            if reading.kind in (Kind.RESOLVED, Kind.CHOOSE):
                found[reading.line] = reading
        if len(found) != 1:
            return []
        reading = next(iter(found.values()))
        return [Answer(replace(reading, certainty=Certainty.LIKELY), 0, len(text.folded))]

    def read_chat_fragment(self, scan: Scan) -> list[Answer]:
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
        if len(lines) == 1 and any(token in TIERS for token in fragment):
            # `Chat GPT 3.5 Turbo`: the app has no such name, and the API has
            return [Answer(self._releases.choose(lines[0], likely=True), 0, 0)]
        reading = self._releases.family(
            lines,
            note="ChatGPT is a product. The number can mean the model of the API or of the app.",
            likely=True,
        )
        return [Answer(replace(reading, product="chatgpt", product_name="ChatGPT"), 0, 0)]

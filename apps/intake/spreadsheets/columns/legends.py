"""Legends of scales: what the digits, letters and colours of a column stand for, as the text around
a table says ("1 = highest", "von 1 (hoch) bis 4 (niedrig)").

A legend is read as {key: words}; what the words mean is guessed with the values of the column
(values/choice_guesses.py)."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.intake.spreadsheets.columns.headers import fold_header

MAX_KEY = 10
MAX_LEGENDS = 40
MAX_LEGEND_LENGTH, _MAX_PHRASE = 1_000, 60

# words before the number or letter of a class
ORDINAL_WORDS = (
    "stufe|level|lvl|class|classe|klasse|clase|klas|tier|prio|priority|prioritat|priorite|p|c|k|s|"
    "cat|category|kat|kategorie|categorie|categoria|niveau|nivel|livello|rang|rank|score|rating|"
    "grad|grade|sb|band|group|gruppe|schutzklasse|schutzbedarf|bia|t|crit|krit|impact"
)
_COLOURS: dict[str, str] = {
    word: colour
    for colour, words in (
        ("red", "red rot rouge rojo roja rosso rossa rood"),
        (
            "amber",
            "amber orange gelb yellow jaune ambar amarillo naranja giallo arancione oranje geel",
        ),
        ("green", "green grun gruen vert verde groen"),
    )
    for word in words.split()
}
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_KEY = (
    rf"(?<![\w.,/])(?:(?:{ORDINAL_WORDS})[ ._-]?)?(?:(?P<digits>\d{{1,2}})|(?P<letter>[a-f])|"
    rf"(?P<colour>{'|'.join(_COLOURS)}))(?![\w])"
)
_STATED = re.compile(
    rf"{_KEY}\s*(?P<mark>=+|≙|:(?!\d)|->|→|[–—]|\s-\s|\(|\b(?:is|ist|means|heisst|bedeutet|est|"
    rf"signifie|significa|es|e|betekent|being|steht fur|stands for)\b)\s*"
)
_REVERSED = re.compile(rf"(?P<phrase>[a-z][a-z /-]{{1,40}}?)\s*=\s*{_KEY}")
_ADJACENT = re.compile(
    rf"{_KEY}\s+(?P<phrase>(?:(?:the|am|la|le|el|il|de|het) )?(?:most |least |plus |moins |mas |"
    rf"menos |piu |meno |meest |minst )?(?:high|low|hoch|niedrig|critical|kritisch|critique|"
    rf"critico|kritiek|haut|faible|alto|bajo|basso|hoog|laag)[a-z]*)"
)
_PHRASE_END = re.compile(
    r"[,;/|·…\n)(\]]|\.\s|\.$|\.\.|\s(?:to|bis|through|und|and|et|y|tot)\s|\sa\s"
)
_WORD = re.compile(r"[a-z]{4,}")


@dataclass(frozen=True, slots=True)
class Legend:
    """Legend as written: `phrases` by key; `context` is the folded text that it stands in, with its
    heading; `place` names it for people ("row 3")."""

    phrases: Mapping[str, str]
    context: str
    place: str


_CLASS = re.compile(
    rf"(?:(?:{ORDINAL_WORDS}) ?)?(?:(?P<digits>\d{{1,2}})|(?P<roman>i{{1,3}}|iv|v)|"
    rf"(?P<letter>[a-f]))"
)


def key_of(text: str) -> str:
    """Return the key of a class in a legend: "1" for "Tier 1", "2" for "B", "red" for "Rot"; empty
    if the text is none."""
    folded = " ".join(re.sub(r"[^a-z0-9]+", " ", _bare(text)).split())
    if folded in _COLOURS:
        return _COLOURS[folded]
    match = _CLASS.fullmatch(folded)
    if match is None:
        return ""
    if match["digits"]:
        return str(int(match["digits"])) if int(match["digits"]) <= MAX_KEY else ""
    return str(_ROMAN[match["roman"]] if match["roman"] else ord(match["letter"]) - ord("a") + 1)


def read_phrases(text: str) -> dict[str, str]:
    """Return {key: words} of a text that explains classes; empty if it explains none."""
    # one letter can become eighteen, so the text is cut again
    folded = _fold(text[:MAX_LEGEND_LENGTH])[:MAX_LEGEND_LENGTH]
    phrases: dict[str, str] = {}
    matches = list(_STATED.finditer(folded))
    strong = False
    for place, match in enumerate(matches):
        end = matches[place + 1].start() if place + 1 < len(matches) else len(folded)
        phrase = _PHRASE_END.split(folded[match.end() : end], maxsplit=1)[0].strip(" -–.:\"'")
        if phrase and phrase[0].isalpha():
            strong = strong or match["mark"].strip() not in (":", "-", "–", "—")
            phrases.setdefault(_key(match), phrase[:_MAX_PHRASE])
    if len(phrases) < 2 and not strong:
        phrases = {}
    for pattern in (_REVERSED, _ADJACENT) if not phrases else ():
        for match in pattern.finditer(folded):
            phrases.setdefault(_key(match), match["phrase"].strip()[:_MAX_PHRASE])
        if phrases:
            break
    return phrases


def read_table(rows: Sequence[Sequence[str]], name: str) -> list[Legend]:
    """Return the legends of a table that explains classes row by row: a key, then its words."""
    legends: list[Legend] = []
    phrases: dict[str, str] = {}
    heading = name
    for row in [*rows, []]:
        texts = [text for text in row if text.strip()]
        key = key_of(texts[0]) if len(texts) > 1 else ""
        if key and key not in phrases and not texts[1].strip()[:1].isdigit():
            phrases[key] = _fold(" ".join(texts[1:]))[:_MAX_PHRASE]
            continue
        if len(phrases) > 1:
            legends.append(Legend(phrases, _fold(f"{name} {heading}"), f'worksheet "{name}"'))
        phrases = {}
        heading = " ".join(texts)[:MAX_LEGEND_LENGTH] or heading
    return legends


def read_legends(texts: Iterable[tuple[str, str]]) -> list[Legend]:
    """Return the legends of (text, its place)."""
    legends = []
    for text, place in texts:
        phrases = read_phrases(text)
        if phrases:
            legends.append(Legend(phrases, _fold(text[:MAX_LEGEND_LENGTH]), place))
            if len(legends) == MAX_LEGENDS:
                break
    return legends


def legend_of_column(
    head: str, keys: Iterable[str], legends: Sequence[Legend], hint: re.Pattern[str], *, only: bool
) -> Legend | None:
    """Return the legend of a column with these keys: of its header, else one that names the column
    or its subject; `only`: the column is the only one with such classes."""
    own = read_phrases(head)
    wanted = set(keys)
    if own and wanted & own.keys():
        return Legend(own, _fold(head), "column header")
    words = set(_WORD.findall(fold_header(head)))
    best: tuple[int, Legend] | None = None
    for legend in legends:
        common = wanted & legend.phrases.keys()
        if not common:
            continue
        score = (
            4 * any(word in legend.context for word in words)
            + 3 * bool(hint.search(legend.context))
            + 2 * only
        )
        if score and (best is None or score > best[0]):
            best = (score, legend)
    return best[1] if best else None


def _key(match: re.Match[str]) -> str:
    if match["digits"]:
        return str(int(match["digits"]))
    if match["colour"]:
        return _COLOURS[match["colour"]]
    return str(ord(match["letter"]) - ord("a") + 1)


def _fold(text: str) -> str:
    """Return the text in small letters without accents, with its punctuation."""
    lines = [" ".join(_bare(line).split()) for line in text.splitlines()]
    return "\n".join(line for line in lines if line)


def _bare(text: str) -> str:
    composed = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("’", "'"))
    return "".join(sign for sign in composed if not unicodedata.combining(sign)).lower()

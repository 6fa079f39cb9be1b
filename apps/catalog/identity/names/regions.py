"""Finds the words for a region, a data zone, or a country or city with regions."""

import re

_SIDE = "north|south|east|west|central|northeast|southeast|northwest|southwest"
_REGION = re.compile(
    rf"(?<![a-z0-9])(?:(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov)?-(?:{_SIDE})-\d"
    rf"|(?:us|europe|asia|australia|southamerica|northamerica|me|africa)-(?:{_SIDE})\d+"
    r"|(?:eu|us) data ?zone(?: standard)?|data ?zone (?:eu|us)|eu data boundary"
    r"|(?:sweden|france|poland|canada|korea|india|australia|us|usgov|spain|italy|norway|uae|"
    r"israel|mexico|qatar)"
    r" ?(?:central|north|south|east|west) ?\d?"
    r"|germany ?(?:west ?central|north)|switzerland ?(?:north|west)|south africa north|"
    r"uk ?(?:south|west)"
    r"|japan ?(?:east|west)|(?:north|west) ?europe|east ?us ?\d?|west ?us ?\d?|(?:north|south|"
    r"west) ?central ?us"
    r"|central ?us|brazil ?south|south ?east ?asia|east ?asia|(?:central|south|west) ?india"
    r"|frankfurt(?: am main)?|dublin|ireland|irland|paris|london|stockholm|zurich|milan(?:o)?|"
    r"mailand|madrid"
    r"|warsaw|warszawa|warschau|netherlands|niederlande|amsterdam|berlin|munich|munchen|oregon|"
    r"ohio|virginia"
    r"|tokyo|singapore|sydney|mumbai|montreal|toronto|belgium|belgien|finland|germany|"
    r"deutschland|france"
    r"|frankreich|sweden|schweden|switzerland|schweiz|spain|italy|poland|norway|austria|"
    r"osterreich)(?![a-z0-9])"
)
_BLOC = re.compile(r"(?<![\w./-])(?:eu|usa|uk|apac|emea|eea)(?:[ -](?:region|only))?(?![\w./-])")
# In small letters it is a word of English.
_US = re.compile(r"(?<![\w./-])US(?:[ -](?:region|Region|only))?(?![\w./-])")


def find_regions(folded: str) -> list[tuple[int, int]]:
    """Return the positions of words for a region, a data zone, a country or a city with regions."""
    spans = [match.span() for match in _REGION.finditer(folded)]
    spans += [
        match.span()
        for match in _BLOC.finditer(folded)
        if not any(match.start() < end and start < match.end() for start, end in spans)
    ]
    return sorted(spans)


def regions_in(cleaned: str, folded: str) -> list[str]:
    """Return the words for regions as written. The United States count in capitals only."""
    spans = find_regions(folded)
    spans += [
        match.span()
        for match in _US.finditer(cleaned)
        if not any(match.start() < end and start < match.end() for start, end in spans)
    ]
    return [cleaned[start:end].strip() for start, end in sorted(spans)]

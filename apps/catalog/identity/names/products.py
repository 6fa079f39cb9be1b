"""Finds the products with models inside that a text names.

A product is no model: which models it calls is for its vendor to say.
"""

import re
from dataclasses import dataclass

from apps.catalog.identity.names.product_names import WORK_PRODUCTS, Product
from apps.catalog.identity.names.service_names import SERVICES

PRODUCTS: tuple[Product, ...] = WORK_PRODUCTS + SERVICES
BY_SLUG = {product.slug: product for product in PRODUCTS}
# The word alone names several products.
COPILOTS = (
    "microsoft-365-copilot",
    "github-copilot",
    "microsoft-copilot-studio",
    "microsoft-security-copilot",
)
_COPILOT_WORDS = {
    slug: re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
    for slug, words in (
        (
            "microsoft-365-copilot",
            "m ?365|microsoft 365|ms 365|office(?: 365)?|o365|word|outlook|teams|powerpoint",
        ),
        ("github-copilot", "github|vs ?code|visual studio|ide"),
        ("microsoft-copilot-studio", "studio|power platform"),
        ("microsoft-security-copilot", "security|sentinel|defender"),
        ("dynamics-365-copilot", "dynamics(?: 365)?|d365"),
        ("power-bi-copilot", "power ?bi|fabric"),
    )
}
_PART_OF_NAME = re.compile(
    r"(?<![a-z])(?!(?:edge|windows|bing|web|use|uses|using|via|with|and|or|the|our|von|mit|und|ohne"
    r"|no|not|kein|plus|per|su|con|avec|ms|of|in|for|fur|model|modell|tool|ai|ki|app)[ -])"
    r"[a-z]{2,}[ -]$"
)
_COPILOT = r"(?:microsoft |ms |windows |bing )?co-?pilots?"


def _name_pattern(name: str) -> str:
    """Return the pattern of a name as a whole word; its blanks and hyphens may be missing."""
    body = re.escape(name.lower()).replace(r"\ ", "[ -]?").replace(r"\-", "[ -]?")
    return rf"(?<![a-z0-9]){body}(?![a-z0-9])"


_ANY_COPILOT = re.compile(rf"(?<![a-z0-9]){_COPILOT}(?![a-z0-9])")
_PATTERNS = tuple(
    (name, product, re.compile(_name_pattern(name)))
    for product in PRODUCTS
    for name in dict.fromkeys((product.name, *product.other_names, *product.everyday))
)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of a product, or of several (`product` is None)."""

    pattern: re.Pattern[str]
    product: Product | None
    is_everyday: bool = False


def _key(text: str) -> str:
    """Return the first two letters or digits of a text, by which names are looked up."""
    return "".join(letter for letter in text[:4] if letter.isalnum())[:2].lower()


def _index_names() -> dict[str, list[_Name]]:
    """Return the names by their first two letters, the longest first."""
    names = [
        *(
            (len(name), _key(name), _Name(pattern, product, name in product.everyday))
            for name, product, pattern in _PATTERNS
        ),
        *(
            (len(first), _key(first), _Name(_ANY_COPILOT, None))
            for first in (
                "copilot",
                "co-pilot",
                "microsoft copilot",
                "ms copilot",
                "windows copilot",
                "bing copilot",
            )
        ),
    ]
    index: dict[str, list[_Name]] = {}
    for _length, key, name in sorted(names, key=lambda entry: -entry[0]):
        index.setdefault(key, []).append(name)
    return index


_INDEX = _index_names()
_WORD_START = re.compile(r"(?<![a-z0-9])[a-z0-9]")
_REST = re.compile(
    r"[^a-z0-9]+|(?<![a-z0-9])(?:ai|app|tool|bot|assistant|agent|ide|editor|pro|enterprise|"
    r"licen[cs]es?)(?![a-z0-9])"
)


_LIST_SIGN = re.compile(r"[,;/+&|→]| and | und ")


@dataclass(frozen=True, slots=True)
class NamedProduct:
    """A product in a text; without `product`, one of `candidates`."""

    start: int
    end: int
    product: Product | None
    candidates: tuple[str, ...] = ()


def find_products(folded: str, host_cell: str) -> list[NamedProduct]:
    """Return the products in the text, the longest name at each place."""
    found: list[NamedProduct] = []
    position = 0
    for start in (match.start() for match in _WORD_START.finditer(folded)):
        if start < position:
            continue
        for name in _INDEX.get(_key(folded[start : start + 4]), ()):  # the longest first
            match = name.pattern.match(folded, start)
            if match is None or (
                name.is_everyday and not _is_meant(name.product, match, folded, host_cell)
            ):
                continue
            product = name.product or _choose_copilot(folded)
            if product is None and _PART_OF_NAME.search(folded[: match.start()]):
                break  # `claims-copilot`, `Underwriting Copilot` are systems
            candidates = COPILOTS if product is None else ()
            found.append(NamedProduct(match.start(), match.end(), product, candidates))
            position = match.end()
            break
    return found


def _choose_copilot(folded: str) -> Product | None:
    """Return the product that the words around "Copilot" name; None if none or several do."""
    slugs = {slug for slug, words in _COPILOT_WORDS.items() if words.search(folded)}
    return BY_SLUG[slugs.pop()] if len(slugs) == 1 else None


def _is_meant(product: Product | None, match: re.Match[str], folded: str, host_cell: str) -> bool:
    """Return whether an everyday word is a product here: its vendor is named, or this part of the
    text says nothing else."""
    assert product is not None
    vendor = product.vendor.lower().partition(" ")[0]
    before = _LIST_SIGN.split(folded[: match.start()])[-1]
    rest = re.sub(r"\([^)]*\)?", " ", folded[match.end() :])  # `Cursor (Claude Sonnet 4)`
    after = _LIST_SIGN.split(rest)[0]
    if vendor in host_cell or vendor in folded[: match.start()] + folded[match.end() :]:
        return True
    return not _REST.sub("", f"{before} {after}")

"""Labelled names of models as people write them, the reader they are read with, and the score.

Each label says what a cell means: a version, a line ("foundation"), a family, a product, several
parts, no model, or unknown; `also` holds further labels that are right too, `accept_ids` the IDs
that are as right as asking for the version of a line, `also_products` further slugs of a product.
To ask is never wrong: only a version, a line, a product, parts or "no model" that the labels do not
have are.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.identity.names.reader import NameReader
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver
from apps.catalog.ingestion.builtin_catalogue import records

LABELS = Path(__file__).parent / "identity" / "names_labelled.jsonl"
KINDS = {"version": Kind.RESOLVED, "foundation": Kind.CHOOSE}

type Label = Mapping[str, Any]


@cache
def known_ids_of_the_build() -> tuple[KnownId, ...]:
    """The IDs of the catalogue that is part of the product, as the resolver gets them."""
    developers = {row["line"]: row["developer"] for row in records("foundations")}
    known = [
        KnownId(
            id=row["identifier"],
            developer=developers[row["line"]],
            line=row["line"],
            kind="alias" if row.get("moving") else "pinned",
            entity=row["identifier"],
            same_as=row["identifier"],
            released=row.get("released_on"),
            names=tuple(row.get("names", ())),
            aliases=tuple(row.get("aliases", ())),
            repositories=tuple(row.get("repositories", ())),
        )
        for row in records("versions")
    ]
    known += [
        KnownId(
            id=row["identifier"],
            developer=developers[row["line"]],
            line=row["line"],
            kind="pinned" if row["kind"] == "synonym" else row["kind"],
            entity=row.get("version") or row["identifier"],
            same_as=row.get("synonym_of") or row["identifier"],
            names=tuple(row.get("names", ())),
            aliases=tuple(row.get("aliases", ())),
            repositories=tuple(row.get("repositories", ())),
        )
        for row in records("aliases")
    ]
    return tuple(sorted(known, key=lambda each: each.id))


@cache
def reader() -> NameReader:
    return NameReader(Resolver(known_ids_of_the_build()))


@cache
def _groups() -> dict[str, str]:
    return {known.id: known.same_as for known in known_ids_of_the_build()}


@cache
def _lines() -> dict[str, str]:
    return {known.id: known.line for known in known_ids_of_the_build()}


def labelled_names(path: Path = LABELS) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


@dataclass(slots=True)
class Score:
    """What the readings of labelled names are worth."""

    names: int = 0
    answers: int = 0
    wrong: list[str] = field(default_factory=list)
    other_kind: list[str] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / self.answers if self.answers else 1.0

    @property
    def right_kind(self) -> float:
        return 1 - len(self.other_kind) / self.names if self.names else 1.0


ANSWERS = {Kind.RESOLVED, Kind.CHOOSE, Kind.PRODUCT, Kind.SEVERAL, Kind.NOT_A_MODEL}


def score(rows: Iterable[Label]) -> Score:
    """Read each labelled name and compare the reading with its labels."""
    result = Score()
    for row in rows:
        reading = reader().read_name(row["text"], row["host_column"])
        verdicts = [_compare(reading, label) for label in _labels_of(row)]
        is_wrong = all(wrong for _right, wrong in verdicts)
        has_kind = any(right for right, wrong in verdicts if not wrong)
        result.names += 1
        result.by_kind[row["expected"]["kind"]] += 1
        result.answers += reading.kind in ANSWERS
        shown = f"{row['text']!r}: {reading.kind} {reading.version or reading.line}"
        if is_wrong:
            result.wrong.append(shown)
        if not has_kind:
            result.other_kind.append(shown)
    return result


def _labels_of(row: Label) -> Iterator[Label]:
    yield {
        **row["expected"],
        "accept_ids": row.get("accept_ids", ()),
        "also_products": row.get("also_products", ()),
    }
    yield from row.get("also", ())


def _compare(reading: Reading, label: Label) -> tuple[bool, bool]:
    """Return whether the reading has the kind of the label, and whether it is a wrong answer."""
    kind = KINDS.get(label["kind"], label["kind"])
    match reading.kind:
        case Kind.RESOLVED:
            ids = {*label.get("accept_ids", ()), label.get("version")}
            is_right = _groups()[reading.version] in {_groups().get(each) for each in ids}
            return kind == Kind.RESOLVED or is_right, not is_right
        case Kind.CHOOSE:
            line = label.get("foundation") or _lines().get(label.get("version", ""))
            lines = label.get("candidates", ()) if kind == Kind.FAMILY else (line,)
            return kind == Kind.CHOOSE, reading.line not in lines
        case Kind.FAMILY:
            allowed = set(label.get("candidates", ()))
            is_right = kind == Kind.FAMILY
            outside = is_right and allowed and not set(reading.candidates) <= allowed
            return is_right, bool(outside)
        case Kind.PRODUCT:
            return kind == Kind.PRODUCT, kind != Kind.PRODUCT or not _is_product(reading, label)
        case Kind.SEVERAL:
            if kind != Kind.SEVERAL or len(reading.parts) != len(label["parts"]):
                return kind == Kind.SEVERAL, True
            pairs = zip(reading.parts, label["parts"], strict=True)
            return True, any(_compare(part, expected)[1] for part, expected in pairs)
        case Kind.NOT_A_MODEL:
            return kind == Kind.NOT_A_MODEL, kind not in (Kind.NOT_A_MODEL, Kind.UNKNOWN)
    return kind == reading.kind, False


def _is_product(reading: Reading, label: Label) -> bool:
    """Return whether the product is the labelled one; a name that several have is labelled None."""
    if label.get("product") is None:
        return not reading.product
    if reading.product in label.get("also_products", ()):
        return True
    product = BY_SLUG.get(reading.product)
    other_names = product.other_names if product else ()
    found, expected, *others = (
        re.sub(r"[^a-z0-9]", "", name.lower())
        for name in (reading.product_name, label["product"], *other_names)
    )
    return bool(found) and (found in expected or expected in found or expected in others)

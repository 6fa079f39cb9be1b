"""Foundation lines with their IDs, and what a lookup of a line returns."""

from dataclasses import dataclass, field
from datetime import date

from apps.catalog.identity.names.vocabulary import SPECIAL, Facts, facts_of
from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.tokens import tokens_of


@dataclass(slots=True)
class Line:
    """A foundation line: its IDs, and the sets of facts under which it is named."""

    identifier: str
    developer: str
    ids: list[KnownId] = field(default_factory=list)
    spellings: set[Facts] = field(default_factory=set)
    newest: date | None = None
    is_open: bool = False

    @property
    def slug_facts(self) -> Facts:
        return facts_of(tokens_of(self.identifier.partition("/")[2].lower()))

    @property
    def is_special(self) -> bool:
        return all(facts_of(tokens_of(known_id.slug.lower())) & SPECIAL for known_id in self.ids)

    def identifiers(self) -> tuple[str, ...]:
        """Return the IDs of the line, newest releases first and moving names last; one per group of
        synonyms."""
        groups = {known_id.same_as: known_id for known_id in reversed(self.ids)}
        return tuple(
            known_id.id
            for known_id in sorted(
                groups.values(),
                key=lambda each: (each.kind != "pinned", _descending(each.released), each.id),
            )
            if known_id.kind != "family"
        )


def _descending(released: str | None) -> tuple[int, ...]:
    digits = [int(part) for part in (released or "0").split("T")[0].split("-") if part.isdigit()]
    return tuple(-digit for digit in digits)


@dataclass(frozen=True, slots=True)
class LineMatch:
    """The lines that a name can mean. `exact`: one line has exactly these facts. Without lines the
    name is unknown, and `hint` is the line that comes closest."""

    lines: tuple[str, ...] = ()
    exact: bool = False
    hint: str = ""

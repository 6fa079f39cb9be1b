"""Differences between two sets of facts: what was added, removed, changed or renamed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing: `text` is compared, `likeness` tells a renamed thing from a new one.

    `within` is what a renamed thing stays in, such as the schema of a property.
    """

    text: str = ""
    likeness: str = ""
    within: str = ""


# {(kind, name): fact}
type Facts = Mapping[tuple[str, str], Fact]
# (name, before, after)
type Change = tuple[str, str, str]


@dataclass(slots=True)
class Differences:
    """By kind: names added and removed, (name, before, after) changed, (before, after) renamed."""

    added: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    removed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    changed: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    renamed: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)

    def lines(self) -> Iterator[str]:
        """Give the list for people, kind by kind."""
        kinds = dict.fromkeys([*self.renamed, *self.removed, *self.added, *self.changed])
        for kind in kinds:
            renamed, removed = self.renamed.get(kind, []), self.removed.get(kind, [])
            added, changed = self.added.get(kind, []), self.changed.get(kind, [])
            counts = f"{len(renamed)} renamed, {len(removed)} removed, {len(added)} added"
            yield f"{kind}: {counts}, {len(changed)} changed"
            yield from (f"  ~ {before}  ->  {after}" for before, after in renamed)
            yield from (f"  - {name}" for name in removed)
            yield from (f"  + {name}" for name in added)
            for name, before, after in changed:
                yield f"  ! {name}"
                yield f"      before: {before}"
                yield f"      after:  {after}"


def compared(before: Facts, after: Facts) -> Differences:
    """Compare the facts.

    A thing that is gone and one that is new are one where they, and no others, are alike.
    """
    found = Differences()
    gone = {key: fact for key, fact in before.items() if key not in after}
    new = {key: fact for key, fact in after.items() if key not in before}
    renamed = _renamed(gone, new)
    for (kind, name), other in renamed.items():
        found.renamed[kind].append((name, other))
        if gone[kind, name].text != new[kind, other].text:
            found.changed[kind].append((other, gone[kind, name].text, new[kind, other].text))
    for kind, name in sorted(gone.keys() - renamed.keys()):
        found.removed[kind].append(name)
    taken = {(kind, other) for (kind, _), other in renamed.items()}
    for kind, name in sorted(new.keys() - taken):
        found.added[kind].append(name)
    for kind, name in sorted(before.keys() & after.keys()):
        was, is_now = before[kind, name].text, after[kind, name].text
        if was != is_now:
            found.changed[kind].append((name, was, is_now))
    return found


def _renamed(gone: Facts, new: Facts) -> dict[tuple[str, str], str]:
    """{(kind, name before): name after} where likeness leaves one choice."""
    sides: dict[tuple[str, str, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, facts in enumerate((gone, new)):
        for (kind, name), fact in facts.items():
            if fact.likeness:
                sides[kind, fact.within, fact.likeness][side].append(name)
    return {
        (kind, before[0]): after[0]
        for (kind, _, _), (before, after) in sorted(sides.items())
        if len(before) == 1 and len(after) == 1
    }

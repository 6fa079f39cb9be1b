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
        """Yield the differences as text, kind by kind."""
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
    """Return the differences of two sets of facts.

    A removed and an added fact are one renamed fact if they, and no others, are alike."""
    differences = Differences()
    removed_facts = {key: fact for key, fact in before.items() if key not in after}
    added_facts = {key: fact for key, fact in after.items() if key not in before}
    renamed = _find_renames(removed_facts, added_facts)
    for (kind, name), new_name in renamed.items():
        differences.renamed[kind].append((name, new_name))
        if removed_facts[kind, name].text != added_facts[kind, new_name].text:
            differences.changed[kind].append(
                (new_name, removed_facts[kind, name].text, added_facts[kind, new_name].text)
            )
    for kind, name in sorted(removed_facts.keys() - renamed.keys()):
        differences.removed[kind].append(name)
    renamed_keys = {(kind, new_name) for (kind, _), new_name in renamed.items()}
    for kind, name in sorted(added_facts.keys() - renamed_keys):
        differences.added[kind].append(name)
    for kind, name in sorted(before.keys() & after.keys()):
        old_text, new_text = before[kind, name].text, after[kind, name].text
        if old_text != new_text:
            differences.changed[kind].append((name, old_text, new_text))
    return differences


def _find_renames(removed_facts: Facts, added_facts: Facts) -> dict[tuple[str, str], str]:
    """Return {(kind, name before): name after} where likeness leaves one choice."""
    names_by_likeness: dict[tuple[str, str, str], tuple[list[str], list[str]]] = defaultdict(
        lambda: ([], [])
    )
    for position, facts in enumerate((removed_facts, added_facts)):
        for (kind, name), fact in facts.items():
            if fact.likeness:
                names_by_likeness[kind, fact.within, fact.likeness][position].append(name)
    return {
        (kind, before[0]): after[0]
        for (kind, _, _), (before, after) in sorted(names_by_likeness.items())
        if len(before) == 1 and len(after) == 1
    }

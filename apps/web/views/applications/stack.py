"""Stack section: one column per dependency, one row per layer, what neighbours share in one
block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.models import NodeKind
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.portfolio import dependent_counts
from apps.inventory.models import Adaptation, Dependency
from apps.web.wording import number


@dataclass(frozen=True, slots=True)
class StackBlock:
    """Cell of the stack section: what `span` neighbouring dependencies have in common."""

    span: int
    name: str
    note: str
    url: str
    shared: bool
    known: bool = True
    is_id: bool = False
    late: str = ""


@dataclass(frozen=True, slots=True)
class StackLayer:
    name: str
    css: str
    blocks: tuple[StackBlock, ...]
    more: str


def order_by_similarity(rows: list[StackRow]) -> list[StackRow]:
    """Order dependencies: primary first, then always the one that has most in common with the one
    before it."""
    left = list(rows)
    ordered: list[StackRow] = []
    while left:
        last = ordered[-1] if ordered else None
        best = max(range(len(left)), key=lambda i: (_in_common(last, left[i]) if last else 0, -i))
        ordered.append(left.pop(best))
    return ordered


def _in_common(one: StackRow, other: StackRow) -> int:
    pairs = (
        (one.host, other.host),
        (one.developer, other.developer),
        (one.foundation, other.foundation),
        (one.version, other.version),
    )
    return sum(a is not None and a == b for a, b in pairs)


def stack_layers(rows: list[StackRow], more: dict[str, str]) -> list[StackLayer]:
    """Return the rows of the section below the application; equal neighbours of a layer are one
    block.

    A block is `shared` if a primary and another role depend on it together: one failure takes
    both."""
    parts: tuple[tuple[str, str, Any], ...] = (
        ("Offering", "offering", lambda row: row.offering),
        ("Version", "version", lambda row: row.version),
        ("Foundation", "foundation", lambda row: row.foundation),
        ("Developer", "developer", lambda row: row.developer),
        ("Host", "host", lambda row: row.host),
    )
    layers = []
    for name, css, part in parts:
        blocks = []
        for key, group in groupby(rows, key=lambda row: part(row).pk if part(row) else None):
            members = list(group)
            roles = {row.dependency.role for row in members}
            shared = (
                key is not None
                and len(members) > 1
                and Dependency.Role.PRIMARY in roles
                and len(roles) > 1
            )
            blocks.append(_block(css, members, part(members[0]), shared=shared))
        layers.append(StackLayer(name, css, tuple(blocks), more.get(css, "")))
    return layers


def in_house_block(
    rows: Sequence[StackRow], adaptations: Mapping[int, Sequence[Adaptation]]
) -> StackLayer | None:
    """Return the adaptations of each dependency, the organisation's own work. None if there are
    none."""
    if not any(adaptations.values()):
        return None
    blocks = []
    for row in rows:
        own = adaptations.get(row.dependency.pk, ())
        names = ", ".join(str(adaptation) for adaptation in own)
        moves = sorted(
            {adaptation.get_moves_display().lower() for adaptation in own if adaptation.moves}
        )
        blocks.append(
            StackBlock(
                1, names, ", ".join(moves), "#adaptations" if own else "", False, known=bool(own)
            )
        )
    return StackLayer("Adaptation", "adaptation", tuple(blocks), "above ground: own work")


def _block(css: str, members: list[StackRow], thing: Any, *, shared: bool) -> StackBlock:
    first = members[0]
    if thing is None:
        return StackBlock(
            len(members), "unresolved", "nobody knows yet what this id is", "", False, known=False
        )
    if css == "offering":
        note, late = _end_note(first)
        if first.answering != first.offering:
            note = f"redirected to {first.answering.api_id}; {note}"
        return StackBlock(
            len(members),
            thing.api_id,
            note,
            reverse("offerings:detail", args=[thing.pk]),
            shared,
            is_id=True,
            late=late,
        )
    if css == "version":
        note = f"released {thing.released_on:%b %Y}" if thing.released_on else ""
        return StackBlock(len(members), thing.name, note, "", shared)
    if css == "foundation":
        return StackBlock(
            len(members),
            thing.name,
            thing.family,
            reverse("foundations:detail", args=[thing.slug]),
            shared,
        )
    note = ""
    if shared:
        words = "{roles} stop together" if css == "host" else "{roles} share it"
        note = words.format(roles=_roles_of(members))
    return StackBlock(
        len(members), thing.name, note, reverse("providers:detail", args=[thing.slug]), shared
    )


def _roles_of(members: list[StackRow]) -> str:
    roles = list(dict.fromkeys(row.dependency.get_role_display().lower() for row in members))
    return " and ".join(filter(None, [", ".join(roles[:-1]), roles[-1]]))


def _end_note(row: StackRow) -> tuple[str, str]:
    """(how it ends, the same where that needs action)."""
    end = row.answering.retires_on
    if end is None:
        return ("", "retired") if row.days_left == 0 else ("no end announced", "")
    on = f"{end.day} {end:%b %Y}"
    if row.at_least:
        return f"not before {on}", ""
    days = row.days_left or 0
    if days < 0:
        return "", f"ended {on}"
    return f"ends {on}, in {days} days", ""


def others_below(rows: list[StackRow], user: User) -> dict[str, str]:
    """Count, for each layer under the first primary model, the user's applications that depend on
    the same node, in any role."""
    primary = next((row for row in rows if row.dependency.role == Dependency.Role.PRIMARY), None)
    if primary is None:
        return {}
    parts = {
        "offering": (NodeKind.OFFERING, primary.answering),
        "version": (NodeKind.VERSION, primary.version),
        "foundation": (NodeKind.FOUNDATION, primary.foundation),
        "developer": (NodeKind.DEVELOPER, primary.developer),
        "host": (NodeKind.HOST, primary.host),
    }
    said = {}
    for css, (kind, thing) in parts.items():
        if thing is not None:
            count = dependent_counts(kind=kind, refs=[thing.pk], user=user).get(thing.pk)
            if count:
                said[css] = (
                    f"{number(count.n)} here, {number(count.n_critical)} critical by their primary"
                )
    return said

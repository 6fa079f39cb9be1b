"""Stack section: one column per dependency, one row per layer, what neighbours share in one
block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.identity.name_summaries import NOT_KNOWN, NameSummary
from apps.catalog.models import NodeKind, OfferingKind
from apps.common.text import pluralize
from apps.exposure.queries.dependents import StackRow
from apps.exposure.queries.portfolio import dependent_counts
from apps.inventory.models import Adaptation, Dependency
from apps.web.wording import day, month, number

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class StackBlock:
    """Cell of the stack section: the node that `span` neighbouring dependencies share."""

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
    """Order dependencies: the first stays first, then always the one that shares most layers with
    its predecessor."""
    remaining = list(rows)
    ordered_rows: list[StackRow] = []
    while remaining:
        previous = ordered_rows[-1] if ordered_rows else None
        best_index = max(
            range(len(remaining)),
            key=lambda i: (_count_shared_layers(previous, remaining[i]) if previous else 0, -i),
        )
        ordered_rows.append(remaining.pop(best_index))
    return ordered_rows


def _count_shared_layers(row: StackRow, neighbour: StackRow) -> int:
    node_pairs = (
        (row.host, neighbour.host),
        (row.developer, neighbour.developer),
        (row.foundation, neighbour.foundation),
        (row.version, neighbour.version),
    )
    return sum(a is not None and a == b for a, b in node_pairs)


def stack_layers(
    rows: Sequence[StackRow],
    *,
    notes: Mapping[str, str],
    version_dates: Mapping[int, date],
    names: Mapping[int, NameSummary],
) -> list[StackLayer]:
    """Return the rows of the section below the application. Equal neighbours of a layer form one
    block. `notes` are by CSS class, `version_dates` those of `version_retirements`, `names` is
    {offering: what is known of a name without a model ID}.

    A block is `shared` if a primary model and another role depend on it, so that one failure
    affects both."""
    layer_kinds: tuple[tuple[str, str, Any], ...] = (
        ("Offering", "offering", lambda row: row.offering),
        ("Version", "version", lambda row: row.version),
        ("Foundation", "foundation", lambda row: row.foundation),
        ("Developer", "developer", lambda row: row.developer),
        ("Host", "host", lambda row: row.host),
    )
    layers = []
    for name, css, node_of in layer_kinds:
        blocks = []
        for key, group in groupby(rows, key=lambda row: node_of(row).pk if node_of(row) else None):
            members = list(group)
            roles = {row.dependency.role for row in members}
            is_shared = (
                key is not None
                and len(members) > 1
                and Dependency.Role.PRIMARY in roles
                and len(roles) > 1
            )
            version_date = version_dates.get(members[0].dependency.pk)
            blocks.append(
                _build_block(
                    css,
                    members,
                    node_of(members[0]),
                    _describe_offering(members[0], version_date, names),
                    is_shared=is_shared,
                    summary=names.get(members[0].offering.pk),
                )
            )
        layers.append(StackLayer(name, css, tuple(blocks), notes.get(css, "")))
    return layers


def in_house_block(
    rows: Sequence[StackRow], adaptations: Mapping[int, Sequence[Adaptation]]
) -> StackLayer | None:
    """Return the adaptations of each dependency, built in-house; None if there are none."""
    if not any(adaptations.values()):
        return None
    blocks = []
    for row in rows:
        row_adaptations = adaptations.get(row.dependency.pk, ())
        names = ", ".join(str(adaptation) for adaptation in row_adaptations)
        moves = sorted(
            {
                adaptation.get_moves_display().lower()
                for adaptation in row_adaptations
                if adaptation.moves
            }
        )
        blocks.append(
            StackBlock(
                1,
                names,
                ", ".join(moves),
                "?tab=dependencies#adaptations" if row_adaptations else "",
                False,
                known=bool(row_adaptations),
            )
        )
    return StackLayer("Adaptation", "adaptation", tuple(blocks), "")


def compact_layers(
    rows: Sequence[StackRow],
    *,
    version_dates: Mapping[int, date],
    names: Mapping[int, NameSummary],
) -> list[StackLayer]:
    """Return the four layers of the compact section. A block is outlined (`shared`) only where its
    model is retired or retires soon."""
    layers = stack_layers(rows, notes={}, version_dates=version_dates, names=names)
    return [
        replace(
            layer,
            blocks=tuple(
                replace(block, shared=layer.css == "offering" and bool(block.late))
                for block in layer.blocks
            ),
        )
        for layer in layers
        if layer.css != "version"
    ]


def _build_block(
    css: str,
    members: list[StackRow],
    node: Any,
    retirement: tuple[str, str],
    *,
    is_shared: bool,
    summary: NameSummary | None,
) -> StackBlock:
    """Return a block of a layer of the stack, shared by `members`; `node` None means that the model
    is unresolved. `retirement` are the note and the urgent note of the offering, `summary` is what
    is known of a name."""
    first_row = members[0]
    if node is None and summary is not None:
        return StackBlock(len(members), summary.describe_layer(css), "", "", False, known=False)
    if node is None:
        return StackBlock(
            len(members), "unresolved", "retirement date unknown", "", False, known=False
        )
    if css == "offering":
        note, late = retirement
        if first_row.answering != first_row.offering:
            redirect = f"redirected to {first_row.answering.api_id}"
            note = f"{redirect}; {note}" if note else redirect
        return StackBlock(
            len(members),
            node.api_id,
            note,
            reverse("offerings:detail", args=[node.pk]),
            is_shared,
            is_id=True,
            late=late,
        )
    if css == "version":
        note = f"released {node.released_on:%b %Y}" if node.released_on else ""
        url = reverse("versions:detail", args=[node.pk])
        return StackBlock(len(members), node.name, note, url, is_shared)
    if css == "foundation":
        return StackBlock(
            len(members),
            node.name,
            node.family,
            reverse("foundations:detail", args=[node.slug]),
            is_shared,
        )
    note = ""
    if is_shared:
        note = f"{_join_roles(members)} fail together"
    return StackBlock(
        len(members), node.name, note, reverse("providers:detail", args=[node.slug]), is_shared
    )


def _join_roles(members: list[StackRow]) -> str:
    roles = list(dict.fromkeys(row.dependency.get_role_display().lower() for row in members))
    return " and ".join(filter(None, [", ".join(roles[:-1]), roles[-1]]))


def _describe_offering(
    row: StackRow, version_date: date | None, names: Mapping[int, NameSummary]
) -> tuple[str, str]:
    """Return (note, urgent note) of the offering; a name has the dates of its model IDs."""
    summary = names.get(row.offering.pk)
    if summary is None:
        return _describe_retirement(row, version_date)
    note = f"{NOT_KNOWN}: {summary.fact}" if summary.kind == OfferingKind.NAME else summary.fact
    return ("", note) if summary.is_retired else (note, "")


def _describe_retirement(row: StackRow, version_date: date | None) -> tuple[str, str]:
    """Return (note, urgent note) about the retirement date; one of the two is empty. `version_date`
    is that of other model IDs of the version, for a model ID without a date."""
    retires_on, days_left = row.answering.retires_on, row.days_left
    if retires_on is None and version_date is not None:
        return "", f"other model IDs of the version: {day(version_date)}"
    if retires_on is None:
        return ("", "retired") if days_left == 0 else ("no retirement date", "")
    if row.at_least:
        when = row.answering.retires_month
        return f"retires no earlier than {month(when) if when else day(retires_on)}", ""
    if row.is_due:
        return "", row.due_text
    if days_left is None or days_left < 0:
        return "", f"retired {day(retires_on)}"
    left = "today" if not days_left else f"in {number(days_left)} d"
    note = f"retires {day(retires_on)}, {left}"
    return ("", note) if days_left <= SOON_DAYS else (note, "")


def others_below(rows: list[StackRow], user: User) -> dict[str, str]:
    """Count, for each layer under the first primary model, the user's applications that depend on
    the same node, in any role."""
    primary = next((row for row in rows if row.dependency.role == Dependency.Role.PRIMARY), None)
    if primary is None:
        return {}
    nodes = {
        "offering": (NodeKind.OFFERING, primary.answering),
        "version": (NodeKind.VERSION, primary.version),
        "foundation": (NodeKind.FOUNDATION, primary.foundation),
        "developer": (NodeKind.DEVELOPER, primary.developer),
        "host": (NodeKind.HOST, primary.host),
    }
    notes = {}
    for css, (kind, node) in nodes.items():
        if node is not None:
            count = dependent_counts(kind=kind, refs=[node.pk], user=user).get(node.pk)
            if count:
                applications = pluralize(
                    count.n, "1 application", f"{number(count.n)} applications"
                )
                notes[css] = f"{applications}, {number(count.n_critical)} critical"
    return notes

"""Missing fields and where each is entered: a link for users who may enter it, text for the
others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from apps.accounts.models import User
from apps.reports.entry_places import place_name
from apps.reports.tables import EntryPlace, ReportGap

# the pages of each place, the most fitting first; {ref} is the record's id, {slug} its slug
_PAGES: dict[EntryPlace, Sequence[tuple[str, str, str]]] = {
    EntryPlace.ORGANISATION: (("reports:reporting-entity", "", ""),),
    EntryPlace.PROVIDER: (("records:edit", "providers/{ref}", ""),),
    EntryPlace.CONTRACT: (("contracts:edit", "{ref}", ""),),
    EntryPlace.NO_CONTRACT: (("contracts:create", "", "?party={slug}"),),
    EntryPlace.APPLICATION: (
        ("applications:edit", "{slug}", ""),
        ("applications:detail", "{slug}", ""),
    ),
    EntryPlace.EXIT_PLAN: (("applications:detail", "{slug}", "?tab=exit-readiness#exits"),),
    EntryPlace.STATEMENT: (("reports:model-statement", "{slug}", ""),),
    EntryPlace.EVIDENCE: (("applications:detail", "{slug}", ""),),
    EntryPlace.DOCUMENTS: (
        ("documents:detail", "{slug}", ""),
        ("foundations:detail", "{slug}", ""),
    ),
    EntryPlace.DECISION: (
        ("approvals:create", "", "?foundation={slug}"),
        ("foundations:detail", "{slug}", ""),
    ),
    EntryPlace.QUESTIONS: (("component-files:detail", "{slug}", "#h-questions"),),
    EntryPlace.IDENTITY: (("unresolved-models:decide", "{ref}", ""),),
}
# places that only governance may edit; the others are for the application's editors
_GOVERNANCE_PLACES = frozenset(
    {
        EntryPlace.ORGANISATION,
        EntryPlace.PROVIDER,
        EntryPlace.CONTRACT,
        EntryPlace.NO_CONTRACT,
        EntryPlace.DOCUMENTS,
        EntryPlace.DECISION,
        EntryPlace.IDENTITY,
    }
)
_MAX_NAMED_FIELDS = 8


@dataclass(frozen=True, slots=True)
class EntryLink:
    """Row of the list of missing fields: a record, and its fields by template. Without `url` the
    user may not enter them."""

    place: str
    name: str
    url: str
    of_governance: bool
    fields: list[str]
    n_further: int
    n_cells: int


def entry_link(gaps: Iterable[ReportGap], user: User) -> list[EntryLink]:
    """Return the rows of the list of missing fields, in the order of the gaps."""
    lines = []
    for gap in gaps:
        fields = [
            f"{code}: {', '.join(labels)}" if code else ", ".join(labels)
            for code, labels in gap.groups
        ]
        of_governance = gap.place in _GOVERNANCE_PLACES
        lines.append(
            EntryLink(
                place=place_name(gap.place),
                name=gap.name,
                url=entry_url(gap) if user.is_governance or not of_governance else "",
                of_governance=of_governance,
                fields=fields[:_MAX_NAMED_FIELDS],
                n_further=max(len(fields) - _MAX_NAMED_FIELDS, 0),
                n_cells=gap.n_cells,
            )
        )
    return lines


def entry_url(gap: ReportGap) -> str:
    """Return the first existing page for the entry; empty if a record has no URL."""
    values: dict[str, Any] = {"ref": gap.ref, "slug": gap.slug}
    for route, argument, suffix in _PAGES[gap.place]:
        if argument and not values[argument.partition("{")[2].strip("}")]:
            continue
        try:
            arguments = argument.format(**values).split("/") if argument else []
            return reverse(route, args=arguments) + suffix.format(**values)
        except NoReverseMatch:
            continue
    return ""

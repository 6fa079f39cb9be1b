"""The few filters a page offers as controls; any other of the same set works from the address and
shows as a chip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import django_filters
from django.http import HttpRequest, QueryDict
from django.utils.text import slugify

from apps.web.listing import query_with


@dataclass(frozen=True, slots=True)
class Control:
    """`kind` is search, select or date; `choices` are (value, words) of a select, without its
    'any'."""

    name: str
    label: str
    kind: str = "select"
    choices: Sequence[tuple[Any, Any]] = ()
    value: str = ""
    error: str = ""

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        return [(str(value), words, str(value) == self.value) for value, words in self.choices]


@dataclass(frozen=True, slots=True)
class Chip:
    text: str
    query: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Filters:
    controls: tuple[Control, ...]
    chips: tuple[Chip, ...]
    sort: str


BOOLEANS = (("true", "Yes"), ("false", "No"))


def named(query: QueryDict, *names: str) -> QueryDict:
    """The query with what was typed into these fields made the short name that filters ask for:
    people type names."""
    asked = query.copy()
    for name in names:
        if said := query.get(name, ""):
            asked[name] = slugify(str(said))
    return asked


def filters(
    request: HttpRequest,
    found: "django_filters.FilterSet",
    controls: Iterable[Control],
    usual: Mapping[str, str] | None = None,
) -> Filters:
    """The page's controls with what is chosen, and a chip for every other filter that is set.

    `usual` holds what stands where the address says nothing.
    """
    usual = usual or {}
    shown = tuple(
        Control(
            control.name,
            control.label,
            control.kind,
            control.choices,
            request.GET.get(control.name, usual.get(control.name, "")),
            " ".join(str(error) for error in found.form.errors.get(control.name, []))
            if found.form.is_bound
            else "",
        )
        for control in controls
    )
    names = {control.name for control in shown}
    chips = []
    for name, filter_ in found.filters.items():
        values = request.GET.getlist(name)
        # a select shows one value; several at once, given by the address, are chips as well
        if not any(values) or (name in names and len(values) == 1):
            continue
        label = str(filter_.label).split(" (")[0]
        chips.append(
            Chip(
                f"{label}: {', '.join(values)}",
                query_with(request, **{name: None, "page": None}),
                name,
                values[0],
            )
        )
    return Filters(shown, tuple(chips), request.GET.get("sort", ""))

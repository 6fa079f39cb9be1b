"""Filter controls of a page; any other filter of the same set works from the URL and is shown as a
chip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import django_filters
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.utils.text import slugify

from apps.web.lists.pagination import QuerySource, changed_query
from apps.web.pages.form_fields import write_options


@dataclass(frozen=True, slots=True)
class FilterControl:
    """Filter control: `kind` is search, select or date; `choices` are (value, label) of a select,
    without its 'any'."""

    name: str
    label: str
    kind: str = "select"
    choices: Sequence[tuple[Any, Any]] = ()
    value: str = ""
    error: str = ""

    @property
    def options(self) -> SafeString:
        return write_options(self.choices, (self.value,))


@dataclass(frozen=True, slots=True)
class FilterChip:
    text: str
    query: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FilterControls:
    controls: tuple[FilterControl, ...]
    chips: tuple[FilterChip, ...]
    sort: str


BOOLEANS = (("true", "Yes"), ("false", "No"))


def with_filter_names(query: QueryDict, *names: str) -> QueryDict:
    """Return the query with typed names replaced by the short names that filters need: users type
    names."""
    changed_query_dict = query.copy()
    for name in names:
        if value := query.get(name, ""):
            changed_query_dict[name] = slugify(str(value))
    return changed_query_dict


def build_filter_controls(
    request: QuerySource,
    filter_set: "django_filters.FilterSet",
    controls: Iterable[FilterControl],
    default_values: Mapping[str, str] | None = None,
) -> FilterControls:
    """Return the page's controls with their values, and a chip for every other filter that is set.

    `default_values` apply to a URL without them."""
    default_values = default_values or {}
    errors = filter_set.form.errors if filter_set.form.is_bound else {}
    filled_controls = tuple(
        FilterControl(
            control.name,
            control.label,
            control.kind,
            control.choices,
            value := request.GET.get(control.name, default_values.get(control.name, "")),
            # a control without a value does not filter: "Any" of a select is never wrong
            " ".join(str(error) for error in errors.get(control.name, [])) if value else "",
        )
        for control in controls
    )
    names = {control.name for control in filled_controls}
    chips = []
    for name, filter_ in filter_set.filters.items():
        values = request.GET.getlist(name)
        # a select shows one value; several at once, given by the address, are chips as well
        if not any(values) or (name in names and len(values) == 1):
            continue
        label = str(filter_.label).split(" (")[0]
        chips.append(
            FilterChip(
                f"{label}: {', '.join(values)}",
                changed_query(request, **{name: None, "page": None}),
                name,
                values[0],
            )
        )
    return FilterControls(filled_controls, tuple(chips), request.GET.get("sort", ""))

"""Filters of a list whose statement is compiled once for all values.

Building a filter set, its form and its query takes several times what the database needs for a
page. Most filters compare a column with a value; the statement then depends only on which filters
are used. Texts, numbers and days are its parameters. Choices are part of the statement, because
there are few and the planner chooses by them. Filters of any other kind, and values that are not
valid, are left to the filter set.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import FieldDoesNotExist
from django.core.validators import EMPTY_VALUES
from django.db import models
from django.http import QueryDict
from django_filters import FilterSet, filters

from apps.common.database.filter_values import FilterValue
from apps.common.time import day_of, now

_ORDER_LOOKUPS = frozenset({"exact", "lt", "lte", "gt", "gte"})
_TEXT_LOOKUPS = frozenset({"exact", "iexact", "contains", "icontains", "startswith", "istartswith"})
# {filter: (columns, lookups)}
_COMPARING: dict[type[filters.Filter], tuple[Any, frozenset[str]]] = {
    filters.CharFilter: ((models.CharField, models.TextField), _TEXT_LOOKUPS),
    filters.NumberFilter: (models.IntegerField, _ORDER_LOOKUPS),
    filters.DateFilter: (models.DateField, _ORDER_LOOKUPS),
    filters.IsoDateTimeFilter: (models.DateTimeField, _ORDER_LOOKUPS),
    filters.DateTimeFilter: (models.DateTimeField, _ORDER_LOOKUPS),
}
_CHOOSING = frozenset(
    {
        filters.BooleanFilter,
        filters.ChoiceFilter,
        filters.MultipleChoiceFilter,
        filters.TypedChoiceFilter,
        filters.TypedMultipleChoiceFilter,
    }
)
# integers that every integer column can be compared with
_MAX_INTEGER = 2**31


@dataclass(frozen=True, slots=True)
class FilterReading:
    """The requested filters: what the statement depends on, and the values of its parameters."""

    key: Hashable
    values: Sequence[Any]
    apply: Callable[[Any, int], Any]


@dataclass(frozen=True, slots=True)
class _ReusableFilter:
    """A filter and the field that reads its value; `is_parameter`: the value is a parameter."""

    filter: filters.Filter
    field: forms.Field
    is_parameter: bool


def read_filters(
    filterset_class: type[FilterSet], model: type[models.Model], query: QueryDict
) -> FilterReading | None:
    """Return the requested filters of rows of `model`; None if the filter set must read them."""
    requested = tuple(name for name in filterset_class.base_filters if name in query)
    reusable = _reusable_filters(filterset_class, model, requested)  # type: ignore[arg-type]
    if reusable is None:
        return None
    parts: list[Hashable] = []
    values: list[Any] = []
    operands: list[tuple[filters.Filter, Any, bool]] = []
    for name, one in reusable.items():
        try:
            value = one.field.clean(one.field.widget.value_from_datadict(query, {}, name))
        except forms.ValidationError:
            return None
        is_parameter = one.is_parameter and value not in EMPTY_VALUES
        if is_parameter:
            if isinstance(one.filter, filters.NumberFilter):
                if abs(value) >= _MAX_INTEGER or value != int(value):
                    return None
                value = int(value)
            parts.append(name)
            values.append(value)
        else:
            parts.append((name, tuple(value) if isinstance(value, list) else value))
        operands.append((one.filter, value, is_parameter))

    def apply(queryset: Any, n_parameters: int) -> Any:
        """Filter the rows; the parameters are numbered from `n_parameters` on."""
        number = n_parameters
        for base_filter, value, is_parameter in operands:
            queryset = base_filter.filter(queryset, FilterValue(number) if is_parameter else value)
            number += is_parameter
        return queryset

    # a condition can contain the day
    return FilterReading((tuple(parts), day_of(now())), values, apply)


@lru_cache(maxsize=512)
def _reusable_filters(
    filterset_class: type[FilterSet], model: type[models.Model], names: tuple[str, ...]
) -> Mapping[str, _ReusableFilter] | None:
    """Return the filters of these names; None if one of them is of another kind."""
    is_plain = (
        filterset_class.qs is FilterSet.qs
        and filterset_class.filter_queryset is FilterSet.filter_queryset
        and filterset_class._meta.form is forms.Form
    )
    if not is_plain:
        return None
    # one instance, whose filters are never changed
    filterset = filterset_class(QueryDict(), queryset=model._default_manager.none())
    found = {}
    for name in names:
        one = filterset.filters[name]
        is_parameter = type(one) in _COMPARING
        if not (is_parameter or type(one) in _CHOOSING) or not _is_reusable(filterset, model, one):
            return None
        found[name] = _ReusableFilter(one, one.field, is_parameter)
    return found


def _is_reusable(filterset: FilterSet, model: type[models.Model], one: filters.Filter) -> bool:
    """Return whether the condition of this filter depends on its value alone."""
    if one.method is not None:
        method = one.method if callable(one.method) else getattr(filterset, one.method)
        return bool(getattr(method, "is_reusable", False))
    if type(one).filter not in {kind.filter for kind in (*_COMPARING, *_CHOOSING)}:
        return False
    if type(one) in _CHOOSING:
        return True
    columns, lookups = _COMPARING[type(one)]
    column = _column(model, one.field_name)
    # a moment is a day to Django's classes, but not to the database
    is_other_kind = isinstance(column, models.DateTimeField) and columns is models.DateField
    return one.lookup_expr in lookups and isinstance(column, columns) and not is_other_kind


def _column(model: Any, path: str) -> Any:
    """Return the model field at the end of a lookup path; None if it ends in something else."""
    field: Any = None
    for name in path.split("__"):
        if model is None:
            return None
        try:
            field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        except FieldDoesNotExist:
            return None
        model = getattr(field, "related_model", None)
    # a foreign key holds what the column of the other table holds
    return getattr(field, "target_field", field)

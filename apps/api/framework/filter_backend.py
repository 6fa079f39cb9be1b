"""Filters of lists; errors name the accepted values."""

from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from apps.api.framework.validation import filter_errors


class RegistryFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    def get_filterset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> FilterSet | None:
        """Return a filter set with the requested filters only, since a filter set copies each of
        its filters."""
        whole = self.get_filterset_class(view, queryset)
        if whole is None:
            return None
        filters = _with_requested_filters(
            whole, frozenset(_requested_names(whole, request.query_params))
        )
        return filters(**self.get_filterset_kwargs(request, queryset, view))

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError(filter_errors(filterset))
        return filterset.qs  # type: ignore[no-any-return]


def _requested_names(whole: type[FilterSet], query: QueryDict) -> list[str]:
    """Return the names of the filters in the query; a range is requested by its name and a
    suffix."""
    return [
        name
        for name in whole.base_filters
        if any(key == name or key.startswith(f"{name}_") for key in query)
    ]


@lru_cache(maxsize=256)
def _with_requested_filters(whole: type[FilterSet], names: frozenset[str]) -> type[FilterSet]:
    few: type[FilterSet] = type(whole.__name__, (whole,), {"__module__": whole.__module__})
    few.base_filters = {name: one for name, one in whole.base_filters.items() if name in names}
    return few

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
        filterset_class = self.get_filterset_class(view, queryset)
        if filterset_class is None:
            return None
        reduced_class = _reduce_filterset(
            filterset_class, frozenset(_requested_names(filterset_class, request.query_params))
        )
        return reduced_class(**self.get_filterset_kwargs(request, queryset, view))

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError(filter_errors(filterset))
        return filterset.qs  # type: ignore[no-any-return]


def _requested_names(filterset_class: type[FilterSet], query: QueryDict) -> list[str]:
    """Return the names of the filters in the query; a range is requested by its name and a
    suffix."""
    return [
        name
        for name in filterset_class.base_filters
        if any(key == name or key.startswith(f"{name}_") for key in query)
    ]


@lru_cache(maxsize=256)
def _reduce_filterset(filterset_class: type[FilterSet], names: frozenset[str]) -> type[FilterSet]:
    reduced_class: type[FilterSet] = type(
        filterset_class.__name__, (filterset_class,), {"__module__": filterset_class.__module__}
    )
    reduced_class.base_filters = {
        name: base_filter
        for name, base_filter in filterset_class.base_filters.items()
        if name in names
    }
    return reduced_class

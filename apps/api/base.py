"""What every resource shares: who may ask, how lists are read, paged and cached."""

from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_etags
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.authentication import HasScope
from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.api.pagination import KeysetPagination
from apps.api.problems import problem
from apps.api.reading import Computed, RowReader
from apps.api.rendering import FastJSONRenderer
from apps.api.schema import RegistrySchema
from apps.api.throttling import TokenThrottle
from apps.common.pagination import Keyset

BY_ID = Keyset(("id",))
INTEGER_ID = "[0-9]{1,18}"
# a viewset has a method called list
type Names = list[str]


class RegistryView(APIView):
    """Closed without a token or session, throttled, in JSON, with an ETag on what is read."""

    permission_classes = [HasScope]
    throttle_classes = [TokenThrottle]
    renderer_classes = [FastJSONRenderer]
    schema = RegistrySchema()
    # OPTIONS would describe fields to whoever may ask; the OpenAPI document is the place for it
    metadata_class = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return with_etag(request, super().dispatch(request, *args, **kwargs))

    @property
    def user(self) -> User:
        user = self.request.user
        # the permission class lets nobody else in
        assert isinstance(user, User)
        return user

    def require(self, role: TeamRole, team: Team | int) -> None:
        """Refuse unless the caller holds the role on the team that owns the thing."""
        if not self.user.may(role, team):
            raise PermissionDenied(f"Only an {role.word} of the owning team may do this. Ask one of them.")


class ReadViewSet[M: Model](RegistryView, GenericViewSet[M]):
    """List and retrieve of one model, as far as `visible_to` shows it; each is one statement.

    `orders` are the values of `?ordering=`, the first one being the usual. `dated_orders` names those that leave
    out rows without the column. `annotations` are further columns, read only where a field needs them.
    """

    model: type[M]
    pagination_class = KeysetPagination  # type: ignore[assignment]
    orders: ClassVar[dict[str, Keyset]] = {"id": BY_ID, "-id": Keyset(("-id",))}
    dated_orders: ClassVar[frozenset[str]] = frozenset()
    annotations: ClassVar[Mapping[str, Any]] = {}
    computed: ClassVar[Mapping[str, Computed]] = {}
    lookup_value_regex = INTEGER_ID
    picks_fields = True

    def get_queryset(self) -> QuerySet[M]:
        objects: Any = self.model._default_manager
        if getattr(self, "swagger_fake_view", False):
            return objects.none()  # type: ignore[no-any-return]
        return objects.visible_to(self.request.user).order_by()  # type: ignore[no-any-return]

    @cached_property
    def reader(self) -> RowReader:
        return reader_of(type(self), self.serializer_class)  # type: ignore[arg-type]

    def asked_fields(self, reader: RowReader) -> Names:
        asked = self.request.query_params.get("fields")
        if not asked:
            return reader.names
        names = [*dict.fromkeys(name.strip() for name in asked.split(",") if name.strip())]
        unknown = [name for name in names if name not in reader.names]
        if unknown or not names:
            raise ValidationError(
                {"fields": f"No such field: {', '.join(unknown)}. Choose from {', '.join(reader.names)}."}
            )
        return names

    def page_of(self, queryset: QuerySet[Any], reader: RowReader, orders: Mapping[str, Keyset]) -> Response:
        pages = self.pagination_class()
        order = pages.order(self.request, orders)
        if self.request.query_params.get(pages.order_param) in self.dated_orders:
            queryset = queryset.filter(**{f"{order.names[0]}__isnull": False})
        names = self.asked_fields(reader)
        page = pages.page(self.request, reader.select(queryset, names, *order.names), order)
        return Response(pages.body(self.request, page, reader.rows(page.rows, names)))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.page_of(self.filter_queryset(self.get_queryset()), self.reader, self.orders)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.one(self.asked_fields(self.reader), **{self.lookup_field: self.kwargs[self._keyword]}))

    def one(self, names: Names, **lookup: Any) -> dict[str, Any]:
        found = self.reader.select(self.get_queryset().filter(**lookup), names).first()
        if found is None:
            raise Http404
        return self.reader.rows([found], names)[0]

    @property
    def _keyword(self) -> str:
        return self.lookup_url_kwarg or self.lookup_field

    def subject(self, *relations: str) -> M:
        """The row named in the address, for an action; 404 where the caller may not see it."""
        found = self.get_queryset().filter(**{self.lookup_field: self.kwargs[self._keyword]})
        row = (found.select_related(*relations) if relations else found).first()
        if row is None:
            raise Http404
        return row

    def answer(self, row: M, code: int = status.HTTP_200_OK) -> Response:
        """A row just written, as its address would answer."""
        return Response(self.one(self.reader.names, pk=row.pk), status=code)

    def validated(self, serializer_class: type[serializers.BaseSerializer[Any]], **kwargs: Any) -> dict[str, Any]:
        """The body, checked. `reason` is for the history."""
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context(), **kwargs)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


_READERS: dict[tuple[type, type], RowReader] = {}


def reader_of(view: type[ReadViewSet[Any]], serializer: type[serializers.BaseSerializer[Any]]) -> RowReader:
    """Built once per view and serializer: looking at a serializer's fields costs more than a query."""
    key = (view, serializer)
    if key not in _READERS:
        _READERS[key] = RowReader(serializer, annotations=view.annotations, computed=view.computed)
    return _READERS[key]


def with_etag(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Tag what was read by its content, and answer 304 to who has it already."""
    if request.method not in {"GET", "HEAD"} or response.status_code != status.HTTP_200_OK:
        return response
    if not isinstance(response, Response):
        return response
    response.render()
    response["ETag"] = f'"{blake2b(response.content, digest_size=16).hexdigest()}"'
    # what one caller sees is nobody else's
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Authorization", "Cookie"])
    held = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in held or response["ETag"] in {tag.removeprefix("W/") for tag in held}:
        unchanged = Response(status=status.HTTP_304_NOT_MODIFIED)
        for name in ("ETag", "Cache-Control", "Vary"):
            unchanged[name] = response[name]
        unchanged.accepted_renderer = response.accepted_renderer
        unchanged.accepted_media_type = response.accepted_media_type
        unchanged.renderer_context = response.renderer_context  # type: ignore[attr-defined]
        return unchanged
    return response


@extend_schema(exclude=True)
class NothingHere(RegistryView):
    """Any other address under the API's root."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


__all__ = ["BY_ID", "INTEGER_ID", "NothingHere", "ReadViewSet", "RegistryView", "problem", "reader_of", "with_etag"]

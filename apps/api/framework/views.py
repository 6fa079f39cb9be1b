"""Base views of all resources: permissions, lists, pages and caching."""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.http import parse_etags
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from apps.accounts.api_tokens.authentication import HasScope
from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.api.framework.etags import PreconditionFailedError, etag_of, with_etag
from apps.api.framework.export_formats import FILE_RENDERERS
from apps.api.framework.file_responses import FileResponseMixin, stream_file
from apps.api.framework.filter_readings import FilterReading, read_filters
from apps.api.framework.idempotency import HEADER as KEY_HEADER
from apps.api.framework.idempotency import (
    KeyClaim,
    ReplayedResponseError,
    StreamKeyClaim,
    claim_key,
)
from apps.api.framework.json_parser import FastJSONParser
from apps.api.framework.json_renderer import FastJSONRenderer, FormatNegotiation
from apps.api.framework.pagination import KeysetPagination
from apps.api.framework.problems import UnknownRouteError, problem_body
from apps.api.framework.row_reader import ComputedField, RowReader
from apps.api.framework.statement_cache import RowStatement, cached_statement, visibility_key
from apps.api.framework.throttles import TokenThrottle
from apps.api.framework.validation import (
    FORMAT_PARAMETERS,
    refuse_unknown_parameters,
    validate_data,
)
from apps.api.openapi.deprecation import Deprecation
from apps.api.openapi.schema import RegistrySchema
from apps.common.database.keyset_pagination import Keyset, keyset_page, page_from_rows
from apps.common.database.prepared_statements import PreparedStatement, row_comparison
from apps.inventory.actions.locks import lock_teams_of

BY_ID = Keyset(("id",))
INTEGER_ID = "[0-9]{1,18}"
CONDITIONAL_METHODS = frozenset({"PATCH", "PUT", "DELETE"})
# aliases, since a viewset has a method called list
type Names = list[str]
type Rows = list[dict[str, Any]]
# rows of a file that are in memory together
EXPORT_BATCH_SIZE = 2_000


class RegistryView(FileResponseMixin, APIView):
    """A view that requires a token or session, is throttled, answers in JSON and adds an ETag to
    reads."""

    permission_classes = [HasScope]
    throttle_classes = [TokenThrottle]
    renderer_classes = [FastJSONRenderer]
    content_negotiation_class: type[BaseContentNegotiation] = FormatNegotiation
    parser_classes = [FastJSONParser]
    schema = RegistrySchema()
    # OPTIONS would describe fields to all clients; the OpenAPI document describes them
    metadata_class = None
    # true for resources about the caller, which tokens bound to a team cannot use
    is_personal = False

    # the parameters that a GET supports; None: they are not checked
    reads: ClassVar[Collection[str] | None] = None

    # set if the endpoint, or one action of a viewset, is deprecated
    retires: Deprecation | None = None
    # the body is read by the view as it arrives (bulk)
    streams = False
    _claim: KeyClaim | StreamKeyClaim | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request; a change with If-Match or an Idempotency-Key in one transaction.

        Such a change is rolled back if the response is an error. The response of a request with a
        key is stored, so that a repeated request gets the same one.
        """
        if request.method in CONDITIONAL_METHODS and "If-Match" in request.headers:
            # the row is locked from the comparison until the change is written
            with transaction.atomic():
                change_response = super().dispatch(request, *args, **kwargs)
                if change_response.status_code >= status.HTTP_400_BAD_REQUEST:
                    transaction.set_rollback(True)
            return change_response
        has_key = request.method == "POST" and KEY_HEADER in request.headers
        if has_key and not self.streams and self._may_repeat(request):
            return with_etag(request, self._dispatch_once(request, *args, **kwargs))
        response: HttpResponseBase | None = None
        try:
            response = super().dispatch(request, *args, **kwargs)
        finally:
            if self._claim is not None:
                self._claim.keep(response.render() if isinstance(response, Response) else None)
        if isinstance(response, Response):
            response.add_post_render_callback(self._release_response)
        return with_etag(request, response)

    def _dispatch_once(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Run the work and store its answer in one transaction; after an error, store the answer
        alone."""
        with transaction.atomic():
            with transaction.atomic():
                response = super().dispatch(request, *args, **kwargs)
                if response.status_code >= status.HTTP_400_BAD_REQUEST:
                    transaction.set_rollback(True)
            if response.status_code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
                transaction.set_rollback(True)
            elif self._claim is not None:
                self._claim.keep(response.render() if isinstance(response, Response) else None)
        if isinstance(response, Response):
            response.add_post_render_callback(self._release_response)
        return response

    def _release_response(self, response: Any) -> None:
        """Release rows and body with the response, since a reference cycle with the view would keep
        them."""
        self.response = None  # type: ignore[assignment]
        response.renderer_context = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the request before its handler runs, after authentication and permissions.

        A POST with an Idempotency-Key claims the key; a change with If-Match is rejected with 412
        if the record has another ETag; a GET is rejected if a query parameter is unknown. If a file
        is requested, the handler of GET is replaced by one that streams the rows.
        """
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and KEY_HEADER in request.headers and self._may_repeat(request):
            self._claim = claim_key(request, streams=self.streams)
        elif request.method in CONDITIONAL_METHODS and "If-Match" in request.headers:
            self._refuse_unless_matching(request, *args, **kwargs)
        elif request.method == "GET":
            if (supported_names := self.parameters()) is not None:
                refuse_unknown_parameters(
                    request.query_params, {*supported_names, *FORMAT_PARAMETERS}
                )
            if self.is_file and self.offers_files:
                # set before REST framework looks up the handler
                handlers: Any = self
                handlers.get = self.file_handler(handlers.get)

    def parameters(self) -> Collection[str] | None:
        """Return the supported parameters, beside the format; None if they are not checked."""
        return self.reads

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ReplayedResponseError):
            return exc.response
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(response, "exception", False) or not isinstance(response, Response):
            # an error is JSON, whatever format was requested
            request.accepted_renderer, request.accepted_media_type = (
                FastJSONRenderer(),
                FastJSONRenderer.media_type,
            )
        final_response = super().finalize_response(request, response, *args, **kwargs)
        if self.retires is not None:
            self.retires.add_headers(final_response)
        return final_response

    def _may_repeat(self, request: Request | HttpRequest) -> bool:
        """Return whether an Idempotency-Key is supported; uploads have keys of their own
        (apps/intake)."""
        kind = (request.content_type or "").partition(";")[0]
        return (
            self.streams
            or kind in {"", "application/json"}
            or not request.META.get("CONTENT_LENGTH")
        )

    def _refuse_unless_matching(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raise 412 unless the record still has the ETag of this URL in If-Match."""
        handler = getattr(self, "retrieve", None) or getattr(self, "get", None)
        if handler is None:
            return
        client_etags = {tag.removeprefix("W/") for tag in parse_etags(request.headers["If-Match"])}
        self.lock(**kwargs)
        response = handler(request, *args, **kwargs)
        if "*" not in client_etags and etag_of(response.data) not in client_etags:
            raise PreconditionFailedError

    def lock(self, **kwargs: Any) -> None:
        """Lock the record of this URL, so that other changes of it wait."""

    @property
    def user(self) -> User:
        user = self.request.user
        # the permission class admits authenticated users only
        assert isinstance(user, User)
        return user

    def require(self, role: TeamRole, team: Team | int) -> None:
        """Raise 403 unless the caller has the role on the team that owns the record."""
        if not self.user.may(role, team):
            raise PermissionDenied(
                f"You need the {role.word} role on the owning team. Contact a team owner."
            )


class ReadViewSet[M: Model](RegistryView, GenericViewSet[M]):
    """List and retrieve of one model, as far as `visible_to` shows it; one statement each.

    `orders` are the values of `?ordering=`, the first one being the default. `dated_orders` names
    those that omit rows without the column. `annotations` are further columns, read only if a field
    needs them.
    """

    model: type[M]
    pagination_class = KeysetPagination  # type: ignore[assignment]
    orders: ClassVar[dict[str, Keyset]] = {"id": BY_ID, "-id": Keyset(("-id",))}
    dated_orders: ClassVar[frozenset[str]] = frozenset()
    annotations: ClassVar[Mapping[str, Any]] = {}
    computed: ClassVar[Mapping[str, ComputedField]] = {}
    lookup_value_regex = INTEGER_ID
    picks_fields = True
    # parameters of the list besides its filters
    also_reads: ClassVar[Collection[str]] = ()
    # the filter that also finds the rows that `limit` leaves out; empty if it leaves out none
    limit_lifted_by: ClassVar[str] = ""
    # lookup path from a row to its application; empty if the rows belong to no application
    application_path: ClassVar[str] = ""
    # further formats of the list, besides JSON, CSV and a workbook
    feed_renderers: ClassVar[tuple[type[BaseRenderer], ...]] = ()

    def get_queryset(self) -> QuerySet[M]:
        objects: Any = self.model._default_manager
        if getattr(self, "swagger_fake_view", False):
            return objects.none()  # type: ignore[no-any-return]
        return objects.visible_to(self.request.user).order_by()  # type: ignore[no-any-return]

    def parameters(self) -> Collection[str] | None:
        """Return the supported parameters; a misspelt filter would return all rows."""
        if self.reads is not None or not hasattr(self, "action"):
            return self.reads
        fields = ["fields"] if self.picks_fields else []
        if self.action == "retrieve":
            return fields
        if self.action != "list":
            return None
        pagination, filterset = self.pagination_class, getattr(self, "filterset_class", None)
        filters = [*getattr(filterset, "base_filters", ()), *self.also_reads]
        return [
            *fields,
            *filters,
            pagination.cursor_param,
            pagination.size_param,
            pagination.order_param,
        ]

    # --- as files ---------------------------------------------------------------------------------

    def get_renderers(self) -> list[BaseRenderer]:
        renderers: list[BaseRenderer] = super().get_renderers()
        if getattr(self, "action", None) == "list":
            renderers += [renderer() for renderer in (*FILE_RENDERERS, *self.feed_renderers)]
        return renderers

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if getattr(self, "action", None) == "list" and self.is_file:
            # set before REST framework looks up the handler
            self.get = self.as_file

    def as_file(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the whole list from the cursor on, in the requested order and with the requested
        fields."""
        if type(self).list is ReadViewSet.list:
            names = self.requested_fields(self.reader)
            pages = self._pages_of_rows(names)
        else:
            serializer: Any = self.get_serializer_class()()
            names = [name for name, field in serializer.fields.items() if not field.write_only]
            pages = self.pages_of(self.list, "results", *args, **kwargs)
        return stream_file(request, pages, names)  # type: ignore[no-any-return]

    def _pages_of_rows(self, names: Names) -> Iterator[Rows]:
        """Yield the rows of the list in batches, from the requested cursor on."""
        pagination, reader = self.pagination_class(), self.reader
        order = pagination.order(self.request, self.orders)
        queryset = self.filter_queryset(self.get_queryset())
        if self.request.query_params.get(pagination.order_param) in self.dated_orders:
            queryset = queryset.filter(**{f"{order.names[0]}__isnull": False})
        rows: Any = reader.select(queryset, names, *order.names)
        pagination.place(self.request, self.model, order)
        cursor: str | None = self.request.query_params.get(pagination.cursor_param, "")
        while cursor is not None:
            page = keyset_page(rows, order=order, size=EXPORT_BATCH_SIZE, cursor=cursor)
            yield reader.rows(page.rows, names)
            cursor = page.next

    def lock(self, **kwargs: Any) -> None:
        """Lock the row, after its application, as the actions do (inventory/actions/locks.py).

        In the other order this change and an action would deadlock. Rows that the caller
        cannot view are not locked.
        """
        if (value := kwargs.get(self._keyword)) is None:
            return
        visible = self.get_queryset().filter(**{self.lookup_field: value})
        if self.application_path:
            lock_teams_of(visible.values_list(self.application_path, flat=True))
        rows = self.model._default_manager.select_for_update(of=("self",)).order_by()
        list(rows.filter(pk__in=visible.values("pk")).values_list("pk"))

    @cached_property
    def reader(self) -> RowReader:
        return row_reader_for(type(self), self.serializer_class)  # type: ignore[arg-type]

    def requested_fields(self, reader: RowReader) -> Names:
        """Return the fields that `?fields=` names, without duplicates; all fields without it.

        Raise a validation error for unknown fields.
        """
        # generators of clients repeat the parameter instead of joining its values
        field_list = ",".join(self.request.query_params.getlist("fields"))
        # a feed needs all fields
        if not field_list or isinstance(
            getattr(self.request, "accepted_renderer", None), self.feed_renderers
        ):
            return reader.names
        names = [*dict.fromkeys(name.strip() for name in field_list.split(",") if name.strip())]
        unknown = [name for name in names if name not in reader.names]
        if unknown or not names:
            raise ValidationError(
                {
                    "fields": f"Unknown field: {', '.join(unknown)}. Use one of "
                    f"{', '.join(reader.names)}."
                }
            )
        return names

    def page_of(
        self, queryset: QuerySet[Any], reader: RowReader, orders: Mapping[str, Keyset]
    ) -> Response:
        """Return the requested page of the rows, in the requested order of `orders`."""
        pagination = self.pagination_class()
        order = pagination.order(self.request, orders)
        if self.request.query_params.get(pagination.order_param) in self.dated_orders:
            queryset = queryset.filter(**{f"{order.names[0]}__isnull": False})
        names = self.requested_fields(reader)
        page = pagination.page(self.request, reader.select(queryset, names, *order.names), order)
        return Response(pagination.body(self.request, page, reader.rows(page.rows, names)))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self._is_plain:
            if not self._is_filtered:
                return self._read_cached_page()
            filters = self._read_filters()
            if filters is not None:
                return self._read_cached_page(filters)
        return self.page_of(self.filter_queryset(self.get_queryset()), self.reader, self.orders)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(
            self.read_row(
                self.requested_fields(self.reader),
                **{self.lookup_field: self.kwargs[self._keyword]},
            )
        )

    def read_row(self, names: Names, **lookup: Any) -> dict[str, Any]:
        if self._is_plain and len(lookup) == 1:
            return self._read_cached_row(names, *lookup.popitem())
        row = self.reader.select(self.get_queryset().filter(**lookup), names).first()
        if row is None:
            raise Http404
        return self.reader.rows([row], names)[0]

    # --- cached statements (apps/api/framework/statement_cache.py) --------------------------------

    @property
    def _is_plain(self) -> bool:
        """Return whether the rows depend only on the permissions of the caller."""
        return type(self).get_queryset is ReadViewSet.get_queryset

    def limit(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the list unless the filter `limit_lifted_by` is used, which also finds
        the others. They must not depend on the request, since the statement is compiled once."""
        return queryset

    @property
    def _is_limited(self) -> bool:
        return not self.request.query_params.get(self.limit_lifted_by)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter_queryset(queryset)
        return self.limit(found) if self._is_limited else found

    @property
    def _is_filtered(self) -> bool:
        params = self.request.query_params
        filterset: Any = getattr(self, "filterset_class", None)
        return (
            bool(params)
            and filterset is not None
            and not filterset.base_filters.keys().isdisjoint(params)
        )

    def _read_filters(self) -> FilterReading | None:
        """Return the filters of the request; None if the filter set of the view must apply them."""
        if type(self).filter_queryset is not ReadViewSet.filter_queryset:
            return None
        return read_filters(self.filterset_class, self.model, self.request.query_params)  # type: ignore[attr-defined]

    def _read_cached_page(self, filters: FilterReading | None = None) -> Response:
        """Return the requested page of the list, by a statement that is compiled once.

        The statement is the same for all callers with the same permissions (visibility key), and
        for all pages of one size and order after the first; the cursor is its parameter, and so are
        the values of filters. Without filters it is also planned once.
        """
        pagination, reader = self.pagination_class(), self.reader
        order = pagination.order(self.request, self.orders)
        names, size = self.requested_fields(reader), pagination.size(self.request)
        backwards, after = pagination.place(self.request, self.model, order)
        omits_undated = self.request.query_params.get(pagination.order_param) in self.dated_orders

        def prepare_statement() -> RowStatement:
            queryset = self.get_queryset()
            if filters is not None:
                queryset = filters.apply(queryset, len(after or ()))
            if self._is_limited:
                queryset = self.limit(queryset)
            if omits_undated:
                queryset = queryset.filter(**{f"{order.names[0]}__isnull": False})
            if after is not None:
                comparison = "<" if order.falls != backwards else ">"
                queryset = queryset.filter(row_comparison(self.model, order.names, comparison))
            rows = reader.select(queryset, names, *order.names)
            statement = PreparedStatement(
                rows.order_by(*order.directed(backwards=backwards))[: size + 1],
                plans_once=filters is None,
            )
            return RowStatement(statement, reader.assembler(statement.names, names))

        key = (
            type(self),
            visibility_key(self.request.user),
            tuple(names),
            order,
            size,
            backwards,
            after is None,
            omits_undated,
            filters and filters.key,
        )
        cached = cached_statement(key, prepare_statement)
        statement = cached.statement
        row_tuples = statement.rows(*(after or ()), *(filters.values if filters else ()))
        page = page_from_rows(
            row_tuples,
            order=order,
            size=size,
            backwards=backwards,
            is_first=after is None,
            columns=statement.names,
        )
        return Response(pagination.body(self.request, page, cached.assemble(page.rows)))

    def _read_cached_row(self, names: Names, column: str, value: Any) -> dict[str, Any]:
        """Return the fields of the row with this value, by a statement that is prepared once.

        Raise 404 if the caller cannot view it, or if the value is not one of the column.
        """
        field: Any = self.model._meta.pk if column == "pk" else self.model._meta.get_field(column)

        def prepare_statement() -> RowStatement:
            queryset = self.get_queryset().filter(row_comparison(self.model, (field.name,), "="))
            statement = PreparedStatement(self.reader.select(queryset, names)[:1])
            return RowStatement(statement, self.reader.assembler(statement.names, names))

        cached = cached_statement(
            (type(self), visibility_key(self.request.user), tuple(names), column), prepare_statement
        )
        try:
            row_tuples = cached.statement.rows(field.to_python(value))
        except ModelValidationError:
            row_tuples = []
        if not row_tuples:
            raise Http404
        return cached.assemble(row_tuples)[0]

    @property
    def _keyword(self) -> str:
        return self.lookup_url_kwarg or self.lookup_field

    def subject(self, *relations: str) -> M:
        """Return the row in the URL, for an action; raise 404 if the caller cannot view it."""
        queryset = self.get_queryset().filter(**{self.lookup_field: self.kwargs[self._keyword]})
        row = (queryset.select_related(*relations) if relations else queryset).first()
        if row is None:
            raise Http404
        return row

    def answer(self, row: M, code: int = status.HTTP_200_OK) -> Response:
        """Return the written row in the form of its own URL."""
        body = self.read_row(self.reader.names, pk=row.pk)
        return Response(body, status=code, headers={"ETag": etag_of(body)})

    def validated(
        self, serializer_class: type[serializers.BaseSerializer[Any]], **kwargs: Any
    ) -> dict[str, Any]:
        """Return the validated body. `reason` is for the audit log."""
        serializer = serializer_class(
            data=self.request.data, context=self.get_serializer_context(), **kwargs
        )
        # a client may send back the whole record with one changed field
        ignored_names = (
            self.reader.names
            if self.request.method in {"PATCH", "PUT"} and self.serializer_class
            else ()
        )
        return dict(validate_data(serializer, ignored_names=ignored_names))


_ROW_READERS: dict[tuple[type, type], RowReader] = {}


def row_reader_for(
    view: type[ReadViewSet[Any]], serializer: type[serializers.BaseSerializer[Any]]
) -> RowReader:
    """Return the reader of a view and serializer, built once, since inspecting a serializer costs
    more than a query."""
    key = (view, serializer)
    if key not in _ROW_READERS:
        _ROW_READERS[key] = RowReader(
            serializer, annotations=view.annotations, computed=view.computed
        )
    return _ROW_READERS[key]


@extend_schema(exclude=True)
class UnknownRouteView(RegistryView):
    """Any other URL under the root of the API."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise UnknownRouteError


__all__ = [
    "BY_ID",
    "INTEGER_ID",
    "ReadViewSet",
    "RegistryView",
    "UnknownRouteView",
    "etag_of",
    "problem_body",
    "row_reader_for",
    "with_etag",
]

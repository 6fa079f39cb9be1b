"""Writing of editable records by REST: the serializer is built from the `FieldSet` of the record,
and the actions are those of the pages."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db import models
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.governance.base import GovernedViewSet
from apps.common.records.field_set import FieldSet
from apps.common.records.record_type import RecordType


class KeyField(serializers.SlugRelatedField[Any]):
    """A related record by the key that users know."""


@extend_schema_field({"type": "integer"})
class IdField(serializers.PrimaryKeyRelatedField[Any]):
    """A related record by its ID."""


_SERIALIZERS: dict[tuple[type, bool], type[serializers.Serializer[Any]]] = {}


def record_serializer(
    record_class: type[RecordType[Any]], *, creating: bool
) -> type[serializers.Serializer[Any]]:
    """Return the serializer of a request that creates or changes a record, built once."""
    key = (record_class, creating)
    if key not in _SERIALIZERS:
        _SERIALIZERS[key] = _build_serializer(record_class, creating=creating)
    return _SERIALIZERS[key]


def _build_serializer(
    record_class: type[RecordType[Any]], *, creating: bool
) -> type[serializers.Serializer[Any]]:
    field_set = record_class.field_set
    fields: dict[str, Any] = {
        name: _serializer_field(field_set, name, creating=creating)
        for name in field_set.names_for(creating=creating)
    }
    fields["reason"] = serializers.CharField(
        write_only=True,
        required=record_class.requires_reason,
        allow_blank=not record_class.requires_reason,
        max_length=500,
        help_text="Reason for the change, for the audit log."
        + (" It names the source." if record_class.requires_reason else ""),
    )
    verb = "Create" if creating else "Change"
    return type(f"{field_set.model.__name__}{verb}Serializer", (serializers.Serializer,), fields)


def _serializer_field(
    field_set: FieldSet, name: str, *, creating: bool
) -> serializers.Field[Any, Any, Any, Any]:
    field = field_set.model_field(name)
    is_required = creating and (name in field_set.required or field_set.is_required(name))
    options: dict[str, Any] = {"required": is_required, "help_text": field_set.help_text(name)}
    if field.is_relation:
        key = field_set.keys.get(field.related_model, "pk")
        options |= {
            "queryset": field.related_model._default_manager.all(),
            "allow_null": field.null,
        }
        return IdField(**options) if key == "pk" else KeyField(slug_field=key, **options)
    choices = list(field_set.choices.get(name, ()))
    if isinstance(field, ArrayField):
        base = field.base_field
        choices = choices or list(base.flatchoices or ())
        child: Any = (
            serializers.ChoiceField(choices=choices)
            if choices
            else serializers.CharField(max_length=base.max_length)
        )
        return serializers.ListField(
            child=child, allow_empty=name not in field_set.required, max_length=200, **options
        )
    if name in field_set.readers:
        # values can have spaces, which the reader removes
        return serializers.CharField(
            max_length=2 * field.max_length,
            allow_blank=field.blank and name not in field_set.required,
            **options,
        )
    built_class, built_options = serializers.ModelSerializer().build_standard_field(name, field)
    built_options = {
        k: v for k, v in built_options.items() if k not in ("model_field", "validators")
    }
    if name in field_set.required:
        built_options.pop("allow_blank", None)
        built_options.pop("allow_null", None)
    if built_options.get("allow_null") and name in field_set.required:
        built_options.pop("allow_null")
    return built_class(**{**built_options, **options})


class RecordCreationViewSet[M: models.Model](GovernedViewSet[M]):
    """An editable record: read by all, created by governance with the action of the pages."""

    record: ClassVar[RecordType[Any]]

    def create(self, request: Request) -> Response:
        """Create a record. Requires the governance role."""
        self.require_governance()
        facts = self.validated(record_serializer(type(self.record), creating=True))
        reason = facts.pop("reason", "")
        write = self.record.create(facts=facts, by=self.user, reason=reason)
        return self.answer(write.row, status.HTTP_201_CREATED)


class RecordChangeMixin:
    """Change of an editable record."""

    def partial_update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the given fields. Requires the governance role."""
        row = self.governed()
        facts = self.validated(record_serializer(type(self.record), creating=False), partial=True)
        reason = facts.pop("reason", "")
        self.record.change(row=row, facts=facts, by=self.user, reason=reason)
        return cast(Response, self.answer(self.row_after(row)))

    def row_after(self, row: Any) -> Any:
        """Return the row that shows the change: the changed one, except for facts whose change is a
        new row."""
        return row


class RecordDeletionMixin:
    """Deletion of an editable record."""

    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete a record on which nothing depends. Requires the governance role."""
        self.record.delete(row=self.governed(), by=self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RecordViewSet[M: models.Model](
    RecordChangeMixin, RecordDeletionMixin, RecordCreationViewSet[M]
):
    """An editable record: read by all, written by governance with the actions of the pages."""


def record_schema(
    record_class: type[RecordType[Any]],
    read: Any,
    *,
    methods: Collection[str] = ("create", "partial_update", "destroy"),
) -> Mapping[str, Any]:
    """Return the OpenAPI decorators of the methods that write a record."""
    schemas = {
        "create": extend_schema(
            request=record_serializer(record_class, creating=True), responses={201: read}
        ),
        "partial_update": extend_schema(
            request=record_serializer(record_class, creating=False), responses=read
        ),
        "destroy": extend_schema(responses={204: None}),
    }
    return {name: schemas[name] for name in methods}

"""Model fields that Django does not have in this form."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class StoredColumn(models.GeneratedField):
    """A stored generated column. Skips the system check that connects to ask whether the database
    supports it: PostgreSQL does, and commands that use no database then need none."""

    def _check_supported(self, databases: Any) -> list[Any]:
        return []

    def _check_persistence(self, databases: Any) -> list[Any]:
        return []

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        # migrations contain Django's own field
        return name, "django.db.models.GeneratedField", args, kwargs


# for reasons and all other texts that users write
MAX_REASON_LENGTH = 10_000
MAX_TEXT_LENGTH = 20_000


class LimitedTextField(models.TextField):  # type: ignore[type-arg]
    """A text field with a maximum length. Django checks it only in forms; here the model checks it
    as well, and the database with a CHECK of the column. Forms, serializers, bulk rows and
    spreadsheets take the maximum from this field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        max_length = kwargs.setdefault("max_length", MAX_TEXT_LENGTH)
        super().__init__(*args, **kwargs)
        self.validators.append(MaxLengthValidator(max_length))

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "max_length": self.max_length}

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        if is_history(self.model):
            return None
        return f"char_length({connection.ops.quote_name(str(self.column))}) <= {self.max_length}"


class TextMapField(models.JSONField):
    """A flat mapping of short names to short texts, such as the ids of an object in other
    systems."""

    MAX_ENTRIES = 50
    MAX_NAME_LENGTH = 100
    MAX_VALUE_LENGTH = 500

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.validators.append(small_text_map)

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        if is_history(self.model):
            return None
        column = connection.ops.quote_name(str(self.column))
        # only texts, at most MAX_ENTRIES, with a limited total length; the length of each is
        # checked by the model
        return (
            f"jsonb_typeof({column}) = 'object'"
            f" AND NOT jsonb_path_exists({column}, '$.* ? (@.type() != \"string\")')"
            f" AND jsonb_array_length(jsonb_path_query_array({column}, '$.keyvalue().key')) <= "
            f"{self.MAX_ENTRIES}"
            f" AND char_length({column}::text) <= {self._max_characters()}"
        )

    def _max_characters(self) -> int:
        # an escaped character takes at most six; each entry adds quotation marks, a colon and a
        # comma
        return self.MAX_ENTRIES * (6 * (self.MAX_NAME_LENGTH + self.MAX_VALUE_LENGTH) + 8)


def small_text_map(value: Any) -> None:
    """Raise ValidationError unless the value maps at most 50 short names to short texts."""
    if not isinstance(value, dict):
        raise ValidationError(
            "Send an object with names and texts, such as {'cmdb': 'APP-0042'}.", code="not_a_map"
        )
    if len(value) > TextMapField.MAX_ENTRIES:
        raise ValidationError(
            f"{len(value)} entries are too many. Send at most {TextMapField.MAX_ENTRIES}.",
            code="too_many",
        )
    for name, text in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= TextMapField.MAX_NAME_LENGTH:
            raise ValidationError(
                f"'{str(name)[:40]}' is not a valid name. Use 1 to "
                f"{TextMapField.MAX_NAME_LENGTH} characters.",
                code="name",
            )
        if not isinstance(text, str):
            raise ValidationError(
                f"The value of '{name[:40]}' must be text in quotation marks, not a list or an "
                "object.",
                code="not_text",
            )
        if len(text) > TextMapField.MAX_VALUE_LENGTH:
            raise ValidationError(
                f"The value of '{name[:40]}' has {len(text)} characters. Shorten it to at most "
                f"{TextMapField.MAX_VALUE_LENGTH}.",
                code="too_long",
            )


def is_history(model: type[models.Model]) -> bool:
    """Return whether the model is a history table, which holds previous versions of another table's
    rows."""
    return any(field.name == "pgh_id" for field in model._meta.local_fields)

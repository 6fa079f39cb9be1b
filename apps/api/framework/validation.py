"""Validation of parameters and bodies, with errors that state what to send instead.

Unknown names are rejected: a misspelt filter would return all rows, and a misspelt field would
change nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty

# accepted by every endpoint: the format of the response
FORMAT_PARAMETERS = ("format",)
# accepted by every computed list
PAGING_PARAMETERS = ("cursor", "page_size")
# longer lists of names are in the OpenAPI document
_MAX_LISTED_NAMES = 40


def validate_data(
    serializer: serializers.BaseSerializer[Any],
    *,
    extra_names: Collection[str] = (),
    ignored_names: Collection[str] = (),
) -> Any:
    """Return the validated data of a serializer; raise ValidationError with a sentence per field,
    also for unknown fields.

    `extra_names` are further accepted names, such as the place of a page; `ignored_names` are names
    without effect, such as fields that were read with the record.
    """
    unknown = {
        name: message
        for name, message in _unknown_fields(serializer, extra_names).items()
        if name not in ignored_names
    }
    if serializer.is_valid() and not unknown:
        return serializer.validated_data
    errors: Any = serializer.errors
    raise ValidationError(
        errors if _is_many(serializer) else {**_simplify_messages(errors, serializer), **unknown}
    )


def filter_errors(filterset: Any) -> dict[str, list[str]]:
    """Return the errors of the filters by name; errors of an enumeration name its values."""
    messages_by_name: dict[str, list[str]] = {}
    for name, errors in filterset.form.errors.as_data().items():
        choices = getattr(filterset.form.fields.get(name), "choices", None)
        messages_by_name[name] = [
            invalid_choice_message(
                (error.params or {}).get("value", ""), [choice for choice, _ in choices]
            )
            if error.code == "invalid_choice" and choices is not None
            else " ".join(str(message) for message in error.messages)
            for error in errors
        ]
    return messages_by_name


def refuse_unknown_parameters(
    requested_names: Iterable[str], supported_names: Collection[str]
) -> None:
    """Raise ValidationError for parameters that are not supported."""
    unknown = [name for name in requested_names if name not in supported_names]
    if unknown:
        message = (
            f"Unknown parameter. Use one of {join_names(supported_names)}."
            if supported_names
            else "Unknown parameter. This endpoint has no parameters."
        )
        raise ValidationError(dict.fromkeys((name[:100] for name in unknown), message))


def join_names(names: Iterable[Any]) -> str:
    """Join the names in alphabetical order, the first of very many."""
    unique_names = sorted({str(name) for name in names if str(name)})
    return ", ".join(
        [
            *unique_names[:_MAX_LISTED_NAMES],
            *(["..."] if len(unique_names) > _MAX_LISTED_NAMES else []),
        ]
    )


def invalid_choice_message(value: Any, choices: Iterable[Any]) -> str:
    return f"'{str(value)[:80]}' is not a valid choice. Use one of {join_names(choices)}."


def _is_many(serializer: serializers.BaseSerializer[Any]) -> bool:
    return isinstance(serializer, serializers.ListSerializer)


def _unknown_fields(
    serializer: serializers.BaseSerializer[Any], extra_names: Collection[str]
) -> dict[str, str]:
    body = getattr(serializer, "initial_data", None)
    if _is_many(serializer) or not isinstance(body, Mapping):
        return {}
    fields: Mapping[str, Any] = getattr(serializer, "fields", {})
    # a client that sends back a record as it was read also sends its read-only fields
    unknown = [str(name)[:100] for name in body if name not in fields and name not in extra_names]
    writable = [*(name for name, field in fields.items() if not field.read_only), *extra_names]
    return dict.fromkeys(unknown, f"Unknown field. Use one of {join_names(writable)}.")


def _simplify_messages(errors: Mapping[str, Any], serializer: Any) -> dict[str, Any]:
    messages_by_name: dict[str, Any] = {}
    body = serializer.initial_data
    for name, field_errors in errors.items():
        field = serializer.fields.get(name)
        value = body.get(name, empty) if isinstance(body, Mapping) else empty
        if isinstance(field_errors, list) and all(
            isinstance(detail, ErrorDetail) for detail in field_errors
        ):
            messages_by_name[name] = [
                _simplify_message(detail, field, value, body) for detail in field_errors
            ]
        else:
            messages_by_name[name] = field_errors
    return messages_by_name


def _simplify_message(error: ErrorDetail, field: Any, value: Any, body: Any) -> str:
    """Return the message of REST framework in the style of the registry, with how to correct the
    value."""
    match error.code, field:
        case "invalid", None if not isinstance(body, Mapping):
            return "Send one JSON object, with names and values."
        case "required", _:
            return "This field is required. Enter a value."
        case "null", _:
            return "This field cannot be null. Enter a value, or omit the field."
        case "blank", _:
            return "This field cannot be empty. Enter a value."
        case "invalid_choice", serializers.ChoiceField():
            return invalid_choice_message(value, field.choices)
        case "does_not_exist", serializers.SlugRelatedField():
            return f'No {_model_name(field)} "{str(value)[:80]}" found. Check the value.'
        case "does_not_exist", serializers.PrimaryKeyRelatedField():
            return f"No {_model_name(field)} {str(value)[:40]} found. Check the value."
    return str(error)


def _model_name(field: Any) -> str:
    queryset = getattr(field, "queryset", None)
    model = getattr(queryset, "model", None)
    return str(model._meta.verbose_name) if model is not None else "record"

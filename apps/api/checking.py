"""Questions and bodies checked, and their refusals put so that who sent them knows what to send
instead.

What nobody knows is refused and not passed over: a misspelt filter would answer with everything, a
misspelt field would leave what it was to change as it is.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty

# of every address: which form the answer takes
FORMATS_ASKED = ("format",)
# of every list that is worked out
PAGING = ("cursor", "page_size")
# more than these are in the document
_MOST_NAMED = 40


def checked(
    serializer: serializers.BaseSerializer[Any],
    *,
    also: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> Any:
    """What a serializer makes of its body; ValidationError with a sentence a field, fields nobody
    knows among them.

    `also` are further names that may be given, such as where a page begins; `passed_over` are those
    that say nothing here, such as what a thing was read with and keeps.
    """
    unknown = {
        name: words
        for name, words in _unknown_fields(serializer, also).items()
        if name not in passed_over
    }
    if serializer.is_valid() and not unknown:
        return serializer.validated_data
    errors: Any = serializer.errors
    raise ValidationError(
        errors if _is_many(serializer) else {**_retold(errors, serializer), **unknown}
    )


def filter_errors(filterset: Any) -> dict[str, list[str]]:
    """What is wrong with the filters asked for, by name; the words of an enumeration are named."""
    told: dict[str, list[str]] = {}
    for name, errors in filterset.form.errors.as_data().items():
        choices = getattr(filterset.form.fields.get(name), "choices", None)
        told[name] = [
            none_of((error.params or {}).get("value", ""), [word for word, _ in choices])
            if error.code == "invalid_choice" and choices is not None
            else " ".join(str(message) for message in error.messages)
            for error in errors
        ]
    return told


def refuse_unknown(asked: Iterable[str], known: Collection[str]) -> None:
    """ValidationError that names the parameters of a query that nothing here reads."""
    unknown = [name for name in asked if name not in known]
    if unknown:
        words = (
            f"Nothing here reads it. Choose from {named(known)}."
            if known
            else "Nothing here is asked for."
        )
        raise ValidationError(dict.fromkeys((name[:100] for name in unknown), words))


def named(words: Iterable[Any]) -> str:
    """In alphabetical order, the first of very many."""
    every = sorted({str(word) for word in words if str(word)})
    return ", ".join([*every[:_MOST_NAMED], *(["..."] if len(every) > _MOST_NAMED else [])])


def none_of(value: Any, choices: Iterable[Any]) -> str:
    return f"'{str(value)[:80]}' is none of {named(choices)}."


def _is_many(serializer: serializers.BaseSerializer[Any]) -> bool:
    return isinstance(serializer, serializers.ListSerializer)


def _unknown_fields(
    serializer: serializers.BaseSerializer[Any], also: Collection[str]
) -> dict[str, str]:
    body = getattr(serializer, "initial_data", None)
    if _is_many(serializer) or not isinstance(body, Mapping):
        return {}
    fields: Mapping[str, Any] = getattr(serializer, "fields", {})
    # who sends back what was read sends what is read-only as well
    unknown = [str(name)[:100] for name in body if name not in fields and name not in also]
    writable = [*(name for name, field in fields.items() if not field.read_only), *also]
    return dict.fromkeys(unknown, f"There is no such field here. Choose from {named(writable)}.")


def _retold(errors: Mapping[str, Any], serializer: Any) -> dict[str, Any]:
    told: dict[str, Any] = {}
    body = serializer.initial_data
    for name, found in errors.items():
        field = serializer.fields.get(name)
        given = body.get(name, empty) if isinstance(body, Mapping) else empty
        if isinstance(found, list) and all(isinstance(each, ErrorDetail) for each in found):
            told[name] = [_sentence(each, field, given, body) for each in found]
        else:
            told[name] = found
    return told


def _sentence(error: ErrorDetail, field: Any, given: Any, body: Any) -> str:
    match error.code, field:
        case "invalid", None if not isinstance(body, Mapping):
            return "Send one JSON object, with names and values."
        case "required", _:
            return "It is missing. Give it."
        case "null", _:
            return "It may not be null. Give a value, or leave it out."
        case "blank", _:
            return "It may not be empty."
        case "invalid_choice", serializers.ChoiceField():
            return none_of(given, field.choices)
        case "does_not_exist", serializers.SlugRelatedField():
            return f"There is no {_kind(field)} '{str(given)[:80]}' that you may see."
        case "does_not_exist", serializers.PrimaryKeyRelatedField():
            return f"There is no {_kind(field)} {str(given)[:40]} that you may see."
    return str(error)


def _kind(field: Any) -> str:
    queryset = getattr(field, "queryset", None)
    model = getattr(queryset, "model", None)
    return str(model._meta.verbose_name) if model is not None else "such thing"

"""Form fields of the answers about a use case, built from `USE_CASE_FIELDS`.

Every choice has "Unknown", so that an unknown answer is a choice and not an oversight."""

import re
import unicodedata
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.db import models

from apps.inventory.governance.use_cases.fields import UNKNOWN, USE_CASE_FIELDS
from apps.inventory.models.use_cases import MAX_ANSWER_LENGTH
from apps.web.pages.form_fields import DayField

_UNKNOWN_KEY = "unknown"
_YES_NO = (("yes", "Yes"), ("no", "No"), (_UNKNOWN_KEY, UNKNOWN))
_BLANK_LINES = re.compile(r"\n{3,}")


class PlainTextField(forms.CharField):
    """Text without control characters and marks that change the direction of reading: persons
    without an account write it, and governance reads it."""

    def __init__(self, *, is_long: bool = False, **kwargs: Any) -> None:
        if is_long:
            kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 4}))
        super().__init__(**kwargs)
        self.is_long = is_long

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        return _plain_lines(text) if self.is_long else " ".join(_plain(text).split())


def _plain_lines(text: str) -> str:
    lines = [" ".join(_plain(line).split()) for line in text.splitlines()]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _plain(text: str) -> str:
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in text
        if unicodedata.category(character) not in {"Cf", "Cs", "Co", "Cn"}
    )


class YesNoField(forms.ChoiceField):
    """Yes, no or unknown (None)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_YES_NO, widget=forms.RadioSelect, **kwargs)

    def clean(self, value: Any) -> Any:
        return {"yes": True, "no": False}.get(super().clean(value))


class KnownChoiceField(forms.ChoiceField):
    """One of the choices, or unknown (empty)."""

    def __init__(self, *, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices=[("", "Select"), *choices, (_UNKNOWN_KEY, UNKNOWN)], **kwargs)

    def clean(self, value: Any) -> Any:
        key = super().clean(value)
        return "" if key == _UNKNOWN_KEY else key


class UseCaseForm(forms.Form):
    """Form of a proposal. `form_key` makes a form that is sent twice one proposal."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"form_key": uuid4()})
        for name in USE_CASE_FIELDS.names:
            self.fields[name] = _build_field(name)

    @property
    def answers(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in USE_CASE_FIELDS.names}

    @property
    def key(self) -> UUID:
        key: UUID = self.cleaned_data["form_key"]
        return key

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """(title, fields) of each section."""
        return [
            (section.title, [self[name] for name in section.names])
            for section in USE_CASE_FIELDS.sections
        ]


def _build_field(name: str) -> forms.Field:
    column = USE_CASE_FIELDS.model_field(name)
    options: dict[str, Any] = {
        "label": USE_CASE_FIELDS.label(name),
        "help_text": USE_CASE_FIELDS.help_text(name),
    }
    if isinstance(column, models.BooleanField):
        return YesNoField(**options)
    if column.choices:
        return KnownChoiceField(choices=column.choices, **options)
    options["required"] = not column.blank
    if isinstance(column, models.DateField):
        return DayField(validators=column.validators, **options)
    if isinstance(column, models.PositiveIntegerField):
        return forms.IntegerField(min_value=0, max_value=2_000_000_000, **options)
    if isinstance(column, models.EmailField):
        return forms.EmailField(max_length=column.max_length, **options)
    is_long = isinstance(column, models.TextField)
    return PlainTextField(is_long=is_long, max_length=column.max_length, **options)


class AnswerForm(forms.Form):
    """Form of the answer to a question."""

    answer = PlainTextField(label="Your answer", is_long=True, max_length=MAX_ANSWER_LENGTH)

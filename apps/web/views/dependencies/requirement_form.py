"""Form of the declared requirements of a dependency, with what was observed beside each field."""

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.catalog.capabilities.fields import LIMIT, MAX_LIMIT
from apps.inventory.models import Dependency, Requirement
from apps.inventory.requirement_values import DECLARABLE_FIELDS
from apps.web.pages.optimistic_lock import (
    FieldConflict,
    OptimisticLockMixin,
    describe_entry,
)
from apps.web.presenters.requirements import FieldRequirement
from apps.web.views.applications.forms import ReasonField
from apps.web.wording import number

_USED, _NOT_USED, _UNKNOWN = "yes", "no", ""
_CHOICES = ((_UNKNOWN, "unknown"), (_USED, "used"), (_NOT_USED, "not used"))
_LABELS: Mapping[str, str] = {
    "context_window": "Longest prompt, tokens",
    "max_output": "Largest output, tokens",
}


class RequirementForm(OptimisticLockMixin, forms.Form):
    """Form of what a dependency uses: used, not used or unknown, and numbers of tokens."""

    row: Dependency

    def __init__(
        self,
        *args: Any,
        row: Dependency,
        declared: Mapping[str, Any],
        entries: Mapping[str, FieldRequirement],
        **kwargs: Any,
    ) -> None:
        """Make the form of `row`; `declared` are its declared values as stored now."""
        self._declared = declared
        self._entries = entries
        initial = {key: _form_value(declared.get(key)) for key in DECLARABLE_FIELDS}
        super().__init__(*args, row=row, initial=initial, **kwargs)
        for key, field in DECLARABLE_FIELDS.items():
            self.fields[key] = (
                forms.IntegerField(
                    label=_LABELS[key],
                    required=False,
                    min_value=1,
                    max_value=MAX_LIMIT,
                    error_messages=dict.fromkeys(
                        ("min_value", "max_value"),
                        f"Enter a whole number of tokens, from 1 to {MAX_LIMIT:,}.",
                    ),
                )
                if field.form == LIMIT
                else forms.ChoiceField(label=field.label, required=False, choices=_CHOICES)
            )
        self.fields["reason"] = ReasonField()
        # the columns are made after the mixin has added its field
        self.fields["seen"].initial = self._sign_values()

    @property
    def values(self) -> dict[str, Any]:
        """The declared requirements as the user wants them."""
        values = {key: self.cleaned_data.get(key) for key in DECLARABLE_FIELDS}
        return {
            key: value if isinstance(value, int) else value == _USED
            for key, value in values.items()
            if value not in (None, _UNKNOWN)
        }

    @property
    def rows(self) -> list[tuple[forms.BoundField, FieldRequirement | None]]:
        """The fields, each with what is known of it."""
        return [(self[key], self._entries.get(key)) for key in DECLARABLE_FIELDS]

    def _current_values(self) -> dict[str, str]:
        return {key: str(_form_value(self._declared.get(key))) for key in DECLARABLE_FIELDS}

    def _describe_last_change(self) -> str:
        history: Any = Requirement.history.rel.related_model  # type: ignore[attr-defined]
        return describe_entry(
            history.objects.filter(dependency_id=self.row.pk, origin=Requirement.Origin.DECLARED)
        )

    def _describe_conflict(self, name: str, shown_text: str, current_text: str) -> FieldConflict:
        yours = self.cleaned_data.get(name)
        return FieldConflict(
            label=str(self.fields[name].label),
            was=_describe(shown_text),
            is_now=_describe(current_text),
            yours=_describe("" if yours is None else str(yours)),
        )


def _form_value(value: Any) -> str | int:
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool):
        return _USED if value else _NOT_USED
    return int(value)


def _describe(text: str) -> str:
    words = dict(_CHOICES)
    return words.get(text) or (number(int(text)) if text.isdecimal() else text)

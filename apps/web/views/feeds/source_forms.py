"""Forms of sources: their polling and priority, and the mapping of their document."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.models import Provider, Source
from apps.feeds.mapping.definition import EXPRESSIONS
from apps.feeds.sources.configuration import EDITABLE_FIELDS
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.views.feeds.presenters import describe_interval
from apps.web.views.feeds.samples import MAX_PASTED_BYTES

_POLL_INTERVALS = (5, 15, 30, 60, 180, 360, 720, 1440, 10080)
_LATE_AFTER_MINUTES = (60, 180, 360, 1440, 2880, 4320, 10080, 20160, 43200)
BLANK_PRICES = 4
ABSENCE_CHOICES = (
    ("notices", "the notice was removed: an event only if its date is in the future"),
    ("news", "the host no longer serves the model: an event"),
    ("nothing", "the list was cleaned up: no event"),
)


class SourceForm(OptimisticLockMixin, forms.Form):
    """Form of a source: its name, polling interval and priority. Without `reports_errors` it only
    carries the entered values from one trial to the next."""

    name = forms.CharField(label="Name", max_length=100)
    url = forms.CharField(
        label="URL",
        max_length=500,
        help_text="On the public internet, or in a network that the operator has allowed.",
    )
    host = forms.ModelChoiceField(
        label="Host",
        queryset=Provider.objects.hosts(),
        required=False,
        help_text="The host of this status page.",
        error_messages={"required": "Select the host of the status page."},
    )
    interval_minutes = forms.TypedChoiceField(label="Polled", coerce=int)
    stale_after_minutes = forms.TypedChoiceField(
        label="Late after",
        coerce=int,
        help_text="The source is reported as late after this time without a success.",
    )
    frozen_after_days = forms.IntegerField(
        label="Not updating after days",
        required=False,
        min_value=1,
        max_value=3650,
        help_text="The source responds, but its content has not changed for this time.",
    )
    trust_rank = forms.IntegerField(
        label="Priority",
        min_value=1,
        max_value=1000,
        help_text="1 is the highest priority where sources disagree.",
    )
    licence_note = forms.CharField(
        label="Licence",
        max_length=300,
        required=False,
        help_text="Terms of use of the data.",
    )
    reason = forms.CharField(
        label="Reason", max_length=500, required=False, help_text="Shown in the history."
    )

    def __init__(
        self,
        *args: Any,
        row: Source | None = None,
        mapping: Mapping[str, Any],
        reports_errors: bool = True,
        kind: str = "",
        **kwargs: Any,
    ) -> None:
        """Fill the form from the source `row`, if it exists, or for a new one of this `kind`.
        `reports_errors` is False while a mapping is being tried, so that missing fields are no
        errors yet."""
        self.reports_errors = reports_errors
        self.kind = row.kind if row else kind
        self.stamp = (
            hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()[:20]
            if row
            else ""
        )
        defaults = {"interval_minutes": 1440, "stale_after_minutes": 2880, "trust_rank": 60}
        if self.kind == Source.STATUS:
            defaults |= {"interval_minutes": 5, "stale_after_minutes": 60}
        initial = {name: getattr(row, name) for name in EDITABLE_FIELDS} if row else defaults
        kwargs["initial"] = initial | (kwargs.get("initial") or {})
        super().__init__(*args, row=row, **kwargs)
        self.fields["host"].required = self.kind == Source.STATUS
        if row is not None:
            self.fields["stamp"] = forms.CharField(
                widget=forms.HiddenInput, required=False, initial=self.stamp
            )
        self.fields["interval_minutes"].choices = _build_interval_choices(  # type: ignore[attr-defined]
            _POLL_INTERVALS, row.interval_minutes if row else 0
        )
        late_choices = [
            (minutes, interval_text.removeprefix("every "))
            for minutes, interval_text in _build_interval_choices(
                _LATE_AFTER_MINUTES, row.stale_after_minutes if row else 0
            )
        ]
        self.fields["stale_after_minutes"].choices = late_choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.row is not None and cleaned.pop("stamp", "") != self.stamp:
            # the returned form carries the current stamp, so that a second attempt can succeed
            data: Any = self.data
            renewed_data = data.copy()
            renewed_data["stamp"] = self.stamp
            self.data = renewed_data
            raise forms.ValidationError(
                "Another user changed the mapping while you were editing. Review it on the page "
                "of the source, then save again to use yours."
            )
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        if not self.reports_errors:
            self._errors = ErrorDict()

    @property
    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in EDITABLE_FIELDS}

    @property
    def address_fields(self) -> list[forms.BoundField]:
        names = ["name", "url", "interval_minutes", "trust_rank", "licence_note"]
        if self.kind == Source.STATUS:
            names[2:2] = ["host"]
        return [self[name] for name in names]

    @property
    def further_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("stale_after_minutes", "frozen_after_days", "reason")]


def _build_interval_choices(
    usual_minutes: Iterable[int], current_minutes: int
) -> list[tuple[int, str]]:
    return [
        (minutes, describe_interval(minutes))
        for minutes in sorted({*usual_minutes, *([current_minutes] if current_minutes else [])})
    ]


class WordListField(forms.CharField):
    """Field of a table of words, one `word = meaning` per line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.Textarea(attrs={"rows": 3}), required=False, max_length=20_000, **kwargs
        )

    def clean(self, value: Any) -> dict[str, str]:
        meanings: dict[str, str] = {}
        for line in super().clean(value).splitlines():
            term, sign, meaning = line.partition("=")
            if not line.strip():
                continue
            if not sign or not term.strip() or not meaning.strip():
                raise ValidationError("Enter one word per line, such as: sunset = deprecated.")
            meanings[term.strip()] = meaning.strip()
        return meanings


def _build_path_field(
    label: Any, help_text: Any = "", *, required: bool = False
) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=300,
        help_text=help_text,
        widget=forms.TextInput(
            attrs={"spellcheck": "false", "autocapitalize": "off", "class": "path"}
        ),
        error_messages={"required": "Enter a path."},
    )


class MappingForm(forms.Form):
    """Form of a mapping. Every field but the last ones is a path."""

    prefix = "m"
    rows = _build_path_field(
        "Rows", "[*] is every element of a list, * every value of a map.", required=True
    )
    external_id = _build_path_field("Row ID", "Identifies the row in every poll.", required=True)
    host = _build_path_field(
        "Host", "Provider that serves the model; a fixed one in quotes: 'openai'.", required=True
    )
    api_id = _build_path_field("Model ID", "The exact text in a call.", required=True)
    retires_on = _build_path_field(
        "Retirement date", "An announced date, unless the text says “not before”."
    )
    not_before = _build_path_field("Earliest retirement", "A lower bound: it retires no model.")
    announced_on = _build_path_field("Announcement date")
    successor = _build_path_field("Successor")
    status = _build_path_field("Status word")
    statuses = WordListField(
        label="Meanings of status words",
        help_text="One per line: word = active, preview, deprecated, retired or ignore. "
        "These words need no line.",
    )
    currency = _build_path_field("Currency", "Empty: US dollars. A fixed one in quotes: 'EUR'.")
    zero = forms.ChoiceField(
        label="A price of 0",
        choices=[
            ("unknown", "is unknown"),
            ("free", "is free, if input and output are both 0"),
        ],
    )
    no_price = forms.CharField(
        label="Numbers that are not prices",
        required=False,
        max_length=300,
        help_text="Separated by commas, such as -1.",
    )
    name = _build_path_field("Name of the model")
    source_url = _build_path_field("Source URL", "Page of the publication, shown as a link.")
    region = _build_path_field("Region")
    tier = _build_path_field("Service tier")
    alias_of = _build_path_field("Target of an alias", "The model ID of the other row.")
    group = _build_path_field(
        "Group of rows", "Mass changes are detected per group. Empty: the host."
    )
    hosts = WordListField(label="Other names of hosts", help_text="One per line: amazon = bedrock.")
    absence = forms.ChoiceField(
        label="Meaning of a removed row",
        choices=ABSENCE_CHOICES,
    )
    far_days_are_none = forms.BooleanField(
        label="A date in 2090 or later means that there is no date", required=False
    )
    as_of = _build_path_field("Publication time of the feed", "From the document, not from a row.")
    count = _build_path_field("Stated number of rows", "A document with fewer rows is rejected.")
    next = _build_path_field("URL of the next page", "A document with a next page is rejected.")
    skip = forms.CharField(
        label="Ignored rows",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Row IDs, one per line.",
    )

    @property
    def needed(self) -> list[forms.BoundField]:
        return self._list_fields("rows", "external_id", "host", "api_id")

    @property
    def ends(self) -> list[forms.BoundField]:
        return self._list_fields(
            "retires_on", "not_before", "announced_on", "successor", "status", "statuses"
        )

    @property
    def money(self) -> list[forms.BoundField]:
        return self._list_fields("currency", "zero", "no_price")

    @property
    def further(self) -> list[forms.BoundField]:
        return self._list_fields(
            "name",
            "source_url",
            "region",
            "tier",
            "alias_of",
            "group",
            "hosts",
            "absence",
            "as_of",
            "count",
            "next",
            "skip",
            "far_days_are_none",
        )

    def _list_fields(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the stored form of the mapping, without its prices."""
        cleaned = self.cleaned_data
        return {
            **cleaned,
            "no_price": [text.strip() for text in cleaned["no_price"].split(",") if text.strip()],
            "skip": [line.strip() for line in cleaned["skip"].splitlines() if line.strip()],
        }

    @classmethod
    def initial_of(cls, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return the initial values of the form for a mapping in its stored form."""
        initial = {name: mapping[name] for name in mapping if name in cls.base_fields}
        for name in ("hosts", "statuses"):
            initial[name] = "\n".join(
                f"{term} = {meaning}" for term, meaning in (mapping.get(name) or {}).items()
            )
        initial["no_price"] = ", ".join(mapping.get("no_price") or [])
        initial["skip"] = "\n".join(mapping.get("skip") or [])
        return initial

    def add_mapping_error(self, name: str, sentence: str) -> None:
        self.add_error(name if name in self.fields else None, sentence)

    def is_blank(self) -> bool:
        """Return whether all paths of the mapping are empty."""
        return not any(
            self.data.get(self.add_prefix(name), "").strip() for name in ("rows", *EXPRESSIONS)
        )


class PriceForm(forms.Form):
    unit = forms.ChoiceField(
        label="Price of", choices=[("", "–"), *PRICE_UNITS.items()], required=False
    )
    path = _build_path_field("Path")
    per = forms.ChoiceField(
        label="Per",
        choices=[
            ("million", "million"),
            ("thousand", "thousand"),
            ("one", "one"),
        ],
    )
    each = _build_path_field("In each of")
    above = _build_path_field("Above tokens")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("unit")) != bool(cleaned.get("path")):
            self.add_error(
                "path" if cleaned.get("unit") else "unit",
                "Enter both the unit and the path of the price.",
            )
        return cleaned


PriceForms = forms.formset_factory(PriceForm, extra=BLANK_PRICES, max_num=60)


def prices_of(formset: Any) -> list[dict[str, Any]]:
    """Return the prices in the stored form of a mapping, without empty values and rows."""
    return [
        {
            name: value
            for name, value in price.items()
            if value and name in {"unit", "path", "per", "each", "above"}
        }
        for price in formset.cleaned_data
        if price.get("unit")
    ]


class SampleForm(forms.Form):
    """Form of a document to try the mapping on: the last input counts."""

    kept = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)
    file = forms.FileField(
        label="Upload a file",
        required=False,
        help_text="JSON, or the page as Markdown or HTML; optionally compressed with gzip.",
    )
    text = forms.CharField(
        label="Or paste the sample",
        required=False,
        max_length=MAX_PASTED_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "path"}),
    )


__all__ = ["MappingForm", "PriceForms", "SampleForm", "SourceForm", "prices_of"]

"""Forms of the mapping of a lifecycle page: its tables, columns, dates and words."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.catalog.claims.feed_rows import ROW_KINDS, STAGES
from apps.feeds.pages.definition import COLUMNS, MAX_TABLES
from apps.web.views.feeds.source_forms import ABSENCE_CHOICES

BLANK_TABLES = 2
# Columns that most pages have, in the order of the form; the others are behind "more fields".
MAIN_COLUMNS = ("id", "version", "retires", "announced", "replacement", "stage", "regions")
FURTHER_COLUMNS = tuple(name for name in COLUMNS if name not in MAIN_COLUMNS)
_SEPARATOR = "|"


class TextListField(forms.CharField):
    """Field of a list of texts, separated by vertical bars: `Shutdown date | Retirement date`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=4000,
            widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "off"}),
            **kwargs,
        )

    def clean(self, value: Any) -> list[str]:
        return split_texts(super().clean(value))


class MeaningsField(forms.CharField):
    """Field of a table, one `left = right` per line. With `lists`, the right side is a list of
    texts separated by vertical bars."""

    def __init__(self, *, example: str, lists: bool, **kwargs: Any) -> None:
        self.example, self.lists = example, lists
        super().__init__(
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
            **kwargs,
        )

    def clean(self, value: Any) -> dict[str, Any]:
        meanings: dict[str, Any] = {}
        for line in super().clean(value).splitlines():
            left, sign, right = line.partition("=")
            if not line.strip():
                continue
            if not sign or not left.strip() or not right.strip():
                raise ValidationError(f"Enter one per line, such as: {self.example}.")
            meanings[left.strip()] = split_texts(right) if self.lists else right.strip()
        return meanings


def split_texts(text: str) -> list[str]:
    return [part.strip() for part in text.split(_SEPARATOR) if part.strip()]


def join_texts(texts: Iterable[str]) -> str:
    return f" {_SEPARATOR} ".join(texts)


def _build_column_field(name: str) -> TextListField:
    return TextListField(label=COLUMNS[name])


class PageMappingForm(forms.Form):
    """Form of the mapping of a lifecycle page, without its tables. The fields `column_…` are lists
    of headers; empty means the usual ones."""

    prefix = "m"
    host = forms.CharField(
        label="Provider of the page",
        max_length=100,
        help_text="Slug or name. The page outranks other sources for models at this provider only.",
        error_messages={
            "required": "Enter the provider that publishes the page and serves its models."
        },
    )
    date_order = forms.ChoiceField(
        label="Order of dates such as 4/5/2026",
        required=False,
        choices=[
            ("", "not known: such a date is not read"),
            ("month_first", "month first: 5 April"),
            ("day_first", "day first: 4 May"),
        ],
    )
    none_words = TextListField(
        label="Words for “no date”", help_text="In addition to the usual ones such as N/A."
    )
    not_before_words = TextListField(
        label="Words for an earliest date", help_text="In addition to “no sooner than”, “or later”."
    )
    future_is_earliest = forms.BooleanField(
        label="Dates in the future are the earliest possible ones", required=False
    )
    accept_ids = TextListField(
        label="Only these model IDs", help_text="* matches any text: gpt-* | o*-mini."
    )
    drop_ids = TextListField(label="Texts that are not model IDs", help_text="Such as: Preview *.")
    kinds = MeaningsField(
        label="Rows that are not models",
        example="endpoint = /v1/*",
        lists=True,
        help_text=f"One per line: kind = IDs. Kinds: {', '.join(ROW_KINDS)}.",
    )
    stages = MeaningsField(
        label="Stages by heading or word",
        example="Legacy models = legacy",
        lists=False,
        help_text=f"One per line: text = stage. Stages: {', '.join(STAGES)}.",
    )
    announced_from = forms.MultipleChoiceField(
        label="Announcement date without a column",
        required=False,
        choices=[("heading", "from the heading"), ("sentence", "from the sentence above")],
        widget=forms.CheckboxSelectMultiple,
    )
    dates_from_sentences = forms.BooleanField(
        label="Tables without dates: read the date from the sentence about their models",
        required=False,
    )
    absence = forms.ChoiceField(label="Meaning of a removed row", choices=ABSENCE_CHOICES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in COLUMNS:
            self.fields[f"column_{name}"] = _build_column_field(name)

    @property
    def needed(self) -> list[forms.BoundField]:
        return [self["host"]]

    @property
    def columns(self) -> list[forms.BoundField]:
        return [self[f"column_{name}"] for name in MAIN_COLUMNS]

    @property
    def dates(self) -> list[forms.BoundField]:
        return [
            self[name]
            for name in ("date_order", "none_words", "not_before_words", "future_is_earliest")
        ]

    @property
    def further(self) -> list[forms.BoundField]:
        return [
            *(self[f"column_{name}"] for name in FURTHER_COLUMNS),
            *(
                self[name]
                for name in (
                    "accept_ids",
                    "drop_ids",
                    "kinds",
                    "stages",
                    "announced_from",
                    "dates_from_sentences",
                    "absence",
                )
            ),
        ]

    @property
    def settings(self) -> dict[str, Any]:
        """Return the stored form of the mapping, without its tables."""
        cleaned = self.cleaned_data
        return {
            "host": cleaned["host"],
            "columns": {
                name: headers for name in COLUMNS if (headers := cleaned[f"column_{name}"])
            },
            "dates": {
                "order": cleaned["date_order"],
                "none": cleaned["none_words"],
                "not_before": cleaned["not_before_words"],
                "future_is_earliest": cleaned["future_is_earliest"],
            },
            "ids": {"accept": cleaned["accept_ids"], "drop": cleaned["drop_ids"]},
            "kinds": cleaned["kinds"],
            "stages": cleaned["stages"],
            "announced_from": cleaned["announced_from"],
            "dates_from_sentences": cleaned["dates_from_sentences"],
            "absence": cleaned["absence"],
        }

    @classmethod
    def initial_of(cls, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Return the initial values of the form for a mapping in its stored form."""
        dates, ids = mapping.get("dates") or {}, mapping.get("ids") or {}
        columns = mapping.get("columns") or {}
        return {
            "host": mapping.get("host", ""),
            "date_order": dates.get("order", ""),
            "none_words": join_texts(dates.get("none") or ()),
            "not_before_words": join_texts(dates.get("not_before") or ()),
            "future_is_earliest": bool(dates.get("future_is_earliest")),
            "accept_ids": join_texts(ids.get("accept") or ()),
            "drop_ids": join_texts(ids.get("drop") or ()),
            "kinds": "\n".join(
                f"{kind} = {join_texts(patterns)}"
                for kind, patterns in (mapping.get("kinds") or {}).items()
            ),
            "stages": "\n".join(
                f"{text} = {stage}" for text, stage in (mapping.get("stages") or {}).items()
            ),
            "announced_from": mapping.get("announced_from", ["heading", "sentence"]),
            "dates_from_sentences": bool(mapping.get("dates_from_sentences")),
            "absence": mapping.get("absence") or "notices",
            **{f"column_{name}": join_texts(columns.get(name) or ()) for name in COLUMNS},
        }

    def is_blank(self) -> bool:
        """Return whether no column is entered."""
        return not any(
            self.data.get(self.add_prefix(f"column_{name}"), "").strip() for name in COLUMNS
        )

    def add_mapping_error(self, name: str, sentence: str) -> None:
        """Add the error of a part of the mapping to the field that a user can correct."""
        field = _FIELD_OF_PART.get(name, name)
        self.add_error(field if field in self.fields else None, sentence)


# Fields of the form for parts of the mapping with another name.
_FIELD_OF_PART = {"columns": "column_id", "dates": "date_order", "ids": "accept_ids"}


class TableForm(forms.Form):
    """Form of one rule that selects tables; an empty one selects none."""

    heading = forms.CharField(label="Heading above", required=False, max_length=200)
    headers = TextListField(label="Required columns")
    exclude = TextListField(label="Not below the heading")
    header_row = TextListField(label="Names of all columns")
    kind = forms.ChoiceField(
        label="Rows are", required=False, choices=[("", "models"), *ROW_KINDS.items()]
    )
    stage = forms.ChoiceField(label="Stage", required=False, choices=[("", "–"), *STAGES.items()])


TableForms = forms.formset_factory(TableForm, extra=BLANK_TABLES, max_num=MAX_TABLES)


def tables_of(formset: Any) -> list[dict[str, Any]]:
    """Return the rules in the stored form of a mapping, without empty values and rules."""
    rules = [
        {name: value for name, value in rule.items() if value and name in TableForm.base_fields}
        for rule in formset.cleaned_data
    ]
    return [rule for rule in rules if rule]


def table_initial(tables: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the initial values of the forms for the rules of a stored mapping."""
    return [
        {
            name: join_texts(value) if isinstance(value, list | tuple) else value
            for name, value in rule.items()
        }
        for rule in tables
    ]


__all__ = [
    "PageMappingForm",
    "TableForms",
    "table_initial",
    "tables_of",
]

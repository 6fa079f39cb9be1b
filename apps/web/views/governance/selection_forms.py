"""Forms of selection records: criteria, candidates, scores, and the decision."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from apps.catalog.capabilities.fields import (
    CAPABILITY_FIELDS,
    DATA_TERM_FIELDS,
    FLAG,
    LIMIT,
    SET,
)
from apps.exposure.diligence.offering_facts import PRICE_LABELS, TERM_PREFIX
from apps.inventory.models import Selection, SelectionCandidate
from apps.web.pages.form_fields import DayField
from apps.web.pages.optimistic_lock import FieldConflict, OptimisticLockMixin

# facts of candidates that a criterion can show, by key (exposure/diligence/)
CRITERION_FACTS: Mapping[str, str] = {
    **{f"price_{unit}": label for unit, label in PRICE_LABELS.items()},
    **{key: field.label for key, field in CAPABILITY_FIELDS.items()},
    "regions": "Regions",
    **{f"{TERM_PREFIX}{key}": field.label for key, field in DATA_TERM_FIELDS.items()},
    "observed_notice": "Observed notice period",
    "promised_notice": "Promised notice period",
    "outages": "Outages per year",
    "retirement": "Retirement",
}
# begins the part of a line that names a fact
_FACT = "fact="
_HELP = (
    "One criterion per line, with weight and note separated by semicolons. Example: quality on "
    "our German letters; 3; by our own evaluation. The default weight is 1. End a line with "
    "fact=context_window to show that fact of each candidate, or with fact=context_window:90000 to "
    "compare it with what is needed."
)


def criteria_text(criteria: Iterable[Mapping[str, Any]]) -> str:
    """Format criteria as the lines of the text field."""
    lines = []
    for criterion in criteria:
        weight = f"{Decimal(str(criterion.get('weight', 1))).normalize():f}"
        lines.append(
            "; ".join(
                filter(
                    None,
                    [
                        str(criterion["name"]),
                        weight,
                        str(criterion.get("note", "")),
                        _fact_text(criterion),
                    ],
                )
            )
        )
    return "\n".join(lines)


def _fact_text(criterion: Mapping[str, Any]) -> str:
    """Return `fact=context_window:90000`; empty without a fact."""
    fact, needed = criterion.get("fact"), criterion.get("needed")
    if not fact:
        return ""
    if needed is None:
        return f"{_FACT}{fact}"
    if isinstance(needed, bool):
        text = "yes" if needed else "no"
    else:
        text = ",".join(needed) if isinstance(needed, list) else str(needed)
    return f"{_FACT}{fact}:{text}"


def _read_fact(text: str) -> dict[str, Any]:
    """Read `context_window:90000`; the action validates it."""
    fact, has_need, needed = text.partition(":")
    fact, needed = fact.strip(), needed.strip()
    if not has_need:
        return {"fact": fact}
    field = CAPABILITY_FIELDS.get(fact)
    value: Any = needed
    if field is not None and field.form == FLAG and needed in {"yes", "no"}:
        value = needed == "yes"
    elif field is not None and field.form == LIMIT and needed.isdecimal() and len(needed) < 12:
        value = int(needed)
    elif field is not None and field.form == SET:
        value = [name.strip() for name in needed.split(",") if name.strip()]
    return {"fact": fact, "needed": value}


def criteria_of(text: str) -> list[dict[str, Any]]:
    """Parse the lines of the text field. Weights and facts are validated by the action, not
    here."""
    criteria: list[dict[str, Any]] = []
    for whole_line in text.splitlines():
        line, _sep, last = whole_line.rpartition(";")
        fact: dict[str, Any] = {}
        if line and last.strip().startswith(_FACT):
            fact = _read_fact(last.strip().removeprefix(_FACT))
        else:
            line = whole_line
        name, _sep, weight_and_note = line.partition(";")
        weight, _sep, note = weight_and_note.partition(";")
        if name.strip():
            criteria.append(
                {
                    "name": name.strip(),
                    "weight": weight.strip().replace(",", ".") or "1",
                    "note": note.strip(),
                    **fact,
                }
            )
    return criteria


def criterion_choices() -> list[tuple[str, str]]:
    """Return (key, label) of the facts that a criterion can show."""
    return list(CRITERION_FACTS.items())


def with_fact_criteria(
    initial: Mapping[str, Any], facts: Iterable[str], needs: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the initial values of the form with a line for each fact, and for each need
    {capability: needed value}; both are saved with the form only."""
    criteria = criteria_of(initial.get("criteria", ""))
    shown = {criterion.get("fact") for criterion in criteria}
    names = {criterion["name"] for criterion in criteria}
    wanted: dict[str, dict[str, Any]] = {
        key: {"fact": key, "needed": needed}
        for key, needed in (needs or {}).items()
        if needed is not False and needed is not None
    }
    wanted |= {key: {"fact": key} for key in facts if key not in wanted}
    for key, fact in wanted.items():
        label = CRITERION_FACTS.get(key)
        if label is not None and key not in shown and label not in names:
            criteria.append({"name": label, "weight": "1", "note": "", **fact})
    return {**initial, "criteria": criteria_text(criteria)}


class SelectionForm(OptimisticLockMixin, forms.Form):
    """Form of title, purpose and criteria of a draft."""

    title = forms.CharField(
        label="Title",
        max_length=200,
        help_text="What is selected, for example: a model for claims letters.",
    )
    purpose = forms.CharField(
        label="Purpose", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    criteria = forms.CharField(
        label="Criteria",
        required=False,
        max_length=80_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_HELP,
    )

    def clean_criteria(self) -> str:
        return criteria_text_or_same(self.cleaned_data["criteria"])

    def _current_values(self) -> dict[str, str]:
        values = super()._current_values()
        assert isinstance(self.row, Selection)
        values["criteria"] = criteria_text(self.row.criteria)
        return values

    @classmethod
    def of(cls, selection: Selection) -> dict[str, Any]:
        return {
            "title": selection.title,
            "purpose": selection.purpose,
            "criteria": criteria_text(selection.criteria),
        }


def criteria_text_or_same(text: str) -> str:
    """Normalise the lines. A text with an invalid weight is returned unchanged, and the action
    rejects it."""
    try:
        return criteria_text(criteria_of(text))
    except ArithmeticError:
        return text


class ScoresForm(OptimisticLockMixin, forms.Form):
    """Form of the scores of one candidate: a value and a note for each criterion. Pass the
    candidate as `row`."""

    def __init__(
        self,
        *args: Any,
        criteria: Sequence[Mapping[str, Any]],
        row: SelectionCandidate,
        **kwargs: Any,
    ) -> None:
        """Add a field for each criterion, filled with the score of the candidate `row`."""
        self.names = [str(criterion["name"]) for criterion in criteria]
        self.candidate = row
        initial = {}
        for index, name in enumerate(self.names):
            score = row.scores.get(name) or {}
            initial[f"value_{index}"], initial[f"note_{index}"] = (
                score.get("value"),
                score.get("note", ""),
            )
        super().__init__(*args, row=row, prefix=str(row.pk), initial=initial, **kwargs)
        for index, name in enumerate(self.names):
            self.fields[f"value_{index}"] = forms.DecimalField(
                label=name,
                required=False,
                max_digits=12,
                decimal_places=4,
                min_value=-1_000_000,
                max_value=1_000_000,
                widget=forms.NumberInput(attrs={"step": "any", "class": "score"}),
            )
            self.fields[f"note_{index}"] = forms.CharField(
                label="Reason", required=False, max_length=2000
            )
        # the mixin computed the seal before these fields existed
        self.fields["seen"].initial = self._sign_values()

    def cells(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Return (criterion, value field, note field) in the order of the criteria."""
        return [
            (name, self[f"value_{index}"], self[f"note_{index}"])
            for index, name in enumerate(self.names)
        ]

    def entered_scores(self) -> dict[str, dict[str, Any]]:
        """Return {criterion: {value, note}} as `score_candidate` expects; criteria without a value
        are left out."""
        cleaned = self.cleaned_data
        return {
            name: {"value": cleaned[f"value_{index}"], "note": cleaned[f"note_{index}"]}
            for index, name in enumerate(self.names)
            if cleaned.get(f"value_{index}") is not None
        }

    def _current_values(self) -> dict[str, str]:
        values = {}
        for index, name in enumerate(self.names):
            score = self.candidate.scores.get(name) or {}
            values[f"value_{index}"] = str(score.get("value", ""))
            values[f"note_{index}"] = str(score.get("note", ""))
        return values

    def _describe_conflict(self, name: str, was: str, is_now: str) -> FieldConflict:
        kind, _sep, index = name.partition("_")
        label = self.names[int(index)] + (", reason" if kind == "note" else "")
        yours = self.cleaned_data.get(name)
        return FieldConflict(
            label, was or "–", is_now or "–", "–" if yours in (None, "") else str(yours)
        )


class AllScoresForm(forms.Form):
    """The forms of the candidates on the page. A candidate that was added after the page was opened
    has none."""

    def __init__(
        self,
        data: Any,
        *,
        criteria: Sequence[Mapping[str, Any]],
        candidates: Iterable[SelectionCandidate],
    ) -> None:
        super().__init__(data)
        score_forms = [ScoresForm(data, criteria=criteria, row=row) for row in candidates]
        self.forms = [form for form in score_forms if form.add_prefix("seen") in data]

    def clean(self) -> None:
        # every form is validated, so that the page shows all errors
        if sum(not form.is_valid() for form in self.forms):
            raise forms.ValidationError("Correct the scores of the candidates.")


class DecideForm(forms.Form):
    """Form of the decision on a draft. Choosing no candidate is a valid decision."""

    chosen = forms.MultipleChoiceField(
        label="Selected",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Select none to reject all candidates.",
    )
    decision = forms.CharField(
        label="Decision",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The selected model, its use and the terms.",
        error_messages={"required": "Enter the decision."},
    )
    why = forms.CharField(
        label="Reason",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Main arguments, and accepted disadvantages.",
        error_messages={"required": "Enter a reason for the decision."},
    )
    review_on = DayField(
        label="Review on",
        required=False,
        help_text="Date of the next review of the selection.",
    )

    def __init__(self, *args: Any, candidates: Sequence[SelectionCandidate], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen_field = self.fields["chosen"]
        assert isinstance(chosen_field, forms.MultipleChoiceField)
        chosen_field.choices = [(str(row.pk), name_of(row)) for row in candidates]


def name_of(candidate: SelectionCandidate) -> str:
    """Return the foundation's name, and the host's if the candidate is an offering: `Claude Sonnet
    4.5 on Amazon Bedrock`."""
    if candidate.offering is None:
        return candidate.foundation.name
    return f"{candidate.foundation.name} on {candidate.offering.host.name}"

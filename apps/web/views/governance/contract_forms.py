"""Contract form: every fact that users may set, in the order in which a contract is read."""

from typing import Any

from django import forms

from apps.catalog.models import Provider
from apps.inventory.governance.contracts import (
    COUNTRY_FIELDS,
    EDITABLE_CONTRACT_FIELDS,
    UPPER_CASE_FIELDS,
)
from apps.inventory.models import Contract
from apps.reports.dora.templates import SERVICE_TYPES
from apps.web.pages.optimistic_lock import OptimisticLockMixin

# what stands together, and how it is called; a fact that is in none of them comes last
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("what", ("ref", "name", "kind", "overarching", "ict_service_type", "currency", "annual_cost")),
    (
        "time",
        (
            "starts_on",
            "ends_on",
            "notice_days_ours",
            "notice_days_theirs",
            "deprecation_notice_days",
            "termination_reason",
        ),
    ),
    (
        "clauses",
        (
            "price_protection",
            "exit_clause",
            "termination_assistance",
            "audit_right",
            "ip_indemnity",
            "training_use",
        ),
    ),
    (
        "places",
        ("governing_law", "provision_country", "stores_data", "data_country", "processing_country"),
    ),
    ("terms", ("terms_url", "terms_read_on", "terms_digest", "last_audit_on", "note")),
)
DAYS = ("starts_on", "ends_on", "terms_read_on", "last_audit_on")


def group_names() -> dict[str, str]:
    return {
        "what": "What it is",
        "time": "Time and notice",
        "clauses": "Clauses",
        "places": "Places",
        "terms": "Terms, audit, notes",
        "more": "Further facts",
    }


def labels() -> dict[str, Any]:
    """What the facts are called where the names of the columns would not do."""
    return {
        "ref": "Reference",
        "ict_service_type": "ICT service type",
        "overarching": "Under the contract",
        "starts_on": "Begins on",
        "notice_days_ours": "Notice we must give",
        "notice_days_theirs": "Notice they must give",
        "deprecation_notice_days": "Notice of a model's end",
        "termination_reason": "Why it was ended",
        "ip_indemnity": "IP indemnity",
        "training_use": "Use of our data for training",
        "provision_country": "Country of the service",
        "stores_data": "The service stores data",
        "data_country": "Country where data is stored",
        "processing_country": "Country where data is processed",
        "terms_url": "Address of the terms",
        "terms_digest": "Digest of the terms",
        "last_audit_on": "Last audit of the party on",
    }


def help_texts() -> dict[str, Any]:
    """Units and examples, where the help of the column only repeats the label."""
    return {
        "notice_days_ours": "Days.",
        "notice_days_theirs": "Days.",
        "deprecation_notice_days": "Days between the announcement and the end of a model.",
        "stores_data": "",
        "termination_reason": "Only of a contract that has ended.",
    }


def label_of(name: str) -> str:
    words = str(Contract._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return str(labels().get(name, words[:1].upper() + words[1:]))


class ContractForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    """Form of a contract; an empty clause means unknown, which differs from absent."""

    class Meta:
        model = Contract
        fields = [name for _group, names in GROUPS for name in names] + sorted(
            EDITABLE_CONTRACT_FIELDS - {name for _group, names in GROUPS for name in names}
        )
        widgets = {
            **{name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for name in DAYS},
            "note": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, row: Contract | None = None, **kwargs: Any) -> None:
        super().__init__(*args, row=row, instance=row, **kwargs)
        frames = self.fields["overarching"]
        assert isinstance(frames, forms.ModelChoiceField)
        others = Contract.objects.select_related("party").order_by("party__name", "ref")
        frames.queryset = others.exclude(pk=row.pk) if row is not None else others
        frames.label_from_instance = _named  # type: ignore[method-assign,assignment]
        kinds: list[tuple[str, Any]] = [("", "–"), *SERVICE_TYPES.items()]
        if row is not None and row.ict_service_type not in {"", *SERVICE_TYPES}:
            kinds.append((row.ict_service_type, row.ict_service_type))
        self.fields["ict_service_type"] = forms.ChoiceField(
            required=False, choices=kinds, help_text="As defined by the DORA register."
        )
        for name, words in labels().items():
            if name in self.fields:
                self.fields[name].label = words
        for name, words in help_texts().items():
            self.fields[name].help_text = words
        for name in COUNTRY_FIELDS:
            self.fields[name].help_text = "Country code of two letters, such as CH."

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        for name in UPPER_CASE_FIELDS:
            if said.get(name):
                said[name] = said[name].strip().upper()
        return said

    def _post_clean(self) -> None:
        # the action validates the row; here only the fields were read, so that the row is not
        # changed before that
        pass

    def facts(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name in EDITABLE_CONTRACT_FIELDS
        }

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        names = group_names()
        placed = {name for _group, members in GROUPS for name in members}
        further = [
            name for name in self.fields if name not in placed and name not in {"seen", "party"}
        ]
        parts = [(names[group], [self[name] for name in members]) for group, members in GROUPS]
        return [*parts, *([(names["more"], [self[name] for name in further])] if further else [])]


class NewContractForm(ContractForm):
    party = forms.ModelChoiceField(
        label="Party",
        queryset=Provider.objects.order_by("name"),
        help_text="The party cannot be changed. Add another contract for another party.",
    )


def _named(contract: Any) -> str:
    return f"{contract.party.name}: {contract.ref}"

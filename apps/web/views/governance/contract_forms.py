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

# groups of fields by key; fields without a group come last
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
        "what": "Contract",
        "time": "Dates and notice periods",
        "clauses": "Clauses",
        "places": "Locations",
        "terms": "Terms, audit, notes",
        "more": "Further facts",
    }


def labels() -> dict[str, Any]:
    """Return the labels of the fields whose verbose name is not suitable."""
    return {
        "ref": "Reference",
        "ict_service_type": "ICT service type",
        "overarching": "Parent contract",
        "starts_on": "Begins on",
        "notice_days_ours": "Our notice period",
        "notice_days_theirs": "Notice period of the provider",
        "deprecation_notice_days": "Notice of retirements",
        "termination_reason": "Reason for the end",
        "ip_indemnity": "IP indemnity",
        "training_use": "Use of our data for training",
        "provision_country": "Country of the service",
        "stores_data": "Data stored by the service",
        "data_country": "Country where data is stored",
        "processing_country": "Country where data is processed",
        "terms_url": "URL of the terms",
        "terms_digest": "Digest of the terms",
        "last_audit_on": "Last audit of the provider on",
    }


def help_texts() -> dict[str, Any]:
    """Return units and examples for the fields whose own help text only repeats the label."""
    return {
        "notice_days_ours": "Days.",
        "notice_days_theirs": "Days.",
        "deprecation_notice_days": "Days between the announcement and the retirement of a model.",
        "stores_data": "",
        "termination_reason": "Only for a contract that ended.",
    }


def label_of(name: str) -> str:
    verbose_name = str(Contract._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return str(labels().get(name, verbose_name[:1].upper() + verbose_name[1:]))


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
        """Offer the other contracts as overarching ones; a stored service type that is not in the
        list stays selectable."""
        super().__init__(*args, row=row, instance=row, **kwargs)
        overarching = self.fields["overarching"]
        assert isinstance(overarching, forms.ModelChoiceField)
        contracts = Contract.objects.select_related("party").order_by("party__name", "ref")
        overarching.queryset = contracts.exclude(pk=row.pk) if row is not None else contracts
        overarching.label_from_instance = _label_contract  # type: ignore[method-assign,assignment]
        kinds: list[tuple[str, Any]] = [("", "–"), *SERVICE_TYPES.items()]
        if row is not None and row.ict_service_type not in {"", *SERVICE_TYPES}:
            kinds.append((row.ict_service_type, row.ict_service_type))
        self.fields["ict_service_type"] = forms.ChoiceField(
            required=False, choices=kinds, help_text="As defined by the DORA register."
        )
        for name, text in labels().items():
            if name in self.fields:
                self.fields[name].label = text
        for name, text in help_texts().items():
            self.fields[name].help_text = text
        for name in COUNTRY_FIELDS:
            self.fields[name].help_text = "Country code of two letters, such as CH."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in UPPER_CASE_FIELDS:
            if cleaned.get(name):
                cleaned[name] = cleaned[name].strip().upper()
        return cleaned

    def _post_clean(self) -> None:
        # the action validates and changes the row; the form must not change it before that
        pass

    def facts(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name in EDITABLE_CONTRACT_FIELDS
        }

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        titles = group_names()
        grouped_names = {name for _group, members in GROUPS for name in members}
        ungrouped_names = [
            name
            for name in self.fields
            if name not in grouped_names and name not in {"seen", "party"}
        ]
        groups = [(titles[group], [self[name] for name in members]) for group, members in GROUPS]
        return [
            *groups,
            *(
                [(titles["more"], [self[name] for name in ungrouped_names])]
                if ungrouped_names
                else []
            ),
        ]


class NewContractForm(ContractForm):
    party = forms.ModelChoiceField(
        label="Provider",
        queryset=Provider.objects.order_by("name"),
        help_text="The provider cannot be changed. Add another contract for another provider.",
    )


def _label_contract(contract: Any) -> str:
    return f"{contract.party.name}: {contract.ref}"

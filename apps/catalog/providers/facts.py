"""Facts that governance enters about a provider, and their undo. The caller has checked
`by.is_governance`.

Roles and parent company are not included: they affect exposure, and are changed in the admin of the
catalogue.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.catalog.actions import InvalidFactError
from apps.catalog.models import Provider
from apps.common.history.context import audit_context

PROVIDER_FIELDS = (
    "name",
    "legal_name",
    "person_type",
    "lei",
    "country",
    "promised_notice_days",
    "deprecation_policy_url",
    "terms_url",
    "status_page_url",
    "critical_third_party",
    "critical_third_party_source",
    "source_url",
    "source_on",
)


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """One change of a provider: the changed values, by field, before and after it. The first change
    has no `before`. `stands` is true while all values are as the change left them, so that it can
    be undone."""

    change: UUID | None
    at: datetime
    actor: str
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    stands: bool


@transaction.atomic
def change_provider(
    *, provider: Provider, facts: Mapping[str, Any], by: User, reason: str = ""
) -> UUID | None:
    """Set the given facts and leave the others unchanged; return the ID of the change, None if
    nothing differs."""
    unknown_fields = sorted(set(facts) - set(PROVIDER_FIELDS))
    if unknown_fields:
        raise TypeError(f"Unknown fields: {', '.join(unknown_fields)}")
    facts = {
        name: _READERS[name](value) if name in _READERS else value for name, value in facts.items()
    }
    provider = Provider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
    changed_names = [name for name, value in facts.items() if getattr(provider, name) != value]
    if not changed_names:
        return None
    for name in changed_names:
        setattr(provider, name, facts[name])
    if "country" in changed_names:
        validate_country(provider.country)
    if "lei" in changed_names:
        validate_lei(provider.lei)
    provider.full_clean(
        exclude=[field.name for field in Provider._meta.fields if field.name not in facts]
    )
    # some constraints cover two facts, of which only one might be given
    provider.validate_constraints(
        exclude={field.name for field in Provider._meta.fields if field.name not in PROVIDER_FIELDS}
    )
    with audit_context(user=by, reason=reason or "provider changed") as change:
        provider.save(update_fields=[*changed_names, "updated_at"])
    return change


@transaction.atomic
def undo_provider_change(*, provider: Provider, change: UUID, by: User) -> UUID:
    """Restore the values before `change`, if all of them are as it left them; return the ID of the
    new change."""
    provider = Provider.objects.select_for_update(of=("self",)).get(pk=provider.pk)
    provider_change = next(
        (candidate for candidate in provider_changes(provider) if candidate.change == change), None
    )
    if provider_change is None or not provider_change.before:
        raise InvalidFactError(
            "Change not found. Select a change from the history of this provider."
        )
    if not provider_change.stands:
        raise InvalidFactError(
            "Another user changed this later. Check the history and correct the values by hand."
        )
    try:
        undo_change = change_provider(
            provider=provider, facts=provider_change.before, by=by, reason="undone"
        )
    except ValidationError as error:
        raise InvalidFactError(
            f"The previous values are no longer valid: {' '.join(error.messages)}"
        ) from error
    assert undo_change is not None  # values that still stand differ from those before
    return undo_change


def provider_changes(provider: Provider) -> list[ProviderChange]:
    """Return every change of the provider's facts, latest first; one statement."""
    entries = list(provider.history.select_related("pgh_context").order_by("pgh_id"))  # type: ignore[attr-defined]
    changes = []
    previous_entry: Any = None
    for entry in entries:
        names = [
            name
            for name in PROVIDER_FIELDS
            if previous_entry is None or _differ(previous_entry, entry, name)
        ]
        if names:
            metadata = entry.pgh_context.metadata if entry.pgh_context else {}
            changes.append(
                ProviderChange(
                    change=entry.pgh_context_id,
                    at=entry.pgh_created_at,
                    actor=metadata.get("actor", ""),
                    reason=metadata.get("reason", ""),
                    before={}
                    if previous_entry is None
                    else {name: getattr(previous_entry, name) for name in names},
                    after={name: getattr(entry, name) for name in names},
                    stands=previous_entry is not None
                    and all(not _differ(entry, entries[-1], name) for name in names),
                )
            )
        previous_entry = entry
    return changes[::-1]


def _differ(value: Any, other_value: Any, name: str) -> bool:
    return bool(getattr(value, name) != getattr(other_value, name))


def read_lei(text: str) -> str:
    """Return the LEI without spaces."""
    return "".join(text.split()).upper()


def read_country(text: str) -> str:
    """Return the code in the stored form, in capitals."""
    return text.strip().upper()


_READERS: Mapping[str, Callable[[str], str]] = {"lei": read_lei, "country": read_country}


def validate_country(country: str) -> None:
    """Raise ValidationError unless the code is empty or has two letters."""
    if country and (len(country) != 2 or not country.isascii() or not country.isalpha()):
        raise ValidationError({"country": "Enter the country as two letters, such as IE."})


def validate_lei(lei: str) -> None:
    """Raise ValidationError unless the LEI is empty or its two check digits match (ISO 17442, by
    ISO 7064 MOD 97-10): read as a number with A = 10, the remainder is 1."""
    if not lei:
        return
    if len(lei) != 20 or not lei.isascii() or not lei.isalnum() or lei != lei.upper():
        raise ValidationError(
            {"lei": ("An LEI has 18 letters or digits followed by 2 check digits. Correct it.")}
        )
    if int("".join(str(int(sign, 36)) for sign in lei)) % 97 != 1:
        raise ValidationError(
            {
                "lei": (
                    "The check digits of the LEI do not match, so one of its 20 characters "
                    "is wrong. Copy it again."
                )
            }
        )

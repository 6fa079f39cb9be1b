"""Prices that users enter: each is part of the manual claim about its offering, which outranks the
feeds for its unit and request size."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F
from django.utils.dateparse import parse_date

from apps.catalog.claims.feed_rows import PRICE_UNITS
from apps.catalog.claims.manual_prices import (
    manual_price_claim,
    record_manual_prices,
    starting_key,
    unit_key,
    value_with_price,
    value_without_price,
)
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.claims.values import format_decimal, split_price_key
from apps.catalog.models import Assertion, Offering, Price
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.records.field_set import SOURCE_FIELDS, SOURCE_SECTION, FieldSection, FieldSet
from apps.common.records.record_type import RecordChange, RecordType, RecordWrite
from apps.common.time import day_of, now


class PriceRecord(RecordType[Price]):
    """Prices. A price of a feed is not edited; a price entered by hand takes its place."""

    field_set = FieldSet(
        model=Price,
        sections=(
            FieldSection(
                "Price",
                ("offering", "unit", "above_tokens", "amount", "currency", "starts_on"),
            ),
            SOURCE_SECTION,
        ),
        fixed=frozenset({"offering", "unit", "above_tokens"}),
        required=frozenset(SOURCE_FIELDS),
        extra={
            "starts_on": models.DateField("Applies from", null=True, blank=True),
            "source_url": models.URLField("Source", max_length=1000),
            "source_on": models.DateField("Source seen on"),
        },
        labels={"above_tokens": "Above, input tokens", "amount": "Amount per million"},
        help_texts={
            "offering": "Number of the offering.",
            "above_tokens": "Applies to requests with more tokens. 0 for the base price.",
            "currency": "Code of three letters, such as USD.",
            "starts_on": "Empty: from now on. Past prices stay as they were recorded.",
        },
        readers={"currency": lambda text: text.strip().upper()},
        keys={Offering: "pk"},
    )

    @transaction.atomic
    def create(self, *, facts: Mapping[str, Any], by: Any, reason: str = "") -> RecordWrite[Price]:
        """Set a price by hand; it outranks the feeds until it is removed."""
        cleaned = {
            "above_tokens": 0,
            "currency": "USD",
            "starts_on": None,
            **self.field_set.cleaned(facts, creating=True),
        }
        row, change = self._record(cleaned, by=by, reason=reason or "price added")
        return RecordWrite(row, change)

    @transaction.atomic
    def change(
        self, *, row: Price, facts: Mapping[str, Any], by: Any, reason: str = ""
    ) -> UUID | None:
        """Set another amount for the unit of a price; it outranks the feeds from then on."""
        cleaned = self.field_set.cleaned(facts, creating=False)
        catalogue_lock()
        row = Price.objects.select_related("offering", "claim__source").get(pk=row.pk)
        if row.valid.upper is not None and row.valid.upper <= now():
            raise ConflictError(
                "This price has ended, because another one was recorded. Change the current price."
            )
        stored = self.stored_facts(row)
        if all(stored[name] == value for name, value in cleaned.items()):
            return None
        facts_of_row = {
            "offering": row.offering,
            "unit": row.unit,
            "above_tokens": row.above_tokens,
            **stored,
            **cleaned,
        }
        _, change = self._record(facts_of_row, by=by, reason=reason or "price changed")
        return change

    @transaction.atomic
    def delete(self, *, row: Price, by: Any, reason: str = "") -> UUID:
        """Remove a manual price, so that feeds apply again; the claim stays on record."""
        catalogue_lock()
        claim = manual_price_claim(row.offering_id)
        if row.claim_id is None or claim is None or row.claim_id != claim.pk:
            raise ConflictError(
                "This price comes from a feed. Enter another price by hand, which outranks it."
            )
        return self._store(
            claim.offering,
            value_without_price(claim.value, unit_key(row.unit, row.above_tokens)),
            source_url=claim.source_url,
            source_on=claim.excerpt.get("source_on", ""),
            by=by,
            reason=reason or "price removed",
        )

    @transaction.atomic
    def undo(self, *, change: UUID, by: Any) -> RecordWrite[Price]:
        """Restore the manual prices before `change`, if no user changed them later."""
        catalogue_lock()
        history = Assertion.history.rel.related_model._default_manager  # type: ignore[attr-defined]
        entries = list(
            history.filter(pgh_context_id=change, topic="price", source__slug=MANUAL).order_by(
                "pgh_id"
            )
        )
        if not entries:
            raise ConflictError("Change not found. Select a change from the history of this price.")
        first, last = entries[0], entries[-1]
        of_claim = history.filter(pgh_obj_id=first.pgh_obj_id)
        if of_claim.filter(pgh_id__gt=last.pgh_id).exists():
            raise ConflictError(
                "Another user changed the prices of this offering later. Check the history and "
                "correct the values by hand."
            )
        previous = of_claim.filter(pgh_id__lt=first.pgh_id).order_by("-pgh_id").first()
        offering = Offering.objects.get(pk=first.offering_id)
        is_withdrawn = previous is None or previous.withdrawn_at is not None
        undone = self._store(
            offering,
            {} if is_withdrawn else dict(previous.value),
            source_url=previous.source_url if previous is not None else "",
            source_on=previous.excerpt.get("source_on", "") if previous is not None else "",
            by=by,
            reason="undone",
        )
        return RecordWrite(Price(offering=offering), undone)

    def changes(self, pk: int) -> list[RecordChange]:
        """Return the changes of the manual prices of the offering that `pk` is a price of. The
        fields are units."""
        claim = Assertion.objects.filter(
            source__slug=MANUAL,
            topic="price",
            offering__in=Price.objects.filter(pk=pk).values("offering"),
        ).first()
        if claim is None:
            return []
        entries = list(claim.history.select_related("pgh_context").order_by("pgh_id"))  # type: ignore[attr-defined]
        changes, previous = [], None
        for entry in entries:
            before: dict[str, str] = dict(previous.value) if previous is not None else {}
            names = [
                name
                for name in {**before, **entry.value}
                if before.get(name) != entry.value.get(name)
            ]
            metadata = entry.pgh_context.metadata if entry.pgh_context else {}
            changes.append(
                RecordChange(
                    change=entry.pgh_context_id,
                    at=entry.pgh_created_at,
                    actor=str(metadata.get("actor") or ""),
                    reason=str(metadata.get("reason") or ""),
                    before={name: before.get(name, "") for name in names},
                    after={name: entry.value.get(name, "") for name in names},
                    stands=entry is entries[-1],
                )
            )
            previous = entry
        return changes[::-1]

    def describe(self, change: RecordChange) -> list[tuple[str, str, str]]:
        """Return (unit, amount before, amount after) of each price that a change set."""
        return [
            (_describe_key(name), str(change.before.get(name) or "–"), str(amount or "–"))
            for name, amount in change.after.items()
        ]

    def stored_facts(self, row: Price) -> dict[str, Any]:
        """Return the changeable facts of a price as its claim states them."""
        claim = row.claim if row.claim_id else None
        is_manual = claim is not None and claim.source.slug == MANUAL
        lower = row.valid.lower
        return {
            "amount": row.amount,
            "currency": row.currency,
            "starts_on": day_of(lower) if lower is not None and lower > now() else None,
            "source_url": claim.source_url if claim is not None else "",
            "source_on": parse_date(claim.excerpt.get("source_on", ""))
            if claim is not None and is_manual
            else None,
        }

    def _record(self, facts: Mapping[str, Any], *, by: Any, reason: str) -> tuple[Price, UUID]:
        """Validate one price and store it in the manual claim of its offering."""
        self._validate_facts(facts)
        catalogue_lock()
        offering = facts["offering"]
        claim = manual_price_claim(offering.pk)
        value = dict(claim.value) if claim is not None and claim.withdrawn_at is None else {}
        amounts = {name for name in value if name != "currency"}
        unit = unit_key(facts["unit"], facts["above_tokens"])
        others = {name for name in amounts if name.partition("@")[0] != unit}
        if others and value.get("currency", "USD") != facts["currency"]:
            raise ValidationError(
                {
                    "currency": (
                        "The other prices set by hand for this offering are in "
                        f"{value.get('currency', 'USD')}. Enter the price in this currency."
                    )
                }
            )
        if facts["starts_on"] is not None and unit not in value:
            # until then the price of today applies
            value |= self._price_of_today(facts, unit)
        key = starting_key(facts["unit"], facts["above_tokens"], facts["starts_on"])
        change = self._store(
            offering,
            value_with_price(value, key, facts["amount"], facts["currency"]),
            source_url=facts["source_url"],
            source_on=facts["source_on"].isoformat(),
            by=by,
            reason=reason,
        )
        row = (
            Price.objects.filter(
                offering=offering,
                unit=facts["unit"],
                above_tokens=facts["above_tokens"],
                currency=facts["currency"],
            )
            .order_by(F("valid__startswith").desc(nulls_last=True))
            .first()
        )
        assert row is not None  # the manual claim decides on this unit
        return row, change

    def _price_of_today(self, facts: Mapping[str, Any], unit: str) -> dict[str, str]:
        price = Price.objects.filter(
            valid__contains=now(),
            **{name: facts[name] for name in ("offering", "unit", "above_tokens", "currency")},
        ).first()
        return {unit: format_decimal(price.amount)} if price is not None else {}

    def _validate_facts(self, facts: Mapping[str, Any]) -> None:
        self.field_set.refuse_missing(facts)
        errors: dict[str, str] = {}
        if facts["amount"] < Decimal(0):
            errors["amount"] = "A price must be 0 or more."
        if len(facts["currency"]) != 3 or not facts["currency"].isalpha():
            errors["currency"] = "Enter a currency code of three letters, such as USD."
        if facts["starts_on"] is not None and facts["starts_on"] <= day_of(now()):
            errors["starts_on"] = "Enter a date after today, or leave it empty for a current price."
        if errors:
            raise ValidationError(errors)
        Price(
            offering=facts["offering"],
            **{name: facts[name] for name in ("unit", "above_tokens", "amount", "currency")},
        ).clean_fields(exclude=["valid", "claim", "offering"])

    def _store(
        self,
        offering: Any,
        value: Mapping[str, str],
        *,
        source_url: str,
        source_on: str,
        by: Any,
        reason: str,
    ) -> UUID:
        with audit_context(user=by, reason=reason) as change:
            record_manual_prices(
                offering=offering,
                value=dict(value),
                source_url=source_url,
                source_on=source_on,
                by=by,
                reason=reason,
                at=now(),
            )
        return change


def _describe_key(key: str) -> str:
    """Return the unit of a key of a price claim in words, with its request size and first day."""
    if key == "currency":
        return "Currency"
    unit, above_tokens, starts_on = split_price_key(key)
    text = PRICE_UNITS.get(unit, unit)
    text = text[:1].upper() + text[1:]
    if above_tokens:
        text = f"{text} above {above_tokens:,} tokens"
    return f"{text} from {starts_on.isoformat()}" if starts_on else text

"""Bills in the FOCUS format: stored as observations with their charges per day, like usage reports.

The later file counts: it replaces the charges of the same billing account, billing period and day.
If the billing period is one day, as in LiteLLM's exports of what has changed, it replaces only
charges with the same names. Replaced charges are kept, so that undoing the later file restores
them."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.models import User
from apps.intake.documents.records import (
    BilledCharge,
    Document,
    ReportedUsage,
    Sighting,
    SkippedPart,
)
from apps.intake.documents.usage_reports import ApplicationLookup
from apps.intake.models import (
    BilledCost,
    Confidence,
    Import,
    IntakeSettings,
    Observation,
    Service,
)
from apps.intake.observations.name_resolution import NameResolver, ObservedNames
from apps.intake.observations.storage import AttributedSighting, store_observations
from apps.intake.readers.focus.reader import format_rows
from apps.inventory.models import Application

_WRITE_BATCH_SIZE = 2_000
_DAY_ENDS = time(23, 59, 59, tzinfo=UTC)
# later days come from a wrong clock or a plan
_MAX_DAYS_AHEAD = timedelta(days=1)


class _Names(NamedTuple):
    applications: tuple[str, ...]
    models: tuple[str, ...]
    hosts: tuple[str, ...]
    region: str
    is_of_gateway: bool


def billing_tags() -> tuple[str, ...]:
    """Return the tags that the organisation has set to name an application; empty: the usual."""
    text = IntakeSettings.objects.get(pk=1).billing_tags
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def store_charges(
    document: Document,
    *,
    stream: str,
    application: Application | None,
    import_: Import,
    at: datetime,
) -> tuple[list[UUID], list[SkippedPart]]:
    """Store the charges of a bill; return (keys of its observations, charges without an application
    or a model). Charges that cannot be imported are added to `document.rejected`."""
    charges_by_names: dict[_Names, list[BilledCharge]] = defaultdict(list)
    last_day = (at + _MAX_DAYS_AHEAD).date()
    n_future = 0
    for charge in document.charges:
        if charge.day > last_day:
            n_future += charge.n_rows
            continue
        names = _Names(
            charge.applications, charge.models, charge.hosts, charge.region, charge.is_of_gateway
        )
        charges_by_names[names].append(charge)
    if n_future:
        document.rejected.append(
            SkippedPart("ChargePeriodStart", f"{format_rows(n_future)} dated in the future.")
        )
    if not charges_by_names:
        return [], []
    sightings = _select_names(charges_by_names, stream, application, import_.sender)
    lookup = ApplicationLookup(
        [ReportedUsage(sighting, {}) for sighting in sightings.values() if sighting.service],
        document.rejected,
        stream,
        application,
        import_,
        at,
    )
    unmatched: list[SkippedPart] = []
    attributed: list[AttributedSighting] = []
    accepted: list[list[BilledCharge]] = []
    for names, charges in charges_by_names.items():
        sighting = sightings[names]
        if not sighting.name:
            unmatched.append(_describe_unmatched(charges, sighting, "no model is stated"))
            continue
        if not sighting.service and application is None:
            unmatched.append(_describe_unmatched(charges, sighting, "no tag names an application"))
            continue
        owner = lookup.of(ReportedUsage(sighting, {}))
        if owner is None:
            continue
        days = [charge.day for charge in charges]
        attributed.append(
            AttributedSighting(
                sighting,
                *owner,
                datetime.combine(min(days), time(), UTC),
                min(datetime.combine(max(days), _DAY_ENDS), at),
            )
        )
        accepted.append(charges)
    keys = store_observations(stream, attributed, seen_in=import_)
    scopes = _write_charges(keys, accepted, import_)
    _mark_current(scopes)
    return keys, unmatched


def delete_charges(*, import_: Import) -> None:
    """Delete the charges of an undone bill; those that it replaced count again."""
    charges = BilledCost.objects.filter(import_record=import_)
    scopes = set(charges.values_list("scope", flat=True).distinct())
    charges.delete()
    _mark_current(scopes)


# --- names ----------------------------------------------------------------------------------------


def _select_names(
    charges_by_names: Collection[_Names],
    stream: str,
    application: Application | None,
    sender: User | None,
) -> dict[_Names, Sighting]:
    """Return the names of each observation: of the candidates the first that the registry knows,
    else the first."""
    known_names = (
        _find_known_names(
            {name for names in charges_by_names for name in names.applications}, stream, sender
        )
        if application is None
        else set()
    )
    resolver = NameResolver()
    hosts = {
        names.hosts: next((host for host in names.hosts if resolver.gateway(host)), None)
        for names in charges_by_names
    }
    observed = {
        (names, model): ObservedNames(
            stream,
            hosts[names.hosts] or _last(names.hosts),
            model,
            "",
            names.region,
            # a low confidence: looking a name up never creates an offering
            Confidence.BOM,
        )
        for names in charges_by_names
        for model in names.models
    }
    resolutions = resolver.find(observed.values())
    sightings = {}
    for names in charges_by_names:
        known_model = next(
            (
                model
                for model in names.models
                if (resolution := resolutions[observed[names, model]]).offering is not None
                or resolution.is_set_aside
            ),
            None,
        )
        service = next(
            (name for name in names.applications if name.lower() in known_names),
            names.applications[0] if names.applications else "",
        )
        sightings[names] = Sighting(
            requested=known_model or (names.models[0] if names.models else ""),
            provider=(hosts[names.hosts] or _last(names.hosts))[:120],
            region=names.region,
            service="" if application is not None else service,
            confidence=Confidence.GATEWAY_LOG if names.is_of_gateway else Confidence.BOM,
        )
    return sightings


def _find_known_names(names: Collection[str], stream: str, sender: User | None) -> set[str]:
    """Return those of the names, in lower case, that name an application that the sender can view,
    or a reported service that a user has linked or ignored."""
    lowered = {name.lower() for name in names}
    applications = Application.objects.annotate(low=Lower("name"))
    if sender is not None:
        applications = applications.visible_to(sender)
    rows = applications.filter(Q(low__in=lowered) | Q(slug__in=lowered)).values_list("low", "slug")
    services = Service.objects.filter(scope=stream, name__in=names).exclude(
        application=None, is_ignored=False
    )
    return {
        *(name for row in rows for name in row if name in lowered),
        *(name.lower() for name in services.values_list("name", flat=True)),
    }


def _last(hosts: Sequence[str]) -> str:
    """Return the provider, which is the last candidate for the host; empty if none is stated."""
    return hosts[-1] if hosts else ""


def _describe_unmatched(
    charges: Sequence[BilledCharge], sighting: Sighting, reason: str
) -> SkippedPart:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for charge in charges:
        totals[charge.currency] += charge.billed
    amounts = " + ".join(f"{total:,.2f} {currency}" for currency, total in sorted(totals.items()))
    n_rows = sum(charge.n_rows for charge in charges)
    subject = sighting.name or sighting.service or sighting.provider or "a charge"
    return SkippedPart(
        sighting.provider, f"{subject}: {reason} in {format_rows(n_rows)}, {amounts} billed."
    )


# --- rows -----------------------------------------------------------------------------------------


def _scope_of(charge: BilledCharge, key: UUID, import_: Import) -> UUID:
    """Return the digest of what a later file replaces together with this charge."""
    fields = [
        charge.account,
        import_.mapping.get("part", ""),
        str(charge.period_start),
        str(charge.period_end),
        str(charge.day),
    ]
    if charge.period_end - charge.period_start <= timedelta(days=1):
        fields.append(str(key))
    return UUID(bytes=hashlib.sha256("\x1f".join(fields).encode()).digest()[:16])


def _write_charges(
    keys: Sequence[UUID], charges_by_key: Sequence[list[BilledCharge]], import_: Import
) -> set[UUID]:
    """Write the charges and return their scopes."""
    ids = dict(Observation.objects.filter(key__in=keys).values_list("key", "pk"))
    scopes: set[UUID] = set()

    def rows() -> Iterable[BilledCost]:
        for key, charges in zip(keys, charges_by_key, strict=True):
            for charge in charges:
                scope = _scope_of(charge, key, import_)
                scopes.add(scope)
                yield BilledCost(
                    observation_id=ids[key],
                    import_record=import_,
                    scope=scope,
                    day=charge.day,
                    category=charge.category,
                    is_correction=charge.is_correction,
                    currency=charge.currency,
                    billed=charge.billed,
                    effective=charge.effective,
                    listed=charge.listed,
                    contracted=charge.contracted,
                    n_rows=charge.n_rows,
                    **_quantities_of(charge),
                )

    batch: list[BilledCost] = []
    for row in rows():
        batch.append(row)
        if len(batch) == _WRITE_BATCH_SIZE:
            BilledCost.objects.bulk_create(batch)
            batch = []
    BilledCost.objects.bulk_create(batch)
    return scopes


def _quantities_of(charge: BilledCharge) -> dict[str, Any]:
    quantities: dict[str, Any] = {
        f"{kind}_tokens": amount for kind, amount in charge.tokens.items()
    }
    return quantities | {"requests": charge.requests}


def _mark_current(scopes: Collection[UUID]) -> None:
    """Let the charges of the latest file count in each of the scopes."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH latest AS (
                SELECT scope, max(import_record_id) AS import_id FROM intake_billedcost
                WHERE scope = ANY (%s::uuid[]) GROUP BY scope
            )
            UPDATE intake_billedcost b SET is_current = (b.import_record_id = l.import_id)
            FROM latest l
            WHERE b.scope = l.scope AND b.is_current <> (b.import_record_id = l.import_id)
            """,
            [list(scopes)],
        )

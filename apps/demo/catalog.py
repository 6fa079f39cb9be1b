"""Demo catalogue: records that only this organisation has, and provider events of the last
weeks."""

from apps.accounts.models import User
from apps.catalog.actions import set_manual_fact
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.change_detection.records import CatalogueFact
from apps.catalog.ingestion.events import insert_events
from apps.catalog.models import (
    Assertion,
    Derivation,
    Foundation,
    Offering,
    Provider,
    ProviderEvent,
    Version,
)
from apps.catalog.retirements.announcements import RetirementTerms, announce_retirement
from apps.common.time import day_of
from apps.demo.fixtures import DemoError, LoadingDay, Record, RecordLookup, read_fixture


def load_own_catalog(day: LoadingDay) -> None:
    """Create the organisation's own catalogue records: its fine-tune, its cluster with an announced
    retirement, its gateway and unresolved model IDs."""
    fixture = read_fixture("offerings")
    for row in fixture["providers"]:
        parent = Provider.objects.get(slug=row["parent"]) if "parent" in row else None
        Provider.objects.get_or_create(slug=row["slug"], defaults={**row, "parent": parent})
    for row in fixture["foundations"]:
        developer = Provider.objects.get(slug=row["developer"])
        Foundation.objects.get_or_create(line=row["line"], defaults={**row, "developer": developer})
    for row in fixture["versions"]:
        facts = {name: value for name, value in row.items() if name not in ("line", "identifier")}
        foundation = Foundation.objects.get(line=row["line"])
        Version.objects.get_or_create(
            identifier=row["identifier"], defaults={**facts, "foundation": foundation}
        )
    for row in fixture["derivations"]:
        Derivation.objects.get_or_create(
            child=_find_version(row["child"]), parent=_find_version(row["parent"]), kind=row["kind"]
        )
    for row in fixture["offerings"]:
        offering, is_new = Offering.objects.get_or_create(
            host=Provider.objects.get(slug=row["host"]),
            api_id=row["api_id"],
            region_scope=row.get("region", ""),
            service_tier="",
            defaults={
                "name": row["name"],
                "category": row["category"],
                "version": _find_version(row["version"]) if "version" in row else None,
                "binding": row.get("binding", "unknown"),
                "identity_confidence": 1 if "version" in row else 0,
                "identity_explanation": row["why"],
                "lifecycle": row.get("lifecycle", "unknown"),
            },
        )
        if is_new:
            refresh_footing([offering.pk])
            if "manual" in row:
                claim = row["manual"]
                by = User.objects.get(username=claim["by"])
                set_manual_fact(
                    offering=offering, value=claim["value"], by=by, reason=claim["reason"]
                )
            if "announced" in row:
                _announce_retirement(offering, row["announced"], day)


def _announce_retirement(offering: Offering, row: Record, day: LoadingDay) -> None:
    host, api_id = row["successor"]
    terms = RetirementTerms(
        subject=offering,
        retires_on=day.on(row["retires_on"]),
        successor=Offering.objects.select_related("host").get(host__slug=host, api_id=api_id),
        notice_text=row["notice"],
    )
    announce_retirement(terms, at=day.moment(row["at"]), by=User.objects.get(username=row["by"]))


def load_events(day: LoadingDay) -> None:
    """Record events of the last weeks, retirements and alias moves, as if a feed had delivered
    them.

    A retirement has the recorded date. Each kind is recorded once for an offering, on any day of
    loading.
    """
    lookup = RecordLookup()
    for row in read_fixture("events"):
        offering = lookup.offering(row["offering"])
        if ProviderEvent.objects.filter(offering=offering, kind=row["kind"]).exists():
            continue
        claim = offering.lifecycle_claim
        if row["kind"] == ProviderEvent.Kind.ALIAS_MOVED:
            claim = Assertion.objects.filter(offering=offering).order_by("pk").first()
        if claim is None:
            raise DemoError(f"No source reports {offering}. Run manage.py load_catalogue first.")
        detected_at = day.moment(row["detected"])
        ends_on = offering.retires_on
        new_value = row.get("new", ends_on.isoformat() if ends_on else None)
        effective_on = day_of(detected_at) if "new" in row else ends_on
        fact = CatalogueFact(
            row["kind"],
            claim.external_id,
            claim.topic,
            row.get("old"),
            new_value,
            effective_on,
            detected_at,
        )
        catalogue_lock()
        insert_events(claim.source, [(fact, offering.pk, claim.pk)])
        # a feed that reported the event had its value in the catalogue on that day
        Assertion.objects.filter(pk=claim.pk, first_seen__gt=detected_at).update(
            first_seen=detected_at, changed_at=detected_at
        )


def _find_version(identifier: str) -> Version:
    version = Version.objects.filter(identifier=identifier).first()
    if version is None:
        raise DemoError(
            f"The catalogue does not contain {identifier}. Run manage.py load_catalogue first."
        )
    return version

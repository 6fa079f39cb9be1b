"""Teams, people, what only this organisation has, and the applications with what they call."""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.actions import assert_manually
from apps.catalog.eventing import insert_events
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Assertion, Derivation, Foundation, Offering, Provider, ProviderEvent, Version
from apps.catalog.observing import Fact
from apps.catalog.settlement import catalogue_lock
from apps.common.history import acting
from apps.common.time import day_of
from apps.demo.fixtures import PASSWORD, DemoError, LoadingDay, OfferingKey, Record, RecordLookup, read_fixture
from apps.inventory.models import Application, Criticality, Dependency


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str
    role: str


@transaction.atomic
def load_portfolio(*, day: LoadingDay) -> list[Login]:
    """Create what is missing of teams, people and applications; what is there, and what people made of it, stays.

    Needs the built-in catalogue. Raises DemoRefused in production, and where an offering is missing.
    """
    if settings.REGISTRY_ENV == "production":
        raise DemoError("The demo portfolio is not for production. Set REGISTRY_ENV to demo to look at it.")
    if not Offering.objects.exists():
        raise DemoError("The catalogue is empty. Run manage.py load_catalogue first.")
    with acting(job="load_demo"):
        teams = _teams()
        logins = _users(teams)
        _own_offerings()
        _events(day)
        _applications(teams, day)
    return logins


def _teams() -> dict[str, Team]:
    teams: dict[str, Team] = {}
    for row in read_fixture("teams"):
        parent = teams[row["parent"]] if "parent" in row else None
        teams[row["slug"]], _ = Team.objects.get_or_create(
            slug=row["slug"], defaults={"name": row["name"], "email": row["email"], "parent": parent}
        )
    return teams


def _users(teams: dict[str, Team]) -> list[Login]:
    logins = []
    for row in read_fixture("users"):
        user = User.objects.filter(username=row["username"]).first()
        if user is None:
            user = User.objects.create_user(
                row["username"],
                row["email"],
                PASSWORD,
                first_name=row["first_name"],
                last_name=row["last_name"],
                organisation_role=row["organisation_role"],
                time_zone=row["time_zone"],
                is_staff=row["role"] == "admin",
                is_superuser=row["role"] == "admin",
            )
            Membership.objects.create(user=user, team=teams[row["team"]], role=TeamRole[row["team_role"].upper()].rank)
        logins.append(Login(row["username"], PASSWORD, row["role"]))
    return logins


def _own_offerings() -> None:
    """What only this organisation has: its fine-tune, its cluster, its gateway, and strings nobody has placed yet."""
    own = read_fixture("offerings")
    for row in own["providers"]:
        parent = Provider.objects.get(slug=row["parent"]) if "parent" in row else None
        Provider.objects.get_or_create(slug=row["slug"], defaults={**row, "parent": parent})
    for row in own["foundations"]:
        developer = Provider.objects.get(slug=row["developer"])
        Foundation.objects.get_or_create(line=row["line"], defaults={**row, "developer": developer})
    for row in own["versions"]:
        facts = {name: value for name, value in row.items() if name not in ("line", "identifier")}
        foundation = Foundation.objects.get(line=row["line"])
        Version.objects.get_or_create(identifier=row["identifier"], defaults={**facts, "foundation": foundation})
    for row in own["derivations"]:
        Derivation.objects.get_or_create(child=_version(row["child"]), parent=_version(row["parent"]), kind=row["kind"])
    for row in own["offerings"]:
        offering, is_new = Offering.objects.get_or_create(
            host=Provider.objects.get(slug=row["host"]),
            api_id=row["api_id"],
            region_scope=row.get("region", ""),
            service_tier="",
            defaults={
                "name": row["name"],
                "category": row["category"],
                "version": _version(row["version"]) if "version" in row else None,
                "binding": row.get("binding", "unknown"),
                "identity_confidence": 1 if "version" in row else 0,
                "identity_why": row["why"],
                "lifecycle": row.get("lifecycle", "unknown"),
            },
        )
        if is_new:
            refresh_footing([offering.pk])
            if "manual" in row:
                said = row["manual"]
                by = User.objects.get(username=said["by"])
                assert_manually(offering=offering, value=said["value"], by=by, reason=said["reason"])


def _version(identifier: str) -> Version:
    version = Version.objects.filter(identifier=identifier).first()
    if version is None:
        raise DemoError(f"The catalogue does not know {identifier}. Run manage.py load_catalogue first.")
    return version


def _events(day: LoadingDay) -> None:
    """News of the last weeks: ends and alias moves as the catalogue holds them, told as if a feed had brought them.

    An end is told with the day that is on record; each kind once for an offering, whatever the day of loading.
    """
    named = RecordLookup()
    for row in read_fixture("events"):
        offering = named.offering(row["offering"])
        if ProviderEvent.objects.filter(offering=offering, kind=row["kind"]).exists():
            continue
        claim = offering.lifecycle_claim
        if row["kind"] == ProviderEvent.Kind.ALIAS_MOVED:
            claim = Assertion.objects.filter(offering=offering).order_by("pk").first()
        if claim is None:
            raise DemoError(f"No source speaks of {offering}. Run manage.py load_catalogue first.")
        detected_at = day.moment(row["detected"])
        ends_on = offering.retires_on
        new = row.get("new", ends_on.isoformat() if ends_on else None)
        effective_on = day_of(detected_at) if "new" in row else ends_on
        fact = Fact(row["kind"], claim.external_id, claim.topic, row.get("old"), new, effective_on, detected_at)
        catalogue_lock()
        insert_events(claim.source, [(fact, offering.pk, claim.pk)])


def _applications(teams: dict[str, Team], day: LoadingDay) -> None:
    there = set(Application.objects.values_list("slug", flat=True))
    missing = [row for row in read_fixture("applications") if row["slug"] not in there]
    if not missing:
        return
    offerings = _offerings({_key(use) for row in missing for use in row["dependencies"]})
    parties = dict(Provider.objects.values_list("slug", "pk"))
    applications = Application.objects.bulk_create(
        [
            Application(
                team=teams[row["team"]],
                criticality=Criticality[row["criticality"].upper()],
                **day.dated(
                    {name: value for name, value in row.items() if name not in ("team", "criticality", "dependencies")}
                ),
            )
            for row in missing
        ]
    )
    Dependency.objects.bulk_create(
        [
            Dependency(
                application=application,
                offering_id=offerings[_key(use)],
                via_party_id=parties[use["via_party"]] if "via_party" in use else None,
                **day.dated({name: value for name, value in use.items() if name not in ("offering", "via_party")}),
            )
            for application, row in zip(applications, missing, strict=True)
            for use in row["dependencies"]
        ]
    )


def _key(use: Record) -> OfferingKey:
    host, api_id, region, tier = use["offering"]
    return host, api_id, region, tier


def _offerings(wanted: set[OfferingKey]) -> dict[OfferingKey, int]:
    found = {
        (host, api_id, region, tier): pk
        for pk, host, api_id, region, tier in Offering.objects.filter(
            api_id__in={api_id for _, api_id, _, _ in wanted}
        ).values_list("pk", "host__slug", "api_id", "region_scope", "service_tier")
    }
    unknown = sorted(wanted - set(found))
    if unknown:
        host, api_id, _, _ = unknown[0]
        raise DemoError(f"The catalogue does not know {api_id} at {host}. Run manage.py load_catalogue first.")
    return found

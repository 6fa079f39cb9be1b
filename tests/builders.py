"""Plain builders of small worlds: each makes one valid row, names what matters, and invents the rest."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from django.db import transaction

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.footing import refresh_footing
from apps.catalog.models import Foundation, Offering, Provider, ProviderEvent, Source, Version
from apps.inventory.models import Application, Criticality, Dependency

_n = count(1)
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def make_user(username: str = "", *, role: str = "", **fields: Any) -> User:
    """A user with the password `password`; `role` is an organisation role."""
    username = username or f"user{next(_n)}"
    fields.setdefault("email", f"{username}@example.org")
    return User.objects.create_user(username, password="password", organisation_role=role, **fields)


def make_team(name: str = "", *, parent: Team | None = None, **fields: Any) -> Team:
    name = name or f"Team {next(_n)}"
    fields.setdefault("email", f"{name.lower().replace(' ', '-')}@example.org")
    fields.setdefault("slug", f"team-{next(_n)}")
    return Team.objects.create(name=name, parent=parent, **fields)


def make_member(team: Team, role: TeamRole = TeamRole.EDITOR, user: User | None = None) -> User:
    user = user or make_user()
    Membership.objects.create(user=user, team=team, role=role.rank)
    return user


def make_provider(slug: str = "", *, roles: tuple[str, ...] = ("host",), **fields: Any) -> Provider:
    slug = slug or f"provider-{next(_n)}"
    fields.setdefault("name", slug.replace("-", " ").title())
    provider, _ = Provider.objects.get_or_create(slug=slug, defaults={"roles": list(roles), **fields})
    return provider


def make_foundation(line: str = "", *, developer: Provider | None = None, **fields: Any) -> Foundation:
    line = line or f"maker/model-{next(_n)}"
    maker, name = line.split("/", 1)
    developer = developer or make_provider(maker, roles=("developer",))
    fields.setdefault("name", name)
    return Foundation.objects.create(
        developer=developer, line=line, slug=line.replace("/", "-").replace(".", "-"), **fields
    )


def make_version(identifier: str = "", *, foundation: Foundation | None = None, **fields: Any) -> Version:
    identifier = identifier or f"maker/model-{next(_n)}-20250101"
    foundation = foundation or make_foundation(f"{identifier}-line")
    fields.setdefault("name", identifier.split("/", 1)[1])
    return Version.objects.create(foundation=foundation, identifier=identifier, **fields)


@transaction.atomic
def make_offering(
    api_id: str = "", *, host: Provider | None = None, version: Version | None = None, **fields: Any
) -> Offering:
    """An offering with its footing; pass `version=None, resolved=False` for an unresolved one."""
    resolved = fields.pop("resolved", True)
    if resolved and version is None:
        version = make_version()
    offering = Offering.objects.create(
        host=host or make_provider(roles=("host",)), api_id=api_id or f"model-{next(_n)}", version=version, **fields
    )
    refresh_footing([offering.pk])
    return offering


def make_application(name: str = "", *, team: Team | None = None, **fields: Any) -> Application:
    name = name or f"Application {next(_n)}"
    fields.setdefault("criticality", Criticality.STANDARD)
    return Application.objects.create(name=name, slug=f"application-{next(_n)}", team=team or make_team(), **fields)


def make_dependency(application: Application, offering: Offering, role: str = "primary", **fields: Any) -> Dependency:
    fields.setdefault("since", date(2025, 1, 1))
    return Dependency.objects.create(application=application, offering=offering, role=role, **fields)


def make_source(slug: str = "litellm", **fields: Any) -> Source:
    fields.setdefault("name", slug)
    fields.setdefault("kind", slug)
    source, _ = Source.objects.get_or_create(slug=slug, defaults=fields)
    return source


def make_event(offering: Offering, kind: str = "announced", **fields: Any) -> ProviderEvent:
    fields.setdefault("source", make_source())
    fields.setdefault("key", f"key-{next(_n)}")
    fields.setdefault("external_id", offering.api_id)
    fields.setdefault("detected_at", NOW)
    fields.setdefault("new", "2027-01-15")
    fields.setdefault("effective_on", date(2027, 1, 15))
    return ProviderEvent.objects.create(offering=offering, kind=kind, **fields)

"""Reader of the demo fixtures (`fixtures/demo/`): names become rows, dates are relative to the day
of loading.

A whole number in place of a date is an offset in days from the day of loading (negative: before),
so that tests expire, acceptances end and reviews fall due whenever the demo is viewed. A text is a
calendar date."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.common.time import day_of
from apps.inventory.models import Application, Dependency

FIXTURES: Path = settings.BASE_DIR / "fixtures" / "demo"
# The password is public, so the demo cannot be loaded in production.
PASSWORD = "calder-demo-2026"  # noqa: S105

type Record = dict[str, Any]
type OfferingKey = tuple[str, str, str, str]


class DemoError(Exception):
    """Error: the demo portfolio cannot be loaded here; the text gives the reason and the fix."""


def read_fixture(name: str) -> Any:
    """Read `fixtures/demo/NAME.json`."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def was_never_used(model: type[models.Model]) -> bool:
    """Return whether the table has never had a row, according to its history.

    A table that users have emptied since is not filled again.
    """
    history = model.history.rel.related_model  # type: ignore[attr-defined]
    return not history._default_manager.exists()


@dataclass(frozen=True, slots=True)
class LoadingDay:
    """The time of loading, and the days and times relative to it."""

    at: datetime

    @property
    def today(self) -> date:
        return day_of(self.at)

    def on(self, day: int | str) -> date:
        """Return the date this many days after the day of loading, or that of an ISO date."""
        return date.fromisoformat(day) if isinstance(day, str) else self.today + timedelta(days=day)

    def moment(self, days: int) -> datetime:
        """Return the time of loading plus this many days."""
        return self.at + timedelta(days=days)

    def dated(self, facts: Mapping[str, Any]) -> Record:
        """Return the facts with dates in place of days; a fact is a day by its name: `..._on`,
        `since` or `until`."""
        return {
            name: self.on(value) if name.endswith("_on") or name in ("since", "until") else value
            for name, value in facts.items()
        }


@dataclass(slots=True)
class RecordLookup:
    """Lookup of rows by the names in the fixtures, each queried once.

    Raises DemoError for a name that does not exist.
    """

    _rows: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def user(self, username: str) -> User:
        user: User = self._find_row(User, f"the user {username}", username=username)
        return user

    def provider(self, slug: str) -> Provider:
        provider: Provider = self._find_row(Provider, slug, slug=slug)
        return provider

    def foundation(self, line: str) -> Foundation:
        foundation: Foundation = self._find_row(Foundation, line, line=line)
        return foundation

    def version(self, identifier: str) -> Version:
        version: Version = self._find_row(Version, identifier, identifier=identifier)
        return version

    def offering(self, key: list[str]) -> Offering:
        """Look up [host, API ID, region scope, service tier]."""
        host, api_id, region, tier = key
        offering: Offering = self._find_row(
            Offering,
            f"{api_id} at {host}",
            host__slug=host,
            api_id=api_id,
            region_scope=region,
            service_tier=tier,
        )
        return offering

    def application(self, slug: str) -> Application:
        application: Application = self._find_row(Application, f"the application {slug}", slug=slug)
        return application

    def dependency(self, row: Mapping[str, Any]) -> Dependency:
        """Look up the first dependency of {"application", "role"}, with "offering" if the role
        alone is ambiguous."""
        dependencies = Dependency.objects.filter(
            application=self.application(row["application"]), role=row["role"]
        )
        if "offering" in row:
            dependencies = dependencies.filter(offering=self.offering(row["offering"]))
        dependency = dependencies.select_related("application", "offering").order_by("pk").first()
        if dependency is None:
            raise DemoError(
                f"{row['application']} has no {row['role']} as in the demo data. Load the demo "
                "into an empty database."
            )
        return dependency

    def _find_row(self, model: type[models.Model], label: str, **columns: str) -> Any:
        key = (model, *columns.values())
        if key not in self._rows:
            row = model._default_manager.filter(**columns).first()
            if row is None:
                raise DemoError(
                    f"The registry does not contain {label}. Run manage.py load_catalogue first."
                )
            self._rows[key] = row
        return self._rows[key]

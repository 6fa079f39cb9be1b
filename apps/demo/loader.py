"""Loader of the demo: all apps in order, from the catalogue upwards."""

from datetime import datetime

from django.conf import settings
from django.db import connection, models, transaction

from apps.catalog.models import (
    Assertion,
    Footing,
    Foundation,
    Node,
    Offering,
    Price,
    Provider,
    ProviderEvent,
    Version,
)
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.demo.alerts import load_alerts
from apps.demo.catalog import load_events, load_own_catalog
from apps.demo.exposure import load_exposure, load_scenarios
from apps.demo.fixtures import DemoError, LoadingDay, was_never_used
from apps.demo.gate import load_gate_runs
from apps.demo.imports import load_example_sheet
from apps.demo.intake import load_observations
from apps.demo.inventory import (
    load_applications,
    load_contracts,
    load_exits,
    load_requirements,
)
from apps.demo.notices import load_notices
from apps.demo.organisation import Login, load_teams, load_users
from apps.demo.risks import load_risks
from apps.exposure.models import Campaign
from apps.exposure.snapshots.monthly import update_months
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest
from apps.inventory.read_models import refresh_stale_applications
from apps.issues.evaluation import evaluate_everything

# read by the engine right after they are filled
_ENGINE_TABLES: tuple[type[models.Model], ...] = (
    Node,
    Footing,
    Offering,
    Price,
    Version,
    Foundation,
    Provider,
    Assertion,
    ProviderEvent,
    Application,
    Dependency,
    Adaptation,
    ExitPlan,
    ExitTest,
)


def load_demo(*, at: datetime) -> list[Login]:
    """Load the missing parts of the demo; parts that users have changed are not touched.

    Returns the logins of its users. Raises DemoError in production, and if the built-in catalogue
    is missing.
    """
    day = LoadingDay(at)
    logins = load_register(day=day)
    load_observations(day=day)
    load_scenarios(day=day)
    # as the worker does every minute, so that the first page has the negative runways and the
    # alerts about issues
    refresh_stale_applications(on=day.today)
    evaluate_everything(at=day.at)
    load_alerts(day=day)
    update_months(on=day.today, at=now())
    load_gate_runs(day=day)
    load_notices(day=day)
    load_example_sheet(day=day)
    evaluate_everything(at=day.at)
    return logins


@transaction.atomic
def load_register(*, day: LoadingDay) -> list[Login]:
    """Load the applications and the records of users about them: risks, campaigns, flags."""
    logins = load_portfolio(day=day)
    load_exits(day=day)
    load_requirements(day=day)
    load_contracts(day=day)
    if was_never_used(Campaign):
        _analyze_engine_tables()
    load_risks(day=day)
    load_exposure(day=day)
    return logins


@transaction.atomic
def load_portfolio(*, day: LoadingDay) -> list[Login]:
    """Create missing teams, users and applications; existing ones are not changed.

    Needs the built-in catalogue. Raises DemoError in production, and if an offering is missing.
    """
    if settings.REGISTRY_ENV == "production":
        raise DemoError(
            "The demo portfolio is not available in production. Set REGISTRY_ENV to demo to view "
            "it."
        )
    if not Offering.objects.exists():
        raise DemoError("The catalogue is empty. Run manage.py load_catalogue first.")
    with audit_context(job="load_demo", reason="Loaded with the demo."):
        teams = load_teams()
        logins = load_users(teams)
        load_own_catalog(day)
    # a context of its own: nested contexts are one change, with the last user and reason
    load_events(day)
    with audit_context(job="load_demo", reason="Loaded with the demo."):
        load_applications(teams, day)
    return logins


def _analyze_engine_tables() -> None:
    """Update the planner's statistics (ANALYZE).

    Statistics do not include rows loaded a moment ago, here or by load_catalogue, and statements
    that join them would take minutes instead of milliseconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in _ENGINE_TABLES)}")

"""Accounts with credentials, models that they deploy, and a pull to its end."""

from datetime import datetime
from typing import Any

from apps.catalog.models import Offering
from apps.common.time import now
from apps.intake.accounts.credentials import set_credentials
from apps.intake.accounts.pulls import queue_pull, run_pull
from apps.intake.models import CloudAccount, CloudPull
from apps.inventory.models import Application
from tests.builders import (
    make_application,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.intake.accounts.entered import SECRETS, SETTINGS


def make_account(kind: str, *, has_credentials: bool = True, **facts: Any) -> CloudAccount:
    account = CloudAccount.objects.create(
        **{"kind": kind, "name": f"{kind} account", **SETTINGS[kind], **facts}
    )
    if has_credentials:
        by = make_user(f"setter-{account.pk}", role="governance")
        set_credentials(account=account, values=SECRETS[kind], by=by, at=now())
    return account


def pull(account: CloudAccount, *, at: datetime | None = None) -> CloudPull:
    queued = queue_pull(account=account, by=None, at=at or now())
    run_pull(queued.pk, at=at or now())
    return CloudPull.objects.get(pk=queued.pk)


def application_named(slug: str) -> Application:
    application = make_application(slug.replace("-", " ").title())
    Application.objects.filter(pk=application.pk).update(slug=slug)
    application.refresh_from_db()
    return application


def make_model(
    api_id: str, version: str = "", *, host: str = "azure", identifier: str = ""
) -> Offering:
    """A model of the catalogue at a host, known by the ID that the host serves."""
    api_id = f"{api_id}-{version}" if version else api_id
    return make_offering(
        api_id,
        host=make_provider(host),
        version=make_version(identifier or f"openai/{api_id}"),
    )


def make_azure_models() -> None:
    make_model("gpt-4o", "2024-11-20")
    make_model("gpt-4o-mini", "2024-07-18")

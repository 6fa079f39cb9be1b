"""The cloud on loopback, and accounts that are read from it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.common.credentials import Credentials
from apps.intake.accounts.clients.addresses import DEFAULT_ADDRESSES
from apps.intake.accounts.clients.registry import read_account
from apps.intake.accounts.clients.session import CloudSession
from apps.intake.accounts.records import AccountAccess, Listing
from tests.intake.accounts.cloud import Cloud, running_cloud
from tests.intake.accounts.entered import AT, SECRETS, SETTINGS


@pytest.fixture
def cloud(settings: Any) -> Iterator[Cloud]:
    """A cloud that stands for all of them; its address is private, so the operator allows it."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with running_cloud() as running:
        settings.CLOUD_ADDRESSES = dict.fromkeys(DEFAULT_ADDRESSES, running.address)
        yield running


@pytest.fixture
def waits() -> list[float]:
    """Seconds that a pull waited for the cloud, without waiting."""
    return []


@pytest.fixture
def read(cloud: Cloud, waits: list[float]) -> Callable[..., Listing]:
    """Read an account of a kind from the cloud."""

    def read(kind: str, *, steps: list[str] | None = None, **facts: Any) -> Listing:
        credentials = Credentials(facts.pop("credentials", SECRETS[kind]))
        values = {
            "tenant": "",
            "client": "",
            "subscription": "",
            "project": "",
            "organisation": "",
            "regions": (),
            **SETTINGS[kind],
            **facts,
        }
        access = AccountAccess(
            **{**values, "regions": tuple(values["regions"])},
            credentials=credentials,
            at=AT,
            report=(steps if steps is not None else []).append,
        )
        return read_account(kind, access, CloudSession("The cloud", sleep=waits.append))

    return read

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.alerts.channels.changes import save_channel
from apps.alerts.models import Webhook
from tests.alerts.channels.service_server import (
    BOT_TOKEN,
    ROUTING_KEY,
    SIGNING_SECRET,
    SLACK_CHANNEL,
    ServiceServer,
)
from tests.builders import NOW, make_user
from tests.worlds.small import SmallWorld


@pytest.fixture
def server(settings: Any) -> Iterator[ServiceServer]:
    with ServiceServer(settings) as running:
        yield running


@pytest.fixture
def amara(db: None) -> User:
    return make_user("amara", role="governance", email="amara@example.org")


@pytest.fixture
def make_channel(server: ServiceServer, amara: User, world: SmallWorld) -> Callable[..., Webhook]:
    """Make a channel of a service, for the team of the small world if no other owner is named."""
    secrets = {
        "slack": {"bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET},
        "teams": {"workflow_url": server.workflow_url},
        "pagerduty": {"routing_key": ROUTING_KEY},
    }
    destinations = {"slack": SLACK_CHANNEL, "pagerduty": "us"}

    def make(service: str, *, by: User = amara, **fields: Any) -> Webhook:
        if not fields.keys() & {"team", "person", "role"}:
            fields["team"] = world.team
        values = {
            "name": f"{service} of Claims",
            "destination": destinations.get(service, ""),
            "min_severity": 1,
            **fields,
        }
        return save_channel(
            channel=Webhook(service=service, created_by=by, **values),
            by=by,
            at=NOW,
            secret_values=secrets[service],
        )

    return make

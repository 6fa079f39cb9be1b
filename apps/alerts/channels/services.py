"""What each service of a channel needs: secrets, destination, speed and a test."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from apps.alerts.channels.pagerduty import REGIONS
from apps.alerts.models import ChannelService


@dataclass(frozen=True, slots=True)
class ChannelSecret:
    """A secret of a service. `pattern` is the form of a possible value."""

    name: str
    label: str
    help: str
    pattern: re.Pattern[str]
    correction: str
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The settings of a service. `destination_label` is empty if the credentials contain the
    destination. `per_second` is the rate that the service accepts."""

    label: str
    permission: str
    secrets: tuple[ChannelSecret, ...]
    per_second: float
    destination_label: str = ""
    destination_help: str = ""
    destination_pattern: re.Pattern[str] | None = None
    destination_correction: str = ""
    destination_choices: Mapping[str, str] | None = None


SERVICES: dict[str, ServiceSettings] = {
    ChannelService.SLACK: ServiceSettings(
        label="Slack",
        permission="A Slack app with the bot scopes chat:write, users:read and users:read.email, "
        "installed in the workspace and invited to the channel. Interactivity is turned on, with "
        "the request URL of this registry.",
        secrets=(
            ChannelSecret(
                "bot_token",
                "Bot token",
                "Begins with xoxb-. Shown under OAuth & Permissions of the app.",
                re.compile(r"xox[a-z]-[A-Za-z0-9-]{8,300}"),
                "Enter the bot token of the app. It begins with xoxb-.",
            ),
            ChannelSecret(
                "signing_secret",
                "Signing secret",
                "Shown under Basic Information of the app.",
                re.compile(r"[A-Za-z0-9]{16,100}"),
                "Enter the signing secret as Slack shows it: letters and digits.",
            ),
        ),
        # one message a second and channel
        per_second=1,
        destination_label="Channel ID",
        destination_help="Such as C0123456789. Slack shows the ID below the details of a channel.",
        destination_pattern=re.compile(r"[CGDUW][A-Z0-9]{2,30}"),
        destination_correction="Enter the channel ID, such as C0123456789, not the name.",
    ),
    ChannelService.TEAMS: ServiceSettings(
        label="Microsoft Teams",
        permission="A workflow with the trigger “When a Teams webhook request is received” and the "
        "action that posts the card in a channel or chat. Its owner needs access to that channel.",
        secrets=(
            ChannelSecret(
                "workflow_url",
                "Workflow URL",
                "URL that the workflow shows after it was saved. Anybody who has it can post.",
                # plain http only for a relay on this server, which the operator must allow
                re.compile(r"(?:https://|http://(?:127\.0\.0\.1|localhost)[:/])[!-~]{8,1900}"),
                "Enter the URL of the workflow. It begins with https://.",
                is_url=True,
            ),
        ),
        per_second=2,
    ),
    ChannelService.PAGERDUTY: ServiceSettings(
        label="PagerDuty",
        permission="An integration of type Events API v2 on a service of PagerDuty.",
        secrets=(
            ChannelSecret(
                "routing_key",
                "Integration key",
                "The 32 characters of the Events API v2 integration.",
                re.compile(r"[A-Za-z0-9]{32}"),
                "Enter the integration key: 32 letters and digits.",
            ),
        ),
        per_second=2,
        destination_label="Service region",
        destination_help="Region of your PagerDuty account.",
        destination_choices=REGIONS,
    ),
}

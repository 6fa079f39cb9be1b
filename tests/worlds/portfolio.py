"""The portfolio: two teams, three applications, and what a page can show about them.

A model that ends in ten days, the same model at another host as its fallback, an offering of which
nobody knows the model; an announcement, the run of a feed that waits, an alert, a mail that
bounced; a user of each role. Its clock is the real one, because pages read that.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.alerts.models import Alert, Delivery, Notice
from apps.catalog.models import Offering, Price, ProviderEvent, Source
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import refresh
from apps.feeds.models import FeedRun, PollState, QuarantinedRow
from apps.inventory.models import Application, Criticality
from apps.inventory.read_models import refresh_stale_applications
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_event,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)


@dataclass
class PortfolioWorld:
    governance: User
    editor: User
    viewer: User
    outsider: User
    team: Team
    triage: Application
    drafter: Application
    foreign: Application
    sonnet: Offering
    sonnet_bedrock: Offering
    unknown: Offering
    event: ProviderEvent
    source: Source
    run: FeedRun
    alert: Alert
    delivery: Delivery
    today: date


def make_portfolio_world() -> PortfolioWorld:
    moment = now()
    today = day_of(moment)
    team, other = make_team("Claims"), make_team("Legal")
    maker = make_provider("anthropic", roles=("developer", "host"), name="Anthropic")
    bedrock = make_provider("amazon-bedrock", name="Amazon Bedrock")
    foundation = make_foundation(
        "anthropic/claude-sonnet-4-5", developer=maker, name="Claude Sonnet 4.5"
    )
    version = make_version(
        "anthropic/claude-sonnet-4-5-20250929", foundation=foundation, name="Claude Sonnet 4.5"
    )
    soon = today + timedelta(10)
    sonnet = make_offering(
        "claude-sonnet-4-5",
        host=maker,
        version=version,
        retires_on=soon,
        date_kind="firm",
        lifecycle="deprecated",
        identity_explanation="the string is known; nothing was taken off",
    )
    sonnet_bedrock = make_offering(
        "anthropic.claude-sonnet-4-5", host=bedrock, version=version, lifecycle="active"
    )
    unknown = make_offering("captions-prod", host=bedrock, resolved=False)
    triage = make_application(
        "Claims triage",
        team=team,
        criticality=Criticality.CRITICAL,
        purpose="Sorts claims",
        users_affected=620,
    )
    drafter = make_application("Mail drafter", team=team, criticality=Criticality.IMPORTANT)
    foreign = make_application("Clause finder", team=other, criticality=Criticality.CRITICAL)
    make_dependency(triage, sonnet, traffic_share="0.9")
    make_dependency(triage, sonnet_bedrock, "fallback", fallback_order=1)
    make_dependency(drafter, unknown)
    make_dependency(foreign, sonnet_bedrock)
    source = make_source("litellm", name="LiteLLM price map")
    claim = make_claim(
        source,
        "claude-sonnet-4-5",
        offering=sonnet,
        first_seen=moment,
        changed_at=moment,
        value={"retires_on": soon.isoformat(), "date_kind": "firm"},
        excerpt={"deprecation_date": soon.isoformat()},
        source_url="https://example.org/deprecations",
    )
    Price.objects.create(
        offering=sonnet, unit="input", amount="3", valid=(moment - timedelta(30), None), claim=None
    )
    event = make_event(
        sonnet, source=source, new=soon.isoformat(), effective_on=soon, detected_at=moment
    )
    event.evidence.add(claim)
    run = FeedRun.objects.create(
        source=source,
        status="suspect",
        trigger="schedule",
        queued_at=moment,
        started_at=moment,
        finished_at=moment,
        rows=100,
        rows_changed=3,
        rows_vanished=41,
        rows_quarantined=1,
        n_events=1,
        held={"anthropic": "41 of 100 rows are missing."},
    )
    PollState.objects.create(source=source, last_success_at=moment, last_attempt_at=moment)
    QuarantinedRow.objects.create(
        source=source,
        external_id="sample_spec",
        reason="the file's own example",
        run=run,
        first_seen=moment,
    )
    delivery = Delivery.objects.create(
        team=team,
        address="claims@example.org",
        message_id="<one@registry>",
        subject="Claims triage loses a model",
        body_text="Claude Sonnet 4.5 ends soon.",
        due_at=moment,
        state="failed",
        reason="550 mailbox unavailable",
    )
    alert = Alert.objects.create(
        key=f"event:{event.pk}|announced||team:{team.pk}",
        kind="announced",
        severity=5,
        event=event,
        offering=sonnet,
        due_on=soon,
        team=team,
        application_ids=[triage.pk],
        raised_at=moment,
    )
    Notice.objects.create(alert=alert, team=team, why="team", owed_at=moment, delivery=delivery)
    refresh(on=today)
    refresh_stale_applications(on=today)
    return PortfolioWorld(
        governance=make_user("maren", role=OrganisationRole.GOVERNANCE),
        editor=make_member(team, TeamRole.EDITOR, make_user("ilse")),
        viewer=make_member(team, TeamRole.VIEWER, make_user("hana")),
        outsider=make_user("stranger"),
        team=team,
        triage=triage,
        drafter=drafter,
        foreign=foreign,
        sonnet=sonnet,
        sonnet_bedrock=sonnet_bedrock,
        unknown=unknown,
        event=event,
        source=source,
        run=run,
        alert=alert,
        delivery=delivery,
        today=today,
    )

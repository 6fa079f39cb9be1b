"""One row of every resource, and one person of every kind around the team that owns them."""

import uuid
from datetime import timedelta
from typing import Any

from apps.accounts.actions import issue_token
from apps.accounts.models import Delegation, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.alerts.models import Alert, AlertPolicy, Delivery, Mute, Notice, Subscription, Webhook
from apps.alerts.preferences import create_calendar_feed
from apps.catalog.models import (
    Alias,
    Derivation,
    NoticePolicy,
    Offering,
    OfferingRegion,
    Price,
    Product,
    ProductModel,
    Region,
    RetirementAnnouncement,
    Version,
)
from apps.common.time import day_of, now
from apps.exposure.models import (
    BaseLoss,
    Campaign,
    CampaignTask,
    ConcentrationSnapshot,
    EventRate,
    ExposureFlag,
    FlagEvent,
    LossRun,
    Policy,
    Scenario,
    ScenarioRun,
    TaskStep,
)
from apps.feeds.models import FeedRun, ReceivedNotice
from apps.intake.models import (
    AccountDeployment,
    BilledCost,
    CloudAccount,
    CloudPull,
    Discrepancy,
    Import,
    Observation,
    Service,
)
from apps.inventory.models import (
    Adaptation,
    AnnexItem,
    Application,
    Approval,
    Contract,
    DecisionProposal,
    Dependency,
    ExchangeRate,
    ExitPlan,
    ExitTest,
    Selection,
)
from apps.issues.models import Issue, Ticket, TicketConnection
from apps.risks.models import (
    Assessment,
    Evidence,
    FoundationRisk,
    Modifier,
    RiskTemplate,
    Taxonomy,
    TaxonomyEntry,
    TemplateMapping,
)
from tests.builders import (
    NOW,
    make_application,
    make_contact,
    make_dependency,
    make_event,
    make_incident,
    make_issue,
    make_member,
    make_offering,
    make_source,
    make_team,
    make_use_case,
    make_use_case_link,
    make_user,
    make_version,
)


def make_one_of_everything() -> tuple[dict[str, User], dict[str, Any]]:
    """Return ({kind of person: user}, {resource of the REST API: key of its row})."""
    division = make_team("Division")
    team = make_team("Payments", parent=division)
    version = make_version()
    offering = make_offering("model-1", version=version)
    application = make_application("Claims", team=team)
    dependency = make_dependency(application, offering)
    event = make_event(offering)
    price = Price.objects.create(offering=offering, unit="input", amount="3", valid=(NOW, None))
    run = FeedRun.objects.create(source=make_source(), status="changed", queued_at=NOW)
    assertion = make_source().assertions.create(
        external_id="x", topic="lifecycle", offering=offering, first_seen=NOW, changed_at=NOW
    )
    disputed = make_offering("disputed")
    for slug, day in (("litellm", "2099-01-01"), ("modeldeprecations", "2099-06-01")):
        make_source(slug).assertions.create(
            external_id="disputed",
            topic="lifecycle",
            offering=disputed,
            value={"retires_on": day, "date_kind": "firm"},
            first_seen=NOW,
            changed_at=NOW,
        )
    host_node = offering.footings.get(node__kind=5, depth=0).node
    policy = Policy.objects.get(slug="critical-on-one-host")
    flag = ExposureFlag.objects.create(
        policy=policy, node=host_node, value="0.7", limit="0.6", opened_at=NOW
    )
    FlagEvent.objects.create(flag=flag, kind="opened", at=NOW, value="0.7")
    delivery = Delivery.objects.create(
        team=team,
        address="payments@example.org",
        message_id="<1@example.org>",
        subject="s",
        body_text="t",
        due_at=NOW,
        state="failed",
    )
    alert = Alert.objects.create(
        key="event:1|announced||k",
        kind="announced",
        severity=4,
        event=event,
        team=team,
        raised_at=NOW,
    )
    notice = Notice.objects.create(
        alert=alert, team=team, why="team", owed_at=NOW, delivery=delivery
    )
    issue = make_issue(application, subject=f"version:{version.pk}", owner=None)
    further = _make_analysis_rows(application, dependency, offering, version)
    people = {
        "admin": make_user("ada", role="admin"),
        "governance": make_user("gus", role="governance"),
        "auditor": make_user("aud", role="auditor"),
        "owner": make_member(team, TeamRole.OWNER),
        "editor": make_member(team, TeamRole.EDITOR),
        "viewer": make_member(team, TeamRole.VIEWER),
        "from above": make_member(division, TeamRole.VIEWER),
        "outsider": make_member(make_team("Elsewhere"), TeamRole.OWNER),
    }
    owner = people["owner"]
    mute = Mute.objects.create(
        team=team, kind="repriced", until=day_of(now()) + timedelta(days=9), created_by=owner
    )
    webhook = Webhook.objects.create(
        name="Chat", url="https://hooks.example.org/a", created_by=people["governance"]
    )
    channel = Webhook.objects.create(
        name="Slack",
        service="slack",
        destination="C0123456789",
        team=team,
        created_by=people["governance"],
    )
    program = add_service(
        username="gateway", about="", team=team, role=TeamRole.EDITOR, by=people["owner"]
    )
    addresses = {
        **further,
        "alert-policies": AlertPolicy.objects.order_by("pk")[0].pk,
        "alerts": alert.pk,
        "applications": application.slug,
        "causes": issue.cause_id,
        "issues": issue.pk,
        **_make_ticket(issue, owner),
        "assertions": assertion.pk,
        "calendar-feeds": create_calendar_feed(user=owner)[0].pk,
        "deliveries": delivery.pk,
        "dependencies": dependency.pk,
        "disagreements": disputed.pk,
        "exposure-flags": flag.pk,
        "feed-runs": run.pk,
        "foundations": version.foundation.slug,
        "memberships": people["viewer"].memberships.get().pk,
        "mutes": mute.pk,
        "notifications": notice.pk,
        "offerings": offering.pk,
        "exposure-policies": policy.pk,
        "prices": price.pk,
        "incidents": make_incident(event.offering.host).pk,
        "provider-events": event.pk,
        "providers": offering.host.slug,
        "sources": assertion.source_id,
        "subscriptions": Subscription.objects.create(user=owner).pk,
        "service-accounts": program.pk,
        "teams": team.slug,
        "tokens": issue_token(user=owner, name="Pipeline", scopes=["gate"], at=now(), by=None)[
            0
        ].pk,
        "users": people["viewer"].pk,
        "people": make_contact().pk,
        "delegations": Delegation.objects.create(
            person=owner,
            deputy=make_user(),
            since=day_of(NOW),
            until=day_of(NOW) + timedelta(days=7),
        ).pk,
        "versions": offering.version_id,
        "channels": channel.pk,
        "webhooks": webhook.pk,
    }
    return people, addresses


def _make_analysis_rows(
    application: Application, dependency: Dependency, offering: Offering, version: Version
) -> dict[str, Any]:
    """Make one row of each table of exposure, risks, campaigns and choosing; the scenario is
    governance's."""
    author = make_user("author", role="governance")
    child = make_version("maker/child")
    derivation = Derivation.objects.create(child=child, parent=version, kind="fine_tune")
    campaign = Campaign.objects.create(
        title="Move", subject=offering, opened_by=author, opened_at=NOW
    )
    task = CampaignTask.objects.create(campaign=campaign, dependency=dependency)
    host_node = offering.footings.get(node__kind=5, depth=0).node
    risk = FoundationRisk.objects.create(
        node=host_node, title="Outage", likelihood=3, impact=4, opened_at=NOW, changed_at=NOW
    )
    scenario = Scenario.objects.create(
        name="Gone", ops=[{"op": "remove", "nodes": ["host:x"]}], created_by=author
    )
    document = Import.objects.create(
        kind="document",
        format="cyclonedx",
        digest="0" * 64,
        n_bytes=1,
        application=application,
        state="applied",
        received_at=NOW,
    )
    snapshot = ConcentrationSnapshot.objects.create(
        day=day_of(NOW),
        layer="host",
        basis="count",
        n_applications=1,
        covered_weight=1,
        none_weight=0,
    )
    return {
        "adaptations": Adaptation.objects.create(dependency=dependency, kind="prompt").pk,
        "annex-items": AnnexItem.objects.create(foundation=version.foundation, item="1a").pk,
        "approvals": Approval.objects.create(
            offering=offering,
            decision="blocked",
            reason="no",
            approver=author,
            decided_on=day_of(NOW),
        ).pk,
        "assessments": Assessment.objects.create(
            risk=risk,
            dependency=dependency,
            inherent_likelihood=3,
            inherent_impact=4,
            assessed_by=author,
            assessed_at=NOW,
        ).pk,
        "base-losses": BaseLoss.objects.order_by("pk")[0].pk,
        "campaign-steps": TaskStep.objects.create(task=task, place=1, kind="own", title="Look").pk,
        "campaign-tasks": task.pk,
        "campaigns": campaign.pk,
        "received-notices": ReceivedNotice.objects.create(
            message_id="1@example.org",
            sender="a@example.org",
            subject="Fwd: retirement",
            text="A model retires.",
            received_at=NOW,
        ).pk,
        "retirement-announcements": RetirementAnnouncement.objects.create(
            offering=offering,
            scope="model_ids",
            retires_on=day_of(NOW) + timedelta(days=200),
            date_kind="firm",
            announced_by=author,
            announced_at=NOW,
        ).pk,
        **_make_cloud_account(),
        "contracts": Contract.objects.create(party=offering.host, ref="C-1").pk,
        "proposed-use-cases": make_use_case(make_use_case_link(created_by=author)).pk,
        "decision-proposals": DecisionProposal.objects.create(
            kind="tolerance",
            target="policy:1",
            target_name="Hosts",
            before={"measure": "n_critical", "tolerance": "1"},
            after={"tolerance": "2"},
            reason="More.",
            proposed_by=author,
            proposed_at=NOW,
        ).pk,
        "aliases": Alias.objects.create(
            identifier="maker/latest", foundation=version.foundation, version=version, kind="alias"
        ).pk,
        "derivations": derivation.pk,
        "notice-policies": NoticePolicy.objects.create(
            provider=offering.host, notice_days=60, source_url="https://example.org/policy"
        ).pk,
        **_make_regions(offering),
        **_make_product(offering),
        "event-rates": EventRate.objects.order_by("pk")[0].pk,
        "evidence": Evidence.objects.create(
            kind="evaluation", application=application, run_on=day_of(NOW), recorded_at=NOW
        ).pk,
        "exchange-rates": ExchangeRate.objects.create(
            currency="EUR", usd="1.08", on=day_of(NOW), source="central bank"
        ).pk,
        "exit-plans": ExitPlan.objects.create(dependency=dependency).pk,
        "exit-tests": ExitTest.objects.create(
            dependency=dependency, target=offering, tested_on=day_of(NOW), result="partial"
        ).pk,
        "foundation-risks": risk.pk,
        "billed-costs": _make_billed_cost(application, document),
        "imports": document.pk,
        "loss-runs": LossRun.objects.create(queued_at=NOW, requested_by=author).pk,
        "observations": Observation.objects.create(
            key=uuid.uuid4(),
            stream="cyclonedx:scan",
            application=application,
            requested="x",
            confidence=3,
            first_seen_at=NOW,
            last_seen_at=NOW,
        ).pk,
        "discrepancies": Discrepancy.objects.create(
            key="shadow:1",
            kind="shadow",
            application=application,
            dependency=dependency,
            opened_at=NOW,
        ).pk,
        "reported-services": Service.objects.create(
            name="shop/claims", application=application, first_seen_at=NOW, last_seen_at=NOW
        ).pk,
        **_make_risk_template(),
        "scenario-runs": ScenarioRun.objects.create(
            scenario=scenario, ops=[], requested_by=author, queued_at=NOW
        ).pk,
        "scenarios": scenario.pk,
        "selections": Selection.objects.create(title="Bet", created_by=author).pk,
        "snapshots": snapshot.pk,
    }


# the form of keys that are no single number
OTHER_KEYS = {
    "bom": "00000000-0000-4000-8000-000000000000",
    "inherited-risks": "1-1",
    "changes": "00000000-0000-4000-8000-000000000000",
}


def _make_billed_cost(application, document):
    observation = Observation.objects.create(
        key=uuid.uuid4(),
        stream="focus",
        application=application,
        requested="x",
        confidence=3,
        first_seen_at=NOW,
        last_seen_at=NOW,
    )
    return BilledCost.objects.create(
        observation=observation,
        import_record=document,
        scope=uuid.uuid4(),
        day=day_of(NOW),
        category="Usage",
        currency="USD",
        billed=1,
        effective=1,
        n_rows=1,
    ).pk


def _make_ticket(issue: Issue, author: User) -> dict[str, int]:
    connection = TicketConnection.objects.create(
        kind="cloud",
        name="Jira",
        base_url="https://example.atlassian.net",
        account="registry@example.org",
        project="MODELS",
        team=issue.team,
        enabled=True,
    )
    ticket = Ticket.objects.create(
        connection=connection,
        issue=issue,
        summary="Migrate",
        requested_by=author,
        requested_at=NOW,
        state="linked",
        key="MODELS-1",
        jira_id="1",
    )
    return {"ticket-connections": connection.pk, "tickets": ticket.pk}


def _make_cloud_account() -> dict[str, int]:
    account = CloudAccount.objects.create(kind="mistral", name="Models of the team")
    pull = CloudPull.objects.create(account=account, queued_at=NOW, state="done")
    deployment = AccountDeployment.objects.create(
        account=account,
        kind="custom_model",
        scope="models",
        external_id="ft:1",
        name="ft:1",
        first_seen_at=NOW,
        last_seen_at=NOW,
    )
    return {
        "account-deployments": deployment.pk,
        "cloud-accounts": account.pk,
        "cloud-pulls": pull.pk,
    }


def _make_product(offering: Offering) -> dict[str, Any]:
    source = {"source_url": "https://example.org/helper", "source_on": day_of(NOW)}
    product = Product.objects.create(slug="helper", name="Helper", vendor=offering.host, **source)
    model = ProductModel.objects.create(product=product, name="One", **source)
    return {"products": product.pk, "product-models": model.pk}


def _make_regions(offering: Offering) -> dict[str, Any]:
    region = Region.objects.create(host=offering.host, name="eu-1")
    link = OfferingRegion.objects.create(offering=offering, region=region)
    return {"regions": region.pk, "offering-regions": link.pk}


def _make_risk_template() -> dict[str, Any]:
    template = RiskTemplate.objects.create(code="FR-XX", title="T", layer="serving")
    taxonomy = Taxonomy.objects.create(slug="tax", name="Taxonomy")
    entry = TaxonomyEntry.objects.create(taxonomy=taxonomy, code="T-1", name="Entry")
    return {
        "risk-templates": template.pk,
        "risk-modifiers": Modifier.objects.create(
            template=template, adaptation="prompt", likelihood=1, rationale="Fixed."
        ).pk,
        "risk-mappings": TemplateMapping.objects.create(
            template=template, entry=entry, predicate="closeMatch", author="gus"
        ).pk,
    }

"""Builders of rows, in the order of the layers: each makes one valid row, takes what matters, and
invents the rest.

Worlds of several rows are made of them in tests/worlds/.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.accounts.models import Membership, PersonState, Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    Assertion,
    Derivation,
    Foundation,
    Incident,
    Node,
    NodeKind,
    Offering,
    OfferingKind,
    Price,
    Provider,
    ProviderEvent,
    SettledClaims,
    Source,
    Version,
)
from apps.common.time import day_of, now, start_of
from apps.exposure.models import (
    Campaign,
    CampaignTask,
    ExposureFlag,
    FlagEvent,
    Policy,
    StandingState,
)
from apps.inventory.governance.use_cases.submissions import submit_use_case
from apps.inventory.models import (
    Adaptation,
    Application,
    Approval,
    Criticality,
    Dependency,
    ExitPlan,
    ExitTest,
    ProposedUseCase,
    UseCaseLink,
)
from apps.issues.models import Cause, ChangedApplication, Issue
from apps.risks.models import Assessment, Evidence, FoundationRisk, Modifier, RiskTemplate
from tests.made_footing import add_footing

# behind a letter in names of models: a number of four digits alone would be read as a release
_n = count(1)
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


# ---------------------------------------------------------------- accounts


def make_user(username: str = "", *, role: str = "", **fields: Any) -> User:
    """Make a user with the password `password`; `role` is an organisation role."""
    username = username or f"user{next(_n)}"
    fields.setdefault("email", f"{username}@example.org")
    return User.objects.create_user(username, password="password", organisation_role=role, **fields)


def make_contact(email: str = "", **fields: Any) -> User:
    """Make a contact, who has no access."""
    email = email or f"contact{next(_n)}@example.org"
    return User.objects.create_user(
        email, email=email, is_active=False, state=PersonState.CONTACT, **fields
    )


def make_team(name: str = "", *, parent: Team | None = None, **fields: Any) -> Team:
    name = name or f"Team {next(_n)}"
    fields.setdefault("email", f"{name.lower().replace(' ', '-')}@example.org")
    fields.setdefault("slug", f"team-{next(_n)}")
    return Team.objects.create(name=name, parent=parent, **fields)


def make_member(team: Team, role: TeamRole = TeamRole.EDITOR, user: User | None = None) -> User:
    user = user or make_user()
    Membership.objects.create(user=user, team=team, role=role.rank)
    user.forget_team_roles()
    return user


# ---------------------------------------------------------------- catalogue


def make_provider(slug: str = "", *, roles: tuple[str, ...] = ("host",), **fields: Any) -> Provider:
    slug = slug or f"provider-{next(_n)}"
    fields.setdefault("name", slug.replace("-", " ").title())
    provider, _ = Provider.objects.get_or_create(
        slug=slug, defaults={"roles": list(roles), **fields}
    )
    return provider


def make_foundation(
    line: str = "", *, developer: Provider | None = None, **fields: Any
) -> Foundation:
    line = line or f"maker/model-n{next(_n)}"
    maker, name = line.split("/", 1)
    developer = developer or make_provider(maker, roles=("developer",))
    fields.setdefault("name", name)
    return Foundation.objects.create(
        developer=developer, line=line, slug=line.replace("/", "-").replace(".", "-"), **fields
    )


def make_version(
    identifier: str = "", *, foundation: Foundation | None = None, **fields: Any
) -> Version:
    identifier = identifier or f"maker/model-n{next(_n)}-20250101"
    foundation = foundation or make_foundation(f"{identifier}-line")
    fields.setdefault("name", identifier.split("/", 1)[1])
    return Version.objects.create(foundation=foundation, identifier=identifier, **fields)


@transaction.atomic
def make_offering(
    api_id: str = "", *, host: Provider | None = None, version: Version | None = None, **fields: Any
) -> Offering:
    """Make an offering with its footing; pass `version=None, resolved=False` for an unresolved
    one."""
    resolved = fields.pop("resolved", True)
    if resolved and version is None:
        version = make_version()
    offering = Offering.objects.create(
        host=host or make_provider(roles=("host",)),
        api_id=api_id or f"model-n{next(_n)}",
        version=version,
        **fields,
    )
    is_added = offering.kind == OfferingKind.MODEL_ID and add_footing(
        offering.pk, day=day_of(now())
    )
    if not is_added:
        refresh_footing([offering.pk])
    return offering


def make_price(
    offering: Offering,
    unit: str = "input",
    amount: str = "1",
    *,
    above: int = 0,
    currency: str = "USD",
    since: date = date(2025, 1, 1),
    until: date | None = None,
) -> Price:
    return Price.objects.create(
        offering=offering,
        unit=unit,
        above_tokens=above,
        amount=Decimal(amount),
        currency=currency,
        valid=DateTimeTZRange(start_of(since), start_of(until) if until else None, "[)"),
    )


def make_derivation(
    child: Version, parent: Version, kind: str = "fine_tune", **fields: Any
) -> Derivation:
    return Derivation.objects.create(child=child, parent=parent, kind=kind, **fields)


def make_source(slug: str = "litellm", **fields: Any) -> Source:
    fields.setdefault("name", slug)
    fields.setdefault("kind", slug)
    source, _ = Source.objects.get_or_create(slug=slug, defaults=fields)
    return source


def make_incident(host: Provider, **fields: Any) -> Incident:
    """A critical incident of the host that began an hour before NOW and is ongoing."""
    source = (
        fields.pop("source", None)
        or Source.objects.get_or_create(
            slug=f"status-{host.slug}",
            defaults={"name": f"Status of {host.name}", "kind": Source.STATUS, "host": host},
        )[0]
    )
    facts: dict[str, Any] = {
        "external_id": f"inc-{next(_n)}",
        "title": "Elevated errors",
        "status": "investigating",
        "impact": "critical",
        "started_at": NOW - timedelta(hours=1),
        "first_seen": NOW - timedelta(minutes=50),
        "changed_at": NOW - timedelta(minutes=50),
        **fields,
    }
    facts.setdefault("highest_impact", facts["impact"])
    facts.setdefault("last_update_at", facts["started_at"])
    if facts.get("ended_at"):
        facts.setdefault("end_reason", "resolved")
    return Incident.objects.create(source=source, host=host, **facts)


def make_claim(source: Source, external_id: str, **fields: Any) -> Assertion:
    """Make a claim of a source about its row `external_id`, by default about the lifecycle and
    first seen at NOW."""
    fields.setdefault("topic", "lifecycle")
    fields.setdefault("first_seen", NOW)
    fields.setdefault("changed_at", NOW)
    return Assertion.objects.create(source=source, external_id=external_id, **fields)


def make_data_terms(offering: Offering, **values: Any) -> SettledClaims:
    """What applies of the data terms of an offering, such as `training_use=True`."""
    facts = {
        field: {"value": value, "source": "Terms of the host", "at": "2026-05-01", "agreed": 1}
        for field, value in values.items()
    }
    settled, _ = SettledClaims.objects.update_or_create(
        offering=offering, topic="data_terms", defaults={"values": facts, "changed_at": NOW}
    )
    return settled


def make_event(offering: Offering, kind: str = "announced", **fields: Any) -> ProviderEvent:
    fields.setdefault("source", make_source())
    fields.setdefault("key", f"key-{next(_n)}")
    fields.setdefault("external_id", offering.api_id)
    fields.setdefault("detected_at", NOW)
    fields.setdefault("new", "2027-01-15")
    fields.setdefault("effective_on", date(2027, 1, 15))
    return ProviderEvent.objects.create(offering=offering, kind=kind, **fields)


def add_evidence(event: ProviderEvent, url: str, *, at: datetime = NOW) -> Assertion:
    """Make the claim of a source at `url` from which the event was read."""
    claim = make_claim(
        make_source(),
        f"row-{event.pk}",
        offering=event.offering,
        first_seen=at,
        changed_at=at,
        source_url=url,
    )
    event.evidence.add(claim)
    return claim


def make_node(kind: NodeKind, thing: Any) -> Node:
    """Return the node of an offering, provider or the like, which may exist."""
    return Node.objects.get_or_create(kind=kind, ref=thing.pk)[0]


# ---------------------------------------------------------------- inventory


def make_application(name: str = "", *, team: Team | None = None, **fields: Any) -> Application:
    name = name or f"Application {next(_n)}"
    fields.setdefault("criticality", Criticality.STANDARD)
    return Application.objects.create(
        name=name, slug=f"application-{next(_n)}", team=team or make_team(), **fields
    )


def make_dependency(
    application: Application, offering: Offering, role: str = "primary", **fields: Any
) -> Dependency:
    fields.setdefault("since", date(2025, 1, 1))
    return Dependency.objects.create(
        application=application, offering=offering, role=role, **fields
    )


def make_adaptation(dependency: Dependency, kind: str, **fields: Any) -> Adaptation:
    return Adaptation.objects.create(dependency=dependency, kind=kind, **fields)


def make_exit_plan(dependency: Dependency, **fields: Any) -> ExitPlan:
    return ExitPlan.objects.create(dependency=dependency, **fields)


def make_exit_test(dependency: Dependency, target: Offering, **fields: Any) -> ExitTest:
    """Make a test of a way out, by default one that passed on TODAY."""
    fields.setdefault("tested_on", TODAY)
    fields.setdefault("result", "passed")
    return ExitTest.objects.create(dependency=dependency, target=target, **fields)


def make_approval(decision: str = "approved", **fields: Any) -> Approval:
    """Make an approval of `provider`, `foundation`, `version` or `offering`, decided ten days ago,
    by default for a year."""
    fields.setdefault("decided_on", TODAY - timedelta(days=10))
    fields.setdefault("reason", "Decided by the review board")
    if decision != "blocked":
        fields.setdefault("expires_on", TODAY + timedelta(days=365))
    if "approver" not in fields:
        fields["approver"] = make_user(role="governance")
    return Approval.objects.create(decision=decision, **fields)


# ---------------------------------------------------------------- exposure


ALL_STATES = [state.value for state in StandingState]


def make_policy(slug: str = "line", **fields: Any) -> Policy:
    """Make a policy that by default tolerates half of the critical applications on one host, in
    whatever state."""
    fields.setdefault("name", slug.replace("-", " ").capitalize())
    if "predicate" not in fields:
        fields.setdefault("kinds", ["host"])
        fields.setdefault("states", ALL_STATES)
    fields.setdefault("measure", Policy.Measure.CRITICAL_SHARE)
    fields.setdefault("tolerance", "0.5")
    policy = Policy.objects.create(slug=slug, **fields)
    policy.refresh_from_db()
    return policy


def make_flag(
    name: str = "Google", *, events: tuple[str, ...] = ("opened",), **fields: Any
) -> ExposureFlag:
    """Make a flag of 62 % of the critical applications on one developer, where half is tolerated.

    `events` are the turns in its life so far.
    """
    policy = (
        fields.pop("policy", None)
        or Policy.objects.get_or_create(
            slug="line",
            defaults={
                "name": "Critical applications on one developer",
                "kinds": ["developer"],
                "states": StandingState.values,
                "measure": "critical_share",
                "tolerance": "0.5",
            },
        )[0]
    )
    if "node" not in fields:
        developer = make_provider(name.lower(), roles=("developer",), name=name)
        fields["node"], _ = Node.objects.get_or_create(kind=NodeKind.DEVELOPER, ref=developer.pk)
    fields.setdefault("value", Decimal("0.62"))
    fields.setdefault("limit", Decimal("0.5"))
    fields.setdefault("n_applications", len(fields.get("application_ids", [])))
    flag = ExposureFlag.objects.create(policy=policy, opened_at=NOW, **fields)
    for kind in events:
        make_flag_event(flag, kind)
    return flag


def make_campaign(subject: Offering, **fields: Any) -> Campaign:
    fields.setdefault("title", f"Replace {subject.api_id}")
    fields.setdefault("opened_at", NOW)
    if "opened_by" not in fields:
        fields["opened_by"] = make_user(role="governance")
    return Campaign.objects.create(subject=subject, **fields)


def make_task(campaign: Campaign, dependency: Dependency, **fields: Any) -> CampaignTask:
    return CampaignTask.objects.create(campaign=campaign, dependency=dependency, **fields)


def make_flag_event(
    flag: ExposureFlag, kind: str, *, at: datetime = NOW, **fields: Any
) -> FlagEvent:
    """Make a turn in the life of a flag, by default with the flag's value."""
    fields.setdefault("value", flag.value)
    return FlagEvent.objects.create(flag=flag, kind=kind, at=at, **fields)


# ---------------------------------------------------------------- risks


def make_template(code: str = "", **fields: Any) -> RiskTemplate:
    code = code or f"OWN-{next(_n)}"
    fields.setdefault("title", f"Risk {code}")
    fields.setdefault("layer", "weights")
    return RiskTemplate.objects.create(code=code, **fields)


def make_modifier(
    template: RiskTemplate, adaptation: str, likelihood: int = 0, impact: int = 0
) -> Modifier:
    return Modifier.objects.create(
        template=template,
        adaptation=adaptation,
        likelihood=likelihood,
        impact=impact,
        rationale=f"{adaptation} does that",
    )


def make_use_case_link(**fields: Any) -> UseCaseLink:
    fields.setdefault("name", f"Department {next(_n)}")
    fields.setdefault("expires_on", day_of(now()) + timedelta(days=30))
    fields.setdefault("created_at", NOW)
    if "created_by" not in fields:
        fields["created_by"] = make_user(role="governance")
    return UseCaseLink.objects.create(**fields)


def use_case_answers(**answers: Any) -> dict[str, Any]:
    """Return answers about a use case of the low tier."""
    return {
        "name": "Answers about claims",
        "purpose": "Drafts answers to questions of colleagues.",
        "starts_on": None,
        "requests_per_month": 2000,
        "users_affected": 30,
        "affects_public": False,
        "decisions_about_people": "none",
        "ai_act_area": "none",
        "prohibited_practice": False,
        "interacts_with_people": True,
        "autonomy": "assists",
        "data_classification": "internal",
        "personal_data": False,
        "geography": "CH",
        "model_text": "",
        "vendor_text": "",
        "model_access": "api",
        "ai_act_role": "deployer",
        "business_owner": "Ilse Brandt",
        "proposer_name": "Nora Meier",
        "proposer_email": "nora@example.org",
        **answers,
    }


def make_use_case(link: UseCaseLink | None = None, **answers: Any) -> ProposedUseCase:
    """Propose a use case as the form does."""
    at = answers.pop("at", NOW)
    return submit_use_case(
        link=link or make_use_case_link(),
        answers=use_case_answers(**answers),
        form_key=uuid4(),
        at=at,
    )


def make_risk(
    on: Node,
    template: RiskTemplate | None = None,
    *,
    likelihood: int = 4,
    impact: int = 4,
    **fields: Any,
) -> FoundationRisk:
    fields.setdefault("title", "" if template else f"Own risk {next(_n)}")
    fields.setdefault("opened_at", NOW)
    fields.setdefault("changed_at", fields["opened_at"])
    return FoundationRisk.objects.create(
        node=on, template=template, likelihood=likelihood, impact=impact, **fields
    )


def make_assessment(risk: FoundationRisk, dependency: Dependency, **fields: Any) -> Assessment:
    fields.setdefault("assessed_by", make_user())
    fields.setdefault("assessed_at", NOW)
    fields.setdefault("inherent_likelihood", risk.likelihood)
    fields.setdefault("inherent_impact", risk.impact)
    return Assessment.objects.create(risk=risk, dependency=dependency, **fields)


def make_evidence(**fields: Any) -> Evidence:
    fields.setdefault("kind", "own_evaluation")
    fields.setdefault("run_on", TODAY)
    fields.setdefault("recorded_at", NOW)
    return Evidence.objects.create(**fields)


# ---------------------------------------------------------------- issues


def make_issue(
    application: Application | None, kind: str = "retirement", *, subject: str = "", **fields: Any
) -> Issue:
    """Make an issue of a new cause, due in 60 days; without an application one of the
    organisation. No fact stands behind it: an evaluation resolves it, so that its application is
    taken from the queue."""
    due_on = fields.setdefault("due_on", TODAY + timedelta(days=60))
    cause = fields.pop("cause", None) or Cause.objects.create(
        kind=kind, subject=subject or f"version:{next(_n)}", due_on=due_on, opened_at=NOW
    )
    if application is not None:
        fields.setdefault("team", application.team)
        fields.setdefault("criticality", application.criticality)
        ChangedApplication.objects.filter(application_id=application.pk).delete()
    fields.setdefault("act_by", due_on or TODAY)
    fields.setdefault("opened_at", NOW)
    return Issue.objects.create(cause=cause, application=application, **fields)

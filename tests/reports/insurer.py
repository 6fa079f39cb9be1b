"""Two small organisations whose reports can be worked out by hand.

Their day is the builders' own. Tests whose requests read the clock themselves pass
`on=day_of(now())`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.catalog.models import Provider
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import (
    Application,
    Contract,
    Criticality,
    Dependency,
)
from apps.reports.models import ReportingEntity
from tests.builders import (
    TODAY,
    make_adaptation,
    make_application,
    make_dependency,
    make_exit_plan,
    make_exit_test,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)

LEI = "5299000000000000000"


def lei(n: int) -> str:
    return f"{LEI[:18]}{n:02d}"


@dataclass
class Insurer:
    """Claims triage (critical, F1) stands on Sonnet at Bedrock under contract AWS-1, with a tested
    way out to Azure that took 20 days; Mail drafter (standard, no function) calls Mistral directly,
    without contract."""

    governance: User
    editor: User
    outsider: User
    claims: Team
    legal: Team
    triage: Application
    drafter: Application
    amazon: Provider
    bedrock: Provider
    anthropic: Provider
    mistral: Provider
    contract: Contract
    primary: Dependency


def make_insurer(*, on: date = TODAY) -> Insurer:
    ReportingEntity.objects.create(pk=1, name="Calder", lei=lei(1), country="DE")
    claims, legal = make_team("Claims"), make_team("Legal")
    amazon = make_provider(
        "amazon", name="Amazon", country="US", lei=lei(2), legal_name="Amazon", person_type="legal"
    )
    bedrock = make_provider(
        "bedrock",
        name="Bedrock",
        parent=amazon,
        country="LU",
        lei=lei(3),
        legal_name="AWS EMEA",
        person_type="legal",
    )
    anthropic = make_provider(
        "anthropic", roles=("developer", "host"), name="Anthropic", country="US"
    )
    azure = make_provider("azure", name="Azure", country="US", lei=lei(5))
    openai = make_provider("openai", roles=("developer",), name="OpenAI", country="US", lei=lei(6))
    mistral = make_provider("mistral", roles=("developer", "host"), name="Mistral", country="FR")
    sonnet = make_version(
        "anthropic/sonnet-1",
        foundation=make_foundation("anthropic/sonnet", developer=anthropic, name="Sonnet"),
    )
    gpt = make_version(
        "openai/gpt-1", foundation=make_foundation("openai/gpt", developer=openai, name="GPT")
    )
    large = make_version(
        "mistral/large-1",
        foundation=make_foundation("mistral/large", developer=mistral, name="Large"),
    )
    at_bedrock = make_offering("sonnet", host=bedrock, version=sonnet, lifecycle="active")
    at_azure = make_offering("gpt", host=azure, version=gpt, lifecycle="active")
    at_mistral = make_offering("large", host=mistral, version=large, lifecycle="active")
    triage = make_application(
        "Claims triage",
        team=claims,
        criticality=Criticality.CRITICAL,
        business_function="Claims",
        function_ref="F1",
        licensed_activity="Liability insurance",
        criticality_reason="Claims stand still",
        criticality_assessed_on=date(2026, 3, 1),
        rto_hours=4,
        rpo_hours=24,
        impact_of_discontinuing="high",
        data_classification="confidential",
        purpose="Sorts claims",
        users_affected=620,
    )
    drafter = make_application("Mail drafter", team=legal, criticality=Criticality.STANDARD)
    primary = make_dependency(triage, at_bedrock, monthly_spend=Decimal(1000))
    make_dependency(triage, at_azure, "fallback", fallback_order=1, monthly_spend=Decimal(50))
    make_dependency(drafter, at_mistral)
    make_exit_plan(primary, target=at_azure, reintegration="difficult", estimated_days=30)
    make_exit_test(primary, at_azure, tested_on=on - timedelta(30), effort_days=20)
    make_adaptation(primary, "prompt", name="Triage prompt", artefact_ref="git: triage")
    contract = Contract.objects.create(
        party=bedrock,
        ref="AWS-1",
        ict_service_type="S19",
        starts_on=date(2025, 1, 1),
        currency="USD",
        notice_days_ours=30,
        notice_days_theirs=90,
        governing_law="LU",
        provision_country="LU",
        stores_data="yes",
        data_country="DE",
        processing_country="DE",
        last_audit_on=date(2026, 5, 4),
    )
    refresh(on=on)
    return Insurer(
        governance=make_user("maren", role=OrganisationRole.GOVERNANCE),
        editor=make_member(claims, TeamRole.EDITOR, make_user("ilse")),
        outsider=make_user("stranger"),
        claims=claims,
        legal=legal,
        triage=triage,
        drafter=drafter,
        amazon=amazon,
        bedrock=bedrock,
        anthropic=anthropic,
        mistral=mistral,
        contract=contract,
        primary=primary,
    )


def more_applications(insurer: Insurer, n: int) -> None:
    """Further applications like Claims triage, each with a function of its own."""
    offering = insurer.primary.offering
    for number in range(n):
        application = make_application(
            f"Further {number}",
            team=insurer.claims,
            criticality=Criticality.IMPORTANT,
            function_ref=f"F{number + 100}",
            data_classification="internal",
        )
        dependency = make_dependency(application, offering)
        make_adaptation(dependency, "prompt", name="Prompt")
    refresh(on=TODAY)


def valid_lei(n: int) -> str:
    """Return an LEI with valid check digits (ISO 7064 MOD 97-10)."""
    body = f"{LEI[:16]}{n:02d}"
    return f"{body}{98 - int(body + '00') % 97:02d}"


def give_valid_leis() -> None:
    """Give the reporting entity and each provider an LEI with valid check digits."""
    for n, owner in enumerate(
        (ReportingEntity.objects.get(), *Provider.objects.order_by("pk")), start=1
    ):
        owner.lei = valid_lei(n)
        owner.save()


def complete_register(insurer: Insurer) -> None:
    """Enter what the filed register of the insurer lacks: contracts with all hosts, a function
    identifier, and codes of licensed activities."""
    for slug in ("azure", "mistral"):
        Contract.objects.create(
            party=Provider.objects.get(slug=slug),
            ref=slug.upper(),
            ict_service_type="S19",
            starts_on=date(2025, 1, 1),
            currency="USD",
            provision_country="IE",
            stores_data="no",
            processing_country="IE",
        )
    Application.objects.filter(pk=insurer.drafter.pk).update(function_ref="F2")
    Application.objects.update(licensed_activity="Lending activities (eba_TA:x163)")

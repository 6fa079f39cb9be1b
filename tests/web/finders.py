"""For every page with arguments in its address one object of the demo that it can show."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.accounts.models import Team, User
from apps.accounts.sign_in.email_change import link_of
from apps.alerts.delivery import links
from apps.alerts.models import Alert, Channel, Delivery, Subscription, Webhook
from apps.catalog.claims.disagreements import disagreements
from apps.catalog.models import (
    Foundation,
    Incident,
    NodeKind,
    Offering,
    OfferingKind,
    Product,
    Provider,
    ProviderEvent,
    RetirementAnnouncement,
    Version,
)
from apps.common.time import day_of, now
from apps.exposure.actions.scenarios import queue_scenario_run, run_queued, save_scenario
from apps.exposure.models import (
    BaseLoss,
    Campaign,
    CampaignTask,
    EventRate,
    ExposureFlag,
    LossRun,
    Policy,
    Scenario,
    ScenarioRun,
)
from apps.feeds.models import FeedRun, ReceivedNotice
from apps.gate.models import GateRun, Waiver
from apps.intake.models import CloudAccount, Import, ImportRow, Service
from apps.inventory.governance.use_cases.links import answer_token, link_token
from apps.inventory.models import (
    Adaptation,
    Application,
    Approval,
    Contract,
    Dependency,
    ExitPlan,
    ExitTest,
    ListExport,
    ProposedUseCase,
    Selection,
    UseCaseLink,
    UseCaseQuestion,
)
from apps.issues.models import Issue, TicketConnection
from apps.reports.models import EvidencePack
from apps.risks.models import Assessment, Evidence, FoundationRisk, RiskTemplate

type Found = dict[str, Any]
type Finder = Callable[[User], Found]


class NothingFound(Exception):
    """A page has no object that could be shown; the demo or tests/worlds/organisation_extras.py
    should hold one."""


def _first(rows: QuerySet[Any], **named: str) -> Found:
    """The first of `rows` as arguments of a route: {argument: attribute}; its pk where none is
    named."""
    row = rows.first()
    if row is None:
        raise NothingFound(f"no {rows.model.__name__} to show")
    return {
        argument: getattr(row, attribute) for argument, attribute in (named or {"pk": "pk"}).items()
    }


def _ordered(rows: Any) -> QuerySet[Any]:
    ordered: QuerySet[Any] = rows.order_by("pk")
    return ordered


# ------------------------------------------------ the register


def _applications(user: User) -> QuerySet[Application]:
    """Those with most on them first."""
    return (
        Application.objects.visible_to(user).annotate(n=Count("dependencies")).order_by("-n", "pk")
    )


def _application(user: User) -> Found:
    """One whose model ends, so that its runway is drawn too, where there is one."""
    ending = Dependency.objects.filter(
        application=OuterRef("pk"),
        role="primary",
        until=None,
        offering__retires_on__gte=day_of(now()),
    )
    found = (
        _applications(user).exclude(status=Application.Status.RETIRED).annotate(ends=Exists(ending))
    )
    return _first(found.order_by("-ends", "-n", "pk"), slug="slug")


def _retired(user: User) -> Found:
    return _first(_applications(user).filter(status=Application.Status.RETIRED), slug="slug")


def _live() -> Q:
    return Q(until=None, application__status="production")


def _dependency(user: User) -> Found:
    return _first(_ordered(Dependency.objects.visible_to(user).filter(_live(), role="primary")))


def _replacement_run(user: User) -> Found:
    """The run of a scenario that replaces a host, which is made if there is none: the demo has no
    such scenario."""
    runs = ScenarioRun.objects.visible_to(user).filter(
        state="done", ops__contains=[{"op": "replace", "node": "host:azure"}]
    )
    if not runs.exists():
        ops = [{"op": "replace", "node": "host:azure", "by": "host:openai"}]
        scenario = save_scenario(facts={"name": "Azure by OpenAI", "ops": ops}, by=user)
        queue_scenario_run(scenario=scenario, at=now(), by=user)
        run_queued(at=now())
    return _first(_ordered(runs))


def _ending(user: User) -> Found:
    """One whose last day is known; it can be taken back."""
    return _first(
        _ordered(
            Dependency.objects.visible_to(user).filter(until__gt=day_of(now()) - timedelta(365))
        )
    )


def _planned(user: User) -> Found:
    return _first(
        _ordered(ExitPlan.objects.visible_to(user).filter(dependency__until=None)),
        pk="dependency_id",
    )


def _offering(user: User) -> Found:
    """One that ends and that something stands on."""
    rows = Offering.objects.visible_to(user).annotate(n=Count("dependencies"))
    return _first(rows.filter(retires_on__isnull=False, n__gt=0).order_by("-n", "pk"))


def _name(user: User) -> Found:
    """A name whose model ID is not known."""
    return _first(Offering.objects.visible_to(user).filter(kind=OfferingKind.NAME).order_by("pk"))


def _foundations() -> QuerySet[Foundation]:
    return Foundation.objects.annotate(n=Count("versions__offerings__dependencies")).order_by(
        "-n", "pk"
    )


def _products() -> QuerySet[Product]:
    """Products, those with the most models first."""
    return Product.objects.annotate(n=Count("models")).order_by("-n", "pk")


def _version(user: User) -> Found:
    return _first(Version.objects.annotate(n=Count("offerings__dependencies")).order_by("-n", "pk"))


def _provider(user: User) -> Found:
    rows = Provider.objects.annotate(n=Count("offerings__dependencies")).order_by("-n", "pk")
    return _first(rows, slug="slug")


def _node(user: User) -> Found:
    """The foundation that most stands on."""
    foundation = _foundations().first()
    if foundation is None:
        raise NothingFound("no foundation to show")
    return {"kind": NodeKind.FOUNDATION.label, "ref": foundation.pk}


# ------------------------------------------------ news and mail


def _disagreement(user: User) -> Found:
    found = next(iter(disagreements(at=now())), None)
    if found is None:
        raise NothingFound("no disagreement to show")
    return {"pk": found.offering.pk}


def _mail() -> Delivery:
    mail = Delivery.objects.filter(user__isnull=False).order_by("pk").last()
    if mail is None:
        raise NothingFound("no mail to a person")
    return mail


def _form_link(user: User) -> Found:
    link = UseCaseLink.objects.filter(revoked_at=None).order_by("pk").first()
    if link is None:
        raise NothingFound("no link to the form")
    return {"token": link_token(link)}


def _open_question(user: User) -> Found:
    question = UseCaseQuestion.objects.open().order_by("pk").first()
    if question is None:
        raise NothingFound("no question that waits")
    return {"token": answer_token(question)}


def _unsubscribe(user: User) -> Found:
    address = links.unsubscribe_address_of_user(user_id=_mail().user_id)
    return {"token": address.partition("/unsubscribe/")[2].strip("/")}


# ------------------------------------------------ all of them, by the name of the route

FINDERS: dict[str, Finder] = {
    "adaptations:create": _dependency,
    "alerts:detail": lambda user: _first(
        Alert.objects.visible_to(user).waiting().order_by("-severity", "pk")
    ),
    "alerts:respond-by-link": lambda user: {"token": links.answer_token(_mail())},
    "applications:detail": _application,
    "applications:history": _application,
    "approvals:detail": lambda user: _first(_ordered(Approval.objects)),
    "loss-assumptions:base-loss": lambda user: _first(_ordered(BaseLoss.objects), kind="kind"),
    "applications:reactivate": _retired,
    "received-notices:detail": lambda user: _first(
        _ordered(ReceivedNotice.objects.visible_to(user))
    ),
    "retirements:detail": lambda user: _first(
        _ordered(RetirementAnnouncement.objects.visible_to(user))
    ),
    "campaigns:detail": lambda user: _first(_ordered(Campaign.objects.visible_to(user))),
    "campaigns:plan": lambda user: _first(_ordered(Campaign.objects.visible_to(user))),
    "campaigns:table": lambda user: _first(_ordered(Campaign.objects.visible_to(user))),
    "campaign-tasks:detail": lambda user: _first(_ordered(CampaignTask.objects.visible_to(user))),
    "adaptations:edit": lambda user: _first(_ordered(Adaptation.objects.visible_to(user))),
    "applications:edit": _application,
    "dependencies:edit": _dependency,
    "component-files:detail": _application,
    "account:confirm-email": lambda user: {
        "token": link_of(user, "new@example.org").rstrip("/").rpartition("/")[2]
    },
    "use-cases:detail": lambda user: _first(_ordered(ProposedUseCase.objects.visible_to(user))),
    "use-cases:exposure": lambda user: _first(_ordered(ProposedUseCase.objects.visible_to(user))),
    "use-cases:accept": lambda user: _first(
        _ordered(ProposedUseCase.objects.visible_to(user).undecided())
    ),
    "use-case-form:propose": _form_link,
    "use-case-form:answer": _open_question,
    "cloud-accounts:create": lambda user: {"kind": "azure"},
    "cloud-accounts:detail": lambda user: _first(_ordered(CloudAccount.objects.visible_to(user))),
    "cloud-accounts:edit": lambda user: _first(_ordered(CloudAccount.objects.visible_to(user))),
    "tickets:create-for-issue": lambda user: _first(
        Issue.objects.visible_to(user).unresolved().order_by("act_by", "pk")
    ),
    "tickets:create-for-task": lambda user: _first(_ordered(CampaignTask.objects.visible_to(user))),
    "tickets:create-for-campaign": lambda user: _first(_ordered(Campaign.objects.visible_to(user))),
    "ticket-connections:detail": lambda user: _first(
        _ordered(TicketConnection.objects.visible_to(user))
    ),
    "ticket-connections:edit": lambda user: _first(
        _ordered(TicketConnection.objects.visible_to(user))
    ),
    "contracts:detail": lambda user: _first(_ordered(Contract.objects.visible_to(user))),
    "contracts:edit": lambda user: _first(_ordered(Contract.objects.visible_to(user))),
    "exit-tests:edit": lambda user: _first(_ordered(ExitTest.objects.visible_to(user))),
    "unresolved-models:decide": lambda user: _first(
        _ordered(Offering.objects.visible_to(user).filter(version=None))
    ),
    "dependencies:create": _application,
    "issues:detail": lambda user: _first(
        Issue.objects.visible_to(user).unresolved().order_by("act_by", "pk")
    ),
    "deliveries:detail": lambda user: _first(_ordered(Delivery.objects.visible_to(user))),
    "disagreements:detail": _disagreement,
    "documents:detail": lambda user: _first(
        _foundations().filter(annex_items__isnull=False), slug="slug"
    ),
    "feeds:edit": lambda user: {"slug": "litellm"},
    "dependencies:end": _dependency,
    "dependencies:requirements": _dependency,
    "dependencies:successor": _dependency,
    "incidents:detail": lambda user: _first(_ordered(Incident.objects)),
    "events:detail": lambda user: _first(_ordered(ProviderEvent.objects)),
    "evidence:detail": lambda user: _first(_ordered(Evidence.objects.visible_to(user))),
    "exit-plans:edit": _planned,
    "exposure:blast-radius": _node,
    "exposure:blast-radius-teams": _node,
    "feeds:detail": lambda user: {"slug": "litellm"},
    "feed-runs:detail": lambda user: _first(FeedRun.objects.order_by("-pk")),
    "exposure-flags:detail": lambda user: _first(_ordered(ExposureFlag.objects)),
    "foundations:detail": lambda user: _first(_foundations(), slug="slug"),
    "foundation-risks:detail": lambda user: _first(_ordered(FoundationRisk.objects)),
    "gate:application": _application,
    # "block" comes first; where the catalogue is too old to decide anything, there is only
    # "unknown"
    "gate-runs:detail": lambda user: _first(
        GateRun.objects.visible_to(user).order_by("decision", "pk")
    ),
    "gate-runs:findings": lambda user: _first(
        GateRun.objects.visible_to(user).order_by("decision", "pk")
    ),
    "waivers:detail": lambda user: _first(_ordered(Waiver.objects.visible_to(user).waiting())),
    "feeds:on-hold": lambda user: {"slug": "litellm"},
    "imports:detail": lambda user: _first(
        _ordered(Import.objects.visible_to(user).filter(state=Import.State.READ))
    ),
    "reported-services:detail": lambda user: _first(
        _ordered(Service.objects.visible_to(user).unclaimed())
    ),
    "imports:values": lambda user: _first(
        _ordered(Import.objects.visible_to(user).filter(state=Import.State.READ, by=user))
    ),
    "imports:edit-row": lambda user: _first(
        ImportRow.objects.filter(
            import_record__state=Import.State.READ, import_record__by=user
        ).order_by("pk"),
        pk="import_record_id",
        position="position",
    ),
    "imports:columns": lambda user: _first(
        _ordered(Import.objects.visible_to(user).filter(state=Import.State.RECEIVED))
    ),
    "inherited-risks:detail": lambda user: _first(
        _ordered(Assessment.objects.visible_to(user)), risk="risk_id", dependency="dependency_id"
    ),
    "loss-assumptions:event-rate": lambda user: _first(_ordered(EventRate.objects)),
    "loss-runs:detail": lambda user: _first(_ordered(LossRun.objects)),
    "applications:merge": _application,
    "reports:model-statement": _application,
    "offerings:choose-model-id": _name,
    "offerings:detail": _offering,
    "offerings:data-terms": _offering,
    "offerings:enter-capability": lambda user: {**_offering(user), "field": "vision"},
    "files:detail": lambda user: _first(_ordered(ListExport.objects.visible_to(user))),
    "evidence-packs:detail": lambda user: _first(_ordered(EvidencePack.objects.visible_to(user))),
    "users:detail": lambda user: _first(_ordered(User.objects.exclude(pk=user.pk))),
    "exposure-policies:detail": lambda user: _first(_ordered(Policy.objects), slug="slug"),
    "providers:detail": _provider,
    "providers:data-terms": _provider,
    "records:create": lambda user: {"kind": "aliases"},
    "records:edit": lambda user: {"kind": "versions", **_version(user)},
    "records:history": lambda user: {"kind": "versions", **_version(user)},
    "exit-tests:create": _planned,
    "dependencies:reopen": _ending,
    "dependencies:replace": _dependency,
    "applications:retire": _application,
    "risk-templates:detail": lambda user: _first(_ordered(RiskTemplate.objects), code="code"),
    "scenarios:detail": lambda user: _first(_ordered(Scenario.objects.visible_to(user))),
    "selections:detail": lambda user: _first(_ordered(Selection.objects)),
    "service-accounts:detail": lambda user: _first(_ordered(User.objects.services())),
    "subscriptions:edit": lambda user: _first(_ordered(Subscription.objects.visible_to(user))),
    "teams:detail": lambda user: _first(
        Team.objects.annotate(n=Count("memberships")).order_by("-n", "pk"), slug="slug"
    ),
    "notification-preferences:unsubscribe": _unsubscribe,
    "products:detail": lambda user: _first(_products(), slug="slug"),
    "versions:detail": _version,
    "channels:create": lambda user: {"service": "slack"},
    "channels:detail": lambda user: _first(_ordered(Channel.objects.visible_to(user))),
    "webhooks:detail": lambda user: _first(_ordered(Webhook.objects.visible_to(user))),
    "scenario-runs:migration": _replacement_run,
    "scenario-runs:detail": lambda user: _first(
        _ordered(ScenarioRun.objects.visible_to(user).filter(state="done"))
    ),
}

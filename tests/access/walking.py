"""Every address of the resolver, filled with the keys of things that exist, and what each kind of
caller gets there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.admin.sites import site
from django.db.models import CharField, TextField
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import Membership, SavedFilter, Team, User
from apps.alerts.delivery import links
from apps.alerts.models import Delivery, Mute
from apps.catalog.models import Assertion, Offering, Product, Source
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.exposure.models import BaseLoss, CampaignTask, Policy
from apps.gate.models import GateRun, Waiver
from apps.intake.models import Import
from apps.inventory.governance.use_cases.links import link_token
from apps.inventory.models import (
    Adaptation,
    Application,
    Dependency,
    ExitPlan,
    ExitTest,
    UseCaseLink,
)
from apps.issues.models import ChangedApplication
from apps.reports.packs.actions import request_pack
from apps.risks.models import Assessment, Evidence, RiskTemplate
from tests.access.everything import OTHER_KEYS, make_one_of_everything
from tests.builders import make_application, make_offering

# what stands in every text of the team's own records, and in no answer to a stranger
MARKER = "zqxjkvwy"
_SAID = {
    "name",
    "note",
    "notes",
    "purpose",
    "rationale",
    "reason",
    "steps",
    "summary",
    "tags",
    "title",
    "treatment",
}
CALLERS = ("admin", "governance", "auditor", "owner", "editor", "viewer", "outsider")


@dataclass(frozen=True, slots=True)
class Route:
    """One address: `key` is the name of the route, or its pattern where it has none; `path` has
    keys filled in."""

    key: str
    pattern: str
    path: str
    methods: tuple[str, ...]


@dataclass
class WalkedRows:
    people: dict[str, User]
    keys: list[tuple[str, dict[str, Any]]]
    addresses: dict[str, Any]


def make_walked_rows() -> WalkedRows:
    people, addresses = make_one_of_everything()
    # whoever may poll does so in the walk: an address that is refused at once, and no name to look
    # up
    Source.objects.update(url="http://127.0.0.1:9/")
    team = Team.objects.get(slug=addresses["teams"])
    owner, application = people["owner"], Application.objects.get(slug=addresses["applications"])
    with audit_context(user=owner, reason=f"{MARKER} reason"):
        application.purpose = f"{MARKER} purpose"
        application.save()
    change = application.history.order_by("-pgh_id").first().pgh_context_id
    _mark(team, application)
    import_ = Import.objects.create(
        kind="sheet",
        format="csv",
        file_name=f"{MARKER}.csv",
        digest="0" * 64,
        n_bytes=1,
        by=owner,
        state="received",
        received_at=now(),
    )
    pack = request_pack(
        by=owner, at=now(), since=day_of(now()) - timedelta(30), until=day_of(now())
    )
    saved = SavedFilter.objects.create(user=owner, path="/applications/", name=MARKER, query="q=x")
    membership = Membership.objects.get(user=people["viewer"], team=team)
    mail = Delivery.objects.create(
        user=owner,
        address=f"{MARKER}@example.org",
        message_id="<2@example.org>",
        subject=MARKER,
        body_text=MARKER,
        due_at=now(),
        state="failed",
    )
    assessment = Assessment.objects.get(pk=addresses["assessments"])
    run = GateRun.objects.create(
        application=application,
        digest="0" * 64,
        commit=MARKER,
        requested_at=now(),
        last_requested_at=now(),
        by=owner,
    )
    waiver = Waiver.objects.create(
        application=application,
        rule=Waiver._meta.get_field("rule").choices[0][0],
        reason=MARKER,
        until=day_of(now()) + timedelta(30),
        requested_by=owner,
        requested_at=now(),
        requested_on=day_of(now()),
    )
    addresses |= {"gate": run.pk, "gate-runs": run.pk, "gate-waivers": waiver.pk}
    merged = make_application(f"{MARKER} other", team=team)
    # else every request that changes something evaluates the issues of all that was made here
    ChangedApplication.objects.all().delete()
    keys = [
        ("settings/teams/of/", {"slug": team.slug, "pk": membership.pk}),
        ("settings/people/", {"pk": people["viewer"].pk, "action": "invite"}),
        ("settings/delegations/", {"pk": addresses["delegations"]}),
        ("settings/keys/", {"pk": addresses["tokens"]}),
        ("settings/tickets/", {"pk": addresses["ticket-connections"]}),
        ("tickets/new/issue/", {"pk": addresses["issues"]}),
        ("tickets/new/task/", {"pk": addresses["campaign-tasks"]}),
        ("tickets/new/migration/", {"pk": addresses["campaigns"]}),
        ("tickets/", {"pk": addresses["tickets"]}),
        ("integrations/jira/", {"webhook_id": OTHER_KEYS["changes"]}),
        ("settings/programs/", {"pk": addresses["service-accounts"]}),
        ("undo/", {"change": change}),
        ("data-terms/", {"change": change}),
        ("risks/undo/", {"change": change}),
        ("filters/", {"pk": saved.pk}),
        ("imports/", {"pk": import_.pk}),
        ("applications/", {"slug": application.slug, "table": "history", "other": merged.slug}),
        ("dependencies/", {"pk": addresses["dependencies"]}),
        ("adaptations/", {"pk": addresses["adaptations"]}),
        ("exit-plans/", {"pk": addresses["exit-plans"]}),
        ("exit-tests/", {"pk": addresses["exit-tests"]}),
        ("foundations/", {"slug": addresses["foundations"]}),
        ("versions/", {"pk": addresses["versions"]}),
        ("catalogue/", {"kind": "versions", "pk": addresses["versions"], "change": change}),
        ("offerings/", {"pk": addresses["offerings"], "change": change, "field": "vision"}),
        ("manual/", {"pk": _manual_claim(addresses["offerings"]).pk}),
        ("identity/decisions/", {"pk": 1}),
        ("identity/", {"pk": make_offering("unknown-one", resolved=False).pk}),
        ("providers/", {"slug": addresses["providers"]}),
        ("products/", {"slug": Product.objects.get(pk=addresses["products"]).slug}),
        (
            "^risks/inherited/",
            {
                "risk": assessment.risk_id,
                "dependency": assessment.dependency_id,
                "action": "assess",
            },
        ),
        ("risks/inherited/", {"risk": assessment.risk_id, "dependency": assessment.dependency_id}),
        ("^risks/foundations/", {"pk": addresses["foundation-risks"], "action": "close"}),
        ("risks/foundations/", {"pk": addresses["foundation-risks"]}),
        (
            "risks/templates/",
            {"code": RiskTemplate.objects.get(pk=addresses["risk-templates"]).code},
        ),
        ("risks/evidence/", {"pk": addresses["evidence"]}),
        ("events/", {"pk": addresses["provider-events"]}),
        ("incidents/", {"pk": addresses["incidents"]}),
        ("reports/filing/", {"template": "b-02-01"}),
        ("reports/register/", {"template": "b_02.01"}),
        ("reports/components/", {"slug": application.slug, "table": "models"}),
        ("reports/models/", {"slug": application.slug}),
        ("reports/packs/", {"pk": pack.pk}),
        ("feeds/runs/", {"pk": addresses["feed-runs"]}),
        ("feeds/disagreements/", {"pk": addresses["disagreements"]}),
        ("feeds/", {"slug": "litellm", "change": change}),
        ("issues/", {"pk": addresses["issues"], "action": "acknowledge"}),
        ("alerts/answer/", {"token": links.answer_token(mail)}),
        ("alerts/subscriptions/", {"pk": addresses["subscriptions"]}),
        ("alerts/mail/of/", {"slug": team.slug}),
        ("alerts/mutes/", {"pk": addresses["mutes"]}),
        ("alerts/calendar/", {"pk": addresses["calendar-feeds"]}),
        ("alerts/settings/of/", {"criticality": 0}),
        ("alerts/settings/channels/new/", {"service": "slack"}),
        ("alerts/settings/channels/", {"pk": addresses["channels"]}),
        ("alerts/settings/webhooks/", {"pk": addresses["webhooks"]}),
        ("alerts/", {"pk": addresses["alerts"], "action": "acknowledge"}),
        ("account/email/", {"token": "not-complete"}),
        ("unsubscribe/", {"token": _unsubscribing(owner)}),
        ("retirements/announce/", {}),
        ("retirements/notices/", {"pk": addresses["received-notices"]}),
        ("retirements/", {"pk": addresses["retirement-announcements"]}),
        ("campaigns/tasks/", {"pk": addresses["campaign-tasks"], "action": "waive"}),
        ("campaigns/steps/", {"pk": addresses["campaign-steps"], "action": "tick"}),
        ("campaigns/", {"pk": addresses["campaigns"], "action": "close"}),
        ("selections/", {"pk": addresses["selections"], "candidate": 1}),
        ("approvals/", {"pk": addresses["approvals"]}),
        ("decision-proposals/", {"pk": addresses["decision-proposals"], "action": "confirm"}),
        ("use-cases/links/", {"pk": UseCaseLink.objects.get().pk}),
        ("use-cases/", {"pk": addresses["proposed-use-cases"]}),
        ("propose/answer/", {"token": "1.x"}),
        ("propose/", {"token": _form_token()}),
        ("contracts/documents/", {"slug": addresses["foundations"]}),
        ("contracts/", {"pk": addresses["contracts"]}),
        ("deliveries/", {"pk": addresses["deliveries"]}),
        ("gate/runs/", {"pk": run.pk}),
        ("gate/of/", {"slug": application.slug}),
        ("gate/waivers/", {"pk": waiver.pk, "action": "grant"}),
        ("intake/services/", {"pk": addresses["reported-services"]}),
        ("intake/accounts/pulls/", {"pk": addresses["cloud-pulls"]}),
        ("intake/accounts/", {"pk": addresses["cloud-accounts"], "kind": "azure"}),
        ("intake/", {"pk": addresses["tokens"]}),
        ("exposure/nodes/", {"kind": "host", "ref": _host(addresses)}),
        ("exposure/flags/", {"pk": addresses["exposure-flags"], "decision": "acknowledge"}),
        ("exposure/lines/of/", {"slug": Policy.objects.order_by("pk")[0].slug}),
        ("exposure/loss/rates/", {"pk": addresses["event-rates"]}),
        ("exposure/loss/losses/", {"kind": BaseLoss.objects.order_by("pk")[0].kind}),
        ("exposure/loss/", {"pk": addresses["loss-runs"]}),
        ("what-if/saved/", {"pk": addresses["scenarios"]}),
        ("what-if/answers/", {"pk": addresses["scenario-runs"]}),
        ("calendar/", {"secret": "0" * 40}),
    ]
    further = {
        "changes": change,
        "evidence-packs": pack.pk,
        "imports": import_.pk,
        "inherited-risks": f"{assessment.risk_id}-{assessment.dependency_id}",
    }
    return WalkedRows(people, keys, addresses | further)


def _form_token() -> str:
    return link_token(UseCaseLink.objects.get())


def _mark(team: Team, application: Application) -> None:
    """Writes the marker into what the team owns."""
    Application.objects.filter(pk=application.pk).update(name=f"{MARKER} application")
    Team.objects.filter(pk=team.pk).update(name=f"{MARKER} team", email=f"{MARKER}@example.org")
    Delivery.objects.update(
        subject=f"{MARKER} subject", body_text=MARKER, address=f"{MARKER}@example.org"
    )
    for model in (
        Adaptation,
        Assessment,
        CampaignTask,
        Dependency,
        Evidence,
        ExitPlan,
        ExitTest,
        Mute,
    ):
        free = [
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, CharField | TextField)
            and field.name in _SAID
            and not field.choices
        ]
        model._default_manager.update(**dict.fromkeys(free, MARKER))
    User.objects.filter(memberships__team=team).update(first_name=MARKER)


def _manual_claim(offering_id: int) -> Assertion:
    offering = Offering.objects.get(pk=offering_id)
    source = offering.assertions.first().source
    return source.assertions.create(
        external_id="by-hand", topic="price", offering=offering, first_seen=now(), changed_at=now()
    )


def _host(addresses: dict[str, Any]) -> int:
    return int(Offering.objects.get(pk=addresses["offerings"]).host_id)


def _unsubscribing(person: User) -> str:
    return (
        links.unsubscribe_address_of_user(user_id=person.pk)
        .partition("/unsubscribe/")[2]
        .strip("/")
    )


# ---------------------------------------------------------------- the addresses


def walked(
    patterns: Any = None, prefix: str = "", namespace: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    """The pattern of each address, its name with the namespace (empty where it has none), and its
    route."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from walked(pattern.url_patterns, prefix + str(pattern.pattern), inner)
        else:
            name = f"{namespace}{pattern.name}" if pattern.name else ""
            yield prefix + str(pattern.pattern), name, pattern


_FAMILIES = (
    ("admin/", "admin"),
    ("api/v1/", "api"),
    ("accounts/", "accounts"),
    ("otlp/", "otlp"),
    ("scim/", "scim"),
    ("api/public/otel/", "otlp"),
)


def family(pattern: str) -> str:
    for start, name in _FAMILIES:
        if pattern.startswith(start):
            return name
    return "pages"


def page_routes(world: WalkedRows) -> list[Route]:
    """Pages and files, with a path each."""
    found = []
    for pattern, name, route in walked():
        if family(pattern) != "pages":
            continue
        found.append(
            Route(name or pattern, pattern, "/" + filled(pattern, world.keys), _methods(route))
        )
    return found


def api_routes(world: WalkedRows) -> list[Route]:
    """REST, with the key of what exists; one entry an address."""
    found: dict[str, Route] = {}
    for pattern, _, route in walked():
        if family(pattern) != "api":
            continue
        path = api_path(pattern, world.addresses)
        if path is None:
            continue
        actions = getattr(route.callback, "actions", None)
        view = getattr(route.callback, "cls", None)
        names = (
            set(actions)
            if actions
            else {name for name in view.http_method_names if hasattr(view, name)}
        )
        methods = tuple(sorted(names - {"head", "options"}))
        key = re.sub(
            r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", r"{\1\2}", pattern.removeprefix("api/v1/")
        )
        key = key.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\.?", "")
        found.setdefault(key, Route(key, pattern, path, methods))
    return list(found.values())


# addresses whose key is another resource's
_KEYED_OTHERWISE = {
    "notification-preferences/teams/": "teams",
    "reports/components/": "applications",
}


def api_path(pattern: str, addresses: dict[str, Any]) -> str | None:
    """None for the document and the catch-all."""
    bare = pattern.removeprefix("api/v1/")
    if bare in {"schema/", r"^(?:.*/|bom/token/[^/]+)?$"} or "format" in bare:
        return None
    resource = re.match(r"\^?([a-z-]+)", bare)[1]  # type: ignore[index]
    resource = next(
        (name for start, name in _KEYED_OTHERWISE.items() if bare.startswith(start)), resource
    )
    key = str(addresses.get(resource, OTHER_KEYS.get(resource, "1")))
    path = re.sub(r"\(\?P<\w+>[^)]*\)|<\w+:\w+>", key, pattern)
    return "/" + path.replace("^", "").replace("$", "").replace("\\Z", "").removesuffix("\\.?")


def filled(pattern: str, keys: list[tuple[str, dict[str, Any]]]) -> str:
    """The pattern with values in place of its arguments, by the first prefix that fits."""
    values = next((values for prefix, values in keys if pattern.startswith(prefix)), {})
    path = re.sub(
        r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>",
        lambda m: str(values.get(m[1] or m[2], "1")),
        pattern,
    )
    return path.replace("^", "").replace("$", "")


def _methods(route: URLPattern) -> tuple[str, ...]:
    from tests.web.routes import _methods as said

    view, actions = getattr(route.callback, "cls", None), getattr(route.callback, "actions", None)
    if view is not None:
        return tuple(
            name
            for name in ("get", "post")
            if (name in actions if actions else hasattr(view, name))
        )
    return tuple(
        sorted(method.lower() for method in said(route.callback) if method in {"GET", "POST"})
    )


def admin_addresses() -> list[str]:
    """The list and the adding page of every registered model."""
    return [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"
        for model in site._registry
        for rest in ("", "add/")
    ]

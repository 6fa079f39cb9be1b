"""Every page as a signed-in governance lead gets it, through the whole handler: part `pages`.

Pages are found from the routes themselves, so that none is forgotten; one that takes an argument is
asked for the object that most applications stand on, or for the latest one.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.urls.resolvers import RegexPattern

from apps.accounts.models import Team, User
from apps.accounts.roles import OrganisationRole
from apps.alerts.models import Alert, Delivery
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, ProviderEvent, Version
from apps.common.processes.heap import freeze_heap
from apps.exposure.models import Campaign, CampaignTask, ExposureFlag
from apps.inventory.models import Application
from apps.risks.models import FoundationRisk
from apps.web.urls import named_routes
from tools.benchmarks.http import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, rolled_back, time_runs

_RUNS = 20
# files are not pages: they stream everything
_FILES = (".csv", ".xlsx", ".ics", ".zip", ".json", "payload/")


def measure_pages() -> Iterator[BenchmarkLine]:
    """Measure each page that answers 200 to a GET; those that only take a POST or redirect are left
    out.
    """
    # as a process that serves does
    freeze_heap()
    with rolled_back():
        client = Client(headers=host_headers(), raise_request_exception=False)
        client.force_login(
            User.objects.create(
                username="bench-pages", organisation_role=OrganisationRole.GOVERNANCE
            )
        )
        for name, address in list_pages():
            status = client.get(address).status_code
            if status >= 500:
                raise RequestFailedError(f"{address} answered {status}.")
            if status == 200:
                yield BenchmarkLine(
                    f"page {name}", time_runs(_getter(client, address), runs=_RUNS), note=address
                )


def list_pages() -> Iterator[tuple[str, str]]:
    """Yield (name, address) of every page without an argument, then of those of which an object is
    found.
    """
    finders = _finders()
    for name, route in named_routes():
        if str(route.pattern).endswith(_FILES):
            continue
        # routes written as expressions take arguments and are acts, not pages
        if isinstance(route.pattern, RegexPattern):
            continue
        if not route.pattern.converters:
            yield name, reverse(name)
        elif name in finders and (argument := finders[name]()) is not None:
            yield name, reverse(name, args=[argument])


def _finders() -> dict[str, Callable[[], Any]]:
    return {
        "applications:detail": lambda: _latest(Application, "slug"),
        "foundations:detail": lambda: _most_used(NodeKind.FOUNDATION, Foundation, "slug"),
        "versions:detail": lambda: _most_used(NodeKind.VERSION, Version, "pk"),
        "offerings:detail": lambda: _most_used(NodeKind.OFFERING, Offering, "pk"),
        "providers:detail": lambda: _most_used(NodeKind.HOST, Provider, "slug"),
        "events:detail": lambda: _latest(ProviderEvent, "pk"),
        "alerts:detail": lambda: _latest(Alert, "pk"),
        "deliveries:detail": lambda: _latest(Delivery, "pk"),
        "exposure-flags:detail": lambda: _latest(ExposureFlag, "pk"),
        "campaigns:detail": lambda: _latest(Campaign, "pk"),
        "campaign-tasks:detail": lambda: _latest(CampaignTask, "pk"),
        "foundation-risks:detail": lambda: _latest(FoundationRisk, "pk"),
        "teams:detail": lambda: _latest(Team, "slug"),
        "users:detail": lambda: _latest(User, "pk"),
    }


def _latest(model: type[Model], column: str) -> Any:
    return model._default_manager.order_by("-pk").values_list(column, flat=True).first()


def _most_used(kind: NodeKind, model: type[Model], column: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.ref FROM exposure_nodereach r JOIN catalog_node n ON n.id = r.node_id"
            " WHERE n.kind = %s ORDER BY r.n DESC, n.ref LIMIT 1",
            [kind.value],
        )
        row = cursor.fetchone()
    return (
        model._default_manager.filter(pk=row[0]).values_list(column, flat=True).first()
        if row
        else None
    )


def _getter(client: Client, address: str) -> Callable[[], Any]:
    return lambda: (client.get(address).content, None)[1]

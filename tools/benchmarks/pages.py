"""Every page as governance, the owner of a large part of the organisation and a viewer of one team
get it, through the whole handler: part `pages`. Governance gets them once more straight after an
import, while nothing that is calculated in the background knows of it: part `import`.

Pages are found from the routes themselves, so that none is forgotten; one that takes an argument
shows the object that most applications stand on, else the one that the tests of pages choose.
"""

from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import psutil
from django.conf import settings
from django.db import connection
from django.db.models import Count, Model
from django.test import Client, override_settings
from django.urls import reverse
from django.urls.resolvers import RegexPattern

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import OrganisationRole, TeamRole
from apps.alerts.models import Alert, Delivery
from apps.catalog.models import Foundation, NodeKind, Offering, Provider, ProviderEvent, Version
from apps.common.processes.heap import freeze_heap
from apps.exposure.models import Campaign, CampaignTask, ExposureFlag
from apps.exposure.scenarios.operation_parser import InvalidOperationError
from apps.inventory.models import Application
from apps.risks.models import FoundationRisk
from apps.web.urls import named_routes
from tools.benchmarks.bulk import import_applications
from tools.benchmarks.http import RequestFailedError, host_headers
from tools.benchmarks.measurement import BenchmarkLine, rolled_back, time_runs
from tools.benchmarks.processor_time import find_database_processes, measure_processor_seconds

_RUNS = 20
# files are not pages: they stream everything
_FILES = (".csv", ".xlsx", ".ics", ".zip", ".json", "payload/")
_N_IMPORTED = 20_000

type _Finder = Callable[[User], Any]


def measure_pages(names: Collection[str] = ()) -> Iterator[BenchmarkLine]:
    """Measure each page that answers 200 to a GET, or only those whose route is one of `names`;
    those that only take a POST or redirect are left out.
    """
    # as a process that serves does
    freeze_heap()
    bare_ms = measure_bare_view()
    with rolled_back():
        for role, user in _create_users():
            yield from _measure_pages(user, role, bare_ms, names)


def measure_pages_after_import() -> Iterator[BenchmarkLine]:
    """Measure each page as governance, in the transaction that imported a fifth of the scale of
    reference."""
    freeze_heap()
    bare_ms = measure_bare_view()
    with rolled_back():
        import_applications(_N_IMPORTED)
        yield from _measure_pages(_create_governance(), "after an import", bare_ms)


def measure_bare_view() -> float:
    """Return the median milliseconds of the bare view, the yardstick of every page."""
    # its statement and address are those of the part `serving`
    handler = import_module("tools.benchmarks.handler")
    with override_settings(ROOT_URLCONF=handler.__name__, MIDDLEWARE=[]):
        client = Client(headers=host_headers())
        return time_runs(lambda: client.get("/bare").content, runs=_RUNS).p50


def _measure_pages(
    user: User, role: str, bare_ms: float, names: Collection[str] = ()
) -> Iterator[BenchmarkLine]:
    client = Client(headers=host_headers(), raise_request_exception=False)
    client.force_login(user)
    # also of other work's; a page that other work slows down keeps its processor time
    processes = [psutil.Process(), *find_database_processes()]
    for name, address in list_pages(user):
        if names and name.partition(" ")[0] not in names:
            continue
        began = perf_counter()
        response = client.get(address, secure=settings.SECURE_SSL_REDIRECT)
        first_ms = (perf_counter() - began) * 1_000
        if response.status_code >= 500:
            raise RequestFailedError(f"{address} answered {response.status_code}.")
        if response.status_code != 200 or response.streaming:
            continue
        processor_began = measure_processor_seconds(processes)
        timing = time_runs(_getter(client, address), runs=_RUNS)
        processor_ms = (measure_processor_seconds(processes) - processor_began) * 1_000
        yield BenchmarkLine(
            f"page {name} ({role})",
            timing,
            bare_ms,
            note=(
                f"first {first_ms:.0f} ms, processor {processor_ms / (_RUNS + 1):.0f} ms,"
                f" {len(response.content) / 1_000:.0f} kB {address}"
            ),
        )


def list_pages(user: User) -> Iterator[tuple[str, str]]:
    """Yield (name, address) of every page without an argument, then of those of which `user` may
    see an object.
    """
    finders, states = _finders(), _states()
    for name, route in named_routes():
        if str(route.pattern).endswith(_FILES):
            continue
        # routes written as expressions take arguments and are acts, not pages
        if isinstance(route.pattern, RegexPattern):
            continue
        arguments: dict[str, Any] | None = {}
        if route.pattern.converters:
            arguments = finders[name](user) if name in finders else None
        if arguments is None:
            continue
        address = reverse(name, kwargs=arguments)
        yield name, address
        for query in states.get(name, ()):
            yield f"{name} {query}", address + query


def _create_users() -> Iterator[tuple[str, User]]:
    """Yield governance, a viewer of the team with most applications, and an owner of the teams
    above it, except the top one."""
    yield "governance", _create_governance()
    largest = Team.objects.annotate(n=Count("applications")).order_by("-n", "pk").first()
    if largest is None:
        return
    department = largest
    while department.parent is not None and department.parent.parent is not None:
        department = department.parent
    for role, team in ((TeamRole.OWNER, department), (TeamRole.VIEWER, largest)):
        user = User.objects.create(username=f"bench-pages-{role.word}")
        Membership.objects.create(user=user, team=team, role=role.rank)
        yield role.word, user


def _create_governance() -> User:
    return User.objects.create(
        username="bench-pages", organisation_role=OrganisationRole.GOVERNANCE
    )


def _finders() -> dict[str, _Finder]:
    """Arguments of the pages of one object, by the name of the route."""
    return {
        **_test_finders(),
        "applications:detail": lambda user: _named(
            "slug", Application.objects.visible_to(user).order_by("-pk")
        ),
        "foundations:detail": lambda _: _most_used(NodeKind.FOUNDATION, Foundation, "slug"),
        "versions:detail": lambda _: _most_used(NodeKind.VERSION, Version, "pk"),
        "offerings:detail": lambda _: _most_used(NodeKind.OFFERING, Offering, "pk"),
        "providers:detail": lambda _: _most_used(NodeKind.HOST, Provider, "slug"),
        "events:detail": lambda _: _latest(ProviderEvent),
        "alerts:detail": lambda user: _named("pk", Alert.objects.visible_to(user).order_by("-pk")),
        "deliveries:detail": lambda _: _latest(Delivery),
        "exposure-flags:detail": lambda _: _latest(ExposureFlag),
        "campaigns:detail": lambda _: _latest(Campaign),
        "campaign-tasks:detail": lambda _: _latest(CampaignTask),
        "foundation-risks:detail": lambda _: _latest(FoundationRisk),
        "teams:detail": lambda _: _named("slug", Team.objects.order_by("-pk")),
        "users:detail": lambda _: _latest(User),
        "exposure:blast-radius": _top_node,
        "exposure:blast-radius-teams": _top_node,
    }


def _states() -> dict[str, list[str]]:
    """Queries that show something else of a page, by the name of its route."""
    states = {"issues:list": ["?group=application", "?group=person", "?scope=teams"]}
    if find_spec("tests") is not None:
        for name, queries in import_module("tests.web.routes").STATES.items():
            states.setdefault(name, []).extend(queries.values())
    return states


def _test_finders() -> dict[str, _Finder]:
    """The choice of the tests of pages, where the checkout is complete."""
    if find_spec("tests") is None:
        return {}
    tests = import_module("tests.web.finders")

    def find(finder: _Finder) -> _Finder:
        def find_or_none(user: User) -> Any:
            try:
                return finder(user)
            except (tests.NothingFound, InvalidOperationError):
                # a synthetic portfolio stands without the built-in catalogue
                return None

        return find_or_none

    return {name: find(finder) for name, finder in tests.FINDERS.items()}


def _latest(model: type[Model]) -> Any:
    return _named("pk", model._default_manager.order_by("-pk"))


def _named(column: str, rows: Any) -> Any:
    value = rows.values_list(column, flat=True).first()
    return None if value is None else {column: value}


def _top_node(user: User) -> Any:
    found = _most_used(NodeKind.FOUNDATION, Foundation, "pk")
    return found and {"kind": NodeKind.FOUNDATION.label, "ref": found["pk"]}


def _most_used(kind: NodeKind, model: type[Model], column: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.ref FROM exposure_nodereach r JOIN catalog_node n ON n.id = r.node_id"
            " WHERE n.kind = %s ORDER BY r.n DESC, n.ref LIMIT 1",
            [kind.value],
        )
        row = cursor.fetchone()
    return _named(column, model._default_manager.filter(pk=row[0])) if row else None


def _getter(client: Client, address: str) -> Callable[[], Any]:
    return lambda: (client.get(address, secure=settings.SECURE_SSL_REDIRECT).content, None)[1]

"""What is entered arrives: through the page, through REST, out of a spreadsheet, column by
column."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django import forms
from django.db.models import Model
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts.models import Team, User
from apps.alerts.models import Subscription, Webhook
from apps.api.urls import VIEWSETS
from apps.catalog.models import Node, NodeKind, Offering, Provider
from apps.common.time import day_of, now
from apps.exposure.models import Policy
from apps.intake.spreadsheets.export import (
    application_headers,
    application_rows,
    csv_lines,
    dependency_headers,
    dependency_rows,
    inventory_workbook,
)
from apps.inventory.models import Adaptation, Application, Contract, Dependency, ExitPlan, ExitTest
from apps.risks.models import Evidence, FoundationRisk
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
)
from tests.fields.filled_rows import filled
from tests.fields.places import CHANGE, CREATE, SHEET, Record
from tests.fields.records import RECORDS
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview, reasons

pytestmark = pytest.mark.django_db

BY_MODEL = {record.model: record for record in RECORDS}
LATER = date(2030, 1, 1)


@dataclass(frozen=True)
class Case:
    """How to make a full and a bare row of a model: `links` both have, `full` and `bare` one of
    them each."""

    model: type[Model]
    links: Callable[[], dict[str, Any]] = dict
    full: Callable[[], dict[str, Any]] = dict
    bare: dict[str, Any] = field(default_factory=dict)
    # (name of the page, what it is found by); "" where it has none
    page: tuple[str, str] = ("", "")
    # the name of the record in that URL, where several records share the page
    kind: str = ""

    @property
    def record(self) -> Record:
        return BY_MODEL[self.model]

    @property
    def lookup(self) -> str:
        return VIEWSETS[self.record.resource].lookup_field


def _of_dependency() -> dict[str, Any]:
    return {"dependency": make_dependency(make_application(), make_offering())}


def _offering_with_feature() -> Offering:
    """An offering whose host has the feature that a dependency on it can use."""
    offering = make_offering()
    make_offering("assistants", host=offering.host, kind="feature")
    return offering


CASES = (
    Case(
        Application,
        full=lambda: {"merged_into": None, "status": "pilot"},
        links=lambda: {"slug": "bot"},
        bare={"name": "Bot"},
        page=("applications:edit", "slug"),
    ),
    Case(
        Dependency,
        links=lambda: {
            "application": make_application(),
            "offering": _offering_with_feature(),
            "role": "tool",
        },
        full=lambda: {"since": date(2026, 1, 1), "until": LATER, "features": ["assistants"]},
        bare={"since": date(2026, 1, 1)},
        page=("dependencies:edit", "pk"),
    ),
    Case(
        Adaptation, links=_of_dependency, bare={"kind": "prompt"}, page=("adaptations:edit", "pk")
    ),
    Case(ExitPlan, links=_of_dependency, page=("exit-plans:edit", "dependency_id")),
    Case(
        ExitTest,
        links=lambda: {**_of_dependency(), "target": make_offering()},
        bare={"tested_on": date(2026, 1, 1), "result": "passed"},
        page=("exit-tests:edit", "pk"),
    ),
    Case(
        Contract,
        links=lambda: {"party": make_provider("acme")},
        full=lambda: {
            "overarching": Contract.objects.create(party=make_provider("acme"), ref="FRAME")
        },
        bare={"ref": "C-1"},
        page=("contracts:edit", "pk"),
    ),
    Case(
        Provider,
        links=lambda: {"slug": "acme", "roles": ["host"], "parent": None},
        bare={"name": "Acme"},
        page=("records:edit", "pk"),
        kind="providers",
    ),
    Case(
        Team,
        links=lambda: {"slug": "claims"},
        full=lambda: {
            "parent": make_team(),
            "email": "claims@example.org",
            "time_zone": "Europe/Berlin",
        },
        bare={"name": "Bare"},
        page=("teams:detail", "slug"),
    ),
    Case(
        FoundationRisk,
        links=lambda: {
            "template": None,
            "node": Node.objects.create(kind=NodeKind.FOUNDATION, ref=make_foundation().pk),
            "opened_at": now(),
            "changed_at": now(),
        },
        full=lambda: dict.fromkeys(("closed_at", "dismissed_at", "dismissed_by")),
        bare={"title": "Bare", "likelihood": 1, "impact": 1},
    ),
    Case(
        Evidence,
        full=lambda: {"passed": True, "value": 1, "threshold": 1},
        links=lambda: {"recorded_at": now(), "run_on": date(2026, 1, 1)},
        bare={"kind": "document"},
    ),
    Case(Policy, links=lambda: {"slug": "line"}, full=lambda: {"kinds": ["host"], "predicate": ""}),
    Case(
        Subscription,
        links=lambda: {"user": _governance()},
        full=lambda: {"kinds": ["announced"], "team": make_team()},
    ),
    Case(
        Webhook,
        links=lambda: {"created_by": make_user()},
        full=lambda: {
            "kinds": ["announced"],
            "url": "https://example.org/hook",
            "min_severity": 3,
            # of channels of other services
            "service": "webhook",
            "destination": "",
            "person": None,
            "role": "",
            "n_refusals": 0,
            "disabled_reason": "",
        },
        bare={"name": "Bare", "url": "https://example.org/bare"},
    ),
)
WITH_PAGE = [case for case in CASES if case.page[0]]
CHANGED = [case for case in CASES if case.record.has(CHANGE) and case.model is not Policy]


@pytest.fixture
def rest() -> APIClient:
    client = APIClient()
    client.force_login(_governance())
    return client


def _governance() -> User:
    return User.objects.filter(username="gus").first() or make_user("gus", role="governance")


def _address(case: Case, row: Model | None = None) -> str:
    root = f"/api/v1/{case.record.resource}/"
    return root if row is None else f"{root}{getattr(row, case.lookup)}/"


def _columns(row: Model, names: set[str]) -> dict[str, Any]:
    row.refresh_from_db()
    return {
        each.name: getattr(row, each.attname)
        for each in row._meta.concrete_fields
        if each.name in names
    }


def _writable(case: Case, place: str) -> set[str]:
    """The names under which the first serializer of the place takes something that it also
    shows."""
    shape = {CREATE: case.record.create, CHANGE: case.record.change}[place][0]
    return {
        name
        for name, each in shape.of().fields.items()
        if not each.read_only and not each.write_only
    }


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.record.create], ids=lambda case: case.model.__name__
)
def test_what_rest_shows_of_a_row_makes_the_same_row(rest, case):
    full = filled(case.model, **case.links(), **case.full())
    columns = case.record.found(CREATE)
    shown, kept = rest.get(_address(case, full)).json(), _columns(full, columns)
    full.delete()

    answer = rest.post(
        _address(case), {name: shown[name] for name in _writable(case, CREATE)}, format="json"
    )

    assert answer.status_code == 201, answer.json()
    assert _columns(case.model.objects.get(pk=answer.json()["id"]), columns) == kept
    assert {name: answer.json()[name] for name in _writable(case, CREATE)}.items() <= shown.items()


@pytest.mark.parametrize("case", CHANGED, ids=lambda case: case.model.__name__)
def test_what_rest_shows_of_a_row_changes_another_to_be_the_same(rest, case):
    links = case.links()
    full = filled(case.model, **links, **case.full())
    names = _writable(case, CHANGE)
    columns = case.record.change[0].written(case.record.columns)
    shown, kept = rest.get(_address(case, full)).json(), _columns(full, columns)
    full.delete()
    bare = _bare(case, links)
    before = _columns(bare, columns)
    assert sorted(name for name in columns - links.keys() if before[name] == kept[name]) == []

    answer = rest.patch(_address(case, bare), {name: shown[name] for name in names}, format="json")

    assert answer.status_code == 200, answer.json()
    assert _columns(bare, columns) == kept


def _bare(case: Case, links: dict[str, Any]) -> Model:
    wanted = {"team": make_team()} if case.model is Application else {}
    return case.model.objects.create(**{**wanted, **links, **case.bare})


@pytest.mark.proof
@pytest.mark.parametrize("case", WITH_PAGE, ids=lambda case: case.model.__name__)
def test_what_a_form_shows_of_a_row_changes_another_to_be_the_same(client, case):
    client.force_login(_governance())
    links = case.links()
    full = filled(case.model, **links, **case.full())
    name, key = case.page
    kind = [case.kind] if case.kind else []
    address = reverse(name, args=[*kind, getattr(full, key)])
    form = client.get(address).context["form"]
    columns = case.record.form[0].written(case.record.columns)
    sent, kept = _posted(form), _columns(full, columns)
    full.delete()
    bare = _bare(case, links)
    seen = (
        client.get(reverse(name, args=[*kind, getattr(bare, key)])).context["form"]["seen"].value()
    )

    answer = client.post(reverse(name, args=[*kind, getattr(bare, key)]), {**sent, "seen": seen})

    assert answer.status_code == 302, answer.context["form"].errors
    assert _columns(bare, columns) == kept


def _posted(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser sends of the form as it is shown."""
    sent: dict[str, Any] = {}
    for bound in form:
        widget, value = bound.field.widget, bound.value()
        if isinstance(widget, forms.CheckboxInput):
            sent.update({bound.html_name: "on"} if value else {})
        elif isinstance(widget, forms.SelectMultiple):
            sent[bound.html_name] = [str(each) for each in value or []]
        else:
            shown = widget.format_value(value)
            sent[bound.html_name] = (
                (shown[0] if shown else "") if isinstance(shown, list) else shown or ""
            )
    return sent


def test_the_version_that_answered_in_an_exit_test_is_one_that_is_on_record(client):
    client.force_login(_governance())
    dependency, target = (
        make_dependency(make_application(), make_offering()),
        make_offering(binding="alias"),
    )
    address = reverse("exit-tests:create", args=[dependency.pk])
    sent = {"target": target.pk, "tested_on": "2026-01-05", "result": "passed"}

    refused = client.post(address, {**sent, "tested_version": "maker/unknown"})
    client.post(address, {**sent, "tested_version": target.version.identifier})

    assert "No version has this identifier" in str(refused.context["form"].errors["tested_version"])
    # of a moving name only who made the test can tell
    assert ExitTest.objects.get().tested_version == target.version


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_sheet_brings_back_every_column_that_it_was_written_with(kind):
    team = make_team("Claims")
    by = make_member(team)
    application = filled(Application, team=team, merged_into=None, status="pilot")
    use = filled(
        Dependency,
        application=application,
        since=date(2026, 1, 1),
        until=LATER,
        offering=make_offering(),
    )
    facts = (BY_MODEL[Application].found(SHEET), BY_MODEL[Dependency].found(SHEET))
    kept = (_columns(application, facts[0]), _columns(use, facts[1]))
    files = _written(kind)
    use.delete()
    bare = Application(pk=application.pk, slug=application.slug, name=application.name, team=team)
    bare.created_at = application.created_at
    bare.save()
    assert (
        len([name for name, value in _columns(bare, facts[0]).items() if value == kept[0][name]])
        == 3
    )

    for name, content in files:
        read = preview(content, by, name)
        assert (reasons(read), set(outcomes(read)) - {"unchanged"} != set()) == ([], True)
        confirm(read)

    assert (_columns(application, facts[0]), _columns(Dependency.objects.get(), facts[1])) == kept


def _written(kind: str) -> list[tuple[str, bytes]]:
    applications = Application.objects.all()
    if kind == "xlsx":
        with inventory_workbook(applications, teams=Team.objects.all(), on=day_of(now())) as file:
            return [("inventory.xlsx", file.read())]
    today = day_of(now())
    return [
        (
            "applications.csv",
            "".join(csv_lines(application_headers(), application_rows(applications))).encode(),
        ),
        (
            "uses.csv",
            "".join(
                csv_lines(dependency_headers(), dependency_rows(applications, on=today))
            ).encode(),
        ),
    ]


@pytest.mark.parametrize(("cell", "code"), [("(none)", "empties"), ("", "keeps")])
def test_what_is_empty_in_a_sheet_stays_and_none_empties_it(cell, code):
    team = make_team("Claims")
    application = filled(Application, team=team, merged_into=None, status="pilot")
    asked = ("Function identifier", "Licensed activity", "Criticality assessed on")

    read = preview(
        [["Application id", *asked], [application.slug, cell, cell, cell]], make_member(team)
    )
    confirm(read)

    before = (
        application.function_ref,
        application.licensed_activity,
        application.criticality_assessed_on,
    )
    application.refresh_from_db()
    after = (
        application.function_ref,
        application.licensed_activity,
        application.criticality_assessed_on,
    )
    assert all(before)
    assert after == (("", "", None) if code == "empties" else before)

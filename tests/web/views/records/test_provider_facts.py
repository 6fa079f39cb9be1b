"""What governance enters about a provider, where the gaps of reports lead."""

import re

import pytest
from django.urls import reverse

from apps.catalog.models import Provider
from apps.common.history.context import audit_context
from apps.common.time import now
from apps.issues.evaluation import evaluate_due_issues
from apps.reports.tables import EntryPlace, ReportGap
from apps.web.views.reports.missing_fields import entry_url
from tests.builders import make_provider
from tests.http import file_text, text_of

# GLEIF's own, as its public register has it
LEI = "506700GE1G29325QX363"


@pytest.fixture
def host(db):
    return make_provider(
        "acme-cloud", name="Acme Cloud", country="IE", terms_url="https://acme.example.org/terms"
    )


def edit(host):
    return reverse("records:edit", args=["providers", host.pk])


def shown(client, host):
    """The form as the page fills it in."""
    form = client.get(edit(host)).context["form"]
    return {field.name: "" if field.value() is None else field.value() for field in form}


def history(client, host):
    return text_of(client.get(reverse("records:history", args=["providers", host.pk])))


def test_governance_enters_who_it_is_and_takes_it_back(world, host, as_user):
    client = as_user(world.governance)
    said = shown(client, host) | {
        "legal_name": "Acme Cloud Ireland Ltd",
        "person_type": "legal",
        "lei": "5067 00ge1g29325qx363 ",
        "promised_notice_days": "180",
        "reason": "commercial register",
    }

    answer = client.post(edit(host), said, follow=True)

    assert "Provider changed." in text_of(answer)
    assert "Acme Cloud Ireland Ltd" in text_of(answer)
    host.refresh_from_db()
    assert (host.legal_name, host.person_type, host.lei, host.country) == (
        "Acme Cloud Ireland Ltd",
        "legal",
        LEI,
        "IE",
    )
    page = history(client, host)
    assert "2 changes are recorded, the latest on" in page
    assert "commercial register" in page
    assert f"LEI: <del>–</del> → <ins>{LEI}</ins>" in page
    rows = file_text(client.get(reverse("records:history-csv", args=["providers", host.pk])))
    assert f"commercial register,LEI,–,{LEI}" in rows

    undo = re.search(r'action="(/catalogue/providers/undo/[^"]+)"', answer.content.decode()).group(
        1
    )
    assert as_user(world.viewer).post(undo).status_code == 403
    back = client.post(undo, follow=True)
    assert "The change was undone." in text_of(back)
    host.refresh_from_db()
    assert (host.legal_name, host.lei, host.promised_notice_days) == ("", "", None)
    again = re.search(r'action="(/catalogue/providers/undo/[^"]+)"', back.content.decode()).group(1)
    client.post(again)
    host.refresh_from_db()
    assert host.lei == LEI


@pytest.mark.proof
def test_what_somebody_changed_since_is_not_taken_back(world, host, as_user):
    client = as_user(world.governance)
    address = edit(host)
    answer = client.post(address, shown(client, host) | {"country": "DE"}, follow=True)
    undo = re.search(r'action="(/catalogue/providers/undo/[^"]+)"', answer.content.decode()).group(
        1
    )
    client.post(address, shown(client, host) | {"country": "FR", "name": "Acme"})

    refused = client.post(undo, follow=True)

    assert "Another user changed this provider later." in text_of(refused)
    assert Provider.objects.get(pk=host.pk).country == "FR"
    assert client.post(undo[:-5] + "0000/", follow=True).status_code in {200, 404}


def test_two_at_once_compare_first(world, host, as_user):
    client = as_user(world.governance)
    said = shown(client, host)
    with audit_context(user=world.editor, reason="moved"):
        Provider.objects.filter(pk=host.pk).update(country="LU")

    answer = client.post(edit(host), said | {"country": "NL"})

    assert answer.status_code == 422
    assert "Values that another user changed while you were editing" in text_of(answer)
    assert Provider.objects.get(pk=host.pk).country == "LU"
    seen = answer.context["form"]["seen"].value()
    client.post(edit(host), said | {"country": "NL", "seen": seen})
    assert Provider.objects.get(pk=host.pk).country == "NL"


@pytest.mark.proof
@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("lei", "506700GE1G29325QX364", "The check digits of the LEI do not match"),
        (
            "lei",
            "506700",
            ("An LEI has 18 letters or digits followed by 2 check digits. Correct it."),
        ),
        ("country", "IRL", "Enter the country as two letters, such as IE."),
        ("country", "1E", "Enter the country as two letters, such as IE."),
        (
            "critical_third_party",
            "true",
            "Enter where the designation as critical third party is published.",
        ),
        ("name", "", "This field is required."),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(world, host, as_user, field, value, sentence):
    client = as_user(world.governance)

    answer = client.post(edit(host), shown(client, host) | {field: value})

    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert Provider.objects.get(pk=host.pk).updated_at == host.updated_at


def test_others_read_its_history_and_change_nothing(world, host, as_user):
    client = as_user(world.viewer)

    assert client.get(edit(host)).status_code == 403
    assert "Change record" not in history(client, host)
    assert edit(host) not in text_of(client.get(reverse("providers:detail", args=[host.slug])))


def test_gaps_of_reports_lead_to_the_form(world, host, as_user):
    gap = ReportGap(
        place=EntryPlace.PROVIDER, ref=host.pk, slug=host.slug, name=host.name, fields=(), n_cells=1
    )

    assert entry_url(gap) == edit(host)


def test_nothing_changed_writes_nothing(world, host, as_user, django_assert_max_num_queries):
    client = as_user(world.governance)
    said = shown(client, host)
    # what the fixture changed is evaluated by the first request that saves
    evaluate_due_issues(at=now())

    with django_assert_max_num_queries(25):
        answer = client.post(edit(host), said, follow=False)

    assert answer.status_code == 302
    assert Provider.objects.get(pk=host.pk).updated_at == host.updated_at
    with django_assert_max_num_queries(9):
        client.get(reverse("records:history", args=["providers", host.pk]))


def test_the_old_addresses_lead_to_the_new_pages(world, host, as_user):
    client = as_user(world.governance)

    for old, new in (("change", edit(host)), ("history", edit(host).replace("change", "history"))):
        answer = client.get(f"/providers/{host.slug}/{old}/")
        assert (answer.status_code, answer.url) == (301, new)

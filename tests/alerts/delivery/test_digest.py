"""What the mail says: the sentence first, then what to do, most urgent first, and nothing that
breaks out of it."""

import re
from datetime import date, timedelta
from email import policy
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.alerts.actions import queue_digests, raise_alerts
from apps.alerts.delivery.digest.parts import (
    MAX_APPLICATIONS,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_ITEMS_OF_FIRST_DIGEST,
)
from apps.alerts.delivery.links import recipient_of_unsubscribe_token
from apps.alerts.delivery.mail import build_message
from apps.alerts.models import Alert, Delivery, Notice, Preference, Tick
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.catalog.retirements.announcements import RetirementTerms, announce_retirement
from apps.inventory.models import Application, Criticality
from tests.alerts.simulation import flat
from tests.builders import (
    NOW,
    TODAY,
    add_evidence,
    make_application,
    make_dependency,
    make_event,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.worlds.small import SmallWorld, make_small_world


def digest() -> Delivery:
    raise_alerts(at=NOW)
    queue_digests(at=NOW, gather=timedelta(0))
    return Delivery.objects.latest("created_at")


def told_before(world: SmallWorld) -> None:
    """The team has had mail: what comes now is no first summary."""
    Delivery.objects.create(
        team=world.team,
        address=world.team.email,
        message_id="<old@example.org>",
        subject="Old",
        body_text="Old",
        state="sent",
        due_at=NOW - timedelta(days=1),
        created_at=NOW - timedelta(days=1),
    )


def also_stands(
    world: SmallWorld, name: str, criticality: Criticality, role: str = "primary"
) -> Application:
    application = make_application(name, team=world.team, criticality=criticality)
    make_dependency(application, world.offering, role=role)
    return application


def second_offering(
    world: SmallWorld, api_id: str = "claude-sonnet-4-5", **fields: Any
) -> Offering:
    host = make_provider("anthropic", name="Anthropic", roles=("developer", "host"))
    offering = make_offering(api_id, host=host, **fields)
    make_dependency(world.application, offering)
    return offering


class Html(HTMLParser):
    """The text and the addresses of a page, and its tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words = ""
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.words += " ".join(data.split()) + " "


# --- the sentence ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_subject_is_the_finding_with_its_number_and_date() -> None:
    world = make_small_world()
    also_stands(world, "KYC document reader", Criticality.STANDARD)
    world.event()

    mail = digest()

    assert mail.subject == "2 applications use a model that retires on 15 January 2027"
    assert f"{mail.subject}." in Html(mail.body_html).words
    for words in (mail.body_text, Html(mail.body_html).words.strip()):
        assert "For Claims: the applications of the team" in words


@pytest.mark.django_db
def test_a_single_application_is_named() -> None:
    make_small_world().event()

    assert digest().subject == "Motor damage estimator uses a model that retires on 15 January 2027"


@pytest.mark.django_db
def test_several_ends_are_told_by_the_first_and_further_changes_are_counted() -> None:
    world = make_small_world()
    also_stands(world, "Medical report summariser", Criticality.CRITICAL)
    world.event()
    make_event(
        second_offering(world, retires_on=date(2026, 12, 10), date_kind="firm"),
        "moved_earlier",
        old="2027-02-01",
        new="2026-12-10",
        effective_on=date(2026, 12, 10),
    )
    world.event("repriced", old={"input": "1"}, new={"input": "2"}, effective_on=None)

    assert digest().subject == (
        "2 critical applications use models that retire; first retirement 10 December 2026, and "
        "1 other change"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "fields", "subject"),
    [
        (
            "retired",
            {"old": None, "new": "2026-11-20", "effective_on": date(2026, 11, 20)},
            "Motor damage estimator uses a model that retired on 20 November 2026",
        ),
        (
            "delisted",
            {"old": "2027-01-15", "new": None, "effective_on": None},
            "Motor damage estimator uses a model that its source no longer lists",
        ),
        (
            "repriced",
            {"old": {"input": "1"}, "new": {"input": "2"}},
            "Prices rise for Motor damage estimator",
        ),
        (
            "repriced",
            {"old": {"input": "2"}, "new": {"input": "1"}},
            "Prices fall for Motor damage estimator",
        ),
        (
            "moved_later",
            {"old": "2026-12-01", "new": "2027-01-15"},
            "The retirement of Gemini 2.5 Pro on Google Vertex AI is postponed to 15 January 2027",
        ),
        (
            "withdrawn",
            {"old": "2027-01-15", "new": None, "effective_on": None},
            "The retirement of Gemini 2.5 Pro on Google Vertex AI is withdrawn",
        ),
    ],
)
def test_each_kind_has_its_own_sentence(kind: str, fields: dict[str, Any], subject: str) -> None:
    make_small_world().event(kind, **fields)

    assert digest().subject == subject


# --- the items ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_item_says_what_happened_to_whom_what_replaces_it_and_who_says_so(settings: Any) -> None:
    settings.PUBLIC_URL = "https://registry.example.org"
    world = make_small_world()
    also_stands(world, "Home claims photo notes", Criticality.STANDARD, role="fallback")
    event = world.event("moved_earlier", old="2027-03-01", new="2027-01-15")
    add_evidence(event, "https://ai.google.dev/gemini-api/docs/deprecations")

    mail = digest()

    text = " ".join(mail.body_text.split())
    html = Html(mail.body_html)
    for words in (text, html.words):
        assert "Gemini 2.5 Pro on Google Vertex AI" in words
        assert (
            "The retirement moved from 1 March 2027 to 15 January 2027, 45 days earlier." in words
        )
        assert "52 days left" in words
        assert "Motor damage estimator (critical)" in words
        assert "Migration: effort unknown. Fallback: none. Owner: unassigned." in words
        assert "Home claims photo notes (standard, as fallback)" in words
        assert "Provider's replacement: gemini-3-pro." in words
        assert "Model ID: gemini-2.5-pro" in words
        assert "litellm" in words
    for addresses in (text, html.addresses):
        assert f"https://registry.example.org/events/{event.pk}/" in addresses
        assert "https://ai.google.dev/gemini-api/docs/deprecations" in addresses


@pytest.mark.django_db
def test_a_soft_date_is_said_to_be_one() -> None:
    world = make_small_world()
    Offering.objects.filter(pk=world.offering.pk).update(date_kind="not_before")
    world.event()

    text = digest().body_text

    assert "at least 52 days left" in text
    assert "The model retires no earlier than 15 January 2027." in text


@pytest.mark.django_db
def test_sections_stand_in_the_order_of_their_severity() -> None:
    world = make_small_world()
    world.event()
    gone = make_offering(
        "old-embedding", lifecycle="retired", retires_on=date(2026, 11, 20), date_kind="firm"
    )
    make_dependency(make_application("Search", team=world.team, criticality=Criticality.LOW), gone)
    make_event(gone, "retired", old=None, new="2026-11-20", effective_on=date(2026, 11, 20))
    world.event("repriced", old={"input": "2"}, new={"input": "1"})

    text = digest().body_text

    assert [line for line in text.splitlines() if line.isupper()] == [
        "UPCOMING RETIREMENTS",
        "RETIRED",
        "PRICE DECREASES",
    ]


@pytest.mark.django_db
def test_several_sources_that_say_the_same_make_one_item() -> None:
    world = make_small_world()
    world.event()
    world.event(source=make_source("deprecations-info", name="deprecations.info"))

    text = digest().body_text

    assert text.count("Gemini 2.5 Pro on Google Vertex AI") == 1
    assert "Source: litellm" in text
    assert "Source: deprecations.info" in text


@pytest.mark.django_db
def test_a_mail_names_so_many_applications_and_counts_the_rest() -> None:
    world = make_small_world()
    for n in range(MAX_APPLICATIONS + 4):
        also_stands(world, f"Application {n:02}", Criticality.STANDARD)
    world.event()

    text = " ".join(digest().body_text.split())

    assert "And 5 more." in text
    assert "Motor damage estimator (critical)" in text


@pytest.mark.proof
@pytest.mark.django_db
def test_a_mail_shows_so_many_changes_and_counts_the_rest() -> None:
    world = make_small_world()
    for n in range(MAX_ITEMS + 7):
        offering = make_offering(f"model-{n}", host=world.offering.host)
        make_dependency(world.application, offering)
        make_event(offering)

    told_before(world)

    mail = digest()

    assert mail.body_text.count("The retirement was announced") == MAX_ITEMS
    assert "And 7 more: " in mail.body_text
    assert "And 7 more" in Html(mail.body_html).words


@pytest.mark.django_db
def test_the_first_mail_to_an_address_sums_up_and_says_that_it_does() -> None:
    world = make_small_world()
    for n in range(MAX_ITEMS_OF_FIRST_DIGEST + 5):
        offering = make_offering(f"model-{n}", host=world.offering.host)
        make_dependency(world.application, offering)
        make_event(offering)

    mail = digest()

    assert mail.kind == "summary"
    assert mail.body_text.count("The retirement was announced") == MAX_ITEMS_OF_FIRST_DIGEST
    assert (
        "This is your first digest: all 25 open alerts, most severe first. Later digests list "
        "changes only."
    ) in flat(mail.body_text)
    assert "And 5 more" in flat(mail.body_text)


@pytest.mark.django_db
def test_lines_of_the_text_stay_within_72_characters_unless_an_address_is_on_them() -> None:
    world = make_small_world("A team with a rather long name that goes on for quite some time")
    for n in range(6):
        also_stands(
            world, f"An application with a rather long name number {n}", Criticality.STANDARD
        )
    world.event()

    assert [
        line for line in digest().body_text.splitlines() if len(line) > 72 and "://" not in line
    ] == []


# --- nothing breaks out ---------------------------------------------------------------------------

HOSTILE = (
    'Estimator <img src=x onerror="alert(1)">\r\nBcc: everyone@example.org\r\n\r\n'
    "<script>alert(2)</script> \u202eevil"
)


@pytest.mark.django_db
def test_names_cannot_add_markup_headers_or_lines() -> None:
    world = make_small_world()
    world.team.name = HOSTILE
    world.team.save()
    Application.objects.update(name=HOSTILE)
    Provider.objects.update(name=HOSTILE)
    Foundation.objects.update(name=HOSTILE)
    Offering.objects.update(api_id=HOSTILE, replacement_text=HOSTILE)
    event = world.event(source=make_source("hostile", name=HOSTILE[:100]))
    add_evidence(event, "javascript:alert(document.domain)")

    mail = digest()
    message = build_message(mail).message(policy=policy.SMTP)

    html = Html(mail.body_html)
    assert not {"script", "img", "iframe"} & set(html.tags)
    assert all(address.startswith(("http://", "https://")) for address in html.addresses)
    assert message["Bcc"] is None
    assert message["To"] == "claims@example.org"
    assert message["Subject"] == mail.subject
    assert "\n" not in mail.subject
    assert not [line for line in mail.body_text.splitlines() if line.startswith("Bcc")]
    assert "\u202e" not in mail.subject + mail.body_text + mail.body_html
    assert "javascript:" not in mail.body_html


@pytest.mark.django_db
def test_the_subject_of_a_team_with_an_endless_name_stays_readable() -> None:
    world = make_small_world("C" * 200)
    also_stands(world, "D" * 200, Criticality.LOW)
    world.event()

    assert len(digest().subject) <= 200


@pytest.mark.django_db
def test_the_html_holds_no_remote_picture_and_names_its_language() -> None:
    make_small_world().event()

    mail = digest()

    assert "img" not in Html(mail.body_html).tags
    assert re.search(r'<html\s+lang="en"', mail.body_html)


@pytest.mark.django_db
def test_one_click_unsubscribes_and_the_ledger_does_not_hold_the_key(client: Any) -> None:
    """RFC 8058: the mail program posts, without cookie or sign-in."""
    world = make_small_world()
    world.event()
    mail = digest()
    message = build_message(mail).message(policy=policy.SMTP)
    address = message["List-Unsubscribe"].strip("<>")

    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in message.get_body(("plain",)).get_content()
    assert address not in mail.body_text + mail.body_html
    assert (
        recipient_of_unsubscribe_token(address.rstrip("/").rpartition("/")[2], at=mail.created_at)
        == world.team
    )


def _n_statements_for(n_teams: int, n_applications: int) -> int:
    world = make_small_world()
    for _ in range(n_teams):
        team = make_team()
        for _ in range(n_applications):
            make_dependency(make_application(team=team), world.offering)
    world.event()
    raise_alerts(at=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert queue_digests(at=NOW, gather=timedelta(0)) == n_teams + 1
    return len(captured)


@pytest.mark.django_db
def test_however_long_a_mail_is_shown_whole_with_its_button_and_how_to_unsubscribe() -> None:
    """Gmail shows 102 KB of a mail. What is left out is counted, application by application."""
    world = make_small_world()
    told_before(world)
    others = [
        make_application(f"A name as long as they come {n:02} " + "x" * 80, team=world.team)
        for n in range(12)
    ]
    for n in range(30):
        offering = make_offering(
            f"model-{n:02}-" + "y" * 40,
            host=world.offering.host,
            region_scope=f"zone-{n}",
            retires_on=date(2027, 3, 1),
            date_kind="firm",
        )
        for application in others:
            make_dependency(application, offering)
        make_event(offering, effective_on=date(2027, 3, 1), new="2027-03-01")

    mail = digest()

    assert len(mail.body_html.encode()) <= MAX_BYTES
    assert "Unsubscribe" in mail.body_html
    assert "And 8 more" in Html(mail.body_html).words
    assert mail.body_text.count("The retirement was announced") == 30


@pytest.mark.django_db
def test_digests_take_as_many_statements_for_many_recipients_and_applications_as_for_one() -> None:
    few = _n_statements_for(1, 1)
    for model in (Notice, Delivery, Alert, Tick, Preference):
        model.objects.all().delete()
    Offering.objects.all().update(api_id="another")
    Foundation.objects.all().update(line="another/line", slug="another")
    Version.objects.all().update(identifier="another/version")

    assert _n_statements_for(8, 30) == few


@pytest.mark.django_db
def test_an_announced_retirement_is_one_item_for_all_its_model_ids_with_who_announced_it() -> None:
    world = make_small_world()
    told_before(world)
    version = make_version("maker/model-x-20250101")
    for n, host in enumerate(("azure", "bedrock", "vertex")):
        offering = make_offering(f"model-x-{n}", host=make_provider(host), version=version)
        make_dependency(world.application, offering, role="judge" if n else "fallback")
    maren = make_user(role="governance", first_name="Maren", last_name="Olsen")
    announce_retirement(
        RetirementTerms(subject=version, retires_on=TODAY + timedelta(days=200)), at=NOW, by=maren
    )

    body = flat(digest().body_text)

    assert body.count("The retirement was announced for 12 June 2027.") == 1
    assert "Maren Olsen" in body

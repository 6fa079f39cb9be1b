"""Announced retirements: what they cover, what they write, and that withdrawing undoes it."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from apps.catalog.actions import remove_manual_fact, set_manual_fact
from apps.catalog.models import AnnouncedOffering, Assertion, ProviderEvent, RetirementAnnouncement
from apps.catalog.retirements.announcements import (
    RetirementTerms,
    announce_retirement,
    preview_announcement,
    withdraw_announcement,
)
from apps.catalog.retirements.coverage import offering_ids_by_name
from apps.common.errors import ConflictError, DomainError
from apps.common.time import day_of, now
from tests.builders import (
    make_claim,
    make_offering,
    make_provider,
    make_source,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


class Catalogue:
    """One version with three model IDs on two hosts, one of them dated by a feed; an alias that
    points to it, a retired row, and a successor on another host."""

    def __init__(self) -> None:
        self.at = now()
        self.today = day_of(self.at)
        self.retires_on = self.today + timedelta(days=90)
        self.version = make_version("maker/model-x-20250101")
        self.azure, self.bedrock = make_provider("azure"), make_provider("bedrock")
        self.first = make_offering("model-x", host=self.azure, version=self.version)
        self.second = make_offering("maker.model-x-v1", host=self.bedrock, version=self.version)
        self.dated = make_offering("eu.maker.model-x-v1", host=self.bedrock, version=self.version)
        self.feed_date = self.today + timedelta(days=120)
        make_claim(
            make_source(),
            "bedrock/eu",
            offering=self.dated,
            value={"retires_on": self.feed_date.isoformat(), "date_kind": "firm"},
        )
        self.dated.retires_on, self.dated.date_kind = self.feed_date, "firm"
        self.dated.lifecycle = "deprecated"
        self.dated.save()
        self.alias = make_offering(
            "model-latest", host=self.azure, version=self.version, binding="alias"
        )
        self.retired = make_offering(
            "model-x-preview", host=self.azure, version=self.version, lifecycle="retired"
        )
        self.successor = make_offering("model-y", host=make_provider("other-host"))
        self.governance = make_user(role="governance", first_name="Maren", last_name="Olsen")

    def terms(self, **given) -> RetirementTerms:
        given.setdefault("subject", self.version)
        given.setdefault("retires_on", self.retires_on)
        return RetirementTerms(**given)

    def announce(self, **given) -> RetirementAnnouncement:
        return announce_retirement(self.terms(**given), at=self.at, by=self.governance)

    def withdraw(self, announcement, **given) -> RetirementAnnouncement:
        given.setdefault("at", self.at + timedelta(days=1))
        return withdraw_announcement(
            announcement=announcement, by=self.governance, reason="A mistake.", **given
        )


@pytest.fixture
@kept_world
def catalogue(db: None) -> Catalogue:
    return Catalogue()


def covered(announcement: RetirementAnnouncement) -> list[str]:
    return sorted(announcement.offerings.values_list("api_id", flat=True))


def test_the_preview_shows_every_model_id_with_its_date_and_writes_nothing(catalogue):
    preview = preview_announcement(catalogue.terms(), on=catalogue.today)

    dates = {row.offering.api_id: row.offering.retires_on for row in preview.rows if row.is_covered}
    assert dates == {
        "model-x": None,
        "maker.model-x-v1": None,
        "eu.maker.model-x-v1": catalogue.feed_date,
    }
    left_out = {row.offering.api_id for row in preview.rows if not row.is_covered}
    assert left_out == {"model-latest", "model-x-preview"}
    assert not RetirementAnnouncement.objects.exists()
    assert not Assertion.objects.filter(source__slug="manual").exists()


def test_an_announcement_dates_every_model_id_and_links_the_successor(catalogue):
    announcement = catalogue.announce(
        successor=catalogue.successor, source_url="https://maker.example/deprecations"
    )

    assert covered(announcement) == ["eu.maker.model-x-v1", "maker.model-x-v1", "model-x"]
    for offering in announcement.offerings.all():
        assert offering.retires_on == catalogue.retires_on
        assert offering.date_kind == "firm"
        assert offering.lifecycle == "deprecated"
        assert offering.replacement == catalogue.successor
    claims = Assertion.objects.filter(source__slug="manual")
    assert {claim.asserted_by for claim in claims} == {catalogue.governance}
    assert {claim.source_url for claim in claims} == {"https://maker.example/deprecations"}


def test_each_model_id_has_the_event_of_its_change_and_the_announcement_groups_them(catalogue):
    announcement = catalogue.announce()

    events = {
        row.offering.api_id: (row.event.kind, row.event.old, row.event.new)
        for row in announcement.announced_offerings.select_related("event", "offering")
    }
    day = catalogue.retires_on.isoformat()
    assert events == {
        "model-x": ("announced", None, day),
        "maker.model-x-v1": ("announced", None, day),
        "eu.maker.model-x-v1": ("moved_earlier", catalogue.feed_date.isoformat(), day),
    }
    event = catalogue.first.events.get()
    assert event.source.slug == "manual"
    assert event.evidence.get().asserted_by == catalogue.governance


def test_an_earliest_date_is_an_announcement_too(catalogue):
    announcement = catalogue.announce(date_kind="not_before")

    catalogue.first.refresh_from_db()
    assert catalogue.first.date_kind == "not_before"
    assert catalogue.first.lifecycle == "deprecated"
    assert announcement.announced_offerings.get(offering=catalogue.first).event.kind == "announced"


def test_the_coverage_follows_hosts_and_selected_model_ids(catalogue):
    assert covered(catalogue.announce(hosts=[catalogue.azure])) == ["model-x"]
    selected = catalogue.announce(
        offering_ids=[catalogue.second.pk, catalogue.alias.pk],
    )
    assert covered(selected) == ["maker.model-x-v1", "model-latest"]
    assert selected.scope == "model_ids"


def test_a_foundation_a_provider_and_an_offering_can_be_announced(catalogue):
    foundation = preview_announcement(
        catalogue.terms(subject=catalogue.version.foundation), on=catalogue.today
    )
    host = preview_announcement(catalogue.terms(subject=catalogue.bedrock), on=catalogue.today)
    developer = preview_announcement(
        catalogue.terms(subject=catalogue.version.foundation.developer), on=catalogue.today
    )
    offering = preview_announcement(catalogue.terms(subject=catalogue.first), on=catalogue.today)

    assert len(foundation.offerings) == 3
    assert {row.api_id for row in host.offerings} == {"maker.model-x-v1", "eu.maker.model-x-v1"}
    # the successor is of the same developer
    assert len(developer.offerings) == 4
    assert [row.api_id for row in offering.offerings] == ["model-x"]


def test_the_same_announcement_again_changes_nothing(catalogue):
    first = catalogue.announce(successor=catalogue.successor)
    n_events = ProviderEvent.objects.count()

    assert catalogue.announce(successor=catalogue.successor) == first
    assert RetirementAnnouncement.objects.count() == 1
    assert ProviderEvent.objects.count() == n_events


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({"retires_on": date(2020, 1, 1)}, "retires_on", "2020-01-01 is in the past."),
        ({"date_kind": "perhaps"}, "date_kind", "Choose whether the retirement date is"),
        ({"source_url": "maker.example"}, "source_url", "must start with https://"),
        ({"offering_ids": []}, "offerings", "Select at least one model ID."),
    ],
)
def test_terms_that_do_not_hold_together_are_refused(catalogue, given, field, sentence):
    with pytest.raises(DomainError, match=sentence) as refusal:
        catalogue.announce(**given)
    assert refusal.value.field == field
    assert not RetirementAnnouncement.objects.exists()


def test_a_successor_that_retires_as_well_is_refused(catalogue):
    with pytest.raises(DomainError, match="is among the model IDs that retire"):
        catalogue.announce(successor=catalogue.first)
    with pytest.raises(DomainError, match="is retired"):
        catalogue.announce(successor=catalogue.retired)
    catalogue.successor.retires_on, catalogue.successor.date_kind = catalogue.retires_on, "firm"
    catalogue.successor.lifecycle = "deprecated"
    catalogue.successor.save()
    with pytest.raises(DomainError, match="no later than the model itself"):
        catalogue.announce(successor=catalogue.successor)


def test_another_announcement_of_the_same_model_id_is_refused_with_its_author(catalogue):
    catalogue.announce(hosts=[catalogue.azure])

    with pytest.raises(ConflictError, match=r"by Maren Olsen covers model-x on Azure already"):
        catalogue.announce(
            offering_ids=[catalogue.first.pk], retires_on=catalogue.retires_on + timedelta(days=9)
        )
    # what it does not cover can be announced
    rest = catalogue.announce(retires_on=catalogue.retires_on + timedelta(days=9))
    assert covered(rest) == ["eu.maker.model-x-v1", "maker.model-x-v1"]
    with pytest.raises(DomainError, match="covers these model IDs already"):
        catalogue.announce(retires_on=catalogue.retires_on + timedelta(days=20))


def test_the_database_keeps_one_open_announcement_for_an_offering(catalogue):
    first = catalogue.announce(hosts=[catalogue.azure])
    row = first.announced_offerings.get()
    other = RetirementAnnouncement.objects.create(
        version=catalogue.version,
        scope="all_hosts",
        retires_on=catalogue.retires_on,
        date_kind="firm",
        announced_at=catalogue.at,
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        AnnouncedOffering.objects.create(
            announcement=other, offering=catalogue.first, claim=row.claim
        )


def test_a_retired_model_id_is_refused_when_selected(catalogue):
    with pytest.raises(DomainError, match="is already retired"):
        catalogue.announce(offering_ids=[catalogue.retired.pk])


def test_a_provider_without_model_ids_is_refused(catalogue):
    with pytest.raises(DomainError, match="No model ID of Empty is known"):
        catalogue.announce(subject=make_provider("empty"))


def test_withdrawing_undoes_dates_successor_and_coverage(catalogue):
    announcement = catalogue.announce(successor=catalogue.successor)

    withdrawn = catalogue.withdraw(announcement)

    for offering, retires_on in (
        (catalogue.first, None),
        (catalogue.second, None),
        (catalogue.dated, catalogue.feed_date),
    ):
        offering.refresh_from_db()
        assert offering.retires_on == retires_on
        assert offering.replacement is None
    assert withdrawn.withdrawn_by == catalogue.governance
    assert withdrawn.withdrawal_reason == "A mistake."
    events = {
        row.offering.api_id: (row.withdrawal_event.kind, row.withdrawal_event.new)
        for row in withdrawn.announced_offerings.select_related("withdrawal_event", "offering")
    }
    assert events == {
        "model-x": ("withdrawn", None),
        "maker.model-x-v1": ("withdrawn", None),
        "eu.maker.model-x-v1": ("moved_later", catalogue.feed_date.isoformat()),
    }


def test_withdrawing_twice_changes_nothing_and_needs_a_reason(catalogue):
    announcement = catalogue.announce()
    with pytest.raises(DomainError, match="Enter a reason"):
        withdraw_announcement(
            announcement=announcement, at=catalogue.at, by=catalogue.governance, reason=" "
        )
    catalogue.withdraw(announcement)
    n_events = ProviderEvent.objects.count()
    catalogue.withdraw(announcement)
    assert ProviderEvent.objects.count() == n_events


def test_withdrawing_restores_the_manual_value_of_before(catalogue):
    other = make_user(role="governance")
    earlier = catalogue.today + timedelta(days=300)
    set_manual_fact(
        offering=catalogue.first,
        value={"retires_on": earlier, "date_kind": "firm"},
        by=other,
        reason="The account manager said so.",
    )
    announcement = catalogue.announce(successor=catalogue.successor)

    catalogue.withdraw(announcement)

    catalogue.first.refresh_from_db()
    assert catalogue.first.retires_on == earlier
    assert catalogue.first.replacement is None
    claim = catalogue.first.assertions.get(source__slug="manual")
    assert claim.withdrawn_at is None
    assert claim.asserted_by == other
    assert claim.reason == "The account manager said so."


def test_withdrawing_restores_the_successor_of_before(catalogue):
    catalogue.first.replacement = catalogue.second
    catalogue.first.save()
    announcement = catalogue.announce(
        offering_ids=[catalogue.first.pk], successor=catalogue.successor
    )

    catalogue.withdraw(announcement)

    catalogue.first.refresh_from_db()
    assert catalogue.first.replacement == catalogue.second


def test_a_value_that_a_user_changed_later_stops_the_withdrawal(catalogue):
    announcement = catalogue.announce()
    set_manual_fact(
        offering=catalogue.first,
        value={"retires_on": catalogue.retires_on + timedelta(days=5), "date_kind": "firm"},
        by=catalogue.governance,
        reason="Corrected.",
    )

    with pytest.raises(ConflictError, match="Maren Olsen changed the date of model-x on Azure"):
        catalogue.withdraw(announcement)

    # once that override is removed, the rest can be undone
    remove_manual_fact(
        assertion=catalogue.first.assertions.get(source__slug="manual"),
        by=catalogue.governance,
        reason="Not so.",
    )
    assert catalogue.withdraw(announcement).is_withdrawn


def test_a_withdrawn_retirement_can_be_announced_again_and_is_news(catalogue):
    catalogue.withdraw(catalogue.announce(hosts=[catalogue.azure]))

    again = catalogue.announce(hosts=[catalogue.azure])

    assert again.announced_offerings.get().event.kind == "announced"
    assert catalogue.first.events.filter(kind="announced").count() == 2


def test_model_ids_are_found_by_name_without_case_and_unknown_ones_refused(catalogue):
    ids = offering_ids_by_name(catalogue.version, ["MODEL-X", " maker.model-x-v1 "])
    assert set(ids) == {catalogue.first.pk, catalogue.second.pk}
    with pytest.raises(DomainError, match="has no model ID 'model-z'"):
        offering_ids_by_name(catalogue.version, ["model-z"])


def test_a_feed_that_names_another_date_does_not_move_an_announced_one(catalogue):
    announcement = catalogue.announce(date_kind="firm")
    catalogue.dated.refresh_from_db()
    assert (
        catalogue.dated.lifecycle_claim
        == announcement.announced_offerings.get(offering=catalogue.dated).claim
    )

"""Capabilities and data terms that users enter: who, what, when, and how it is taken back."""

from datetime import date, timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.claims.stated_values import (
    StatedValueWrite,
    record_stated_value,
    remove_stated_value,
    stated_value_changes,
    undo_stated_values,
)
from apps.catalog.models import Assertion, Offering, ProviderEvent
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.time import day_of, now
from tests.builders import make_offering, make_user

pytestmark = pytest.mark.django_db

TESTED_ON = date(2026, 1, 10)


@pytest.fixture
def ada() -> User:
    return make_user("ada", role="governance")


def enter(offering: Offering, by: User, **facts: Any) -> StatedValueWrite:
    return record_stated_value(
        **{
            "offering": offering,
            "topic": "capability",
            "field": "tool_calling",
            "value": True,
            "kind": "own_test",
            "at": TESTED_ON,
            "note": "Called two tools",
            "by": by,
            **facts,
        }
    )


def test_an_own_test_applies_until_it_is_removed(ada: User) -> None:
    offering = make_offering("m")
    claim = enter(offering, ada).claim

    assert claim.value == {
        "tool_calling": {
            "value": True,
            "at": "2026-01-10",
            "kind": "own_test",
            "by": "ada",
            "note": "Called two tools",
        }
    }
    assert (claim.source.slug, claim.asserted_by) == ("manual", ada)
    assert settled_values([offering.pk])[offering.pk]["tool_calling"].value is True

    enter(offering, ada, field="vision", value=False)
    remove_stated_value(
        offering=offering, topic="capability", field="tool_calling", by=ada, reason="Wrong model"
    )
    settled = settled_values([offering.pk])[offering.pk]
    assert "tool_calling" not in settled
    assert settled["vision"].value is False


def test_data_terms_are_a_claim_of_their_own(ada: User) -> None:
    offering = make_offering("m")
    enter(
        offering,
        ada,
        topic="data_terms",
        field="retention_days",
        value=0,
        kind="statement",
        source_url="https://acme.example/terms",
    )
    assert settled_values([offering.pk], "data_terms")[offering.pk]["retention_days"].value == 0
    assert settled_values([offering.pk]) == {}


@pytest.mark.parametrize(
    ("facts", "field", "words"),
    [
        ({"value": "yes"}, "value", "must be yes or no"),
        ({"field": "context_window", "value": 0}, "value", "whole number of tokens"),
        ({"field": "telepathy"}, "field", "Use one of"),
        ({"topic": "mood"}, "topic", "must be one of"),
        ({"kind": "rumour"}, "kind", "must be one of"),
        ({"kind": "statement", "note": ""}, "source_url", "Enter the address"),
        ({"source_url": "javascript:alert(1)"}, "source_url", "must start with https://"),
        ({"source_url": "https://"}, "source_url", "must start with https://"),
        ({"note": "x" * 1001}, "note", "at most 1,000 characters"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence(
    facts: dict[str, Any], field: str, words: str, ada: User
) -> None:
    with pytest.raises(DomainError, match=words) as refusal:
        enter(make_offering("m"), ada, **facts)
    assert refusal.value.field == field


def test_a_day_to_come_and_a_name_are_refused(ada: User) -> None:
    with pytest.raises(DomainError, match="in the future"):
        enter(make_offering("m"), ada, at=day_of(now()) + timedelta(days=1))
    with pytest.raises(DomainError, match="Choose the model ID first"):
        enter(make_offering("Some model", kind="name"), ada)


def test_only_governance_enters_and_removes(ada: User) -> None:
    offering, viewer = make_offering("m"), make_user("vic")
    with pytest.raises(ForbiddenError, match="governance role"):
        enter(offering, viewer)
    write = enter(offering, ada)
    with pytest.raises(ForbiddenError):
        remove_stated_value(
            offering=offering, topic="capability", field="tool_calling", by=viewer, reason="x"
        )
    with pytest.raises(ForbiddenError):
        undo_stated_values(change=write.change, by=viewer)  # type: ignore[arg-type]


def test_a_removal_needs_a_value_and_a_reason(ada: User) -> None:
    offering = make_offering("m")
    with pytest.raises(ConflictError, match="No user entered a value for tool calling"):
        remove_stated_value(
            offering=offering, topic="capability", field="tool_calling", by=ada, reason="x"
        )
    enter(offering, ada)
    with pytest.raises(DomainError, match="Enter a reason"):
        remove_stated_value(
            offering=offering, topic="capability", field="tool_calling", by=ada, reason=" "
        )


def test_the_history_names_each_change_and_undoes_it(ada: User) -> None:
    offering = make_offering("m")
    first = enter(offering, ada)
    assert enter(offering, ada).change is None  # nothing differs
    second = enter(offering, ada, value=False, note="It refused")
    other = enter(offering, ada, field="vision", value=True)
    assert second.change is not None
    assert other.change is not None

    changes = stated_value_changes(offering.pk, "capability")
    assert [change.change for change in changes] == [other.change, second.change, first.change]
    assert [change.stands for change in changes] == [True, True, False]
    assert (changes[1].actor, changes[1].reason) == ("ada", "It refused")
    assert changes[1].before["tool_calling"]["value"] is True
    assert changes[1].after["tool_calling"]["value"] is False

    # a later change of another field is kept
    undone = undo_stated_values(change=second.change, by=ada)
    settled = settled_values([offering.pk])[offering.pk]
    assert (settled["tool_calling"].value, settled["vision"].value) == (True, True)
    with pytest.raises(ConflictError, match="changed this value later"):
        undo_stated_values(change=second.change, by=ada)
    assert undone.change is not None
    undo_stated_values(change=undone.change, by=ada)
    assert settled_values([offering.pk])[offering.pk]["tool_calling"].value is False


def test_an_own_test_that_finds_no_is_an_event(ada: User) -> None:
    offering = make_offering("m")
    enter(offering, ada)
    assert not ProviderEvent.objects.exists()
    enter(offering, ada, value=False)
    event = ProviderEvent.objects.get()
    assert (event.kind, event.source.slug, event.new) == (
        "capability_lost",
        "manual",
        {"tool_calling": False},
    )


def test_undoing_the_first_value_removes_it(ada: User) -> None:
    offering = make_offering("m")
    write = enter(offering, ada)
    assert write.change is not None
    undo_stated_values(change=write.change, by=ada)
    assert "tool_calling" not in settled_values([offering.pk]).get(offering.pk, {})
    assert Assertion.objects.get(pk=write.claim.pk).withdrawn_at is not None

"""A row that comes under another key is the same row, and nothing happened to it but what its day
says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.catalog.claims.feed_rows import FeedRow
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.ingestion.change_detection.records import IDENTITY, LIFECYCLE
from apps.catalog.ingestion.ingest import apply_due_facts, ingest_observation
from apps.catalog.models import Assertion, Offering, ProviderEvent, Source
from tests.builders import make_source
from tests.catalog.ingestion.histories import DAY, START, History, filler, row

BYSTANDERS = [row("acme/bystander"), row("acme/onlooker", "2027-03-01")]


def renamed(
    old: FeedRow, new: FeedRow, *, then: int = 20, others: list[FeedRow] | None = None, **ways: Any
) -> History:
    """`old` gone and `new` there in one observation, and so for `then` days more."""
    others = BYSTANDERS if others is None else others
    history = History()
    history.see([old, *others], START)
    for day in range(1, then):
        history.see([new, *others], START + day * DAY, **ways)
    return history


class TestByName:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("acme/gpt-4-32k", "acme/GPT-4 32K"),
            ("acme/model_x", "acme/model-x"),
            ("acme/a.b:c", "acme/A B C"),
        ],
    )
    def test_a_row_spelled_otherwise_is_neither_gone_nor_new(self, old: str, new: str) -> None:
        history = renamed(row(old, "2026-06-01"), row(new, "2026-06-01"))

        assert history.facts == []
        assert history.known[old, IDENTITY].withdrawn_at == START + DAY
        assert history.value(new, LIFECYCLE)["retires_on"] == "2026-06-01"

    @pytest.mark.parametrize(
        ("day", "kinds"), [("2026-08-01", ["moved_later"]), ("2026-04-01", ["moved_earlier"])]
    )
    def test_a_day_that_changed_with_the_key_is_a_move_under_the_new_key(
        self, day: str, kinds: list[str]
    ) -> None:
        history = renamed(row("acme/model_x", "2026-06-01"), row("acme/model-x", day))

        assert [(fact.kind, fact.external_id, fact.old, fact.new) for fact in history.facts] == [
            (kinds[0], "acme/model-x", "2026-06-01", day)
        ]

    def test_a_day_that_comes_up_with_the_new_key_is_announced(self) -> None:
        history = renamed(row("acme/model_x"), row("acme/model-x", "2026-06-01"))

        assert history.steps() == [("announced", None, "2026-06-01")]

    def test_a_soft_day_that_is_firm_under_the_new_key_is_announced(self) -> None:
        history = renamed(
            row("acme/model_x", "2026-06-01", kind="not_before"), row("acme/model-x", "2026-06-01")
        )

        assert history.steps() == [("announced", "2026-06-01", "2026-06-01")]

    def test_a_day_that_got_lost_with_the_key_is_withdrawn_if_it_stays_away(self) -> None:
        history = renamed(row("acme/model_x", "2026-06-01"), row("acme/model-x"))

        assert history.steps() == [("withdrawn", "2026-06-01", None)]
        assert history.facts[0].detected_at == START + 8 * DAY

    def test_a_day_that_follows_its_key_a_poll_later_was_never_gone(self) -> None:
        history = renamed(row("acme/model_x", "2026-06-01"), row("acme/model-x"), then=2)

        for day in range(2, 20):
            history.see([row("acme/model-x", "2026-06-01"), *BYSTANDERS], START + day * DAY)

        assert history.facts == []

    def test_the_same_name_at_another_provider_is_another_row(self) -> None:
        history = renamed(row("acme/model-x", "2026-06-01"), row("zenith/model-x", "2026-06-01"))

        assert [(fact.kind, fact.external_id) for fact in history.facts] == [
            ("announced", "zenith/model-x"),
            ("delisted", "acme/model-x"),
        ]

    def test_so_it_is_when_the_row_was_the_only_one_of_its_provider(self) -> None:
        history = renamed(
            row("acme/model-x", "2026-06-01"),
            row("zenith/model-x", "2026-09-01"),
            others=[row("other/z")],
        )

        assert ("announced", None, "2026-09-01") in history.steps()


class TestByDay:
    def test_a_row_with_the_provider_and_day_of_one_that_went_is_that_row(self) -> None:
        history = renamed(
            row("acme/anthropic.claude-x-v1:0", "2026-06-01"), row("acme/Claude X", "2026-06-01")
        )

        assert history.facts == []

    def test_of_several_with_one_day_each_goes_to_the_name_most_like_it(self) -> None:
        history = History()
        history.see(
            [row("acme/vendor.sonnet-v1", "2026-06-01"), row("acme/vendor.haiku-v1", "2026-06-01")],
            START,
        )

        history.see(
            [row("acme/Haiku (1)", "2026-06-01"), row("acme/Sonnet (1)", "2026-06-01")], START + DAY
        )
        history.see(
            [row("acme/Haiku (1)", "2026-06-01"), row("acme/Sonnet (1)", "2026-06-01")],
            START + 30 * DAY,
        )

        assert history.facts == []

    def test_a_row_too_many_is_announced_all_the_same(self) -> None:
        history = History()
        history.see([row("acme/vendor.sonnet-v1", "2026-06-01"), *BYSTANDERS], START)

        history.see(
            [row("acme/Sonnet (1)", "2026-06-01"), row("acme/Opus", "2026-06-01"), *BYSTANDERS],
            START + DAY,
        )

        assert [(fact.kind, fact.external_id) for fact in history.facts] == [
            ("announced", "acme/Opus")
        ]

    def test_a_bulk_of_rows_under_new_keys_is_no_vanishing(self) -> None:
        old = [row(f"acme/anthropic.model-{n}-v1:0", f"2026-06-{n + 1:02}") for n in range(20)]
        new = [row(f"acme/Model Number {n}", f"2026-06-{n + 1:02}") for n in range(20)]
        history = History()
        history.see(old, START)

        history.see(new, START + DAY)
        assert history.last.held == {}
        history.see(new, START + 20 * DAY)

        assert history.facts == []

    def test_a_row_without_a_day_and_with_another_name_is_gone_and_new(self) -> None:
        history = renamed(row("acme/alpha"), row("acme/omega"))

        assert [(fact.kind, fact.external_id) for fact in history.facts] == [
            ("delisted", "acme/alpha")
        ]


class TestByPrices:
    PRICES = {"input": "3", "output": "15"}

    def test_equal_prices_and_names_alike_are_one_row(self) -> None:
        history = renamed(
            row("acme/claude-3.5-sonnet-beta", prices=self.PRICES),
            row("acme/claude-3.5-sonnet", prices=self.PRICES),
        )

        assert history.facts == []

    def test_equal_prices_alone_are_chance(self) -> None:
        history = renamed(
            row("acme/alpha-large", prices=self.PRICES), row("acme/omicron", prices=self.PRICES)
        )

        assert history.kinds() == ["delisted"]

    def test_one_equal_price_is_chance_too(self) -> None:
        history = renamed(
            row("acme/claude-3.5-sonnet-beta", price="3"), row("acme/claude-3.5-sonnet", price="3")
        )

        assert history.kinds() == ["delisted"]

    def test_a_price_that_changes_later_is_compared_under_the_new_key(self) -> None:
        history = renamed(
            row("acme/model_x", prices=self.PRICES), row("acme/model-x", prices=self.PRICES), then=3
        )

        for day in range(3, 8):
            history.see(
                [row("acme/model-x", prices=self.PRICES | {"input": "2"}), *BYSTANDERS],
                START + day * DAY,
            )

        assert history.steps() == [("repriced", {"input": "3"}, {"input": "2"})]


class TestByIdentity:
    def test_rows_known_as_one_model_at_one_host_are_one_whatever_their_names_and_days(
        self,
    ) -> None:
        history = renamed(
            row("acme/alpha", "2026-06-01"),
            row("acme/omega", "2026-08-01"),
            identity_of={"acme/alpha": "one", "acme/omega": "one"},
        )

        assert [(fact.kind, fact.external_id) for fact in history.facts] == [
            ("moved_later", "acme/omega")
        ]

    def test_identity_is_surer_than_a_like_name(self) -> None:
        history = History()
        history.see(
            [row("acme/a-1", "2026-06-01"), row("acme/b-1", "2026-07-01"), *BYSTANDERS], START
        )

        history.see(
            [row("acme/b_1", "2026-06-01"), row("acme/c", "2026-07-01"), *BYSTANDERS],
            START + DAY,
            identity_of={"acme/a-1": "one", "acme/b_1": "one", "acme/b-1": "two", "acme/c": "two"},
        )

        assert history.facts == []


class TestProviders:
    MODELS = range(10)

    def rows(self, provider: str) -> list[FeedRow]:
        return [row(f"{provider}/model-{n}", f"2026-06-{n + 1:02}") for n in self.MODELS]

    def test_a_renamed_provider_is_nothing(self) -> None:
        history = History()
        for day, name in enumerate(["zai", "z-ai", "z-ai"]):
            history.see(self.rows(name), START + 10 * day * DAY)

        assert (history.facts, history.last.held) == ([], {})

    def test_so_it_is_when_another_provider_lists_models_of_the_same_names(self) -> None:
        history = History()
        for day, name in enumerate(["zai", "z-ai", "z-ai"]):
            history.see([*self.rows(name), *self.rows("reseller")], START + 10 * day * DAY)

        assert (history.facts, history.last.held) == ([], {})

    def test_so_it_is_when_one_of_its_rows_had_left_before(self) -> None:
        history = History(absence="nothing")
        history.see([*self.rows("zai"), row("zai/gone")], START)
        for day in (1, 9):
            history.see(self.rows("zai"), START + day * DAY)

        for day in (10, 20):
            history.see(self.rows("z-ai"), START + day * DAY)

        assert (history.facts, history.last.held) == ([], {})

    def test_so_it_is_when_it_takes_its_old_name_back(self) -> None:
        history = History()
        for day, name in enumerate(["zai", "z-ai", "zai", "zai", "zai"]):
            history.see(self.rows(name), START + 5 * day * DAY)

        assert history.facts == []


class TestOverSeveralObservations:
    def test_a_key_gone_one_poll_before_the_new_one_comes_is_neither_delisted_nor_announced(
        self,
    ) -> None:
        history = History()
        history.see([row("acme/model_x", "2026-06-01"), *BYSTANDERS], START)
        history.see(BYSTANDERS, START + DAY)

        for day in range(2, 20):
            history.see([row("acme/model-x", "2026-06-01"), *BYSTANDERS], START + day * DAY)

        assert history.facts == []

    def test_a_key_that_leaves_while_another_spelling_of_it_stands_is_not_delisted(self) -> None:
        both = [row("acme/model_x"), row("acme/model-x"), *BYSTANDERS]
        history = History()
        history.see([row("acme/model_x"), *BYSTANDERS], START)
        history.see(both, START + DAY)

        for day in range(2, 20):
            history.see(both[1:], START + day * DAY)

        assert history.facts == []

    def test_a_key_that_goes_back_and_forth_is_never_news(self) -> None:
        names = ["acme/alpha", "acme/Alpha One"]
        history = History()
        for day in range(12):
            history.see([row(names[day % 2], "2026-06-01"), *BYSTANDERS], START + day * DAY)
        history.see([row(names[0], "2026-06-01"), *BYSTANDERS], START + 40 * DAY)
        history.see([row(names[0], "2026-06-01"), *BYSTANDERS], START + 50 * DAY)

        assert history.facts == []

    def test_a_key_that_returns_is_compared_with_what_was_said_last(self) -> None:
        history = History()
        history.see([row("acme/alpha", "2026-06-01"), *BYSTANDERS], START)
        history.see([row("acme/Alpha One", "2026-06-01"), *BYSTANDERS], START + DAY)
        history.see([row("acme/Alpha One", "2026-07-01"), *BYSTANDERS], START + 2 * DAY)

        history.see([row("acme/alpha", "2026-07-01"), *BYSTANDERS], START + 3 * DAY)

        assert history.steps() == [("moved_later", "2026-06-01", "2026-07-01")]

    def test_a_person_who_accepts_removals_is_not_told_of_rows_that_came_back_spelled_otherwise(
        self,
    ) -> None:
        history = History()
        history.see([*filler(6), *[row(f"acme/model_{n}") for n in range(3)]], START)
        history.see(filler(6), START + DAY)
        assert list(history.last.held) == ["acme"]
        history.see([*filler(6), *[row(f"acme/model-{n}") for n in range(3)]], START + 2 * DAY)

        history.accept(START + 3 * DAY)

        assert history.facts == []


# --- with what the catalogue knows ----------------------------------------------------------------

AT = datetime(2026, 9, 1, 6, tzinfo=UTC)


def served(api_id: str, ends: str) -> FeedRow:
    dated = row(f"bedrock/{api_id}", ends)
    return FeedRow(
        dated.external_id, "bedrock", "amazon-bedrock", api_id, lifecycle=dated.lifecycle
    )


@pytest.fixture
def source(db: None) -> Source:
    load_catalogue(identities_only=True, at=AT)
    return make_source("litellm")


def observed(source: Source, *days: list[FeedRow]) -> list[tuple[str, str, Any, Any]]:
    """What these payloads, a day apart, raised: (kind, row, old, new)."""
    for number, rows in enumerate(days):
        ingest_observation(source=source, rows=rows, at=AT + number * DAY, baseline=number == 0)
    events = ProviderEvent.objects.order_by("detected_at", "pk")
    return list(events.values_list("kind", "external_id", "old", "new"))


@pytest.mark.proof
def test_two_spellings_of_one_version_at_one_host_are_one_row(source: Source) -> None:
    old, new = "anthropic.claude-3-5-sonnet-20241022-v2:0", "Claude 3.5 Sonnet v2"

    events = observed(source, [served(old, "2026-12-01")], *[[served(new, "2027-02-01")]] * 12)

    assert events == [("moved_later", f"bedrock/{new}", "2026-12-01", "2027-02-01")]
    assert set(Assertion.objects.values_list("offering__api_id", flat=True)) == {old}


@pytest.mark.proof
def test_two_versions_of_one_family_are_two_rows(source: Source) -> None:
    old, new = "anthropic.claude-3-opus-20240229-v1:0", "anthropic.claude-3-5-sonnet-20241022-v2:0"

    events = observed(source, [served(old, "2026-12-01")], *[[served(new, "2027-02-01")]] * 12)

    assert events == [
        ("announced", f"bedrock/{new}", None, "2027-02-01"),
        ("delisted", f"bedrock/{old}", "2026-12-01", None),
    ]


@pytest.mark.proof
def test_an_id_and_the_name_that_points_to_its_version_are_one_row(source: Source) -> None:
    old, new = "anthropic.claude-3-7-sonnet-20250219-v1:0", "Claude 3.7 Sonnet"

    events = observed(source, [served(old, "2026-12-01")], *[[served(new, "2027-02-01")]] * 12)

    assert events == [("moved_later", f"bedrock/{new}", "2026-12-01", "2027-02-01")]


@pytest.mark.django_db
class TestWhatStaysOnRecord:
    OLD = row("acme/model_x-v1:0", "2026-10-01", prices={"input": "3", "output": "15"})
    NEW = row("acme/Model X v1", "2026-10-01", prices={"input": "3", "output": "15"})

    def test_the_claims_under_the_old_key_stay_and_say_when_it_left(self) -> None:
        observed(make_source("litellm"), [self.OLD, *BYSTANDERS], [self.NEW, *BYSTANDERS])

        old = Assertion.objects.filter(external_id="acme/model_x-v1:0")
        assert {claim.topic for claim in old} == {"identity", "lifecycle", "price"}
        assert old.get(topic="identity").withdrawn_at == AT + DAY

    def test_who_calls_the_old_name_keeps_its_day_its_prices_and_its_end(self) -> None:
        observed(make_source("litellm"), [self.OLD, *BYSTANDERS], [self.NEW, *BYSTANDERS])
        offering = Offering.objects.get(api_id="model_x-v1:0")
        assert (offering.lifecycle, str(offering.retires_on)) == ("deprecated", "2026-10-01")
        assert offering.prices.filter(valid__endswith__isnull=True).count() == 2

        (event,) = apply_due_facts(at=AT + 60 * DAY)

        offering.refresh_from_db()
        assert (event.kind, event.offering, offering.lifecycle) == ("retired", offering, "retired")

"""The earliest possible end: what rules earlier days out, and where nothing may be said."""

from datetime import date, timedelta

import pytest

from apps.catalog.models import NoticePolicy
from apps.catalog.providers.earliest_retirement import (
    PublishedMinimum,
    earliest_retirement,
    is_preview,
    is_specialised,
    offering_earliest_retirement,
)
from apps.catalog.providers.track_record_queries import earliest_retirements
from tests.builders import TODAY, make_foundation, make_offering, make_provider, make_version

READ_ON = date(2026, 8, 22)
SIXTY = PublishedMinimum(
    "all",
    notice_days=60,
    life_days=365,
    source_url="https://maker.example/policy",
    source_on=READ_ON,
)
BY_KIND = [
    PublishedMinimum("general", notice_days=180),
    PublishedMinimum("specialised", notice_days=90),
    PublishedMinimum("preview", notice_days=14),
]


def earliest(**given):
    facts = {
        "not_before": None,
        "policies": [SIXTY],
        "released_on": None,
        "is_preview": False,
        "is_specialised": False,
    }
    return earliest_retirement(TODAY, **{**facts, **given})


class TestTheLatestBoundCounts:
    def test_notice_is_counted_from_today(self):
        found = earliest()

        assert found.day == TODAY + timedelta(60)
        assert found.why == ("At least 60 days of notice, counted from today.",)
        assert (found.source_url, found.source_on) == ("https://maker.example/policy", READ_ON)

    def test_life_counts_where_it_ends_later_than_the_notice(self):
        found = earliest(released_on=date(2026, 10, 1))

        assert found.day == date(2027, 10, 1)
        assert found.why[0] == "At least 365 days from the release on 1 Oct 2026."
        assert len(found.why) == 2

    def test_a_published_day_counts_where_it_is_the_latest_and_names_its_own_source(self):
        found = earliest(not_before=date(2027, 6, 9), not_before_url="https://maker.example/models")

        assert found.day == date(2027, 6, 9)
        assert found.why[0] == "Published as no earlier than 9 Jun 2027."
        assert (found.source_url, found.source_on) == ("https://maker.example/models", None)

    def test_a_published_day_that_has_passed_still_leaves_the_notice(self):
        found = earliest(not_before=date(2026, 9, 29))

        assert found.day == TODAY + timedelta(60)
        assert all("29 Sep 2026" not in sentence for sentence in found.why)

    def test_a_life_that_is_over_and_no_promise_of_notice_rules_nothing_out(self):
        assert (
            earliest(
                policies=[PublishedMinimum("all", life_days=365)], released_on=date(2024, 1, 1)
            )
            is None
        )


class TestWhoIsCovered:
    def test_without_a_policy_nothing_is_said_even_beside_a_published_day(self):
        assert earliest(policies=[], not_before=date(2027, 6, 9)) is None

    @pytest.mark.parametrize(
        ("preview", "specialised", "days"),
        [(False, False, 180), (False, True, 90), (True, False, 14), (True, True, 14)],
    )
    def test_each_kind_has_its_own_notice(self, preview, specialised, days):
        found = earliest(policies=BY_KIND, is_preview=preview, is_specialised=specialised)

        assert found.day == TODAY + timedelta(days)

    def test_a_kind_without_a_policy_of_its_own_is_not_covered_by_that_of_another(self):
        assert earliest(policies=BY_KIND[:1], is_preview=True) is None

    def test_a_partners_model_is_covered_by_a_policy_about_all_models_only(self):
        assert earliest(policies=BY_KIND, is_partners=True) is None
        assert earliest(is_partners=True).day == TODAY + timedelta(60)


class TestOfAnOffering:
    def of(self, **given):
        facts = {
            "host": "maker",
            "api_id": "model-1",
            "category": "",
            "lifecycle": "active",
            "retires_on": None,
            "date_kind": "",
            "released_on": None,
            "is_partners": False,
            "policies": [SIXTY],
        }
        return offering_earliest_retirement(TODAY, **{**facts, **given})

    def test_it_stands_where_no_end_is_announced(self):
        assert self.of().day == TODAY + timedelta(60)
        assert self.of(retires_on=date(2027, 6, 9), date_kind="not_before").day == date(2027, 6, 9)

    def test_an_announced_end_is_the_answer_itself(self):
        assert (
            self.of(retires_on=date(2027, 6, 9), date_kind="firm", lifecycle="deprecated") is None
        )

    @pytest.mark.parametrize("lifecycle", ["legacy", "deprecated", "retired"])
    def test_where_the_end_has_begun_the_notice_may_run_since_a_day_nobody_knows(self, lifecycle):
        assert self.of(lifecycle=lifecycle) is None

    def test_a_lifecycle_of_preview_is_as_good_as_the_word_in_the_id(self):
        assert self.of(lifecycle="preview", policies=BY_KIND).day == TODAY + timedelta(14)


class TestKinds:
    @pytest.mark.parametrize(
        "api_id",
        [
            "gpt-4o-audio-preview",
            "grok-beta",
            "gemini-2.0-flash-exp",
            "labs-devstral",
            "experimental-1",
        ],
    )
    def test_previews_say_so_in_their_id(self, api_id):
        assert is_preview(api_id)

    @pytest.mark.parametrize("api_id", ["gpt-5.2", "command-expert", "claude-opus-4-5-20251101"])
    def test_others_do_not(self, api_id):
        assert not is_preview(api_id)

    @pytest.mark.parametrize(
        "api_id", ["gpt-5-chat-latest", "gpt-5.1-codex", "o3-deep-research", "gpt-realtime"]
    )
    def test_special_variants_at_openai(self, api_id):
        assert is_specialised(api_id, "chat", "openai")

    @pytest.mark.parametrize("api_id", ["gpt-5.2", "o3-pro", "gpt-image-1", "dall-e-3"])
    def test_general_models_at_openai(self, api_id):
        assert not is_specialised(api_id, "responses", "openai")

    def test_elsewhere_whatever_is_no_text_model_is_special(self):
        assert is_specialised("imagen-4.0", "image_generation", "google")
        assert is_specialised("gemini-2.5-flash-live", "chat", "google")
        assert not is_specialised("gemini-2.5-flash", "chat", "google")
        assert not is_specialised("olive-2", "chat", "google")


@pytest.mark.django_db
class TestFromTheCatalogue:
    def test_the_policy_of_the_host_counts_and_not_that_of_the_developer(
        self, django_assert_num_queries
    ):
        maker = make_provider("maker", roles=("developer", "host"))
        router = make_provider("router")
        NoticePolicy.objects.create(
            provider=maker, notice_days=60, source_url="https://maker.example/policy"
        )
        version = make_version(
            "maker/one", foundation=make_foundation("maker/one-line", developer=maker)
        )
        own = make_offering("one", host=maker, version=version, lifecycle="active")
        routed = make_offering("maker/one", host=router, version=version, lifecycle="active")

        with django_assert_num_queries(1):
            found = earliest_retirements([own, routed], today=TODAY)

        assert {pk: each.day for pk, each in found.items()} == {own.pk: TODAY + timedelta(60)}

    def test_a_general_policy_covers_the_models_of_the_company_above_and_not_those_of_partners(
        self,
    ):
        above = make_provider("google", roles=("developer",))
        host = make_provider("vertex", parent=above)
        NoticePolicy.objects.create(
            provider=host,
            scope="general",
            notice_days=100,
            source_url="https://vertex.example/policy",
        )
        own = make_version(
            "google/g-1", foundation=make_foundation("google/g-1-line", developer=above)
        )
        offerings = [
            make_offering("g-1", host=host, version=own, lifecycle="active"),
            make_offering("partner-1", host=host, lifecycle="active"),
            make_offering("unknown-1", host=host, resolved=False, lifecycle="active"),
        ]

        assert list(earliest_retirements(offerings, today=TODAY)) == [offerings[0].pk]

    def test_it_changes_no_offering(self):
        maker = make_provider("maker", roles=("developer", "host"))
        NoticePolicy.objects.create(
            provider=maker, notice_days=60, source_url="https://maker.example/policy"
        )
        offering = make_offering("one", host=maker, lifecycle="active")

        assert earliest_retirements([offering], today=TODAY)

        offering.refresh_from_db()
        assert (offering.retires_on, offering.date_kind, offering.lifecycle) == (None, "", "active")

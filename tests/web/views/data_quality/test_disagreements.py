"""Where sources disagree: what the pages show, to whom, and how a person decides."""

from datetime import timedelta

import pytest

from apps.catalog.claims.reconciliation import reconcile_offerings
from apps.catalog.models import Assertion
from apps.common.time import day_of, now
from apps.feeds.models import PollState
from apps.web.views.data_quality.disagreements import latest_disagreements
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_offering,
    make_provider,
    make_source,
)
from tests.http import file_lines, text_of

MOMENT = now()
EARLY, LATE = day_of(MOMENT) + timedelta(30), day_of(MOMENT) + timedelta(288)
LIST = "/feeds/disagreements/"


def say(slug, offering, ends, *, rank=20, topic="lifecycle", **fields):
    source = make_source(slug, name=f"{slug.title()} feed", trust_rank=rank)
    PollState.objects.get_or_create(
        source=source, defaults={"last_success_at": now() - timedelta(minutes=22, seconds=10)}
    )
    value = fields.pop(
        "value", {"retires_on": ends.isoformat(), "date_kind": "firm"} if ends else {}
    )
    claim = make_claim(
        source,
        f"{slug}/{offering.api_id}",
        topic=topic,
        offering=offering,
        value=value,
        first_seen=MOMENT - timedelta(40),
        changed_at=MOMENT - timedelta(20),
        excerpt=fields.pop("excerpt", {"shutdown": f"{ends}"}),
        **fields,
    )
    reconcile_offerings([offering.pk], at=MOMENT)
    return claim


@pytest.fixture
def disputed(world):
    """An offering on which the team's drafter and another team's application stand, and one nobody
    calls."""
    offering = make_offering("gpt-4o-realtime-preview", host=make_provider("openai", name="OpenAI"))
    make_dependency(world.drafter, offering)
    make_dependency(world.foreign, offering)
    unused = make_offering("gemini-1.5-flash", host=make_provider("google", name="Google"))
    for each in (offering, unused):
        say("alpha", each, EARLY, rank=10, source_url="https://example.org/alpha")
        say("beta", each, LATE)
    return offering


def test_the_list_shows_sides_what_counts_and_who_stands_there(world, disputed, as_user):
    page = text_of(as_user(world.viewer).get(LIST))

    assert "1 offering in use" in page
    assert "by 258 days" in page
    assert "Alpha feed" in page
    assert "Beta feed" in page
    assert "seen 22 min ago" in page
    assert "Alpha feed (priority 10) has a higher priority than Beta feed (priority 20)" in page
    assert "1 of 2 open disagreements are about an offering in use." in page
    assert "gemini-1.5-flash" not in page


def test_everyone_counts_the_own_applications_only(world, disputed, as_user):
    seen = {
        user: [
            row for row in as_user(user).get(LIST + "?in_use=").context["page"].rows if row.is_first
        ]
        for user in (world.viewer, world.governance, world.outsider)
    }

    assert [row.reach.n for row in seen[world.viewer] if row.offering == disputed] == [1]
    assert [row.reach.n for row in seen[world.governance] if row.offering == disputed] == [2]
    assert [row.reach.n for row in seen[world.outsider]] == [0, 0]


def test_a_user_without_applications_is_shown_the_way_to_all(world, disputed, as_user):
    page = text_of(as_user(world.outsider).get(LIST))

    assert "No disagreements about offerings in use." in page
    assert 'href="?in_use="' in page
    assert "gpt-4o-realtime-preview" not in page


def test_the_raw_excerpts_stand_beside_each_other_with_their_times(world, disputed, as_user):
    Assertion.objects.filter(source__slug="alpha").update(
        excerpt={"note": "<script>alert(1)</script>"}
    )

    page = as_user(world.viewer).get(LIST).content.decode()

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "https://example.org/alpha" in page
    assert "First seen" in page


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("?in_use=", 2),
        ("?in_use=&host=google", 1),
        ("?in_use=&source=beta", 2),
        ("?in_use=&source=gamma", 0),
        ("?state=decided&in_use=", 0),
        ("?state=past&in_use=", 0),
        ("?in_use=&q=realtime", 1),
        ("?state=nonsense", 1),
    ],
)
def test_filters_narrow_page_and_csv_alike(query, n, world, disputed, as_user):
    client = as_user(world.governance)

    assert client.get(LIST + query).context["listing"].n_found == n
    assert len(file_lines(client.get("/feeds/disagreements.csv" + query))) == 1 + 2 * n


def test_the_csv_has_a_line_for_each_claim(world, disputed, as_user):
    heads, first, second = (
        line.split(",")
        for line in file_lines(as_user(world.viewer).get("/feeds/disagreements.csv"))
    )

    said = [dict(zip(heads, line, strict=False)) for line in (first, second)]
    assert [(line["Source"], line["Retirement date"], line["Accepted"]) for line in said] == [
        ("Alpha feed", EARLY.isoformat(), "yes"),
        ("Beta feed", LATE.isoformat(), "no"),
    ]
    assert {line["Days apart"] for line in said} == {"258"}


def test_the_list_costs_the_same_however_long_it_is(
    world, disputed, as_user, django_assert_num_queries
):
    client = as_user(world.governance)
    for _ in range(4):
        offering = make_offering()
        make_dependency(make_application(team=world.team), offering)
        say("alpha", offering, EARLY)
        say("beta", offering, LATE)

    with django_assert_num_queries(17):
        client.get(LIST)


def test_days_that_passed_long_ago_are_kept_apart_and_said_so(world, as_user):
    offering = make_offering("old")
    say("alpha", offering, EARLY - timedelta(800))
    say("beta", offering, EARLY - timedelta(700))
    client = as_user(world.governance)

    page = text_of(client.get(LIST))

    assert "1 with dates of more than a year ago needs no decision." in page
    assert "View past disagreements" in page
    assert "old" in text_of(client.get(LIST + "?state=past&in_use="))


def test_an_empty_list_teaches(world, as_user):
    page = text_of(as_user(world.viewer).get(LIST))

    assert "No two sources contradict each other." in page
    assert "That needs at least two polled feeds." in page


class TestDeciding:
    def test_governance_decides_for_one_side_and_takes_it_back(self, world, disputed, as_user):
        client, path = as_user(world.governance), f"{LIST}{disputed.pk}/"
        beta = Assertion.objects.get(source__slug="beta", offering=disputed)
        assert "Save decision" in text_of(client.get(path))

        done = client.post(
            path, {"choice": beta.pk, "reason": "their mail of 3 March"}, follow=True
        )

        disputed.refresh_from_db()
        assert disputed.retires_on == LATE
        assert "Manual override by maren" in text_of(done)
        assert "their mail of 3 March" in text_of(done)
        assert "gpt-4o-realtime-preview" not in text_of(client.get(LIST))
        assert "gpt-4o-realtime-preview" in text_of(client.get(LIST + "?state=decided"))

        lifted = client.post(f"{path}lift/", {"reason": "the mail was wrong"}, follow=True)

        disputed.refresh_from_db()
        assert disputed.retires_on == EARLY
        assert "Override removed." in text_of(lifted)

    def test_what_the_side_says_beyond_its_day_is_kept(self, world, disputed, as_user):
        beta = Assertion.objects.get(source__slug="beta", offering=disputed)
        beta.value |= {"successor": "gpt-realtime", "announced_on": "2025-09-15"}
        beta.save()

        as_user(world.governance).post(
            f"{LIST}{disputed.pk}/", {"choice": beta.pk, "reason": "their mail"}
        )

        disputed.refresh_from_db()
        assert disputed.replacement_text == "gpt-realtime"
        assert str(disputed.announced_on) == "2025-09-15"

    def test_another_day_may_hold(self, world, disputed, as_user):
        other = EARLY + timedelta(10)

        as_user(world.governance).post(
            f"{LIST}{disputed.pk}/",
            {
                "choice": "other",
                "retires_on": other.isoformat(),
                "date_kind": "firm",
                "reason": "contract",
            },
        )

        disputed.refresh_from_db()
        assert disputed.retires_on == other

    def test_a_link_may_choose_the_side(self, world, disputed, as_user):
        beta = Assertion.objects.get(source__slug="beta", offering=disputed)

        page = text_of(as_user(world.governance).get(f"{LIST}{disputed.pk}/?side={beta.pk}"))

        assert f'value="{beta.pk}" checked' in page

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"choice": "", "reason": "r"}, "Select one of the dates, or enter another"),
            ({"choice": "999999", "reason": "r"}, "Select one of the dates, or enter another"),
            ({"choice": "other", "reason": "r"}, "Enter the date."),
            (
                {"choice": "other", "retires_on": "2027-06-01", "reason": "r"},
                "announced or the earliest possible date",
            ),
            (
                {"choice": "other", "retires_on": "soon", "date_kind": "firm", "reason": "r"},
                "Enter a date such as 2026-11-24",
            ),
            (
                {"choice": "other", "retires_on": "2027-06-01", "date_kind": "firm"},
                "Enter a reason with the source of the information",
            ),
        ],
    )
    def test_what_is_missing_is_said_and_nothing_decided(
        self, said, words, world, disputed, as_user
    ):
        answer = as_user(world.governance).post(f"{LIST}{disputed.pk}/", said)

        assert answer.status_code == 422
        assert words in text_of(answer)
        assert not Assertion.objects.filter(source__slug="manual").exists()

    def test_others_compare_but_do_not_decide(self, world, disputed, as_user):
        client, path = as_user(world.editor), f"{LIST}{disputed.pk}/"
        beta = Assertion.objects.get(source__slug="beta", offering=disputed)

        assert "You need the governance role to decide." in text_of(client.get(path))
        assert client.post(path, {"choice": beta.pk, "reason": "r"}).status_code == 403
        assert client.post(f"{path}lift/", {"reason": "r"}).status_code == 403

    def test_a_decision_is_lifted_with_a_reason_only(self, world, disputed, as_user):
        client, path = as_user(world.governance), f"{LIST}{disputed.pk}/"
        beta = Assertion.objects.get(source__slug="beta", offering=disputed)
        client.post(path, {"choice": beta.pk, "reason": "mail"})

        assert "Enter a reason for removing the override" in text_of(
            client.post(f"{path}lift/", {"reason": " "}, follow=True)
        )
        assert Assertion.objects.standing().filter(source__slug="manual").exists()

    def test_where_sources_agree_the_offering_itself_is_shown(self, world, as_user):
        client = as_user(world.governance)

        assert client.get(f"{LIST}{world.sonnet.pk}/").url == f"/offerings/{world.sonnet.pk}/"
        answer = client.post(
            f"{LIST}{world.sonnet.pk}/", {"choice": "1", "reason": "r"}, follow=True
        )
        assert "The sources now agree, so nothing was changed" in text_of(answer)

    def test_strangers_sign_in_first(self, client, disputed):
        assert client.get(LIST).status_code == 302
        assert client.get(f"{LIST}{disputed.pk}/").status_code == 302


def test_the_feeds_page_gets_the_newest_on_what_the_reader_stands_on(world, disputed):
    table = latest_disagreements(user=world.viewer, at=now())

    assert [row.offering for row in table.rows] == [disputed]
    assert (table.n_open, table.n_by_source) == (1, {"alpha": 1, "beta": 1})
    assert latest_disagreements(user=world.outsider, at=now()).rows == ()


class TestPrices:
    @pytest.fixture
    def priced(self, disputed):
        say("alpha", disputed, None, topic="price", value={"input": "5", "output": "30"}, rank=10)
        say("beta", disputed, None, topic="price", value={"input": "2", "output": "30"})
        return disputed

    def test_each_source_and_the_one_that_counts_are_shown(self, world, priced, as_user):
        page = text_of(as_user(world.viewer).get(f"{LIST}prices/"))

        assert "different prices for 1 offering in use" in page
        assert "up to 2.50 times" in page
        assert "accepted, USD" in page

    @pytest.mark.parametrize(
        ("query", "n"),
        [
            ("", 1),
            ("?host=openai", 1),
            ("?host=google", 0),
            ("?source=beta", 1),
            ("?source=gamma", 0),
            ("?q=flash", 0),
        ],
    )
    def test_filters_narrow_page_and_csv_alike(self, query, n, world, priced, as_user):
        client = as_user(world.viewer)

        assert client.get(f"{LIST}prices/{query}").context["listing"].n_found == n
        assert len(file_lines(client.get(f"{LIST}prices.csv{query}"))) == 1 + 2 * n

    def test_only_what_the_reader_stands_on_unless_asked_for_all(self, world, priced, as_user):
        client = as_user(world.outsider)

        assert "No prices differ." in text_of(client.get(f"{LIST}prices/"))
        assert "gpt-4o-realtime-preview" in text_of(client.get(f"{LIST}prices/?in_use="))

    def test_the_list_costs_the_same_however_long_it_is(
        self, world, priced, as_user, django_assert_num_queries
    ):
        client = as_user(world.governance)
        for _ in range(3):
            offering = make_offering()
            make_dependency(make_application(team=world.team), offering)
            say("alpha", offering, None, topic="price", value={"input": "5"})
            say("beta", offering, None, topic="price", value={"input": "2"})

        with django_assert_num_queries(16):
            client.get(f"{LIST}prices/")

"""What people ask to hear of on top of what is owed to them, and that the preview promises what
raising then does."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.alerts import subscription_preview
from apps.alerts.actions import raise_alerts
from apps.alerts.models import Alert, Delivery, Notice, Subscription, Webhook
from apps.alerts.preferences import (
    InvalidPreferenceError,
    PreferencePermissionError,
    delete_subscription,
    save_subscription,
    set_preference,
)
from apps.alerts.subscription_preview import preview_subscription
from apps.catalog.models import Offering, ProviderEvent
from apps.inventory.models import Application, Criticality
from tests.alerts.simulation import (
    addresses,
    day_in,
    last_text,
    look,
    mail_out,
    morning,
    pass_day,
    pass_days,
)
from tests.builders import (
    NOW,
    make_application,
    make_dependency,
    make_event,
    make_flag,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_source,
    make_team,
    make_user,
    make_version,
)
from tests.kept_worlds import kept_world
from tests.worlds.small import SmallWorld, make_small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_world
def world() -> SmallWorld:
    made = make_small_world()
    Offering.objects.update(retires_on=None, date_kind="")
    return made


@pytest.fixture
def viewer(world: SmallWorld) -> User:
    """May read what Claims owns and is told of nothing."""
    return make_member(world.team, TeamRole.VIEWER, make_user("viewer"))


def subscribe(user: User, **wish: Any) -> Subscription:
    return save_subscription(subscription=Subscription(user=user, **wish), by=user)


def is_told(user: User) -> bool:
    look(NOW)
    mail_out(NOW)
    return Delivery.objects.filter(user=user, state="sent").exists()


# --- filters --------------------------------------------------------------------------------------


@pytest.mark.proof
@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, True),
        ({"kinds": ["announced", "retired"]}, True),
        ({"kinds": ["retired"]}, False),
        ({"min_severity": 4}, True),
        ({"min_severity": 5}, False),
        ({"max_days_left": 60}, True),
        ({"max_days_left": 30}, False),
        ({"provider": "google-vertex-ai"}, True),
        ({"provider": "google"}, True),
        ({"provider": "openai"}, False),
        ({"foundation": "google/gemini-2.5-pro"}, True),
        ({"foundation": "openai/gpt-5"}, False),
        ({"team": "own"}, True),
        ({"team": "above"}, True),
        ({"team": "beside"}, False),
        (
            {
                "provider": "google",
                "kinds": ["announced"],
                "min_severity": 3,
                "team": "own",
                "max_days_left": 90,
            },
            True,
        ),
        ({"enabled": False}, False),
    ],
)
def test_all_filters_must_hold(
    world: SmallWorld, viewer: User, wish: dict[str, Any], expected: bool
) -> None:
    above = make_team()
    world.team.parent = above
    world.team.save()
    teams = {"own": world.team, "above": above, "beside": make_team(parent=above)}
    make_member(above, TeamRole.VIEWER, viewer)
    if "provider" in wish:
        wish["provider"] = make_provider(wish["provider"], roles=("developer",))
    if "foundation" in wish:
        foundation = world.offering.version.foundation  # type: ignore[union-attr]
        wish["foundation"] = (
            foundation if wish["foundation"] == foundation.line else make_foundation("openai/gpt-5")
        )
    if "team" in wish:
        wish["team"] = teams[wish["team"]]
    subscribe(viewer, **wish)
    world.event()

    assert is_told(viewer) is expected


def test_nobody_hears_by_subscription_of_what_they_may_not_see(world: SmallWorld) -> None:
    stranger = make_member(make_team(), TeamRole.OWNER, make_user("stranger"))
    subscribe(stranger)
    world.event()

    assert not is_told(stranger)
    with pytest.raises(InvalidPreferenceError, match="do not have access"):
        subscribe(stranger, team=world.team)
    with pytest.raises(PreferencePermissionError):
        save_subscription(subscription=Subscription(user=stranger), by=make_user())


def test_who_loses_sight_of_it_before_the_mail_is_written_is_not_mailed(
    world: SmallWorld, viewer: User
) -> None:
    subscribe(viewer)
    world.event()
    look(NOW)
    viewer.memberships.all().delete()

    mail_out(NOW)

    assert addresses() == {"claims@example.org": 1}


def test_who_is_told_anyway_is_not_told_twice_and_two_subscriptions_are_one_line(
    world: SmallWorld, viewer: User
) -> None:
    Application.objects.update(business_owner="viewer")
    subscribe(viewer)
    subscribe(viewer, kinds=["announced"])
    other = make_member(world.team, TeamRole.VIEWER, make_user("other"))
    subscribe(other)
    subscribe(other, kinds=["announced"])
    world.event()

    pass_day(0)

    assert addresses() == {f"{name}@example.org": 1 for name in ("claims", "viewer", "other")}
    assert (
        Notice.objects.filter(user=viewer).count() == Notice.objects.filter(user=other).count() == 1
    )


def test_a_subscription_is_never_mailed_at_once(world: SmallWorld, viewer: User) -> None:
    subscribe(viewer)
    pass_day(0)
    world.event(new="2026-12-01", effective_on=day_in(7), detected_at=NOW)
    look(NOW)
    assert Alert.objects.get().urgent

    mail_out(NOW + timedelta(hours=1))

    assert addresses() == {"claims@example.org": 1}
    pass_day(1)
    assert addresses() == {"claims@example.org": 1, "viewer@example.org": 1}


@pytest.mark.proof
def test_milestones_and_states_are_heard_of_too(world: SmallWorld, viewer: User) -> None:
    subscribe(viewer, kinds=["milestone"], max_days_left=14)
    Offering.objects.update(retires_on=day_in(31), date_kind="firm")

    pass_days(0, 18)

    told = Notice.objects.filter(user=viewer, delivery__state="sent").values_list(
        "alert__milestone", flat=True
    )
    assert list(told) == [14]


# --- news that nobody is told of unasked ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["released", "alias_moved", "terms_changed", "disagreement"])
def test_what_nobody_is_told_of_is_heard_of_by_who_names_its_kind(
    world: SmallWorld, viewer: User, kind: str
) -> None:
    host = world.offering.host
    by_kind, by_both, by_provider, elsewhere = (
        make_user(name) for name in ("kind", "both", "provider", "elsewhere")
    )
    subscribe(by_kind, kinds=[kind])
    subscribe(by_both, kinds=[kind, "announced"], provider=host)
    subscribe(by_provider, provider=host)
    subscribe(elsewhere, kinds=[kind], provider=make_provider("openai"))
    subscribe(viewer, team=world.team)
    world.event(kind, old="a-1", new="a-2", effective_on=None)

    pass_days(0, 1)

    assert addresses() == {"kind@example.org": 1, "both@example.org": 1}
    assert "YOUR SUBSCRIPTIONS" in last_text("kind@example.org")
    assert not Alert.objects.live().exists()


def test_of_models_that_nothing_of_theirs_stands_on_people_hear_only_what_they_named(
    viewer: User,
) -> None:
    google, other = make_provider("google", roles=("developer",)), make_provider("openai")
    foundation = make_foundation("google/gemini-3", developer=google)
    offering = make_offering(
        "gemini-3", host=other, version=make_version("google/gemini-3-1", foundation=foundation)
    )
    people = {
        "developer": {"provider": google},
        "host": {"provider": other},
        "foundation": {"foundation": foundation},
        "kind": {"kinds": ["announced"]},
        "all": {},
        "grave": {"provider": google, "min_severity": 2},
        "soon": {"provider": google, "max_days_left": 30},
        "later": {"provider": google, "max_days_left": 90},
    }
    for name, wish in people.items():
        subscribe(make_user(name), **wish)
    make_event(offering)

    pass_day(0)

    assert addresses() == {
        f"{name}@example.org": 1 for name in ("developer", "host", "foundation", "later")
    }


# --- preview --------------------------------------------------------------------------------------


def test_the_preview_says_it_in_a_sentence(world: SmallWorld, viewer: User) -> None:
    for n in (1, 1, 5, 20):
        world.event(detected_at=NOW - timedelta(days=n), external_id=f"row-{n}")
        look(NOW - timedelta(days=n))

    assert str(preview_subscription(Subscription(user=viewer), user=viewer, at=NOW)) == (
        "Would have sent you 3 emails in the last 30 days, about 4 alerts."
    )
    assert str(
        preview_subscription(Subscription(user=viewer, kinds=["retired"]), user=viewer, at=NOW)
    ) == ("Would have sent you no email in the last 30 days.")
    set_preference(by=viewer, at=NOW, cadence="urgent")
    assert str(preview_subscription(Subscription(user=viewer), user=viewer, at=NOW)) == (
        "Would have sent you no email in the last 30 days, because your frequency is Urgent "
        "only, and subscriptions are not urgent. 4 alerts would have matched."
    )


def test_the_preview_of_more_events_than_it_checks_counts_them_as_more(
    monkeypatch: pytest.MonkeyPatch, viewer: User
) -> None:
    host = make_provider("google", roles=("host",))
    for number in range(3):
        offering = make_offering(f"gemini-{number}", host=host)
        make_event(offering, detected_at=NOW - timedelta(days=1))
    subscription = Subscription(user=viewer, provider=host)

    monkeypatch.setattr(subscription_preview, "MAX_CANDIDATES", 3)
    complete = preview_subscription(subscription, user=viewer, at=NOW)
    monkeypatch.setattr(subscription_preview, "MAX_CANDIDATES", 2)
    cut = preview_subscription(subscription, user=viewer, at=NOW)

    assert (complete.n_alerts, complete.is_cut) == (3, False)
    assert (cut.n_alerts, cut.is_cut) == (2, True)
    assert str(cut) == (
        "Would have sent you more than 1 email in the last 30 days, about more than 2 alerts."
    )


def random_wish(rng: random.Random, world: "Field") -> dict[str, Any]:
    wish: dict[str, Any] = {}
    if rng.random() < 0.4:
        wish["kinds"] = rng.sample(
            ["announced", "retired", "repriced", "released", "milestone", "alias_moved"], 2
        )
    if rng.random() < 0.3:
        wish["provider"] = rng.choice(world.providers)
    if rng.random() < 0.3:
        wish["foundation"] = rng.choice(world.foundations)
    if rng.random() < 0.3:
        wish["min_severity"] = rng.randint(1, 4)
    if rng.random() < 0.3:
        wish["max_days_left"] = rng.choice([7, 40, 120])
    if rng.random() < 0.2:
        wish["team"] = world.team
    return wish


class Field:
    """Two teams, a few models, and news of some of them on each of some days."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.source = make_source()
        self.team, self.other = make_team(), make_team()
        self.providers = [make_provider(f"host-{n}-{rng.random()}"[:30]) for n in range(2)]
        self.foundations = [
            make_foundation(f"maker/model-{n}-{rng.random()}"[:30]) for n in range(2)
        ]
        self.offerings = [
            make_offering(
                host=rng.choice(self.providers),
                version=make_version(
                    f"maker/v{n}-{rng.random()}"[:30], foundation=rng.choice(self.foundations)
                ),
            )
            for n in range(4)
        ]
        for _ in range(5):
            application = make_application(
                team=rng.choice([self.team, self.other]), criticality=rng.choice(list(Criticality))
            )
            make_dependency(application, rng.choice(self.offerings))

    def news(self, n: int) -> None:
        for _ in range(self.rng.choice([0, 1, 2])):
            kind = self.rng.choice(
                ["announced", "moved_later", "retired", "repriced", "released", "alias_moved"]
            )
            on = day_in(n + self.rng.randint(0, 150))
            priced = kind == "repriced"
            make_event(
                self.rng.choice(self.offerings),
                kind,
                source=self.source,
                detected_at=morning(n, 6),
                old={"input": "1"} if priced else None,
                new={"input": "3"} if priced else on.isoformat(),
                effective_on=None if kind in {"repriced", "released", "alias_moved"} else on,
            )
        if self.rng.random() < 0.2:
            offering = self.rng.choice(self.offerings)
            Offering.objects.filter(pk=offering.pk).update(
                retires_on=day_in(n + self.rng.choice([5, 29, 80])), date_kind="firm"
            )


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(8))
def test_the_preview_counts_what_raising_then_told(seed: int) -> None:
    rng = random.Random(seed)
    field = Field(rng)
    people = []
    for n in range(6):
        person = make_user(f"person{n}", role=rng.choice(["", "", "auditor"]))
        if rng.random() < 0.8:
            make_member(field.team, TeamRole.VIEWER, person)
        wish = random_wish(rng, field)
        if wish.get("team") and not person.memberships.exists() and not person.can_read_all:
            del wish["team"]
        subscribe(person, **wish)
        people.append((person, wish))

    for n in range(8):
        field.news(n)
        pass_day(n)

    for person, wish in people:
        promised = preview_subscription(
            Subscription(user=person, **wish), user=person, at=morning(8)
        )
        told = Notice.objects.filter(user=person, occasion="raised").values_list(
            "owed_at__date", flat=True
        )
        assert (promised.n_alerts, promised.n_mails, promised.n_anyway) == (
            len(told),
            len(set(told)),
            0,
        ), (
            person,
            wish,
        )
        # what passes before its mail is due is not mailed after all
        called_off = Notice.objects.filter(user=person).exclude(skip_reason="").exists()
        mails = Delivery.objects.filter(user=person, state="sent").count()
        assert mails == promised.n_mails or (called_off and mails < promised.n_mails)


def test_subscriptions_cost_the_same_statements_however_many_there_are(world: SmallWorld) -> None:
    def n_statements(n: int) -> int:
        for _ in range(n):
            subscribe(make_member(world.team, TeamRole.VIEWER), team=world.team)
            subscribe(make_user(), kinds=["released"], provider=world.offering.host)
        world.event()
        world.event("released")
        with CaptureQueriesContext(connection) as captured:
            raise_alerts(at=NOW)
        return len(captured)

    first = n_statements(1)

    assert n_statements(20) == first


# --- webhooks choose ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({}, {"announced", "repriced", "opened"}),
        ({"kinds": ["repriced"]}, {"repriced"}),
        ({"min_severity": 3}, {"announced", "repriced", "opened"}),
        ({"min_severity": 4}, {"announced"}),
        ({"team": "own"}, {"announced", "repriced"}),
        ({"team": "other"}, set()),
        ({"enabled": False}, set()),
    ],
)
def test_a_webhook_is_sent_what_it_chose_each_once(
    world: SmallWorld, wish: dict[str, Any], expected: set[str]
) -> None:
    governor = make_user(role="governance")
    make_user(role="governance")
    asked = make_user("asked")
    subscribe(asked, kinds=["released"])
    if "team" in wish:
        wish["team"] = world.team if wish["team"] == "own" else make_team()
    hook = Webhook.objects.create(
        name="chat", url="https://chat.example.org/", created_by=governor, **wish
    )
    world.event()
    world.event("repriced", old={"input": "1"}, new={"input": "2"})
    # what somebody asked to hear of is nobody else's news
    world.event("released")
    make_flag()

    look(NOW)

    notices = Notice.objects.filter(webhook=hook)
    assert set(notices.values_list("alert__kind", flat=True)) == expected
    assert notices.count() == len(expected)


def test_a_subscription_that_ends_is_heard_no_more(world: SmallWorld, viewer: User) -> None:
    wish = subscribe(viewer)
    with pytest.raises(PreferencePermissionError):
        delete_subscription(subscription=wish, by=make_user())
    delete_subscription(subscription=wish, by=viewer)
    world.event()

    assert not is_told(viewer)
    assert ProviderEvent.objects.count() == 1

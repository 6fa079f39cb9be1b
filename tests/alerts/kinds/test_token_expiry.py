"""Before a key ends, whoever looks after it is told: a gateway that falls silent is noticed by
nobody for a month."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from apps.accounts.actions import issue_token, revoke_token, rotate_token
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from apps.alerts.models import Alert, Webhook
from apps.alerts.preferences import save_webhook
from apps.alerts.queries import visible_alerts
from tests.alerts.simulation import addresses, last_text, morning, pass_day
from tests.builders import NOW, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


def person(name: str, **more: str) -> User:
    return make_user(name, email=f"{name}@example.org", **more)


def key(user: User, *, days: int = 40, at: datetime = NOW) -> ApiToken:
    """Made at `at`, as if it had been then, for so many days."""
    token, _ = issue_token(
        user=user, name="gateway", scopes=["read"], at=at, by=None, lifetime=timedelta(days=days)
    )
    ApiToken.objects.filter(pk=token.pk).update(created_at=at)
    token.refresh_from_db()
    return token


def program(team_name: str) -> User:
    above = make_team("Division")
    team = make_team(team_name, parent=above)
    make_member(above, TeamRole.OWNER, person("head"))
    make_member(team, TeamRole.OWNER, person("olga"))
    make_member(team, TeamRole.EDITOR, person("ed"))
    return add_service(
        username="svc-gateway", about="The gateway.", team=team, by=make_user(role="governance")
    )


def test_a_persons_key_is_that_persons_alone(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    governor = person("gus", role="governance")
    save_webhook(
        webhook=Webhook(name="all", url="http://127.0.0.1:9/x", created_by=governor), by=governor
    )
    ilse = person("ilse")
    key(ilse)

    for n in (9, 10, 11, 33, 34, 40, 41):
        pass_day(n)

    assert [(a.milestone, a.user) for a in Alert.objects.order_by("raised_at")] == [
        (30, ilse),
        (7, ilse),
        (0, ilse),
    ]
    assert addresses() == {"ilse@example.org": 3}
    assert "Your API token expires" in last_text()
    assert "/settings/keys/" in last_text()
    assert not visible_alerts(make_user()).exists()


def test_a_programs_key_is_told_to_the_nearest_owners_of_its_team() -> None:
    key(program("Claims"))

    pass_day(12)

    assert addresses() == {"olga@example.org": 1}
    assert "The API token of svc-gateway expires" in last_text()


def test_where_nobody_owns_the_team_whoever_runs_the_register_is_told() -> None:
    person("root", role="admin")
    person("gus", role="governance")
    root, governor = User.objects.get(username="root"), User.objects.get(username="gus")
    key(add_service(username="svc", about="The gateway.", team=make_team("Empty"), by=root))
    key(add_service(username="of-all", about="The other gateway.", team=None, by=root))

    pass_day(12)

    assert addresses() == {"root@example.org": 1}
    root.is_active = False
    root.save()
    key(add_service(username="later", about="A third.", team=None, by=governor), at=morning(1))
    pass_day(13)
    assert addresses() == {"root@example.org": 1, "gus@example.org": 1}


@pytest.mark.parametrize("how", ["renewed", "revoked"])
def test_renewed_or_revoked_it_is_over_and_said_once(how: str) -> None:
    ilse = person("ilse")
    token = key(ilse)
    pass_day(12)
    if how == "renewed":
        rotate_token(token=token, at=morning(12, 9), by=ilse, lifetime=timedelta(days=365))
    else:
        revoke_token(token=token, at=morning(12, 9), by=ilse)

    for n in (13, 14, 40):
        pass_day(n)

    assert {(alert.state, alert.resolution_sentence) for alert in Alert.objects.all()} == {
        ("resolved", "The API token was rotated or revoked.")
    }
    assert addresses("resolved") == {"ilse@example.org": 1}
    assert addresses() == {"ilse@example.org": 1}


def test_a_week_after_its_end_it_is_nobodys_alert_any_more_and_short_ones_are_never_told() -> None:
    ilse = person("ilse")
    key(ilse, days=14)
    key(ilse, days=20)

    for n in (7, 13, 20):
        pass_day(n)
    assert Alert.objects.live().count() == 1
    n_mails = addresses()
    for n in (28, 29):
        pass_day(n)

    assert not Alert.objects.live().exists()
    assert addresses() == n_mails == {"ilse@example.org": 2}
    assert addresses("resolved") == {}

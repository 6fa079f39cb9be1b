"""REST of received notices: read and dismissed by those who may announce retirements."""

import pytest

from apps.feeds.models import NoticeMailSettings, ReceivedNotice
from tests.builders import NOW, make_member, make_team, make_user
from tests.http import token_client

pytestmark = pytest.mark.django_db
URL = "/api/v1/received-notices/"
SETTINGS = "/api/v1/notice-mail-settings/"


@pytest.fixture
def notice(db):
    return ReceivedNotice.objects.create(
        message_id="1@x.example",
        sender="ilse.brandt@calder.example",
        subject="Fwd: Acme Big 1",
        text="acme-big-1 retires.",
        received_at=NOW,
        model_names=["acme-big-1"],
    )


@pytest.fixture
def api(db):
    return token_client(make_user(role="governance"), "read", "write")


def test_a_notice_is_read_dismissed_and_reopened(api, notice):
    (row,) = api.get(URL, {"state": "new"}).json()["results"]
    assert (row["sender"], row["model_names"], row["state"], row["announcements"]) == (
        "ilse.brandt@calder.example",
        ["acme-big-1"],
        "new",
        [],
    )
    dismissed = api.post(f"{URL}{notice.pk}/dismiss/", {"reason": "Not in use."}).json()
    assert (dismissed["state"], dismissed["dismissal_reason"]) == ("dismissed", "Not in use.")
    assert api.get(URL, {"state": "new"}).json()["results"] == []
    assert api.post(f"{URL}{notice.pk}/reopen/").json()["state"] == "new"


def test_others_see_nothing(notice):
    for user in (make_user(role="auditor"), make_member(make_team())):
        other = token_client(user, "read", "write")
        assert other.get(URL).json()["results"] == []
        assert other.get(f"{URL}{notice.pk}/").status_code == 404
        assert other.post(f"{URL}{notice.pk}/dismiss/").status_code == 404
        assert other.get(SETTINGS).status_code == 403


def test_the_rules_are_read_and_changed_in_part(api):
    assert api.get(SETTINGS).json() == {
        "allowed_senders": [],
        "requires_dkim": True,
        "receiving_server": "",
    }
    answer = api.patch(SETTINGS, {"allowed_senders": ["Calder.example"]})
    assert answer.json()["allowed_senders"] == ["calder.example"]
    api.patch(SETTINGS, {"receiving_server": "mx.calder.example"})
    rules = NoticeMailSettings.objects.get()
    assert (rules.allowed_senders, rules.receiving_server) == (
        ["calder.example"],
        "mx.calder.example",
    )
    refused = api.patch(SETTINGS, {"allowed_senders": ["calder"]})
    assert refused.status_code == 400
    assert "is not a valid email address or domain" in refused.content.decode()

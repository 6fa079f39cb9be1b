"""What screenshots and accessibility tests walk is every page, and every page opens on the filled
demo."""

import pytest

from apps.accounts.models import User
from tests.http import signed_in_client
from tests.web.routes import ADMINISTRATION, forgotten, stops

pytestmark = pytest.mark.proof


def test_no_page_is_forgotten():
    """A new route with arguments needs a finder in tests/web/finders.py, or nobody looks at its
    page."""
    assert forgotten() == []


def test_every_page_opens_with_the_demo(demo):
    wrong = {}
    for name, only in (("maren", None), ("noor", ADMINISTRATION)):
        user = User.objects.get(username=name)
        client = signed_in_client(user)
        for stop in stops(user, only=only):
            answer = client.get(stop.path)
            if answer.status_code != 200 or b"<title>" not in answer.content:
                wrong[f"{stop.name} {stop.path}"] = (
                    answer.status_code,
                    answer.headers.get("Location"),
                )

    assert wrong == {}

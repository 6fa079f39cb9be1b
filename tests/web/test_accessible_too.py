"""The other half of the pages of test_accessible.py, so that two workers share the walk."""

import pytest

from apps.accounts.models import User
from tests.web.routes import stops
from tests.web.walking import expect_accessible

pytestmark = [pytest.mark.browser, pytest.mark.proof]


def test_the_pages_between_are_accessible_in_light_and_dark_and_on_a_phone(signed_in, demo):
    maren = User.objects.get(username="maren")

    expect_accessible(signed_in(maren), list(stops(maren))[1::2])

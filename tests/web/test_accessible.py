"""Every page meets WCAG 2.2 AA by axe, light, dark and on a phone, fits a phone, and has an empty
console.

One walk in one shared world; what fails anywhere is told together, with element and mend. The other
half of the pages is walked by test_accessible_too.py, on another worker.
"""

import pytest

from apps.accounts.models import User
from tests.web.routes import ADMINISTRATION, entrance_stops, stops
from tests.web.walking import expect_accessible

pytestmark = [pytest.mark.browser, pytest.mark.proof]


def test_every_second_page_is_accessible_in_light_and_dark_and_on_a_phone(signed_in, demo):
    maren = User.objects.get(username="maren")

    expect_accessible(signed_in(maren), list(stops(maren))[::2])


def test_what_administrators_alone_see_is_accessible(signed_in, demo):
    noor = User.objects.get(username="noor")

    expect_accessible(signed_in(noor), stops(noor, only=ADMINISTRATION))


def test_the_entrance_is_accessible(page, demo):
    expect_accessible(page, entrance_stops())


def test_who_may_only_read_has_accessible_pages(signed_in, demo):
    hana = User.objects.get(username="hana")
    own = {
        "home:overview",
        "applications:list",
        "applications:detail",
        "alerts:list",
        "calendar:list",
        "home:search",
        "account:detail",
    }

    expect_accessible(signed_in(hana), stops(hana, only=own))

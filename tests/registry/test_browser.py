"""The admin and the REST documentation in a real browser, under the content security policy that
pages have."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.proof]


@pytest.fixture(scope="module")
def root(committed):
    with committed():
        yield get_user_model().objects.create_superuser(
            "root", "root@example.org", "correct horse battery"
        )


@pytest.fixture
def signed_in_page(page: Page, root) -> Page:
    page.goto("/admin/")
    assert "/accounts/login/" in page.url, "the admin has no login of its own"
    page.locator("[name=login]").fill("root")
    page.locator("[name=password]").fill("correct horse battery")
    page.locator("form[method=post] button[type=submit]").click()
    page.wait_for_url("**/admin/")
    return page


def test_the_admin_works_under_the_policy(signed_in_page: Page, root) -> None:
    """The fixture `page` fails the test for any complaint in the console, refused styles and
    scripts among them."""
    paths, apps = ["/admin/", "/admin/password_change/"], set()
    for model, options in admin.site._registry.items():
        listing = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        # a form shows more kinds of widgets than a list, of which one from each app will do
        if model._meta.app_label not in apps:
            paths.append(listing)
            apps.add(model._meta.app_label)
        if options.has_add_permission(request_of(root)):
            paths.append(f"{listing}add/")
    for path in paths:
        signed_in_page.goto(path)
        assert signed_in_page.locator("#site-name").count(), path

    expect(signed_in_page.locator("#header"), "its style sheet is applied").not_to_have_css(
        "background-color", "rgba(0, 0, 0, 0)"
    )


def request_of(user) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_the_rest_documentation_draws_itself(signed_in_page: Page) -> None:
    signed_in_page.goto("/api/docs/")

    expect(signed_in_page.locator(".swagger-ui .info .title")).to_be_visible()

"""The admin and the REST documentation in a real browser, under the content security policy that pages have."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signed_in(browser: Chrome, live_server: LiveServer) -> Chrome:
    get_user_model().objects.create_superuser("root", "root@example.org", "correct horse battery")
    browser.get(f"{live_server.url}/admin/")
    assert "/accounts/login/" in browser.current_url, "the admin has no login of its own"
    browser.find_element(By.NAME, "login").send_keys("root")
    browser.find_element(By.NAME, "password").send_keys("correct horse battery")
    browser.find_element(By.CSS_SELECTOR, "form[method=post] button[type=submit]").click()
    WebDriverWait(browser, 10).until(lambda driver: "/login" not in driver.current_url)
    return browser


def test_the_admin_works_under_the_policy(signed_in: Chrome, live_server: LiveServer) -> None:
    """The fixture `browser` fails the test for any complaint in the console, refused styles and scripts among them."""
    paths = ["/admin/", "/admin/password_change/"]
    for model, options in admin.site._registry.items():
        listing = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        paths += [listing, f"{listing}add/"] if options.has_add_permission(superuser_request()) else [listing]
    for path in paths:
        signed_in.get(f"{live_server.url}{path}")
        assert signed_in.find_elements(By.ID, "site-name"), path

    header = signed_in.find_element(By.ID, "header")
    assert header.value_of_css_property("background-color") != "rgba(0, 0, 0, 0)", "its style sheet is applied"


def superuser_request() -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = get_user_model().objects.get(is_superuser=True)
    return request


def test_the_rest_documentation_draws_itself(signed_in: Chrome, live_server: LiveServer) -> None:
    signed_in.get(f"{live_server.url}/api/docs/")

    WebDriverWait(signed_in, 20).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".swagger-ui .info .title"))

"""Messages from one page to the next are in a cookie with the prefix of the session's."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from django.contrib.messages import constants
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpResponse
from django.test import RequestFactory

FILE = Path(__file__).parents[2] / "registry" / "messages.py"


def test_in_production_the_cookie_has_the_host_prefix(settings: Any) -> None:
    settings.SESSION_COOKIE_NAME = "__Host-sessionid"
    spec = spec_from_file_location("messages_of_production", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    request = RequestFactory().get("/")
    request.session = SessionStore()
    storage = module.HostMessages(request)
    response = HttpResponse()

    storage.add(constants.SUCCESS, "Application retired.")
    storage.update(response)

    assert list(response.cookies) == ["__Host-messages"]

"""Message storage of Django's messages framework: in a cookie of its own, named as the session's
is, or in the session."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    cookie_name = f"{settings.SESSION_COOKIE_NAME.removesuffix('sessionid')}messages"


class HostMessages(FallbackStorage):
    storage_classes = (HostCookieStorage, SessionStorage)

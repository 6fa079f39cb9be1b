"""Being signed in without the form."""

from django.test import Client

from apps.accounts.models import User


def session_of(user: User) -> str:
    """The cookie of a new session of `user`."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value

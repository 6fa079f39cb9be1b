"""The user of a Django request."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def request_user_id(request: HttpRequest) -> int | None:
    """Return the ID of the user if the request has already loaded it; loading it here would cost a
    statement."""
    # REST sets the user of a token here; the user of a session is a lazy object, loaded on first
    # use
    user = request.__dict__.get("user")
    if user is None or isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)

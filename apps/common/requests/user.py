"""The user of a request that Django has."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def request_user_id(request: HttpRequest) -> int | None:
    """Return the id of the user, where the request has looked it up; looking it up here would cost
    a statement."""
    # REST puts whom a token belongs to here; of a session it is something that is looked up when it
    # is used
    user = request.__dict__.get("user")
    if user is None or isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)

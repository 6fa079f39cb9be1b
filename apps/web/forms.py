"""Parts that forms of several pages share."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.accounts.models import User


class DayField(forms.DateField):
    """A day; browsers show their own calendar."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {"invalid": "Give a day such as 2026-11-24."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


def signed_in(request: HttpRequest) -> User:
    """The user of a page; the login middleware lets nobody else in."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def governing(request: HttpRequest, refusal: str) -> User:
    """The user, if governance or admin; else the page says `refusal`."""
    user = signed_in(request)
    if not user.governs:
        raise PermissionDenied(refusal)
    return user

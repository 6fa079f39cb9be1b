"""Form fields that several pages share."""

from collections.abc import Container, Iterable
from html import escape
from typing import Any, Protocol

from django import forms
from django.core.exceptions import PermissionDenied
from django.forms.renderers import BaseRenderer
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.accounts.roles import TeamRole


class UserSource(Protocol):
    """What has a user: a request, or a `ListRequest` for a file."""

    @property
    def user(self) -> Any: ...


class DayField(forms.DateField):
    """Date field; browsers show their own calendar."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_error_messages = {"invalid": "Enter a date such as 2026-11-24."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


def write_options(choices: Iterable[tuple[Any, Any]], selected: Container[str]) -> SafeString:
    """Write the options of a select; a template needs a tenth of a second for two thousand
    teams."""
    return SafeString(
        "".join(
            f'<option value="{escape(str(value))}"{" selected" if str(value) in selected else ""}>'
            f"{escape(str(label))}</option>"
            for value, label in choices
        )
    )


class QuickSelect(forms.Select):
    """Select that writes its options itself, without groups of options.

    Django renders a template for each option, which takes a fifth of a second for two thousand
    teams."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Render the options without a template, which is faster for lists of thousands."""
        selected_keys = {str(raw_value) for raw_value in self.format_value(value)}
        options = write_options(self.choices, selected_keys)
        attributes = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html("<select{}>{}</select>", attributes, options)


def signed_in_user(request: UserSource) -> User:
    """Return the user of a page; the login middleware admits no anonymous user."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def governance_user(request: HttpRequest, refusal: str) -> User:
    """Return the user, if governance or administrator; else the page shows `refusal`."""
    user = signed_in_user(request)
    if not user.is_governance:
        raise PermissionDenied(refusal)
    return user


def can_import(user: User) -> bool:
    """Return whether the user may import: editors of at least one team, governance and
    administrators; at most one statement per user object."""
    return user.is_governance or any(
        rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values()
    )

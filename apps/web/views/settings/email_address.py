"""Email address of the user's own account, and the replacement of the password page for users of
single sign-on."""

from allauth.account.decorators import reauthentication_required
from allauth.core import ratelimit
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.accounts.sign_in.email_change import (
    EmailChangeError,
    confirm_email_change,
    request_email_change,
    requested_address,
)
from apps.accounts.single_sign_on.configuration import sign_on_name
from apps.common.errors import DomainError
from apps.web.pages.action_view import action_view
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page


class EmailForm(forms.Form):
    email = forms.EmailField(
        label="New email address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="A link is sent to this address. The address is used after you have opened "
        "the link.",
    )


def has_own_password(user: User) -> bool:
    """Return whether the user has a password in the registry, and so can enter it again before a
    sensitive change."""
    return bool(user.has_usable_password())


def _can_reenter_password(request: HttpRequest) -> bool:
    return has_own_password(signed_in_user(request))


@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(enabled=_can_reenter_password, allow_get=True)  # type: ignore[untyped-decorator]
def change_email(request: HttpRequest) -> HttpResponse:
    """Request a change of the email address; users of single sign-on see where to change theirs."""
    user = signed_in_user(request)
    if not has_own_password(user):
        return _render_email(request, user, None)
    return action_view(
        request,
        form=lambda: EmailForm(request.POST or None),
        action=lambda form: _request_change(request, form, user),
        done=lambda address: f"A link was sent to {address}. Open it within 24 hours.",
        back=reverse("account_email"),
        page=lambda form: _render_email(request, user, form),
    )


def _render_email(request: HttpRequest, user: User, form: EmailForm | None) -> HttpResponse:
    return render_page(
        request,
        "account/email.html",
        title="Email address",
        crumbs=(("Account", reverse("account:detail")),),
        sentence=Headline(
            f"Your email address is {user.email}." if user.email else "You have no address."
        ),
        form=form,
        sign_on=sign_on_name(),
    )


def _request_change(request: HttpRequest, form: EmailForm, user: User) -> str:
    address: str = form.cleaned_data["email"]
    if not ratelimit.consume(request, action="manage_email"):
        raise EmailChangeError("You have requested several links. Wait an hour, then try again.")
    try:
        request_email_change(user=user, address=address, request=request)
    except OSError as error:
        raise DomainError(
            f"The mail server rejected the email ({error}). Try again later."
        ) from None
    return address


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page that the emailed link opens. Its button changes the address, not the link:
    mail programs open links too."""
    user, address, refusal = signed_in_user(request), "", ""
    try:
        if request.method == "POST":
            address = confirm_email_change(token, user=user, request=request)
            flash_success(request, f"Your email address is now {address}.")
            return redirect("account:detail")
        address = requested_address(token, user=user)
    except EmailChangeError as error:
        refusal = str(error)
    return render_page(
        request,
        "account/email-confirm.html",
        title="Email address",
        crumbs=(("Account", reverse("account:detail")),),
        sentence=Headline(refusal or f"Your email address becomes {address}."),
        address=address,
        refusal=refusal,
        status=404 if refusal else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Replace the page of allauth, by which users of single sign-on could set a password: redirect
    to the page that applies."""
    user = signed_in_user(request)
    if has_own_password(user):
        return redirect("account_change_password")
    flash_error(
        request,
        "Your account has no password in the registry. You sign in with {sign_on}, which stores "
        "it.".format(sign_on=sign_on_name() or "single sign-on"),
    )
    return redirect("account:detail")

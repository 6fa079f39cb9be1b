"""Keys for the REST interface: one's own, shown once."""

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.actions import issue_token, revoke_token
from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope
from apps.common.time import now
from apps.web.forms import signed_in
from apps.web.page import Sentence, page
from apps.web.saying import say
from apps.web.wording import counted

LIFETIMES = ((30, gettext_lazy("30 days")), (90, gettext_lazy("90 days")), (365, gettext_lazy("a year")))


class TokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("For what"), max_length=100, help_text=gettext_lazy("So that you know later what it opens.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("May be used to"), choices=Scope.choices, widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ], error_messages={"required": gettext_lazy("Choose what the key may be used for.")},
    )  # fmt: skip
    days = forms.TypedChoiceField(label=gettext_lazy("Good for"), choices=LIFETIMES, coerce=int, initial=90)


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    return _page(request, signed_in(request), TokenForm())


def _page(request: HttpRequest, user: User, form: TokenForm, secret: str = "") -> HttpResponse:
    at = now()
    found = list(ApiToken.objects.filter(user=user).order_by("-created_at")[:200])
    good = [token for token in found if token.revoked_at is None and token.expires_at > at]
    soon = [token for token in good if token.expires_at < at + timedelta(days=14)]
    return page(
        request,
        "settings/tokens.html",
        title=_("Keys"),
        crumbs=((_("Settings"), reverse("settings")),),
        counts=_("Your own"),
        as_of=at,
        sentence=_sentence(len(good), len(soon)),
        tokens=found,
        form=form,
        secret=secret,
        at=at,
        status=422 if form.is_bound and not form.is_valid() else 200,
    )


def _sentence(n: int, n_soon: int) -> Sentence:
    if n == 0:
        return Sentence(_("You have no key. Programs that read or write the register need one."))
    start = _("You have %(keys)s in use") % {"keys": counted(n, _("key"))}
    if n_soon:
        return Sentence(
            f"{start}; ", _("%(n)s within 14 days") % {"n": counted(n_soon, _("expires"), _("expire"))}, "."
        )
    return Sentence(f"{start}.")


@require_POST
def issue(request: HttpRequest) -> HttpResponse:
    """The answer shows the key; no other page ever will."""
    user, form = signed_in(request), TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, user, form)
    said = form.cleaned_data
    _token, text = issue_token(
        user=user, name=said["name"], scopes=said["scopes"], at=now(), by=user, lifetime=timedelta(days=said["days"])
    )  # fmt: skip
    response = _page(request, user, TokenForm(), secret=text)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    token = get_object_or_404(ApiToken.objects.filter(user=user), pk=pk)
    revoke_token(token=token, at=now(), by=user)
    say(request, _("%(key)s opens nothing any more.") % {"key": token})
    return redirect("tokens")

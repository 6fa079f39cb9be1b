"""Subscription: additional alerts that a user wants to receive, with a preview of what it would
have sent."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts.models import KINDS, Alert, Subscription
from apps.alerts.preferences import InvalidPreferenceError, delete_subscription, save_subscription
from apps.alerts.subscription_preview import SubscriptionPreview, preview_subscription
from apps.catalog.models import Foundation, Provider
from apps.common.time import now
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import kind_groups

# mails that the preview lists one by one
MAX_PREVIEW_MOMENTS = 10
MAX_FOUNDATIONS = 20


class SubscriptionForm(forms.Form):
    name = forms.CharField(
        label="Name", required=False, max_length=100, help_text="Only you can see it."
    )
    provider = forms.ChoiceField(
        label="Provider", required=False, help_text="As developer or host.", widget=QuickSelect
    )
    foundation = forms.CharField(
        label="Foundation",
        required=False,
        max_length=200,
        help_text="Its name or slug.",
        widget=forms.TextInput(attrs={"list": "foundations", "autocomplete": "off"}),
    )
    team = forms.ChoiceField(
        label="Team", required=False, help_text="Includes its sub-teams.", widget=QuickSelect
    )
    kinds = forms.MultipleChoiceField(required=False, choices=list(KINDS.items()))
    min_severity = forms.TypedChoiceField(
        label="Lowest severity", choices=Alert.SEVERITIES, coerce=int, initial=1
    )
    max_days_left = forms.IntegerField(
        label="Due within (days)",
        required=False,
        min_value=0,
        max_value=3650,
        error_messages={"invalid": "Enter a number of days, such as 90."},
    )
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        providers = Provider.objects.order_by("name").values_list("slug", "name")
        teams = Team.objects.visible_to(user).order_by("name").values_list("slug", "name")
        for name, rows, words in (
            ("provider", providers, "Any provider"),
            ("team", teams, "Any team of yours"),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", words), *rows]

    def clean_foundation(self) -> Foundation | None:
        said = self.cleaned_data["foundation"].strip()
        if not said:
            return None
        found: list[Foundation] = list(foundations_by_name(said, exactly=True)[:2])
        if not found:
            raise forms.ValidationError(f'No foundation "{said}" found. Select one of the list.')
        if len(found) > 1:
            raise forms.ValidationError(f"Several foundations are called {said}. Enter the slug.")
        return found[0]

    def written_to(self, subscription: Subscription) -> Subscription:
        """Return the input on a row that is not stored yet."""
        said = self.cleaned_data
        subscription.name = said["name"]
        subscription.provider = (
            Provider.objects.get(slug=said["provider"]) if said["provider"] else None
        )
        subscription.foundation = said["foundation"]
        subscription.team = Team.objects.get(slug=said["team"]) if said["team"] else None
        subscription.kinds = said["kinds"]
        subscription.min_severity = said["min_severity"]
        subscription.max_days_left = said["max_days_left"]
        subscription.enabled = said["enabled"]
        return subscription

    @property
    def groups(self) -> list[dict[str, Any]]:
        return kind_groups(self["kinds"].value() or [])


def foundations_by_name(words: str, *, exactly: bool = False) -> "QuerySet[Foundation]":
    rows = Foundation.objects.select_related("developer").order_by("name", "slug")
    if exactly:
        return rows.filter(Q(slug=words) | Q(name__iexact=words))
    return rows.filter(Q(slug__icontains=words) | Q(name__icontains=words))


def _as_typed(subscription: Subscription) -> dict[str, Any]:
    return {
        "name": subscription.name,
        "provider": subscription.provider.slug if subscription.provider is not None else "",
        "foundation": subscription.foundation.slug if subscription.foundation is not None else "",
        "team": subscription.team.slug if subscription.team is not None else "",
        "kinds": subscription.kinds,
        "min_severity": subscription.min_severity,
        "max_days_left": subscription.max_days_left,
        "enabled": subscription.enabled,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def add_subscription(request: HttpRequest) -> HttpResponse:
    return _edited(request, Subscription(user=signed_in_user(request)))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    return _edited(request, _own(request, pk))


def _own(request: HttpRequest, pk: int) -> Subscription:
    rows = Subscription.objects.visible_to(request.user).select_related(
        "provider", "foundation", "team"
    )
    return get_object_or_404(rows, pk=pk)


def _edited(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """The form; POST keeps it, or with `subscription_preview` pressed only shows what it would have
    sent."""
    user = signed_in_user(request)
    is_new = subscription.pk is None
    if request.method != "POST":
        initial = {"enabled": True, "min_severity": 1} if is_new else _as_typed(subscription)
        return _form(request, SubscriptionForm(user=user, initial=initial), subscription, user)
    form = SubscriptionForm(request.POST, user=user)
    if not form.is_valid():
        return _form(request, form, subscription, user, status=422)
    form.written_to(subscription)
    if "preview" in request.POST:
        return _form(request, form, subscription, user)
    try:
        save_subscription(subscription=subscription, by=user)
    except InvalidPreferenceError as refused:
        form.add_error(None, str(refused))
        return _form(request, form, subscription, user, status=422)
    messages.success(request, "Subscribed." if is_new else "Kept.")
    return redirect("subscriptions:list")


def _form(
    request: HttpRequest,
    form: SubscriptionForm,
    subscription: Subscription,
    user: User,
    *,
    status: int = 200,
) -> HttpResponse:
    shown = None if form.errors else preview_subscription(subscription, user=user, at=now())
    name = str(subscription) if subscription.pk is not None else ""
    return render_page(
        request,
        "alerts/subscription.html",
        title=name or "A new subscription",
        crumbs=(
            ("Alerts", reverse("alerts:list")),
            ("What you get", reverse("subscriptions:list")),
        ),
        counts="What it would have sent in the last 30 days",
        status=status,
        sentence=Headline(
            f"Hear of more: {name}." if name else "Hear of more than what falls to you."
        ),
        form=form,
        subscription=subscription,
        foundations=[],
        **_preview(shown),
    )


def _preview(shown: SubscriptionPreview | None) -> dict[str, Any]:
    moments: Sequence[Any] = shown.moments if shown is not None else ()
    return {
        "preview": shown,
        "moments": moments[:MAX_PREVIEW_MOMENTS],
        "n_more": max(0, len(moments) - MAX_PREVIEW_MOMENTS),
    }


@require_safe
def subscription_preview(request: HttpRequest) -> HttpResponse:
    """Show what a subscription as typed would have sent; for the form, while it is filled in."""
    user = signed_in_user(request)
    form = SubscriptionForm(request.GET, user=user)
    shown = None
    if form.is_valid():
        shown = preview_subscription(form.written_to(Subscription(user=user)), user=user, at=now())
    context = {"form": form, "subscription": None, **_preview(shown)}
    return render(request, "alerts/preview.html", context)


@require_safe
def foundation_options(request: HttpRequest) -> HttpResponse:
    """Return the foundations whose name contains the input, as choices of the field."""
    words = request.GET.get("foundation", "").strip()
    found = foundations_by_name(words)[:MAX_FOUNDATIONS] if words else []
    return render(request, "alerts/foundations.html", {"foundations": found})


@require_POST
def remove_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _own(request, pk)
    name = str(subscription)
    delete_subscription(subscription=subscription, by=signed_in_user(request))
    messages.success(request, f"Ended: {name}.")
    return redirect("subscriptions:list")

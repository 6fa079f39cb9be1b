"""Subscription: additional alerts that a user wants to receive, with a preview of what it would
have sent."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team, User
from apps.alerts.models import KINDS, Alert, Subscription
from apps.alerts.preferences import delete_subscription, save_subscription
from apps.alerts.subscription_preview import SubscriptionPreview, preview_subscription
from apps.catalog.models import Foundation, Provider
from apps.common.time import now
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import QuickSelect, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.alerts.presenters import kind_groups

# emails that the preview lists
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
        for name, rows, empty_label in (
            ("provider", providers, "Any provider"),
            ("team", teams, "Any of your teams"),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", empty_label), *rows]

    def clean_foundation(self) -> Foundation | None:
        text = self.cleaned_data["foundation"].strip()
        if not text:
            return None
        foundations: list[Foundation] = list(foundations_by_name(text, exactly=True)[:2])
        if not foundations:
            raise forms.ValidationError(f'No foundation "{text}" found. Select one of the list.')
        if len(foundations) > 1:
            raise forms.ValidationError(f"Several foundations are called {text}. Enter the slug.")
        return foundations[0]

    def apply_to(self, subscription: Subscription) -> Subscription:
        """Copy the input to the subscription, without saving it, and return it."""
        cleaned = self.cleaned_data
        subscription.name = cleaned["name"]
        subscription.provider = (
            Provider.objects.get(slug=cleaned["provider"]) if cleaned["provider"] else None
        )
        subscription.foundation = cleaned["foundation"]
        subscription.team = Team.objects.get(slug=cleaned["team"]) if cleaned["team"] else None
        subscription.kinds = cleaned["kinds"]
        subscription.min_severity = cleaned["min_severity"]
        subscription.max_days_left = cleaned["max_days_left"]
        subscription.enabled = cleaned["enabled"]
        return subscription

    @property
    def groups(self) -> list[dict[str, Any]]:
        return kind_groups(self["kinds"].value() or [])


def foundations_by_name(text: str, *, exactly: bool = False) -> "QuerySet[Foundation]":
    foundations = Foundation.objects.select_related("developer").order_by("name", "slug")
    if exactly:
        return foundations.filter(Q(slug=text) | Q(name__iexact=text))
    return foundations.filter(Q(slug__icontains=text) | Q(name__icontains=text))


def _initial_data(subscription: Subscription) -> dict[str, Any]:
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
    return _edit_subscription(request, Subscription(user=signed_in_user(request)))


@require_http_methods(["GET", "HEAD", "POST"])
def edit_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit_subscription(request, _get_subscription(request, pk))


def _get_subscription(request: HttpRequest, pk: int) -> Subscription:
    subscriptions = Subscription.objects.visible_to(request.user).select_related(
        "provider", "foundation", "team"
    )
    return get_object_or_404(subscriptions, pk=pk)


def _edit_subscription(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Show the form; POST saves it, or with the button `preview` only shows the alerts of the last
    30 days."""
    user = signed_in_user(request)
    is_new = subscription.pk is None
    if request.method != "POST":
        initial = {"enabled": True, "min_severity": 1} if is_new else _initial_data(subscription)
        return _render_form(
            request, SubscriptionForm(user=user, initial=initial), subscription, user
        )
    form = SubscriptionForm(request.POST, user=user)
    if not form.is_valid():
        return _render_form(request, form, subscription, user, status=422)
    form.apply_to(subscription)
    if "preview" in request.POST:
        return _render_form(request, form, subscription, user)
    return action_view(
        request,
        form=lambda: form,
        action=lambda _: save_subscription(subscription=subscription, by=user),
        done=lambda _: "Subscription added." if is_new else "Subscription saved.",
        back=reverse("subscriptions:list"),
        page=lambda bound: _render_form(request, bound, subscription, user),
    )


def _render_form(
    request: HttpRequest,
    form: SubscriptionForm,
    subscription: Subscription,
    user: User,
    *,
    status: int = 200,
) -> HttpResponse:
    """Render the form of a subscription with a preview, which is omitted if the form has errors."""
    preview = None if form.errors else preview_subscription(subscription, user=user, at=now())
    name = str(subscription) if subscription.pk is not None else ""
    return render_page(
        request,
        "alerts/subscription.html",
        title=name or "New subscription",
        crumbs=(("Notification preferences", reverse("subscriptions:list")),),
        counts="Matching alerts of the last 30 days",
        status=status,
        sentence=Headline(
            f"You are subscribed to {name}."
            if name
            else "Subscribe to alerts that are not routed to you."
        ),
        form=form,
        subscription=subscription,
        foundations=[],
        **_preview_context(preview),
    )


def _preview_context(preview: SubscriptionPreview | None) -> dict[str, Any]:
    moments: Sequence[Any] = preview.moments if preview is not None else ()
    return {
        "preview": preview,
        "moments": moments[:MAX_PREVIEW_MOMENTS],
        "n_more": max(0, len(moments) - MAX_PREVIEW_MOMENTS),
    }


@require_safe
def subscription_preview(request: HttpRequest) -> HttpResponse:
    """Show the alerts that the subscription in the form would have sent, while the form is being
    edited."""
    user = signed_in_user(request)
    form = SubscriptionForm(request.GET, user=user)
    preview = None
    if form.is_valid():
        preview = preview_subscription(form.apply_to(Subscription(user=user)), user=user, at=now())
    context = {"form": form, "subscription": None, **_preview_context(preview)}
    return render(request, "alerts/preview.html", context)


@require_safe
def foundation_options(request: HttpRequest) -> HttpResponse:
    """Return the foundations whose name contains the input, as choices of the field."""
    text = request.GET.get("foundation", "").strip()
    foundations = foundations_by_name(text)[:MAX_FOUNDATIONS] if text else []
    return render(request, "alerts/foundations.html", {"foundations": foundations})


@require_POST
def remove_subscription(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _get_subscription(request, pk)
    user, name = signed_in_user(request), str(subscription)
    return action_view(
        request,
        action=lambda _: delete_subscription(subscription=subscription, by=user),
        done=lambda _: f"Subscription deleted: {name}.",
        back=reverse("subscriptions:list"),
    )

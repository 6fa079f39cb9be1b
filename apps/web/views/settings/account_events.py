"""Account events: sign-ins and other events of all accounts; for organisation roles."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.timezone import make_aware
from django.views.decorators.http import require_safe

from apps.accounts.models import AccountEvent, AccountEventKind, User
from apps.common.text import pluralize
from apps.common.time import now
from apps.web.pages.filter_controls import FilterControl, FilterControls
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page

FAILURES = (
    AccountEventKind.SIGN_IN_FAILED,
    AccountEventKind.LOCKED_OUT,
    AccountEventKind.MFA_FAILED,
)


class AccountEventForm(forms.Form):
    who = forms.CharField(label="Account", required=False, max_length=150)
    kind = forms.ChoiceField(
        label="Event", required=False, choices=[("", ""), *AccountEventKind.choices]
    )
    address = forms.CharField(label="IP address", required=False, max_length=50)
    since = forms.DateField(label="From", required=False)
    until = forms.DateField(label="To", required=False)


@require_safe
def account_event_list(request: HttpRequest) -> HttpResponse:
    """Show the account events, by the filters of the URL."""
    user = _require_reader(request)
    form = AccountEventForm(request.GET)
    listing = PaginatedList(request, _filter_events(form, user))
    return render_page(
        request,
        "audit/account-events.html",
        fragment="listing",
        title="Account events",
        crumbs=(("Audit log", reverse("audit:list")),),
        counts="Events of all accounts",
        sentence=_build_headline(user),
        filters=_build_filters(request, form),
        listing=listing,
        status=200 if form.is_valid() else 422,
    )


@require_safe
def account_events_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Export all account events that match the filters."""
    user = _require_reader(request)
    return csv_response(
        "account-events",
        [
            "last",
            "first",
            "times",
            "account",
            "event",
            "detail",
            "by",
            "address",
            "network",
            "device",
            "user agent",
            "email",
        ],
        _filter_events(AccountEventForm(request.GET), user).iterator(chunk_size=1000),
        lambda row: [
            row.last_at,
            row.first_at,
            row.n,
            row.user.username if row.user else "",
            row.get_kind_display(),
            row.detail,
            row.actor.username if row.actor else "",
            row.address or "",
            row.network,
            row.device,
            row.user_agent,
            row.get_email_state_display(),
        ],
    )


def _filter_events(form: AccountEventForm, user: User) -> QuerySet[AccountEvent]:
    """Return the visible account events, latest first; none if the form is invalid."""
    rows = (
        AccountEvent.objects.visible_to(user)
        .select_related("user", "actor", "token")
        .order_by("-last_at", "-pk")
    )
    if not form.is_valid():
        return rows.none()
    cleaned: dict[str, Any] = form.cleaned_data
    if account_name := cleaned["who"]:
        rows = rows.filter(
            Q(user__username__icontains=account_name) | Q(user__email__icontains=account_name)
        )
    if cleaned["kind"]:
        rows = rows.filter(kind=cleaned["kind"])
    if address := cleaned["address"].strip():
        rows = rows.filter(Q(network=address) | Q(address__startswith=address))
    if cleaned["since"]:
        rows = rows.filter(last_at__gte=_midnight(cleaned["since"]))
    if cleaned["until"]:
        rows = rows.filter(first_at__lt=_midnight(cleaned["until"] + timedelta(days=1)))
    return rows


def _midnight(day: Any) -> datetime:
    return make_aware(datetime.combine(day, time.min))


def _build_headline(user: User) -> Headline:
    recent_events = AccountEvent.objects.visible_to(user).filter(
        last_at__gt=now() - timedelta(days=1)
    )
    n_failed = sum(recent_events.filter(kind__in=FAILURES).values_list("n", flat=True)[:10_000])
    if not n_failed:
        return Headline("No sign-in failed in the last 24 hours.")
    return Headline(
        pluralize(
            n_failed,
            f"{n_failed:,} sign-in failed in the last 24 hours.",
            f"{n_failed:,} sign-ins failed in the last 24 hours.",
        )
    )


def _build_filters(request: HttpRequest, form: AccountEventForm) -> FilterControls:
    """Return the filter controls with the submitted values."""
    control_kinds = {
        "who": "search",
        "kind": "select",
        "address": "search",
        "since": "date",
        "until": "date",
    }
    return FilterControls(
        tuple(
            FilterControl(
                name,
                str(form.fields[name].label),
                kind,
                AccountEventKind.choices if kind == "select" else (),
                request.GET.get(name, ""),
                " ".join(str(error) for error in form.errors.get(name, [])),
            )
            for name, kind in control_kinds.items()
        ),
        (),
        "",
    )


def _require_reader(request: HttpRequest) -> User:
    user = signed_in_user(request)
    if not user.can_read_all:
        raise PermissionDenied(
            "You need an organisation role to view the events of all accounts. Your own events "
            "are on your account page."
        )
    return user

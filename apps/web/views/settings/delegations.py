"""Deputies of absent persons: one's own, and for governance those of all."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import OPEN_STATES, Delegation, User
from apps.accounts.people.delegations import end_delegation, set_delegation
from apps.accounts.people.queries import person_by_address
from apps.common.errors import DomainError, ForbiddenError
from apps.common.time import day_of, now
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import Headline, render_page
from apps.web.wording import long_day


class PersonTextField(forms.CharField):
    """A person with an open account, by username, email address or name."""

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        people = User.objects.people().filter(state__in=OPEN_STATES)
        person = people.filter(username__iexact=text).first()
        if person is None and "@" in text:
            known = person_by_address(text)
            person = known if known is not None and known.state in OPEN_STATES else None
        if person is None:
            raise ValidationError(f"No user “{text}” found. Enter a username or email address.")
        return person


class DelegationForm(forms.Form):
    person = PersonTextField(
        label="Absent person", max_length=254, help_text="Username or email address."
    )
    deputy = PersonTextField(label="Deputy", max_length=254, help_text="Username or email address.")
    since = DayField(label="From")
    until = DayField(label="Until", help_text="Day of the return (not included).")

    def __init__(self, *args: Any, by: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if by is not None and not by.is_governance:
            del self.fields["person"]
        elif by is not None:
            self.fields["person"].initial = by.get_username()


@require_http_methods(["GET", "HEAD", "POST"])
def delegation_list(request: HttpRequest) -> HttpResponse:
    """Show delegations, and set one."""
    user, today = signed_in_user(request), day_of(now())
    form = DelegationForm(request.POST if request.method == "POST" else None, by=user)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        try:
            delegation = set_delegation(
                person=cleaned.get("person") or user,
                deputy=cleaned["deputy"],
                since=cleaned["since"],
                until=cleaned["until"],
                by=user,
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            flash_success(
                request,
                f"{delegation.deputy} acts for {delegation.person} from "
                f"{long_day(delegation.since)} until {long_day(delegation.until)}.",
            )
            return redirect("delegations:list")
    delegations = Delegation.objects.visible_to(user).select_related("person", "deputy")
    listing = PaginatedList(request, delegations.order_by("-until", "-pk"))
    n_current = delegations.effective_on(today).count()
    return render_page(
        request,
        "settings/delegations.html",
        title="Delegations",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Delegations that concern you; organisation roles see all",
        sentence=Headline(
            f"{n_current} {'delegation applies' if n_current == 1 else 'delegations apply'} today."
            if n_current
            else "No delegation applies today."
        ),
        listing=listing,
        today=today,
        form=form,
        status=422 if form.is_bound else 200,
    )


@require_POST
def stop_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """End a delegation today."""
    user = signed_in_user(request)
    delegation = get_object_or_404(
        Delegation.objects.visible_to(user).select_related("person", "deputy"), pk=pk
    )
    try:
        end_delegation(delegation=delegation, by=user, on=day_of(now()))
    except ForbiddenError:
        raise
    except DomainError as error:
        flash_error(request, str(error))
    else:
        flash_success(request, f"{delegation.deputy} no longer acts for {delegation.person}.")
    return redirect("delegations:list")

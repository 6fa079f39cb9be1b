"""Deputies of absent persons: one's own, and for governance those of all."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.models import OPEN_STATES, Delegation, User
from apps.accounts.people.delegations import end_delegation, set_delegation
from apps.accounts.people.queries import person_by_address
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.web.lists.columns import Column, format_day
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.page import Headline
from apps.web.wording import long_day, number


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


class DelegationList(ListPage[Delegation, Delegation]):
    """Delegations that concern the user, latest first; below them the form to set one."""

    namespace = "delegations"
    title = "Delegations"
    nouns = ("delegation", "delegations")
    counts = "Delegations that concern you; organisation roles see all"
    columns = (
        Column[Delegation]("person", "Absent person", attrgetter("person")),
        Column[Delegation]("deputy", "Deputy", attrgetter("deputy")),
        Column[Delegation]("since", "From", attrgetter("since"), format=format_day),
        Column[Delegation](
            "until",
            "Until (not included)",
            attrgetter("until"),
            template="settings/delegation-until.html",
        ),
    )
    default_order = ("", ("-until", "-pk"))
    template = "settings/delegations.html"

    def get_queryset(self) -> "QuerySet[Delegation]":
        return Delegation.objects.visible_to(self.user).select_related("person", "deputy")

    def get_lead(self) -> Headline:
        n = Delegation.objects.visible_to(self.user).effective_on(self.today).count()
        if not n:
            return Headline("No delegation applies today.")
        return Headline(
            pluralize(n, "1 delegation applies today.", f"{number(n)} delegations apply today.")
        )

    def get_basis(self) -> str:
        return "A deputy acts for an absent person."

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No delegations yet.", "Set a deputy before an absence.", "Set deputy", "#h-set"
        )

    def get_row_css(self, row: Delegation) -> str:
        return "past" if row.until <= self.today else ""

    def get_context(self) -> Mapping[str, Any]:
        return {"form": DelegationForm(by=self.user)}

    def submit(self, request: HttpRequest) -> HttpResponse:
        """Set a deputy."""
        return action_view(
            request,
            form=lambda: DelegationForm(request.POST, by=self.user),
            action=lambda form: set_delegation(
                person=form.cleaned_data.get("person") or self.user,
                deputy=form.cleaned_data["deputy"],
                since=form.cleaned_data["since"],
                until=form.cleaned_data["until"],
                by=self.user,
            ),
            done=lambda delegation: (
                f"{delegation.deputy} acts for {delegation.person} from "
                f"{long_day(delegation.since)} until {long_day(delegation.until)}."
            ),
            back=reverse("delegations:list"),
            page=lambda form: self.render(request, form=form),
        )


@require_POST
def stop_delegation(request: HttpRequest, pk: int) -> HttpResponse:
    """End a delegation today."""
    user = signed_in_user(request)
    delegation = get_object_or_404(
        Delegation.objects.visible_to(user).select_related("person", "deputy"), pk=pk
    )
    return action_view(
        request,
        action=lambda _form: end_delegation(delegation=delegation, by=user, on=day_of(now())),
        done=f"{delegation.deputy} no longer acts for {delegation.person}.",
        back=reverse("delegations:list"),
    )

"""Links to the form for proposed use cases: list, creation and revocation."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.governance.use_cases.filters import UseCaseLinkFilter
from apps.inventory.governance.use_cases.links import (
    create_link,
    link_token,
    restore_link,
    revoke_link,
)
from apps.inventory.models import UseCaseLink
from apps.inventory.models.use_cases import MAX_SUBMISSIONS
from apps.web.lists.columns import Column, FileColumn, format_day, format_text
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import DayField, governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page

GOVERNANCE_ONLY = "You need the governance or administrator role to change these links."
DEFAULT_DURATION = timedelta(days=30)


def form_url(link: UseCaseLink) -> str:
    """Return the URL of the form, whose bearer can propose use cases."""
    return f"{settings.PUBLIC_URL}{reverse('use-case-form:propose', args=[link_token(link)])}"


class LinkForm(forms.Form):
    name = forms.CharField(
        label="Recipients",
        max_length=100,
        help_text="Who receives the link, such as a department. The form does not show it.",
    )
    expires_on = DayField(label="Expires on", help_text="Not valid from this date.")
    max_submissions = forms.IntegerField(
        label="Most proposals",
        min_value=1,
        max_value=MAX_SUBMISSIONS,
        initial=20,
        help_text="The link stops working after this number of proposals.",
    )


def _describe_state(link: UseCaseLink) -> str:
    at = now()
    if link.revoked_at is not None:
        return "revoked"
    if link.expires_on <= day_of(at):
        return "expired"
    return "open" if link.is_open_at(at) else "used up"


class UseCaseLinkList(ListPage[UseCaseLink, UseCaseLink]):
    """Links to the form. Only governance sees their URLs, with which anybody can propose."""

    namespace = "use-case-links"
    title = "Links to the form"
    nouns = ("link", "links")
    counts = "Links to the form for proposed use cases"
    filterset_class = UseCaseLinkFilter
    columns = (
        Column[UseCaseLink](
            "name",
            "Recipients",
            attrgetter("name"),
            note=lambda link: f"created by {link.created_by}",
            order=("name", "pk"),
        ),
        Column[UseCaseLink]("state", "State", _describe_state),
        Column[UseCaseLink](
            "expires",
            "Expires",
            attrgetter("expires_on"),
            format=format_day,
            order=("expires_on", "pk"),
        ),
        Column[UseCaseLink](
            "n_submissions",
            "Proposals",
            attrgetter("n_submissions"),
            note=lambda link: f"of at most {link.max_submissions}",
            url=lambda link: f"{reverse('use-cases:list')}?link={link.pk}",
            is_numeric=True,
        ),
        Column[UseCaseLink](
            "url",
            "Link",
            attrgetter("pk"),
            template="use-cases/link-cell.html",
            is_in_files=False,
        ),
    )
    file_columns = (
        FileColumn[UseCaseLink]("Most proposals", attrgetter("max_submissions")),
        FileColumn[UseCaseLink]("Created by", lambda link: format_text(link.created_by)),
        FileColumn[UseCaseLink]("Created at", attrgetter("created_at")),
        FileColumn[UseCaseLink]("Revoked by", lambda link: str(link.revoked_by or "")),
        FileColumn[UseCaseLink]("Revoked at", attrgetter("revoked_at")),
    )
    controls = (FilterControl("q", "Search", "search"),)
    default_order = ("", ("-created_at", "-pk"))

    def check_access(self) -> None:
        if not self.user.can_read_all:
            raise Http404

    def get_queryset(self) -> "QuerySet[UseCaseLink]":
        return UseCaseLink.objects.visible_to(self.user).select_related("created_by", "revoked_by")

    def describe_all(self) -> Headline:
        n = sum(link.is_open_at(self.at) for link in UseCaseLink.objects.visible_to(self.user))
        if not n:
            return Headline("No link to the form is open.")
        return Headline(pluralize(n, "1 link is open.", f"{n} links are open."))

    def get_basis(self) -> str:
        return "Anybody who has an open link can propose use cases, without an account."

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Create link", reverse("use-case-links:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        text = "A link opens a form without an account, until it expires or is revoked."
        if not self.user.is_governance:
            return EmptyState("No links yet.", text)
        return EmptyState("No links yet.", text, "Create link", reverse("use-case-links:create"))

    def get_row_css(self, row: UseCaseLink) -> str:
        return "" if row.is_open_at(self.at) else "past"

    def get_context(self) -> Mapping[str, Any]:
        if not self.user.is_governance:
            return {"urls": {}}
        return {
            "urls": {link.pk: form_url(link) for link in self.rows if link.is_open_at(self.at)},
            "may_edit": True,
        }


@require_http_methods(["GET", "HEAD", "POST"])
def create_form_link(request: HttpRequest) -> HttpResponse:
    """Create a link to the form."""
    user, at = governance_user(request, GOVERNANCE_ONLY), now()
    initial = {"expires_on": day_of(at) + DEFAULT_DURATION}
    return action_view(
        request,
        form=lambda: LinkForm(request.POST or None, initial=initial),
        action=lambda form: create_link(**form.cleaned_data, by=user, at=at),
        done=lambda link: Confirmation(
            "Link created. Copy it from the list.",
            undo=reverse("use-case-links:revoke", args=[link.pk]),
        ),
        back=reverse("use-case-links:list"),
        page=lambda form: render_page(
            request,
            "use-cases/link-form.html",
            title="Create link",
            crumbs=_crumbs(),
            sentence=Headline("Anybody who has the link can propose use cases."),
            form=form,
        ),
    )


def _crumbs() -> tuple[tuple[str, str], ...]:
    return (
        ("Proposed use cases", reverse("use-cases:list")),
        ("Links", reverse("use-case-links:list")),
    )


@require_POST
def revoke_form_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a link; what was proposed by it stays."""
    link, user = _find_link(request, pk)
    return action_view(
        request,
        action=lambda _form: revoke_link(link=link, by=user, at=now()),
        done=lambda _link: Confirmation(
            "Link revoked.", undo=reverse("use-case-links:restore", args=[pk])
        ),
        back=reverse("use-case-links:list"),
    )


@require_POST
def restore_form_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo the revocation of a link."""
    link, user = _find_link(request, pk)
    return action_view(
        request,
        action=lambda _form: restore_link(link=link, by=user),
        done="The revocation was undone. The link is open until it expires.",
        back=reverse("use-case-links:list"),
    )


def _find_link(request: HttpRequest, pk: int) -> tuple[UseCaseLink, Any]:
    user = signed_in_user(request)
    link = get_object_or_404(UseCaseLink.objects.visible_to(user), pk=pk)
    return link, governance_user(request, GOVERNANCE_ONLY)

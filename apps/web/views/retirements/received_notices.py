"""Received notices: drafts of announcements that came by email, for governance to announce or
dismiss."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import User
from apps.catalog.models import Offering, Provider
from apps.catalog.retirements.coverage import Subject, hosts_of
from apps.common.text import pluralize
from apps.common.time import now
from apps.feeds.filters import ReceivedNoticeFilter
from apps.feeds.mailbox.decisions import (
    change_notice_mail_settings,
    dismiss_notice,
    reopen_notice,
)
from apps.feeds.mailbox.recognition import proposed_subjects
from apps.feeds.models import NoticeMailSettings, NoticeMailStatus, ReceivedNotice
from apps.web.lists.columns import Column, FileColumn, format_day, format_moment
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.views.governance.approval_targets import SelectedTarget, load_target
from apps.web.views.undo import return_path
from apps.web.wording import number

GOVERNANCE_ONLY = "You need the governance or administrator role to view received notices."
MAX_NEW_NOTICES = 5
# names of models of one notice in a list
MAX_LISTED_NAMES = 3
# the field of the form; the whole text is shown beside it
MAX_FORM_TEXT_LENGTH = 10_000
MAX_LISTED_MODEL_IDS = 200


@dataclass(frozen=True, slots=True)
class NoticeProposal:
    """What a notice might retire, as a link to the form of announcements."""

    target: SelectedTarget
    url: str


# --- shared with the form of announcements --------------------------------------------------------


def requested_notice(request: HttpRequest, user: User) -> ReceivedNotice | None:
    """Return the notice that the URL names, to be announced; None if it names none. 404 for a
    notice that the user cannot view."""
    value = request.GET.get("notice", "")
    if not value:
        return None
    pk = number_in(value)
    notices = ReceivedNotice.objects.visible_to(user).with_state().select_related("successor__host")
    notice = notices.filter(pk=pk).first() if pk is not None else None
    if notice is None:
        raise Http404
    return notice


def proposals_of(notice: ReceivedNotice) -> list[NoticeProposal]:
    """Return the proposed subjects of the notice as links."""
    address = reverse("retirements:announce")
    targets = [load_target(proposal.subject) for proposal in proposed_subjects(notice)]
    return [
        NoticeProposal(
            target, f"{address}?{urlencode({target.kind: target.key, 'notice': notice.pk})}"
        )
        for target in targets
    ]


def initial_terms(notice: ReceivedNotice, subject: Subject) -> dict[str, Any]:
    """Return the initial values of the announcement's form: what the notice says about the
    subject."""
    initial: dict[str, Any] = {
        "notice_text": notice.text[:MAX_FORM_TEXT_LENGTH],
        "retires_on": notice.retires_on,
        "source_url": notice.source_url,
        "hosts": _named_hosts(notice, subject),
    }
    if notice.date_kind:
        initial["date_kind"] = notice.date_kind
    if notice.successor is not None:
        initial["successor"] = f"{notice.successor.host.slug}/{notice.successor.api_id}"
    proposal = next(
        (proposal for proposal in proposed_subjects(notice) if proposal.subject == subject), None
    )
    if proposal is not None and not isinstance(subject, Offering):
        initial["model_ids"] = "\n".join(proposal.model_ids[:MAX_LISTED_MODEL_IDS])
    return initial


def _named_hosts(notice: ReceivedNotice, subject: Subject) -> list[str]:
    """Return the slugs of the subject's hosts that the notice names; empty if it names all."""
    if isinstance(subject, Offering | Provider):
        return []
    slugs = [host.slug for host in hosts_of(subject)]
    named_slugs = [slug for slug in slugs if slug in notice.host_slugs]
    return named_slugs if len(named_slugs) < len(slugs) else []


# --- list and page --------------------------------------------------------------------------------


def _describe_models(notice: ReceivedNotice) -> str:
    n = len(notice.model_names)
    return f"{number(n)} in all" if n > MAX_LISTED_NAMES else ""


def _get_state_label(notice: Any) -> str:
    """Return the label of the state, which `with_state` adds to a notice."""
    return ReceivedNotice.State(notice.state).label


class ReceivedNoticeList(ListPage[ReceivedNotice, ReceivedNotice]):
    """Received notices by the filters of the URL, latest first; new ones unless it names a
    state. The files leave out the text."""

    namespace = "received-notices"
    title = "Received notices"
    nouns = ("received notice", "received notices")
    crumbs = (("Announced retirements", "retirements:list"),)
    counts = "Emails of allowed senders"
    filterset_class = ReceivedNoticeFilter
    columns = (
        Column[ReceivedNotice](
            "notice",
            "Notice",
            str,
            note=attrgetter("sender"),
            url=lambda notice: reverse("received-notices:detail", args=[notice.pk]),
        ),
        Column[ReceivedNotice](
            "models",
            "Models",
            lambda notice: ", ".join(notice.model_names),
            format=lambda names: (
                ", ".join(names.split(", ")[:MAX_LISTED_NAMES]) or "none recognised"
            ),
            note=_describe_models,
            css=lambda notice: "id" if notice.model_names else "dim",
        ),
        Column[ReceivedNotice](
            "retires",
            "Retires",
            attrgetter("retires_on"),
            format=format_day,
            note=lambda notice: "earliest" if notice.date_kind == "not_before" else "",
        ),
        Column[ReceivedNotice](
            "received", "Received", attrgetter("received_at"), format=format_moment
        ),
        Column[ReceivedNotice](
            "state",
            "State",
            _get_state_label,
            template="retirements/notice-state.html",
        ),
    )
    file_columns = (
        FileColumn[ReceivedNotice]("Sender", attrgetter("sender")),
        FileColumn[ReceivedNotice]("Subject", attrgetter("subject")),
        FileColumn[ReceivedNotice]("Date type", ReceivedNotice.get_date_kind_display),
        FileColumn[ReceivedNotice](
            "Successor", lambda notice: str(notice.successor or notice.successor_name)
        ),
        FileColumn[ReceivedNotice]("Source URL", attrgetter("source_url")),
        FileColumn[ReceivedNotice]("Dismissed by", lambda notice: str(notice.dismissed_by or "")),
        FileColumn[ReceivedNotice]("Dismissed at", attrgetter("dismissed_at")),
        FileColumn[ReceivedNotice]("Reason", attrgetter("dismissal_reason")),
    )
    controls = (
        FilterControl("q", "Contains", "search"),
        FilterControl("state", "State", choices=ReceivedNotice.State.choices),
    )
    default_filters = {"state": ReceivedNotice.State.NEW}
    default_order = ("", ("-received_at", "-id"))
    page_size = 30

    def check_access(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(GOVERNANCE_ONLY)

    def get_queryset(self) -> "QuerySet[ReceivedNotice]":
        return ReceivedNotice.objects.visible_to(self.user)

    def narrow(self, queryset: Any) -> "QuerySet[ReceivedNotice]":
        notices: QuerySet[ReceivedNotice] = queryset.with_state()
        return notices.select_related("dismissed_by", "successor__host")

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("No received notices are new.")
        verb = pluralize(self.listing.n_found, "is", "are")
        return Headline(f"{self.count_records()} {verb} new.")

    def get_basis(self) -> str:
        return "Emails of allowed senders. They change nothing until you announce the retirement."

    def get_actions(self) -> Sequence[PageAction]:
        return (PageAction("Edit mailbox rules", reverse("received-notices:rules")),)

    def get_empty_state(self) -> EmptyState:
        rules = reverse("received-notices:rules")
        if NoticeMailSettings.load().allowed_senders:
            return EmptyState(
                "No received notices are new.",
                "Forward the notice of a provider to the mailbox of the registry, in the text of "
                "the email. It appears here as a draft of an announcement.",
                "View mailbox rules",
                rules,
            )
        return EmptyState(
            "No received notices yet.",
            "Account managers announce retirements by email. Enter the colleagues who can forward "
            "such a notice: each email becomes a draft of an announcement. The operator connects a "
            "mailbox or the email server.",
            "Set up mailbox",
            rules,
        )


class LatestReceivedNotices(ReceivedNoticeList):
    """The latest new notices, above the announced retirements."""

    page_size = MAX_NEW_NOTICES

    @property
    def n_new(self) -> int:
        return self.listing.n_found


def _load_notice(request: HttpRequest, pk: int) -> tuple[User, ReceivedNotice]:
    """Return user and notice; 404 for users who cannot view it."""
    user = signed_in_user(request)
    notices = ReceivedNotice.objects.visible_to(user).with_state()
    return user, get_object_or_404(notices.select_related("successor__host", "dismissed_by"), pk=pk)


@require_safe
def notice_detail(request: HttpRequest, pk: int) -> HttpResponse:
    _, notice = _load_notice(request, pk)
    announcements = notice.announcements.select_related(
        "version", "foundation", "provider", "offering__host", "announced_by"
    ).order_by("announced_at", "pk")
    is_dismissed = notice.dismissed_at is not None
    return render_page(
        request,
        "retirements/notice.html",
        title="Received notice",
        crumbs=(
            ("Announced retirements", reverse("retirements:list")),
            ("Received notices", reverse("received-notices:list")),
        ),
        sentence=Headline(str(notice)),
        notice=notice,
        proposals=[] if is_dismissed else proposals_of(notice),
        announcements=announcements,
        can_dismiss=getattr(notice, "state", "") == ReceivedNotice.State.NEW,
    )


@require_POST
def dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Dismiss a notice, with undo."""
    user, notice = _load_notice(request, pk)
    return action_view(
        request,
        action=lambda _form: dismiss_notice(
            notice=notice, at=now(), by=user, reason=request.POST.get("reason", "")
        ),
        done=lambda _result: Confirmation(
            "Notice dismissed.", reverse("received-notices:reopen", args=[pk])
        ),
        back=return_path(request, reverse("received-notices:list")),
    )


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    user, notice = _load_notice(request, pk)
    return action_view(
        request,
        action=lambda _form: reopen_notice(notice=notice, by=user),
        done="Notice reopened.",
        back=reverse("received-notices:detail", args=[pk]),
    )


# --- rules of the mailbox -------------------------------------------------------------------------


class NoticeMailForm(forms.Form):
    """Whose emails become received notices."""

    allowed_senders = forms.CharField(
        label="Allowed senders",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="One email address or domain per line. Empty: no email is accepted.",
    )
    requires_dkim = forms.BooleanField(
        label="Require a valid DKIM signature",
        required=False,
        help_text="A sender address alone can be forged.",
    )
    receiving_server = forms.CharField(
        label="Receiving email server",
        required=False,
        max_length=253,
        help_text=(
            "First word of the header Authentication-Results that your email server adds, such as "
            "mx.example.org."
        ),
    )

    def clean_allowed_senders(self) -> list[str]:
        return str(self.cleaned_data["allowed_senders"]).replace(",", " ").split()


@require_http_methods(["GET", "HEAD", "POST"])
def edit_rules(request: HttpRequest) -> HttpResponse:
    """Show the state of the mailbox, and edit whose emails are accepted."""
    by = governance_user(request, GOVERNANCE_ONLY)
    rules = NoticeMailSettings.load()
    return action_view(
        request,
        form=lambda: NoticeMailForm(
            request.POST if request.method == "POST" else None,
            initial={
                "allowed_senders": "\n".join(rules.allowed_senders),
                "requires_dkim": rules.requires_dkim,
                "receiving_server": rules.receiving_server,
            },
        ),
        action=lambda form: change_notice_mail_settings(**form.cleaned_data, by=by),
        done="Rules for received notices saved.",
        back=reverse("received-notices:rules"),
        page=lambda form: _render_rules(request, form, rules),
    )


def _render_rules(
    request: HttpRequest, form: NoticeMailForm, rules: NoticeMailSettings
) -> HttpResponse:
    mail_status = NoticeMailStatus.objects.filter(pk=NoticeMailStatus.ONLY).first()
    return render_page(
        request,
        "retirements/notice-rules.html",
        title="Mailbox of notices",
        crumbs=(
            ("Announced retirements", reverse("retirements:list")),
            ("Received notices", reverse("received-notices:list")),
        ),
        sentence=Headline(_rules_sentence(rules)),
        form=form,
        mailbox=_mailbox_text(),
        mail_status=mail_status,
        rejections=_rejections(mail_status),
    )


def _rejections(mail_status: NoticeMailStatus | None) -> list[dict[str, Any]]:
    """Return the latest rejected emails, with times as such."""
    rows = mail_status.rejections if mail_status is not None else []
    return [{**row, "at": datetime.fromisoformat(row["at"])} for row in rows]


def _rules_sentence(rules: NoticeMailSettings) -> str:
    n = len(rules.allowed_senders)
    if not n:
        return "No email is accepted, because no sender is allowed."
    if rules.requires_dkim and not rules.receiving_server:
        return "No email is accepted, because the receiving email server is not set."
    return pluralize(n, "Emails of 1 sender are accepted.", f"Emails of {n} senders are accepted.")


def _mailbox_text() -> str:
    """Return the mailbox that is read, without its credentials; "" if none is configured."""
    mailbox = settings.NOTICE_MAILBOX
    return f"{mailbox.folder} on {mailbox.host}" if mailbox is not None else ""

"""Cloud accounts, for governance: the list, one account with its deployments and pulls, its
settings and credentials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Team, User
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.accounts.account_record import CLOUD_ACCOUNT_FIELDS, CloudAccountRecord
from apps.intake.accounts.clients.registry import CLOUD_KINDS, CloudKind
from apps.intake.accounts.credentials import (
    MAX_SECRET_LENGTH,
    credentials_problem,
    delete_credentials,
    set_credentials,
)
from apps.intake.accounts.pulls import check_access, queue_pull
from apps.intake.accounts.reports import stream_of_account
from apps.intake.filters import AccountDeploymentFilter
from apps.intake.models import (
    AccountDeployment,
    CloudAccount,
    CloudCredential,
    CloudPull,
    Service,
)
from apps.web.lists.columns import (
    Column,
    FileColumn,
    format_ago,
    format_moment,
    format_number,
)
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import BOOLEANS, FilterControl
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.pages.record_form import RecordForm, record_form
from apps.web.wording import ago, join_names, number

RECORD = CloudAccountRecord()
GOVERNANCE_ONLY = "You need the governance or administrator role to view cloud accounts."
MAX_DEPLOYMENTS = 50
MAX_PULLS = 10
_SETTINGS = ("tenant", "client", "subscription", "project", "organisation", "regions")
_LIFECYCLE_LABELS = {
    "status": "",
    "announced_on": "legacy since",
    "deprecated_on": "deprecated on",
    "extended_access_from": "extended access from",
    "retires_on": "retires on",
    "training_ends_on": "fine-tuning ends on",
}


def _governance(request: HttpRequest) -> User:
    return governance_user(request, GOVERNANCE_ONLY)


def _account(request: HttpRequest, pk: int) -> tuple[User, CloudAccount]:
    """Return the user and the account; 403 without the role, so that nothing about the account is
    disclosed."""
    user = _governance(request)
    return user, get_object_or_404(CloudAccount.objects.visible_to(user), pk=pk)


# --- list -----------------------------------------------------------------------------------------


class AccountStatus(models.TextChoices):
    """Status of an account in the list."""

    WITHOUT_CREDENTIALS = "without_credentials", "No credentials"
    NEVER_PULLED = "never_pulled", "Never pulled"
    BEING_PULLED = "being_pulled", "Being pulled"
    FAILED = "failed", "Failed"
    PARTIAL = "partial", "Partly read"
    UP_TO_DATE = "up_to_date", "Up to date"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account with its last pull, None if it was never pulled."""

    account: CloudAccount
    pull: CloudPull | None
    n_deployments: int
    has_credentials: bool

    @property
    def status(self) -> AccountStatus:
        if not self.has_credentials:
            return AccountStatus.WITHOUT_CREDENTIALS
        if self.pull is None:
            return AccountStatus.NEVER_PULLED
        if self.pull.state in CloudPull.OPEN:
            return AccountStatus.BEING_PULLED
        if self.pull.state == CloudPull.State.FAILED:
            return AccountStatus.FAILED
        return AccountStatus.PARTIAL if self.pull.is_partial else AccountStatus.UP_TO_DATE

    @property
    def is_incomplete(self) -> bool:
        return self.status in {AccountStatus.FAILED, AccountStatus.PARTIAL}

    @property
    def css(self) -> str:
        is_late = self.is_incomplete or self.status == AccountStatus.WITHOUT_CREDENTIALS
        return "late" if is_late else ""


def _describe_schedule(row: AccountRow) -> str:
    if not row.account.enabled:
        return "not pulled at an interval"
    n_hours = row.account.interval_hours
    return f"every {pluralize(n_hours, 'hour', f'{n_hours} hours')}"


class CloudAccountList(ListPage[CloudAccount, AccountRow]):
    """Cloud accounts by name."""

    namespace = "cloud-accounts"
    title = "Cloud accounts"
    nouns = ("cloud account", "cloud accounts")
    counts = "Accounts whose deployments are read with read-only credentials"
    columns = (
        Column[AccountRow](
            "name",
            "Account",
            attrgetter("account.name"),
            note=lambda row: row.account.get_kind_display(),
            url=lambda row: reverse("cloud-accounts:detail", args=[row.account.pk]),
            order=("name", "pk"),
        ),
        Column[AccountRow](
            "status",
            "Status",
            attrgetter("status.label"),
            note=_describe_schedule,
            css=attrgetter("css"),
        ),
        Column[AccountRow](
            "last_pull",
            "Last pull",
            lambda row: row.pull.queued_at if row.pull else None,
            format=format_ago,
        ),
        Column[AccountRow](
            "deployments",
            "Deployments",
            attrgetter("n_deployments"),
            format=format_number,
            is_numeric=True,
        ),
        Column[AccountRow](
            "team",
            "Team",
            lambda row: row.account.team.name if row.account.team else "",
        ),
    )
    file_columns = (
        FileColumn[AccountRow]("Interval in hours", attrgetter("account.interval_hours")),
        FileColumn[AccountRow]("Enabled", attrgetter("account.enabled")),
    )
    default_order = ("name", ())

    def check_access(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(GOVERNANCE_ONLY)

    def get_queryset(self) -> "QuerySet[CloudAccount]":
        return (
            CloudAccount.objects.visible_to(self.user)
            .select_related("team", "credential")
            .annotate(
                n_deployments=Count("deployments", filter=Q(deployments__gone_at__isnull=True))
            )
        )

    def build_rows(self, records: Sequence[Any]) -> Sequence[AccountRow]:
        pulls = {
            pull.account_id: pull
            for pull in CloudPull.objects.filter(account__in=records)
            .order_by("account_id", "-queued_at", "-pk")
            .distinct("account")
        }
        return [
            AccountRow(
                account,
                pulls.get(account.pk),
                account.n_deployments,
                hasattr(account, "credential"),
            )
            for account in records
        ]

    def describe_all(self) -> Headline:
        n_found = sum(row.n_deployments for row in self.rows)
        n_failed = sum(row.is_incomplete for row in self.rows)
        found = pluralize(
            n_found,
            "1 deployment or model in use",
            f"{number(n_found)} deployments and models in use",
        )
        opening = f"{self.count_records()} with {found}"
        if not n_failed:
            return Headline(f"{opening}.")
        verb = pluralize(n_failed, "account was", "accounts were")
        return Headline(f"{opening}; ", f"{number(n_failed)} {verb} not read completely", ".")

    def get_basis(self) -> str:
        return (
            "The registry reads which models are deployed or were used, and changes nothing in an "
            "account. Only governance and administrators see this page."
        )

    def get_actions(self) -> Sequence[PageAction]:
        return (PageAction("Add account", reverse("cloud-accounts:choose"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No cloud accounts yet.",
            "Add an account with read-only credentials. The registry then finds its deployments, "
            "their models and regions, and reports undeclared use.",
            "Add account",
            reverse("cloud-accounts:choose"),
        )


# --- deployments ----------------------------------------------------------------------------------


def describe_lifecycle(row: AccountDeployment) -> str:
    """Return the lifecycle as the account states it: `Deprecating, retires on 2027-04-14`."""
    parts = [
        f"{label} {row.lifecycle[name]}".strip()
        for name, label in _LIFECYCLE_LABELS.items()
        if row.lifecycle.get(name)
    ]
    return ", ".join(parts)


def _describe_model(row: AccountDeployment) -> str:
    return f"{row.model} {row.version}".strip()


def _short_name(row: AccountDeployment) -> str:
    title = str(row.facts.get("title") or "")
    return title or row.name


class AccountDeploymentList(ListPage[AccountDeployment, AccountDeployment]):
    """Deployments of all accounts, or of one by the filters of the URL."""

    namespace = "account-deployments"
    title = "Deployments in cloud accounts"
    nouns = ("deployment", "deployments")
    crumbs = (("Cloud accounts", "cloud-accounts:list"),)
    counts = "Deployments and models in use, as the accounts state them"
    filterset_class = AccountDeploymentFilter
    columns = (
        Column[AccountDeployment](
            "name",
            "Deployment",
            _short_name,
            note=lambda row: row.get_kind_display(),
            order=("name", "pk"),
        ),
        Column[AccountDeployment](
            "account",
            "Account",
            attrgetter("account.name"),
            url=lambda row: reverse("cloud-accounts:detail", args=[row.account_id]),
            order=("account__name", "name", "pk"),
        ),
        Column[AccountDeployment]("model", "Model", _describe_model, order=("model", "pk")),
        Column[AccountDeployment]("region", "Region", attrgetter("region"), order=("region", "pk")),
        Column[AccountDeployment]("lifecycle", "Lifecycle in the account", describe_lifecycle),
        Column[AccountDeployment](
            "gone",
            "Missing since",
            attrgetter("gone_at"),
            format=format_moment,
            order=("gone_at", "pk"),
        ),
    )
    file_columns = (
        FileColumn[AccountDeployment]("ID in the cloud", attrgetter("external_id")),
        FileColumn[AccountDeployment]("Name that applications call", attrgetter("name")),
        FileColumn[AccountDeployment]("Application by the rule", attrgetter("service")),
        FileColumn[AccountDeployment]("First seen", attrgetter("first_seen_at")),
    )
    default_order = ("name", ())

    def get_controls(self) -> Sequence[FilterControl]:
        accounts = CloudAccount.objects.order_by("name").values_list("pk", "name")
        return (
            FilterControl("q", "Search", "search"),
            FilterControl("account", "Account", choices=[(str(pk), name) for pk, name in accounts]),
            FilterControl("kind", "Type", choices=AccountDeployment.Kind.choices),
            FilterControl("gone", "Missing", choices=BOOLEANS),
        )

    def check_access(self) -> None:
        if not self.user.is_governance:
            raise PermissionDenied(GOVERNANCE_ONLY)

    def get_queryset(self) -> "QuerySet[AccountDeployment]":
        return AccountDeployment.objects.visible_to(self.user).select_related("account")

    def describe_all(self) -> Headline:
        return Headline(f"{self.count_records()} in cloud accounts.")

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No deployments yet.",
            "They are listed after the first pull of a cloud account.",
            "View cloud accounts",
            reverse("cloud-accounts:list"),
        )


# --- one account ----------------------------------------------------------------------------------


@require_safe
def account_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an account with its state, credentials, deployments and pulls."""
    _, account = _account(request, pk)
    return _render_account(request, account)


def _render_account(
    request: HttpRequest,
    account: CloudAccount,
    *,
    credential_form: forms.Form | None = None,
) -> HttpResponse:
    at = now()
    kind = CLOUD_KINDS[account.kind]
    pulls = list(account.pulls.select_related("requested_by")[:MAX_PULLS])
    open_pull = next((pull for pull in pulls if pull.state in CloudPull.OPEN), None)
    last_pull = next((pull for pull in pulls if pull.state not in CloudPull.OPEN), None)
    credential = CloudCredential.objects.filter(account=account).defer("sealed").first()
    rows = list(
        account.deployments.order_by(F("gone_at").desc(nulls_first=True), "kind", "name", "pk")[
            : MAX_DEPLOYMENTS + 1
        ]
    )
    applications = {
        service.name: service
        for service in Service.objects.filter(
            scope=stream_of_account(account), name__in={row.service for row in rows}
        ).select_related("application")
    }
    return render_page(
        request,
        "intake/cloud-account.html",
        title=account.name,
        crumbs=(("Cloud accounts", reverse("cloud-accounts:list")),),
        as_of=at,
        sentence=_build_headline(account, last_pull, credential is not None, at=at),
        account=account,
        kind=kind,
        credential=credential,
        credential_problem=credentials_problem(account),
        credential_form=credential_form or _credential_form(kind)(),
        last_pull=last_pull,
        open_pull=open_pull,
        progress_url=reverse("cloud-accounts:progress", args=[open_pull.pk]) if open_pull else "",
        progress_words=describe_progress(open_pull) if open_pull else "",
        facts=_facts(account, kind),
        deployments=[
            (
                row,
                _short_name(row),
                _describe_model(row),
                describe_lifecycle(row),
                applications.get(row.service),
            )
            for row in rows[:MAX_DEPLOYMENTS]
        ],
        has_more=len(rows) > MAX_DEPLOYMENTS,
        pulls=pulls,
        observations_url=url_with_query(
            reverse("observations:list"), stream=stream_of_account(account)
        ),
        deployments_url=url_with_query(
            reverse("account-deployments:list"), account=str(account.pk)
        ),
    )


def _build_headline(
    account: CloudAccount, pull: CloudPull | None, has_credentials: bool, *, at: datetime
) -> Headline:
    if not has_credentials:
        return Headline("No credentials yet: nothing is read. ", "Enter them below", ".")
    if pull is None:
        return Headline("Credentials are stored. ", "Nothing was read yet", ".")
    when = ago(pull.finished_at or pull.queued_at, at=at)
    if pull.state == CloudPull.State.FAILED:
        return Headline(f"The last pull failed {when}: ", pull.error, "")
    found = pluralize(
        pull.n_found,
        "1 deployment or model in use",
        f"{number(pull.n_found)} deployments and models in use",
    )
    if pull.problems:
        n = len(pull.problems)
        parts = join_names([str(problem["where"]) for problem in pull.problems], max_names=3)
        verb = pluralize(n, "part was", "parts were")
        return Headline(f"{found}, read {when}; ", f"{number(n)} {verb} not read", f": {parts}.")
    return Headline(f"{found}, read {when}.")


def _facts(account: CloudAccount, kind: CloudKind) -> list[tuple[str, str]]:
    names = (*kind.settings, *kind.optional_settings, "link_rule", "link_key", "application")
    lines = [
        (
            CLOUD_ACCOUNT_FIELDS.label(name),
            CLOUD_ACCOUNT_FIELDS.display(name, getattr(account, name)),
        )
        for name in names
        if name not in {"link_key", "application"} or getattr(account, name)
    ]
    return [*lines, ("Team", account.team.name if account.team else "–")]


# --- settings -------------------------------------------------------------------------------------


@require_safe
def choose_kind(request: HttpRequest) -> HttpResponse:
    """Show the kinds of accounts, with the permission that each needs."""
    _governance(request)
    return render_page(
        request,
        "intake/cloud-account-kinds.html",
        title="Add cloud account",
        crumbs=(("Cloud accounts", reverse("cloud-accounts:list")),),
        sentence=Headline("Select the cloud or provider."),
        kinds=[(name, CloudAccount.Kind(name).label, kind) for name, kind in CLOUD_KINDS.items()],
    )


def _settings_form(kind: CloudKind, *, creating: bool) -> type[RecordForm]:
    """Return the form of an account with only the settings that its kind has."""
    form_class = record_form(
        RECORD, creating=creating, querysets={"team": Team.objects.order_by("name")}
    )
    hidden = [name for name in _SETTINGS if name not in (*kind.settings, *kind.optional_settings)]
    left_out = dict.fromkeys((*hidden, *(("kind", "enabled") if creating else ())))
    kind_form: type[RecordForm] = type("CloudAccountForm", (form_class,), left_out)
    for name in kind.settings:
        field = kind_form.base_fields[name]
        field.required = True
        field.error_messages["required"] = (
            f"Enter a value for {CLOUD_ACCOUNT_FIELDS.label(name)}: {kind.label} needs it."
        )
    return kind_form


@require_http_methods(["GET", "HEAD", "POST"])
def create_account(request: HttpRequest, kind: str) -> HttpResponse:
    """Add an account of a kind; its credentials are entered on its page."""
    user = _governance(request)
    if kind not in CLOUD_KINDS:
        raise Http404
    cloud_kind = CLOUD_KINDS[kind]
    form_class = _settings_form(cloud_kind, creating=True)
    return action_view(
        request,
        form=lambda: form_class(request.POST or None),
        action=lambda form: RECORD.create(
            facts={**form.facts, "kind": kind}, by=user, reason=form.cleaned_data["reason"]
        ),
        done=lambda write: Confirmation(
            "Cloud account added. Enter its credentials.", _undo_url(write.change)
        ),
        back=lambda write: reverse("cloud-accounts:detail", args=[write.row.pk]),
        page=lambda form: _render_form(
            request, form, cloud_kind, title=f"New account: {cloud_kind.label}"
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the settings of an account. The row is locked and compared with what the page
    showed."""
    user, account = _account(request, pk)
    kind = CLOUD_KINDS[account.kind]
    form_class = _settings_form(kind, creating=False)

    def make_form() -> RecordForm:
        if request.method != "POST":
            return form_class(row=account)
        locked = CloudAccount.objects.select_for_update().get(pk=pk)
        return form_class(request.POST, row=locked)

    def done(change: UUID | None) -> Confirmation:
        if change is None:
            return Confirmation("No value differs from the recorded one. Nothing was changed.")
        return Confirmation("Cloud account changed.", _undo_url(change))

    return action_view(
        request,
        form=make_form,
        action=lambda form: RECORD.change(
            row=account, facts=form.facts, by=user, reason=form.cleaned_data["reason"]
        ),
        done=done,
        back=reverse("cloud-accounts:detail", args=[pk]),
        page=lambda form: _render_form(
            request, form, kind, title="Change cloud account", account=account
        ),
    )


def _undo_url(change: UUID) -> str:
    return reverse("records:undo", args=["cloud-accounts", change])


def _render_form(
    request: HttpRequest,
    form: RecordForm,
    kind: CloudKind,
    *,
    title: str,
    account: CloudAccount | None = None,
) -> HttpResponse:
    back = reverse("cloud-accounts:list")
    if account is not None:
        back = reverse("cloud-accounts:detail", args=[account.pk])
    crumbs: tuple[tuple[str, str], ...] = (("Cloud accounts", reverse("cloud-accounts:list")),)
    if account is not None:
        crumbs = (*crumbs, (account.name, back))
    return render_page(
        request,
        "intake/cloud-account-form.html",
        title=title,
        crumbs=crumbs,
        sentence=Headline(
            f"{account}."
            if account is not None
            else "The credentials are entered in the next step."
        ),
        form=form,
        kind=kind,
        account=account,
        back=back,
    )


# --- credentials ----------------------------------------------------------------------------------


def _credential_form(kind: CloudKind) -> type[forms.Form]:
    """Return the form of the secrets of a kind. It never shows a value again, not even one that was
    just sent."""
    fields: dict[str, Any] = {}
    for secret in kind.secrets:
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        widget: forms.Widget = (
            UnshownTextarea(attrs={**attrs, "rows": 4})
            if secret.is_long
            else forms.PasswordInput(attrs={**attrs, "autocomplete": "new-password"})
        )
        fields[secret.name] = forms.CharField(
            label=secret.label,
            help_text=secret.help_text,
            required=secret.is_required,
            max_length=MAX_SECRET_LENGTH,
            strip=True,
            widget=widget,
        )
    return type("CredentialForm", (forms.Form,), fields)


class UnshownTextarea(forms.Textarea):
    """A text of several lines that a page never shows again."""

    def format_value(self, value: Any) -> str:
        return ""


@require_POST
def change_credentials(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the secrets in place of the former ones."""
    user, account = _account(request, pk)
    form_class = _credential_form(CLOUD_KINDS[account.kind])
    return action_view(
        request,
        form=lambda: form_class(request.POST),
        action=lambda form: set_credentials(
            account=account, values=form.cleaned_data, by=user, at=now()
        ),
        done="The credentials were stored, encrypted. Test them before the first pull.",
        back=reverse("cloud-accounts:detail", args=[pk]),
        page=lambda form: _render_account(request, account, credential_form=form),
    )


@require_POST
def remove_credentials(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete the secrets and disable the account."""
    user, account = _account(request, pk)
    return action_view(
        request,
        action=lambda _form: delete_credentials(account=account, by=user),
        done="The credentials were deleted, and the account is disabled.",
        back=reverse("cloud-accounts:detail", args=[pk]),
    )


# --- actions --------------------------------------------------------------------------------------


@require_POST
def check_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the account once, store nothing, and say what was found. Outside of a transaction, which
    must not stay open while a cloud answers."""
    _, account = _account(request, pk)
    try:
        listing = check_access(account, at=now())
    except DomainError as error:
        flash_error(request, str(error))
        return redirect("cloud-accounts:detail", pk=pk)
    n_found = number(len(listing.deployments))
    found = f"Access works: {n_found} deployments and models found. Nothing was stored."
    if listing.problems:
        parts = " ".join(f"{problem.where}: {problem.reason}" for problem in listing.problems[:3])
        flash_error(
            request,
            f"{found} {number(len(listing.problems))} parts cannot be read. {parts}",
        )
    else:
        flash_success(request, found)
    return redirect("cloud-accounts:detail", pk=pk)


@require_POST
def pull_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue a pull and show its progress."""
    user, account = _account(request, pk)
    return action_view(
        request,
        action=lambda _form: queue_pull(account=account, by=user, at=now()),
        done="",
        back=reverse("cloud-accounts:detail", args=[pk]),
    )


@require_POST
def toggle_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Enable or disable the pulls at the interval."""
    user, account = _account(request, pk)
    enabled = request.POST.get("enabled") == "true"
    return action_view(
        request,
        action=lambda _form: RECORD.change(
            row=account,
            facts={"enabled": enabled},
            by=user,
            reason="cloud account enabled" if enabled else "cloud account disabled",
        ),
        done=lambda change: Confirmation(
            "The account is pulled at its interval."
            if enabled
            else "The account is no longer pulled. What was read stays.",
            _undo_url(change) if change else None,
        ),
        back=reverse("cloud-accounts:detail", args=[pk]),
    )


@never_cache
@require_safe
def pull_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the fragment that refreshes every two seconds; once the pull is over, htmx reloads the
    page."""
    user = _governance(request)
    pull = get_object_or_404(CloudPull.objects.visible_to(user), pk=pk)
    detail = reverse("cloud-accounts:detail", args=[pull.account_id])
    if pull.state not in CloudPull.OPEN:
        if not request.headers.get("HX-Request"):
            return redirect(detail)
        response = HttpResponse()
        response["HX-Redirect"] = detail
        return response
    return render_page(
        request,
        "intake/cloud-pull-progress.html",
        fragment="progress",
        title="Pulling",
        progress_url=reverse("cloud-accounts:progress", args=[pk]),
        progress_words=describe_progress(pull),
        account_url=detail,
    )


def describe_progress(pull: CloudPull) -> str:
    """Return what an open pull does, such as `Reading models in westeurope (12 calls)`."""
    if pull.state == CloudPull.State.QUEUED:
        return "Waiting for a worker"
    if not pull.step:
        return "Starting"
    calls = pluralize(pull.n_requests, "1 call", f"{number(pull.n_requests)} calls")
    return f"Reading {pull.step} ({calls})"

"""Pulls of cloud accounts: queued at their interval or by a user, one at a time for an account."""

from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef, Q

from apps.accounts.models import User
from apps.common import jobs
from apps.common.credentials import UnreadableCredentialsError
from apps.common.errors import ConflictError, DomainError, ForbiddenError
from apps.common.jobs import Claim, Job, JobKind
from apps.intake.accounts.clients.registry import read_account
from apps.intake.accounts.clients.session import CloudSession
from apps.intake.accounts.credentials import MissingCredentialsError, open_credentials
from apps.intake.accounts.records import AccountAccess, Listing, PullFailedError
from apps.intake.accounts.reports import report_account
from apps.intake.accounts.storage import store_listing
from apps.intake.models import AccountDeployment, CloudAccount, CloudCredential, CloudPull

_OPEN = tuple(Job.OPEN)
_MAX_PROBLEMS = 200
# pulls kept per account; the last ones show when a deployment was last seen
KEPT_PULLS = 100
# a web process waits for it
CHECK_SECONDS = 20.0


def queue_pull(*, account: CloudAccount, by: User | None, at: datetime) -> CloudPull:
    """Queue a pull, or return the one that is open. `by` None: at the interval. Raises
    ForbiddenError without the governance role, DomainError without credentials."""
    if by is not None and not by.is_governance:
        raise ForbiddenError("You need the governance role to pull cloud accounts.")
    if not CloudCredential.objects.filter(account=account).exists():
        raise MissingCredentialsError
    try:
        with transaction.atomic():
            return CloudPull.objects.create(account=account, requested_by=by, queued_at=at)
    except IntegrityError:
        open_pull = CloudPull.objects.filter(account=account, state__in=_OPEN).first()
        if open_pull is None:
            raise ConflictError("This pull has just ended. Reload the page.") from None
        return open_pull


def queue_due_pulls(*, at: datetime) -> int:
    """Queue a pull of each enabled account whose interval has passed since its last one; return
    their number."""
    is_open = CloudPull.objects.filter(account=OuterRef("pk"), state__in=_OPEN)
    accounts = CloudAccount.objects.filter(
        ~Exists(is_open), enabled=True, credential__isnull=False
    ).annotate(last_queued_at=Max("pulls__queued_at"))
    due = [account for account in accounts.order_by("pk") if _is_due(account, at=at)]
    for account in due:
        queue_pull(account=account, by=None, at=at)
    return len(due)


def _is_due(account: Any, *, at: datetime) -> bool:
    if account.last_queued_at is None:
        return True
    # a minute early, because the job that asks runs every ten minutes
    interval = timedelta(hours=account.interval_hours) - timedelta(minutes=1)
    return bool(account.last_queued_at + interval <= at)


def run_waiting_pulls(*, at: datetime) -> int:
    """Run every pull that waits or whose worker was lost; return their number."""
    return jobs.run_waiting(_PULLS, at=at)


def run_pull(pk: int, *, at: datetime) -> bool:
    """Run one pull; False if another worker has it or it has ended."""
    return jobs.run(_PULLS, pk, at=at)


def check_access(account: CloudAccount, *, at: datetime) -> Listing:
    """Read the account once and store nothing. Raises DomainError with a sentence if nothing can be
    read."""
    try:
        session = CloudSession(_label(account), max_seconds=CHECK_SECONDS)
        return read_account(account.kind, _access(account, at=at), session)
    except (PullFailedError, UnreadableCredentialsError) as error:
        raise DomainError(str(error)) from None


def _access(account: CloudAccount, *, at: datetime, report: Any = None) -> AccountAccess:
    facts: dict[str, Any] = {"report": report} if report is not None else {}
    return AccountAccess(
        tenant=account.tenant,
        client=account.client,
        subscription=account.subscription,
        project=account.project,
        organisation=account.organisation,
        regions=tuple(account.regions),
        credentials=open_credentials(account),
        at=at,
        **facts,
    )


def _label(account: CloudAccount) -> str:
    return str(CloudAccount.Kind(account.kind).label)


def _pull(claim: Claim[CloudPull]) -> None:
    """Read the account outside of transactions, store the differences, and pass them on."""
    account = claim.job.account
    session = CloudSession(_label(account))

    def report(step: str) -> None:
        claim.check()
        claim.update(step=step[:200], n_requests=session.n_calls)

    try:
        access = _access(account, at=claim.clock(), report=report)
        listing = read_account(account.kind, access, session)
    except (PullFailedError, DomainError, UnreadableCredentialsError) as error:
        claim.fail(str(error), n_requests=session.n_calls)
        return
    except SoftTimeLimitExceeded:
        claim.fail(
            "The pull took longer than a worker is allowed to run. Select fewer regions, or "
            "split the account.",
            n_requests=session.n_calls,
        )
        return
    at = claim.clock()
    with transaction.atomic():
        claim.hold()
        # the rule of the account may have been changed while the cloud was read
        account = CloudAccount.objects.select_for_update().get(pk=account.pk)
        stored = store_listing(account, listing, at=at)
    claim.update(step="inventory", n_requests=session.n_calls)
    report_account(account, listing, at=at)
    in_use = [
        deployment
        for deployment in listing.deployments
        if deployment.kind != AccountDeployment.Kind.CUSTOM_MODEL
    ]
    claim.complete(
        step="",
        n_requests=session.n_calls,
        n_found=len(in_use),
        n_models=listing.n_models,
        n_added=stored.n_added,
        n_changed=stored.n_changed,
        n_gone=stored.n_gone,
        problems=[
            {"where": problem.where[:200], "reason": problem.reason}
            for problem in listing.problems[:_MAX_PROBLEMS]
        ],
        complete_scopes=sorted(listing.complete_scopes)[:2_000],
    )


_PULLS = JobKind(
    model=CloudPull,
    work=_pull,
    abandonment=lambda _pull: (
        "The pull failed after 3 attempts because the worker stopped. Pull again. If it fails "
        "again, ask an administrator to check the worker's log."
    ),
    relations=("account",),
)


def delete_old_pulls() -> int:
    """Delete pulls beyond the last KEPT_PULLS of each account; return their number."""
    n_deleted = 0
    for account in CloudAccount.objects.order_by("pk"):
        kept = account.pulls.order_by("-queued_at", "-pk").values("pk")[:KEPT_PULLS]
        old = CloudPull.objects.filter(account=account).exclude(pk__in=kept)
        n_deleted += old.filter(~Q(state__in=_OPEN)).delete()[0]
    return n_deleted

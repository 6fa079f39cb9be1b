"""Decisions on what may be built on. For governance; the caller has checked `by.is_governance`.

At most one decision on a target stands at a time; a later one revokes the earlier, so that both are
kept.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.catalog.models import Foundation, Offering, Provider, Version
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.inventory.actions import RefusedChange
from apps.inventory.models import Application, Approval, Criticality
from apps.inventory.models.decisions import ApprovalQuerySet

type Target = Provider | Foundation | Version | Offering
Decision = Approval.Decision
COLUMN: dict[type[Any], str] = {
    Provider: "provider",
    Foundation: "foundation",
    Version: "version",
    Offering: "offering",
}
RELATIONS = ("provider", "foundation", "version", "offering__host", "approver", "revoked_by")


@transaction.atomic
def decide(
    *,
    target: Target,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    data_classes: Sequence[str] = (),
    regions: Sequence[str] = (),
    criticalities: Sequence[int] = (),
) -> Approval:
    """Approve, restrict or block. Only a block may stand without an end.

    Refused while another decision on the same target stands: that one is replaced or revoked, not
    overlooked. An expired one is revoked on the way, since it no longer says anything.
    """
    standing = _unrevoked(target)
    if standing is not None and (standing.expires_on is None or standing.expires_on > day_of(at)):
        raise RefusedChange(
            f"It is {standing.get_decision_display().lower()} since {standing.decided_on:%Y-%m-%d} "
            "by "
            f"{standing.approver}. Replace or revoke that decision."
        )
    made = _approval(
        target, decision, reason, at, by, expires_on, data_classes, regions, criticalities
    )
    with audit_context(user=by, reason=reason):
        if standing is not None:
            _revoke(
                standing, at, by, f"Expired on {standing.expires_on:%Y-%m-%d} and decided anew."
            )
        made.full_clean()
        made.save(force_insert=True)
    return made


@transaction.atomic
def replace_decision(
    *,
    approval: Approval,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None = None,
    data_classes: Sequence[str] = (),
    regions: Sequence[str] = (),
    criticalities: Sequence[int] = (),
) -> Approval:
    """Another decision on the same target in place of this one, which is kept as revoked. Answers
    with the new one."""
    approval = _locked(approval)
    _refuse_revoked(approval)
    made = _approval(
        approval.target, decision, reason, at, by, expires_on, data_classes, regions, criticalities
    )
    with audit_context(user=by, reason=reason):
        _revoke(approval, at, by, f"Replaced: {reason}")
        made.full_clean()
        made.save(force_insert=True)
    return made


@transaction.atomic
def revoke_decision(*, approval: Approval, reason: str, at: datetime, by: User) -> Approval:
    """Take it back, for a reason; of two people at once the second is told who did."""
    approval = _locked(approval)
    _refuse_revoked(approval)
    if not reason.strip():
        raise RefusedChange("Say why the decision is revoked.")
    with audit_context(user=by, reason=reason):
        _revoke(approval, at, by, reason)
    return approval


def decisions_on(*, targets: Collection[Target], on: date) -> dict[tuple[str, int], Approval]:
    """{("foundation", id): the decision in force that day}, of those that have one; one
    statement."""
    wanted: dict[str, list[int]] = {column: [] for column in COLUMN.values()}
    for target in targets:
        wanted[COLUMN[type(target)]].append(target.pk)
    found: dict[tuple[str, int], Approval] = {}
    for approval in standing_decisions(on=on):
        for column, ids in wanted.items():
            pk = getattr(approval, f"{column}_id")
            if pk is not None and pk in ids:
                found[column, pk] = approval
    return found


def standing_decisions(*, on: date) -> ApprovalQuerySet:
    """Decisions in force, with what lists show."""
    return Approval.objects.standing_on(on).select_related(*RELATIONS)


def expiring_decisions(*, on: date, within_days: int = 30) -> ApprovalQuerySet:
    """Decisions in force that end within so many days: the warning beforehand. The earliest end
    first."""
    ends = on + timedelta(days=within_days)
    return standing_decisions(on=on).filter(expires_on__lte=ends).order_by("expires_on", "pk")


def _locked(approval: Approval) -> Approval:
    """Locked first and read afterwards: a join made before the lock was free would show what stood
    there before."""
    Approval.objects.select_for_update().only("pk").get(pk=approval.pk)
    return Approval.objects.select_related(*RELATIONS).get(pk=approval.pk)


def _unrevoked(target: Target) -> Approval | None:
    """The one that counts as current, expired or not; the target is held, so that two decisions at
    once wait."""
    type(target)._default_manager.select_for_update(no_key=True).only("pk").get(pk=target.pk)
    current: Approval | None = (
        Approval.objects.filter(**{COLUMN[type(target)]: target}, revoked_at__isnull=True)
        .select_related("approver")
        .first()
    )
    return current


def _approval(
    target: Target,
    decision: str,
    reason: str,
    at: datetime,
    by: User,
    expires_on: date | None,
    data_classes: Sequence[str],
    regions: Sequence[str],
    criticalities: Sequence[int],
) -> Approval:
    if unknown := sorted(set(data_classes) - set(Application.DataClass.values)):
        raise RefusedChange(
            f"There is no data class {unknown[0]}: {', '.join(Application.DataClass.values)}."
        )
    if strange := sorted(set(criticalities) - set(Criticality.values)):
        raise RefusedChange(f"There is no criticality {strange[0]}: 0 is critical, 3 is low.")
    limits = bool(data_classes or regions or criticalities)
    if limits and decision != Decision.RESTRICTED:
        raise RefusedChange(
            "Limits go with a restricted approval: choose restricted, or leave them out."
        )
    return Approval(
        **{COLUMN[type(target)]: target},
        decision=decision,
        reason=reason,
        approver=by,
        decided_on=day_of(at),
        expires_on=expires_on,
        data_classes=list(data_classes),
        regions=[region.strip() for region in regions if region.strip()],
        criticalities=list(criticalities),
    )


def _revoke(approval: Approval, at: datetime, by: User, why: str) -> None:
    approval.revoked_at, approval.revoked_by, approval.revoked_why = at, by, why
    approval.save(update_fields=["revoked_at", "revoked_by", "revoked_why", "updated_at"])


def _refuse_revoked(approval: Approval) -> None:
    if approval.revoked_at is not None:
        raise RefusedChange(
            f"{approval.revoked_by} revoked it on {day_of(approval.revoked_at):%Y-%m-%d}. Decide "
            "anew instead."
        )

"""What a pull found, compared with what the account stated before: rows are added, changed, or
marked as gone, and nothing is written for those that did not change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.intake.accounts.records import FoundDeployment, Listing
from apps.intake.models import AccountDeployment, CloudAccount

_COLUMNS = (
    "scope",
    "name",
    "model",
    "version",
    "region",
    "upgrades",
    "service",
    "facts",
    "lifecycle",
)
type Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class StoredListing:
    """Numbers of rows that the pull wrote."""

    n_added: int
    n_changed: int
    n_gone: int


def store_listing(account: CloudAccount, listing: Listing, *, at: datetime) -> StoredListing:
    """Write the differences to the account's rows. A row is marked as gone only if its scope was
    read to the end, or if the scope itself no longer exists."""
    rows = {(row.kind, row.external_id): row for row in account.deployments.all()}
    found: dict[Key, dict[str, Any]] = {}
    for deployment in listing.deployments:
        found[deployment.kind, deployment.external_id[:1100]] = _columns_of(account, deployment)
    added = [
        AccountDeployment(
            account=account,
            kind=kind,
            external_id=external_id,
            first_seen_at=at,
            last_seen_at=at,
            **columns,
        )
        for (kind, external_id), columns in found.items()
        if (kind, external_id) not in rows
    ]
    changed = [row for key, row in rows.items() if key in found and _apply(row, found[key], at=at)]
    gone = [
        row
        for key, row in rows.items()
        if key not in found and row.gone_at is None and _is_gone(row, listing)
    ]
    for row in gone:
        row.gone_at = at
    AccountDeployment.objects.bulk_create(added)
    AccountDeployment.objects.bulk_update(
        changed, [*_COLUMNS, "last_seen_at", "gone_at"], batch_size=500
    )
    AccountDeployment.objects.bulk_update(gone, ["gone_at"], batch_size=500)
    return StoredListing(len(added), len(changed), len(gone))


def application_name(account: CloudAccount, deployment: FoundDeployment) -> str:
    """Return the name of the application of a deployment by the rule of the account: empty if the
    whole account belongs to one. A deployment without the named property has the name of its
    resource, so that it is listed under reported services."""
    rule = CloudAccount.LinkRule(account.link_rule)
    container = deployment.project or deployment.name
    title = str(deployment.facts.get("title") or deployment.name)
    if rule == CloudAccount.LinkRule.APPLICATION:
        # an application that was deleted leaves the rule without one
        return "" if account.application_id is not None else container
    if rule == CloudAccount.LinkRule.RESOURCE_GROUP:
        return deployment.group or container
    if rule == CloudAccount.LinkRule.TAG:
        wanted = account.link_key.lower()
        return next(
            (text for name, text in deployment.tags.items() if name.lower() == wanted and text),
            container,
        )
    if rule == CloudAccount.LinkRule.PREFIX:
        prefix, separator, _ = title.partition(account.link_key)
        return prefix if separator and prefix else container
    return container


def _columns_of(account: CloudAccount, deployment: FoundDeployment) -> dict[str, Any]:
    return {
        "scope": deployment.scope[:300],
        "name": deployment.name[:256],
        "model": deployment.model[:256],
        "version": deployment.version[:60],
        "region": deployment.region[:60],
        "upgrades": deployment.upgrades,
        "service": application_name(account, deployment)[:256],
        "facts": _stored_facts(deployment),
        "lifecycle": dict(deployment.lifecycle),
    }


def _stored_facts(deployment: FoundDeployment) -> dict[str, Any]:
    facts: dict[str, Any] = dict(deployment.facts)
    if deployment.group:
        facts["group"] = deployment.group
    if deployment.project:
        facts["project"] = deployment.project
    return facts


def _apply(row: AccountDeployment, columns: Mapping[str, Any], *, at: datetime) -> bool:
    """Set the columns of a row, and return whether any differs or the row was gone."""
    differs = row.gone_at is not None or any(
        getattr(row, name) != columns[name] for name in _COLUMNS
    )
    if differs:
        for name in _COLUMNS:
            setattr(row, name, columns[name])
        row.last_seen_at, row.gone_at = at, None
    return differs


def _is_gone(row: AccountDeployment, listing: Listing) -> bool:
    if row.scope in listing.complete_scopes:
        return True
    # all resources were listed, and this one is not among them: neither read nor unreadable
    return listing.lists_all_scopes and not listing.problems

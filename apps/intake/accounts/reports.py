"""The content of an account, passed on to the inventory as a document like any other sender's: its
names are resolved, and its use becomes observed dependencies or questions."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import transaction

from apps.common.history.context import audit_context
from apps.intake.accounts.clients.registry import CLOUD_KINDS
from apps.intake.accounts.records import FoundUsage, Listing
from apps.intake.connections.automatic_links import link_services_by_slug
from apps.intake.documents.formats import CLOUD_ACCOUNT
from apps.intake.documents.ingest import receive_document, stream_of
from apps.intake.documents.records import Document
from apps.intake.models import AccountDeployment, CloudAccount, Deployment, Import, Observation
from apps.intake.observations.deployment_names import deployed_api_id
from apps.intake.observations.storage import ensure_services

# own models can be called, but nothing shows that they are
_IN_USE = (
    AccountDeployment.Kind.DEPLOYMENT,
    AccountDeployment.Kind.PROFILE,
    AccountDeployment.Kind.THROUGHPUT,
    AccountDeployment.Kind.ENDPOINT,
    AccountDeployment.Kind.USAGE,
)
# a name that only the account explains; a model in use is named by its model ID
_NAMED_BY_ACCOUNT = frozenset(_IN_USE) - {AccountDeployment.Kind.USAGE}


def report_account(account: CloudAccount, listing: Listing, *, at: datetime) -> Import | None:
    """Pass the stored content of the account on, unless it is the content that was passed on last;
    return the import, None if there is none. Safe to repeat."""
    rows = list(
        account.deployments.filter(kind__in=_IN_USE, gone_at__isnull=True).order_by(
            "kind", "external_id"
        )
    )
    content = {
        "host": CLOUD_KINDS[account.kind].host,
        "application": account.application_id,
        "deployments": _describe_deployments(account, rows),
        "usage": _describe_usage(rows, listing.usage),
    }
    digest = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    if digest == account.reported_digest or not (rows or account.n_reports):
        return None
    maker = maker_of(account)
    _link_services(account, {row.service for row in rows} - {""}, at=at)
    body = orjson.dumps(
        {"account": maker, "number": account.n_reports + 1, "read_at": at.isoformat(), **content}
    )
    import_, _ = receive_document(
        document_format=CLOUD_ACCOUNT,
        body=body,
        by=None,
        at=at,
        application=account.application,
        part=maker,
        file_name=account.name,
        at_once=True,
    )
    _mark_gone(account, rows, at=at)
    CloudAccount.objects.filter(pk=account.pk).update(
        reported_digest=digest, n_reports=account.n_reports + 1
    )
    return import_


def maker_of(account: CloudAccount) -> str:
    """Return the name of the account among the senders; it stays when the account is renamed."""
    return f"{account.kind}-{account.pk}"


def stream_of_account(account: CloudAccount) -> str:
    return stream_of(CLOUD_ACCOUNT.name, Document(maker=maker_of(account)))


def _describe_deployments(
    account: CloudAccount, rows: Sequence[AccountDeployment]
) -> list[dict[str, Any]]:
    ambiguous_names = _ambiguous_names(account, rows)
    described = []
    for row in rows:
        has_own_name = row.kind in _NAMED_BY_ACCOUNT
        model_id = deployed_api_id(row.model, row.version) if row.model else ""
        described.append(
            {
                "name": row.name,
                "model": row.model,
                "version": row.version,
                "region": row.region,
                "service": row.service,
                "upgrades": row.upgrades,
                "has_own_name": has_own_name,
                "account": _account_of(account, row),
                "place": row.external_id[:300],
                # the name alone means several models, and the account knows which one this is
                "base_model": model_id if row.name.lower() in ambiguous_names else "",
            }
        )
    return described


def _account_of(account: CloudAccount, row: AccountDeployment) -> str:
    """Return the account as listings that users send name it, so that both are one: the resource in
    Azure, number and region in AWS."""
    if account.kind == CloudAccount.Kind.AZURE:
        return row.scope.rpartition("/")[2]
    if account.kind == CloudAccount.Kind.BEDROCK and row.facts.get("account"):
        return f"{row.facts['account']}/{row.region}"
    return row.scope


def _ambiguous_names(account: CloudAccount, rows: Sequence[AccountDeployment]) -> set[str]:
    """Return the names, in lower case, that have another model in this or another account."""
    models: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        models[row.name.lower()].add((row.model.lower(), row.version))
    for name, model, version in (
        Deployment.objects.filter(
            host=CLOUD_KINDS[account.kind].host,
            name__in=list(models),
            application__isnull=True,
            missing_since__isnull=True,
        )
        .exclude(stream=stream_of_account(account))
        .values_list("name", "model", "version")
    ):
        models[name].add((model.lower(), version))
    return {name for name, pairs in models.items() if len(pairs) > 1}


def _describe_usage(
    rows: Sequence[AccountDeployment], usage: Iterable[FoundUsage]
) -> list[dict[str, Any]]:
    """Return the calls by day of the models in use; those without a number of calls are observed
    without counts."""
    services = {
        (str(row.facts.get("project", "")), row.model): row.service
        for row in rows
        if row.kind == AccountDeployment.Kind.USAGE
    }
    days: dict[tuple[str, str], dict[str, list[int | None]]] = defaultdict(dict)
    for row in usage:
        if row.n_calls is None:
            continue
        service = services.get((row.project, row.model), row.project)
        counts = days[service, row.model].setdefault(row.day.isoformat(), [0, None, None])
        for position, number in enumerate((row.n_calls, row.input_tokens, row.output_tokens)):
            if number is not None:
                counts[position] = (counts[position] or 0) + number
    return [
        {"service": service, "model": model, "days": by_day}
        for (service, model), by_day in sorted(days.items())
    ]


@transaction.atomic
def _link_services(account: CloudAccount, names: set[str], *, at: datetime) -> None:
    """Link names that are the slug of an application. Governance set the rule, and may write to
    every application."""
    if account.application_id is not None or not names:
        return
    services = ensure_services(names, scope=stream_of_account(account), token=None, at=at)
    waiting = [
        state.id
        for state in services.values()
        if state.application_id is None and not state.is_ignored
    ]
    link_services_by_slug(waiting, evidence=f"by the rule of the cloud account {account.name}")


@transaction.atomic
def _mark_gone(account: CloudAccount, rows: Sequence[AccountDeployment], *, at: datetime) -> None:
    """Mark the observations of the account that it no longer states. Their dependencies stay until
    a user ends them."""
    names = {row.name for row in rows} | {row.model for row in rows}
    with audit_context(job="intake", reason=f"pull of the cloud account {account.name}"):
        Observation.objects.filter(
            stream=stream_of_account(account), missing_since__isnull=True
        ).exclude(requested__in=names).update(missing_since=at.date())

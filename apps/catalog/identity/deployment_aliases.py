"""Deployment names chosen by customers on a host: the models behind them, by the host's own
listing.

A user's decision about the name outranks it; a name that identifies its model needs none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from apps.catalog.footing import refresh_footing
from apps.catalog.identity.resolution import resolve_identities
from apps.catalog.models import Alias, Offering, Version
from apps.catalog.models.offerings import Binding, IdentityReason

_CONFIDENCE = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class DeploymentAlias:
    """`canonical` is the id of the known version or alias behind the name; `moves` where the host
    takes it on to newer versions by itself. `why` is a sentence."""

    canonical: str
    moves: bool
    why: str


def resolve_deployments(said: Mapping[tuple[str, str], DeploymentAlias | None]) -> int:
    """Apply {(host slug, name): its model, None without a listing}; return the number of offerings
    that changed.

    Only offerings without another identification change, inside the caller's transaction.
    """
    if not said:
        return 0
    changed: list[int] = []
    lowered = {(host, name.lower()): deployed for (host, name), deployed in said.items()}
    found = list(
        _unresolved_offerings(
            {host for host, _ in lowered}, {name for _, name in lowered}
        ).select_related("host")
    )
    columns = _columns(
        {deployed.canonical for deployed in lowered.values() if deployed is not None}
    )
    told_before = [each for each in found if each.identity_reason == IdentityReason.DEPLOYMENT]
    again = resolve_identities((each.host.slug, each.api_id) for each in told_before)
    for each in found:
        key = (each.host.slug, each.api_id.lower())
        if key not in lowered:
            continue
        deployed = lowered[key]
        if deployed is None or deployed.canonical not in columns:
            wanted = _cleared_columns(again.get((each.host.slug, each.api_id)))
        else:
            version, alias = columns[deployed.canonical]
            wanted = {
                "version_id": version,
                "alias_id": alias,
                "binding": Binding.ALIAS if deployed.moves or alias is not None else Binding.PINNED,
                "identity_confidence": _CONFIDENCE,
                "identity_reason": IdentityReason.DEPLOYMENT,
                "identity_explanation": f"deployment: {deployed.why}",
            }
        if wanted is not None and any(
            getattr(each, name) != value for name, value in wanted.items()
        ):
            Offering.objects.filter(pk=each.pk).update(**wanted)
            changed.append(each.pk)
    refresh_footing(changed)
    return len(changed)


def _unresolved_offerings(hosts: Iterable[str], names: Iterable[str]) -> QuerySet[Offering]:
    """Offerings of these names that nobody could place, or a listing did."""
    unplaced = Q(version__isnull=True, alias__isnull=True, not_a_model=False)
    return Offering.objects.annotate(lower=Lower("api_id")).filter(
        unplaced | Q(identity_reason=IdentityReason.DEPLOYMENT),
        host__slug__in=list(hosts),
        lower__in=list(names),
    )


def _cleared_columns(columns: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not columns:
        return None
    return {
        **columns,
        # the listing may tell it again
        "identity_reason": IdentityReason.DEPLOYMENT,
        "identity_explanation": (
            f"deployment: no listing identifies one model; {columns['identity_explanation']}"
        ),
    }


def _columns(names: set[str]) -> dict[str, tuple[int | None, int | None]]:
    """{canonical id: (version, alias)} of those on record."""
    found: dict[str, Any] = {
        identifier: (version, pk)
        for identifier, pk, version in Alias.objects.filter(identifier__in=names).values_list(
            "identifier", "pk", "version_id"
        )
    }
    for identifier, pk in Version.objects.filter(identifier__in=names).values_list(
        "identifier", "pk"
    ):
        found.setdefault(identifier, (pk, None))
    return found

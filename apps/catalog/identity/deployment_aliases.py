"""Identification of deployment names that customers choose on a host, from the host's own list of
deployments.

A user's decision about a name takes precedence; a name that identifies its model needs no list.
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
    """The model behind a deployment name. `canonical` is the ID of a known version or alias;
    `moves` is true if the host upgrades the deployment to newer versions by itself. `why` is a
    sentence."""

    canonical: str
    moves: bool
    why: str


def resolve_deployments(deployments: Mapping[tuple[str, str], DeploymentAlias | None]) -> int:
    """Identify offerings by {(host slug, name): its model, or None if it is not listed}; return the
    number of offerings that changed. Names are compared without case.

    Only changes offerings that are unresolved or were identified by an earlier list. Those of a
    name that identifies no model any more get the identity that the name itself suggests. Runs
    inside the caller's transaction."""
    if not deployments:
        return 0
    changed_ids: list[int] = []
    by_lower_name = {
        (host, name.lower()): deployment for (host, name), deployment in deployments.items()
    }
    offerings = list(
        _unresolved_offerings(
            {host for host, _ in by_lower_name}, {name for _, name in by_lower_name}
        ).select_related("host")
    )
    identities_by_canonical = _find_identities(
        {deployment.canonical for deployment in by_lower_name.values() if deployment is not None}
    )
    offerings_from_lists = [
        offering for offering in offerings if offering.identity_reason == IdentityReason.DEPLOYMENT
    ]
    identities_by_name = resolve_identities(
        (offering.host.slug, offering.api_id) for offering in offerings_from_lists
    )
    for offering in offerings:
        key = (offering.host.slug, offering.api_id.lower())
        if key not in by_lower_name:
            continue
        deployment = by_lower_name[key]
        if deployment is None or deployment.canonical not in identities_by_canonical:
            new_columns = _cleared_columns(
                identities_by_name.get((offering.host.slug, offering.api_id))
            )
        else:
            version, alias = identities_by_canonical[deployment.canonical]
            new_columns = {
                "version_id": version,
                "alias_id": alias,
                "binding": Binding.ALIAS
                if deployment.moves or alias is not None
                else Binding.PINNED,
                "identity_confidence": _CONFIDENCE,
                "identity_reason": IdentityReason.DEPLOYMENT,
                "identity_explanation": f"deployment: {deployment.why}",
            }
        if new_columns is not None and any(
            getattr(offering, name) != value for name, value in new_columns.items()
        ):
            Offering.objects.filter(pk=offering.pk).update(**new_columns)
            changed_ids.append(offering.pk)
    refresh_footing(changed_ids)
    return len(changed_ids)


def _unresolved_offerings(hosts: Iterable[str], names: Iterable[str]) -> QuerySet[Offering]:
    """Return offerings with these names that are unresolved, or were identified by a list of
    deployments."""
    unresolved = Q(version__isnull=True, alias__isnull=True, not_a_model=False)
    return Offering.objects.annotate(lower=Lower("api_id")).filter(
        unresolved | Q(identity_reason=IdentityReason.DEPLOYMENT),
        host__slug__in=list(hosts),
        lower__in=list(names),
    )


def _cleared_columns(rule_columns: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the columns of an offering that the list of deployments no longer identifies:
    `rule_columns`, its identity by the rules alone; None, for no change, without one."""
    if not rule_columns:
        return None
    return {
        **rule_columns,
        # the list of deployments might identify it again
        "identity_reason": IdentityReason.DEPLOYMENT,
        "identity_explanation": (
            f"deployment: no listing identifies one model; {rule_columns['identity_explanation']}"
        ),
    }


def _find_identities(names: set[str]) -> dict[str, tuple[int | None, int | None]]:
    """Return {canonical ID: (version ID, alias ID)} of those that the catalogue has. An alias
    precedes a version of the same ID."""
    columns_by_id: dict[str, Any] = {
        identifier: (version, pk)
        for identifier, pk, version in Alias.objects.filter(identifier__in=names).values_list(
            "identifier", "pk", "version_id"
        )
    }
    for identifier, pk in Version.objects.filter(identifier__in=names).values_list(
        "identifier", "pk"
    ):
        columns_by_id.setdefault(identifier, (pk, None))
    return columns_by_id

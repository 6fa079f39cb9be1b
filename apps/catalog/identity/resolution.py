"""Resolves raw model strings to the identity columns of offerings."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from apps.catalog.identity.known_ids import decisions_from_database, known_ids_from_database
from apps.catalog.identity.resolver.resolve import Resolution, Resolver
from apps.catalog.models import Alias, Version
from apps.catalog.models.offerings import Binding, IdentityReason

type IdentityColumns = dict[str, Any]


def resolve_identities(
    strings: Iterable[tuple[str, str]],
) -> dict[tuple[str, str], IdentityColumns]:
    """Return {(host, model ID): identity columns}; one resolver and two statements for any number
    of strings."""
    decisions = decisions_from_database()
    resolver = Resolver(known_ids_from_database(), decisions)
    resolutions = {(host, api_id): resolver.resolve(api_id, host) for host, api_id in strings}
    names = {resolution.canonical for resolution in resolutions.values() if resolution.canonical}
    versions = dict(Version.objects.filter(identifier__in=names).values_list("identifier", "pk"))
    aliases = {
        identifier: (pk, version_id)
        for identifier, pk, version_id in Alias.objects.filter(identifier__in=names).values_list(
            "identifier", "pk", "version_id"
        )
    }
    not_models = {
        host_and_string for host_and_string, choice in decisions.items() if choice is None
    }
    return {
        (host, api_id): _identity_columns(resolution, versions, aliases)
        | {
            "not_a_model": bool(
                {(host, api_id.strip().lower()), ("", api_id.strip().lower())} & not_models
            )
        }
        for (host, api_id), resolution in resolutions.items()
    }


def _identity_columns(
    resolution: Resolution,
    versions: Mapping[str, int],
    aliases: Mapping[str, tuple[int, int | None]],
) -> IdentityColumns:
    """Return the identity columns of an offering for the result of the resolver. `versions` is
    {identifier: ID}, `aliases` is {identifier: (ID, ID of the version it points to)}. An alias
    points to its version; a name that is unknown here has binding `unknown`."""
    alias_id, version_id = aliases.get(resolution.canonical or "", (None, None))
    if version_id is None:
        version_id = versions.get(resolution.canonical or "")
    binding = {"pinned": Binding.PINNED, "alias": Binding.ALIAS, "family": Binding.ALIAS}.get(
        resolution.kind, Binding.UNKNOWN
    )
    return {
        "version_id": version_id,
        "alias_id": alias_id,
        "binding": binding if (version_id or alias_id) else Binding.UNKNOWN,
        "identity_confidence": Decimal(str(round(resolution.confidence, 2))),
        "identity_reason": IdentityReason.RULES,
        "identity_explanation": "; ".join(resolution.steps),
    }

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
    answers = {(host, api_id): resolver.resolve(api_id, host) for host, api_id in strings}
    names = {answer.canonical for answer in answers.values() if answer.canonical}
    versions = dict(Version.objects.filter(identifier__in=names).values_list("identifier", "pk"))
    aliases = {
        identifier: (pk, version_id)
        for identifier, pk, version_id in Alias.objects.filter(identifier__in=names).values_list(
            "identifier", "pk", "version_id"
        )
    }
    no_models = {pair for pair, choice in decisions.items() if choice is None}
    return {
        (host, api_id): _identity_columns(answer, versions, aliases)
        | {
            "not_a_model": bool(
                {(host, api_id.strip().lower()), ("", api_id.strip().lower())} & no_models
            )
        }
        for (host, api_id), answer in answers.items()
    }


def _identity_columns(
    answer: Resolution, versions: Mapping[str, int], aliases: Mapping[str, tuple[int, int | None]]
) -> IdentityColumns:
    alias_id, version_id = aliases.get(answer.canonical or "", (None, None))
    if version_id is None:
        version_id = versions.get(answer.canonical or "")
    binding = {"pinned": Binding.PINNED, "alias": Binding.ALIAS, "family": Binding.ALIAS}.get(
        answer.kind, Binding.UNKNOWN
    )
    return {
        "version_id": version_id,
        "alias_id": alias_id,
        "binding": binding if (version_id or alias_id) else Binding.UNKNOWN,
        "identity_confidence": Decimal(str(round(answer.confidence, 2))),
        "identity_reason": IdentityReason.RULES,
        "identity_explanation": "; ".join(answer.steps),
    }

"""Models on the organisation's own machines: the model ID is the repository of an open-weights
version."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.catalog.footing import refresh_footing
from apps.catalog.ingestion.offerings import ensure_offerings
from apps.catalog.models import Binding, IdentityReason, Offering, Version

# the organisation's own machines; users can rename the provider
OWN_HOSTING = "own-hosting"
OWN_HOSTING_NAME = "Own hosting"


def own_hosting_versions() -> QuerySet[Version]:
    """Select the versions that the organisation can host itself: open weights with a repository."""
    return (
        Version.objects.filter(Q(foundation__open_weights=True) | Q(access=Version.Access.WEIGHTS))
        .exclude(repositories=[])
        .select_related("foundation")
    )


@transaction.atomic
def ensure_own_offerings(versions: Collection[Version]) -> dict[int, int]:
    """Find or create the offering of each version on own machines, under its first repository;
    return {version ID: offering ID}."""
    if not versions:
        return {}
    keys = {row.pk: (OWN_HOSTING, row.repositories[0], "", "") for row in versions}
    found, new_ids = ensure_offerings(
        ({"host": key[0], "api_id": key[1]} for key in keys.values()),
        {OWN_HOSTING: OWN_HOSTING_NAME},
    )
    changed = []
    for version in versions:
        pk = found[keys[version.pk]]
        if pk in new_ids:
            changed.append(pk)
            Offering.objects.filter(pk=pk).update(
                version=version,
                alias=None,
                binding=Binding.PINNED,
                identity_confidence=1,
                identity_reason=IdentityReason.DECISION,
                identity_explanation="open weights on own machines",
            )
    refresh_footing(changed)
    return {pk: found[key] for pk, key in keys.items()}

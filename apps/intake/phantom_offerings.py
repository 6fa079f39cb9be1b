"""Offerings that were made from a name as people write it and look like model IDs, but are none.

They come from imports and declared dependencies before names had a kind of their own: no source
states them, nothing was observed under them, and their text is no model ID.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from apps.accounts.models import User
from apps.catalog.identity.known_ids import build_name_reader
from apps.catalog.identity.name_summaries import name_summaries
from apps.catalog.identity.named_models import (
    OWN_HOSTING,
    NamedModel,
    known_model_ids,
    read_candidates,
    turn_into_names,
)
from apps.catalog.identity.names.reading import Certainty, Kind, Reading
from apps.catalog.models import AnnouncedOffering, Assertion, Offering, OfferingKind
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.models import Observation

# no spaces, and either lower case or the path of a repository: as hosts write model IDs
_ID_SHAPE = re.compile(r"(?=[^A-Z]+$|[^/]+/.+)[A-Za-z0-9@][A-Za-z0-9._:/@+-]*$")
# a text of the shape of an ID that is no ID: a family, a product, no model
_NO_ID = frozenset({Kind.FAMILY, Kind.PRODUCT, Kind.NOT_A_MODEL, Kind.SEVERAL})


@dataclass(frozen=True, slots=True)
class PhantomOffering:
    """An offering to correct, and the name that it becomes."""

    offering: Offering
    reading: Reading
    name: NamedModel
    n_applications: int


def find_phantom_offerings() -> list[PhantomOffering]:
    """Return the offerings to correct, by host and text; some statements and one reading each."""
    rows = list(_unstated_offerings())
    if not rows:
        return []
    reader = build_name_reader()
    found = []
    for row in rows:
        reading = reader.read_name(row.api_id, row.host.name)
        if _is_model_id(row, reading):
            continue
        found.append(
            PhantomOffering(
                row,
                reading,
                _name_of(row, reading),
                row.n_applications,  # type: ignore[attr-defined]
            )
        )
    return found


def _unstated_offerings() -> QuerySet[Offering]:
    """Select model IDs for which nothing but the declaration of a user vouches: no value of a
    source or a user, no announcement, no observed call, no row of the same model ID at the host
    that has one of these, and not on own machines."""
    stated = Assertion.objects.filter(
        offering__host=OuterRef("host"), offering__api_id=OuterRef("api_id")
    )
    observed = Observation.objects.filter(
        offering__host=OuterRef("host"), offering__api_id=OuterRef("api_id")
    )
    announced = AnnouncedOffering.objects.filter(offering=OuterRef("pk"))
    used = Count("dependencies__application", distinct=True)
    return (
        Offering.objects.filter(kind=OfferingKind.MODEL_ID)
        .exclude(host__slug=OWN_HOSTING)
        .exclude(Exists(stated) | Exists(observed) | Exists(announced))
        .select_related("host", "version", "alias__foundation")
        .annotate(n_applications=used)
        .order_by("host__name", "api_id", "pk")
    )


def _is_model_id(offering: Offering, reading: Reading) -> bool:
    """Return whether the text has the shape of a model ID, and says no more or less than one."""
    repositories = offering.version.repositories if offering.version else []
    if offering.api_id in repositories:
        return True
    return _ID_SHAPE.match(offering.api_id) is not None and (
        reading.certainty == Certainty.EXACT or reading.kind not in _NO_ID
    )


def _name_of(offering: Offering, reading: Reading) -> NamedModel:
    """Return the name: what a user or the rules identified, otherwise what the text says."""
    versions: tuple[str, ...] = ()
    foundations: tuple[str, ...] = ()
    if offering.version is not None:
        versions = (offering.version.identifier,)
    elif offering.alias is not None:
        foundations = (offering.alias.foundation.slug,)
    else:
        versions, foundations = read_candidates(reading)
    return NamedModel(
        offering.host.slug,
        offering.api_id,
        versions=versions,
        foundations=foundations,
        region=offering.region_scope,
        tier=offering.service_tier,
    )


@transaction.atomic
def correct_phantom_offerings(
    phantoms: Collection[PhantomOffering], *, at: datetime, by: User | None
) -> None:
    """Turn the offerings into names, in one transaction; their dependencies stay."""
    with audit_context(
        user=by,
        job="" if by else "find_phantom_offerings",
        reason="a name as people write it is no model ID",
    ):
        turn_into_names({row.offering.pk: row.name for row in phantoms}, at=at)


def describe_phantoms(
    phantoms: Collection[PhantomOffering], *, at: datetime
) -> list[dict[str, Any]]:
    """Return each offering with what it is and what it becomes. The consequence is read from a
    correction that is rolled back."""
    ids = [row.offering.pk for row in phantoms]
    before = {
        row.offering.pk: (row.offering.lifecycle, row.offering.retires_on) for row in phantoms
    }
    with transaction.atomic():
        correct_phantom_offerings(phantoms, at=at, by=None)
        after = Offering.objects.in_bulk(ids)
        model_ids = known_model_ids(ids)
        summaries = name_summaries(ids, on=day_of(at))
        transaction.set_rollback(True)
    return [
        {
            "offering": row.offering.pk,
            "host": row.offering.host.slug,
            "text": row.offering.api_id,
            "read_as": str(row.reading.kind),
            "candidates": [*row.name.versions, *row.name.foundations],
            "known_model_ids": len(model_ids.get(row.offering.pk, ())),
            "applications": row.n_applications,
            "lifecycle_before": before[row.offering.pk][0],
            "lifecycle_after": after[row.offering.pk].lifecycle,
            "retires_on_after": after[row.offering.pk].retires_on,
            "says": summaries[row.offering.pk].sentence,
        }
        for row in phantoms
    ]

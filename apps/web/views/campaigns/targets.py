"""Offerings that a migration can lead to: the named successors first, then those of the same
region, then the others; none is left out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import F, QuerySet

from apps.catalog.models import Lifecycle, Offering
from apps.exposure.successors.areas import service_region
from apps.inventory.target_fits import TargetFit, target_fits

SERVED = (Lifecycle.ACTIVE, Lifecycle.PREVIEW)


@dataclass(frozen=True, slots=True)
class TargetGroup:
    label: str
    offerings: tuple[Offering, ...]


def target_groups(
    subject: Offering, *, named: Iterable[Offering | None] = (), leaving: Iterable[int] = ()
) -> list[TargetGroup]:
    """Return all possible targets for a migration from `subject`, without empty groups.

    These are the named successors, and what the hosts of the subject serve of the same developer,
    the latest release first. `leaving` are the IDs of the offerings to migrate from.
    """
    left_ids = {subject.pk, *leaving}
    named_ids = [
        offering.pk
        for offering in (*named, subject.replacement)
        if offering is not None and offering.pk not in left_ids
    ]
    named_offerings = _in_order(dict.fromkeys(named_ids))
    others = [
        offering
        for offering in served_offerings(subject)
        if offering.pk not in left_ids and offering.pk not in named_ids
    ]
    region = service_region(subject)
    same_region = [offering for offering in others if service_region(offering) == region]
    other_regions = [offering for offering in others if service_region(offering) != region]
    groups = [
        TargetGroup("Replacement of the provider", tuple(named_offerings)),
        TargetGroup(
            f"Same host, region {region}" if region else "Same host, no region",
            tuple(same_region),
        ),
        TargetGroup("Same host, other regions", tuple(other_regions)),
    ]
    return [group for group in groups if group.offerings]


def served_offerings(subject: Offering) -> QuerySet[Offering]:
    """Return what the host of the subject serves today of the same developer."""
    offerings = (
        Offering.objects.model_ids()
        .filter(host=subject.host_id, lifecycle__in=SERVED, not_a_model=False)
        .select_related("host", "version__foundation")
    )
    if subject.version is not None:
        offerings = offerings.filter(
            version__foundation__developer=subject.version.foundation.developer_id
        )
    return offerings.order_by(F("version__released_on").desc(nulls_last=True), "api_id", "pk")


def _in_order(ids: Iterable[int]) -> list[Offering]:
    wanted = list(ids)
    by_id = Offering.objects.select_related("host", "version__foundation").in_bulk(wanted)
    return [by_id[pk] for pk in wanted if pk in by_id]


def offer_targets(
    field: forms.Field,
    groups: Sequence[TargetGroup],
    *,
    empty_label: str,
    dependency_ids: Collection[int] = (),
) -> None:
    """Make the groups the choices of a ModelChoiceField, each with how many of the dependencies fit
    it; two statements more with dependencies."""
    choice_field: Any = field
    ids = [offering.pk for group in groups for offering in group.offerings]
    fits = target_fits(dependency_ids, ids) if dependency_ids else {}
    choice_field.queryset = Offering.objects.select_related("host").filter(pk__in=ids)
    choice_field.choices = [
        ("", empty_label),
        *(
            (
                group.label,
                [
                    (offering.pk, _describe_option(offering, fits.get(offering.pk)))
                    for offering in group.offerings
                ],
            )
            for group in groups
        ),
    ]


def _describe_option(offering: Offering, fit: TargetFit | None) -> str:
    """Return the target with its fit, where the use of any dependency is known."""
    if fit is None or not fit.n_fitting + fit.n_breaking:
        return str(offering)
    return f"{offering}: {fit}"

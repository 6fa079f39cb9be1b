"""Stages and retirements by region of offerings, derived from the claims that apply."""

from collections.abc import Mapping
from typing import Any

from apps.catalog.claims.precedence import SettledLifecycle
from apps.catalog.models import OfferingStage, RegionalRetirement
from apps.common.database.bulk_writes import update_rows

type _Rows = dict[tuple[int, str], dict[str, Any]]


def update_stages(lifecycles: Mapping[int, SettledLifecycle]) -> int:
    """Write the stages and the retirements by region of these offerings where they differ; return
    the number of offerings that changed. `lifecycles` is {offering ID: lifecycle}."""
    stages: _Rows = {}
    regions: _Rows = {}
    for offering_id, lifecycle in lifecycles.items():
        for stage in lifecycle.stages:
            stages[offering_id, stage.stage] = {
                "starts_on": stage.starts_on,
                "date_kind": stage.date_kind,
                "claim_id": stage.claim_id,
            }
        for region in lifecycle.regions:
            regions[offering_id, region.region] = {
                "retires_on": region.retires_on,
                "date_kind": region.date_kind,
                "claim_id": region.claim_id,
            }
    changed = _write(OfferingStage, "stage", lifecycles, stages)
    changed |= _write(RegionalRetirement, "region", lifecycles, regions)
    return len(changed)


def _write(
    model: type[OfferingStage] | type[RegionalRetirement],
    name: str,
    lifecycles: Mapping[int, Any],
    wanted: _Rows,
) -> set[int]:
    """Make the rows of the offerings those of `wanted`, {(offering ID, `name`): columns}; return
    the IDs of the offerings that changed."""
    columns = ("claim_id", "date_kind", "retires_on" if name == "region" else "starts_on")
    stored = {
        (row["offering_id"], row[name]): row
        for row in model.objects.filter(offering__in=list(lifecycles)).values(
            "pk", "offering_id", name, *columns
        )
    }
    missing = [key for key in wanted if key not in stored]
    surplus = [key for key in stored if key not in wanted]
    differing = [
        key
        for key in wanted
        if key in stored and any(stored[key][column] != wanted[key][column] for column in columns)
    ]
    if surplus:
        model.objects.filter(pk__in=[stored[key]["pk"] for key in surplus]).delete()
    update_rows(model, {stored[key]["pk"]: wanted[key] for key in differing})
    if missing:
        rows: list[Any] = [
            model(offering_id=key[0], **{name: key[1]}, **wanted[key]) for key in missing
        ]
        model.objects.bulk_create(rows)
    return {key[0] for key in (*missing, *surplus, *differing)}

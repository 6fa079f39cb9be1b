"""Demo inventory: applications, dependencies, exit plans and tests, contracts, approvals.

Everything after the applications is recorded through the actions, by the users who would do so in
practice.
"""

from django.db import transaction

from apps.accounts.models import Team
from apps.catalog.models import FEATURE_KINDS, Offering, Provider
from apps.common.history.context import audit_context
from apps.demo.fixtures import (
    DemoError,
    LoadingDay,
    OfferingKey,
    Record,
    RecordLookup,
    read_fixture,
    was_never_used,
)
from apps.inventory.actions.exits import add_adaptation, record_exit_test, set_exit_plan
from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.governance.annex_documents import record_document_status, request_documents
from apps.inventory.governance.approvals import ApprovalTarget, record_decision
from apps.inventory.governance.contracts import register_contract
from apps.inventory.models import (
    Adaptation,
    AnnexItem,
    Application,
    Approval,
    Contract,
    Criticality,
    Dependency,
    ExitPlan,
    ExitTest,
    Requirement,
)
from apps.inventory.owners import set_owner_persons


def load_applications(teams: dict[str, Team], day: LoadingDay) -> None:
    """Create the applications that are missing, with their dependencies."""
    existing_slugs = set(Application.objects.values_list("slug", flat=True))
    new_rows = [row for row in read_fixture("applications") if row["slug"] not in existing_slugs]
    if not new_rows:
        return
    offerings = _find_offerings(
        {_offering_key(use) for row in new_rows for use in row["dependencies"]}
    )
    parties = dict(Provider.objects.values_list("slug", "pk"))
    values_by_application = [
        {
            "team_id": teams[row["team"]].pk,
            "criticality": Criticality[row["criticality"].upper()],
            **day.dated(
                {
                    name: value
                    for name, value in row.items()
                    if name not in ("team", "criticality", "dependencies")
                }
            ),
        }
        for row in new_rows
    ]
    set_owner_persons(((values, values["team_id"]) for values in values_by_application), by=None)
    applications = Application.objects.bulk_create(
        [Application(**values) for values in values_by_application]
    )
    Dependency.objects.bulk_create(
        [
            Dependency(
                application=application,
                offering_id=offerings[_offering_key(use)],
                via_party_id=parties[use["via_party"]] if "via_party" in use else None,
                **day.dated(
                    {
                        name: value
                        for name, value in use.items()
                        if name not in ("offering", "via_party")
                    }
                ),
            )
            for application, row in zip(applications, new_rows, strict=True)
            for use in row["dependencies"]
        ]
    )


def _offering_key(use: Record) -> OfferingKey:
    host, api_id, region, tier = use["offering"]
    return host, api_id, region, tier


def _find_offerings(keys: set[OfferingKey]) -> dict[OfferingKey, int]:
    offerings = {
        (host, api_id, region, tier): pk
        for pk, host, api_id, region, tier in Offering.objects.filter(
            api_id__in={api_id for _, api_id, _, _ in keys}
        )
        .exclude(kind__in=FEATURE_KINDS)
        .values_list("pk", "host__slug", "api_id", "region_scope", "service_tier")
    }
    unknown = sorted(keys - set(offerings))
    if unknown:
        host, api_id, _, _ = unknown[0]
        raise DemoError(
            f"The catalogue does not contain {api_id} on {host}. Run manage.py load_catalogue "
            "first."
        )
    return offerings


# --- exits --------------------------------------------------------------------------------------


@transaction.atomic
def load_exits(*, day: LoadingDay) -> None:
    """Record adaptations, exit plans and exit tests, unless one has ever existed."""
    if not all(was_never_used(model) for model in (Adaptation, ExitPlan, ExitTest)):
        return
    lookup = RecordLookup()
    for row in read_fixture("exits"):
        dependency, by = lookup.dependency(row), lookup.user(row["by"])
        for built in row.get("adaptations", []):
            facts = {name: value for name, value in built.items() if name != "kind"}
            add_adaptation(dependency=dependency, kind=built["kind"], facts=facts, by=by)
        if "plan" in row:
            plan = day.dated(row["plan"])
            if "target" in plan:
                plan["target"] = lookup.offering(plan["target"])
            set_exit_plan(dependency=dependency, facts=plan, by=by)
        for test in row.get("tests", []):
            facts = day.dated(
                {
                    name: value
                    for name, value in test.items()
                    if name not in ("target", "tested_on", "result")
                }
            )
            if "tested_version" in facts:
                facts["tested_version"] = lookup.version(facts["tested_version"])
            record_exit_test(
                dependency=dependency,
                target=lookup.offering(test["target"]),
                tested_on=day.on(test["tested_on"]),
                result=test["result"],
                facts=facts,
                by=by,
            )


# --- requirements -------------------------------------------------------------------------------


@transaction.atomic
def load_requirements(*, day: LoadingDay) -> None:
    """Record what a few dependencies use, declared and observed, unless a requirement has ever
    existed."""
    if not was_never_used(Requirement):
        return
    lookup = RecordLookup()
    for row in read_fixture("requirements"):
        dependency = lookup.dependency(row)
        with audit_context(job="intake", reason="observed usage"):
            Requirement.objects.bulk_create(
                Requirement(
                    dependency=dependency,
                    origin=Requirement.Origin.OBSERVED,
                    **day.dated(observed),
                )
                for observed in row["observed"]
            )
        declare_requirements(
            dependency=dependency, values=row["declared"], by=lookup.user(row["by"])
        )


# --- contracts and approvals --------------------------------------------------------------------


@transaction.atomic
def load_contracts(*, day: LoadingDay) -> None:
    """Record contracts, Annex XII documents and approvals: each kind unless one has ever
    existed."""
    lookup = RecordLookup()
    fixture = read_fixture("contracts")
    if was_never_used(Contract):
        _register_contracts(fixture["contracts"], day, lookup)
    if was_never_used(AnnexItem):
        _record_documents(fixture["annex"], day, lookup)
    if was_never_used(Approval):
        _record_approvals(fixture["approvals"], day, lookup)


def _register_contracts(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    by_ref: dict[str, Contract] = {}
    for row in rows:
        facts = day.dated(
            {name: value for name, value in row.items() if name not in ("party", "ref", "by")}
        )
        if "overarching" in facts:
            facts["overarching"] = by_ref[facts["overarching"]]
        by_ref[row["ref"]] = register_contract(
            party=lookup.provider(row["party"]),
            ref=row["ref"],
            facts=facts,
            by=lookup.user(row["by"]),
        )


def _record_documents(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    """Request the documents first, as users do; then record the responses, item by item."""
    for row in rows:
        foundation, by = lookup.foundation(row["foundation"]), lookup.user(row["by"])
        if row["requested"]:
            request_documents(
                foundation=foundation, items=row["requested"], on=day.on(row["requested_on"]), by=by
            )
        for response in row["answers"]:
            record_document_status(
                foundation=foundation,
                item=response["item"],
                status=response["status"],
                on=day.on(response["on"]),
                link=response.get("link", ""),
                note=response.get("note", ""),
                by=by,
            )


def _record_approvals(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    for row in rows:
        record_decision(
            target=_find_target(row, lookup),
            decision=row["decision"],
            reason=row["reason"],
            at=day.moment(row["decided"]),
            expires_on=day.on(row["expires_on"]) if "expires_on" in row else None,
            data_classes=row.get("data_classes", ()),
            regions=row.get("regions", ()),
            criticalities=[Criticality[name.upper()] for name in row.get("criticalities", ())],
            requires_no_training=row.get("requires_no_training", False),
            terms_data_classes=row.get("terms_data_classes", ()),
            by=lookup.user(row["by"]),
        )


def _find_target(row: Record, lookup: RecordLookup) -> ApprovalTarget:
    if "provider" in row:
        return lookup.provider(row["provider"])
    if "foundation" in row:
        return lookup.foundation(row["foundation"])
    return lookup.version(row["version"]) if "version" in row else lookup.offering(row["offering"])

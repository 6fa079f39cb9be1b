"""Demo selection records, migration campaigns, exposure flags and scenarios.

Past records are written through the actions with past times: a campaign is opened and worked on,
flags open on the measurements of that day, and users decide about them. The exposure tables are
built for each of these days from the inventory of that day; the last build is for the day of
loading.
"""

from collections.abc import Callable

from django.db import transaction

from apps.catalog.models import Offering, ProviderEvent
from apps.demo.fixtures import LoadingDay, Record, RecordLookup, read_fixture, was_never_used
from apps.demo.risks import file_evidence
from apps.exposure.actions.decisions import accept_flag, acknowledge_flag
from apps.exposure.actions.events import handle_events
from apps.exposure.actions.flags import evaluate_flags
from apps.exposure.actions.minimal_cut_sets import store_minimal_cut_sets
from apps.exposure.actions.policies import add_policy, change_policy
from apps.exposure.actions.scenarios import (
    queue_loss_run,
    queue_scenario_run,
    run_queued,
    save_scenario,
)
from apps.exposure.campaigns.lifecycle import close_campaign, open_campaign
from apps.exposure.campaigns.maintenance import update_campaigns
from apps.exposure.campaigns.signatures import sign_off, waive_task
from apps.exposure.campaigns.steps import AUTOMATIC_STEPS
from apps.exposure.campaigns.task_actions import (
    assign_task,
    complete_step,
    record_measurements,
    switch_task,
)
from apps.exposure.diligence.selection_decisions import decide_with_scorecards
from apps.exposure.engine.table_refresh import rebuild
from apps.exposure.models import Campaign, CampaignTask, ExposureFlag, LossRun, Policy, Scenario
from apps.exposure.node_names import find_nodes
from apps.exposure.snapshots.daily import take_snapshot
from apps.inventory.actions.applications import retire_application
from apps.inventory.governance.selections import add_candidate, draft_selection, score_candidate
from apps.inventory.models import Selection

# enough for a demo, and finished in a second; users can request more
LOSS_YEARS = 20_000


@transaction.atomic
def load_exposure(*, day: LoadingDay) -> None:
    """Record selections, campaigns and flags: each kind unless one has ever existed."""
    lookup, fixture = RecordLookup(), read_fixture("exposure")
    if was_never_used(Selection):
        _record_selections(fixture["selections"], day, lookup)
    if was_never_used(Campaign):
        _open_campaigns(fixture["campaigns"], day, lookup)
    if was_never_used(ExposureFlag):
        _create_flags(fixture, day, lookup)


@transaction.atomic
def load_scenarios(*, day: LoadingDay) -> None:
    """Run scenarios and a loss simulation once everything else is loaded, so that they agree with
    the pages.
    """
    if was_never_used(Scenario) and not LossRun.objects.exists():
        _run_scenarios(read_fixture("exposure")["scenarios"], day, RecordLookup())


# --- selections -----------------------------------------------------------------------------------


def _record_selections(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    for row in rows:
        by = lookup.user(row["by"])
        selection = draft_selection(
            title=row["title"], purpose=row["purpose"], criteria=row["criteria"], by=by
        )
        chosen_candidates = []
        for candidate in row["candidates"]:
            offering = lookup.offering(candidate["offering"]) if "offering" in candidate else None
            saved_candidate = add_candidate(
                selection=selection,
                foundation=lookup.foundation(candidate["foundation"]),
                offering=offering,
                note=candidate.get("note", ""),
                by=by,
            )
            if "scores" in candidate:
                score_candidate(candidate=saved_candidate, scores=candidate["scores"], by=by)
            if candidate.get("chosen"):
                chosen_candidates.append(saved_candidate)
        if "decision" in row:
            decide_with_scorecards(
                selection=selection,
                chosen=chosen_candidates,
                decision=row["decision"],
                why=row["why"],
                at=day.moment(row["decided"]),
                review_on=day.on(row["review_on"]),
                by=by,
            )


# --- migration campaigns --------------------------------------------------------------------------


def _open_campaigns(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    for row in rows:
        event: ProviderEvent | None = None
        offering: Offering | None = lookup.offering(row["offering"])
        if "event" in row:
            event = ProviderEvent.objects.get(offering=offering, kind=row["event"])
            offering = None
        campaign = open_campaign(
            event=event,
            offering=offering,
            target=lookup.offering(row["target"]),
            title=row["title"],
            note=row["note"],
            due_on=day.on(row["due_on"]) if "due_on" in row else None,
            at=day.moment(row["at"]),
            by=lookup.user(row["by"]),
        )
        for deed in row["work"]:
            _WORK[deed["do"]](campaign, deed, day, lookup)
        if "closed" in row:
            close_campaign(
                campaign=campaign,
                closing_note=row["closing_note"],
                at=day.moment(row["closed"]),
                by=lookup.user(row["by"]),
            )
    update_campaigns(at=day.at)


def _find_task(campaign: Campaign, deed: Record, lookup: RecordLookup) -> CampaignTask:
    return campaign.tasks.get(dependency__application=lookup.application(deed["application"]))


def _assign(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    assign_task(
        task=_find_task(campaign, deed, lookup),
        owner=lookup.user(deed["owner"]),
        by=lookup.user(deed["by"]),
    )


def _complete_steps(
    campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    """Mark the given steps as done, or all steps that are marked by hand."""
    steps = _find_task(campaign, deed, lookup).steps.exclude(kind__in=AUTOMATIC_STEPS)
    if "steps" in deed:
        steps = steps.filter(kind__in=deed["steps"])
    for step in steps:
        complete_step(
            step=step,
            note=deed.get("note", ""),
            at=day.moment(deed["at"]),
            by=lookup.user(deed["by"]),
        )


def _measure(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    record_measurements(
        task=_find_task(campaign, deed, lookup),
        before=deed.get("before"),
        after=deed.get("after"),
        at=day.moment(deed["at"]),
        by=lookup.user(deed["by"]),
    )


def _record_evidence(
    campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup
) -> None:
    file_evidence(deed["evidence"], day, lookup)


def _switch(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    at = day.moment(deed["at"])
    switch_task(
        task=_find_task(campaign, deed, lookup),
        on=day.on(deed["at"]),
        at=at,
        by=lookup.user(deed["by"]),
    )


def _waive(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    waive_task(
        task=_find_task(campaign, deed, lookup),
        until=day.on(deed["until"]),
        reason=deed["why"],
        at=day.moment(deed["at"]),
        by=lookup.user(deed["by"]),
    )


def _sign(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    sign_off(
        task=_find_task(campaign, deed, lookup),
        at=day.moment(deed["at"]),
        by=lookup.user(deed["by"]),
    )


def _retire(campaign: Campaign, deed: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    retire_application(
        application=lookup.application(deed["application"]),
        on=day.on(deed["at"]),
        reason=deed["why"],
        by=lookup.user(deed["by"]),
    )


_WORK: dict[str, Callable[[Campaign, Record, LoadingDay, RecordLookup], None]] = {
    "assign": _assign,
    "tick": _complete_steps,
    "measure": _measure,
    "prove": _record_evidence,
    "switch": _switch,
    "waive": _waive,
    "sign": _sign,
    "retire": _retire,
}


# --- flags ----------------------------------------------------------------------------------------


def _create_flags(fixture: Record, day: LoadingDay, lookup: RecordLookup) -> None:
    """Set tolerances, open flags on the day they were set, decide about them, and measure again
    until today."""
    lines = fixture["lines"]
    for row in lines["policies"]:
        facts, by = row["facts"], lookup.user(row["by"])
        policy = Policy.objects.filter(slug=row["slug"]).first()
        if policy is None:
            add_policy(facts={"slug": row["slug"], **facts}, by=by, reason=row["reason"])
        else:
            change_policy(
                policy=policy, facts=facts, at=day.moment(lines["at"]), by=by, reason=row["reason"]
            )
    _evaluate_flags_on(day, lines["at"])
    for row in fixture["decisions"]:
        node = None if row["node"] is None else find_nodes([row["node"]])[row["node"]]
        flag = ExposureFlag.objects.get(
            policy__slug=row["policy"], node=node, state__in=ExposureFlag.LIVE
        )
        at, by = day.moment(row["at"]), lookup.user(row["by"])
        if "until" in row:
            accept_flag(flag=flag, until=day.on(row["until"]), reason=row["reason"], at=at, by=by)
        else:
            acknowledge_flag(flag=flag, reason=row["reason"], at=at, by=by)
    for days in fixture["measured_again"]:
        _evaluate_flags_on(day, days)
    handle_events(at=day.at)
    store_minimal_cut_sets(on=day.today)
    take_snapshot(on=day.today)


def _evaluate_flags_on(day: LoadingDay, days: int) -> None:
    rebuild(on=day.on(days))
    evaluate_flags(at=day.moment(days))


# --- scenarios ------------------------------------------------------------------------------------


def _run_scenarios(rows: list[Record], day: LoadingDay, lookup: RecordLookup) -> None:
    for row in rows:
        by = lookup.user(row["by"])
        facts: Record = {
            name: row[name] for name in ("name", "note", "layers", "basis") if name in row
        }
        facts["ops"] = [_build_operation(operation, day, lookup) for operation in row["ops"]]
        if "prices_on" in row:
            facts["prices_on"] = day.on(row["prices_on"])
        queue_scenario_run(scenario=save_scenario(facts=facts, by=by), at=day.at, by=by)
    queue_loss_run(at=day.at, years=LOSS_YEARS, by=lookup.user(rows[0]["by"]))
    run_queued(at=day.at)


def _build_operation(row: Record, day: LoadingDay, lookup: RecordLookup) -> Record:
    """Return an operation with offerings and dependencies by ID, as scenarios store them, and its
    date as text."""
    operation = {name: value for name, value in row.items() if name not in ("application", "role")}
    for name in ("old", "new", "offering"):
        if name in operation:
            operation[name] = lookup.offering(operation[name]).pk
    if row["op"] == "move":
        return {
            **operation,
            "dependency": lookup.dependency(
                {name: row[name] for name in ("application", "role")}
            ).pk,
        }
    if "application" in row:
        operation["application"] = row["application"]
    if "dependencies" in operation:
        operation["dependencies"] = [
            {**use, "offering": lookup.offering(use["offering"]).pk}
            for use in operation["dependencies"]
        ]
    if "from" in operation:
        operation["from"] = day.on(operation["from"]).isoformat()
    return operation

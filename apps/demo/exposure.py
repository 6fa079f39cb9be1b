"""The whole demo: what the register, the risks and this floor have to show, loaded floor by floor.

What happened in the past is done through the actions of this floor at moments of the past: a campaign is opened and
worked in, flags open on what was measured on that day and are decided about by people. The exposure tables are built
for each of these days, from what the inventory says of it; the last build is for the day of loading.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import connection, transaction

from apps.catalog.models import Assertion, Footing, Foundation, Node, Offering, Price, Provider, ProviderEvent, Version
from apps.demo.contracts import load_contracts
from apps.demo.exits import load_exits
from apps.demo.fixtures import LoadingDay, Record, RecordLookup, read_fixture, was_never_used
from apps.demo.organisation import Login, load_portfolio
from apps.demo.risks import file_evidence, load_risks
from apps.exposure.actions import (
    accept_flag,
    acknowledge_flag,
    add_policy,
    change_policy,
    evaluate_flags,
    handle_events,
)
from apps.exposure.actions.cuts import keep_cuts
from apps.exposure.actions.what_ifs import ask_loss, ask_scenario, run_waiting, save_scenario
from apps.exposure.campaigns.keeping import keep_campaigns
from apps.exposure.campaigns.opening import close_campaign, open_campaign
from apps.exposure.campaigns.signing import sign_off, waive_task
from apps.exposure.campaigns.steps import BY_DEED
from apps.exposure.campaigns.working import assign_task, record_measurements, switch_task, tick_step
from apps.exposure.diligence.deciding import decide_with_scorecards
from apps.exposure.engine.building import rebuild
from apps.exposure.models import Campaign, CampaignTask, ExposureFlag, LossRun, Policy, Scenario
from apps.exposure.naming import nodes_named
from apps.exposure.snapshots import take_snapshot
from apps.inventory.actions import retire_application
from apps.inventory.choosing.selections import add_candidate, draft_selection, score_candidate
from apps.inventory.models import Adaptation, Application, Dependency, ExitPlan, ExitTest, Selection

# enough to look at, and done in a second; people ask for more
LOSS_YEARS = 20_000


@transaction.atomic
def load_demo(*, at: datetime) -> list[Login]:
    """Load what is missing of the demo; a part that people have used is left alone. The logins of its people.

    Raises DemoRefused in production, and where the built-in catalogue is missing.
    """
    day = LoadingDay(at)
    logins = load_portfolio(day=day)
    load_exits(day=day)
    load_contracts(day=day)
    if was_never_used(Campaign):
        _tell_the_planner()
    load_risks(day=day)
    named, said = RecordLookup(), read_fixture("exposure")
    if was_never_used(Selection):
        _selections(said["selections"], day, named)
    if was_never_used(Campaign):
        _campaigns(said["campaigns"], day, named)
    if was_never_used(ExposureFlag):
        _flags(said, day, named)
    return logins


@transaction.atomic
def load_scenarios(*, at: datetime) -> None:
    """Once everything else is loaded, so that the answers agree with the pages."""
    if was_never_used(Scenario) and not LossRun.objects.exists():
        _what_ifs(read_fixture("exposure")["scenarios"], LoadingDay(at), RecordLookup())


def _tell_the_planner() -> None:
    """Rows that were loaded a moment ago, here or by load_catalogue, are in no statistics yet, and statements that join
    them would take minutes instead of milliseconds."""
    tables = [
        model._meta.db_table
        for model in (
            Node, Footing, Offering, Price, Version, Foundation, Provider, Assertion, ProviderEvent, Application,
            Dependency, Adaptation, ExitPlan, ExitTest,
        )
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


# --- platform bets ----------------------------------------------------------------------------------------------


def _selections(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    for row in rows:
        by = named.user(row["by"])
        selection = draft_selection(title=row["title"], purpose=row["purpose"], criteria=row["criteria"], by=by)
        chosen = []
        for candidate in row["candidates"]:
            offering = named.offering(candidate["offering"]) if "offering" in candidate else None
            added = add_candidate(
                selection=selection,
                foundation=named.foundation(candidate["foundation"]),
                offering=offering,
                note=candidate.get("note", ""),
                by=by,
            )
            if "scores" in candidate:
                score_candidate(candidate=added, scores=candidate["scores"], by=by)
            if candidate.get("chosen"):
                chosen.append(added)
        if "decision" in row:
            decide_with_scorecards(
                selection=selection,
                chosen=chosen,
                decision=row["decision"],
                why=row["why"],
                at=day.moment(row["decided"]),
                review_on=day.on(row["review_on"]),
                by=by,
            )


# --- refresh campaigns ------------------------------------------------------------------------------------------


def _campaigns(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    for row in rows:
        event: ProviderEvent | None = None
        offering: Offering | None = named.offering(row["offering"])
        if "event" in row:
            event = ProviderEvent.objects.get(offering=offering, kind=row["event"])
            offering = None
        campaign = open_campaign(
            event=event,
            offering=offering,
            target=named.offering(row["target"]),
            title=row["title"],
            note=row["note"],
            due_on=day.on(row["due_on"]) if "due_on" in row else None,
            at=day.moment(row["at"]),
            by=named.user(row["by"]),
        )
        for deed in row["work"]:
            _WORK[deed["do"]](campaign, deed, day, named)
        if "closed" in row:
            close_campaign(
                campaign=campaign,
                closing_note=row["closing_note"],
                at=day.moment(row["closed"]),
                by=named.user(row["by"]),
            )
    keep_campaigns(at=day.at)


def _task(campaign: Campaign, deed: Record, named: RecordLookup) -> CampaignTask:
    return campaign.tasks.get(dependency__application=named.application(deed["application"]))


def _assign(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    assign_task(task=_task(campaign, deed, named), owner=named.user(deed["owner"]), by=named.user(deed["by"]))


def _tick(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    """The named steps, or all that are ticked by hand."""
    steps = _task(campaign, deed, named).steps.exclude(kind__in=BY_DEED)
    if "steps" in deed:
        steps = steps.filter(kind__in=deed["steps"])
    for step in steps:
        tick_step(step=step, note=deed.get("note", ""), at=day.moment(deed["at"]), by=named.user(deed["by"]))


def _measure(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    record_measurements(
        task=_task(campaign, deed, named),
        before=deed.get("before"),
        after=deed.get("after"),
        at=day.moment(deed["at"]),
        by=named.user(deed["by"]),
    )


def _prove(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    file_evidence(deed["evidence"], day, named)


def _switch(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    at = day.moment(deed["at"])
    switch_task(task=_task(campaign, deed, named), on=day.on(deed["at"]), at=at, by=named.user(deed["by"]))


def _waive(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    waive_task(
        task=_task(campaign, deed, named),
        until=day.on(deed["until"]),
        why=deed["why"],
        at=day.moment(deed["at"]),
        by=named.user(deed["by"]),
    )


def _sign(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    sign_off(task=_task(campaign, deed, named), at=day.moment(deed["at"]), by=named.user(deed["by"]))


def _retire(campaign: Campaign, deed: Record, day: LoadingDay, named: RecordLookup) -> None:
    retire_application(
        application=named.application(deed["application"]),
        on=day.on(deed["at"]),
        reason=deed["why"],
        by=named.user(deed["by"]),
    )


_WORK: dict[str, Callable[[Campaign, Record, LoadingDay, RecordLookup], None]] = {
    "assign": _assign,
    "tick": _tick,
    "measure": _measure,
    "prove": _prove,
    "switch": _switch,
    "waive": _waive,
    "sign": _sign,
    "retire": _retire,
}


# --- flags ------------------------------------------------------------------------------------------------------


def _flags(said: Record, day: LoadingDay, named: RecordLookup) -> None:
    """Lines drawn, flags opened on the day they were drawn, decided about, and measured again until today."""
    drawn = said["lines"]
    for row in drawn["policies"]:
        facts, by = row["facts"], named.user(row["by"])
        policy = Policy.objects.filter(slug=row["slug"]).first()
        if policy is None:
            add_policy(facts={"slug": row["slug"], **facts}, by=by, reason=row["reason"])
        else:
            change_policy(policy=policy, facts=facts, at=day.moment(drawn["at"]), by=by, reason=row["reason"])
    _measured_on(day, drawn["at"])
    for row in said["decisions"]:
        node = None if row["node"] is None else nodes_named([row["node"]])[row["node"]]
        flag = ExposureFlag.objects.get(policy__slug=row["policy"], node=node, state__in=ExposureFlag.LIVE)
        at, by = day.moment(row["at"]), named.user(row["by"])
        if "until" in row:
            accept_flag(flag=flag, until=day.on(row["until"]), reason=row["reason"], at=at, by=by)
        else:
            acknowledge_flag(flag=flag, reason=row["reason"], at=at, by=by)
    for days in said["measured_again"]:
        _measured_on(day, days)
    handle_events(at=day.at)
    keep_cuts(on=day.today)
    take_snapshot(on=day.today)


def _measured_on(day: LoadingDay, days: int) -> None:
    rebuild(on=day.on(days))
    evaluate_flags(at=day.moment(days))


# --- what-ifs ---------------------------------------------------------------------------------------------------


def _what_ifs(rows: list[Record], day: LoadingDay, named: RecordLookup) -> None:
    for row in rows:
        by = named.user(row["by"])
        facts: Record = {name: row[name] for name in ("name", "note", "layers", "basis") if name in row}
        facts["ops"] = [_operation(operation, day, named) for operation in row["ops"]]
        if "prices_on" in row:
            facts["prices_on"] = day.on(row["prices_on"])
        ask_scenario(scenario=save_scenario(facts=facts, by=by), at=day.at, by=by)
    ask_loss(at=day.at, years=LOSS_YEARS, by=named.user(rows[0]["by"]))
    run_waiting(at=day.at)


def _operation(said: Record, day: LoadingDay, named: RecordLookup) -> Record:
    """Offerings and dependencies by their ids, as scenarios keep them; a day as text."""
    operation = {name: value for name, value in said.items() if name not in ("application", "role")}
    for name in ("old", "new", "offering"):
        if name in operation:
            operation[name] = named.offering(operation[name]).pk
    if said["op"] == "move":
        return {**operation, "dependency": named.dependency({name: said[name] for name in ("application", "role")}).pk}
    if "application" in said:
        operation["application"] = said["application"]
    if "dependencies" in operation:
        operation["dependencies"] = [
            {**use, "offering": named.offering(use["offering"]).pk} for use in operation["dependencies"]
        ]
    if "from" in operation:
        operation["from"] = day.on(operation["from"]).isoformat()
    return operation

"""What was built on dependencies, how one would leave them, and what trying it took; recorded by the people who did."""

from django.db import transaction

from apps.demo.fixtures import LoadingDay, RecordLookup, read_fixture, was_never_used
from apps.inventory.actions import add_adaptation, record_exit_test, set_exit_plan
from apps.inventory.models import Adaptation, ExitPlan, ExitTest


@transaction.atomic
def load_exits(*, day: LoadingDay) -> None:
    """Adaptations, exit plans and exit tests, unless there has ever been one."""
    if not all(was_never_used(model) for model in (Adaptation, ExitPlan, ExitTest)):
        return
    named = RecordLookup()
    for row in read_fixture("exits"):
        dependency, by = named.dependency(row), named.user(row["by"])
        for built in row.get("adaptations", []):
            facts = {name: value for name, value in built.items() if name != "kind"}
            add_adaptation(dependency=dependency, kind=built["kind"], facts=facts, by=by)
        if "plan" in row:
            plan = day.dated(row["plan"])
            if "target" in plan:
                plan["target"] = named.offering(plan["target"])
            set_exit_plan(dependency=dependency, facts=plan, by=by)
        for test in row.get("tests", []):
            facts = day.dated({name: value for name, value in test.items() if name not in _SAID_APART})
            if "tested_version" in facts:
                facts["tested_version"] = named.version(facts["tested_version"])
            record_exit_test(
                dependency=dependency,
                target=named.offering(test["target"]),
                tested_on=day.on(test["tested_on"]),
                result=test["result"],
                facts=facts,
                by=by,
            )


_SAID_APART = ("target", "tested_on", "result")

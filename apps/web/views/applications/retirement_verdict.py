"""When the primary models of an application retire, and whether the migration still fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from apps.catalog.identity.name_summaries import NameSummary
from apps.catalog.models import OfferingKind
from apps.common.text import pluralize
from apps.exposure.campaigns.reach import MARGIN_DAYS
from apps.exposure.queries.dependents import StackRow
from apps.inventory.models import Application, Dependency
from apps.inventory.runway import PrimaryRunway
from apps.issues.models import CauseKind, Issue
from apps.web.drawings.charts.runways import Runway as RunwayBar
from apps.web.pages.page import Headline
from apps.web.presenters.change_effects import format_days
from apps.web.wording import from_today, long_day, number, retirement_day

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Primary model with a retirement date or state, and the inputs of its runway.

    The migration finishes MARGIN_DAYS before the retirement, as issues and migration tasks do."""

    row: StackRow
    runway: PrimaryRunway

    @property
    def is_retired(self) -> bool:
        if self.runway.retires_on is None:
            return self.runway.days_left == 0
        return not self.runway.at_least and (self.runway.days_left or 0) < 0

    @property
    def is_late(self) -> bool:
        is_negative = self.runway.runway is not None and self.runway.runway < 0
        return self.is_retired or is_negative

    @property
    def effort_days(self) -> int | None:
        """Return the days of the migration, rounded up."""
        effort_days = self.runway.effort_days
        return None if effort_days is None else -int(-effort_days // 1)

    @property
    def finish_by(self) -> date | None:
        retires_on = self.runway.retires_on
        return None if retires_on is None else retires_on - timedelta(MARGIN_DAYS)

    @property
    def start_by(self) -> date | None:
        """Return the last day on which the migration can start in time; None if the date or the
        effort is unknown."""
        if self.finish_by is None or self.effort_days is None:
            return None
        return self.finish_by - timedelta(self.effort_days)

    @property
    def runway_text(self) -> str:
        return "–" if self.runway.runway is None else f"{format_days(self.runway.runway)} d"

    @property
    def effort_text(self) -> str:
        """Return the effort with its basis, such as `12 days (last exit test)`."""
        if self.runway.effort_days is None:
            return "effort unknown"
        days = count_days(self.runway.effort_days)
        return f"{days} ({'last exit test' if self.runway.basis == 'test' else 'exit plan'})"

    @property
    def bar(self) -> RunwayBar:
        return RunwayBar(
            self.row.offering.api_id,
            self.runway.days_left,
            self.effort_days,
            self.runway.basis == "test",
            self.runway.at_least,
        )


def count_days(days: object) -> str:
    text = format_days(days)  # type: ignore[arg-type]
    return "1 day" if text == "1" else f"{text} days"


def times_left(
    rows: Sequence[StackRow], primary_runways: Sequence[PrimaryRunway]
) -> list[TimeLeft]:
    """Return the primary models that retire, most urgent first: retired ones, those with an
    announced date by runway, those with an earliest date only."""
    by_id = {row.dependency.pk: row for row in rows}
    times = [
        TimeLeft(by_id[runway.dependency_id], runway)
        for runway in primary_runways
        if runway.dependency_id in by_id and runway.days_left is not None
    ]
    return sorted(times, key=lambda time: (not time.is_retired, time.runway.at_least))


def version_retirements(application: Application) -> dict[int, date]:
    """Return {dependency: retirement date} of the unresolved retirement issues: also of model IDs
    without a date of their own whose version retires on the host. One statement."""
    issues = Issue.objects.unresolved().filter(
        application=application, cause__kind=CauseKind.RETIREMENT
    )
    dates = {}
    for details in issues.values_list("details", flat=True):
        for dependency in details.get("dependencies") or []:
            if dependency.get("is_feature"):
                continue  # not the model, which can have another date or none
            if dependency.get("retires_on") and not dependency.get("is_earliest"):
                retires_on = date.fromisoformat(dependency["retires_on"])
                dates[dependency["dependency"]] = retires_on
    return dates


def application_headline(
    rows: Sequence[StackRow],
    times: Sequence[TimeLeft],
    dates_of_versions: Mapping[int, date],
    names: Mapping[int, NameSummary],
    today: date,
) -> Headline:
    """Return the sentence about the primary model that retires first, with the verdict on its
    migration. `dates_of_versions` are those of `version_retirements`, `names` is {offering: what is
    known of a name without a model ID}."""
    primaries = [row for row in rows if row.dependency.role == Dependency.Role.PRIMARY]
    if not rows:
        return Headline("No dependencies declared.")
    if not primaries:
        n = pluralize(len(rows), "1 dependency", f"{number(len(rows))} dependencies")
        return Headline(f"{n}, none of them a primary model.")
    if times:
        return _dated_headline(times[0], names, today)
    undated = [row for row in primaries if row.dependency.pk in dates_of_versions]
    if undated:
        row = min(undated, key=lambda row: dates_of_versions[row.dependency.pk])
        retires_on = dates_of_versions[row.dependency.pk]
        verb = "retired" if retires_on < today else "retires"
        return Headline(
            f"Uses {_model_name(row)} on {row.host.name}. This version ",
            f"{verb} on {long_day(retires_on)}",
            f" there under its other model IDs, {from_today(retires_on, today=today)}.",
        )
    named = [row for row in primaries if row.offering.pk in names]
    if named:
        summary = names[named[0].offering.pk]
        return Headline(f"{_uses_name(summary)}{summary.sentence}")
    unresolved = [row for row in primaries if row.foundation is None]
    if unresolved:
        row = unresolved[0]
        return Headline(
            f"Uses {row.offering.api_id} on {row.host.name}, which is unresolved: its retirement "
            "date is unknown."
        )
    row = primaries[0]
    return Headline(f"Uses {_model_name(row)} on {row.host.name}. No retirement date announced.")


def _model_name(row: StackRow) -> str:
    return row.foundation.name if row.foundation else row.offering.api_id


def _uses_name(summary: NameSummary) -> str:
    if summary.kind == OfferingKind.PRODUCT:
        return f"Uses {summary.text} of {summary.host}, a product. "
    if not summary.is_host_stated:
        return f"Uses {summary.text}; host and model ID are not known. "
    return f"Uses {summary.text} on {summary.host}; its model ID is not known. "


def _dated_headline(time: TimeLeft, names: Mapping[int, NameSummary], today: date) -> Headline:
    retires_on, days_left = time.runway.retires_on, time.runway.days_left
    summary = names.get(time.row.offering.pk)
    if summary is not None and (time.is_retired or summary.is_retired):
        return Headline(_uses_name(summary), summary.sentence, "")
    if summary is not None and time.runway.at_least:
        return Headline(f"{_uses_name(summary)}{summary.sentence}")
    uses = f"Uses {_model_name(time.row)} on {time.row.host.name}, "
    if time.row.is_due:
        return Headline(uses, f"which is {time.row.due_text}", ".")
    if retires_on is None or days_left is None:
        return Headline(uses, "which is retired", ".")
    if time.is_retired:
        return Headline(
            uses,
            f"which retired on {long_day(retires_on)}",
            f", {from_today(retires_on, today=today)}.",
        )
    if time.runway.at_least:
        when = retirement_day(retires_on, time.row.answering.retires_month)
        return Headline(f"{uses}which retires no earlier than {when}.")
    retires = (
        f"{uses}which retires on {long_day(retires_on)}, {from_today(retires_on, today=today)}. "
    )
    if summary is not None:
        retires = f"{_uses_name(summary)}{summary.sentence} "
    if time.runway.runway is None or time.start_by is None:
        sentence = "The migration effort is unknown"
        if days_left <= SOON_DAYS:
            return Headline(retires, sentence, ".")
        return Headline(f"{retires}{sentence}.")
    if time.runway.runway < 0:
        late = count_days(-time.runway.runway)
        return Headline(retires, f"Migration is {late} too late", f". It takes {time.effort_text}.")
    start = long_day(time.start_by)
    if time.start_by < today:
        return Headline(
            f"{retires}Migration takes {time.effort_text}: ",
            f"it should have started by {start}",
            ".",
        )
    if (time.start_by - today).days <= SOON_DAYS:
        return Headline(f"{retires}Migration takes {time.effort_text}: ", f"start by {start}", ".")
    return Headline(f"{retires}The migration fits: it takes {time.effort_text}, start by {start}.")

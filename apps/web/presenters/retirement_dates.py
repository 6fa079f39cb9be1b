"""When the model IDs of a foundation or version retire at their hosts, in one sentence.

A model ID without a date of its own has that of the same version on its host, as retirement issues
do: an undated alias does not outlive the model that it names."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from apps.catalog.claims.feed_rows import FINE_TUNED_TIER
from apps.catalog.models import DateKind, Lifecycle
from apps.catalog.models.offerings import Binding
from apps.catalog.retirements.due import due_text, retired_note
from apps.common.text import pluralize
from apps.exposure.queries.portfolio import DependentCount
from apps.web.pages.page import Headline
from apps.web.wording import from_today, join_names, long_day, number, retirement_day

SOON_DAYS = 30
MAX_HOSTS = 3


@dataclass(frozen=True, slots=True)
class OfferingSummary:
    """Offering with the columns that sorting and the sentence need: foundations have thousands of
    offerings."""

    pk: int
    version_id: int | None
    retires_on: date | None
    date_kind: str
    host: str
    api_id: str
    lifecycle: str = ""
    region_scope: str = ""
    binding: str = ""
    service_tier: str = ""
    retires_month: str = ""
    due_status: str = ""

    @property
    def has_own_date(self) -> bool:
        return self.retires_on is not None or self.lifecycle == Lifecycle.RETIRED

    @property
    def is_earliest(self) -> bool:
        return self.date_kind == DateKind.NOT_BEFORE and self.lifecycle != Lifecycle.RETIRED


@dataclass(frozen=True, slots=True)
class HostRetirement:
    """Retirement of the model IDs on one host. `retires_on` is the next announced day, None without
    one; `earliest_on` the first possible one."""

    host: str
    is_used: bool
    is_retired: bool
    retires_on: date | None
    earliest_on: date | None


def inherited_dates(offerings: Sequence[OfferingSummary]) -> dict[int, OfferingSummary]:
    """Return {offering: the one whose date applies to it}, for those without a date of their own:
    the first to retire of the same version, host and region."""
    sources: dict[tuple[str, int | None], list[OfferingSummary]] = {}
    for row in offerings:
        if row.has_own_date and not row.is_earliest and row.binding != Binding.ALIAS:
            sources.setdefault((row.host, row.version_id), []).append(row)
    dates = {}
    for row in offerings:
        if row.has_own_date or row.version_id is None:
            continue
        candidates = [
            source
            for source in sources.get((row.host, row.version_id), ())
            if source.region_scope in {"", row.region_scope}
            # the end of a fine-tuned model is not that of its base model
            and (source.service_tier != FINE_TUNED_TIER or row.service_tier == FINE_TUNED_TIER)
        ]
        if candidates:
            dates[row.pk] = min(candidates, key=lambda source: source.retires_on or date.min)
    return dates


def host_retirements(
    offerings: Sequence[OfferingSummary], used_ids: Collection[int], today: date
) -> list[HostRetirement]:
    """Return the retirement on each host, the first announced one first."""
    inherited = inherited_dates(offerings)
    by_host: dict[str, list[OfferingSummary]] = {}
    for row in offerings:
        by_host.setdefault(row.host, []).append(row)
    rows = []
    for host, of_host in by_host.items():
        of_host = [row for row in of_host if row.service_tier != FINE_TUNED_TIER] or of_host
        dated = [inherited.get(row.pk, row) for row in of_host]
        upcoming = [
            row.retires_on
            for row in dated
            if row.retires_on and not row.is_earliest and row.retires_on >= today
        ]
        earliest = [
            row.retires_on
            for row in dated
            if row.retires_on and row.is_earliest and row.retires_on >= today
        ]
        rows.append(
            HostRetirement(
                host,
                is_used=any(row.pk in used_ids for row in of_host),
                is_retired=all(is_retired(row, today) for row in dated),
                retires_on=min(upcoming, default=None),
                earliest_on=min(earliest, default=None),
            )
        )
    return sorted(rows, key=lambda row: (row.retires_on or date.max, row.host))


def is_retired(row: OfferingSummary, today: date) -> bool:
    if row.lifecycle == Lifecycle.RETIRED:
        return True
    return row.retires_on is not None and not row.is_earliest and row.retires_on <= today


def is_due(row: OfferingSummary, today: date) -> bool:
    """Return whether the announced date has come and the source has not confirmed it yet."""
    return row.lifecycle != Lifecycle.RETIRED and is_retired(row, today)


def retirements_headline(
    offerings: Sequence[OfferingSummary],
    counts: Mapping[int, DependentCount],
    count: DependentCount,
    today: date,
    used_hosts: Collection[str] = (),
) -> Headline:
    """State where the model is retired and where it retires next, over all hosts, and what depends
    on it. `counts` are the dependents of the offerings in use, `count` those of the model. At
    `used_hosts` applications use it by a name."""
    by_name = {row.pk for row in offerings if row.host in used_hosts}
    hosts = host_retirements(offerings, {*counts, *by_name}, today)
    dependents = dependents_sentence(count)
    retired = [row for row in hosts if row.is_retired]
    dated = [row for row in hosts if row.retires_on is not None and not row.is_retired]
    if not retired and not dated:
        return Headline(f"{_undated_sentence(offerings, hosts, today)} {dependents}")
    undated = [row for row in hosts if row not in retired and row not in dated]
    after = f"{_undated_clause(undated)}. {dependents}"
    retired_text = f"Retired on {_names(retired)}" if retired else ""
    next_text = ""
    if dated:
        retires_on = dated[0].retires_on
        assert retires_on is not None
        first = [row for row in dated if row.retires_on == retires_on]
        others = len(hosts) > len(first) and not retired
        next_text = (
            f"{'first ' if others else ''}on {long_day(retires_on)}, "
            f"{from_today(retires_on, today=today)}, on {_names(first)}"
        )
        if not retired:
            is_soon = (retires_on - today).days <= SOON_DAYS and count.n
            if is_soon:
                return Headline("Retires ", next_text, after)
            return Headline(f"Retires {next_text}{after}")
        next_text = f"; retires next {next_text}"
    if any(row.is_used for row in retired):
        return Headline("", retired_text, f"{next_text}{after}")
    return Headline(f"{retired_text}{next_text}{after}")


def _undated_sentence(
    offerings: Sequence[OfferingSummary], hosts: Sequence[HostRetirement], today: date
) -> str:
    """Return the sentence about a model that retires on no host as a whole."""
    n_retired = sum(is_retired(row, today) for row in offerings)
    if n_retired:
        return (
            f"{number(n_retired)} of {number(len(offerings))} model IDs "
            f"{'is' if n_retired == 1 else 'are'} retired. The others have no retirement date."
        )
    earliest = [row.earliest_on for row in hosts if row.earliest_on is not None]
    if earliest:
        return f"No retirement date announced. Retires no earlier than {long_day(min(earliest))}."
    return "No retirement date announced."


def _undated_clause(hosts: Sequence[HostRetirement]) -> str:
    """Return the clause about hosts without a date; those in use are named."""
    used = [row for row in hosts if row.is_used]
    if used:
        return f"; no retirement date on {_names(used)}, which your applications use"
    n = len(hosts)
    if not n:
        return ""
    return pluralize(n, "; 1 other host lists no date", f"; {number(n)} other hosts list no date")


def _names(hosts: Sequence[HostRetirement]) -> str:
    # hosts in use are named before others
    ordered = sorted(hosts, key=lambda row: (not row.is_used, row.host))
    return join_names([row.host for row in ordered], max_names=MAX_HOSTS)


def dependents_sentence(count: DependentCount) -> str:
    """Return how many applications depend on the model, in any role, and how many are critical."""
    return reach_sentence(count.n, count.n_critical, number(count.n))


def reach_sentence(n: int, n_critical: int, shown: str) -> str:
    """Return the sentence about `n` applications, shown as `shown`."""
    if not n:
        return "No application depends on it."
    start = pluralize(n, "1 application depends on it", f"{shown} applications depend on it")
    return f"{start}, {number(n_critical)} critical." if n_critical else f"{start}."


def offering_headline(
    offering: OfferingSummary,
    siblings: Sequence[OfferingSummary],
    count: DependentCount,
    today: date,
) -> Headline:
    """State when one model ID retires, and what depends on it. `siblings` are the model IDs of the
    same version on its host."""
    dependents = dependents_sentence(count)
    source = inherited_dates([offering, *siblings]).get(offering.pk)
    if source is not None and source.retires_on is not None:
        verb = "retired" if source.retires_on < today else "retire"
        return Headline(
            "No date of its own. Other model IDs of this version on this host ",
            f"{verb} on {long_day(source.retires_on)}",
            f". {dependents}",
        )
    if source is not None:
        return Headline(
            "No date of its own. Other model IDs of this version on this host ",
            "are retired",
            f". {dependents}",
        )
    retires_on = offering.retires_on
    if is_due(offering, today):
        assert retires_on is not None
        due = due_text(retires_on, offering.due_status, today)
        return Headline("", due.capitalize(), f". {dependents}")
    if is_retired(offering, today):
        text = f"Retired on {long_day(retires_on)}" if retires_on is not None else "Retired"
        ago = f", {from_today(retires_on, today=today)}" if retires_on is not None else ""
        if note := retired_note(offering.due_status):
            ago += f"; {note}"
        if count.n:
            return Headline("", text, f"{ago}. {dependents}")
        return Headline(f"{text}{ago}. {dependents}")
    if retires_on is None:
        return Headline(f"No retirement date announced. {dependents}")
    if offering.is_earliest:
        when = retirement_day(retires_on, offering.retires_month)
        return Headline(f"Retires no earlier than {when}. {dependents}")
    text = f"on {long_day(retires_on)}"
    left = f", {from_today(retires_on, today=today)}. {dependents}"
    if count.n and (retires_on - today).days <= SOON_DAYS:
        return Headline("Retires ", text, left)
    return Headline(f"Retires {text}{left}")

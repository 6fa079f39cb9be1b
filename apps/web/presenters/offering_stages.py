"""Stages of an offering before its end, and its retirements by region, as pages state them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from apps.catalog.claims.feed_rows import FINE_TUNED_TIER
from apps.catalog.models import (
    DateKind,
    Offering,
    OfferingStage,
    RegionalRetirement,
    Source,
    Stage,
)
from apps.web.wording import long_day, retirement_day

# Regions that a sentence names.
MAX_REGIONS = 5
# (while ahead, once begun), as a sentence without its day
_SENTENCES: dict[str, tuple[str, str]] = {
    Stage.CLOSED_TO_NEW: ("Closed to new customers", "Closed to new customers"),
    Stage.TRAINING_ENDED: ("Training ends", "Training ended"),
    Stage.EXTENDED_ACCESS: ("Extended access", "In extended access"),
}


@dataclass(frozen=True, slots=True)
class StageLine:
    """One stage with its first day and its source. `state` is past, now or ahead; of several that
    have begun, the last is now."""

    label: str
    when: str
    state: str
    source: Source
    seen_at: datetime
    source_url: str


@dataclass(frozen=True, slots=True)
class RegionLine:
    """The regions of an offering that have one retirement date from one source."""

    names: tuple[str, ...]
    retires_on: date | None
    date_kind: str
    source: Source


@dataclass(frozen=True, slots=True)
class OfferingStages:
    """The stages and the retirements by region of one offering."""

    rows: tuple[OfferingStage, ...]
    lines: tuple[StageLine, ...]
    regions: tuple[RegionLine, ...]


def load_stages(offering: Offering, today: date) -> OfferingStages:
    """Load the stages of the offering with their sources: two statements. None of them is the
    current one once the offering is retired."""
    rows = list(offering.stages.select_related("claim__source"))
    order = {stage: place for place, stage in enumerate(Stage.values)}
    rows.sort(key=lambda row: (row.starts_on or date.min, order[row.stage]))
    begun = [row for row in rows if row.has_begun(today)]
    current = begun[-1] if begun and not offering.is_retired(today) else None
    return OfferingStages(
        tuple(rows),
        tuple(
            StageLine(
                label=row.get_stage_display(),
                when=describe_start(row, today),
                state="now" if row is current else "past" if row in begun else "ahead",
                source=row.claim.source,
                seen_at=row.claim.changed_at,
                source_url=row.claim.source_url,
            )
            for row in rows
        ),
        _group_regions(offering.regional_retirements.select_related("claim__source")),
    )


def _group_regions(rows: Iterable[RegionalRetirement]) -> tuple[RegionLine, ...]:
    """Return a line for each date and source, the first date first: a host names two dozen regions
    with one date."""
    names: dict[tuple[date | None, str, Source], list[str]] = {}
    for row in rows:
        names.setdefault((row.retires_on, row.date_kind, row.claim.source), []).append(row.region)
    lines = [RegionLine(tuple(sorted(group)), *key) for key, group in names.items()]
    return tuple(sorted(lines, key=lambda line: (line.retires_on or date.max, line.names)))


def describe_start(stage: OfferingStage, today: date) -> str:
    """Return the first day of the stage: `since 8 April 2027`, `from 8 April 2027`."""
    if stage.starts_on is None:
        return "day not stated"
    if stage.date_kind == DateKind.NOT_BEFORE:
        return f"no earlier than {long_day(stage.starts_on)}"
    word = "since" if stage.starts_on <= today else "from"
    return f"{word} {long_day(stage.starts_on)}"


def stage_sentence(offering: Offering, stages: Iterable[OfferingStage], today: date) -> str:
    """Return what the stages mean for users of the offering, as whole sentences; empty without any
    that does, and of a retired offering. Of a fine-tuned model, when training and inference end."""
    if offering.is_retired(today):
        return ""
    by_stage = {row.stage: row for row in stages}
    sentences = []
    for name, (ahead, begun) in _SENTENCES.items():
        stage = by_stage.get(name)
        if stage is None:
            continue
        has_begun = stage.has_begun(today)
        if name == Stage.TRAINING_ENDED:
            sentences.append(_training_sentence(offering, stage, has_begun=has_begun))
        elif stage.starts_on is None:
            sentences.append(f"{begun}.")
        else:
            sentences.append(f"{begun if has_begun else ahead} {describe_start(stage, today)}.")
    return " ".join(sentences)


def _training_sentence(offering: Offering, stage: OfferingStage, *, has_begun: bool) -> str:
    """Return when training ends, and inference of what was trained: `Training ends on 8 April 2027,
    inference on 8 April 2028.`"""
    verb = "ended" if has_begun else "ends"
    if stage.starts_on is None:
        training = f"Training {verb}"
    elif stage.date_kind == DateKind.NOT_BEFORE:
        training = f"Training {verb} no earlier than {long_day(stage.starts_on)}"
    else:
        training = f"Training {verb} on {long_day(stage.starts_on)}"
    if offering.service_tier != FINE_TUNED_TIER or offering.retires_on is None:
        return f"{training}."
    when = retirement_day(offering.retires_on, offering.retires_month)
    word = "no earlier than" if offering.date_kind == DateKind.NOT_BEFORE else "on"
    return f"{training}, inference {word} {when}."


def region_sentence(rows: Sequence[RegionalRetirement]) -> str:
    """Return the days of the regions in one sentence, as `Retires on 8 April 2027 in us-west-2 and
    on 8 May 2027 in eu-west-1.`; empty without any day."""
    dated = [row for row in rows if row.retires_on is not None]
    if not dated:
        return ""
    parts = [
        f"{'no earlier than' if row.date_kind == DateKind.NOT_BEFORE else 'on'} "
        f"{long_day(row.retires_on)} in {row.region}"
        for row in dated
        if row.retires_on is not None
    ]
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Retires {text}."


def closed_phrases(offering_ids: Collection[int], today: date) -> dict[int, list[str]]:
    """Return {offering: [`closed to new customers since 8 April 2027`]} of those that are; one
    statement."""
    rows = OfferingStage.objects.filter(offering__in=offering_ids, stage=Stage.CLOSED_TO_NEW)
    return {
        row.offering_id: [
            f"closed to new customers {describe_start(row, today)}"
            if row.starts_on
            else "closed to new customers"
        ]
        for row in rows
        if row.has_begun(today)
    }


def offering_notes(offerings: Collection[Offering], today: date) -> dict[int, str]:
    """Return {offering: sentences about its stages, and about regions that retire before the
    offering as a whole}, for those with any; two statements."""
    by_id = {row.pk: row for row in offerings}
    stages: dict[int, list[OfferingStage]] = {}
    for stage in OfferingStage.objects.filter(offering__in=by_id):
        stages.setdefault(stage.offering_id, []).append(stage)
    regions: dict[int, list[RegionalRetirement]] = {}
    for row in RegionalRetirement.objects.filter(offering__in=by_id, retires_on__isnull=False):
        end = by_id[row.offering_id].retires_on
        if row.retires_on is not None and (end is None or row.retires_on < end):
            regions.setdefault(row.offering_id, []).append(row)
    notes = {
        pk: " ".join(
            filter(
                None,
                (
                    region_sentence(regions.get(pk, ())[:MAX_REGIONS]),
                    stage_sentence(offering, stages.get(pk, ()), today),
                ),
            )
        )
        for pk, offering in by_id.items()
    }
    return {pk: text for pk, text in notes.items() if text}

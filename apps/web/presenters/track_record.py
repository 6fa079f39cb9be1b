"""Track record of a provider as the page shows it: lines in words, and its chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import ProviderEvent
from apps.catalog.providers.earliest_retirement import (
    GENERAL,
    PREVIEW,
    SPECIALISED,
    PublishedMinimum,
)
from apps.catalog.providers.track_record import (
    SHORT_NOTICE_DAYS,
    ModelRetirement,
    NoticeHalf,
    PolicyCompliance,
    TrackRecord,
    notice_days,
)
from apps.catalog.providers.track_record_queries import DateMoves, ProviderTrackRecord
from apps.web.drawings.charts.notice_periods import (
    NoticePeriod,
    NoticePicture,
    NoticeStrip,
    PublishedNotice,
    draw_notice_periods,
)
from apps.web.wording import day, number

SCOPES = {GENERAL: "general models", SPECIALISED: "specialised models", PREVIEW: "previews"}
# rows of the page's table; the CSV has all
MAX_TABLE_ROWS = 60


@dataclass(frozen=True, slots=True)
class TrackRecordLine:
    """Fact of the track record; `url` and `read_on` are the policy it is measured against."""

    term: str
    value: str
    note: str = ""
    url: str = ""
    read_on: date | None = None


@dataclass(frozen=True, slots=True)
class TrackRecordSection:
    """Track record as the page shows it; `sentence` is its finding."""

    sentence: str
    lines: tuple[TrackRecordLine, ...]
    wide: NoticePicture | None
    narrow: NoticePicture | None
    described: str
    told: tuple[ModelRetirement, ...]
    n_told: int
    events: tuple[tuple[ProviderEvent, str], ...]
    n_events: int
    price_events: tuple[tuple[ProviderEvent, str], ...]
    n_price_events: int
    is_empty: bool
    is_watched: bool
    has_statistic: bool


def present_track_record(record: ProviderTrackRecord) -> TrackRecordSection:
    measured = record.measured
    drawn = _drawing(measured, record.policies)
    return TrackRecordSection(
        sentence=track_record_headline(measured),
        lines=tuple(track_record_lines(record)),
        wide=drawn and drawn[0],
        narrow=drawn and drawn[1],
        described=_describe_picture(measured),
        told=measured.told[::-1][:MAX_TABLE_ROWS],
        n_told=len(measured.told),
        events=tuple((event, _source_url(event)) for event in record.events),
        n_events=record.n_events,
        price_events=tuple((event, _source_url(event)) for event in record.price_events),
        n_price_events=record.n_price_events,
        is_empty=not (
            measured.told or measured.n_without or record.n_events or record.n_price_events
        ),
        is_watched=record.moves.since is not None,
        has_statistic=measured.notices is not None,
    )


def track_record_headline(measured: TrackRecord) -> str:
    found = measured.notices
    if found is not None:
        return (
            f"Median notice {_at_least(found.is_bound)}{_days(found.median_days)} "
            f"({_models(found.n_models)}, "
            f"{_announcements(found.n_announcements)}, {notice_days(found.shortest)} to "
            f"{notice_days(found.longest)})."
        )
    if measured.told:
        return (
            f"{_announcements(measured.n_announcements).capitalize()} with a known day: too few "
            "for a statistic, "
            "so here they are."
        )
    if measured.n_without:
        return (
            f"{_models(measured.n_without)} with an end, and no source says on which day any of "
            "them was announced: "
            "there is no notice to count."
        )
    return "No end is on record at this host."


def track_record_lines(record: ProviderTrackRecord) -> list[TrackRecordLine]:
    measured = record.measured
    return [
        *_notice_lines(measured),
        *(_policy_line(kept) for kept in measured.kept),
        *_announcement_lines(measured),
        *_date_move_lines(record.moves),
    ]


def _notice_lines(measured: TrackRecord) -> list[TrackRecordLine]:
    found = measured.notices
    if found is None:
        return []
    all_seen = measured.n_seen == len(measured.told)
    out = [
        TrackRecordLine(
            "Median notice",
            _at_least(found.is_bound) + _days(found.median_days),
            f"{_models(found.n_models)}, {_announcements(found.n_announcements)}, "
            f"{notice_days(found.shortest)} to {notice_days(found.longest)} days",
        ),
        TrackRecordLine(
            "Shortest notice",
            _at_least(found.shortest.is_seen) + _days(notice_days(found.shortest)),
            _announced(found.shortest),
        ),
        TrackRecordLine(
            f"Under {SHORT_NOTICE_DAYS} days",
            "not known" if all_seen else _models(found.n_short) if found.n_short else "none",
            "no announcement day is published"
            if all_seen
            else f"in {_announcements(found.n_short_announcements)}"
            if found.n_short
            else "",
        ),
    ]
    if measured.halves:
        out.append(
            TrackRecordLine(
                "Earlier and later half",
                f"{measured.halves[0].median_days:g}, then {_days(measured.halves[1].median_days)}"
                + (": changed" if measured.has_changed else ""),
                f"medians of {_half(measured.halves[0])}, and of {_half(measured.halves[1])}"
                + (", by published days alone" if found.is_bound else ""),
            )
        )
    return out


def _policy_line(kept: PolicyCompliance) -> TrackRecordLine:
    scope = SCOPES.get(kept.policy.scope, "all models")
    what = "of notice" if kept.what == "notice" else "from the release"
    notes = []
    if kept.misses:
        notes.append(_describe_miss(kept))
    if kept.n_open:
        notes.append(
            f"{number(kept.n_open)} cannot be judged: only the day the date was first seen here is "
            "known"
        )
    return TrackRecordLine(
        f"Promise, {scope}",
        f"{_days(kept.days)} {what}: "
        + (
            f"kept for {number(kept.n_kept)} of {number(kept.n)}"
            if kept.n
            else "nothing to judge yet"
        ),
        "; ".join(notes),
        kept.policy.source_url,
        kept.policy.source_on,
    )


def _describe_miss(kept: PolicyCompliance) -> str:
    worst = kept.misses[0]
    length = notice_days(worst) if kept.what == "notice" else worst.life_days
    last = (
        f", the latest {'announced' if kept.what == 'notice' else 'ended'} {day(kept.last_miss_on)}"  # type: ignore[arg-type]
    )
    return f"missed by {_models(len(kept.misses))}, at worst {_days(length)} ({worst.api_id}){last}"


def _announcement_lines(measured: TrackRecord) -> list[TrackRecordLine]:
    out = []
    if measured.told:
        n_published = len(measured.told) - measured.n_seen
        value = f"{number(n_published)} by a published day"
        note = ""
        if measured.n_seen:
            value += f", {number(measured.n_seen)} by the day first seen"
            note = (
                "first seen: when this registry first saw the date, "
                "so the notice was at least as long"
            )
            if n_published:
                note += "; left out of the shortest, the longest and the promises it would break"
        out.append(TrackRecordLine("Announced", value, note))
    if measured.n_without:
        out.append(
            TrackRecordLine(
                "Left out",
                _models(measured.n_without),
                "with an end, but without a known announcement day before it",
            )
        )
    return out


def _date_move_lines(moves: DateMoves) -> list[TrackRecordLine]:
    if moves.since is None:
        return [
            TrackRecordLine(
                "Dates moved",
                "not observed yet",
                "Counted from the registry's own events, from the first poll of a feed that lists "
                "this host.",
            )
        ]
    since = f"since {day(moves.since)}, by the registry's own events"
    return [
        TrackRecordLine(
            "Dates moved",
            f"{number(moves.n_later)} later, {number(moves.n_earlier)} earlier",
            f"of {_offerings(moves.n_dated)} with a firm date ahead, {since}",
        ),
        TrackRecordLine("Dates withdrawn", number(moves.n_withdrawn), since),
        TrackRecordLine(
            "Left",
            f"{number(moves.n_retired)} on the announced day, {number(moves.n_delisted)} without "
            "notice",
            (
                f"{_offerings(moves.n_delisted_dated)} gone from the feed before the day; "
                if moves.n_delisted_dated
                else ""
            )
            + since,
        ),
    ]


def _drawing(
    measured: TrackRecord, policies: Sequence[PublishedMinimum]
) -> tuple[NoticePicture, NoticePicture] | None:
    """The wide and the narrow picture; None without a statistic."""
    found, told = measured.notices, measured.told
    if found is None:
        return None
    if measured.halves:
        earlier, later = measured.halves
        cut = later.first_on
        strips = [
            _strip(
                "Earlier half", [end for end in told if _date_of(end) < cut], earlier.median_days
            ),
            _strip("Later half", [end for end in told if _date_of(end) >= cut], later.median_days),
        ]
    else:
        strips = [_strip("All announcements", told, found.median_days, is_bound=found.is_bound)]
    promises = [
        PublishedNotice(
            policy.notice_days, f"promised {policy.notice_days}" + _scope_suffix(policy)
        )
        for policy in policies
        if policy.notice_days is not None
    ]
    return (
        draw_notice_periods(strips, promises=promises, short_days=SHORT_NOTICE_DAYS),
        draw_notice_periods(strips, promises=promises, short_days=SHORT_NOTICE_DAYS, narrow=True),
    )


def _strip(
    label: str, ends: Sequence[ModelRetirement], median: float, *, is_bound: bool = False
) -> NoticeStrip:
    days = sorted(map(_date_of, ends))
    return NoticeStrip(
        label, f"{day(days[0])} – {day(days[-1])}", tuple(map(_notice, ends)), median, is_bound
    )


def _date_of(end: ModelRetirement) -> date:
    assert end.announced_on is not None
    return end.announced_on


def _scope_suffix(policy: PublishedMinimum) -> str:
    return f", {SCOPES[policy.scope]}" if policy.scope in SCOPES else ""


def _notice(end: ModelRetirement) -> NoticePeriod:
    return NoticePeriod(notice_days(end), seen=end.is_seen, short=end.is_short)


def _describe_picture(measured: TrackRecord) -> str:
    if measured.notices is None:
        return ""
    text = track_record_headline(measured)
    if measured.halves:
        earlier, later = (half.median_days for half in measured.halves)
        text += (
            f" The earlier half has a median of {_days(earlier)}, the later one of {_days(later)}."
        )
    return f"{text} The table below lists each notice."


def _at_least(bound: bool) -> str:
    return "at least " if bound else ""


def _announced(end: ModelRetirement) -> str:
    return f"{end.api_id}, {'first seen here' if end.is_seen else 'announced'} {day(_date_of(end))}"


def _half(half: NoticeHalf) -> str:
    return (
        f"{_announcements(half.n_announcements)} from {day(half.first_on)} to {day(half.last_on)}"
    )


def _source_url(event: ProviderEvent) -> str:
    """Where the source says so; the events come with their evidence."""
    return next((claim.source_url for claim in event.evidence.all() if claim.source_url), "")


def _days(n: Any) -> str:
    return f"{n:g} day{'' if n == 1 else 's'}"


def _models(n: int) -> str:
    return f"{number(n)} model{'' if n == 1 else 's'}"


def _offerings(n: int) -> str:
    return f"{number(n)} offering{'' if n == 1 else 's'}"


def _announcements(n: int) -> str:
    return f"{number(n)} announcement{'' if n == 1 else 's'}"

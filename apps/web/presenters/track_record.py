"""Track record of a provider as the page shows it: lines in words, and its chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.models import ProviderEvent
from apps.catalog.providers.date_moves import DateMoves
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
from apps.catalog.providers.track_record_queries import ProviderTrackRecord
from apps.web.drawings.charts.notice_periods import (
    NoticePeriod,
    NoticePicture,
    NoticeStrip,
    PublishedNotice,
    draw_notice_periods,
)
from apps.web.wording import day, number, quantity_of

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
    """Return the section about the track record of a provider: sentence, lines, pictures and
    tables."""
    track_record = record.measured
    pictures = _draw_pictures(track_record, record.policies)
    return TrackRecordSection(
        sentence=track_record_headline(track_record),
        lines=tuple(track_record_lines(record)),
        wide=pictures and pictures[0],
        narrow=pictures and pictures[1],
        described=_describe_picture(track_record),
        told=track_record.told[::-1][:MAX_TABLE_ROWS],
        n_told=len(track_record.told),
        events=tuple((event, _source_url(event)) for event in record.events),
        n_events=record.n_events,
        price_events=tuple((event, _source_url(event)) for event in record.price_events),
        n_price_events=record.n_price_events,
        is_empty=not (
            track_record.told or track_record.n_without or record.n_events or record.n_price_events
        ),
        is_watched=record.moves.since is not None,
        has_statistic=track_record.notices is not None,
    )


def track_record_headline(track_record: TrackRecord) -> str:
    """Return the median notice period as a sentence, or why there is none."""
    notices = track_record.notices
    if notices is not None:
        return (
            f"Median notice {_at_least_prefix(notices.is_bound)}{_days_text(notices.median_days)} "
            f"({_models_text(notices.n_models)}, "
            f"{_announcements_text(notices.n_announcements)}, {notice_days(notices.shortest)} to "
            f"{notice_days(notices.longest)})."
        )
    if track_record.told:
        return (
            f"{_announcements_text(track_record.n_announcements).capitalize()} with a known date: "
            "too few for a statistic."
        )
    if track_record.n_without:
        return (
            f"{_models_text(track_record.n_without)} with a retirement date, none with a known "
            "announcement date."
        )
    return "No retirements recorded on this host."


def track_record_lines(record: ProviderTrackRecord) -> list[TrackRecordLine]:
    track_record = record.measured
    return [
        *_notice_lines(track_record),
        *(_policy_line(compliance) for compliance in track_record.kept),
        *_announcement_lines(track_record),
        *_date_move_lines(record.moves),
    ]


def _notice_lines(track_record: TrackRecord) -> list[TrackRecordLine]:
    """Return the lines about notice periods; none if there are too few announcements for a
    statistic."""
    notices = track_record.notices
    if notices is None:
        return []
    only_first_seen = track_record.n_seen == len(track_record.told)
    lines = [
        TrackRecordLine(
            "Median notice",
            _at_least_prefix(notices.is_bound) + _days_text(notices.median_days),
            f"{_models_text(notices.n_models)}, {_announcements_text(notices.n_announcements)}, "
            f"{notice_days(notices.shortest)} to {notice_days(notices.longest)} days",
        ),
        TrackRecordLine(
            "Shortest notice",
            _at_least_prefix(notices.shortest.is_seen) + _days_text(notice_days(notices.shortest)),
            _describe_announcement(notices.shortest),
        ),
        TrackRecordLine(
            f"Under {SHORT_NOTICE_DAYS} days",
            "not known"
            if only_first_seen
            else _models_text(notices.n_short)
            if notices.n_short
            else "none",
            "no announcement date published"
            if only_first_seen
            else f"in {_announcements_text(notices.n_short_announcements)}"
            if notices.n_short
            else "",
        ),
    ]
    if track_record.halves:
        earlier_half, later_half = track_record.halves
        lines.append(
            TrackRecordLine(
                "Earlier and later half",
                f"{earlier_half.median_days:g}, then {_days_text(later_half.median_days)}"
                + (": changed" if track_record.has_changed else ""),
                f"medians of {_describe_half(earlier_half)}, and of {_describe_half(later_half)}"
                + (", by published days alone" if notices.is_bound else ""),
            )
        )
    return lines


def _policy_line(compliance: PolicyCompliance) -> TrackRecordLine:
    """Return the line about a promise of the provider and how often it was kept."""
    scope = SCOPES.get(compliance.policy.scope, "all models")
    measured_from = "of notice" if compliance.what == "notice" else "from the release"
    notes = []
    if compliance.misses:
        notes.append(_describe_miss(compliance))
    if compliance.n_open:
        notes.append(
            f"{number(compliance.n_open)} cannot be judged: only the date first seen here is known"
        )
    return TrackRecordLine(
        f"Published minimum, {scope}",
        f"{_days_text(compliance.days)} {measured_from}: "
        + (
            f"kept for {number(compliance.n_kept)} of {number(compliance.n)}"
            if compliance.n
            else "no retirements to judge yet"
        ),
        "; ".join(notes),
        compliance.policy.source_url,
        compliance.policy.source_on,
    )


def _describe_miss(compliance: PolicyCompliance) -> str:
    worst = compliance.misses[0]
    length = notice_days(worst) if compliance.what == "notice" else worst.life_days
    verb = "announced" if compliance.what == "notice" else "retired"
    return (
        f"missed by {_models_text(len(compliance.misses))}, at worst {_days_text(length)} "
        f"({worst.api_id}), the latest {verb} {day(compliance.last_miss_on)}"  # type: ignore[arg-type]
    )


def _announcement_lines(track_record: TrackRecord) -> list[TrackRecordLine]:
    """Return the lines about how the announcements are dated, and about retirements without an
    announcement."""
    lines = []
    if track_record.told:
        n_published = len(track_record.told) - track_record.n_seen
        value = f"{number(n_published)} by a published date"
        note = ""
        if track_record.n_seen:
            value += f", {number(track_record.n_seen)} by the date first seen"
            note = "first seen: when this registry first saw the date, a lower bound of the notice"
            if n_published:
                note += "; not counted as shortest, longest or below the published minimum"
        lines.append(TrackRecordLine("Announced", value, note))
    if track_record.n_without:
        lines.append(
            TrackRecordLine(
                "Not counted",
                _models_text(track_record.n_without),
                "with a retirement date, but without an earlier announcement date",
            )
        )
    return lines


def _date_move_lines(moves: DateMoves) -> list[TrackRecordLine]:
    """Return the line about retirement dates that were moved, by events of the registry itself."""
    if moves.since is None:
        return [
            TrackRecordLine(
                "Dates moved",
                "not observed yet",
                "Counted from recorded events since the first poll of a feed that lists this host.",
            )
        ]
    since = f"since {day(moves.since)}, by recorded events"
    return [
        TrackRecordLine(
            "Dates moved",
            f"{number(moves.n_later)} later, {number(moves.n_earlier)} earlier",
            f"of {_offerings_text(moves.n_dated)} with an announced future date, {since}",
        ),
        *_move_length_lines(moves),
        TrackRecordLine("Dates withdrawn", number(moves.n_withdrawn), since),
        TrackRecordLine(
            "Retired",
            f"{number(moves.n_retired)} on the announced date, {number(moves.n_delisted)} delisted",
            (
                f"{number(moves.n_kept)} of {number(moves.n_retired)} on the date announced first; "
                if moves.n_retired
                else ""
            )
            + (
                f"{_offerings_text(moves.n_delisted_dated)} delisted before their date; "
                if moves.n_delisted_dated
                else ""
            )
            + since,
        ),
    ]


def _move_length_lines(moves: DateMoves) -> list[TrackRecordLine]:
    """Return the lines about how far dates moved, in each direction in which any did."""
    return [
        TrackRecordLine(
            f"Moved {direction} by",
            f"{_days_text(lengths.median_days)} (median)",
            f"{quantity_of(lengths.n, 'move')}, at most {_days_text(lengths.longest_days)}",
        )
        for direction, lengths in (("later", moves.later), ("earlier", moves.earlier))
        if lengths is not None
    ]


def _draw_pictures(
    track_record: TrackRecord, policies: Sequence[PublishedMinimum]
) -> tuple[NoticePicture, NoticePicture] | None:
    """Draw the wide and the narrow picture; None without a statistic."""
    notices, retirements = track_record.notices, track_record.told
    if notices is None:
        return None
    if track_record.halves:
        earlier_half, later_half = track_record.halves
        second_half_on = later_half.first_on
        strips = [
            _build_strip(
                "Earlier half",
                [
                    retirement
                    for retirement in retirements
                    if _announcement_date(retirement) < second_half_on
                ],
                earlier_half.median_days,
            ),
            _build_strip(
                "Later half",
                [
                    retirement
                    for retirement in retirements
                    if _announcement_date(retirement) >= second_half_on
                ],
                later_half.median_days,
            ),
        ]
    else:
        strips = [
            _build_strip(
                "All announcements", retirements, notices.median_days, is_bound=notices.is_bound
            )
        ]
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


def _build_strip(
    label: str, retirements: Sequence[ModelRetirement], median: float, *, is_bound: bool = False
) -> NoticeStrip:
    days = sorted(map(_announcement_date, retirements))
    return NoticeStrip(
        label,
        f"{day(days[0])} – {day(days[-1])}",
        tuple(map(_build_notice, retirements)),
        median,
        is_bound,
    )


def _announcement_date(retirement: ModelRetirement) -> date:
    assert retirement.announced_on is not None
    return retirement.announced_on


def _scope_suffix(policy: PublishedMinimum) -> str:
    return f", {SCOPES[policy.scope]}" if policy.scope in SCOPES else ""


def _build_notice(retirement: ModelRetirement) -> NoticePeriod:
    return NoticePeriod(notice_days(retirement), seen=retirement.is_seen, short=retirement.is_short)


def _describe_picture(track_record: TrackRecord) -> str:
    if track_record.notices is None:
        return ""
    text = track_record_headline(track_record)
    if track_record.halves:
        earlier_median, later_median = (half.median_days for half in track_record.halves)
        text += (
            f" The earlier half has a median of {_days_text(earlier_median)}, "
            f"the later one of {_days_text(later_median)}."
        )
    return f"{text} The table below lists each notice."


def _at_least_prefix(is_bound: bool) -> str:
    return "at least " if is_bound else ""


def _describe_announcement(retirement: ModelRetirement) -> str:
    verb = "first seen here" if retirement.is_seen else "announced"
    return f"{retirement.api_id}, {verb} {day(_announcement_date(retirement))}"


def _describe_half(half: NoticeHalf) -> str:
    announcements = _announcements_text(half.n_announcements)
    return f"{announcements} from {day(half.first_on)} to {day(half.last_on)}"


def _source_url(event: ProviderEvent) -> str:
    """Return the URL of the source's statement; `event` comes with its evidence."""
    return next((claim.source_url for claim in event.evidence.all() if claim.source_url), "")


def _days_text(n: Any) -> str:
    return f"{n:g} day{'' if n == 1 else 's'}"


def _models_text(n: int) -> str:
    return f"{number(n)} model{'' if n == 1 else 's'}"


def _offerings_text(n: int) -> str:
    return f"{number(n)} offering{'' if n == 1 else 's'}"


def _announcements_text(n: int) -> str:
    return f"{number(n)} announcement{'' if n == 1 else 's'}"

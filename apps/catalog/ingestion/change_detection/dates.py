"""Rules for dates: announced, moved, withdrawn, retired (domain.md rule 2)."""

from datetime import date, datetime, timedelta

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.catalog.claims.values import Value, retires_on
from apps.catalog.ingestion.change_detection.records import LIFECYCLE, KnownClaim
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder
from apps.common.time import day_of, start_of

_ENDING = frozenset({"legacy", "deprecated", "closed_to_new", "extended_access", "retired"})
# A day is over in the last time zone (UTC-12) this long after it began in UTC.
_DAY_EVERYWHERE = timedelta(hours=36)


def is_promise(value: Value) -> bool:
    """Return whether the date is only the promised minimum life of an active model, without an
    announced retirement."""
    is_announced = value.get("announced_on") or value.get("status") in _ENDING
    return value.get("date_kind") == NOT_BEFORE and not is_announced


def firm_day(value: Value) -> date | None:
    return retires_on(value) if value.get("date_kind") == FIRM else None


def is_day_over(day: date, at: datetime) -> bool:
    """Return whether `day` is over in every time zone."""
    return at >= start_of(day) + _DAY_EVERYWHERE


class DateRules:
    """Rules for a row that states, changes or no longer states the retirement date of its
    offering."""

    def __init__(self, builder: ResultBuilder) -> None:
        self.builder, self.rules, self.today = builder, builder.rules, builder.today

    def report_first_values(self, external_id: str, value: Value, *, before: Value | None) -> None:
        """Report the first values of a row; `before` are its values under another key, None for a
        new row."""
        if not self.builder.baseline:
            self._report_change(external_id, before or {}, value)

    def compare(self, claim: KnownClaim, value: Value, *, is_doubtful: bool) -> None:
        """Compare the lifecycle `value` in the payload with the claim. A date that disappears is
        put on hold, and so is one that changes in a group that `is_doubtful`; any other difference
        is accepted. A value that a user has rejected is ignored for as long as the feed repeats
        it."""
        old_day, new_day = retires_on(claim.value), retires_on(value)
        if value == claim.value:
            if claim.pending is not None:
                self._report_doubted_retirement(claim, new_day)
                self.builder.update(claim, {"pending": None, "pending_since": None, "held": False})
            if claim.refused is not None:
                self.builder.update(claim, {"refused": None}, accepted=False)
            return
        if claim.refused == {"value": value}:
            if claim.pending is not None:
                self.builder.update(
                    claim, {"pending": None, "pending_since": None, "held": False}, accepted=False
                )
            return
        if claim.refused is not None:
            self.builder.update(claim, {"refused": None}, accepted=False)
        if old_day is not None and (new_day is None or (is_doubtful and new_day != old_day)):
            self._hold_value(claim, value, is_held=is_doubtful)
        else:
            self.accept(claim, value)

    def accept_under_earlier_key(self, claim: KnownClaim, value: Value, *, before: Value) -> None:
        """Accept the values of a row that is back under an earlier key; `before` are its values
        under the other key."""
        if retires_on(before) is not None and retires_on(value) is None:
            self.builder.accept(claim, before, pending=value, pending_since=self.builder.at)
            return
        if value != claim.value or claim.pending is not None:
            self.builder.accept(claim, value)
        self._report_change(claim.external_id, before, value)

    def confirm(self, claim: KnownClaim) -> None:
        """Process a value on hold that the feed still repeats."""
        if claim.pending is not None:
            self._hold_value(claim, claim.pending, is_held=claim.held)

    def accept(self, claim: KnownClaim, value: Value) -> None:
        day, changed_at = firm_day(value), claim.changed_at
        if (
            day is not None
            and day == firm_day(claim.value)
            and changed_at is not None
            and day_of(changed_at) < day <= self.today
        ):
            # the date stands as before and has come: it is due, whatever else the row says now
            self.builder.accept(claim, value, changed_at=changed_at)
        else:
            self.builder.accept(claim, value)
        self._report_change(claim.external_id, claim.value, value)

    def _hold_value(self, claim: KnownClaim, value: Value, *, is_held: bool) -> None:
        """Put `value` on hold, or accept it if it has been unchanged for the duration of the hold;
        only an observation can confirm it. `is_held`: it needs a user's review."""
        if claim.pending != value or claim.pending_since is None:
            columns = {"pending": value, "pending_since": self.builder.at, "held": is_held}
            self.builder.update(claim, columns, accepted=False)
            return
        hold = self._hold_duration(claim, value)
        if hold is not None and self.builder.at - claim.pending_since >= hold:
            self.accept(claim, value)

    def _hold_duration(self, claim: KnownClaim, value: Value) -> timedelta | None:
        """Return the duration of the hold of `value`; None if only a decision ends it."""
        if not claim.held:
            return self.rules.withdrawal_hold
        if retires_on(value) is not None and self.rules.doubted_date_hold is not None:
            return self.rules.doubted_date_hold
        if not self.rules.doubts_expire:
            return None
        return max(self.rules.withdrawal_hold, self.rules.removal_hold)

    def _report_change(self, external_id: str, old: Value, new: Value) -> None:
        """Report the change from `old` to `new`."""
        old_day, new_day = retires_on(old), retires_on(new)
        if new_day is None:
            if old_day is not None and not is_promise(old):
                self._add_fact("withdrawn", external_id, old_day, None)
        elif old_day is None:
            if not is_promise(new):
                self._report_new_date(external_id, None, new)
        elif new_day != old_day:
            self._report_moved_date(external_id, old, new, old_day, new_day)
        elif old.get("date_kind") != FIRM and new.get("date_kind") == FIRM:
            # the same date, now announced rather than earliest
            self._report_new_date(external_id, new_day, new)
        elif is_promise(old) and not is_promise(new):
            # a promised date is now announced, even if as an earliest one; it was not reported
            # before
            self._report_new_date(external_id, None, new)
        else:
            self._report_passed_date(external_id, new, new_day)

    def _report_new_date(self, external_id: str, old_day: date | None, new: Value) -> None:
        """Report a date that appears; one that has already passed is only recorded as back-fill."""
        new_day = retires_on(new)
        assert new_day is not None
        if new_day < self.today:
            self.builder.add_backfill(external_id, new_day)
        else:
            self._add_fact("announced", external_id, old_day, new_day)
            self._add_retirement_if_due(external_id, new, new_day)

    def _report_moved_date(
        self, external_id: str, old: Value, new: Value, old_day: date, new_day: date
    ) -> None:
        """Report that an announced date moved, if either date is still ahead; otherwise list it
        among the dates that had passed when first seen, and report the retirement only if the old
        date passed since the previous observation."""
        if new_day > self.today or old_day > self.today:
            self._add_fact(
                "moved_later" if new_day > old_day else "moved_earlier",
                external_id,
                old_day,
                new_day,
            )
            self._add_retirement_if_due(external_id, new, new_day)
            return
        self.builder.add_backfill(external_id, new_day)
        last_seen = self.builder.last_seen
        if last_seen is not None and old_day > day_of(last_seen) and old.get("date_kind") == FIRM:
            # the old date passed since the previous observation, so the retirement is not reported
            # yet
            self._add_retirement_if_due(external_id, new, new_day)

    def _report_passed_date(self, external_id: str, value: Value, day: date) -> None:
        """Report a retirement if other fields of a claim change after its date has passed: the
        check of due dates would take it for back-fill."""
        last_seen = self.builder.last_seen
        if (
            last_seen is not None
            and day_of(last_seen) < day <= self.today
            and value.get("date_kind") == FIRM
            and not self._is_still_listed(day)
        ):
            self._add_retirement(external_id, day)

    def _add_retirement_if_due(self, external_id: str, value: Value, day: date) -> None:
        if (
            day <= self.today
            and value.get("date_kind") == FIRM
            and not (day == self.today and self._is_still_listed(day))
        ):
            self._add_fact("retired", external_id, day, day)

    def _is_still_listed(self, day: date) -> bool:
        """Return whether the row is no confirmation of a retirement on `day`: it is the host's own,
        and the day is not over yet. ingestion/due_changes.py reports the retirement later."""
        return self.rules.waits_for_end_of_day and not is_day_over(day, self.builder.at)

    def _report_doubted_retirement(self, claim: KnownClaim, day: date | None) -> None:
        """Report a retirement whose date passed while it was in doubt, now that it is confirmed,
        with the date itself."""
        started_at = claim.pending_since
        if day is None or started_at is None or claim.value.get("date_kind") != FIRM:
            return
        if day_of(started_at) < day <= self.today and not self._is_still_listed(day):
            self._add_retirement(claim.external_id, day)

    def _add_retirement(self, external_id: str, day: date) -> None:
        """Add a retirement that is reported late, detected on its own date."""
        iso = day.isoformat()
        self.builder.add_fact(
            "retired", external_id, LIFECYCLE, iso, iso, day, detected_at=start_of(day)
        )

    def _add_fact(self, kind: str, external_id: str, old: date | None, new: date | None) -> None:
        self.builder.add_fact(
            kind,
            external_id,
            LIFECYCLE,
            old.isoformat() if old else None,
            new.isoformat() if new else None,
            new,
        )

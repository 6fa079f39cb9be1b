"""Rules for dates: announced, moved, withdrawn, retired (domain.md rule 2)."""

from datetime import date, timedelta

from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.catalog.claims.values import Value, retires_on
from apps.catalog.ingestion.change_detection.records import LIFECYCLE, KnownClaim
from apps.catalog.ingestion.change_detection.result_builder import ResultBuilder
from apps.common.time import day_of, start_of

_ENDING = frozenset({"legacy", "deprecated", "retired"})


def is_promise(value: Value) -> bool:
    """Return whether an earliest date is only the promised life of an active model, without an
    announced retirement."""
    is_announced = value.get("announced_on") or value.get("status") in _ENDING
    return value.get("date_kind") == NOT_BEFORE and not is_announced


def firm_day(value: Value) -> date | None:
    return retires_on(value) if value.get("date_kind") == FIRM else None


class DateRules:
    """What follows when a row says when its offering ends, says something else, or says nothing any
    more."""

    def __init__(self, ledger: ResultBuilder) -> None:
        self.ledger, self.rules, self.today = ledger, ledger.rules, ledger.today

    def first_said(self, external_id: str, value: Value, *, before: Value | None) -> None:
        """Handle a row's first values; `before` are its values under another key, None for a new
        row."""
        if not self.ledger.baseline:
            self._tell(external_id, before or {}, value)

    def compare(self, claim: KnownClaim, value: Value, *, is_doubtful: bool) -> None:
        old_day, new_day = retires_on(claim.value), retires_on(value)
        if value == claim.value:
            if claim.pending is not None:
                self._came_while_in_doubt(claim, new_day)
                self.ledger.update(claim, {"pending": None, "pending_since": None, "held": False})
            if claim.refused is not None:
                self.ledger.update(claim, {"refused": None}, accepted=False)
            return
        if claim.refused == {"value": value}:
            if claim.pending is not None:
                self.ledger.update(
                    claim, {"pending": None, "pending_since": None, "held": False}, accepted=False
                )
            return
        if claim.refused is not None:
            self.ledger.update(claim, {"refused": None}, accepted=False)
        if old_day is not None and (new_day is None or (is_doubtful and new_day != old_day)):
            self._wait(claim, value, is_held=is_doubtful)
        else:
            self.accept(claim, value)

    def back_under_its_key(self, claim: KnownClaim, value: Value, *, before: Value) -> None:
        """The row is back under a key it had before, and said `before` under the other one."""
        if retires_on(before) is not None and retires_on(value) is None:
            self.ledger.accept(claim, before, pending=value, pending_since=self.ledger.at)
            return
        if value != claim.value or claim.pending is not None:
            self.ledger.accept(claim, value)
        self._tell(claim.external_id, before, value)

    def confirm(self, claim: KnownClaim) -> None:
        """The feed still says what waits."""
        if claim.pending is not None:
            self._wait(claim, claim.pending, is_held=claim.held)

    def accept(self, claim: KnownClaim, value: Value) -> None:
        self.ledger.accept(claim, value)
        self._tell(claim.external_id, claim.value, value)

    def _wait(self, claim: KnownClaim, value: Value, *, is_held: bool) -> None:
        """Believe `value` once it has been seen unchanged for the hold; only an observation can
        confirm it."""
        if claim.pending != value or claim.pending_since is None:
            columns = {"pending": value, "pending_since": self.ledger.at, "held": is_held}
            self.ledger.update(claim, columns, accepted=False)
        elif self.ledger.at - claim.pending_since >= self._hold(claim):
            self.accept(claim, value)

    def _hold(self, claim: KnownClaim) -> timedelta:
        return (
            max(self.rules.withdrawal_hold, self.rules.removal_hold)
            if claim.held
            else self.rules.withdrawal_hold
        )

    def _tell(self, external_id: str, old: Value, new: Value) -> None:
        """The news in the step from `old` to `new`."""
        old_day, new_day = retires_on(old), retires_on(new)
        if new_day is None:
            if old_day is not None and not is_promise(old):
                self._fact("withdrawn", external_id, old_day, None)
        elif old_day is None:
            if not is_promise(new):
                self._appears(external_id, None, new)
        elif new_day != old_day:
            self._moves(external_id, old, new, old_day, new_day)
        elif old.get("date_kind") != FIRM and new.get("date_kind") == FIRM:
            # the day stays and becomes a commitment
            self._appears(external_id, new_day, new)
        elif is_promise(old) and not is_promise(new):
            # what was only promised is announced now, if softly: nobody was told of the day before
            self._appears(external_id, None, new)
        else:
            self._fell_due(external_id, new, new_day)

    def _appears(self, external_id: str, old_day: date | None, new: Value) -> None:
        """A date comes up; one already past is back-fill: recorded, and no news."""
        new_day = retires_on(new)
        assert new_day is not None
        if new_day < self.today:
            self.ledger.backfill(external_id, new_day)
        else:
            self._fact("announced", external_id, old_day, new_day)
            self._retired_if_due(external_id, new, new_day)

    def _moves(
        self, external_id: str, old: Value, new: Value, old_day: date, new_day: date
    ) -> None:
        if new_day > self.today or old_day > self.today:
            self._fact(
                "moved_later" if new_day > old_day else "moved_earlier",
                external_id,
                old_day,
                new_day,
            )
            self._retired_if_due(external_id, new, new_day)
            return
        self.ledger.backfill(external_id, new_day)
        last_seen = self.ledger.last_seen
        if last_seen is not None and old_day > day_of(last_seen) and old.get("date_kind") == FIRM:
            # it fell due since the observation before, so nobody has been told of it yet
            self._retired_if_due(external_id, new, new_day)

    def _fell_due(self, external_id: str, value: Value, day: date) -> None:
        """The claim changes in other parts after its day has come: the clock would take it for
        back-fill."""
        last_seen = self.ledger.last_seen
        if (
            last_seen is not None
            and day_of(last_seen) < day <= self.today
            and value.get("date_kind") == FIRM
        ):
            self._retired_on(external_id, day)

    def _retired_if_due(self, external_id: str, value: Value, day: date) -> None:
        if day <= self.today and value.get("date_kind") == FIRM:
            self._fact("retired", external_id, day, day)

    def _came_while_in_doubt(self, claim: KnownClaim, day: date | None) -> None:
        """The clock passed over a day that was in doubt; it stands after all, so it is told now,
        for its day."""
        started_at = claim.pending_since
        if day is None or started_at is None or claim.value.get("date_kind") != FIRM:
            return
        if day_of(started_at) < day <= self.today:
            self._retired_on(claim.external_id, day)

    def _retired_on(self, external_id: str, day: date) -> None:
        """Told late, but for the day itself."""
        iso = day.isoformat()
        self.ledger.fact(
            "retired", external_id, LIFECYCLE, iso, iso, day, detected_at=start_of(day)
        )

    def _fact(self, kind: str, external_id: str, old: date | None, new: date | None) -> None:
        self.ledger.fact(
            kind,
            external_id,
            LIFECYCLE,
            old.isoformat() if old else None,
            new.isoformat() if new else None,
            new,
        )

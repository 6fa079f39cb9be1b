"""What is known of a name or a product without a model ID, as counts and as a sentence."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from apps.catalog.models import OfferingKind
from apps.common.database.statements import fetch_rows, load_statement
from apps.common.text import format_date, pluralize

_SUMMARIES = load_statement("catalog", "name_summaries")
NOT_KNOWN = "Model ID not known"


@dataclass(frozen=True, slots=True)
class NameSummary:
    """A name or product on one day. `n_ids` are the model IDs that it may be, of which `n_retired`
    are retired (the first and last on `first_on` and `last_on`), `n_ending` have a known end, and
    `n_same` have its date."""

    id: int
    kind: str
    text: str
    host: str
    is_host_stated: bool
    is_retired: bool
    retires_on: date | None
    is_earliest: bool
    n_ids: int
    n_retired: int
    n_ending: int
    n_same: int
    first_on: date | None
    last_on: date | None
    n_versions: int
    n_lines: int

    @property
    def fact(self) -> str:
        """Return when it retires, without a full stop; never that no retirement is announced."""
        if self.kind == OfferingKind.PRODUCT:
            if not self.n_versions:
                return f"unknown: the models inside are not known; ask {self.host}"
            return "unknown: a product that uses one of several models"
        if not self.n_ids:
            return f"unknown: no model ID of it is known {self._where}"
        if self.is_retired:
            return self._retired
        if self.retires_on is not None:
            return self._retiring
        rest = f"none of the {self.n_ids:,} {self._ids} has a retirement date"
        if self.n_ids == 1:
            rest = f"the only {self._id} has no retirement date"
        if self.n_retired:
            rest = pluralize(
                self.n_retired,
                f"1 of {self.n_ids:,} {self._ids} is retired",
                f"{self.n_retired:,} of {self.n_ids:,} {self._ids} are retired",
            )
        elif self.n_lines > 1 or not self.is_host_stated:
            rest = pluralize(
                self.n_ids,
                f"it can be the only {self._id}",
                f"it can be any of {self.n_ids:,} {self._ids}",
            )
        return f"unknown: model ID not known; {rest}"

    def describe_layer(self, layer: str) -> str:
        """Return what is known of the `version`, `foundation` or `developer` where the candidates
        differ: `one of 2 versions`."""
        if layer == "version" and self.n_lines == 1 and self.n_versions > 1:
            return f"one of {self.n_versions:,} versions"
        if layer != "developer" and self.n_lines > 1:
            return f"one of {self.n_lines:,} foundations"
        return "one of several developers" if self.n_lines > 1 else "not known"

    @property
    def sentence(self) -> str:
        fact = self.fact
        return f"{fact[0].upper()}{fact[1:]}."

    @property
    def _where(self) -> str:
        return f"at {self.host}" if self.is_host_stated else "at any host"

    @property
    def _of(self) -> str:
        if self.n_lines > 1:
            return "of these models"
        return "of this version" if self.n_versions == 1 else "of these versions"

    @property
    def _id(self) -> str:
        return f"ID {self._of} known {self._where}"

    @property
    def _ids(self) -> str:
        return f"IDs {self._of} known {self._where}"

    @property
    def _retired(self) -> str:
        if self.n_retired < self.n_ending or not self.n_retired:
            # one version whose IDs differ, or several of which each is retired by one of its IDs
            ids = f"{self.n_retired:,} of {self.n_ids:,} {self._ids}"
        elif self.n_retired < self.n_ids:
            ids = f"every {self._id} whose end is known ({self.n_retired:,} of {self.n_ids:,})"
        else:
            ids = f"every {self._id} ({self.n_ids:,})"
        if self.first_on is None or self.last_on is None:
            return f"retired by {ids}"
        if self.first_on == self.last_on:
            return f"retired on {format_date(self.last_on)} by {ids}"
        return (
            f"retired by {ids}, the first on {format_date(self.first_on)}, "
            f"the last on {format_date(self.last_on)}"
        )

    @property
    def _retiring(self) -> str:
        verb = "retires no earlier than" if self.is_earliest else "retires on"
        day = format_date(self.retires_on)  # type: ignore[arg-type]
        if self.n_same == self.n_ids:
            return f"{verb} {day} by every {self._id} ({self.n_ids:,})"
        if self.n_same == self.n_ending and not self.is_earliest:
            known = f"({self.n_same:,} of {self.n_ids:,})"
            return f"{verb} {day} by every {self._id} whose end is known {known}"
        retired = ""
        if self.n_retired:
            retired = pluralize(
                self.n_retired, "; 1 ID is retired", f"; {self.n_retired:,} IDs are retired"
            )
        return f"{verb} {day} by {self.n_same:,} of {self.n_ids:,} {self._ids}{retired}"


def name_summaries(offering_ids: Collection[int], *, on: date) -> dict[int, NameSummary]:
    """Return {ID: summary} of the names and products among the offerings; one statement."""
    if not offering_ids:
        return {}
    rows = fetch_rows(NameSummary, _SUMMARIES, {"names": sorted(offering_ids), "day": on})
    return {row.id: row for row in rows}

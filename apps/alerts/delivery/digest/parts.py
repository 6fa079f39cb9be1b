"""What a digest is made of, before it is laid out. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from apps.alerts.models import Alert, Notice
from apps.catalog.models import Offering
from apps.inventory.models import Application

# what one mail shows; the rest is counted, so that no mail outgrows a mailbox
MAX_ITEMS = 60
MAX_APPLICATIONS = 12
MAX_SOURCES = 4
MAX_SUBJECT_LENGTH = 200
# of a first mail, which sums up where things stand
MAX_ITEMS_OF_FIRST_DIGEST = 20
# Gmail shows 102 KB of a mail and puts the rest behind a link, with it the button and how to
# unsubscribe
MAX_BYTES = 98_000


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """How much a mail shows: so many items, and so many applications of each."""

    items: int = MAX_ITEMS
    applications: int = MAX_APPLICATIONS


# from the most to the least: a mail is laid out with the first that it is not too long with, or the
# last
SIZE_LIMITS = (SizeLimit(), SizeLimit(MAX_ITEMS, 4), SizeLimit(40, 3), SizeLimit(20, 2))


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; None where there is none."""

    input: Decimal | None
    output: Decimal | None


@dataclass(frozen=True, slots=True)
class BestFallback:
    """The best alternative of one primary model: its name, and its independence from 0 (same
    offering) to 5 (nothing shared)."""

    name: str
    grade: int
    tested: bool
    ever_tested: bool


@dataclass(frozen=True, slots=True)
class PrimaryUse:
    """One active primary dependency with the retirement of its model and the days of its migration,
    as far as they are known. `offering_id` is the offering that serves the calls today; `at_least`:
    `ends_on` is an earliest retirement date."""

    dependency_id: int
    offering_id: int
    ends_on: date | None
    effort_days: Decimal | None
    basis: str | None
    at_least: bool
    fallback: BestFallback | None = None


@dataclass(frozen=True, slots=True)
class DigestContext:
    """Data about everything that the alerts of one digest name, loaded in advance.

    `applications` holds those the recipient can view; others are omitted. `roles` is {(event,
    application): roles}, `sources` {event: URLs}, `nodes` {node: name}, `uses` {application: its
    primary dependencies with a retirement date}, `prices` {offering: current price}, `people`
    {user: name}. `offerings` are those that alerts name without an event.
    """

    today: date
    public_url: str
    applications: Mapping[int, Application]
    roles: Mapping[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    sources: Mapping[int, Sequence[str]] = field(default_factory=dict)
    nodes: Mapping[int, str] = field(default_factory=dict)
    uses: Mapping[int, Sequence[PrimaryUse]] = field(default_factory=dict)
    prices: Mapping[int, Price] = field(default_factory=dict)
    offerings: Mapping[int, Offering] = field(default_factory=dict)
    people: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """One alert in the digest of one recipient: the affected `application_ids`, and the occasion of
    the notification (`Notice.Occasion`)."""

    alert: Alert
    application_ids: tuple[int, ...]
    occasion: str = Notice.Occasion.RAISED

    @classmethod
    def of(cls, notice: Notice, alert: Alert) -> "DigestEntry":
        ids = alert.application_ids if notice.application_ids is None else notice.application_ids
        return cls(alert, tuple(ids), notice.occasion_word)


@dataclass(frozen=True, slots=True)
class SourceLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """An application in an item: `words` is its name, `details` (can be empty) the migration it
    needs."""

    words: str
    details: str = ""
    url: str = ""
    late: bool = False

    def __str__(self) -> str:
        return f"{self.words}: {self.details}" if self.details else self.words


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One event or state in a digest. `margin` is the figure beside it; `pressing` marks it in
    red."""

    title: str
    api_id: str
    url: str
    what: str
    margin: str
    pressing: bool
    applications: tuple[ApplicationLine, ...]
    n_more_applications: int
    replacement: str
    sources: tuple[SourceLink, ...]
    severity: int
    affected: frozenset[int]
    on: date | None
    group: str
    n_models: int = 1
    note: str = ""
    alert_ids: tuple[int, ...] = ()
    offering_id: int | None = None
    # `on` is an earliest retirement date
    soft: bool = False
    # cells of the table of runways: retirement date, days left, days of the migration
    cells: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return each application as one text."""
        return tuple(str(line) for line in self.applications)

    def cut_to(self, n: int) -> "DigestItem":
        """Return the item with at most `n` applications by name; the others are counted."""
        n_cut = max(0, len(self.applications) - n)
        if not n_cut:
            return self
        return replace(
            self,
            applications=self.applications[:n],
            n_more_applications=self.n_more_applications + n_cut,
        )

    @property
    def is_plain(self) -> bool:
        """Return whether all applications are names without details, so that they fit one line."""
        return not any(line.details for line in self.applications)


@dataclass(frozen=True, slots=True)
class DigestSection:
    title: str
    todo: str
    items: tuple[DigestItem, ...]
    n_more: int = 0

    @property
    def is_table(self) -> bool:
        return any(item.cells for item in self.items)


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of one recipient. `sentence` is the subject, the heading and the first line;
    `lead` (can be empty) is a line below it. `subjects` are those of its alerts; emails about the
    same single subject form a thread."""

    sentence: str
    preheader: str
    sections: tuple[DigestSection, ...]
    lead: str = ""
    subjects: frozenset[str] = frozenset()

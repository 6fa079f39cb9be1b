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
    """The best stand-in for one primary: its name and how independent it is, 0 (same offering) to
    5."""

    name: str
    grade: int
    tested: bool
    ever_tested: bool


@dataclass(frozen=True, slots=True)
class PrimaryUse:
    """One live primary whose end is known, as far as leaving it is. `offering_id` is what answers
    today."""

    dependency_id: int
    offering_id: int
    ends_on: date | None
    effort_days: Decimal | None
    basis: str | None
    at_least: bool
    fallback: BestFallback | None = None


@dataclass(frozen=True, slots=True)
class DigestContext:
    """Everything that the alerts of one digest speak of, loaded beforehand.

    `applications` holds those the recipient may see; others are left out. `roles` is {(event,
    application): roles}, `sources` {event: addresses}, `nodes` {node: name}, `uses` {application:
    its primaries that end}, `prices` {offering: today's}, `people` {user: name}. `offerings` are
    those that alerts name without an event.
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
    """One alert as it is told to one recipient: of `application_ids`, on one occasion
    (`Notice.Occasion`)."""

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
    """An application in an item: `words` name it, `details` (may be empty) say what leaving
    takes."""

    words: str
    details: str = ""
    url: str = ""
    late: bool = False

    def __str__(self) -> str:
        return f"{self.words}: {self.details}" if self.details else self.words


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One thing that happened. `margin` is the figure beside it; `pressing` asks for the red
    pencil."""

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
    # `on` is a day before which it does not end
    soft: bool = False
    # of the table of runways: when it ends, days left, days needed
    cells: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Each application as one text."""
        return tuple(str(line) for line in self.applications)

    def cut_to(self, n: int) -> "DigestItem":
        """The same with `n` applications by name at most; the others are counted."""
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
        """No application says more than its name, so that they fit one line."""
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
    """`sentence` is subject, heading and first line alike; `lead` (may be empty) is a line below
    it. `subjects` are those of its alerts: what a mail on one subject alone hangs on."""

    sentence: str
    preheader: str
    sections: tuple[DigestSection, ...]
    lead: str = ""
    subjects: frozenset[str] = frozenset()

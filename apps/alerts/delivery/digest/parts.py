"""The parts of a digest before its layout. Plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from apps.alerts.models import Alert, Notice
from apps.alerts.text import join_with_more
from apps.catalog.models import Offering
from apps.inventory.models import Application
from apps.inventory.successor_costs import SuccessorCost

# Limits of one email; the rest is counted, so that no email is too large for a mailbox.
MAX_ITEMS = 60
MAX_APPLICATIONS = 12
MAX_SOURCES = 4
MAX_MODEL_IDS = 4
MAX_SUBJECT_LENGTH = 200
# The limit of a first digest, which summarises all open alerts.
MAX_ITEMS_OF_FIRST_DIGEST = 20
# Gmail shows 102 KB of an email and the rest only behind a link, with it the button and the
# unsubscribe link.
MAX_BYTES = 98_000


class Group(StrEnum):
    """Sections whose alerts have several kinds; the other sections have the name of their kind."""

    RETIRED = "retired_models"
    UPCOMING = "upcoming_retirements"
    DELISTED = "delisted_models"
    CAPABILITY_LOST = "withdrawn_capabilities"
    PRICE_INCREASE = "price_increases"
    PRICE_DECREASE = "price_decreases"
    POSTPONED = "postponed_retirements"
    SUBSCRIPTION = "subscriptions"
    ENDED = "ended_alerts"
    TASKS = "migration_tasks"


@dataclass(frozen=True, slots=True)
class SizeLimit:
    """The numbers of items, and of applications in each, that an email shows."""

    items: int = MAX_ITEMS
    applications: int = MAX_APPLICATIONS


# The first limit with which an email is short enough applies, otherwise the last.
SIZE_LIMITS = (SizeLimit(), SizeLimit(MAX_ITEMS, 4), SizeLimit(40, 3), SizeLimit(20, 2))


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; None where there is none."""

    input: Decimal | None
    output: Decimal | None


@dataclass(frozen=True, slots=True)
class BestFallback:
    """The best fallback of a primary model. `grade` is its independence, 0 (same offering) to 5
    (nothing shared). `retires_on` is its own retirement date, the earliest one with `is_earliest`;
    None without a date."""

    name: str
    grade: int
    tested: bool
    ever_tested: bool
    offering_id: int | None = None
    retires_on: date | None = None
    is_earliest: bool = False


@dataclass(frozen=True, slots=True)
class PrimaryUse:
    """An active primary model with a retirement date. `offering_id` is the one served today;
    `basis` of the effort is `test` or `estimate`; `at_least`: the date is the earliest one. `cost`
    is known if the provider names a replacement, and usage and its prices are recorded."""

    dependency_id: int
    offering_id: int
    ends_on: date | None
    effort_days: Decimal | None
    basis: str | None
    at_least: bool
    fallback: BestFallback | None = None
    cost: SuccessorCost | None = None


@dataclass(frozen=True, slots=True)
class DigestContext:
    """All records that the alerts of one digest mention, loaded before.

    `applications` are those the recipient can view; others are left out. `roles` is {(event,
    application): roles}, `sources` {event: URLs}, `nodes` {node: name}, `uses` {application: its
    primary models with a retirement date}, `prices` {offering: prices of today}, `people` {user:
    name}, `owners` {application: name of the owner}, `cause_models` {issue: (model ID, host)
    pairs of its cause}. `offerings` are those that alerts name without an event.
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
    owners: Mapping[int, str] = field(default_factory=dict)
    cause_models: Mapping[int, frozenset[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """One alert as it is sent to one recipient: about `application_ids`, on one occasion
    (`Notice.Occasion`). `is_own`: the recipient is the user whom the alert concerns."""

    alert: Alert
    application_ids: tuple[int, ...]
    occasion: str = Notice.Occasion.RAISED
    is_own: bool = True

    @classmethod
    def of(cls, notice: Notice, alert: Alert) -> "DigestEntry":
        ids = alert.application_ids if notice.application_ids is None else notice.application_ids
        is_own = notice.user_id is not None and notice.user_id == alert.user_id
        return cls(alert, tuple(ids), notice.occasion_word, is_own)


@dataclass(frozen=True, slots=True)
class SourceLink:
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ApplicationLine:
    """An application in an item: `words` name it, `details` are sentences about its migration, and
    `warning` is one that needs attention; both can be empty. With `is_late` the runway is negative.
    `warned_fallback` is the (application, fallback) of the warning."""

    words: str
    details: str = ""
    warning: str = ""
    url: str = ""
    is_late: bool = False
    warned_fallback: tuple[int, int] | None = None

    def __str__(self) -> str:
        sentences = " ".join(part for part in (self.details, self.warning) if part)
        return f"{self.words}: {sentences}" if sentences else self.words


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One fact with its applications. `what` are whole sentences, `margin` is the figure beside the
    title; `pressing` is shown in red.

    `details` and `warning` are those of the only application, if the title names it. `n` is what
    the headline counts: models, or records with a date. `note` is the reason why it is sent now.
    With `is_earliest` the date `on` is an earliest retirement. `model_ids` are the first ones.
    `headline` is what the headline reports of a flag or feed. `cause` is the key of the retirement
    that the item reports; `warned_fallbacks` are (application, fallback) pairs whose warning is
    shown."""

    title: str
    url: str
    what: str
    margin: str
    severity: int
    affected: frozenset[int]
    on: date | None
    group: str
    pressing: bool = False
    details: str = ""
    warning: str = ""
    applications: tuple[ApplicationLine, ...] = ()
    n_more_applications: int = 0
    model_ids: tuple[str, ...] = ()
    n_more_model_ids: int = 0
    replacement: str = ""
    sources: tuple[SourceLink, ...] = ()
    n: int = 1
    note: str = ""
    alert_ids: tuple[int, ...] = ()
    is_earliest: bool = False
    headline: str = ""
    cause: str = ""
    warned_fallbacks: frozenset[tuple[int, int]] = frozenset()

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
        """Return whether the applications are only named, so that one line holds them."""
        return not any(line.details or line.warning for line in self.applications)

    @property
    def application_sentence(self) -> str:
        """Return the names as one text: `Applications: Claims triage (critical) and 3 more.`"""
        n = len(self.applications) + self.n_more_applications
        names = join_with_more([line.words for line in self.applications], self.n_more_applications)
        return f"{'Application' if n == 1 else 'Applications'}: {names}."

    @property
    def model_id_text(self) -> str:
        return join_with_more(self.model_ids, self.n_more_model_ids)

    @property
    def replacement_sentence(self) -> str:
        return f"Provider's replacement: {self.replacement}." if self.replacement else ""


@dataclass(frozen=True, slots=True)
class DigestSection:
    title: str
    todo: str
    items: tuple[DigestItem, ...]
    n_more: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """`sentence` is the subject and the heading; `lead` (can be empty) is a line below it.
    `subjects` are those of its alerts: an email about a single one belongs to its thread."""

    sentence: str
    preheader: str
    sections: tuple[DigestSection, ...]
    lead: str = ""
    subjects: frozenset[str] = frozenset()

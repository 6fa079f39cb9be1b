"""Model IDs that an announced retirement covers, with what keeps one of them out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.db.models.functions import Lower

from apps.catalog.models import (
    AnnouncedOffering,
    AnnouncementScope,
    Foundation,
    Offering,
    Provider,
    RetirementAnnouncement,
    Version,
)
from apps.catalog.models.offerings import Binding
from apps.common.errors import DomainError

type Subject = Version | Foundation | Provider | Offering

# a provider's offerings with their relations stay within one page of a preview
MAX_COVERED_OFFERINGS = 2_000
_RELATIONS = ("host", "version__foundation", "alias", "replacement__host")


@dataclass(frozen=True, slots=True)
class CoveredOffering:
    """One model ID of the subject. `is_covered` says whether the announcement covers it.

    `is_retired` and `open_announcement` keep it out. `is_moving_alias`: it moves on to another
    version, so it is covered only if a user selects it.
    """

    offering: Offering
    is_covered: bool
    is_retired: bool
    is_moving_alias: bool
    open_announcement: RetirementAnnouncement | None

    @property
    def can_be_covered(self) -> bool:
        return not self.is_retired and self.open_announcement is None


def offerings_of(subject: Subject) -> QuerySet[Offering]:
    """Return every offering that a retirement of the subject can cover.

    An offering brings the rows of its model ID on its host, such as those of regions. A provider
    brings what it serves; one that serves nothing brings what it developed, on any host.
    """
    offerings = Offering.objects.model_ids().filter(not_a_model=False)
    if isinstance(subject, Version):
        offerings = offerings.filter(version=subject)
    elif isinstance(subject, Foundation):
        offerings = offerings.filter(version__foundation=subject)
    elif isinstance(subject, Offering):
        offerings = offerings.filter(host=subject.host_id, api_id=subject.api_id)
    elif offerings.filter(host=subject).exists():
        offerings = offerings.filter(host=subject)
    else:
        offerings = offerings.filter(version__foundation__developer=subject)
    return offerings.select_related(*_RELATIONS).order_by(
        "host__name", "api_id", "region_scope", "service_tier", "pk"
    )


def covered_offerings(
    subject: Subject,
    *,
    on: date,
    hosts: Collection[Provider] = (),
    offering_ids: Collection[int] | None = None,
) -> list[CoveredOffering]:
    """Return the offerings of the subject, each with whether the announcement covers it.

    `hosts` narrows them to these hosts. `offering_ids` is a selection by a user: exactly these are
    covered, and one that cannot be covered stays selected, so that the action can refuse it.
    """
    offerings = offerings_of(subject)
    if hosts:
        offerings = offerings.filter(host__in=[host.pk for host in hosts])
    rows = list(offerings[: MAX_COVERED_OFFERINGS + 1])
    if len(rows) > MAX_COVERED_OFFERINGS:
        raise DomainError(
            f"An announcement can cover at most {MAX_COVERED_OFFERINGS:,} model IDs. Select hosts "
            "or a foundation.",
            field="hosts",
        )
    announcements = open_announcements(rows)
    selected = None if offering_ids is None else set(offering_ids)
    covered = []
    for offering in rows:
        is_retired = offering.is_retired(on)
        announcement = announcements.get(offering.pk)
        is_moving_alias = is_moving(offering) and not isinstance(subject, Offering)
        by_default = not is_retired and announcement is None and not is_moving_alias
        covered.append(
            CoveredOffering(
                offering,
                by_default if selected is None else offering.pk in selected,
                is_retired,
                is_moving_alias,
                announcement,
            )
        )
    return covered


def is_moving(offering: Offering) -> bool:
    """Return whether the model ID is an alias that moves on to other versions."""
    if offering.alias is None:
        return offering.binding == Binding.ALIAS
    return offering.alias.kind != "synonym"


def open_announcements(offerings: Sequence[Offering]) -> dict[int, RetirementAnnouncement]:
    """Return {offering ID: the open announcement that covers it}."""
    rows = AnnouncedOffering.objects.filter(offering__in=offerings, is_open=True).select_related(
        "announcement__announced_by"
    )
    return {row.offering_id: row.announcement for row in rows}


def scope_of(
    *, hosts: Collection[Provider], offering_ids: Collection[int] | None
) -> AnnouncementScope:
    if offering_ids is not None:
        return AnnouncementScope.MODEL_IDS
    return AnnouncementScope.HOSTS if hosts else AnnouncementScope.ALL_HOSTS


def hosts_of(subject: Subject) -> QuerySet[Provider]:
    """Return the hosts of the subject's offerings, by name."""
    host_ids = offerings_of(subject).order_by().values("host_id")
    return Provider.objects.filter(pk__in=host_ids).order_by("name", "pk")


def offering_ids_by_name(
    subject: Subject, names: Collection[str], *, hosts: Collection[Provider] = ()
) -> list[int]:
    """Return the IDs of the subject's offerings with these model IDs, as written by the provider.

    Raises DomainError for a name that the subject does not have.
    """
    wanted = {name.strip().lower() for name in names if name.strip()}
    offerings = offerings_of(subject).order_by()
    if hosts:
        offerings = offerings.filter(host__in=[host.pk for host in hosts])
    found: dict[str, list[int]] = {}
    rows = offerings.alias(lower=Lower("api_id")).filter(lower__in=wanted)
    for pk, api_id in rows.values_list("pk", "api_id"):
        found.setdefault(api_id.lower(), []).append(pk)
    if missing := sorted(wanted - found.keys()):
        raise DomainError(
            f"{subject} has no model ID '{missing[0]}'. Check its spelling on the page of the "
            "offerings.",
            field="model_ids",
        )
    return [pk for ids in found.values() for pk in ids]


def offering_by_name(name: str) -> Offering:
    """Return the offering that `HOST/MODEL_ID` names: the host's slug, then the model ID as the
    provider writes it. Of several rows the one without a region and tier is meant.

    Raises DomainError if there is none.
    """
    host, _, api_id = name.strip().partition("/")
    offering = (
        Offering.objects.model_ids()
        .filter(host__slug=host, api_id=api_id.strip())
        .select_related(*_RELATIONS)
        .order_by("region_scope", "service_tier", "pk")
        .first()
    )
    if offering is None:
        raise DomainError(
            f"No offering '{name}' found. Use HOST/MODEL_ID, such as azure-openai/gpt-4.1.",
            field="successor",
        )
    return offering

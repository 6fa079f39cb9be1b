"""Replacement of a foundation or host in a scenario: each model in use is mapped to the nearest
offering of the replacement, one change of the scenario each, which users can edit."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.exposure.models import ActiveDependency
from apps.exposure.queries.concentration import visible_team_ids
from apps.web.views.scenarios.query_parameters import MAX_CHANGES

REPLACEABLE_KINDS = ("foundation", "host")


@dataclass(frozen=True, slots=True)
class NodeSubject:
    """Foundation or host, as `foundation:slug` in the URL."""

    kind: str
    slug: str

    @property
    def text(self) -> str:
        return f"{self.kind}:{self.slug}"


def parse_subject(text: str) -> NodeSubject | None:
    kind, _, slug = text.partition(":")
    return NodeSubject(kind, slug) if kind in REPLACEABLE_KINDS and slug else None


def map_offerings(
    subject: NodeSubject, replacement: NodeSubject, user: User
) -> list[tuple[str, str]]:
    """Return the changes of a scenario that replace `subject`, at most MAX_CHANGES: for each
    offering in use the nearest of the replacement. Models without one are left out. Two
    statements."""
    used = _used_offerings(subject, user)
    candidates = list(
        _offerings_of(replacement).exclude(lifecycle="retired").select_related("version")
    )
    changes = []
    for offering in used:
        nearest = _nearest_offering(offering, candidates, is_host=replacement.kind == "host")
        if nearest is not None and nearest.pk != offering.pk:
            changes.append(("replace", f"{offering.pk}:{nearest.pk}"))
    return changes[:MAX_CHANGES]


def _offerings_of(subject: NodeSubject) -> QuerySet[Offering]:
    if subject.kind == "host":
        return Offering.objects.filter(host__slug=subject.slug)
    return Offering.objects.filter(version__foundation__slug=subject.slug)


def _used_offerings(subject: NodeSubject, user: User) -> list[Offering]:
    """Return the offerings of the subject that dependencies which `user` can view call."""
    dependencies = ActiveDependency.objects.order_by()
    team_ids = visible_team_ids(user)
    if team_ids is not None:
        dependencies = dependencies.filter(team_id__in=list(team_ids))
    return list(
        _offerings_of(subject)
        .filter(pk__in=dependencies.values("offering_id"))
        .select_related("version")
        .order_by("api_id", "pk")
    )


def _nearest_offering(
    offering: Offering, candidates: Sequence[Offering], *, is_host: bool
) -> Offering | None:
    """Return the candidate with the same version (on another host), host, region and tier as far as
    possible; None on a host that does not offer the foundation."""

    def distance(candidate: Offering) -> tuple[bool, bool, bool, bool, bool, str, int]:
        return (
            candidate.version_id != offering.version_id,
            candidate.host_id != offering.host_id,
            candidate.region_scope != offering.region_scope,
            candidate.service_tier != offering.service_tier,
            candidate.binding == "alias",
            candidate.api_id,
            candidate.pk,
        )

    if is_host:
        candidates = [
            candidate
            for candidate in candidates
            if candidate.version is not None
            and offering.version is not None
            and candidate.version.foundation_id == offering.version.foundation_id
        ]
    return min(candidates, key=distance, default=None)

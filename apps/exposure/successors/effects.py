"""Effects of a move on the fallbacks, judges and guardrails of the application, and what other
teams tested."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from apps.catalog.capabilities.fit import Fit, FitVerdict, check_fit
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import DateKind, Offering
from apps.common.database.statements import fetch_rows, load_statement
from apps.exposure.successors.independence import Use, UsePair
from apps.exposure.successors.records import (
    FallbackEffect,
    FallbackState,
    JudgeEffect,
    Successor,
    TestResult,
)
from apps.inventory.models import Application, Dependency
from apps.inventory.requirements import needs_of

Role = Dependency.Role
JUDGING = (Role.JUDGE, Role.GUARDRAIL)
# fallbacks are proposed from the best candidates only
MAX_PROPOSED = 6
# further tests towards a version are only counted
MAX_LISTED_TESTS = 50

type Grades = Mapping[UsePair, int]


def use_of(dependency: Dependency) -> Use:
    return Use(dependency.offering_id, dependency.via_party_id)


def is_standby(dependency: Dependency) -> bool:
    """Return whether the dependency could take over from a primary model."""
    return dependency.role == Role.FALLBACK or (
        dependency.role == Role.PRIMARY and dependency.traffic_share == 0
    )


def companions_of(dependencies: Iterable[Dependency], *, on: date) -> dict[int, list[Dependency]]:
    """Return {application ID: its live dependencies}, in the order of the fallbacks; one
    statement."""
    found: dict[int, list[Dependency]] = defaultdict(list)
    rows = (
        Dependency.objects.live_on(on)
        .filter(application__in={row.application_id for row in dependencies})
        .select_related("offering__host", "offering__version__foundation")
        .order_by("fallback_order", "pk")
    )
    for row in rows:
        found[row.application_id].append(row)
    return found


def pairs_of(
    dependency: Dependency,
    companions: Sequence[Dependency],
    candidates: Sequence[Use],
    proposed: Sequence[Use],
) -> list[UsePair]:
    """Return the pairs whose independence the effects need: of each candidate with today's model,
    the companions, and the candidates that could become its fallback."""
    today = use_of(dependency)
    others = [use_of(row) for row in companions if row.pk != dependency.pk]
    return [
        *((today, use) for use in candidates),
        *((use, other) for use in candidates for other in others),
        *((use, other) for use in candidates for other in proposed if use != other),
    ]


def retires_with(offering: Offering, left: Offering, on: date) -> bool:
    """Return whether the offering is retired, or retires with or before the one that is left."""
    if offering.is_retired(on):
        return True
    return (
        offering.retires_on is not None
        and left.retires_on is not None
        and offering.date_kind != DateKind.NOT_BEFORE
        and offering.retires_on <= left.retires_on
    )


def fallback_effect(
    row: Successor,
    companions: Sequence[Dependency],
    *,
    needs: Mapping[str, Any],
    capabilities: Mapping[int, Mapping[str, SettledValue]],
    grades: Grades,
    proposed: Sequence[Successor],
    on: date,
) -> FallbackEffect | None:
    """Return what the candidate leaves of the fallback; None for other roles than primary."""
    left = row.dependency
    if left.role != Role.PRIMARY or is_standby(left):
        return None
    effects = [
        _judge_fallback(row, other, needs, capabilities, grades, on)
        for other in companions
        if other.pk != left.pk and is_standby(other)
    ]
    staying = [effect for effect in effects if effect.stays]
    if staying:
        # the first one that fits, else the first one of which something is unknown
        return min(staying, key=lambda effect: effect.state != FallbackState.FITS)
    first = effects[0] if effects else FallbackEffect(FallbackState.NONE)
    options = [
        (grade, other)
        for other in proposed
        if other.offering.version_id != row.offering.version_id
        and (grade := grades.get((row.use, other.use))) is not None
    ]
    if not options:
        return first
    grade, best = max(options, key=lambda option: option[0])
    return FallbackEffect(
        first.state, first.offering, first.independence, first.fit, best.offering, grade
    )


def _judge_fallback(
    row: Successor,
    other: Dependency,
    needs: Mapping[str, Any],
    capabilities: Mapping[int, Mapping[str, SettledValue]],
    grades: Grades,
    on: date,
) -> FallbackEffect:
    fit: Fit = check_fit(needs, capabilities.get(other.offering_id, {}))
    if other.offering_id == row.offering.pk:
        state = FallbackState.SAME
    elif retires_with(other.offering, row.dependency.offering, on):
        state = FallbackState.RETIRES
    elif fit.verdict == FitVerdict.BREAKS:
        state = FallbackState.BREAKS
    else:
        state = FallbackState.FITS if fit.verdict == FitVerdict.FITS else FallbackState.UNKNOWN
    return FallbackEffect(state, other.offering, grades.get((row.use, use_of(other))), fit)


def judge_effects(
    row: Successor, companions: Sequence[Dependency], grades: Grades
) -> tuple[JudgeEffect, ...]:
    """Return the independence of the candidate from what judges it, or from what it judges."""
    role = row.dependency.role
    if role == Role.PRIMARY:
        wanted: Collection[str] = JUDGING
    elif role in JUDGING:
        wanted = (Role.PRIMARY,)
    else:
        return ()
    return tuple(
        JudgeEffect(other, grade)
        for other in companions
        if other.pk != row.dependency.pk
        and other.role in wanted
        and (grade := grades.get((row.use, use_of(other)))) is not None
    )


@dataclass(frozen=True, slots=True)
class _TestRow:
    version_id: int
    dependency_id: int
    application_id: int
    name: str
    slug: str
    result: str
    tested_on: date
    expires_on: date | None
    n_applications: int


@dataclass(frozen=True, slots=True)
class VersionTests:
    """The latest tests towards a version, one of an application, with the needs of the tested use
    (None: not known), and the number of applications that tested it."""

    n_applications: int
    tests: list[tuple[TestResult, Mapping[str, Any] | None]]


def test_results(
    version_ids: Collection[int], *, user: Any, validity_days: int
) -> dict[int, VersionTests]:
    """Return {version ID: the latest test of each application towards it}, latest first, at most
    `MAX_LISTED_TESTS`; three statements. Half of a large organisation may have tested one version.

    Tests of applications that the user cannot view count without their name.
    """
    tests = fetch_rows(
        _TestRow,
        load_statement("exposure", "latest_exit_tests"),
        {"versions": list(version_ids), "most": MAX_LISTED_TESTS},
    )
    visible = {test.application_id for test in tests}
    if not user.can_read_all:
        rows = Application.objects.visible_to(user).filter(pk__in=visible)
        visible = set(rows.values_list("pk", flat=True))
    needs = needs_of({test.dependency_id for test in tests})
    found: dict[int, VersionTests] = {}
    for test in tests:
        is_visible = test.application_id in visible
        result = TestResult(
            application=test.name if is_visible else "",
            slug=test.slug if is_visible else "",
            result=test.result,
            tested_on=test.tested_on,
            ends_on=test.expires_on or test.tested_on + timedelta(days=validity_days),
        )
        of_version = found.setdefault(test.version_id, VersionTests(test.n_applications, []))
        of_version.tests.append((result, needs.get(test.dependency_id)))
    return found

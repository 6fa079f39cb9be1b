"""Checks of candidates before a choice is saved: what an application would lose with each of them.

A choice breaks something if the candidate lacks a capability that is used, is blocked by an
approval, retires with or before the model that it replaces, or makes a judge the same model as what
it judges. Unknown capabilities break nothing and are never counted as kept. Imports record what is
in use and are not checked.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from apps.catalog.capabilities.fields import CAPABILITY_FIELDS
from apps.catalog.capabilities.fit import Fit, check_fit
from apps.catalog.capabilities.phrases import describe_losses
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.models import DateKind, Offering
from apps.common.errors import ConflictError
from apps.common.text import format_date
from apps.inventory.governance.violations import (
    ApprovalObstacle,
    ConsideredUse,
    obstacles_to_uses,
)
from apps.inventory.models import Application, Dependency
from apps.inventory.requirements import Needs, combine_needs, needs_of

_JUDGING = (Dependency.Role.JUDGE, Dependency.Role.GUARDRAIL)
# what two offerings share, the most last
_NOTHING, _SAME_FOUNDATION, _SAME_MODEL = range(3)


class BreakKind(StrEnum):
    CAPABILITY = "capability"
    APPROVAL = "approval"
    RETIREMENT = "retirement"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Break:
    """What a choice breaks: a `phrase` for lists of candidates and a whole `sentence`."""

    kind: BreakKind
    phrase: str
    sentence: str


@dataclass(frozen=True, slots=True)
class IntendedUse:
    """What a candidate is considered for: a role of an application, in place of a dependency or in
    addition. `dependency` needs its offering and version loaded."""

    application: Application
    role: str
    dependency: Dependency | None = None

    @property
    def replaced(self) -> Offering | None:
        return self.dependency.offering if self.dependency is not None else None


@dataclass(frozen=True, slots=True)
class CandidateCheck:
    fit: Fit
    breaks: tuple[Break, ...]
    obstacles: tuple[ApprovalObstacle, ...]


class UnconfirmedChoiceError(ConflictError):
    """A choice that breaks something and was not confirmed."""

    def __init__(self, breaks: Sequence[Break]) -> None:
        super().__init__(" ".join(found.sentence for found in breaks))
        self.breaks = tuple(breaks)


def replacement_of(dependency: Dependency) -> IntendedUse:
    """Return the use of what would replace the dependency."""
    return IntendedUse(dependency.application, dependency.role, dependency)


def check_candidates(
    use: IntendedUse, candidates: Collection[Offering], *, on: date
) -> dict[int, CandidateCheck]:
    """Return {offering ID: check} of the candidates, which need their version loaded; five
    statements at most."""
    if not candidates:
        return {}
    partners = _load_partners(use, on)
    needs = _needs_of_use(use, partners)
    capabilities = settled_values([candidate.pk for candidate in candidates])
    obstacles, _decided = obstacles_to_uses(
        application=use.application,
        uses=[
            ConsideredUse(candidate.pk, use.dependency.via_party_id if use.dependency else None)
            for candidate in candidates
        ],
        on=on,
    )
    against = {considered.offering: found for considered, found in obstacles.items()}
    checks = {}
    for candidate in candidates:
        fit = check_fit(needs, capabilities.get(candidate.pk, {}))
        found = against.get(candidate.pk, [])
        checks[candidate.pk] = CandidateCheck(
            fit,
            (
                *_check_capabilities(use, candidate, fit),
                *_check_approvals(found),
                *check_retirement(candidate, use.replaced, on),
                *_check_judges(use, candidate, partners),
            ),
            tuple(found),
        )
    return checks


def breaks_of(use: IntendedUse, candidate: Offering, *, on: date) -> tuple[Break, ...]:
    """Return what the choice of one candidate would break."""
    if use.replaced is not None and use.replaced.pk == candidate.pk:
        return ()
    return check_candidates(use, [candidate], on=on)[candidate.pk].breaks


def refuse_unconfirmed(breaks: Sequence[Break], *, confirmed: bool) -> None:
    """Raise UnconfirmedChoiceError if the choice breaks something and the user did not confirm
    it."""
    if breaks and not confirmed:
        raise UnconfirmedChoiceError(breaks)


def check_retirement(candidate: Offering, replaced: Offering | None, on: date) -> Iterable[Break]:
    """Yield a break if the candidate is retired, or retires with or before what it replaces. An
    earliest date is no retirement."""
    if replaced is None:
        return
    if candidate.is_retired(on):
        yield Break(BreakKind.RETIREMENT, "retired", f"{candidate.api_id} is retired.")
        return
    if (
        replaced.retires_on is None
        or candidate.retires_on is None
        or candidate.date_kind == DateKind.NOT_BEFORE
        or candidate.retires_on > replaced.retires_on
    ):
        return
    day = format_date(candidate.retires_on)
    if candidate.retires_on == replaced.retires_on:
        yield Break(
            BreakKind.RETIREMENT,
            f"retires on the same date as {replaced.api_id}",
            f"{candidate.api_id} retires on {day}, on the same date as {replaced.api_id}.",
        )
    else:
        yield Break(
            BreakKind.RETIREMENT,
            f"retires before {replaced.api_id}",
            f"{candidate.api_id} retires on {day}, before {replaced.api_id}.",
        )


def _load_partners(use: IntendedUse, on: date) -> list[Dependency]:
    """Return the other live primary, judging and guarding dependencies of the application; one
    statement."""
    partners = (
        Dependency.objects.live_on(on)
        .filter(
            application=use.application, role__in=[Dependency.Role.PRIMARY, *map(str, _JUDGING)]
        )
        .select_related("offering__version__foundation")
        .order_by("role", "pk")
    )
    return [row for row in partners if use.dependency is None or row.pk != use.dependency.pk]


def _needs_of_use(use: IntendedUse, partners: Iterable[Dependency]) -> Needs:
    """Return what is needed: of the replaced dependency and, of a fallback, of the primary models
    as well; one statement."""
    ids = [use.dependency.pk] if use.dependency is not None else []
    if use.role == Dependency.Role.FALLBACK:
        ids += [row.pk for row in partners if row.role == Dependency.Role.PRIMARY]
    return merge_needs(needs_of(ids).values()) if ids else {}


def merge_needs(needs: Iterable[Needs]) -> Needs:
    """Return what several dependencies need together."""
    values: dict[str, list[Any]] = {}
    for of_one in needs:
        for field, value in of_one.items():
            values.setdefault(field, []).append(value)
    return {
        field: combine_needs(field, values[field]) for field in CAPABILITY_FIELDS if field in values
    }


def _check_capabilities(use: IntendedUse, candidate: Offering, fit: Fit) -> Iterable[Break]:
    losses = describe_losses(fit)
    if not losses:
        return
    loser = (
        f"The fallback of {use.application.name} would not do what the primary model does"
        if use.role == Dependency.Role.FALLBACK
        else f"{use.application.name} would lose what it uses"
    )
    yield Break(BreakKind.CAPABILITY, f"breaks: {losses}", f"{loser}: {candidate.api_id} {losses}.")


def _check_approvals(obstacles: Iterable[ApprovalObstacle]) -> Iterable[Break]:
    sentences = [
        sentence
        for obstacle in obstacles
        for ground, sentence in zip(obstacle.grounds, obstacle.why, strict=True)
        if ground == "blocked"
    ]
    if sentences:
        yield Break(BreakKind.APPROVAL, "blocked by an approval", " ".join(sentences))


def _check_judges(
    use: IntendedUse, candidate: Offering, partners: Iterable[Dependency]
) -> Iterable[Break]:
    """Yield a break if a judge or guardrail and a primary model would come to share a model or a
    foundation. What they share today is no consequence of the choice."""
    is_judging = use.role in _JUDGING
    if not is_judging and use.role != Dependency.Role.PRIMARY:
        return
    for partner in partners:
        if (partner.role in _JUDGING) == is_judging:
            continue
        shared = _shared_level(candidate, partner.offering)
        if shared <= _shared_level(use.replaced, partner.offering):
            continue
        judge = Dependency.Role(use.role if is_judging else partner.role).label.lower()
        subject = f"{judge} and primary model would"
        what = "be the same model" if shared == _SAME_MODEL else "share a foundation"
        version = candidate.version
        name = version.foundation.name if version is not None else candidate.api_id
        yield Break(
            BreakKind.JUDGE,
            f"{subject} {what}",
            f"{subject[:1].upper()}{subject[1:]} {what}: {name}.",
        )
        return


def _shared_level(one: Offering | None, other: Offering) -> int:
    """Return what two offerings share: the model, the foundation or nothing that is known."""
    if one is None or one.version is None or other.version is None:
        return _NOTHING
    if one.version_id == other.version_id:
        return _SAME_MODEL
    same = one.version.foundation_id == other.version.foundation_id
    return _SAME_FOUNDATION if same else _NOTHING

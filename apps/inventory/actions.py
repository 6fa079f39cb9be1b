"""Changes to what the organisation runs and what it calls.

The caller has checked `by.may(TeamRole.EDITOR, team)`. Values are checked by the models: a Django ValidationError
names the fields. What is refused for another reason raises RefusedChange with a sentence.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils.text import slugify

from apps.accounts.models import Team, User
from apps.catalog.models import Offering
from apps.common.history import acting
from apps.inventory.models import Application, Dependency

# what people may say about an application and about a dependency; everything else follows from actions
APPLICATION_FACTS = frozenset({
    "name", "purpose", "team", "business_owner", "technical_owner", "criticality", "status", "ai_act_class",
    "ai_act_role", "data_classification", "personal_data", "geography", "users_affected", "rto_hours",
    "monthly_spend", "external_refs", "next_review_on",
})  # fmt: skip
DEPENDENCY_FACTS = frozenset({
    "fallback_order", "traffic_share", "monthly_input_tokens", "monthly_output_tokens", "monthly_spend", "reached",
    "via_party", "tags",
})  # fmt: skip
ONE_DAY = timedelta(days=1)


class RefusedChange(Exception):
    """A change that contradicts what is on record; the text says why and what to do instead."""


@transaction.atomic
def register_application(
    *, name: str, team: Team, by: User, slug: str = "", facts: Mapping[str, Any] | None = None, reason: str = ""
) -> Application:
    """A new application. Without `slug` one is made from the name; a taken slug gets a number."""
    application = Application(name=name, team=team, slug=slug or _free_slug(name), **_known(facts, APPLICATION_FACTS))
    if application.status == Application.Status.RETIRED:
        raise RefusedChange(
            "A new application cannot be retired already. Register it as proposed, pilot or production."
        )
    application.full_clean()
    with acting(user=by, reason=reason or "application registered"):
        application.save(force_insert=True)
    return application


@transaction.atomic
def change_application(
    *, application: Application, facts: Mapping[str, Any], by: User, reason: str = ""
) -> Application:
    """Set the given facts and leave the others; nothing is written where nothing differs.

    Retiring is an action of its own, since it ends what the application uses. A retired application comes back
    by a status other than retired; its dependencies do not come back by themselves.
    """
    application = Application.objects.select_for_update(of=("self",)).select_related("team").get(pk=application.pk)
    changed = [name for name, value in _known(facts, APPLICATION_FACTS).items() if getattr(application, name) != value]
    if "status" in changed and facts["status"] == Application.Status.RETIRED:
        raise RefusedChange("Retire the application instead: that also ends what it uses.")
    if not changed:
        return application
    for name in changed:
        setattr(application, name, facts[name])
    application.full_clean()
    with acting(user=by, reason=reason or "application changed"):
        application.save(update_fields=[*changed, "updated_at"])
    return application


@transaction.atomic
def retire_application(*, application: Application, on: date, by: User, reason: str = "") -> Application:
    """Out of use from `on`: what it still uses ends that day. Doing it twice changes nothing."""
    application = Application.objects.select_for_update(of=("self",)).select_related("team").get(pk=application.pk)
    if application.status == Application.Status.RETIRED:
        return application
    application.status = Application.Status.RETIRED
    with acting(user=by, reason=reason or "application retired"):
        application.save(update_fields=["status", "updated_at"])
        Dependency.objects.filter(Q(until__isnull=True) | Q(until__gt=on), application=application).update(
            # one that began today, or begins later, is kept as a single day: rows of people are not deleted
            until=Greatest(on, F("since") + ONE_DAY)
        )
    return application


@transaction.atomic
def declare_dependency(
    *,
    application: Application,
    offering: Offering,
    since: date,
    by: User,
    role: str = Dependency.Role.PRIMARY,
    until: date | None = None,
    facts: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Dependency:
    """`application` uses `offering` in `role` from `since` until `until` (exclusive; None: until further notice)."""
    # two people who declare the same at once: the second waits here, and then sees the first one's row
    application = Application.objects.select_for_update(of=("self",)).get(pk=application.pk)
    if application.status == Application.Status.RETIRED:
        raise RefusedChange("This application is retired. Bring it back to production or pilot first.")
    dependency = Dependency(
        application=application,
        offering=offering,
        role=role,
        since=since,
        until=until,
        **_known(facts, DEPENDENCY_FACTS),
    )
    dependency.full_clean()
    if _in_the_way(dependency).exists():
        raise RefusedChange("This is declared already for that time. End or change the existing dependency.")
    with acting(user=by, reason=reason or "dependency declared"):
        dependency.save(force_insert=True)
    return dependency


@transaction.atomic
def change_dependency(*, dependency: Dependency, facts: Mapping[str, Any], by: User, reason: str = "") -> Dependency:
    """Set amounts, share, order, tags or the way it is reached. What is called changes by `replace_offering`."""
    dependency = _locked(dependency)
    changed = [name for name, value in _known(facts, DEPENDENCY_FACTS).items() if getattr(dependency, name) != value]
    if not changed:
        return dependency
    for name in changed:
        setattr(dependency, name, facts[name])
    dependency.full_clean()
    with acting(user=by, reason=reason or "dependency changed"):
        dependency.save(update_fields=[*changed, "updated_at"])
    return dependency


@transaction.atomic
def end_dependency(*, dependency: Dependency, on: date, by: User, reason: str = "") -> Dependency:
    """`on` is the first day it is no longer used. An end that was recorded may be moved to an earlier day only."""
    dependency = _locked(dependency)
    if dependency.until == on:
        return dependency
    _refuse_unless_in_use(dependency, on)
    dependency.until = on
    with acting(user=by, reason=reason or "dependency ended"):
        dependency.save(update_fields=["until", "updated_at"])
    return dependency


@transaction.atomic
def replace_offering(
    *, dependency: Dependency, successor: Offering, on: date, by: User, reason: str = ""
) -> Dependency:
    """End `dependency` on `on` (exclusive) and begin one on `successor` that day; answers with the new one.

    Role, order, share, tokens and tags go along. Spend and the day last observed do not: they were measured on
    the old offering.
    """
    dependency = _locked(dependency)
    if successor.pk == dependency.offering_id:
        raise RefusedChange("The dependency already is on this offering. Choose another one.")
    _refuse_unless_in_use(dependency, on)
    begun = Dependency(
        application_id=dependency.application_id,
        offering=successor,
        role=dependency.role,
        fallback_order=dependency.fallback_order,
        traffic_share=dependency.traffic_share,
        monthly_input_tokens=dependency.monthly_input_tokens,
        monthly_output_tokens=dependency.monthly_output_tokens,
        reached=dependency.reached,
        via_party_id=dependency.via_party_id,
        tags=dependency.tags,
        since=on,
        until=dependency.until,
    )
    begun.full_clean()
    if _in_the_way(begun).exists():
        raise RefusedChange("The application already uses this offering in this role. End the old dependency instead.")
    dependency.until = on
    with acting(user=by, reason=reason or "offering replaced"):
        dependency.save(update_fields=["until", "updated_at"])
        begun.save(force_insert=True)
    return begun


def _locked(dependency: Dependency) -> Dependency:
    """The row as it is now; the application's row is locked first, as in declare_dependency."""
    Application.objects.select_for_update().only("pk").get(pk=dependency.application_id)
    return Dependency.objects.select_for_update().get(pk=dependency.pk)


def _refuse_unless_in_use(dependency: Dependency, on: date) -> None:
    if on <= dependency.since:
        raise RefusedChange(f"It is in use only since {dependency.since}. Choose a later day.")
    if dependency.until is not None and dependency.until < on:
        raise RefusedChange(f"It ended on {dependency.until} already. Choose an earlier day.")


def _in_the_way(dependency: Dependency) -> Any:
    """Rows that say the same about an overlapping time."""
    same = Dependency.objects.filter(
        Q(until__isnull=True) | Q(until__gt=dependency.since),
        application_id=dependency.application_id,
        offering_id=dependency.offering_id,
        role=dependency.role,
        via_party_id=dependency.via_party_id,
    )
    return same if dependency.until is None else same.filter(since__lt=dependency.until)


def _known(facts: Mapping[str, Any] | None, allowed: frozenset[str]) -> dict[str, Any]:
    unknown = sorted(set(facts or {}) - allowed)
    if unknown:
        raise TypeError(f"not facts that can be set here: {', '.join(unknown)}")
    return dict(facts or {})


def _free_slug(name: str) -> str:
    base = slugify(name)[:100] or "application"
    taken = set(Application.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug

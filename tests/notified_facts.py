"""What must never be silent, found without the statements of issues and alerts: what is retired,
not approved, late, or retires too soon and is still used."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from math import ceil
from typing import Any

from apps.accounts.models import User
from apps.alerts.models import Notice
from apps.alerts.queries import last_notifications
from apps.catalog.models import Offering, ProviderEvent
from apps.exposure.campaigns.reach import MARGIN_DAYS
from apps.exposure.models import Campaign, CampaignTask
from apps.intake.models import Discrepancy
from apps.inventory.governance.violations import approval_violations
from apps.inventory.models import Application, Approval, CachedFinding, Dependency
from apps.issues.models import Issue
from apps.issues.queries import issue_records
from apps.risks.models import Assessment
from tests.builders import make_user

# {fact: kinds of issues that are about it}
KINDS = {
    "retired": {"retirement"},
    "too soon": {"retirement"},
    "violation": {"approval_violation"},
    "expired approval": {"approval_violation"},
    "late task": {"retirement", "migration_task"},
}


def unnotified_facts(on: date) -> set[tuple[str, str]]:
    """Return the (fact, application) pairs that have no unresolved issue with a notification."""
    records = unresolved_records(on)
    notified = {(row["kind"], row["application"]) for row in records if row["notified"] is not None}
    return {
        (fact, slug)
        for fact, slug in find_facts(on)
        if not any((kind, slug) in notified for kind in KINDS[fact])
    }


def unresolved_records(on: date) -> list[dict[str, Any]]:
    """Return the records of `manage.py issues` about what persists; an accepted gap needs no
    notification."""
    issues = Issue.objects.unresolved().exclude(state=Issue.State.ACCEPTED)
    return list(issue_records(issues, today=on, load_notified=last_notifications))


def find_facts(on: date) -> Iterator[tuple[str, str]]:
    """Yield the (fact, application) pairs of the day, in any order and possibly repeated."""
    accepted = set(
        Issue.objects.filter(state=Issue.State.ACCEPTED, cause__kind="retirement").values_list(
            "application__slug", flat=True
        )
    )
    for dependency in used_dependencies(on):
        slug = dependency.application.slug
        offering = served_offering(dependency)
        if slug in accepted:
            continue
        if offering.is_retired(on):
            yield "retired", slug
        elif offering.retires_on is not None and offering.retires_on > on:
            effort = effort_of(dependency, on)
            if offering.retires_on - timedelta(days=MARGIN_DAYS + ceil(effort)) < on:
                yield "too soon", slug
    for violation in approval_violations(user=reader(), on=on, limit=100_000).rows:
        if violation.certain and violation.dependency.application.status in Application.IN_SCOPE:
            yield "violation", violation.dependency.application.slug
    for slug in users_of_expired_approvals(on):
        yield "expired approval", slug
    tasks = CampaignTask.objects.filter(
        campaign__state=Campaign.State.OPEN,
        dependency__application__status__in=Application.IN_SCOPE,
    ).select_related("dependency__application")
    for task in tasks:
        timing = task.timing(on)
        if timing is not None and timing.kind != "on_time":
            yield "late task", task.dependency.application.slug


def used_dependencies(on: date) -> list[Dependency]:
    return list(
        Dependency.objects.live_on(on)
        .filter(application__status__in=Application.IN_SCOPE)
        .select_related(
            "application",
            "exit_plan",
            "offering__replacement",
            "offering__version__foundation",
        )
        .prefetch_related("exit_tests")
    )


def served_offering(dependency: Dependency) -> Any:
    """Return the offering that answers: of a redirected one its replacement."""
    offering = dependency.offering
    if offering.end_behaviour == "redirect" and offering.replacement is not None:
        is_redirected = offering.footings.filter(
            node__kind=1, node__ref=offering.replacement_id
        ).exists()
        return offering.replacement if is_redirected else offering
    return offering


def effort_of(dependency: Dependency, on: date) -> float:
    """Return the days of the migration; 0 if nothing is known of it."""
    tests = [
        test
        for test in dependency.exit_tests.all()
        if test.tested_on <= on and test.effort_days is not None and test.result != "failed"
    ]
    if tests:
        return float(max(tests, key=lambda test: (test.tested_on, test.pk)).effort_days)
    plan = getattr(dependency, "exit_plan", None)
    return float(plan.estimated_days or 0) if plan is not None else 0


def reader() -> User:
    """Return a user who can view everything."""
    found = User.objects.filter(organisation_role="governance", is_active=True).first()
    return found or make_user(role="governance")


def users_of_expired_approvals(on: date) -> set[str]:
    """Return the applications with a dependency on the target of an approval that has expired,
    where no other approval of this dependency is valid."""
    expired = Approval.objects.filter(revoked_at=None, expires_on__lte=on).exclude(
        decision="blocked"
    )
    valid = list(Approval.objects.standing_on(on))
    slugs = set()
    for dependency in used_dependencies(on):
        if any(_is_target(approval, dependency) for approval in expired) and not any(
            _is_target(approval, dependency) for approval in valid
        ):
            slugs.add(dependency.application.slug)
    return slugs


def _is_target(approval: Approval, dependency: Dependency) -> bool:
    offering = dependency.offering
    version = offering.version
    foundation = version.foundation_id if version else None
    developer = version.foundation.developer_id if version else None
    return (
        approval.offering_id == offering.pk
        or (approval.version_id is not None and approval.version_id == offering.version_id)
        or (approval.foundation_id is not None and approval.foundation_id == foundation)
        or (
            approval.provider_id is not None
            and approval.provider_id in {offering.host_id, developer, dependency.via_party_id}
        )
    )


# --- what is in order -----------------------------------------------------------------------------

# before a retirement of this many days an issue opens, whatever its effort
HORIZON_DAYS = 180


def applications_in_order(on: date) -> set[int]:
    """Return applications in use about which there is nothing to say: no retirement is near, no
    approval decides about what they use, nothing is due, missing, stale or different."""
    near = on + timedelta(days=HORIZON_DAYS + 30)
    decided = list(Approval.objects.filter(revoked_at=None))
    repriced = set(ProviderEvent.objects.filter(kind="repriced").values_list("offering", flat=True))
    dates: dict[tuple[int, int | None], list[date]] = defaultdict(list)
    for host, version, day in Offering.objects.filter(retires_on__isnull=False).values_list(
        "host", "version", "retires_on"
    ):
        dates[host, version].append(day)
    troubled: set[int] = set()
    dependencies: dict[int, list[Dependency]] = defaultdict(list)
    for dependency in used_dependencies(on):
        dependencies[dependency.application_id].append(dependency)
        offering = served_offering(dependency)
        # a row of the same host can retire the offering with it
        days = [*dates[offering.host_id, offering.version_id], offering.retires_on]
        is_near = any(day is not None and day <= near for day in days)
        is_long = offering.retires_on is not None and effort_of(dependency, on) > HORIZON_DAYS / 2
        if offering.is_retired(on) or is_near or is_long or dependency.offering_id in repriced:
            troubled.add(dependency.application_id)
        if any(_is_target(approval, dependency) for approval in decided):
            troubled.add(dependency.application_id)
        if any(test.result == "passed" for test in dependency.exit_tests.all()):
            troubled.add(dependency.application_id)
    troubled |= set(CachedFinding.objects.values_list("application_id", flat=True))
    troubled |= set(
        Discrepancy.objects.filter(closed_at=None).values_list("application", flat=True)
    )
    troubled |= set(Assessment.objects.values_list("dependency__application", flat=True))
    troubled |= set(CampaignTask.objects.values_list("dependency__application", flat=True))
    troubled |= set(
        Application.objects.filter(next_review_on__lte=on + timedelta(days=60)).values_list(
            "pk", flat=True
        )
    )
    return set(dependencies) - troubled


def told_applications(ids: set[int]) -> set[int]:
    """Return those of the applications that have an unresolved issue or a notification."""
    with_issue = Issue.objects.unresolved().filter(application__in=ids)
    told = set(with_issue.values_list("application", flat=True))
    for application_ids in Notice.objects.filter(skip_reason="").values_list(
        "alert__application_ids", flat=True
    ):
        told |= ids.intersection(application_ids)
    return told

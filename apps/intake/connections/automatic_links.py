"""Automatic links of reported services to applications, without a decision by a user.

A service is linked if its name is an application's slug, or the name of a service that is already
linked at another endpoint, and if the user of the sending token may write to the application. Names
are only claims: a service waits for a user if tokens of several users reported its name, because
the data of all of them would count, or if a user removed its link."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models.functions import Lower

from apps.accounts.models import ApiToken
from apps.accounts.roles import TeamRole
from apps.common.history.context import audit_context
from apps.intake.models import Import, Observation, ObservationQuerySet, Service
from apps.inventory.models import Application

# a link at another endpoint is a user's decision, and has priority over the slug
_CANDIDATES = """
SELECT s.id, s.name, a.id, a.slug, a.team_id, other.n > 0
FROM intake_service s
-- the first token is null if tokens of several users reported the name: such a service waits
JOIN accounts_apitoken first ON first.id = s.first_token_id AND first.user_id = %(user)s
CROSS JOIN LATERAL (
    -- applications to which services of this name are linked at any endpoint
    SELECT count(DISTINCT o.application_id) AS n, min(o.application_id) AS application
    FROM intake_service o WHERE o.name = s.name AND o.application_id IS NOT NULL
) other
JOIN inventory_application a
    ON CASE WHEN other.n = 0 THEN a.slug = s.name ELSE other.n = 1 AND a.id = other.application END
WHERE s.id = ANY(%(services)s) AND s.application_id IS NULL AND NOT s.is_ignored
    -- a user who removed the link decided against it
    AND s.unlinked_at IS NULL
  AND a.merged_into_id IS NULL AND a.status <> %(retired)s
ORDER BY s.id
"""


def link_named_services(
    services: Iterable[int], *, token: ApiToken, at: datetime
) -> dict[int, int]:
    """Link unlinked services whose names identify their application; return {service id:
    application id}.

    Runs in the caller's transaction. Earlier observations of the services are moved to the
    application and wait for `reconcile_waiting`."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CANDIDATES,
            {
                "user": token.user_id,
                "services": list(services),
                "retired": Application.Status.RETIRED,
            },
        )
        candidates = cursor.fetchall()
    user = token.user.bound_to(token.team_id)
    applications_by_service: dict[int, int] = {}
    for service, name, application, slug, team, is_linked_elsewhere in candidates:
        if not user.may(TeamRole.EDITOR, team):
            continue
        evidence = (
            f"'{name}' is already linked to {slug}"
            if is_linked_elsewhere
            else f"its name equals the slug of {slug}"
        )
        reason = (
            f"linked automatically: {evidence}, and the user of the API token {token.prefix} can "
            "edit it"
        )
        with audit_context(job="intake", reason=reason):
            if Service.objects.filter(pk=service, application=None, is_ignored=False).update(
                application=application
            ):
                observations_of([service]).update(
                    application=application, state=Observation.State.NEW, dependency=None
                )
                applications_by_service[service] = application
    return applications_by_service


def link_services_by_slug(services: Iterable[int], *, evidence: str) -> dict[int, int]:
    """Link unlinked services whose name is an application's slug; return {service id: application
    id}. For senders that governance set up: they may write to every application. A service whose
    link a user removed waits.

    Runs in the caller's transaction, like `link_named_services`."""
    named = dict(
        Service.objects.filter(
            pk__in=list(services),
            application__isnull=True,
            is_ignored=False,
            unlinked_at__isnull=True,
        )
        .annotate(slug=Lower("name"))
        .values_list("pk", "slug")
    )
    applications = dict(
        Application.objects.filter(slug__in=set(named.values()), merged_into__isnull=True)
        .exclude(status=Application.Status.RETIRED)
        .values_list("slug", "pk")
    )
    linked: dict[int, int] = {}
    for service, slug in named.items():
        application = applications.get(slug)
        if application is None:
            continue
        reason = f"linked automatically: its name equals the slug of {slug}, {evidence}"
        with audit_context(job="intake", reason=reason):
            if Service.objects.filter(pk=service, application=None, is_ignored=False).update(
                application=application
            ):
                observations_of([service]).update(
                    application=application, state=Observation.State.NEW, dependency=None
                )
                linked[service] = application
    return linked


def observations_of(services: Iterable[int]) -> ObservationQuerySet:
    """Return the observations of these services, except those of undone imports."""
    return Observation.objects.filter(service__in=list(services)).exclude(
        seen_in__state=Import.State.UNDONE
    )

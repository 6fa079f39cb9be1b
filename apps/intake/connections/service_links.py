"""Links of reported services and tokens to applications: link, unlink, ignore, bind a token.

The caller must get the service by `visible_to`. Linking and unlinking require the editor role on
the application, which is checked after the application is locked."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import ApiToken, User
from apps.accounts.roles import Scope
from apps.common.errors import ConflictError
from apps.common.history.context import audit_context
from apps.common.time import day_of
from apps.intake.connections.automatic_links import observations_of
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Observation, Service, ServiceQuerySet, TokenBinding
from apps.intake.observations.reconciliation import RECONCILE_BATCH_SIZE, reconcile_waiting
from apps.inventory.actions.dependencies import end_dependency, reopen_dependency
from apps.inventory.actions.locks import lock_applications
from apps.inventory.models import Application, Dependency


@transaction.atomic
def link_service(
    *, service: Service, application: Application, by: User, at: datetime, reason: str = ""
) -> Service:
    """Link a service to an application: its past and future observations count for the application.

    Services of the same name at other endpoints (traces and metrics, gateways, reports) are linked
    too if `by` can view them and they have the same link."""
    service, *other_services = _lock_same_name_services(service, by)
    services = [service, *other_services]
    if service.application_id == application.pk:
        return service
    previous_applications = [service.application_id] if service.application_id is not None else []
    lock_applications([application.pk, *previous_applications], by=by)
    application = Application.objects.get(pk=application.pk)
    if application.merged_into_id is not None or application.status == Application.Status.RETIRED:
        raise InvalidStateError(
            f"{application.name} is retired. Select an application in use, or reactivate it."
        )
    dependency_ids = _list_dependency_ids(services)
    with audit_context(user=by, reason=reason or f"{service.name} is {application.slug}"):
        for linked_service in services:
            linked_service.application, linked_service.is_ignored, linked_service.unlinked_at = (
                application,
                False,
                None,
            )
            linked_service.save(update_fields=["application", "is_ignored", "unlinked_at"])
        observations_of(linked_service.pk for linked_service in services).update(
            application=application, state=Observation.State.NEW, dependency=None
        )
        if reconcile_small_backlog(at=at):
            restore_dependencies(_list_dependency_ids(services), by=by, at=at)
            end_orphaned_dependencies(dependency_ids, by=by, at=at)
    service.refresh_from_db()
    return service


@transaction.atomic
def unlink_service(*, service: Service, by: User, at: datetime, reason: str = "") -> Service:
    """Remove a service's link to an application, at every endpoint.

    Dependencies that no other sender reports end. The service is not linked automatically again."""
    service, *other_services = _lock_same_name_services(service, by)
    services = [service, *other_services]
    if service.application is None:
        return service
    lock_applications([service.application.pk], by=by)
    dependency_ids = _list_dependency_ids(services)
    with audit_context(
        user=by, reason=reason or f"{service.name} was linked to {service.application.slug}"
    ):
        for linked_service in services:
            linked_service.application, linked_service.unlinked_at = None, at
            linked_service.save(update_fields=["application", "unlinked_at"])
        observations_of(linked_service.pk for linked_service in services).update(
            application=None, state=Observation.State.NEW, dependency=None
        )
        reconcile_small_backlog(at=at)
        end_orphaned_dependencies(dependency_ids, by=by, at=at)
    service.refresh_from_db()
    return service


def same_name_services(service: Service, by: User) -> ServiceQuerySet:
    """Return the service and those of the same name and link at other endpoints that `by` can
    view."""
    services = Service.objects.filter(name=service.name, application=service.application_id)
    visible_services = services.filter(
        is_ignored=False, pk__in=Service.objects.visible_to(by).values("pk")
    )
    return services.filter(Q(pk=service.pk) | Q(pk__in=visible_services.values("pk")))


def _lock_same_name_services(service: Service, by: User) -> list[Service]:
    """Lock the services of the same name and link, and return them, `service` first.

    Locks are taken in the order of scopes, as in aggregation, so that the two cannot deadlock."""
    service.refresh_from_db(fields=["application", "is_ignored"])
    scopes_and_ids = sorted(
        {*same_name_services(service, by).values_list("scope", "pk"), (service.scope, service.pk)}
    )
    services_by_id = {
        pk: Service.objects.select_for_update().get(pk=pk) for _, pk in scopes_and_ids
    }
    locked_service = services_by_id.pop(service.pk)
    return [
        locked_service,
        *(
            other_service
            for other_service in services_by_id.values()
            if other_service.application_id == locked_service.application_id
        ),
    ]


@transaction.atomic
def ignore_service(*, service: Service, by: User, reason: str = "") -> Service:
    """Ignore a service that does not belong to the organisation; its observations are no longer
    processed."""
    _require_ignore_permission(by, service)
    service = Service.objects.select_for_update().get(pk=service.pk)
    if service.application_id is not None:
        raise InvalidStateError("This service is linked to an application. Unlink it first.")
    with audit_context(user=by, reason=reason or f"{service.name} was ignored"):
        service.is_ignored = True
        service.save(update_fields=["is_ignored"])
        observations_of([service.pk]).update(state=Observation.State.SET_ASIDE, dependency=None)
    return service


@transaction.atomic
def unignore_service(*, service: Service, by: User, at: datetime, reason: str = "") -> Service:
    """Stop ignoring a service; it can be linked to an application again."""
    _require_ignore_permission(by, service)
    service = Service.objects.select_for_update().get(pk=service.pk)
    if not service.is_ignored:
        return service
    with audit_context(user=by, reason=reason or f"{service.name} is no longer ignored"):
        service.is_ignored = False
        service.save(update_fields=["is_ignored"])
        observations_of([service.pk]).update(state=Observation.State.NEW)
        reconcile_small_backlog(at=at)
    return service


@transaction.atomic
def bind_token(
    *, token: ApiToken, application: Application, by: User, environment: str = "", reason: str = ""
) -> TokenBinding:
    """Bind a token to an application: all data that it sends from now on counts for this
    application."""
    lock_applications([application.pk], by=by)
    if token.user_id != by.pk and not by.is_governance:
        raise IntakePermissionError(
            "You can link only your own API tokens. Contact the owner of "
            "the token or a governance user."
        )
    if Scope.INTAKE not in token.scopes:
        raise InvalidStateError('This API token lacks the scope "intake". Create one that has it.')
    with audit_context(
        user=by, reason=reason or f"the API token {token.prefix} was linked to {application.slug}"
    ):
        binding, _ = TokenBinding.objects.update_or_create(
            token=token,
            defaults={"application": application, "environment": environment.strip()[:60]},
        )
    return binding


@transaction.atomic
def unbind_token(*, binding: TokenBinding, by: User, reason: str = "") -> None:
    """Remove a token's binding: the names in its data determine the application again."""
    lock_applications([binding.application_id], by=by)
    with audit_context(
        user=by, reason=reason or f"the API token {binding.token.prefix} was unlinked"
    ):
        binding.delete()


# --- shared with name decisions -------------------------------------------------------------------


def reconcile_small_backlog(*, at: datetime) -> bool:
    """Reconcile now if few observations wait, and return whether it did; otherwise the job does so
    within a minute."""
    if Observation.objects.waiting()[: RECONCILE_BATCH_SIZE + 1].count() > RECONCILE_BATCH_SIZE:
        return False
    reconcile_waiting(at=at)
    return True


def orphaned_dependencies(dependencies: Collection[int]) -> list[Dependency]:
    """Return the active dependencies among these that no sender reports any more and no user has
    declared."""
    return list(
        Dependency.objects.filter(
            pk__in=list(dependencies),
            origin=Dependency.Origin.OBSERVED,
            until__isnull=True,
            observations__isnull=True,
        ).order_by("pk")
    )


def end_orphaned_dependencies(
    dependencies: Collection[int], *, by: User | None, at: datetime
) -> int:
    """End dependencies that only reassigned observations justified; return their number."""
    if not dependencies or Observation.objects.waiting().exists():
        # observations that wait may still belong to these dependencies, which then stay and are
        # listed as undeclared use
        return 0
    orphans = orphaned_dependencies(dependencies)
    for dependency in orphans:
        # a dependency lasts at least one day
        end_dependency(
            dependency=dependency,
            on=max(day_of(at), dependency.since + timedelta(days=1)),
            by=by,
            is_consequence=True,
        )
    return len(orphans)


def restore_dependencies(dependencies: Collection[int], *, by: User, at: datetime) -> int:
    """Reopen dependencies that a decision ended if it was undone on the same day; return their
    number."""
    ended_dependencies = Dependency.objects.filter(
        pk__in=list(dependencies), origin=Dependency.Origin.OBSERVED, until__gte=day_of(at)
    ).select_related("application")
    n_reopened = 0
    for dependency in ended_dependencies.order_by("pk"):
        # if the dependency was declared again meanwhile, the new row is kept
        with suppress(ConflictError), transaction.atomic():
            reopen_dependency(dependency=dependency, by=by)
            n_reopened += 1
    return n_reopened


def _list_dependency_ids(services: Iterable[Service]) -> list[int]:
    return list(
        Observation.objects.filter(
            service__in=[service.pk for service in services], dependency__isnull=False
        )
        .order_by()
        .values_list("dependency", flat=True)
        .distinct()
    )


def _require_ignore_permission(by: User, service: Service) -> None:
    is_own_token = service.first_token_id is not None and service.first_token.user_id == by.pk  # type: ignore[union-attr]
    if not by.is_governance and not is_own_token:
        raise IntakePermissionError(
            "You need the governance role to ignore this service, unless your own API token "
            "reported it."
        )

"""Links of reported services and tokens to applications: link, unlink, ignore, bind a token.

The caller has found the service with `visible_to`. Linking and unlinking need the editor role on
the application, which is checked once the application is locked."""

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
    """Link a service to an application: its past and future observations count for it.

    Applies to the same name at every endpoint (traces and metrics, gateways, reports) that `by` can
    view and that is linked alike."""
    service, *others = _lock_same_name(service, by)
    alike = [service, *others]
    if service.application_id == application.pk:
        return service
    taken = [service.application_id] if service.application_id is not None else []
    lock_applications([application.pk, *taken], by=by)
    application = Application.objects.get(pk=application.pk)
    if application.merged_into_id is not None or application.status == Application.Status.RETIRED:
        raise InvalidStateError(
            f"{application.name} is retired. Select an application in use, or reactivate it."
        )
    orphans = _dependencies_of(alike)
    with audit_context(user=by, reason=reason or f"{service.name} is {application.slug}"):
        for each in alike:
            each.application, each.is_ignored, each.unlinked_at = application, False, None
            each.save(update_fields=["application", "is_ignored", "unlinked_at"])
        observations_of(each.pk for each in alike).update(
            application=application, state=Observation.State.NEW, dependency=None
        )
        if reconcile_small_backlog(at=at):
            restore_dependencies(_dependencies_of(alike), by=by, at=at)
            end_orphaned_dependencies(orphans, by=by, at=at)
    service.refresh_from_db()
    return service


@transaction.atomic
def unlink_service(*, service: Service, by: User, at: datetime, reason: str = "") -> Service:
    """Remove a service's link to an application, at every endpoint: the service is pending again.

    Dependencies observed through nothing else end. The service is not linked by its name alone
    again."""
    service, *others = _lock_same_name(service, by)
    alike = [service, *others]
    if service.application is None:
        return service
    lock_applications([service.application.pk], by=by)
    orphans = _dependencies_of(alike)
    with audit_context(
        user=by, reason=reason or f"{service.name} was linked to {service.application.slug}"
    ):
        for each in alike:
            each.application, each.unlinked_at = None, at
            each.save(update_fields=["application", "unlinked_at"])
        observations_of(each.pk for each in alike).update(
            application=None, state=Observation.State.NEW, dependency=None
        )
        reconcile_small_backlog(at=at)
        end_orphaned_dependencies(orphans, by=by, at=at)
    service.refresh_from_db()
    return service


def same_name_services(service: Service, by: User) -> ServiceQuerySet:
    """Return the service and those of its name at other endpoints that are linked as it is, as far
    as `by` can view them."""
    alike = Service.objects.filter(name=service.name, application=service.application_id)
    others = alike.filter(is_ignored=False, pk__in=Service.objects.visible_to(by).values("pk"))
    return alike.filter(Q(pk=service.pk) | Q(pk__in=others.values("pk")))


def _lock_same_name(service: Service, by: User) -> list[Service]:
    """Lock the services of the same name, `service` as the first of the result.

    In the order of scopes, as aggregation does, so that the two never wait for each other."""
    service.refresh_from_db(fields=["application", "is_ignored"])
    ordered = sorted(
        {*same_name_services(service, by).values_list("scope", "pk"), (service.scope, service.pk)}
    )
    locked = {pk: Service.objects.select_for_update().get(pk=pk) for _, pk in ordered}
    first = locked.pop(service.pk)
    return [
        first,
        *(each for each in locked.values() if each.application_id == first.application_id),
    ]


@transaction.atomic
def ignore_service(*, service: Service, by: User, reason: str = "") -> Service:
    """Ignore a service that is not the organisation's: its observations are not processed any
    more."""
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
    """Stop ignoring a service: it waits for an application again."""
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
    """Bind a token to an application: everything that it sends from now on is about this
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
        bound, _ = TokenBinding.objects.update_or_create(
            token=token,
            defaults={"application": application, "environment": environment.strip()[:60]},
        )
    return bound


@transaction.atomic
def unbind_token(*, binding: TokenBinding, by: User, reason: str = "") -> None:
    """Remove a token's binding: it sends data for whichever application it names again."""
    lock_applications([binding.application_id], by=by)
    with audit_context(
        user=by, reason=reason or f"the API token {binding.token.prefix} was unlinked"
    ):
        binding.delete()


# --- shared with deciding -------------------------------------------------------------------------


def reconcile_small_backlog(*, at: datetime) -> bool:
    """Reconcile now if little waits; otherwise the job does so within a minute."""
    if Observation.objects.waiting()[: RECONCILE_BATCH_SIZE + 1].count() > RECONCILE_BATCH_SIZE:
        return False
    reconcile_waiting(at=at)
    return True


def orphaned_dependencies(dependencies: Collection[int]) -> list[Dependency]:
    """Return those of these dependencies that no sender reports any more and no user has ever
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
    """End dependencies that rested alone on observations which a user has reassigned; return their
    number."""
    if not dependencies or Observation.objects.waiting().exists():
        # who it belongs to by now is not known yet: it stays, and is listed as seen and not
        # declared
        return 0
    found = orphaned_dependencies(dependencies)
    for dependency in found:
        # the first day it can end is the one after it began
        end_dependency(
            dependency=dependency,
            on=max(day_of(at), dependency.since + timedelta(days=1)),
            by=by,
            is_consequence=True,
        )
    return len(found)


def restore_dependencies(dependencies: Collection[int], *, by: User, at: datetime) -> int:
    """Reopen dependencies that ended with a decision which was undone the same day; return their
    number."""
    found = Dependency.objects.filter(
        pk__in=list(dependencies), origin=Dependency.Origin.OBSERVED, until__gte=day_of(at)
    ).select_related("application")
    n_back = 0
    for dependency in found.order_by("pk"):
        # declared anew meanwhile: that row goes on
        with suppress(ConflictError), transaction.atomic():
            reopen_dependency(dependency=dependency, by=by)
            n_back += 1
    return n_back


def _dependencies_of(services: Iterable[Service]) -> list[int]:
    return list(
        Observation.objects.filter(
            service__in=[each.pk for each in services], dependency__isnull=False
        )
        .order_by()
        .values_list("dependency", flat=True)
        .distinct()
    )


def _require_ignore_permission(by: User, service: Service) -> None:
    own = service.first_token_id is not None and service.first_token.user_id == by.pk  # type: ignore[union-attr]
    if not by.is_governance and not own:
        raise IntakePermissionError(
            "You need the governance role to ignore this service, unless your own API token "
            "reported it."
        )

"""Reported services by the names that they give themselves: linked to an application, ignored, or
pending."""

import re
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import CharField, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import now
from apps.intake.connections.service_links import (
    ignore_service,
    link_service,
    same_name_services,
    unignore_service,
    unlink_service,
)
from apps.intake.connections.service_tokens import (
    SendingToken,
    dropped_calls,
    tokens_losing_access,
    tokens_of,
)
from apps.intake.filters import ServiceFilter
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Observation, Service
from apps.intake.queries import MODEL_NAME
from apps.inventory.models import Application
from apps.inventory.queries import editable_teams
from apps.web.lists.columns import Column, FileColumn, format_ago, format_moment
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import Confirmation, action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.intake import presenters
from apps.web.views.undo import return_path
from apps.web.wording import ago, number

STATES = (
    ("waiting", "Not linked"),
    ("claimed", "Linked"),
    ("ignored", "Ignored"),
)
MAX_NAMES = 4
MAX_ROWS = 50
MAX_PROPOSALS = 6
# services in one bulk action
MAX_SELECTED = 200
MAX_ID_DIGITS = 19


class LinkProposal(NamedTuple):
    """Proposed application whose slug is the service's name, or the last part of it; the user may
    edit it."""

    slug: str
    name: str


def _annotate_proposals(services: QuerySet[Service], user: User) -> QuerySet[Any]:
    """Annotate the dropped calls, and slug and name of the proposed application, in the statement
    that reads the rows."""
    last_part = Func(
        F("name"), Value("^.*/"), Value(""), function="regexp_replace", output_field=CharField()
    )
    proposals = _editable_applications(user).filter(slug=Lower(OuterRef("last_part")))
    return services.select_related("application").annotate(
        last_part=last_part,
        proposed_slug=Subquery(proposals.values("slug")[:1]),
        proposed_name=Subquery(proposals.values("name")[:1]),
        dropped_calls=dropped_calls(),
    )


def _editable_applications(user: User) -> QuerySet[Application]:
    """Return the applications in use that `user` may edit."""
    applications = Application.objects.visible_to(user).exclude(status=Application.Status.RETIRED)
    applications = applications.filter(merged_into__isnull=True)
    return (
        applications
        if user.is_governance
        else applications.filter(team__in=editable_teams(user=user))
    )


def _build_proposal(service: Any) -> LinkProposal | None:
    """Return the proposal of a row of `_annotate_proposals` that has no application yet."""
    if service.proposed_slug is None or service.application_id is not None or service.is_ignored:
        return None
    return LinkProposal(service.proposed_slug, service.proposed_name)


class ServiceRow(NamedTuple):
    """Reported service with the first names that it calls, the number of further ones, and the
    proposed application."""

    service: Any
    names: tuple[str, ...]
    n_more_names: int
    proposal: LinkProposal | None

    @property
    def calls(self) -> str:
        names = ", ".join(self.names)
        return f"{names} and {number(self.n_more_names)} more" if self.n_more_names else names


def _count_dropped_calls(row: ServiceRow) -> str:
    n = row.service.dropped_calls
    return pluralize(n, "1 call dropped", f"{number(n)} calls dropped") if n else ""


def _name_application(row: ServiceRow) -> str:
    return row.service.application.name if row.service.application else ""


class ReportedServiceList(ListPage[Service, ServiceRow]):
    """Reported services by the filters of the URL, latest first; those that are not linked unless
    it names a state."""

    namespace = "reported-services"
    title = "Reported services"
    nouns = ("reported service", "reported services")
    crumbs = (("Observed usage", "connections:list"),)
    counts = "Names that services report for themselves, each counted once"
    filterset_class = ServiceFilter
    columns = (
        Column[ServiceRow](
            "name",
            "Service",
            attrgetter("service.name"),
            note=attrgetter("service.scope"),
            url=lambda row: reverse("reported-services:detail", args=[row.service.pk]),
        ),
        Column[ServiceRow]("models", "Models called", attrgetter("calls"), css=lambda row: "id"),
        Column[ServiceRow](
            "first_seen", "First seen", attrgetter("service.first_seen_at"), format=format_moment
        ),
        Column[ServiceRow](
            "last_seen",
            "Last seen",
            attrgetter("service.last_seen_at"),
            format=format_ago,
            note=_count_dropped_calls,
        ),
        Column[ServiceRow](
            "application",
            "Application",
            _name_application,
            width="whole",
            template="intake/service-application.html",
        ),
    )
    file_columns = (
        FileColumn[ServiceRow]("Reported by", attrgetter("service.scope")),
        FileColumn[ServiceRow](
            "Application ID",
            lambda row: row.service.application.slug if row.service.application else "",
        ),
        FileColumn[ServiceRow]("Ignored", attrgetter("service.is_ignored")),
        FileColumn[ServiceRow]("Calls dropped", attrgetter("service.dropped_calls")),
    )
    controls = (
        FilterControl("q", "Name contains", "search"),
        FilterControl("state", "State", choices=STATES),
    )
    default_filters = {"state": "waiting"}
    default_order = ("", ("-last_seen_at", "pk"))
    bulk_template = "intake/services-bulk.html"

    @cached_property
    def can_link(self) -> bool:
        return _may_link(self.user)

    def get_queryset(self) -> "QuerySet[Any]":
        return _annotate_proposals(Service.objects.visible_to(self.user), self.user)

    def build_rows(self, records: Sequence[Any]) -> Sequence[ServiceRow]:
        names_by_service = _load_called_models([row.pk for row in records])
        return [
            ServiceRow(row, *names_by_service.get(row.pk, ((), 0)), _build_proposal(row))
            for row in records
        ]

    def get_lead(self) -> Headline:
        """Return the services that match, or those without an application."""
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("All reported services are linked to an application.")
        verb = pluralize(self.listing.n_found, "is", "are")
        return Headline(
            "",
            f"{self.count_records()} {verb} not linked to an application",
            pluralize(
                self.listing.n_found,
                ". Its calls count once it is linked.",
                ". Their calls count once they are linked.",
            ),
        )

    def get_basis(self) -> str:
        return (
            "Traces and gateways report a name of their own for an application. Link the name to "
            "its application once: earlier calls count, too."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "All reported services are linked to an application.",
            "A name in traces or of a gateway that no application has is listed here until an "
            "editor links it.",
            "Set up a connection",
            reverse("connections:list"),
        )

    def get_selection_key(self, row: ServiceRow) -> str:
        return str(row.service.pk) if self.can_link and _is_pending(row.service) else ""

    def get_selection_label(self, row: ServiceRow) -> str:
        return f"{row.service.name} {row.service.scope}"


def _may_link(user: User) -> bool:
    return user.is_governance or any(
        rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values()
    )


def _is_pending(row: Service) -> bool:
    return row.application_id is None and not row.is_ignored


def _load_called_models(services: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
    """Return {service: (first names that it calls, number of further names)}: one statement."""
    rows = (
        Observation.objects.filter(service__in=services)
        .order_by()
        .values("service")
        .annotate(names=ArrayAgg(MODEL_NAME, distinct=True))
    )
    return {
        row["service"]: (tuple(row["names"][:MAX_NAMES]), max(0, len(row["names"]) - MAX_NAMES))
        for row in rows
    }


@require_safe
def service_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one reported service: what it calls, and which applications it may belong to."""
    user = signed_in_user(request)
    service = get_object_or_404(
        Service.objects.visible_to(user).select_related("application__team", "first_token__user"),
        pk=pk,
    )
    rows = list(
        Observation.objects.filter(service=service)
        .select_related("offering__host", "served_version")
        .order_by("-last_seen_at", "-pk")[:MAX_ROWS]
    )
    is_own = service.first_token is not None and service.first_token.user_id == user.pk
    namesakes = list(same_name_services(service, user))
    tokens = tokens_of([namesake.pk for namesake in namesakes], application=service.application)
    application_to_link = (
        _get_application_to_link(request, user)
        if service.application is None and not service.is_ignored
        else None
    )
    return render_page(
        request,
        "intake/service.html",
        title=service.name,
        crumbs=(
            ("Observed usage", reverse("connections:list")),
            ("Reported services", reverse("reported-services:list")),
        ),
        counts="Observations under this name",
        sentence=_build_service_headline(
            service, len({row.requested or row.served or row.alias for row in rows})
        ),
        service=service,
        names_of=presenters.sender_name(service.scope) if service.scope else "",
        endpoints=[presenters.endpoint_name(namesake.scope) for namesake in namesakes],
        tokens=tokens,
        dropping=[
            _describe_dropped_calls(token, service.application)
            for token in tokens
            if token.drops and service.application is not None
        ],
        asked=application_to_link,
        to_be_dropped=tokens_losing_access(
            [namesake.pk for namesake in namesakes], application=application_to_link, at=now()
        )
        if application_to_link
        else (),
        rows=[
            (row, presenters.sender_name(row.stream), presenters.OBSERVED[row.state])
            for row in rows
        ],
        likely=likely_applications(service, user)
        if service.application is None and not service.is_ignored
        else (),
        may_claim=_may_link(user),
        may_unclaim=service.application is not None
        and user.may(TeamRole.EDITOR, service.application.team_id),
        may_ignore=user.is_governance or is_own,
    )


def _get_application_to_link(request: HttpRequest, user: User) -> Application | None:
    """Return the application of `?link=`, which the user is about to link."""
    slug = request.GET.get("link", "")
    return (
        _editable_applications(user).select_related("team").filter(slug=slug).first()
        if slug
        else None
    )


def _describe_dropped_calls(sending_token: SendingToken, application: Application) -> str:
    """Describe how many calls of a token were dropped, and the remedy."""
    service_token = sending_token.row
    template = pluralize(
        service_token.n_dropped,
        "{n} call dropped {when}: the user of token {token} ({prefix}…), {user}, may not edit"
        " {application}. Assign {user} the editor role on {team}, or use a token of one of its"
        " editors.",
        "{n} calls dropped, the last of them {when}: the user of token {token} ({prefix}…),"
        " {user}, may not edit {application}. Assign {user} the editor role on {team}, or use a"
        " token of one of its editors.",
    )
    return template.format(
        n=number(service_token.n_dropped),
        when=ago(service_token.last_dropped_at, at=now()) if service_token.last_dropped_at else "",
        token=service_token.token.name,
        prefix=service_token.token.prefix,
        user=service_token.token.user,
        application=application.name,
        team=application.team.name,
    )


def _build_service_headline(service: Service, n_models: int) -> Headline:
    if service.is_ignored:
        return Headline(f"{service.name} is ignored. Its calls are not counted.")
    if service.application is not None:
        return Headline(f"{service.name} is linked to {service.application.name}.")
    calls = pluralize(n_models, f"It calls {n_models} model.", f"It calls {n_models} models.")
    return Headline(f"{service.name} is not linked to an application. {calls}")


def likely_applications(service: Service, user: User) -> list[Application]:
    """Return applications in use whose name shares a word with the service's, among those the user
    may edit."""
    name_parts = set(re.split(r"[^a-z0-9]+", service.name.lower()))
    distinctive_parts = sorted(
        (
            name_part
            for name_part in name_parts
            if len(name_part) > 3 and name_part not in _COMMON_NAME_PARTS
        ),
        key=len,
        reverse=True,
    )[:4]
    if not distinctive_parts:
        return []
    condition = Q()
    for name_part in distinctive_parts:
        condition |= Q(name__icontains=name_part) | Q(slug__icontains=name_part)
    applications = (
        Application.objects.visible_to(user)
        .filter(condition)
        .exclude(status=Application.Status.RETIRED)
    )
    if not user.is_governance:
        applications = applications.filter(team__in=editable_teams(user=user))
    rows = list(applications.select_related("team").order_by("name", "pk")[: 4 * MAX_PROPOSALS])
    rows.sort(
        key=lambda row: -sum(part in f"{row.name} {row.slug}".lower() for part in distinctive_parts)
    )
    return rows[:MAX_PROPOSALS]


_COMMON_NAME_PARTS = frozenset(
    {
        "service",
        "server",
        "prod",
        "production",
        "staging",
        "backend",
        "default",
        "team",
        "main",
        "test",
    }
)


@require_POST
def change_service(request: HttpRequest, pk: int) -> HttpResponse:
    """Link, unlink, ignore or stop ignoring a service."""
    user, at = signed_in_user(request), now()
    service = get_object_or_404(
        Service.objects.visible_to(user).select_related("application", "first_token"), pk=pk
    )
    page_url = reverse("reported-services:detail", args=[pk])
    change = request.POST.get("action") or request.GET.get("undo")
    application = _find_selected_application(request, user) if change == "claim" else None
    if application is not None and not request.POST.get("anyway"):
        service_ids = [namesake.pk for namesake in same_name_services(service, user)]
        if tokens_losing_access(service_ids, application=application, at=at):
            return redirect(f"{page_url}?{urlencode({'link': application.slug})}#h-whose")
    return action_view(
        request,
        action=lambda _form: _change_service(
            service,
            change,
            application,
            by=user,
            at=at,
            reason=request.POST.get("reason", "").strip()[:500],
        ),
        done=lambda confirmation: confirmation,
        back=page_url,
    )


def _find_selected_application(request: HttpRequest, user: User) -> Application | None:
    names = (
        request.POST.get("other", "").strip(),
        request.POST.get("application", "").strip(),
        request.GET.get("application", ""),
    )
    name = next(filter(None, names), "")
    return Application.objects.visible_to(user).filter(Q(slug=name) | Q(name__iexact=name)).first()


def _change_service(
    service: Service,
    change: str | None,
    application: Application | None,
    *,
    by: User,
    at: datetime,
    reason: str,
) -> Confirmation:
    undo_base = reverse("reported-services:detail", args=[service.pk]) + "act/?undo="
    match change:
        case "claim":
            if application is None:
                raise DomainError("Select the application, by its slug or its name.")
            link_service(service=service, application=application, by=by, at=at, reason=reason)
            return Confirmation(
                f"{service.name} is linked to {application.name}; its earlier calls count, too.",
                f"{undo_base}unclaim",
            )
        case "unclaim":
            linked = service.application
            unlink_service(service=service, by=by, at=at, reason=reason)
            return Confirmation(
                f"{service.name} is no longer linked to an application.",
                f"{undo_base}claim&application={linked.slug}" if linked is not None else None,
            )
        case "ignore":
            ignore_service(service=service, by=by, reason=reason)
            return Confirmation(f"{service.name} is ignored.", f"{undo_base}heed")
        case "heed":
            unignore_service(service=service, by=by, at=at, reason=reason)
            return Confirmation(f"{service.name} is no longer ignored.", f"{undo_base}ignore")
    raise DomainError("Select a response.")


@require_POST
def link_services(request: HttpRequest) -> HttpResponse:
    """Link the selected services to one application, or each to its proposal; `?undo=` removes such
    links."""
    user = signed_in_user(request)
    is_undo = "undo" in request.GET
    accepted_pk = request.POST.get("accept", "")
    is_accepting = bool(accepted_pk) or request.POST.get("action") == "accept"

    def select(_form: forms.Form) -> tuple[list[Any], Application | None]:
        if is_undo:
            return _select_services(request.GET.getlist("pick"), user), None
        raw_pks = [accepted_pk] if accepted_pk else request.POST.getlist("pick")
        services = _select_services(raw_pks, user)
        name = request.POST.get("application", "").strip()
        return services, None if is_accepting else _find_editable(name, user)

    def link(selected: tuple[list[Any], Application | None]) -> Confirmation:
        # each link is a transaction of its own: it locks services, then applications, then the
        # queue of observations, and several in one transaction could deadlock with other changes
        services, application = selected
        if is_undo:
            return _unlink_services(services, user)
        return _link_services(services, application, user)

    return action_view(
        request,
        action=select,
        done=link,
        back=return_path(request, reverse("reported-services:list")),
    )


def _select_services(raw_pks: list[str], user: User) -> list[Any]:
    """Return the services with their proposals."""
    pks = [
        int(raw_pk)
        for raw_pk in raw_pks[:MAX_SELECTED]
        if raw_pk.isdecimal() and len(raw_pk) < MAX_ID_DIGITS
    ]
    services = Service.objects.visible_to(user).filter(pk__in=pks)
    rows = list(_annotate_proposals(services, user).order_by("pk"))
    if not rows:
        raise DomainError("Select the services to link.")
    return rows


def _find_editable(name: str, user: User) -> Application:
    applications = _editable_applications(user).filter(Q(slug=name) | Q(name__iexact=name))
    application = applications.first() if name else None
    if application is None:
        raise DomainError("Select an application that you can edit, by its slug or its name.")
    return application


def _link_services(rows: list[Any], chosen: Application | None, user: User) -> Confirmation:
    """Link the services to the chosen application, or without one each to its proposal."""
    at = now()
    slugs = {row.proposed_slug for row in rows if _build_proposal(row)}
    proposed_applications = {
        application.slug: application
        for application in _editable_applications(user).filter(slug__in=slugs)
    }
    linked_ids: list[int] = []
    n_barred = n_left = 0
    for row in rows:
        application = chosen or (
            proposed_applications.get(row.proposed_slug) if _build_proposal(row) else None
        )
        if application is None or not _is_pending(row):
            n_left += 1
        elif tokens_losing_access(
            [namesake.pk for namesake in same_name_services(row, user)],
            application=application,
            at=at,
        ):
            n_barred += 1
        else:
            try:
                link_service(service=row, application=application, by=user, at=at)
                linked_ids.append(row.pk)
            except (IntakePermissionError, InvalidStateError):
                n_left += 1
    return _confirm_links(linked_ids, n_barred=n_barred, n_left=n_left)


def _unlink_services(rows: list[Any], user: User) -> Confirmation:
    n_done = 0
    for row in rows:
        try:
            unlink_service(service=row, by=user, at=now())
            n_done += 1
        except IntakePermissionError:
            continue
    message = pluralize(
        n_done,
        "{n} reported service is no longer linked.",
        "{n} reported services are no longer linked.",
    )
    return Confirmation(message.format(n=number(n_done)))


def _confirm_links(linked_ids: list[int], *, n_barred: int, n_left: int) -> Confirmation:
    """Return how many services were linked, with an undo, and how many were not.

    `n_barred`: a token of theirs may not write to the application. `n_left`: no application is
    proposed, or they are linked or ignored already.
    """
    message, undo, refusals = "", None, []
    if linked_ids:
        message = pluralize(
            len(linked_ids),
            "{n} reported service is linked; its earlier calls count, too.",
            "{n} reported services are linked; their earlier calls count, too.",
        ).format(n=number(len(linked_ids)))
        query = urlencode([("undo", "1"), *(("pick", pk) for pk in linked_ids)])
        undo = f"{reverse('reported-services:bulk-link')}?{query}"
    if n_barred:
        barred = pluralize(
            n_barred,
            "{n} reported service was not linked: a token that was used lately may not write to the"
            " application, and its calls would be dropped. Open the service to see which token, or"
            " to link it anyway.",
            "{n} reported services were not linked: tokens that were used lately may not write to"
            " the application, and their calls would be dropped. Open each service to see which"
            " token, or to link it anyway.",
        )
        refusals.append(barred.format(n=number(n_barred)))
    if n_left:
        left = pluralize(
            n_left,
            "{n} reported service was not changed: no application is proposed for it, or it is"
            " linked or ignored already.",
            "{n} reported services were not changed: no application is proposed for them, or they"
            " are linked or ignored already.",
        )
        refusals.append(left.format(n=number(n_left)))
    return Confirmation(message, undo, refusals=refusals)

"""Reported services by the names that they give themselves: linked to an application, ignored, or
pending."""

import re
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
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
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList, csv_response
from apps.web.pages.page import Headline, render_page
from apps.web.views.intake import presenters
from apps.web.views.undo import return_path
from apps.web.wording import ago, number

STATES = (
    ("waiting", "Waiting"),
    ("claimed", "Claimed"),
    ("ignored", "Ignored"),
)
MAX_NAMES = 4
MAX_ROWS = 50
MAX_PROPOSALS = 6
# of a sheet of the list
MAX_SELECTED = 200
MAX_ID_DIGITS = 19


class LinkProposal(NamedTuple):
    """Proposed application whose slug is the service's name, or the last part of it; the user may
    edit it."""

    slug: str
    name: str


def _found(request: HttpRequest) -> tuple[ServiceFilter, QuerySet[Any]]:
    asked = request.GET.copy()
    if "state" not in request.GET:
        asked["state"] = "waiting"
    user = signed_in_user(request)
    found = ServiceFilter(asked, Service.objects.visible_to(user), request=request)
    return found, _with_proposals(found.qs, user).order_by("-last_seen_at", "pk")


def _with_proposals(services: QuerySet[Service], user: User) -> QuerySet[Any]:
    """With calls dropped, and slug and name of the proposed application; in the statement that
    reads the rows."""
    last_part = Func(
        F("name"), Value("^.*/"), Value(""), function="regexp_replace", output_field=CharField()
    )
    proposed = _editable(user).filter(slug=Lower(OuterRef("last_part")))
    return services.select_related("application").annotate(
        last_part=last_part,
        proposed_slug=Subquery(proposed.values("slug")[:1]),
        proposed_name=Subquery(proposed.values("name")[:1]),
        dropped_calls=dropped_calls(),
    )


def _editable(user: User) -> QuerySet[Application]:
    """Applications in use that `user` may edit."""
    found = Application.objects.visible_to(user).exclude(status=Application.Status.RETIRED)
    found = found.filter(merged_into__isnull=True)
    return found if user.is_governance else found.filter(team__in=editable_teams(user=user))


def _proposal(service: Any) -> LinkProposal | None:
    """Of a row of `_with_proposals` that waits for its application."""
    if service.proposed_slug is None or service.application_id is not None or service.is_ignored:
        return None
    return LinkProposal(service.proposed_slug, service.proposed_name)


@require_safe
def service_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _found(request)
    listing = PaginatedList(request, queryset)
    called = _called([row.pk for row in listing.rows])
    return render_page(
        request,
        "intake/services.html",
        fragment="listing",
        title="Senders",
        counts="Names that senders give themselves, each counted once",
        sentence=_sentence(listing, request),
        filters=build_filter_controls(
            request,
            found,
            [
                FilterControl("q", "Name contains", "search"),
                FilterControl("state", "State", choices=STATES),
            ],
            default_values={"state": "waiting"},
        ),
        listing=listing,
        rows=[(row, *called.get(row.pk, ((), 0)), _proposal(row)) for row in listing.rows],
        links=_may_link(signed_in_user(request)) and any(_waits(row) for row in listing.rows),
    )


def _may_link(user: User) -> bool:
    return user.is_governance or any(
        rank >= TeamRole.EDITOR.rank for rank in user.team_roles().values()
    )


def _waits(row: Service) -> bool:
    return row.application_id is None and not row.is_ignored


def _called(services: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
    """{service: (the first names it calls, how many more)}: one statement."""
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


def _sentence(listing: PaginatedList[Service], request: HttpRequest) -> Headline:
    asked = {name for name, value in request.GET.items() if value and name not in {"page", "print"}}
    if not listing.n_found:
        return Headline(
            "Nothing matches the filters." if asked else "Every sender belongs to an application."
        )
    said = pluralize(listing.n_found, f"{listing.count} sender", f"{listing.count} senders")
    if asked:
        return Headline(f"{said} match the filters.")
    waiting = pluralize(
        listing.n_found,
        "{said} is not linked to an application",
        "{said} are not linked to an application",
    )
    return Headline("", waiting.format(said=said), ". Their calls count once they are linked.")


@require_safe
def service_csv(request: HttpRequest) -> StreamingHttpResponse:
    _filterset, queryset = _found(request)
    return csv_response(
        "senders-by-name",
        ["name", "names of", "application", "ignored", "first seen", "last seen", "calls dropped"],
        queryset.iterator(chunk_size=1000),
        lambda row: [
            row.name,
            row.scope,
            row.application.slug if row.application else "",
            row.is_ignored,
            row.first_seen_at,
            row.last_seen_at,
            row.dropped_calls,
        ],
    )


@require_safe
def service_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one reported service: what it calls, and which applications it may belong to."""
    user = signed_in_user(request)
    this = get_object_or_404(
        Service.objects.visible_to(user).select_related("application__team", "first_token__user"),
        pk=pk,
    )
    rows = list(
        Observation.objects.filter(service=this)
        .select_related("offering__host", "served_version")
        .order_by("-last_seen_at", "-pk")[:MAX_ROWS]
    )
    own = this.first_token is not None and this.first_token.user_id == user.pk
    alike = list(same_name_services(this, user))
    tokens = tokens_of([each.pk for each in alike], application=this.application)
    asked = _asked(request, user) if this.application is None and not this.is_ignored else None
    return render_page(
        request,
        "intake/service.html",
        title=this.name,
        crumbs=(
            ("Seen in use", reverse("connections:list")),
            ("Senders", reverse("reported-services:list")),
        ),
        counts="Sightings under this name",
        sentence=_of_one(this, len({row.requested or row.served or row.alias for row in rows})),
        service=this,
        names_of=presenters.sender_name(this.scope) if this.scope else "",
        endpoints=[presenters.endpoint_name(each.scope) for each in alike],
        tokens=tokens,
        dropping=[
            _dropped(each, this.application)
            for each in tokens
            if each.drops and this.application is not None
        ],
        asked=asked,
        to_be_dropped=tokens_losing_access([each.pk for each in alike], application=asked, at=now())
        if asked
        else (),
        rows=[
            (row, presenters.sender_name(row.stream), presenters.OBSERVED[row.state])
            for row in rows
        ],
        likely=likely_applications(this, user)
        if this.application is None and not this.is_ignored
        else (),
        may_claim=_may_link(user),
        may_unclaim=this.application is not None
        and user.may(TeamRole.EDITOR, this.application.team_id),
        may_ignore=user.is_governance or own,
    )


def _asked(request: HttpRequest, user: User) -> Application | None:
    """The application that the reader is about to link, of `?link=`."""
    slug = request.GET.get("link", "")
    return _editable(user).select_related("team").filter(slug=slug).first() if slug else None


def _dropped(sending: SendingToken, application: Application) -> str:
    """How many calls of a token were dropped, and what to do about it."""
    row = sending.row
    said = pluralize(
        row.n_dropped,
        "{n} call dropped {when}: the user of token {token} ({prefix}…), {user}, may not edit"
        " {application}. Give {user} the editor role on {team}, or give the sender a token of one"
        " of its editors.",
        "{n} calls dropped, the last of them {when}: the user of token {token} ({prefix}…),"
        " {user}, may not edit {application}. Give {user} the editor role on {team}, or give the"
        " sender a token of one of its editors.",
    )
    return said.format(
        n=number(row.n_dropped),
        when=ago(row.last_dropped_at, at=now()) if row.last_dropped_at else "",
        token=row.token.name,
        prefix=row.token.prefix,
        user=row.token.user,
        application=application.name,
        team=application.team.name,
    )


def _of_one(this: Service, n: int) -> Headline:
    if this.is_ignored:
        return Headline(f"{this.name} is marked as none of ours. Its calls are not counted.")
    if this.application is not None:
        return Headline(f"{this.name} is linked to {this.application.name}.")
    calls = pluralize(n, f"It calls {n} model.", f"It calls {n} models.")
    return Headline(f"{this.name} is not linked to an application. {calls}")


def likely_applications(service: Service, user: User) -> list[Application]:
    """Return applications in use whose name shares a word with the service's, among those the user
    may edit."""
    parts = set(re.split(r"[^a-z0-9]+", service.name.lower()))
    wanted = sorted(
        (part for part in parts if len(part) > 3 and part not in _COMMON), key=len, reverse=True
    )[:4]
    if not wanted:
        return []
    alike = Q()
    for part in wanted:
        alike |= Q(name__icontains=part) | Q(slug__icontains=part)
    found = (
        Application.objects.visible_to(user)
        .filter(alike)
        .exclude(status=Application.Status.RETIRED)
    )
    if not user.is_governance:
        found = found.filter(team__in=editable_teams(user=user))
    rows = list(found.select_related("team").order_by("name", "pk")[: 4 * MAX_PROPOSALS])
    rows.sort(key=lambda row: -sum(part in f"{row.name} {row.slug}".lower() for part in wanted))
    return rows[:MAX_PROPOSALS]


_COMMON = frozenset(
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
    this = get_object_or_404(
        Service.objects.visible_to(user).select_related("application", "first_token"), pk=pk
    )
    action, reason = request.POST.get("action"), request.POST.get("reason", "").strip()[:500]
    here = reverse("reported-services:detail", args=[pk])
    undo = here + "act/?undo="
    was = this.application
    try:
        match action or request.GET.get("undo"):
            case "claim":
                name = (
                    request.POST.get("other", "").strip()
                    or request.POST.get("application", "").strip()
                )
                name = name or request.GET.get("application", "")
                application = (
                    Application.objects.visible_to(user)
                    .filter(Q(slug=name) | Q(name__iexact=name))
                    .first()
                )
                if application is None:
                    flash_error(
                        request,
                        "Select the application, by its slug or its name.",
                    )
                    return redirect(here)
                alike = [each.pk for each in same_name_services(this, user)]
                if not request.POST.get("anyway") and tokens_losing_access(
                    alike, application=application, at=at
                ):
                    return redirect(f"{here}?{urlencode({'link': application.slug})}#h-whose")
                link_service(service=this, application=application, by=user, at=at, reason=reason)
                said = "{name} is {application}; what it called before counts for it, too."
                said = said.format(name=this.name, application=application.name)
                flash_success(request, said, undo=f"{undo}unclaim")
            case "unclaim":
                unlink_service(service=this, by=user, at=at, reason=reason)
                back = f"{undo}claim&application={was.slug}" if was is not None else None
                flash_success(
                    request, f"{this.name} is waiting for an application again.", undo=back
                )
            case "ignore":
                ignore_service(service=this, by=user, reason=reason)
                flash_success(request, f"{this.name} is ignored.", undo=f"{undo}heed")
            case "heed":
                unignore_service(service=this, by=user, at=at, reason=reason)
                flash_success(request, f"{this.name} is no longer ignored.", undo=f"{undo}ignore")
            case _:
                flash_error(request, "Select a response.")
    except IntakePermissionError as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except InvalidStateError as not_now:
        flash_error(request, str(not_now))
    return redirect(here)


@require_POST
def link_services(request: HttpRequest) -> HttpResponse:
    """Link the selected services to one application, or each to its proposal; `?undo=` removes such
    links."""
    user, at = signed_in_user(request), now()
    back = return_path(request, reverse("reported-services:list"))
    is_undo = "undo" in request.GET
    one = request.POST.get("accept", "")
    picked = (
        request.GET.getlist("pick") if is_undo else [one] if one else request.POST.getlist("pick")
    )
    picks = [
        int(pick)
        for pick in picked[:MAX_SELECTED]
        if pick.isdecimal() and len(pick) < MAX_ID_DIGITS
    ]
    rows: list[Any] = list(
        _with_proposals(Service.objects.visible_to(user).filter(pk__in=picks), user).order_by("pk")
    )
    if not rows:
        flash_error(request, "Select the services to link.")
        return redirect(back)
    if is_undo:
        _take_back(request, rows, user)
        return redirect(back)
    chosen: Application | None = None
    if not one and request.POST.get("action") != "accept":
        name = request.POST.get("application", "").strip()
        chosen = (
            _editable(user).filter(Q(slug=name) | Q(name__iexact=name)).first() if name else None
        )
        if chosen is None:
            flash_error(
                request,
                "Select an application that you can edit, by its slug or its name.",
            )
            return redirect(back)
    slugs = {row.proposed_slug for row in rows if _proposal(row)}
    proposed = {each.slug: each for each in _editable(user).filter(slug__in=slugs)}
    linked: list[int] = []
    n_barred = n_left = 0
    for row in rows:
        application = chosen or (proposed.get(row.proposed_slug) if _proposal(row) else None)
        if application is None or not _waits(row):
            n_left += 1
        elif tokens_losing_access(
            [each.pk for each in same_name_services(row, user)], application=application, at=at
        ):
            n_barred += 1
        else:
            try:
                link_service(service=row, application=application, by=user, at=at)
                linked.append(row.pk)
            except (IntakePermissionError, InvalidStateError):
                n_left += 1
    _tell_linked(request, linked, n_barred=n_barred, n_left=n_left)
    return redirect(back)


def _take_back(request: HttpRequest, rows: list[Service], user: User) -> None:
    n_done = 0
    for row in rows:
        try:
            unlink_service(service=row, by=user, at=now())
            n_done += 1
        except IntakePermissionError:
            continue
    said = pluralize(
        n_done,
        "{n} sender waits for its application again.",
        "{n} senders wait for their application again.",
    )
    flash_success(request, said.format(n=number(n_done)))


def _tell_linked(request: HttpRequest, linked: list[int], *, n_barred: int, n_left: int) -> None:
    if linked:
        said = pluralize(
            len(linked),
            "{n} sender is linked; what it called before counts, too.",
            "{n} senders are linked; what they called before counts, too.",
        )
        picks = urlencode([("undo", "1"), *(("pick", pk) for pk in linked)])
        flash_success(
            request,
            said.format(n=number(len(linked))),
            undo=f"{reverse('reported-services:bulk-link')}?{picks}",
        )
    if n_barred:
        said = pluralize(
            n_barred,
            "{n} sender was not linked: a token that sent lately may not write to the"
            " application, and its calls would be dropped. Open the sender to see which token, or"
            " to link it anyway.",
            "{n} senders were not linked: tokens that sent lately may not write to the"
            " application, and their calls would be dropped. Open each sender to see which token,"
            " or to link it anyway.",
        )
        flash_error(request, said.format(n=number(n_barred)))
    if n_left:
        said = pluralize(
            n_left,
            "{n} sender was left as it is: no application is proposed for it, or it is linked or "
            "ignored already.",
            "{n} senders were left as they are: no application is proposed for them, or they are"
            " linked or ignored already.",
        )
        flash_error(request, said.format(n=number(n_left)))

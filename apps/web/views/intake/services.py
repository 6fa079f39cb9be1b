"""Senders by the names they give themselves: claimed for an application, ignored, or waiting for somebody to say."""

import re

from django.contrib.postgres.aggregates import ArrayAgg
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.carrying import NotNow, NotYours
from apps.intake.claiming import claim_service, heed_service, ignore_service, unclaim_service
from apps.intake.filters import ServiceFilter
from apps.intake.models import Observation, Service
from apps.intake.queries import ASKED
from apps.inventory.models import Application
from apps.inventory.queries import teams_editable_by
from apps.web.filtering import Control, filters
from apps.web.forms import signed_in
from apps.web.listing import Listing, csv_answer
from apps.web.page import Sentence, page
from apps.web.saying import refuse, say
from apps.web.views.intake import words

STATES = (
    ("waiting", gettext_lazy("Waiting")), ("claimed", gettext_lazy("Claimed")), ("ignored", gettext_lazy("Ignored")),
)  # fmt: skip
MOST_NAMES = 4
MOST_SHOWN = 50
MOST_LIKELY = 6


def _found(request: HttpRequest) -> tuple[ServiceFilter, QuerySet[Service]]:
    asked = request.GET.copy()
    if "state" not in request.GET:
        asked["state"] = "waiting"
    found = ServiceFilter(asked, Service.objects.visible_to(signed_in(request)), request=request)
    return found, found.qs.select_related("application").order_by("-last_seen_at", "pk")


@require_safe
def service_list(request: HttpRequest) -> HttpResponse:
    found, queryset = _found(request)
    listing = Listing(request, queryset)
    called = _called([row.pk for row in listing.rows])
    return page(
        request,
        "intake/services.html",
        fragment="listing",
        title=_("Senders"),
        counts=_("Names that senders give themselves, each counted once"),
        sentence=_sentence(listing, request),
        filters=filters(
            request,
            found,
            [Control("q", _("Name contains"), "search"), Control("state", _("State"), choices=STATES)],
            usual={"state": "waiting"},
        ),
        listing=listing,
        rows=[(row, *called.get(row.pk, ((), 0))) for row in listing.rows],
    )


def _called(services: list[int]) -> dict[int, tuple[tuple[str, ...], int]]:
    """{service: (the first names it calls, how many more)}: one statement."""
    rows = (
        Observation.objects.filter(service__in=services)
        .order_by()
        .values("service")
        .annotate(names=ArrayAgg(ASKED, distinct=True))
    )
    return {
        row["service"]: (tuple(row["names"][:MOST_NAMES]), max(0, len(row["names"]) - MOST_NAMES)) for row in rows
    }  # fmt: skip


def _sentence(listing: Listing[Service], request: HttpRequest) -> Sentence:
    asked = {name for name, value in request.GET.items() if value and name not in {"page", "print"}}
    if not listing.n_found:
        return Sentence(_("Nothing matches the filters.") if asked else _("Every sender belongs to an application."))
    said = ngettext("%(n)s sender", "%(n)s senders", listing.n_found) % {"n": listing.count}
    if asked:
        return Sentence(_("%(said)s match the filters.") % {"said": said})
    ends = ngettext(" is no application that the register knows", " are no applications that the register knows",
                    listing.n_found)  # fmt: skip
    return Sentence("", said + ends, _("; what they call counts for nobody until somebody says whose they are."))


@require_safe
def service_csv(request: HttpRequest) -> StreamingHttpResponse:
    _filterset, queryset = _found(request)
    return csv_answer(
        "senders-by-name",
        ["name", "names of", "application", "ignored", "first seen", "last seen"],
        queryset.iterator(chunk_size=1000),
        lambda row: [
            row.name, row.scope, row.application.slug if row.application else "", row.is_ignored, row.first_seen_at,
            row.last_seen_at,
        ],
    )  # fmt: skip


@require_safe
def sender(request: HttpRequest, pk: int) -> HttpResponse:
    """One sender: what it calls, and whose it may be."""
    user = signed_in(request)
    this = get_object_or_404(
        Service.objects.visible_to(user).select_related("application", "first_token__user"), pk=pk
    )  # fmt: skip
    rows = list(
        Observation.objects.filter(service=this)
        .select_related("offering__host", "served_version")
        .order_by("-last_seen_at", "-pk")[:MOST_SHOWN]
    )
    own = this.first_token is not None and this.first_token.user_id == user.pk
    return page(
        request,
        "intake/service.html",
        title=this.name,
        crumbs=((_("Seen in use"), reverse("intake")), (_("Senders"), reverse("services-seen"))),
        counts=_("Sightings under this name"),
        sentence=_of_one(this, len({row.requested or row.served or row.alias for row in rows})),
        service=this,
        names_of=words.sender(this.scope) if this.scope else "",
        rows=[(row, words.sender(row.stream), words.OBSERVED[row.state]) for row in rows],
        likely=likely(this, user) if this.application is None and not this.is_ignored else (),
        may_claim=user.governs or bool(teams_editable_by(user=user)[:1]),
        may_unclaim=this.application is not None and user.may(TeamRole.EDITOR, this.application.team_id),
        may_ignore=user.governs or own,
    )


def _of_one(this: Service, n: int) -> Sentence:
    if this.is_ignored:
        return Sentence(
            _("%(name)s is none of ours, somebody said: what it does is not looked at.") % {"name": this.name}
        )
    if this.application is not None:
        return Sentence(_("%(name)s is %(application)s.") % {"name": this.name, "application": this.application.name})
    calls = ngettext("It calls %(n)s model.", "It calls %(n)s models.", n) % {"n": n}
    return Sentence(_("Whose is %(name)s? %(calls)s") % {"name": this.name, "calls": calls})


def likely(service: Service, user: User) -> list[Application]:
    """Applications in use whose name shares a word with the sender's, among those the reader may edit."""
    parts = set(re.split(r"[^a-z0-9]+", service.name.lower()))
    wanted = sorted((part for part in parts if len(part) > 3 and part not in _COMMON), key=len, reverse=True)[:4]
    if not wanted:
        return []
    alike = Q()
    for part in wanted:
        alike |= Q(name__icontains=part) | Q(slug__icontains=part)
    found = Application.objects.visible_to(user).filter(alike).exclude(status=Application.Status.RETIRED)
    if not user.governs:
        found = found.filter(team__in=teams_editable_by(user=user))
    rows = list(found.select_related("team").order_by("name", "pk")[: 4 * MOST_LIKELY])
    rows.sort(key=lambda row: -sum(part in f"{row.name} {row.slug}".lower() for part in wanted))
    return rows[:MOST_LIKELY]


_COMMON = frozenset(
    {"service", "server", "prod", "production", "staging", "backend", "default", "team", "main", "test"}
)


@require_POST
def act_on_service(request: HttpRequest, pk: int) -> HttpResponse:
    """Claim, take the claim back, ignore, look at it again."""
    user, at = signed_in(request), now()
    this = get_object_or_404(
        Service.objects.visible_to(user).select_related("application", "first_token"), pk=pk
    )  # fmt: skip
    action, reason = request.POST.get("action"), request.POST.get("reason", "").strip()[:500]
    here = reverse("service-seen", args=[pk])
    undo = here + "act/?undo="
    was = this.application
    try:
        match action or request.GET.get("undo"):
            case "claim":
                name = request.POST.get("other", "").strip() or request.POST.get("application", "").strip()
                name = name or request.GET.get("application", "")
                application = Application.objects.visible_to(user).filter(Q(slug=name) | Q(name__iexact=name)).first()
                if application is None:
                    refuse(request, _("Choose the application it is: one that you see, by its short name or its name."))
                    return redirect(here)
                claim_service(service=this, application=application, by=user, at=at, reason=reason)
                said = _("%(name)s is %(application)s; what it called before counts for it, too.")
                said %= {"name": this.name, "application": application.name}
                say(request, said, undo=f"{undo}unclaim")
            case "unclaim":
                unclaim_service(service=this, by=user, at=at, reason=reason)
                back = f"{undo}claim&application={was.slug}" if was is not None else None
                say(request, _("%(name)s waits for its application again.") % {"name": this.name}, undo=back)
            case "ignore":
                ignore_service(service=this, by=user, reason=reason)
                say(request, _("%(name)s is not looked at any more.") % {"name": this.name}, undo=f"{undo}heed")
            case "heed":
                heed_service(service=this, by=user, at=at, reason=reason)
                say(request, _("%(name)s is looked at again.") % {"name": this.name}, undo=f"{undo}ignore")
            case _:
                refuse(request, _("Choose what to do with it."))
    except NotYours as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except NotNow as not_now:
        refuse(request, str(not_now))
    return redirect(here)

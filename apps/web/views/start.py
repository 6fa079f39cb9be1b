"""The first steps of a new register: a feed, an inventory, what runs, the team; each leads to where
it is done."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Membership, User
from apps.catalog.models import Source
from apps.common.time import now
from apps.intake.models import Observation
from apps.inventory.models import Application, Dependency
from apps.web.forms import signed_in
from apps.web.page import Sentence, page
from apps.web.views.intake.words import sender
from apps.web.wording import ago, counted, number


@dataclass(frozen=True, slots=True)
class Step:
    """`stands` says what is there; `links` are (words, address), the first one the next thing to
    do."""

    name: str
    why: str
    stands: str
    is_done: bool
    links: tuple[tuple[str, str], ...]


def steps_for(user: User) -> tuple[Step, ...]:
    """Six statements."""
    return _feed(user), _inventory(user), _connect(user), _team(user)


def _feed(user: User) -> Step:
    polled = Source.objects.polled().from_outside().visible_to(user)
    n, fresh = polled.count(), polled.filter(poll_state__last_success_at__isnull=False).count()
    if fresh:
        stands = f"{number(fresh)} of {number(n)} feeds answered at least once."
    else:
        stands = (
            f"None of {counted(n, 'feed')} has answered yet. Pages show the built-in catalogue"
            " meanwhile; the gate cannot decide."
        )
    links = [("See the feeds and poll one now", reverse("feeds:list"))]
    return Step(
        "Connect a feed",
        "Retirement dates and prices come from feeds that are polled by themselves.",
        stands,
        fresh > 0,
        tuple(links),
    )


def _inventory(user: User) -> Step:
    n = Application.objects.visible_to(user).order_by()[:1001].count()
    uses = Dependency.objects.visible_to(user).order_by()[:1].count()
    count = "1,000+" if n > 1000 else str(n)
    if not n:
        stands = "No application is registered yet."
    elif uses:
        stands = f"{count} registered, with what they call."
    else:
        stands = f"{count} registered, but none says what it calls."
    return Step(
        "Import an inventory",
        "What you run, and which models each of it calls: from the sheet you have.",
        stands,
        bool(n and uses),
        (
            ("Import a sheet", reverse("imports:list")),
            ("Register one by hand", reverse("applications:create")),
        ),
    )


def _connect(user: User) -> Step:
    seen = (
        Observation.objects.visible_to(user)
        .order_by("-last_seen_at")[:1]
        .values_list("stream", "last_seen_at")
    )
    found = next(iter(seen), None)
    stands = (
        f"{sender(found[0])} showed something {ago(found[1], at=now())}."
        if found
        else "Nothing is connected yet: what is declared is held against nothing that was seen."
    )
    return Step(
        "Connect what runs",
        "Traces, gateways and pipelines show what is really called, and correct the sheet.",
        stands,
        found is not None,
        (("See how, with the lines to copy", reverse("connections:list")),),
    )


def _team(user: User) -> Step:
    people = User.objects.people().filter(is_active=True).count() if user.can_read_all else 0
    members = (
        Membership.objects.filter(user__is_active=True).exclude(user=user).order_by()[:1].count()
    )
    stands = (
        f"{counted(people, 'person', 'people').capitalize()} may sign in."
        if people > 1
        else "You are alone here."
    )
    links = [("Teams and roles", reverse("teams:list"))]
    if user.is_administrator:
        links.insert(0, ("Invite a person", reverse("users:invite")))
    return Step(
        "Invite the team",
        "Owners hear in time only if they are here, or their team has a mailbox.",
        stands,
        members > 0,
        tuple(links),
    )


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    user = signed_in(request)
    steps = steps_for(user)
    left = [step for step in steps if not step.is_done]
    return page(
        request,
        "start/start.html",
        title="First steps",
        counts="What you may see",
        sentence=_sentence(left),
        steps=steps,
    )


def _sentence(left: list[Step]) -> Sentence:
    if not left:
        return Sentence("All four steps are done: the register fills and tells by itself.")
    return Sentence(
        f"{counted(len(left), 'step').capitalize()} before the register speaks; next: "
        f"{left[0].name.lower()}."
    )

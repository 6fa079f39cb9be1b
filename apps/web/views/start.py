"""Get started page of a new registry: an inventory, a feed, usage data, the team; each step links
to the page where it is done."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import Membership, User
from apps.catalog.models import Source
from apps.common.time import now
from apps.intake.models import Observation
from apps.inventory.models import Application, Dependency
from apps.web.pages.form_fields import can_import, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.intake.presenters import sender_name
from apps.web.wording import ago, bounded_number, count_of, number

MAX_COUNTED_APPLICATIONS = 1_000


@dataclass(frozen=True, slots=True)
class SetupStep:
    """Setup step. `stands` describes the current state; `links` are (label, URL), the next action
    first."""

    name: str
    why: str
    stands: str
    is_done: bool
    links: tuple[tuple[str, str], ...]
    # the form to upload a spreadsheet is part of the step
    has_upload: bool = False


def setup_steps(user: User) -> tuple[SetupStep, ...]:
    """Return the steps; six statements."""
    return _inventory_step(user), _feed_step(user), _usage_step(user), _team_step(user)


def _feed_step(user: User) -> SetupStep:
    """Return the step of connecting feeds, done once one was polled."""
    polled = Source.objects.polled().from_outside().visible_to(user)
    n_feeds, n_polled = (
        polled.count(),
        polled.filter(poll_state__last_success_at__isnull=False).count(),
    )
    if n_polled:
        status = f"{number(n_polled)} of {number(n_feeds)} feeds were polled successfully."
    else:
        status = (
            f"None of {count_of(n_feeds, 'feed')} was polled successfully yet. Pages show the "
            "built-in catalogue until then, and the release gate cannot decide."
        )
    links = [("View feeds", reverse("feeds:list"))]
    return SetupStep(
        "Connect a feed",
        "Feeds report retirement dates and prices. They are polled automatically.",
        status,
        n_polled > 0,
        tuple(links),
    )


def _inventory_step(user: User) -> SetupStep:
    """Return the step of importing an inventory, done once applications have dependencies."""
    n = Application.objects.visible_to(user).order_by()[: MAX_COUNTED_APPLICATIONS + 1].count()
    uses = Dependency.objects.visible_to(user).order_by()[:1].count()
    count = bounded_number(n, MAX_COUNTED_APPLICATIONS)
    if not n:
        status = "No applications registered yet."
    elif uses:
        status = f"Registered applications: {count}, with dependencies."
    else:
        status = f"Registered applications: {count}, none with dependencies."
    return SetupStep(
        "Import an inventory",
        "Upload the spreadsheet that you have, as it is. Nothing is saved before you confirm.",
        status,
        bool(n and uses),
        (
            ("Import spreadsheet", reverse("imports:list")),
            ("Download template", reverse("imports:template")),
            ("Download example", reverse("imports:example")),
            ("Register application", reverse("applications:create")),
        ),
        has_upload=not (n and uses) and can_import(user),
    )


def _usage_step(user: User) -> SetupStep:
    """Return the step of connecting usage data, done once usage was observed."""
    observations = (
        Observation.objects.visible_to(user)
        .order_by("-last_seen_at")[:1]
        .values_list("stream", "last_seen_at")
    )
    latest = next(iter(observations), None)
    status = (
        f"{sender_name(latest[0])} last reported usage {ago(latest[1], at=now())}."
        if latest
        else "No connections yet. Declared usage is not compared with calls."
    )
    return SetupStep(
        "Connect usage data",
        "Traces, gateways and pipelines report which models are called.",
        status,
        latest is not None,
        (("Set up connection", reverse("connections:list")),),
    )


def _team_step(user: User) -> SetupStep:
    """Return the step of inviting the team, done once others have joined."""
    n_people = User.objects.people().filter(is_active=True).count() if user.can_read_all else 0
    n_members = (
        Membership.objects.filter(user__is_active=True).exclude(user=user).order_by()[:1].count()
    )
    status = (
        f"{count_of(n_people, 'person', 'people').capitalize()} can sign in."
        if n_people > 1
        else "No other user can sign in."
    )
    links = [("View teams", reverse("teams:list"))]
    if user.is_administrator:
        links.insert(0, ("Invite user", reverse("users:invite")))
    return SetupStep(
        "Invite the team",
        "Owners are notified only if they have an email address, or their team has a mailbox.",
        status,
        n_members > 0,
        tuple(links),
    )


@require_safe
def setup_page(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    steps = setup_steps(user)
    open_steps = [step for step in steps if not step.is_done]
    return render_page(
        request,
        "start/start.html",
        title="Setup steps",
        counts="Records that you can view",
        sentence=_build_headline(open_steps),
        steps=steps,
    )


def _build_headline(open_steps: list[SetupStep]) -> Headline:
    if not open_steps:
        return Headline("All 4 setup steps are done.")
    return Headline(
        f"{count_of(len(open_steps), 'setup step').capitalize()} left. Next: "
        f"{open_steps[0].name.lower()}."
    )

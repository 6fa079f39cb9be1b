"""Release gate of one application: today's decision, the runs of its pipelines, and how to call the
gate."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import now
from apps.gate.formats.snippets import load_client, pipeline_snippets
from apps.gate.models import GateRun, Waiver
from apps.gate.models.policy import spell_horizon
from apps.gate.rules.definitions import Decision
from apps.gate.rules.evaluation import GateOutcome, evaluate_inventory
from apps.gate.runs import can_use_gate, normalise_environment
from apps.inventory.models import Application
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.gate.presenters import DECISION_MARKS, DECISIONS, finding_row, order_by_severity
from apps.web.views.gate.waivers import describe_waiver_state

MAX_RUNS = 15


@require_safe
def application_gate(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what the release gate would decide today about everything the application uses."""
    user = signed_in_user(request)
    application = get_object_or_404(
        Application.objects.visible_to(user).select_related("team"), slug=slug
    )
    at = now()
    environment = normalise_environment(request.GET.get("environment", "")) or "production"
    outcome = evaluate_inventory(application=application, environment=environment, at=at)
    runs = list(
        GateRun.objects.filter(application=application)
        .defer("question", "evaluated")
        .select_related("by")
        .order_by("-pk")[:MAX_RUNS]
    )
    waivers = (
        Waiver.objects.filter(application=application)
        .select_related("requested_by", "decided_by")
        .order_by("-pk")
    )
    return render_page(
        request,
        "gate/application.html",
        title=f"{application.name}: release gate",
        crumbs=(
            ("Release gate", reverse("gate-runs:list")),
            (application.name, reverse("applications:detail", args=[application.slug])),
        ),
        counts="Declared dependencies",
        as_of=at,
        application=application,
        environment=environment,
        outcome=outcome,
        horizon=spell_horizon(outcome.horizon),
        decision=DECISIONS[outcome.decision],
        mark=DECISION_MARKS[outcome.decision],
        sentence=_build_headline(application, outcome, environment),
        rows=order_by_severity(
            finding_row(finding, application.slug) for finding in outcome.findings
        ),
        n_asked=len(outcome.requested),
        runs=[(run, DECISIONS[run.decision], DECISION_MARKS[run.decision]) for run in runs],
        waivers=[(waiver, *describe_waiver_state(waiver, at)) for waiver in waivers[:MAX_RUNS]],
        snippets=pipeline_snippets(
            url=settings.PUBLIC_URL, application=application.slug, environment=environment
        ),
        sha256=load_client().sha256,
        may_ask=can_use_gate(user, application),
    )


def _build_headline(application: Application, outcome: GateOutcome, environment: str) -> Headline:
    """Return the headline: whether a release to the environment would be allowed."""
    if not outcome.requested:
        return Headline("No dependencies declared, so the gate has nothing to evaluate.")
    names = {"environment": environment, "name": application.name}
    if outcome.decision == Decision.UNKNOWN:
        return Headline("A build with all declared dependencies ", "cannot be evaluated", " today.")
    if outcome.decision == Decision.BLOCK:
        return Headline(
            "A build with all declared dependencies would be ",
            "blocked in {environment}".format(**names),
            " today.",
        )
    if outcome.decision == Decision.WARN:
        return Headline(
            "A build with all declared dependencies would pass in {environment} with "
            "warnings.".format(**names)
        )
    return Headline(
        "A build with all declared dependencies would pass in {environment}.".format(**names)
    )

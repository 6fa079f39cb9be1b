"""Report index: the purpose, audience and completeness of every report."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import now
from apps.reports.figures import inventory_figures, register_figures
from apps.reports.models import EvidencePack
from apps.reports.tables import FillRate
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.reports.headlines import describe_completeness
from apps.web.wording import count_of, share

MAX_PACKS = 5


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """Report of the index. Without `fill` nothing is counted; `files` are (name, URL)."""

    name: str
    url: str
    what: str
    for_whom: str
    fill: FillRate | None
    stands: str
    files: tuple[tuple[str, str], ...] = ()


@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    """Show the reports with how complete each one is."""
    user, at = signed_in_user(request), now()
    register, models = register_figures(user=user, at=at), inventory_figures(user=user, at=at)
    packs = EvidencePack.objects.visible_to(user).select_related(
        "application", "provider", "requested_by"
    )
    latest = list(packs.order_by("-as_of", "-pk")[:MAX_PACKS])
    placeholder = "being counted for the first time"
    offers = [
        ReportSummary(
            "DORA register of information",
            reverse("reports:register"),
            "The AI slice of RT.02, RT.05, RT.06 and RT.07, joinable to your register, with"
            " the rules checked that would reject it.",
            "Supervisor, by way of compliance",
            register.whole if register else None,
            describe_completeness(register.whole) if register else placeholder,
            (("XLSX", reverse("reports:register-xlsx")),),
        ),
        ReportSummary(
            "AI Act component file",
            reverse("component-files:list"),
            "For each application: what the developers of its models owe it (Annex XII), what"
            " was changed, who becomes a provider (Art. 25).",
            "Market surveillance, customers, legal",
            None,
            "one for each application",
        ),
        ReportSummary(
            "Model inventory",
            reverse("reports:model-inventory"),
            "One row for each application and model, with the fields of SR 26-2 (formerly SR"
            " 11-7), SS1/23 and E-23.",
            "Model risk, internal audit",
            models.whole if models else None,
            describe_completeness(models.whole) if models else placeholder,
            (
                ("CSV", reverse("reports:model-inventory-csv")),
                ("XLSX", reverse("reports:model-inventory-xlsx")),
            ),
        ),
        ReportSummary(
            "Evidence pack",
            reverse("evidence-packs:list"),
            "A zip for an application, a provider or everything, over a period: records,"
            " tests, decisions, events with their sources, who was told, history; each file"
            " with its digest.",
            "Auditor",
            None,
            f"latest on {latest[0].as_of.date().isoformat()}" if latest else "none yet",
        ),
        ReportSummary(
            "Board one-pager",
            reverse("reports:board-summary"),
            "One A4 page: the concentration, three figures, one picture, what ends next, what"
            " was done, what to decide.",
            "Board, risk committee",
            None,
            "as of today",
        ),
    ]
    return render_page(
        request,
        "reports/home.html",
        title="Reports",
        counts="Fields of the rows in each report; what does not apply counts neither way",
        as_of=at,
        sentence=_build_headline(register.whole if register else None),
        offers=offers,
        packs=latest,
    )


def _build_headline(register: FillRate | None) -> Headline:
    if register is None or not register.n_rows:
        return Headline(
            "Five reports, each from what the register holds today; what is missing is named."
        )
    if not register.n_missing:
        return Headline("Five reports; nothing is missing from the register of information.")
    fields = count_of(register.n_missing, "field", "fields").capitalize()
    return Headline(
        f"{fields} are missing from the register of information, {share(1 - register.share)} of "
        "what it asks."
    )

"""Report index: the purpose, audience and completeness of every report."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.time import now
from apps.reports.figures import describe_uncounted, inventory_fill, register_fill
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
    register, models = register_fill(user=user, at=at), inventory_fill(user=user, at=at)
    packs = EvidencePack.objects.visible_to(user).select_related(
        "application", "provider", "requested_by"
    )
    latest = list(packs.order_by("-as_of", "-pk")[:MAX_PACKS])
    placeholder = describe_uncounted(user)
    offers = [
        ReportSummary(
            "DORA register of information",
            reverse("reports:register"),
            "The AI part of RT.02, RT.05, RT.06 and RT.07, to join to your register of"
            " information, with the validation rules of the supervisors.",
            "Compliance, supervisors",
            register,
            describe_completeness(register) if register else placeholder,
            (
                ("XLSX", reverse("reports:register-xlsx")),
                *([("Filed form", reverse("reports:filing"))] if user.can_read_all else []),
            ),
        ),
        ReportSummary(
            "AI Act component file",
            reverse("component-files:list"),
            "For each application: documents of the developers (Annex XII), changes to the"
            " models, and the answers on Article 25.",
            "Market surveillance, customers, legal",
            None,
            "1 for each application",
        ),
        ReportSummary(
            "Model inventory",
            reverse("reports:model-inventory"),
            "One row for each application and model, with the fields of SR 26-2 (formerly SR"
            " 11-7), SS1/23 and E-23.",
            "Model risk, internal audit",
            models,
            describe_completeness(models) if models else placeholder,
            (
                ("CSV", reverse("reports:model-inventory-csv")),
                ("XLSX", reverse("reports:model-inventory-xlsx")),
            ),
        ),
        ReportSummary(
            "Evidence pack",
            reverse("evidence-packs:list"),
            "One zip for an application, a provider or the whole organisation, and a period:"
            " records, tests, decisions, events with their sources, notifications and history,"
            " with digests.",
            "Auditor",
            None,
            f"latest on {latest[0].as_of.date().isoformat()}" if latest else "no packs yet",
        ),
        ReportSummary(
            "Board summary",
            reverse("reports:board-summary"),
            "One A4 page: concentration, three figures, next retirements, activity and pending"
            " decisions.",
            "Board, risk committee",
            None,
            "as of today",
        ),
    ]
    return render_page(
        request,
        "reports/home.html",
        title="Reports",
        counts="Fields of each report; fields that do not apply are not counted",
        as_of=at,
        sentence=_build_headline(register),
        offers=offers,
        packs=latest,
    )


def _build_headline(register: FillRate | None) -> Headline:
    if register is None or not register.n_rows:
        return Headline("Five reports use the current data and list missing fields.")
    if not register.n_missing:
        return Headline("The register of information has no missing fields.")
    fields = count_of(register.n_missing, "field", "fields").capitalize()
    return Headline(
        f"{fields} are missing from the register of information, "
        f"{share(1 - register.share)} of all."
    )

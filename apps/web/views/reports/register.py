"""DORA register of information: missing fields, then rule checks, then rows."""

from collections.abc import Iterator
from datetime import datetime

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.actions import change_reporting_entity, reporting_entity
from apps.reports.dora.files import derivation_notes, register_workbook, template_lines
from apps.reports.dora.filing.parameters import (
    DEFAULT_CURRENCY,
    FilingParameters,
    FilingScope,
)
from apps.reports.dora.register import TEMPLATES_BY_SLUG, open_register
from apps.reports.figures import register_figures
from apps.reports.models import ReportingEntity
from apps.reports.tables import ReportTable
from apps.web.pages.action_view import action_view
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, describe_scope, render_page
from apps.web.views.reports.downloads import (
    XLSX,
    attachment,
    limit_table_rows,
    max_rows,
    stream_csv,
)
from apps.web.views.reports.headlines import register_headline, uncounted_headline
from apps.web.views.reports.missing_fields import entry_link


@require_safe
def register_page(request: HttpRequest) -> HttpResponse:
    """Show the DORA register of information: completeness, checks and gaps."""
    user, at = signed_in_user(request), now()
    figures = register_figures(user=user, at=at)
    return render_page(
        request,
        "reports/register.html",
        title="DORA register of information",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Fields of all rows; fields that do not apply are not counted",
        as_of=figures.as_of if figures else at,
        sentence=register_headline(figures)
        if figures
        else uncounted_headline("The register of information", user),
        figures=figures,
        sheets=limit_table_rows(request, figures.sheets) if figures else [],
        lines=entry_link(figures.gaps[: max_rows(request)], user) if figures else [],
        n_lines=len(figures.gaps) if figures else 0,
        notes=derivation_notes(),
        is_office=user.can_read_all,
    )


@require_safe
def register_csv(request: HttpRequest, template: str) -> StreamingHttpResponse:
    """Send all rows of one template."""
    user, at = signed_in_user(request), now()
    table = TEMPLATES_BY_SLUG.get(template)
    if table is None:
        raise Http404
    name = f"dora-{table.code.lower().replace('.', '-')}-{day_of(at)}"
    return stream_csv(_csv_lines(user, table), name)


def _csv_lines(user: User, table: ReportTable) -> Iterator[str]:
    with open_register(user=user, on=day_of(now())) as register:
        yield from template_lines(register, table)


@require_safe
def register_xlsx(request: HttpRequest) -> HttpResponse:
    """Send every template, what is missing and the checks in one workbook."""
    user, at = signed_in_user(request), now()
    if is_long(Application.objects.visible_to(user).in_scope()):
        return redirect_to_file_request(request, "dora-register")
    return attachment(register_body(user=user, at=at), f"dora-register-{day_of(at)}.xlsx", XLSX)


def register_body(*, user: User, at: datetime) -> bytes:
    """Return the register as a workbook, with the check list of a filing for those who can file."""
    filing = (
        FilingParameters(
            reporting_entity(), FilingScope.INDIVIDUAL, day_of(at), DEFAULT_CURRENCY, at
        )
        if user.can_read_all
        else None
    )
    with open_register(user=user, on=day_of(at)) as register:
        return register_workbook(register, as_of=at, for_whom=describe_scope(user), filing=filing)


class EntityForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ReportingEntity
        fields = ("name", "lei", "country")
        labels = {"name": "Legal name", "lei": "LEI", "country": "Country"}

    def clean_lei(self) -> str:
        return str(self.cleaned_data["lei"]).upper()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()


@require_http_methods(["GET", "HEAD", "POST"])
def edit_entity(request: HttpRequest) -> HttpResponse:
    """Edit the reporting entity."""
    user = governance_user(request, "You need the governance role to change the reporting entity.")

    def make_form() -> EntityForm:
        row = reporting_entity()
        return EntityForm(
            request.POST or None,
            instance=row,
            row=None if row._state.adding else reporting_entity(),
        )

    return action_view(
        request,
        form=make_form,
        action=lambda form: change_reporting_entity(
            name=form.cleaned_data["name"],
            lei=form.cleaned_data["lei"],
            country=form.cleaned_data["country"],
            by=user,
        ),
        done="The reporting entity was saved. It fills RT.02.02.0020 and RT.06.01.0040.",
        back=reverse(f"reports:{'filing' if 'filing' in request.GET else 'register'}"),
        page=lambda form: render_page(
            request,
            "reports/form.html",
            title="Reporting entity",
            crumbs=(
                ("Reports", reverse("reports:home")),
                ("DORA register", reverse("reports:register")),
            ),
            as_of=now(),
            sentence=Headline("The legal entity that submits the register of information."),
            form=form,
            button="Save",
        ),
    )

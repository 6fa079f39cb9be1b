"""The DORA register of information: what is missing first, then the rules, then the rows."""

from collections.abc import Iterator
from datetime import datetime

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.actions import change_reporting_entity, reporting_entity
from apps.reports.dora.files import derivation_notes, register_workbook, template_lines
from apps.reports.dora.register import TEMPLATES_BY_SLUG, open_register
from apps.reports.figures import register_figures
from apps.reports.models import ReportingEntity
from apps.reports.tables import ReportTable
from apps.web.editing import SeenMixin
from apps.web.forms import governing, signed_in
from apps.web.long_files import asks_first, is_long
from apps.web.page import Sentence, page, scope_of
from apps.web.saying import say
from apps.web.views.reports.entering import to_enter
from apps.web.views.reports.files import XLSX, attachment, most_lines, shown, streamed
from apps.web.views.reports.sentences import of_register


@require_safe
def register(request: HttpRequest) -> HttpResponse:
    user, at = signed_in(request), now()
    figures = register_figures(user=user, at=at)
    return page(
        request,
        "reports/register.html",
        title="DORA register of information",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Fields of the rows; what does not apply counts neither way",
        as_of=figures.as_of if figures else at,
        sentence=of_register(figures)
        if figures
        else Sentence(
            "The register is being counted for the first time; look again in an hour or two."
        ),
        figures=figures,
        sheets=shown(request, figures.sheets) if figures else [],
        lines=to_enter(figures.gaps[: most_lines(request)], user) if figures else [],
        n_lines=len(figures.gaps) if figures else 0,
        notes=derivation_notes(),
        is_office=user.can_read_all,
    )


@require_safe
def register_csv(request: HttpRequest, template: str) -> StreamingHttpResponse:
    """All rows of one template."""
    user, at = signed_in(request), now()
    table = TEMPLATES_BY_SLUG.get(template)
    if table is None:
        raise Http404
    name = f"dora-{table.code.lower().replace('.', '-')}-{day_of(at)}"
    return streamed(_lines(user, table), name)


def _lines(user: User, table: ReportTable) -> Iterator[str]:
    with open_register(user=user, on=day_of(now())) as found:
        yield from template_lines(found, table)


@require_safe
def register_xlsx(request: HttpRequest) -> HttpResponse:
    """Every template, what is missing and the checks in one workbook."""
    user, at = signed_in(request), now()
    if is_long(Application.objects.visible_to(user).in_scope()):
        return asks_first(request, "dora-register")
    return attachment(register_body(user=user, at=at), f"dora-register-{day_of(at)}.xlsx", XLSX)


def register_body(*, user: User, at: datetime) -> bytes:
    """The workbook."""
    with open_register(user=user, on=day_of(at)) as found:
        return register_workbook(found, as_of=at, for_whom=scope_of(user))


class EntityForm(SeenMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ReportingEntity
        fields = ("name", "lei", "country")
        labels = {"name": "Legal name", "lei": "LEI", "country": "Country"}

    def clean_lei(self) -> str:
        return str(self.cleaned_data["lei"]).upper()

    def clean_country(self) -> str:
        return str(self.cleaned_data["country"]).upper()


@require_http_methods(["GET", "HEAD", "POST"])
def entity(request: HttpRequest) -> HttpResponse:
    user = governing(request, "Who hands the reports in is entered by governance.")
    row = reporting_entity()
    form = EntityForm(
        request.POST or None, instance=row, row=None if row._state.adding else reporting_entity()
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        change_reporting_entity(
            name=said["name"], lei=said["lei"], country=said["country"], by=user
        )
        say(request, "The reporting entity is saved. It fills RT.02.02.0020 and RT.06.01.0040.")
        return redirect("reports:register")
    return page(
        request,
        "reports/form.html",
        title="Reporting entity",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("DORA register", reverse("reports:register")),
        ),
        as_of=now(),
        sentence=Sentence("Who hands the reports in: the legal entity whose register this is."),
        form=form,
        button="Save",
        status=422 if form.is_bound and not form.is_valid() else 200,
    )

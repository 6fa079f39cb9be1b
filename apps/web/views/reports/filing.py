"""DORA register in the form in which it is filed: check list before the download, report package,
and the CSV of each template to merge into a full register."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.actions import reporting_entity
from apps.reports.dora import critical_providers
from apps.reports.dora.critical_providers import Designation, find_designations
from apps.reports.dora.filing.cells import RULE_SOURCES
from apps.reports.dora.filing.check_list import FilingCheckList, FilingFinding, check_filing
from apps.reports.dora.filing.members import CURRENCIES
from apps.reports.dora.filing.package import OFFICE_ONLY, make_package, open_package, template_csv
from apps.reports.dora.filing.parameters import DEFAULT_CURRENCY, FilingParameters, FilingScope
from apps.reports.dora.filing.taxonomy import (
    ENTRY_POINT,
    FILED_BY_SLUG,
    FILED_TEMPLATES,
    FiledTemplate,
)
from apps.reports.dora.register import open_register
from apps.reports.entry_places import place_name
from apps.reports.figures import is_large_portfolio
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.reports.downloads import stream_csv
from apps.web.views.reports.missing_fields import entry_url
from apps.web.wording import count_of

# findings of each template on the page; the workbook lists more
MAX_SHOWN_FINDINGS = 25


class FilingForm(forms.Form):
    """What the package states about itself."""

    scope = forms.ChoiceField(
        choices=[
            (FilingScope.INDIVIDUAL, "Individual (IND)"),
            (FilingScope.CONSOLIDATED, "Consolidated (CON)"),
        ]
    )
    reference_date = forms.DateField(
        label="Reference date", widget=forms.DateInput(attrs={"type": "date"})
    )
    currency = forms.ChoiceField(
        label="Base currency", choices=[(code, code) for code in sorted(CURRENCIES)]
    )

    def __init__(self, data: Mapping[str, str], *, today: date) -> None:
        super().__init__(
            {
                "scope": data.get("scope") or FilingScope.INDIVIDUAL,
                "reference_date": data.get("reference_date") or today,
                "currency": data.get("currency") or DEFAULT_CURRENCY,
            }
        )
        self.today = today

    def clean_reference_date(self) -> date:
        day: date = self.cleaned_data["reference_date"]
        if day > self.today:
            raise forms.ValidationError("The reference date is in the future. Select an earlier.")
        return day


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One line of the check list, with the page where it is corrected."""

    finding: FilingFinding
    url: str
    record: str
    source: str


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One published template: how many rows and findings the registry's part of it has."""

    template: FiledTemplate
    n_rows: int
    n_findings: int


@require_safe
def filing_page(request: HttpRequest) -> HttpResponse:
    """Show the check list of a filing, and what to download."""
    user, at = _office_user(request), now()
    form = FilingForm(request.GET, today=day_of(at))
    check_list: FilingCheckList | None = None
    designations: list[Designation] = []
    if form.is_valid() and not is_large_portfolio(user):
        parameters = _parameters(form, at)
        with open_register(user=user, on=parameters.reference_date) as register:
            check_list = check_filing(register, parameters, limit=MAX_SHOWN_FINDINGS)
            designations = find_designations(register.providers())
    return render_page(
        request,
        "reports/filing.html",
        title="DORA register as filed",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("DORA register", reverse("reports:register")),
        ),
        counts="Findings of all rows",
        as_of=at,
        sentence=_headline(form, check_list),
        form=form,
        check_list=check_list,
        lines=[_finding_line(one, user) for one in check_list.findings] if check_list else [],
        templates=_template_lines(check_list),
        designations=designations,
        designated_on=critical_providers.PUBLISHED_ON,
        designation_source=critical_providers.SOURCE,
        entry_point=ENTRY_POINT,
        query=request.GET.urlencode(),
    )


@require_safe
def filing_package(request: HttpRequest) -> HttpResponse | FileResponse:
    """Send the report package; without what its name needs, the check list."""
    user, at = _office_user(request), now()
    form = FilingForm(request.GET, today=day_of(at))
    parameters = _parameters(form, at) if form.is_valid() else None
    if parameters is None or parameters.problems:
        return redirect(f"{reverse('reports:filing')}?{request.GET.urlencode()}")
    if is_long(Application.objects.visible_to(user).in_scope()):
        return redirect_to_file_request(request, "dora-filing")
    target, name = open_package(parameters, user=user)
    return FileResponse(target, as_attachment=True, filename=name, content_type="application/zip")


@require_safe
def filing_csv(request: HttpRequest, template: str) -> StreamingHttpResponse:
    """Send one template as the package has it."""
    user, at = _office_user(request), now()
    filed = FILED_BY_SLUG.get(template)
    if filed is None or filed.table is None:
        raise Http404
    form = FilingForm(request.GET, today=day_of(at))
    on = form.cleaned_data["reference_date"] if form.is_valid() else day_of(at)
    return stream_csv(_csv_lines(user, filed, on), filed.code.lower())


def write_filing(
    target: IO[bytes],
    query: Mapping[str, str],
    *,
    user: User,
    at: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[str, int]:
    """Write the package of a request; `make_package` with the query of the page."""
    form = FilingForm(query, today=day_of(at))
    form.is_valid()
    return make_package(target, _parameters(form, at), user=user, on_progress=on_progress)


def _csv_lines(user: User, template: FiledTemplate, on: date) -> Iterator[str]:
    with open_register(user=user, on=on):
        yield from template_csv(template)


def _office_user(request: HttpRequest) -> User:
    """Return the user; raise PermissionDenied unless contracts are visible to the user."""
    user = signed_in_user(request)
    if not user.can_read_all:
        raise PermissionDenied(OFFICE_ONLY)
    return user


def _parameters(form: FilingForm, at: datetime) -> FilingParameters:
    """Return the parameters of a form that was checked."""
    values = form.cleaned_data
    return FilingParameters(
        entity=reporting_entity(),
        scope=FilingScope(values.get("scope") or FilingScope.INDIVIDUAL),
        reference_date=values.get("reference_date") or day_of(at),
        currency=values.get("currency") or "",
        at=at,
    )


def _finding_line(finding: FilingFinding, user: User) -> FindingLine:
    entry = finding.entry
    if entry is None:
        return FindingLine(finding, "", "", RULE_SOURCES[finding.rule])
    record = place_name(entry.place)
    return FindingLine(
        finding,
        entry_url(entry) if user.is_governance else "",
        f"{record}: {entry.name}" if entry.name else record,
        RULE_SOURCES[finding.rule],
    )


def _template_lines(check_list: FilingCheckList | None) -> list[TemplateLine]:
    return [
        TemplateLine(
            template,
            check_list.n_rows.get(template.code, 0) if check_list else 0,
            check_list.n_by_template.get(template.code, 0) if check_list else 0,
        )
        for template in FILED_TEMPLATES
    ]


def _headline(form: FilingForm, check_list: FilingCheckList | None) -> Headline:
    if check_list is None:
        if form.errors:
            return Headline("Correct the entries below.")
        return Headline(
            "The register of information is too large for a check list on this page. The package is"
            " written in the background, and the workbook lists the findings."
        )
    if check_list.problems:
        return Headline("The package cannot be made. ", check_list.problems[0])
    if check_list.n_rejecting:
        return Headline(
            "",
            count_of(check_list.n_rejecting, "finding", "findings").capitalize(),
            " would have the register of information rejected.",
        )
    if check_list.n:
        return Headline(
            f"{count_of(check_list.n, 'finding', 'findings').capitalize()} on the quality of the"
            " data; none of them has it rejected."
        )
    return Headline("The registry's part of the register of information has no findings.")

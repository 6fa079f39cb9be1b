"""DORA register in the form in which it is filed: check list before the download, report package,
and the CSV of each template to merge into a full register."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.common.errors import ConflictError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.actions import reporting_entity
from apps.reports.dora import critical_providers
from apps.reports.dora.critical_providers import Designation, find_designations
from apps.reports.dora.filing.cells import RULE_SOURCES, FilingRule
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
from apps.reports.tables import EntryPlace, ReportGap
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.reports.downloads import stream_csv
from apps.web.views.reports.missing_fields import entry_url
from apps.web.wording import count_of, long_day

# findings of each template that the page sorts by rule and record, and the records that it shows of
# a rule; the workbook lists every finding
MAX_FINDINGS = 1_000
MAX_RECORDS = 25
_MAX_NAMED_FIELDS = 6
_MAX_NAMED_ROWS = 4


class FilingForm(forms.Form):
    """What the package states about itself."""

    scope = forms.ChoiceField(
        choices=[
            (FilingScope.INDIVIDUAL, "Individual (IND)"),
            (FilingScope.CONSOLIDATED, "Consolidated (CON)"),
        ],
        error_messages={"invalid_choice": "Select individual or consolidated."},
    )
    reference_date = forms.DateField(
        label="Reference date",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Not a valid date. Enter one such as 2026-12-31."},
    )
    currency = forms.ChoiceField(
        label="Base currency",
        choices=[(code, code) for code in sorted(CURRENCIES)],
        error_messages={"invalid_choice": "Select a currency of ISO 4217, such as EUR."},
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
            raise forms.ValidationError(
                "The reference date is in the future. Select an earlier one."
            )
        return day


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A record that breaks a rule, with all its fields and rows for the same reason. Without `url`
    the user cannot correct it."""

    record: str
    url: str
    sentence: str
    fields: list[str]
    n_further: int
    n_cells: int


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule and the first records that break it. `sentence` is what all records share; without
    one, each line has its own."""

    rule: FilingRule
    rejects: bool
    sentence: str
    source: str
    lines: list[FindingLine]
    n_lines: int
    n_cells: int


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """One published template: how many rows and findings the registry's part of it has; None if
    they are not counted."""

    template: FiledTemplate
    n_rows: int | None
    n_findings: int | None


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
            check_list = check_filing(register, parameters, limit=MAX_FINDINGS)
            designations = find_designations(register.providers())
    has_rows = check_list is not None and any(check_list.n_rows.values())
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
        has_rows=has_rows,
        is_empty=check_list is not None and not has_rows,
        has_contracts=check_list is not None and bool(check_list.n_rows.get("B_02.01")),
        can_package=form.is_valid()
        and (check_list is None or (has_rows and not check_list.problems)),
        rules=_broken_rules(check_list, user) if check_list else [],
        templates=_template_lines(check_list),
        elsewhere=[one for one in FILED_TEMPLATES if one.table is None],
        reference_date=form.cleaned_data.get("reference_date"),
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
def filing_csv(request: HttpRequest, template: str) -> StreamingHttpResponse | HttpResponseRedirect:
    """Send one template as the package has it; of a wrong day, the check list."""
    user, at = _office_user(request), now()
    filed = FILED_BY_SLUG.get(template)
    if filed is None or filed.table is None:
        raise Http404
    form = FilingForm(request.GET, today=day_of(at))
    if not form.is_valid():
        return redirect(f"{reverse('reports:filing')}?{request.GET.urlencode()}")
    on = form.cleaned_data["reference_date"]
    return stream_csv(_csv_lines(user, filed, on), filed.code.lower())


def write_filing(
    target: IO[bytes],
    query: Mapping[str, str],
    *,
    user: User,
    at: datetime,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[str, int]:
    """Write the package of a request; `make_package` with the query of the page. Also raises
    ConflictError if the query is wrong."""
    form = FilingForm(query, today=day_of(at))
    if not form.is_valid():
        raise ConflictError(" ".join(str(text) for texts in form.errors.values() for text in texts))
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


def _broken_rules(check_list: FilingCheckList, user: User) -> list[BrokenRule]:
    """Return the rules that records break: what rejects a register first, then by the number of
    cells."""
    by_rule: dict[FilingRule, dict[tuple[object, ...], list[FilingFinding]]] = {}
    for finding in check_list.findings:
        entry = finding.entry
        record = (entry.place, entry.ref) if entry else (finding.template, finding.about)
        groups = by_rule.setdefault(finding.rule, {})
        groups.setdefault((record, finding.sentence), []).append(finding)
    rules = [_broken_rule(rule, list(groups.values()), user) for rule, groups in by_rule.items()]
    return sorted(rules, key=lambda one: (not one.rejects, -one.n_cells))


def _broken_rule(
    rule: FilingRule, groups: Sequence[Sequence[FilingFinding]], user: User
) -> BrokenRule:
    """Return the rule with its records; each group has the findings of one record and sentence."""
    ordered = sorted(groups, key=len, reverse=True)
    sentences = {findings[0].sentence for findings in ordered}
    return BrokenRule(
        rule=rule,
        rejects=ordered[0][0].rejects,
        sentence=sentences.pop() if len(sentences) == 1 else "",
        source=RULE_SOURCES[rule],
        lines=[_finding_line(findings, user) for findings in ordered[:MAX_RECORDS]],
        n_lines=len(ordered),
        n_cells=sum(len(findings) for findings in ordered),
    )


def _finding_line(findings: Sequence[FilingFinding], user: User) -> FindingLine:
    """Return the line of findings with the same record, rule and sentence."""
    first = findings[0]
    rows: dict[tuple[str, str], list[int]] = {}
    for finding in findings:
        rows.setdefault((finding.place, finding.name), []).append(finding.row)
    fields = [
        f"{place} {name}".strip() + _name_rows(numbers) for (place, name), numbers in rows.items()
    ]
    return FindingLine(
        record=_name_record(first),
        url=_correction_url(first.entry) if first.entry and user.is_governance else "",
        sentence=first.sentence,
        fields=fields[:_MAX_NAMED_FIELDS],
        n_further=max(len(fields) - _MAX_NAMED_FIELDS, 0),
        n_cells=len(findings),
    )


def _name_record(finding: FilingFinding) -> str:
    if finding.entry is None:
        return finding.about or f"Template {finding.template}"
    record = place_name(finding.entry.place)
    return f"{record}: {finding.entry.name}" if finding.entry.name else record


def _name_rows(numbers: Sequence[int]) -> str:
    """Return the rows of a field; nothing for the whole template."""
    if 0 in numbers:
        return ""
    named = ", ".join(str(number) for number in numbers[:_MAX_NAMED_ROWS])
    n_further = len(numbers) - _MAX_NAMED_ROWS
    further = f" and {n_further} more" if n_further > 0 else ""
    return f" ({pluralize(len(numbers), 'row', 'rows')} {named}{further})"


def _correction_url(entry: ReportGap) -> str:
    # the page of the reporting entity leads back to the page that it was opened from
    return entry_url(entry) + ("?filing" if entry.place is EntryPlace.ORGANISATION else "")


def _template_lines(check_list: FilingCheckList | None) -> list[TemplateLine]:
    """Return the templates of which the registry records a part; not counted without a check
    list."""
    return [
        TemplateLine(
            template,
            check_list.n_rows.get(template.code, 0) if check_list else None,
            check_list.n_by_template.get(template.code, 0) if check_list else None,
        )
        for template in FILED_TEMPLATES
        if template.table is not None
    ]


def _headline(form: FilingForm, check_list: FilingCheckList | None) -> Headline:
    if check_list is None:
        if form.errors:
            return Headline("Correct the entries below.")
        return Headline(
            "The register of information is too large for a check list on this page. The package is"
            " written in the background, and the workbook lists the findings."
        )
    if not any(check_list.n_rows.values()):
        day = long_day(form.cleaned_data["reference_date"])
        return Headline(f"The registry has no rows for the register of information of {day}.")
    if check_list.problems:
        return Headline(
            "The report package cannot be made yet, because the reporting entity is ",
            "incomplete",
            ".",
        )
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

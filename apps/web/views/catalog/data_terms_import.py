"""Import of data terms from a spreadsheet: upload, preview without any write, and confirmation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django import forms
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.catalog.capabilities.fields import DATA_TERM_FIELDS, DATA_TERMS
from apps.catalog.capabilities.phrases import format_value
from apps.catalog.capabilities.settled_values import settled_values
from apps.catalog.capabilities.values import UNKNOWN
from apps.catalog.claims.term_import import (
    TermChange,
    TermsPlan,
    apply_terms_import,
    plan_terms_import,
)
from apps.catalog.claims.term_rows import (
    COLUMNS,
    MAX_ROWS,
    MAX_ROWS_ABOVE_HEADER,
    RowError,
    TermRow,
    TermTable,
    TermTableError,
    parse_term_rows,
)
from apps.common.errors import DomainError
from apps.common.text import format_date, pluralize
from apps.common.time import day_of, now
from apps.intake.spreadsheets.files.child_reader import read_small_table
from apps.intake.spreadsheets.files.tables import UnreadableError
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import governance_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.catalog.data_terms import REFUSAL, confirm_write, terms_url

MIB = 1024 * 1024
MAX_BYTES = MIB
# offerings and rows with errors that the page lists; further ones are counted
MAX_SHOWN = 100
_SALT = "data-terms-import"
# the preview is confirmed within a day, or the file is uploaded again
_MAX_AGE_SECONDS = 24 * 3600

# example rows of the template, to be replaced
_EXAMPLES: Sequence[Mapping[str, str]] = (
    {
        "host": "Example Cloud",
        "model_id": "*",
        "region": "eu",
        "term": "Inputs are used for training",
        "value": "no",
        "source_url": "https://www.example.com/data-terms",
    },
    {
        "host": "Example Cloud",
        "model_id": "example-model-1",
        "term": "Data residency",
        "value": "EU; CH",
        "note": "Contract of March, annex 2",
    },
)


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Spreadsheet",
        help_text=f"CSV or XLSX, one term in each row, at most {MAX_ROWS:,} rows.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx"}),
        max_length=255,
        error_messages={
            "required": "Select a file.",
            "empty": "The file is empty. Check the file.",
        },
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.table = TermTable((), ())
        self.plan: TermsPlan | None = None

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(
                f"The file is larger than {MAX_BYTES // MIB} MiB. Split it, or remove what is not "
                "data terms."
            )
        try:
            rows = read_small_table(file.read(), file.name, MAX_ROWS + MAX_ROWS_ABOVE_HEADER)
            self.table = parse_term_rows(rows, today=day_of(now()))
            self.plan = plan_terms_import(self.table, by=self.user)
        except (UnreadableError, TermTableError, DomainError) as error:
            raise forms.ValidationError(str(error)) from error
        return file


class ConfirmForm(forms.Form):
    """The rows of a preview, signed, and the digest of its changes."""

    rows = forms.CharField(widget=forms.HiddenInput)
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    @property
    def table(self) -> TermTable:
        """Return the rows; none before they were read."""
        return self.cleaned_data.get("rows") or TermTable((), ())

    def clean_rows(self) -> TermTable:
        try:
            rows = signing.loads(self.cleaned_data["rows"], salt=_SALT, max_age=_MAX_AGE_SECONDS)
        except signing.BadSignature:
            raise forms.ValidationError("The preview has expired. Upload the file again.") from None
        return TermTable(
            [TermRow(**{**row, "at": date.fromisoformat(row["at"])}) for row in rows], ()
        )


@dataclass(frozen=True, slots=True)
class ChangedTerm:
    """One term of an offering: its value today, and the value, day and source after the import."""

    label: str
    now: str
    new: str
    at: str
    source: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class ChangedOffering:
    name: str
    host: str
    scope: str
    url: str
    terms: Sequence[ChangedTerm]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would change, or the errors that prevent it. `form` confirms it; None if there
    is nothing to import."""

    offerings: Sequence[ChangedOffering]
    errors: Sequence[RowError]
    n_offerings: int
    n_errors: int
    n_unchanged: int
    form: ConfirmForm | None

    @property
    def n_more_offerings(self) -> int:
        return self.n_offerings - len(self.offerings)

    @property
    def n_more_errors(self) -> int:
        return self.n_errors - len(self.errors)

    @property
    def sentence(self) -> str:
        if self.n_errors:
            found = pluralize(
                self.n_errors, "1 cell has an error", f"{self.n_errors:,} cells have errors"
            )
            return f"{found}. Nothing is imported until the file is corrected."
        if not self.n_offerings:
            return "Nothing would change: all terms of the file are already recorded."
        return pluralize(
            self.n_offerings,
            "Data terms of 1 offering would change. Nothing is written yet.",
            f"Data terms of {self.n_offerings:,} offerings would change. Nothing is written yet.",
        )


@require_http_methods(["GET", "HEAD", "POST"])
def import_terms(request: HttpRequest) -> HttpResponse:
    """Upload a spreadsheet and preview it, or import the rows of a preview."""
    user = governance_user(request, REFUSAL)
    if request.method == "POST" and "rows" in request.POST:
        return action_view(
            request,
            form=lambda: ConfirmForm(request.POST),
            action=lambda form: apply_terms_import(
                form.table, by=user, digest=form.cleaned_data["digest"]
            ),
            done=confirm_write,
            back=lambda written: (
                terms_url(written) if written.offering_ids else reverse("data-terms:import")
            ),
            page=lambda form: _render_refusal(request, user, form),
        )
    is_post = request.method == "POST"
    form = UploadForm(
        request.POST if is_post else None, request.FILES if is_post else None, user=user
    )
    if is_post and form.is_valid() and form.plan is not None:
        preview = present_preview(form.plan, form.table)
        return _render(
            request,
            UploadForm(user=user),
            preview=preview,
            status=422 if preview.n_errors else 200,
        )
    return _render(request, form, status=422 if is_post else 200)


@require_safe
def download_template(request: HttpRequest) -> StreamingHttpResponse:
    """Send a CSV file with the header and two example rows."""
    governance_user(request, REFUSAL)
    today = day_of(now()).isoformat()
    return csv_response(
        "data-terms-template",
        list(COLUMNS.values()),
        _EXAMPLES,
        lambda row: [{"at": today, **row}.get(name, "") for name in COLUMNS],
    )


def _render_refusal(request: HttpRequest, user: User, form: ConfirmForm) -> HttpResponse:
    """Show the preview again with what prevented the import."""
    preview = None
    if form.table.rows:
        preview = present_preview(plan_terms_import(form.table, by=user), form.table)
    errors = [str(error) for errors in form.errors.values() for error in errors]
    return _render(request, UploadForm(user=user), preview=preview, errors=errors, status=422)


def _render(
    request: HttpRequest,
    form: UploadForm,
    *,
    preview: Preview | None = None,
    errors: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    return render_page(
        request,
        "data-terms/import.html",
        title="Import data terms",
        crumbs=(("Providers", reverse("providers:list")),),
        counts="Statements about the data of requests",
        as_of=now(),
        status=status,
        sentence=Headline(
            preview.sentence
            if preview
            else "A spreadsheet states what hosts do with the data of requests, one term in each "
            "row."
        ),
        form=form,
        preview=preview,
        refusals=errors,
        columns=COLUMN_HELP,
        terms=[(field.label, _describe_form(key)) for key, field in DATA_TERM_FIELDS.items()],
    )


def present_preview(plan: TermsPlan, table: TermTable) -> Preview:
    """Return the preview of a plan; two statements at most."""
    shown = plan.changes[:MAX_SHOWN] if not plan.errors else []
    settled = settled_values([change.offering.pk for change in shown], DATA_TERMS)
    form = None
    if not plan.errors and plan.changes:
        rows = [{**asdict(row), "at": row.at.isoformat()} for row in table.rows]
        form = ConfirmForm(
            initial={
                "rows": signing.dumps(rows, salt=_SALT, compress=True),
                "digest": plan.digest,
            }
        )
    return Preview(
        offerings=[
            _present_change(change, settled.get(change.offering.pk, {})) for change in shown
        ],
        errors=plan.errors[:MAX_SHOWN],
        n_offerings=len(plan.changes),
        n_errors=len(plan.errors),
        n_unchanged=plan.n_unchanged,
        form=form,
    )


def _present_change(change: TermChange, settled: Mapping[str, Any]) -> ChangedOffering:
    offering = change.offering
    return ChangedOffering(
        name=offering.api_id,
        host=offering.host.name,
        scope=", ".join(filter(None, [offering.region_scope, offering.service_tier])),
        url=f"{reverse('offerings:detail', args=[offering.pk])}?tab=data-terms",
        terms=[
            ChangedTerm(
                label=field.label,
                now=format_value(name, settled.get(name, UNKNOWN).value),
                new=format_value(name, change.after[name]["value"]),
                at=format_date(date.fromisoformat(change.after[name]["at"])),
                source=change.after[name].get("source_url") or change.after[name].get("note", ""),
                is_same=settled.get(name, UNKNOWN).value == change.after[name]["value"],
            )
            for name, field in DATA_TERM_FIELDS.items()
            if name in change.after
        ],
    )


COLUMN_HELP: Sequence[tuple[str, str]] = tuple(
    (COLUMNS[name], text)
    for name, text in {
        "host": "name or slug of the host, as in the list of providers",
        "model_id": "model ID as applications send it, or * for all offerings of the host",
        "region": "may stay empty: all regions",
        "tier": "may stay empty: all service tiers",
        "term": "one of the terms below",
        "value": "in the form that the term has below",
        "source_url": "address of the page or contract that states it",
        "at": "day on which the source stated it, such as 2026-11-24",
        "note": "needed without a source address: where it was stated",
    }.items()
)
_FORM_HELP: Mapping[str, str] = {
    "flag": "yes or no",
    "set": "regions, separated by semicolons: EU; CH",
    "text": "address that starts with https://",
}


def _describe_form(key: str) -> str:
    field = DATA_TERM_FIELDS[key]
    return _FORM_HELP.get(field.form, f"number of {field.unit}")

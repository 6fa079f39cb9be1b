"""Step "Values" of an import: each distinct value of the file once, and what it means. Nothing is
saved in the inventory here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.common.time import day_of, now
from apps.intake.models import Import
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_values
from apps.intake.spreadsheets.values.distinct import (
    DistinctModel,
    DistinctValue,
    ModelKind,
    NamedRecords,
    ValueGroup,
    ValueKind,
)
from apps.intake.spreadsheets.values.steps import distinct_models, named_records, value_groups
from apps.web.lists.pagination import csv_response
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.page import Headline, render_page
from apps.web.views.imports import presenters
from apps.web.views.imports.consequences import describe_consequences
from apps.web.views.imports.model_lines import (
    build_lines,
    load_names,
    needs_choice,
    sort_models,
)
from apps.web.views.imports.permissions import own_import
from apps.web.views.imports.progress import progress_words
from apps.web.views.imports.value_choices import ValueChoices, read_choices
from apps.web.views.imports.value_sections import (
    LINES_PER_PAGE,
    MAX_LINES,
    build_people,
    build_section,
    describe_guess,
    matches,
    sort_by_urgency,
    with_teams,
)
from apps.web.views.imports.wizard import VALUES, finish_step, wizard_steps
from apps.web.wording import number, quantity_of

TEMPLATE = "imports/values.html"
MODELS, PEOPLE = "models", "people"
# model names on the page of all sections
MAX_MODELS = 10


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Link to a section with the number of its values."""

    title: str
    n_values: int
    url: str


class ValuesPage:
    """Distinct values of one file, read once for the page or its form."""

    def __init__(self, request: HttpRequest, import_: Import, user: User) -> None:
        self.request = request
        self.import_ = import_
        self.user = user
        self.today = day_of(now())
        self.code = request.GET.get("section", "")
        self.text = request.GET.get("q", "")[:200]
        self.is_open_only = request.GET.get("open") == "1"
        if self.code and self.code not in {MODELS, PEOPLE, *self._groups_by_code}:
            raise Http404

    @cached_property
    def groups(self) -> list[ValueGroup]:
        return with_teams(self.import_, value_groups(self.import_), self.user)

    @cached_property
    def models(self) -> list[DistinctModel]:
        return distinct_models(self.import_)

    @cached_property
    def records(self) -> NamedRecords:
        return named_records(self.import_)

    @cached_property
    def _groups_by_code(self) -> dict[str, ValueGroup]:
        return {group.code: group for group in self.groups if group.kind is not ValueKind.PERSON}

    @property
    def url(self) -> str:
        return reverse("imports:values", args=[self.import_.pk])

    # --- texts ------------------------------------------------------------------------------------

    @property
    def headline(self) -> Headline:
        """Say how many rows can be imported, and how many names and values need a choice."""
        counts = self.import_.counts
        n_rows = presenters.format_count(counts, "rows", *presenters.OUTCOMES)
        n_refused = presenters.format_count(counts, "rows", "refused")
        if not n_rows:
            return Headline("The file has no rows below its column headers.")
        opening = (
            f"{'All ' if n_rows > 1 else ''}{quantity_of(n_rows, 'row')} can be imported."
            if not n_refused
            else f"{number(n_rows - n_refused)} of {quantity_of(n_rows, 'row')} can be imported."
        )
        n_open = sum(map(needs_choice, self.models))
        if n_open:
            verb = "needs" if n_open == 1 else "need"
            return Headline(
                f"{opening} ",
                f"{number(n_open)} of {quantity_of(len(self.models), 'model name')}",
                f" {verb} a choice, now or later.",
            )
        n_values = sum(group.n_open for group in self._groups_by_code.values())
        if n_values:
            verb = "has" if n_values == 1 else "have"
            return Headline(
                f"{opening} ", quantity_of(n_values, "value"), f" {verb} no meaning yet."
            )
        return Headline(f"{opening} Each value has a meaning.")

    @property
    def models_summary(self) -> str:
        """Count the model names by what is known of them."""
        counts = Counter(map(_state_of, self.models))
        parts = [
            f"{number(counts['resolved'])} resolved",
            f"{number(counts['choose'])} to choose" if counts["choose"] else "",
            quantity_of(counts["product"], "product") if counts["product"] else "",
            f"{number(counts['unknown'])} without a known ID" if counts["unknown"] else "",
            f"{number(counts['other'])} not a model" if counts["other"] else "",
        ]
        return f"{quantity_of(len(self.models), 'name')}: {', '.join(filter(None, parts))}."

    @property
    def sheet_names(self) -> str:
        mapping = BookMapping.from_json(self.import_.mapping)
        names = [sheet.name for _place, sheet in mapping.read_sheets]
        return presenters.quote_sheets(names)

    @property
    def index(self) -> list[IndexEntry]:
        """Return the links to the sections, each with its count."""
        entries = [IndexEntry("Models", len(self.models), f"{self.url}#s-models")]
        entries += [
            IndexEntry(
                group.label, len(group.values), f"{self.url}#s-{group.code.replace('.', '-')}"
            )
            for group in self._groups_by_code.values()
        ]
        n_people = len(self.records.people) + len(self.records.unassigned)
        entries.append(IndexEntry("People", n_people, f"{self.url}#s-people"))
        return [entry for entry in entries if entry.n_values]

    # --- parts ------------------------------------------------------------------------------------

    def _select(self, values: Iterable[DistinctValue]) -> list[DistinctValue]:
        return sort_by_urgency(
            [
                value
                for value in values
                if matches(self.text, value.text) and (not self.is_open_only or value.is_open)
            ]
        )

    def _select_models(self) -> list[DistinctModel]:
        selected = [
            model
            for model in self.models
            if matches(self.text, model.text, model.host_text, *model.applications)
            and (not self.is_open_only or model.is_open)
        ]
        return sort_models(selected, today=self.today)

    def _paginate[T](self, items: Sequence[T], size: int = LINES_PER_PAGE) -> Page[T]:
        return Paginator(items, size).get_page(self.request.GET.get("page"))

    def context(self, choices: ValueChoices | None = None) -> dict[str, Any]:
        """Return the context of the page; with `choices` of a form that could not be saved."""
        posted = self.request.POST.dict() if choices is not None else {}
        errors = choices.errors if choices is not None else {}
        context: dict[str, Any] = {
            "import_": self.import_,
            "sentence": self.headline,
            "steps": wizard_steps(self.import_, VALUES, is_own=True),
            "sheets": self.sheet_names,
            "code": self.code,
            "text": self.text,
            "open_only": self.is_open_only,
            "index": self.index,
            "url": self.url,
            "action": self.request.get_full_path(),
            "models_summary": self.models_summary,
            "n_models": len(self.models),
            "consequences": describe_consequences(
                self.import_, self.models, self.records, today=self.today
            ),
            "has_errors": bool(errors),
        }
        if self.code == PEOPLE:
            context["people"] = build_people(
                self.records.people, self.records.unassigned, max_lines=LINES_PER_PAGE * 20
            )
            return context
        if not self.code or self.code == MODELS:
            models = self._select_models()
            if self.code:
                context["page_obj"] = self._paginate(models)
                shown = list(context["page_obj"])
            else:
                shown = models[:MAX_MODELS]
            context["models"] = build_lines(
                shown, load_names(shown), today=self.today, posted=posted, errors=errors
            )
            context["n_shown_models"] = len(shown)
        if self.code == MODELS:
            return context
        if self.code:
            group = self._groups_by_code[self.code]
            n_lines = LINES_PER_PAGE if len(group.options) <= 60 else LINES_PER_PAGE // 2
            context["page_obj"] = self._paginate(self._select(group.values), n_lines)
            section = build_section(
                group,
                list(context["page_obj"]),
                posted=posted,
                errors=errors,
                max_lines=LINES_PER_PAGE,
                may_create=self.user.is_governance,
            )
            context["sections"] = [section]
            return context
        sections = [
            build_section(
                group,
                group.values,
                posted=posted,
                errors=errors,
                max_lines=MAX_LINES,
                lists_new_names=True,
                may_create=self.user.is_governance,
            )
            for group in self._groups_by_code.values()
            if group.values
        ]
        context["sections"] = [section for section in sections if not section.is_wide]
        context["wide_sections"] = [section for section in sections if section.is_wide]
        context["people"] = build_people(self.records.people, self.records.unassigned)
        return context


def _state_of(model: DistinctModel) -> str:
    """Return what is known of a name, for the count of the section."""
    if model.kind is ModelKind.NOT_A_MODEL:
        return "other"
    if not model.is_open:
        return "resolved"
    if model.kind is ModelKind.PRODUCT:
        return "product"
    return "choose" if needs_choice(model) else "unknown"


@require_http_methods(["GET", "HEAD", "POST"])
def values_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show or save what the distinct values of a file mean."""
    import_, user = own_import(request, pk)
    detail_url = reverse("imports:detail", args=[pk])
    if import_.kind != Import.Kind.SHEET:
        return redirect(detail_url)
    if import_.state == Import.State.READING:
        return _show_reading(request, import_)
    if import_.state != Import.State.READ:
        return redirect(detail_url)
    page = ValuesPage(request, import_, user)
    if request.method == "POST":
        return _save(request, page, detail_url)
    return _render(request, page)


def _render(
    request: HttpRequest, page: ValuesPage, choices: ValueChoices | None = None, status: int = 200
) -> HttpResponse:
    return render_page(
        request,
        TEMPLATE,
        title="Import values",
        crumbs=(("Import", reverse("imports:list")),),
        counts="Rows of this file",
        as_of=page.import_.read_at or page.import_.received_at,
        status=status,
        **page.context(choices),
    )


def _show_reading(request: HttpRequest, import_: Import) -> HttpResponse:
    """Show the progress while a worker reads the file; then the page is loaded again."""
    return render_page(
        request,
        "imports/one.html",
        title="Import values",
        crumbs=(("Import", reverse("imports:list")),),
        counts="Rows of this file",
        import_=import_,
        sentence=presenters.import_headline(import_),
        steps=wizard_steps(import_, VALUES, is_own=True),
        is_own=True,
        **progress_words(import_),
    )


def _save(request: HttpRequest, page: ValuesPage, detail_url: str) -> HttpResponse:
    """Save the choices of the form, and lead to the next step, the same page or the list."""
    import_ = page.import_
    choices = read_choices(request.POST, page.groups, page.models)
    if choices.errors:
        flash_error(request, "Correct the marked values. No choice was saved.")
        return _render(request, page, choices, status=422)
    if not choices.is_empty:
        try:
            import_ = choose_values(
                import_=import_,
                values=choices.values,
                models=choices.models,
                by=page.user,
                at=now(),
            )
        except DomainError as error:
            flash_error(request, str(error))
            return redirect(request.get_full_path())
    step = request.POST.get("action", "")
    if step == "preview":
        finish_step(import_, VALUES)
        return redirect(detail_url)
    n = len(choices.values) + len(choices.models)
    saved = f"{quantity_of(n, 'choice')} saved." if n else "No choice was changed."
    if step == "later":
        flash_success(request, f"{saved} You can continue the import of {import_} later.")
        return redirect("imports:list")
    flash_success(request, saved)
    anchor = step.removeprefix("save-") if step.startswith("save-") else ""
    return redirect(request.get_full_path() + (f"#{anchor}" if anchor else ""))


@require_safe
def values_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Send all distinct values and model names with what they mean, as CSV."""
    import_, user = own_import(request, pk)
    if import_.kind != Import.Kind.SHEET or import_.state != Import.State.READ:
        raise Http404
    page = ValuesPage(request, import_, user)
    return csv_response(
        "import-values",
        ("Field", "Column", "In the file", "Host in the file", "Rows", "Means", "Guess"),
        _csv_rows(page),
        lambda row: row,
    )


def _csv_rows(page: ValuesPage) -> Iterable[list[Any]]:
    for line in build_lines(page.models, load_names(page.models), today=page.today):
        chosen = next((choice for choice in line.choices if choice.is_checked), None)
        words = (
            " ".join(filter(None, (chosen.title, chosen.model_id, chosen.late, chosen.text)))
            if chosen
            else ""
        )
        model = line.model
        yield [
            "Model",
            "",
            model.text,
            model.host_text,
            model.n_rows,
            words,
            str(model.kind),
        ]
    for group in page.groups:
        labels = {repr(value): label for value, label in group.options}
        for value in group.values:
            meaning = labels.get(repr(value.value), "" if value.value is None else value.value)
            yield [
                group.label,
                group.header,
                value.text,
                "",
                value.n_rows,
                meaning,
                describe_guess(value),
            ]

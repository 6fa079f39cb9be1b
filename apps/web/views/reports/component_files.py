"""AI Act component file of each application."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import django_filters
from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.inventory.models import Application, ApplicationQuerySet
from apps.reports.actions import answer_question
from apps.reports.component_file import TABLES, ComponentFile, component_file
from apps.reports.entry_places import place_name
from apps.reports.figures import TableExcerpt
from apps.reports.files import Workbook, csv_lines, table_cells, table_headers, workbook_bytes
from apps.reports.models import ComponentAnswer
from apps.reports.tables import FillRate
from apps.web.lists.columns import Column, FileColumn
from apps.web.lists.list_page import EmptyState, ListPage
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, describe_scope, render_page
from apps.web.views.reports.downloads import XLSX, attachment, stream_csv
from apps.web.views.reports.headlines import component_headline
from apps.web.views.reports.missing_fields import entry_link

_TABLES_BY_SLUG = {table.slug: table for table in TABLES}


@dataclass(frozen=True, slots=True)
class ComponentFileRow:
    application: Application
    n_answers: int


class ComponentFileFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Name contains")

    class Meta:
        model = Application
        fields: list[str] = []


class ComponentFileList(ListPage[Application, ComponentFileRow]):
    """Applications in scope, the most critical first; one file for each."""

    namespace = "component-files"
    # `csv` and `xlsx` are files of one application
    file_route = "list"
    title = "AI Act component files"
    nouns = ("component file", "component files")
    counts = "Applications in pilot or production"
    crumbs = (("Reports", "reports:home"),)
    filterset_class = ComponentFileFilter
    columns = (
        Column[ComponentFileRow](
            "application",
            "Application",
            attrgetter("application.name"),
            note=attrgetter("application.team.name"),
            url=lambda row: reverse("component-files:detail", args=[row.application.slug]),
        ),
        Column[ComponentFileRow](
            "criticality",
            "Criticality",
            lambda row: row.application.get_criticality_display(),
            css=lambda row: f"crit crit-{row.application.get_criticality_display().lower()}",
        ),
        Column[ComponentFileRow](
            "class", "AI Act class", lambda row: row.application.get_ai_act_class_display()
        ),
        Column[ComponentFileRow](
            "role", "AI Act role", lambda row: row.application.get_ai_act_role_display()
        ),
        Column[ComponentFileRow](
            "answers",
            "Questions answered",
            attrgetter("n_answers"),
            format=lambda n: f"{n} of {len(ComponentAnswer.Question.choices)}",
            is_numeric=True,
        ),
    )
    file_columns = (
        FileColumn[ComponentFileRow]("Application ID", attrgetter("application.slug")),
        FileColumn[ComponentFileRow]("Team", attrgetter("application.team.name")),
    )
    controls = (FilterControl("q", "Name contains", "search"),)
    default_order = ("", ("criticality", "pk"))

    def get_queryset(self) -> "QuerySet[Application]":
        return _visible_applications(self.user).in_scope()

    def build_rows(self, records: Sequence[Application]) -> Sequence[ComponentFileRow]:
        answer_counts = dict(
            ComponentAnswer.objects.filter(application__in=[row.pk for row in records])
            .order_by()
            .values_list("application")
            .annotate(n=Count("pk"))
        )
        return [ComponentFileRow(row, answer_counts.get(row.pk, 0)) for row in records]

    def describe_all(self) -> Headline:
        applications = pluralize(self.listing.n_found, "application", "applications")
        verb = pluralize(self.listing.n_found, "has", "have")
        return Headline(f"{self.listing.count} {applications} {verb} a component file.")

    def get_basis(self) -> str:
        return (
            "A component file lists the documents that developers must provide, changes to the "
            "models, and the answers on Article 25."
        )

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No component files yet.",
            "Every application in pilot or production has one. It is built from its dependencies.",
            "View applications",
            reverse("applications:list"),
        )


def _visible_applications(user: User) -> ApplicationQuerySet:
    return Application.objects.visible_to(user).select_related("team")


def _load_component_file(request: HttpRequest, slug: str) -> ComponentFile:
    user = signed_in_user(request)
    application = get_object_or_404(_visible_applications(user), slug=slug)
    return component_file(application=application, user=user, on=day_of(now()))


@require_safe
def component_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the component file of an application, with what is missing."""
    user, at = signed_in_user(request), now()
    file = _load_component_file(request, slug)
    application = file.application
    answers_by_question = {
        row.question: row for row in ComponentAnswer.objects.filter(application=application)
    }
    return render_page(
        request,
        "reports/component.html",
        title=f"Component file of {application.name}",
        crumbs=(
            ("Reports", reverse("reports:home")),
            ("Component files", reverse("component-files:list")),
        ),
        counts="Current dependencies of the application",
        as_of=at,
        sentence=component_headline(file),
        file=file,
        sheets=[
            TableExcerpt(table, FillRate(len(file.rows[table.slug])), file.rows[table.slug])
            for table in TABLES
        ],
        lines=entry_link(file.gaps, user),
        may_answer=user.may(TeamRole.EDITOR, application.team),
        questions=[
            (code, label, answers_by_question.get(code))
            for code, label in ComponentAnswer.Question.choices
        ],
        answers=ComponentAnswer.Answer.choices,
    )


@require_safe
def component_csv(request: HttpRequest, slug: str, table: str) -> StreamingHttpResponse:
    file, component_table = _load_component_file(request, slug), _TABLES_BY_SLUG.get(table)
    if component_table is None:
        raise Http404
    lines = csv_lines(
        table_headers(component_table),
        table_cells(component_table, file.rows[component_table.slug]),
    )
    return stream_csv(lines, f"component-file-{slug}-{component_table.slug}-{file.on}")


@require_safe
def component_xlsx(request: HttpRequest, slug: str) -> HttpResponse:
    """Download the component file as a workbook: one sheet per table, and what is missing."""
    user, at = signed_in_user(request), now()
    file = _load_component_file(request, slug)

    def write(book: Workbook) -> None:
        for table in TABLES:
            book.sheet(
                table.slug.capitalize(),
                table_headers(table),
                table_cells(table, file.rows[table.slug]),
            )
        book.sheet(
            "Missing",
            ["Location", "Record", "Fields", "Empty cells"],
            (
                [place_name(gap.place), gap.name, ", ".join(gap.labels), gap.n_cells]
                for gap in file.gaps
            ),
        )
        book.sheet(
            "Notes",
            ["Note", "Value"],
            [
                ["Application", file.application.name],
                ["As of", at.isoformat(timespec="seconds")],
                ["Created by", describe_scope(user)],
                *([str(table.name), str(table.about)] for table in TABLES),
            ],
        )

    return attachment(
        workbook_bytes(write, created=at), f"component-file-{slug}-{file.on}.xlsx", XLSX
    )


@require_safe
def component_json(request: HttpRequest, slug: str) -> JsonResponse:
    """Send the component file as JSON: tables of records, each value with its note."""
    file = _load_component_file(request, slug)
    body = {
        "application": file.application.slug,
        "name": file.application.name,
        "as_of": file.on,
        "documents_withheld": file.documents_withheld,
        **{
            table.slug: [
                {
                    str(column.name): {
                        "value": cell.value,
                        "missing": cell.is_missing,
                        "note": cell.how,
                    }
                    for column, cell in zip(table.columns, row.cells, strict=True)
                }
                for row in file.rows[table.slug]
            ]
            for table in TABLES
        },
    }
    response = JsonResponse(
        json.loads(json.dumps(body, default=str)), json_dumps_params={"indent": 1}
    )
    response["Content-Disposition"] = f'attachment; filename="component-file-{slug}-{file.on}.json"'
    return response


@require_POST
def save_component_answers(request: HttpRequest, slug: str) -> HttpResponse:
    """Save all answers together; an empty field removes an answer."""
    user, today = signed_in_user(request), day_of(now())
    application = get_object_or_404(_visible_applications(user), slug=slug)
    if not user.may(TeamRole.EDITOR, application.team):
        raise PermissionDenied(
            "You need the editor role on the team of the application to answer these questions."
        )

    def save(_form: forms.Form) -> None:
        valid_answers = set(ComponentAnswer.Answer.values) | {""}
        answers = {
            code: (
                request.POST.get(f"answer-{code}", ""),
                request.POST.get(f"because-{code}", "").strip()[:4000],
            )
            for code in ComponentAnswer.Question.values
        }
        if any(answer not in valid_answers for answer, _explanation in answers.values()):
            raise DomainError("Select yes, no, or does not apply.")
        if any(answer and not explanation for answer, explanation in answers.values()):
            raise DomainError("Enter a reason for each answer. Auditors ask for it first.")
        for code, (answer, explanation) in answers.items():
            answer_question(
                application=application,
                question=code,
                answer=answer,
                explanation=explanation,
                on=today,
                by=user,
            )

    return action_view(
        request,
        action=save,
        done=f"The answers of {application.name} were saved.",
        back=reverse("component-files:detail", args=[slug]) + "#h-questions",
    )

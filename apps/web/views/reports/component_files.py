"""AI Act component file of each application."""

import json

from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.models import Application
from apps.reports.actions import answer_question
from apps.reports.component_file import TABLES, ComponentFile, component_file
from apps.reports.entry_places import place_name
from apps.reports.figures import TableExcerpt
from apps.reports.files import Workbook, csv_lines, table_cells, table_headers, workbook_bytes
from apps.reports.models import ComponentAnswer
from apps.reports.tables import FillRate
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.list_page import PaginatedList
from apps.web.pages.page import describe_scope, render_page
from apps.web.presenters import headlines as page_sentences
from apps.web.views.reports.downloads import XLSX, attachment, stream_csv
from apps.web.views.reports.headlines import component_headline
from apps.web.views.reports.missing_fields import entry_link

_TABLES_BY_SLUG = {table.slug: table for table in TABLES}


@require_safe
def component_list(request: HttpRequest) -> HttpResponse:
    """List the applications in scope, the most critical first; one file for each."""
    user = signed_in_user(request)
    search_text = request.GET.get("q", "").strip()[:100]
    applications = (
        Application.objects.visible_to(user)
        .in_scope()
        .select_related("team")
        .order_by("criticality", "pk")
    )
    if search_text:
        applications = applications.filter(name__icontains=search_text)
    listing = PaginatedList(request, applications)
    answer_counts = dict(
        ComponentAnswer.objects.filter(application__in=[row.pk for row in listing.rows])
        .order_by()
        .values_list("application")
        .annotate(n=Count("pk"))
    )
    return render_page(
        request,
        "reports/components.html",
        fragment="listing",
        title="AI Act component files",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Applications in pilot or production",
        as_of=now(),
        sentence=page_sentences.list_headline(
            listing.count,
            "application has a component file",
            "applications have a component file",
            is_filtered=listing.is_filtered,
        ),
        listing=listing,
        rows=[(row, answer_counts.get(row.pk, 0)) for row in listing.rows],
        n_questions=len(ComponentAnswer.Question.choices),
        words=search_text,
    )


def _visible_applications(user: User) -> QuerySet[Application]:
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
        counts="What the application calls today",
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
            ["Enter it at", "Record", "Fields", "Empty cells"],
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
                ["Read by", describe_scope(user)],
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
    user, at = signed_in_user(request), now()
    application = get_object_or_404(_visible_applications(user), slug=slug)
    if not user.may(TeamRole.EDITOR, application.team):
        raise PermissionDenied(
            "You need the editor role on the team of the application to answer these questions."
        )
    valid_answers = set(ComponentAnswer.Answer.values) | {""}
    answers = {
        code: (
            request.POST.get(f"answer-{code}", ""),
            request.POST.get(f"because-{code}", "").strip()[:4000],
        )
        for code in ComponentAnswer.Question.values
    }
    if any(answer not in valid_answers for answer, _explanation in answers.values()):
        flash_error(request, "Select yes, no, or does not apply.")
    elif any(answer and not explanation for answer, explanation in answers.values()):
        flash_error(request, "Enter a reason for each answer. Auditors ask for it first.")
    else:
        for code, (answer, explanation) in answers.items():
            answer_question(
                application=application,
                question=code,
                answer=answer,
                explanation=explanation,
                on=day_of(at),
                by=user,
            )
        flash_success(request, f"The answers of {application.name} were saved.")
    return redirect(reverse("component-files:detail", args=[slug]) + "#h-questions")

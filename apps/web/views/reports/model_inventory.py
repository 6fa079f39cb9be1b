"""Model inventory, and the model statements of application owners."""

from collections.abc import Iterator
from datetime import datetime

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.common.time import day_of, now
from apps.inventory.actions.locks import lock_applications
from apps.inventory.models import Application
from apps.reports.actions import STATEMENT_FIELDS, set_model_statement
from apps.reports.entry_places import place_name
from apps.reports.figures import inventory_figures
from apps.reports.files import Workbook, csv_lines, table_cells, table_headers, workbook_bytes
from apps.reports.model_inventory import MODEL_INVENTORY_TABLE, open_inventory
from apps.reports.models import ModelStatement
from apps.web.pages.action_view import action_view
from apps.web.pages.background_files import is_long, redirect_to_file_request
from apps.web.pages.form_fields import DayField, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, describe_scope, render_page
from apps.web.views.reports.downloads import (
    XLSX,
    attachment,
    limit_table_rows,
    max_rows,
    stream_csv,
)
from apps.web.views.reports.headlines import models_headline, uncounted_headline
from apps.web.views.reports.missing_fields import entry_link

MAX_GAPS = 20_000


@require_safe
def model_inventory(request: HttpRequest) -> HttpResponse:
    """Show the model inventory with its gaps."""
    user, at = signed_in_user(request), now()
    figures = inventory_figures(user=user, at=at)
    return render_page(
        request,
        "reports/models.html",
        title="Model inventory",
        crumbs=(("Reports", reverse("reports:home")),),
        counts="Fields of all rows; fields that do not apply are not counted",
        as_of=figures.as_of if figures else at,
        sentence=models_headline(figures) if figures else uncounted_headline("The inventory", user),
        figures=figures,
        sheets=limit_table_rows(request, figures.sheets) if figures else [],
        lines=entry_link(figures.gaps[: max_rows(request)], user) if figures else [],
        n_lines=len(figures.gaps) if figures else 0,
    )


@require_safe
def model_csv(request: HttpRequest) -> StreamingHttpResponse:
    return stream_csv(_csv_lines(signed_in_user(request)), f"model-inventory-{day_of(now())}")


def _csv_lines(user: User) -> Iterator[str]:
    with open_inventory(user=user, on=day_of(now())) as inventory:
        yield from csv_lines(
            table_headers(MODEL_INVENTORY_TABLE),
            table_cells(MODEL_INVENTORY_TABLE, inventory.rows()),
        )


@require_safe
def model_xlsx(request: HttpRequest) -> HttpResponse:
    user, at = signed_in_user(request), now()
    if is_long(Application.objects.visible_to(user).in_scope()):
        return redirect_to_file_request(request, "model-inventory")
    body, _n = model_workbook(user=user, at=at)
    return attachment(body, f"model-inventory-{day_of(at)}.xlsx", XLSX)


def model_workbook(*, user: User, at: datetime) -> tuple[bytes, int]:
    """Return (workbook, number of models)."""
    n = 0
    with open_inventory(user=user, on=day_of(at)) as inventory:

        def write(book: Workbook) -> None:
            nonlocal n
            n = book.sheet(
                "Models",
                table_headers(MODEL_INVENTORY_TABLE),
                table_cells(MODEL_INVENTORY_TABLE, inventory.rows()),
            )
            gaps = inventory.gaps(limit=MAX_GAPS)
            book.sheet(
                "Missing",
                ["Location", "Record", "Fields", "Empty cells"],
                (
                    [place_name(gap.place), gap.name, ", ".join(gap.labels), gap.n_cells]
                    for gap in gaps
                ),
            )
            book.sheet(
                "Notes",
                ["Note", "Value"],
                [
                    ["As of", at.isoformat(timespec="seconds")],
                    ["Scope", describe_scope(user)],
                    [
                        "Fields",
                        "Those that SR 26-2 (formerly SR 11-7), PRA SS1/23 and OSFI E-23 ask for.",
                    ],
                ],
            )

        return workbook_bytes(write, created=at), n


class StatementForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    validation_planned_on = DayField(required=False, label="Next validation")
    valid_until = DayField(required=False, label="Expected to be valid until")
    attested_on = DayField(required=False, label="Attested on")

    class Meta:
        model = ModelStatement
        fields = STATEMENT_FIELDS
        widgets = {
            name: forms.Textarea(attrs={"rows": 3})
            for name in ("intended_use", "inputs", "outputs", "limitations", "monitoring_plan")
        }
        labels = {"intended_use": "Expected use and restrictions"}


@require_http_methods(["GET", "HEAD", "POST"])
def edit_statement(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit the model statement: inventory fields that only the owners of the application can
    provide."""
    user = signed_in_user(request)
    application = get_object_or_404(
        Application.objects.visible_to(user).select_related("team"), slug=slug
    )
    if not user.may(TeamRole.EDITOR, application.team):
        raise PermissionDenied(
            "You need the editor role on the team of the application to change its model statement."
        )

    def make_form() -> StatementForm:
        if request.method == "POST":
            lock_applications([application.pk], by=user)
        row = ModelStatement.objects.filter(application=application).first()
        return StatementForm(
            request.POST or None, instance=row or ModelStatement(application=application), row=row
        )

    return action_view(
        request,
        form=make_form,
        action=lambda form: set_model_statement(
            application=application,
            facts={name: form.cleaned_data[name] for name in STATEMENT_FIELDS},
            by=user,
        ),
        done=f"The model statement of {application.name} was saved.",
        back=reverse("reports:model-inventory"),
        page=lambda form: render_page(
            request,
            "reports/form.html",
            title=f"Model statement of {application.name}",
            crumbs=(
                ("Reports", reverse("reports:home")),
                ("Model inventory", reverse("reports:model-inventory")),
            ),
            as_of=now(),
            sentence=Headline(f"Model data that the owners of {application.name} provide."),
            form=form,
            button="Save",
        ),
    )

"""Bulk edit of applications, selected ones or all that a list's filters match: previewed before it
is applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import Team, User
from apps.common.history.context import current_change_id
from apps.common.text import pluralize
from apps.inventory.actions import bulk_update
from apps.inventory.actions.bulk_update import BulkUpdateResult
from apps.inventory.models import Application, StaleApplication
from apps.inventory.queries import editable_teams
from apps.web.pages.flash_messages import flash_success
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.applications.forms import BulkEditForm
from apps.web.views.applications.list import ApplicationListFilter
from apps.web.wording import number

# all in one transaction and one response; REST has the same limit
MAX_APPLICATIONS = 5000
MAX_PREVIEW_ROWS = 100
_FILTER = "f."


@dataclass(frozen=True, slots=True)
class SelectedApplications:
    """Selected applications; `query` are the list's filters if all matches are selected."""

    ids: list[int]
    everything: bool
    query: QueryDict
    is_too_many: bool

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Return the fields that the next step's form repeats."""
        if not self.everything:
            return [("pick", str(pk)) for pk in self.ids]
        return [("all", "1")] + [
            (f"{_FILTER}{name}", value) for name, values in self.query.lists() for value in values
        ]


def selected_applications(request: HttpRequest) -> SelectedApplications:
    """Return the selection; two statements at most. Unknown ids are dropped later."""
    data = request.POST if request.method == "POST" else request.GET
    query = QueryDict(mutable=True)
    for name, values in data.lists():
        if (
            name.startswith(_FILTER)
            and name.removeprefix(_FILTER) in ApplicationListFilter.base_filters
        ):
            query.setlist(name.removeprefix(_FILTER), values)
    if data.get("all") != "1":
        ids = sorted({int(pk) for pk in data.getlist("pick") if pk.isdecimal() and len(pk) < 19})
        return SelectedApplications(
            ids[:MAX_APPLICATIONS], False, query, len(ids) > MAX_APPLICATIONS
        )
    filterset = ApplicationListFilter(
        query, Application.objects.visible_to(request.user), request=request
    )
    matching_ids = list(
        filterset.qs.order_by("pk").values_list("pk", flat=True)[: MAX_APPLICATIONS + 1]
    )
    return SelectedApplications(
        matching_ids[:MAX_APPLICATIONS], True, query, len(matching_ids) > MAX_APPLICATIONS
    )


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Application with its changes: (label, before, after)."""

    application: Application
    changes: tuple[tuple[Any, str, str], ...]


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_edit_applications(request: HttpRequest) -> HttpResponse:
    """Show the form, then a preview by application, then apply the changes."""
    user = signed_in_user(request)
    if not editable_teams(user=user).exists():
        raise PermissionDenied("You need the editor role to change applications.")
    selection = selected_applications(request)
    list_url = reverse("applications:list") + (
        f"?{selection.query.urlencode()}" if selection.query else ""
    )
    form = BulkEditForm(request.POST if request.method == "POST" else None, user=user)
    report: BulkUpdateResult | None = None
    preview_rows: list[PreviewRow] = []
    if request.method == "POST" and selection.ids and not selection.is_too_many and form.is_valid():
        is_outdated = request.POST.get("expected") not in (None, str(len(selection.ids)))
        if is_outdated:
            form.add_error(
                None,
                "The list has changed since you opened it. Review it again before you change the "
                "applications.",
            )
        if request.POST.get("step") == "apply" and not is_outdated:
            report = _change_applications(
                selection.ids, form.facts, user, form.cleaned_data["reason"]
            )
            return _confirm_changes(request, report, list_url)
        with transaction.atomic():
            report = _change_applications(selection.ids, form.facts, user, "")
            transaction.set_rollback(True)
        preview_rows = _build_preview(report.changed[:MAX_PREVIEW_ROWS], form)
    return render_page(
        request,
        "applications/several.html",
        title="Bulk edit",
        crumbs=(("Applications", list_url),),
        status=422 if request.method == "POST" and report is None else 200,
        sentence=_build_headline(selection, report),
        chosen=selection,
        most=MAX_APPLICATIONS,
        form=form,
        report=report,
        refused=_describe_refusals(report.refused[:MAX_PREVIEW_ROWS]) if report else (),
        lines=preview_rows,
        n_more=max(len(report.changed) - MAX_PREVIEW_ROWS, 0) if report else 0,
        back=list_url,
    )


def _change_applications(
    ids: list[int], facts: Mapping[str, Any], user: User, reason: str
) -> BulkUpdateResult:
    return bulk_update.change_applications(
        facts_by_id=dict.fromkeys(ids, facts), by=user, reason=reason
    )


def _describe_refusals(refusals: Any) -> list[tuple[str, str, str]]:
    """Return (name, slug, reason) of each refusal; one statement."""
    names = dict(
        Application.objects.filter(
            pk__in=[refusal.application_id for refusal in refusals]
        ).values_list("pk", "name")
    )
    return [
        (names[refusal.application_id] if refusal.slug else "–", refusal.slug, refusal.sentence)
        for refusal in refusals
    ]


def _build_preview(ids: Any, form: BulkEditForm) -> list[PreviewRow]:
    applications = Application.objects.select_related("team").in_bulk(ids)
    preview_rows = []
    for pk in ids:
        application = applications[pk]
        changes = [
            (
                form.fields[name].label,
                _display_value(application, name, getattr(application, name)),
                _display_value(application, name, value),
            )
            for name, value in form.facts.items()
            if getattr(application, name) != value
        ]
        preview_rows.append(PreviewRow(application, tuple(changes)))
    return preview_rows


def _display_value(application: Application, name: str, value: Any) -> str:
    if isinstance(value, Team):
        return value.name
    choices = dict(Application._meta.get_field(name).flatchoices)  # type: ignore[union-attr]
    return str(choices.get(value, value)) if value not in (None, "") else "–"


def _build_headline(selection: SelectedApplications, report: BulkUpdateResult | None) -> Headline:
    """Return the headline: the selected applications, or after a trial (`report`) what would
    change."""
    n = len(selection.ids)
    if selection.is_too_many:
        return Headline(
            f"More than {number(MAX_APPLICATIONS)} applications match. Filter the list first."
        )
    if not n:
        return Headline("No applications selected.")
    if report is None:
        template = pluralize(n, "{n} application selected.", "{n} applications selected.")
        return Headline(template.format(n=number(n)))
    changed_template = pluralize(
        len(report.changed), "{n} application will change", "{n} applications will change"
    )
    unchanged_clauses = [f"{number(len(report.unchanged))} unchanged"] if report.unchanged else []
    changed_clause = changed_template.format(n=number(len(report.changed)))
    if report.refused:
        refused_clause = pluralize(
            len(report.refused),
            f"{number(len(report.refused))} cannot be changed",
            f"{number(len(report.refused))} cannot be changed",
        )
        return Headline(
            ", ".join([changed_clause, *unchanged_clauses]) + ", and ", refused_clause, "."
        )
    return Headline(", ".join([changed_clause, *unchanged_clauses]) + ".")


def _confirm_changes(request: HttpRequest, report: BulkUpdateResult, list_url: str) -> HttpResponse:
    """Flash how many applications were changed, unchanged or rejected, and return to the list."""
    n = len(report.changed)
    sentence = pluralize(
        n, f"{number(n)} application was changed.", f"{number(n)} applications were changed."
    )
    if report.unchanged:
        sentence += " " + f"{number(len(report.unchanged))} already had these values."
    if report.refused:
        reasons = sorted({row.sentence for row in report.refused})
        sentence += " " + pluralize(
            len(report.refused),
            f"{number(len(report.refused))} was rejected: {' '.join(reasons[:3])}",
            f"{number(len(report.refused))} were rejected: {' '.join(reasons[:3])}",
        )
    StaleApplication.objects.bulk_create(
        [StaleApplication(application_id=pk) for pk in report.changed]
    )
    flash_success(request, sentence, undo=current_change_id() if n else None)
    return redirect(list_url)

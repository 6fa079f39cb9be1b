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
from apps.web.views.applications.list import ApplicationListFilter, filter_applications
from apps.web.wording import number

# one transaction, one answer; REST allows as many
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
            (f"{_FILTER}{name}", value) for name, some in self.query.lists() for value in some
        ]


def selected_applications(request: HttpRequest) -> SelectedApplications:
    """Return the selection; two statements at most. Unknown ids are dropped later."""
    given = request.POST if request.method == "POST" else request.GET
    query = QueryDict(mutable=True)
    for name, values in given.lists():
        if (
            name.startswith(_FILTER)
            and name.removeprefix(_FILTER) in ApplicationListFilter.base_filters
        ):
            query.setlist(name.removeprefix(_FILTER), values)
    if given.get("all") != "1":
        ids = sorted({int(pk) for pk in given.getlist("pick") if pk.isdecimal() and len(pk) < 19})
        return SelectedApplications(
            ids[:MAX_APPLICATIONS], False, query, len(ids) > MAX_APPLICATIONS
        )
    found = list(
        filter_applications(request, query)
        .qs.order_by("pk")
        .values_list("pk", flat=True)[: MAX_APPLICATIONS + 1]
    )
    return SelectedApplications(
        found[:MAX_APPLICATIONS], True, query, len(found) > MAX_APPLICATIONS
    )


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """Application with its changes: (label, before, after)."""

    application: Application
    changes: tuple[tuple[Any, str, str], ...]


@require_http_methods(["GET", "HEAD", "POST"])
def bulk_edit_applications(request: HttpRequest) -> HttpResponse:
    """Show the form, then a preview row by row, then apply it."""
    user = signed_in_user(request)
    if not editable_teams(user=user).exists():
        raise PermissionDenied("You need the editor role to change applications.")
    picked = selected_applications(request)
    back = reverse("applications:list") + (f"?{picked.query.urlencode()}" if picked.query else "")
    form = BulkEditForm(request.POST if request.method == "POST" else None, user=user)
    report: BulkUpdateResult | None = None
    lines: list[PreviewRow] = []
    if request.method == "POST" and picked.ids and not picked.is_too_many and form.is_valid():
        moved_on = request.POST.get("expected") not in (None, str(len(picked.ids)))
        if moved_on:
            form.add_error(
                None,
                "The list has changed since you opened it. Review it again before you change the "
                "applications.",
            )
        if request.POST.get("step") == "apply" and not moved_on:
            report = _change(picked.ids, form.facts, user, form.cleaned_data["reason"])
            return _told(request, report, back)
        with transaction.atomic():
            report = _change(picked.ids, form.facts, user, "")
            transaction.set_rollback(True)
        lines = _lines(report.changed[:MAX_PREVIEW_ROWS], form)
    return render_page(
        request,
        "applications/several.html",
        title="Change several applications",
        crumbs=(("Applications", back),),
        status=422 if request.method == "POST" and report is None else 200,
        sentence=_sentence(picked, report),
        chosen=picked,
        most=MAX_APPLICATIONS,
        form=form,
        report=report,
        refused=_named(report.refused[:MAX_PREVIEW_ROWS]) if report else (),
        lines=lines,
        n_more=max(len(report.changed) - MAX_PREVIEW_ROWS, 0) if report else 0,
        back=back,
    )


def _change(ids: list[int], facts: Mapping[str, Any], user: User, reason: str) -> BulkUpdateResult:
    return bulk_update.change_applications(
        facts_by_id=dict.fromkeys(ids, facts), by=user, reason=reason
    )


def _named(refused: Any) -> list[tuple[str, str, str]]:
    """(name, slug, sentence); one statement."""
    names = dict(
        Application.objects.filter(pk__in=[row.application_id for row in refused]).values_list(
            "pk", "name"
        )
    )
    return [
        (names[row.application_id] if row.slug else "–", row.slug, row.sentence) for row in refused
    ]


def _lines(ids: Any, form: BulkEditForm) -> list[PreviewRow]:
    rows = Application.objects.select_related("team").in_bulk(ids)
    found = []
    for pk in ids:
        row = rows[pk]
        changes = [
            (form.fields[name].label, _word(row, name, getattr(row, name)), _word(row, name, value))
            for name, value in form.facts.items()
            if getattr(row, name) != value
        ]
        found.append(PreviewRow(row, tuple(changes)))
    return found


def _word(row: Application, name: str, value: Any) -> str:
    if isinstance(value, Team):
        return value.name
    choices = dict(Application._meta.get_field(name).flatchoices)  # type: ignore[union-attr]
    return str(choices.get(value, value)) if value not in (None, "") else "–"


def _sentence(picked: SelectedApplications, report: BulkUpdateResult | None) -> Headline:
    n = len(picked.ids)
    if picked.is_too_many:
        return Headline(
            f"More than {number(MAX_APPLICATIONS)} applications match; narrow the list first."
        )
    if not n:
        return Headline("No application is picked.")
    if report is None:
        said = pluralize(n, "Change {n} application together.", "Change {n} applications together.")
        return Headline(said.format(n=number(n)))
    changed = pluralize(
        len(report.changed), "{n} application will change", "{n} applications will change"
    )
    rest = [f"{number(len(report.unchanged))} are so already"] if report.unchanged else []
    before = changed.format(n=number(len(report.changed)))
    if report.refused:
        mark = pluralize(
            len(report.refused),
            f"{number(len(report.refused))} cannot",
            f"{number(len(report.refused))} cannot",
        )
        return Headline(", ".join([before, *rest]) + ", and ", mark, ".")
    return Headline(", ".join([before, *rest]) + ".")


def _told(request: HttpRequest, report: BulkUpdateResult, back: str) -> HttpResponse:
    n = len(report.changed)
    sentence = pluralize(
        n, f"{number(n)} application is changed.", f"{number(n)} applications are changed."
    )
    if report.unchanged:
        sentence += " " + f"{number(len(report.unchanged))} were so already."
    if report.refused:
        why = sorted({row.sentence for row in report.refused})
        sentence += " " + pluralize(
            len(report.refused),
            f"{number(len(report.refused))} was refused: {' '.join(why[:3])}",
            f"{number(len(report.refused))} were refused: {' '.join(why[:3])}",
        )
    StaleApplication.objects.bulk_create(
        [StaleApplication(application_id=pk) for pk in report.changed]
    )
    flash_success(request, sentence, undo=current_change_id() if n else None)
    return redirect(back)

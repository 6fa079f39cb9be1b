"""Changing many applications at once, picked ones or all that a list's filters leave: looked at
before it is done."""

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
from apps.inventory.models import Application, UnkeptApplication
from apps.inventory.queries import editable_teams
from apps.web.forms import signed_in
from apps.web.page import Sentence, page
from apps.web.saying import say
from apps.web.views.applications.forms import SeveralForm
from apps.web.views.applications.lists import FoundFilter, filtered
from apps.web.wording import number

# one transaction, one answer; REST allows as many
MOST = 5000
SHOWN = 100
_FILTER = "f."


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which applications are meant; `query` are the list's filters where all of them are."""

    ids: list[int]
    everything: bool
    query: QueryDict
    is_too_many: bool

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the next step's form repeats."""
        if not self.everything:
            return [("pick", str(pk)) for pk in self.ids]
        return [("all", "1")] + [
            (f"{_FILTER}{name}", value) for name, some in self.query.lists() for value in some
        ]


def chosen(request: HttpRequest) -> Chosen:
    """Two statements at most; unknown picks are nobody's and fall out later."""
    given = request.POST if request.method == "POST" else request.GET
    query = QueryDict(mutable=True)
    for name, values in given.lists():
        if name.startswith(_FILTER) and name.removeprefix(_FILTER) in FoundFilter.base_filters:
            query.setlist(name.removeprefix(_FILTER), values)
    if given.get("all") != "1":
        ids = sorted({int(pk) for pk in given.getlist("pick") if pk.isdecimal() and len(pk) < 19})
        return Chosen(ids[:MOST], False, query, len(ids) > MOST)
    found = list(
        filtered(request, query).qs.order_by("pk").values_list("pk", flat=True)[: MOST + 1]
    )
    return Chosen(found[:MOST], True, query, len(found) > MOST)


@dataclass(frozen=True, slots=True)
class Line:
    """One application with what would change: (label, was, will be)."""

    application: Application
    changes: tuple[tuple[Any, str, str], ...]


@require_http_methods(["GET", "HEAD", "POST"])
def change_several(request: HttpRequest) -> HttpResponse:
    """The form, then what it would do row by row, then the doing."""
    user = signed_in(request)
    if not editable_teams(user=user).exists():
        raise PermissionDenied("Only editors may change applications.")
    picked = chosen(request)
    back = reverse("applications:list") + (f"?{picked.query.urlencode()}" if picked.query else "")
    form = SeveralForm(request.POST if request.method == "POST" else None, user=user)
    report: BulkUpdateResult | None = None
    lines: list[Line] = []
    if request.method == "POST" and picked.ids and not picked.is_too_many and form.is_valid():
        moved_on = request.POST.get("expected") not in (None, str(len(picked.ids)))
        if moved_on:
            form.add_error(
                None,
                "The list has changed since you looked at it. Look again before you change it.",
            )
        if request.POST.get("step") == "apply" and not moved_on:
            report = _change(picked.ids, form.facts, user, form.cleaned_data["reason"])
            return _told(request, report, back)
        with transaction.atomic():
            report = _change(picked.ids, form.facts, user, "")
            transaction.set_rollback(True)
        lines = _lines(report.changed[:SHOWN], form)
    return page(
        request,
        "applications/several.html",
        title="Change several applications",
        crumbs=(("Applications", back),),
        status=422 if request.method == "POST" and report is None else 200,
        sentence=_sentence(picked, report),
        chosen=picked,
        most=MOST,
        form=form,
        report=report,
        refused=_named(report.refused[:SHOWN]) if report else (),
        lines=lines,
        n_more=max(len(report.changed) - SHOWN, 0) if report else 0,
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


def _lines(ids: Any, form: SeveralForm) -> list[Line]:
    rows = Application.objects.select_related("team").in_bulk(ids)
    found = []
    for pk in ids:
        row = rows[pk]
        changes = [
            (form.fields[name].label, _word(row, name, getattr(row, name)), _word(row, name, value))
            for name, value in form.facts.items()
            if getattr(row, name) != value
        ]
        found.append(Line(row, tuple(changes)))
    return found


def _word(row: Application, name: str, value: Any) -> str:
    if isinstance(value, Team):
        return value.name
    choices = dict(Application._meta.get_field(name).flatchoices)  # type: ignore[union-attr]
    return str(choices.get(value, value)) if value not in (None, "") else "–"


def _sentence(picked: Chosen, report: BulkUpdateResult | None) -> Sentence:
    n = len(picked.ids)
    if picked.is_too_many:
        return Sentence(f"More than {number(MOST)} applications match; narrow the list first.")
    if not n:
        return Sentence("No application is picked.")
    if report is None:
        said = pluralize(n, "Change {n} application together.", "Change {n} applications together.")
        return Sentence(said.format(n=number(n)))
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
        return Sentence(", ".join([before, *rest]) + ", and ", mark, ".")
    return Sentence(", ".join([before, *rest]) + ".")


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
    UnkeptApplication.objects.bulk_create(
        [UnkeptApplication(application_id=pk) for pk in report.changed]
    )
    say(request, sentence, undo=current_change_id() if n else None)
    return redirect(back)

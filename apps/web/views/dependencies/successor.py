"""Page "Find a successor" of a dependency: candidates by fit, exposure and cost, those that break
something, and what is done with the chosen one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import User
from apps.catalog.models import Offering, Price
from apps.common.errors import DomainError
from apps.common.text import format_date, pluralize
from apps.common.time import day_of, now
from apps.exposure.successors.areas import name_areas
from apps.exposure.successors.candidates import REASON_LABELS
from apps.exposure.successors.effects import is_standby, retires_with
from apps.exposure.successors.phrases import (
    APPROVAL_LABELS,
    describe_data_terms,
    describe_fallback,
    describe_judge,
    describe_obstacle,
    describe_tests,
    headline_parts,
    name_model,
    name_offering,
)
from apps.exposure.successors.records import Successor, SuccessorSearch
from apps.exposure.successors.search import find_successors
from apps.inventory.actions import dependencies as actions_dependencies
from apps.inventory.actions import exits
from apps.inventory.costs import Money
from apps.inventory.governance.selections import add_candidate, draft_selection
from apps.inventory.models import Adaptation, Dependency, Selection
from apps.web.lists.pagination import csv_response
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import DayField
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.fit import fit_phrase
from apps.web.presenters.requirements import requirement_chips
from apps.web.presenters.successors import (
    currency_of,
    describe_change,
    format_amount,
    present_broken,
    present_candidate,
)
from apps.web.views.applications.change_view import change_view
from apps.web.views.applications.edit import application_crumbs
from apps.web.views.applications.forms import ReasonField
from apps.web.views.applications.lookups import can_edit, require_editor, visible_dependency
from apps.web.views.dependencies.offering_picker import MAX_ALTERNATIVES, number_in
from apps.web.wording import from_today, join_names, long_day, number, retirement_day

REPLACE, PLAN_TEST, SELECT = "replace", "test", "selection"
GOVERNANCE_ONLY = "You need the governance role to save a selection record."


class SuccessorForm(forms.Form):
    """What is done with the chosen candidate; `act` is the button."""

    offering = forms.ModelChoiceField(
        queryset=Offering.objects.all(),
        widget=forms.HiddenInput,
        error_messages={"required": "Select a candidate."},
    )
    on = DayField(label="Use from", required=False)
    test_on = DayField(
        label="Exit test due on", required=False, help_text="For a test before the switch."
    )
    reason = ReasonField()
    fallback = forms.ModelChoiceField(
        queryset=Offering.objects.all(), required=False, widget=forms.HiddenInput
    )
    add_fallback = forms.BooleanField(required=False)
    confirmed = forms.BooleanField(label="Replace anyway", required=False)
    act = forms.ChoiceField(
        choices=[(REPLACE, ""), (PLAN_TEST, ""), (SELECT, "")], widget=forms.HiddenInput
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        needed = {REPLACE: "on", PLAN_TEST: "test_on"}.get(cleaned.get("act") or "")
        if needed and not self.errors.get(needed) and cleaned.get(needed) is None:
            self.add_error(needed, "Enter a date.")
        return cleaned


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen candidate with what the switch to it would do; `warnings` are what it breaks."""

    row: Successor
    title: str
    consequences: tuple[str, ...]
    warnings: tuple[str, ...]
    fallback: Offering | None
    migrate_url: str
    record_test_url: str


@require_http_methods(["GET", "HEAD", "POST"])
def find_successor(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the candidates; a POST replaces the model, plans a test, or saves a selection record."""
    dependency, user = visible_dependency(request, pk)
    today = day_of(now())
    chosen_id = number_in(request.POST.get("offering") or request.GET.get("offering"))
    if request.method != "POST":
        return _render(request, dependency, user, today, chosen_id, None)
    require_editor(user, dependency.application)
    (search,) = _search(dependency, user, today, chosen_id)

    def make_form() -> SuccessorForm:
        return SuccessorForm(request.POST)

    def page(form: SuccessorForm) -> HttpResponse:
        return _render(request, dependency, user, today, chosen_id, form)

    if request.POST.get("act") == SELECT:
        return action_view(
            request,
            form=make_form,
            action=lambda form: _save_selection(search, form, user),
            done=lambda selection: (
                f"The selection record “{selection.title}” was added as a draft."
            ),
            back=lambda selection: reverse("selections:detail", args=[selection.pk]),
            page=page,
        )
    return change_view(
        request,
        dependency.application,
        form=make_form,
        action=lambda form: _act(search, form, user, today),
        done=str,
        page=page,
    )


def _search(
    dependency: Dependency, user: User, today: date, chosen_id: int | None
) -> list[SuccessorSearch]:
    return find_successors(
        [dependency], user=user, on=today, also=[chosen_id] if chosen_id is not None else ()
    )


def _act(search: SuccessorSearch, form: SuccessorForm, user: User, today: date) -> str:
    cleaned = form.cleaned_data
    offering: Offering = cleaned["offering"]
    if cleaned["act"] == PLAN_TEST:
        exits.set_exit_plan(
            dependency=search.dependency,
            facts={"target": offering, "next_test_on": cleaned["test_on"]},
            by=user,
            reason=cleaned["reason"],
        )
        return (
            f"The exit test to {offering.api_id} is planned for {format_date(cleaned['test_on'])}."
        )
    row = search.find(offering.pk)
    warnings = list_warnings(row, search, today) if row is not None else ()
    if warnings and not cleaned["confirmed"]:
        raise DomainError(
            f"This choice breaks something. {' '.join(warnings)} Select “Replace anyway” to "
            "replace the model nevertheless.",
            field="confirmed",
        )
    return _replace(search.dependency, form, user)


def _replace(dependency: Dependency, form: SuccessorForm, user: User) -> str:
    cleaned = form.cleaned_data
    old_id, on = dependency.offering.api_id, cleaned["on"]
    successor = actions_dependencies.replace_offering(
        dependency=dependency,
        successor=cleaned["offering"],
        on=on,
        by=user,
        reason=cleaned["reason"],
    )
    sentence = f"{successor.offering.api_id} replaces {old_id} from {format_date(on)}."
    fallback: Offering | None = cleaned["fallback"]
    if fallback is None or not cleaned["add_fallback"]:
        return sentence
    others = dependency.application.dependencies.filter(
        role=Dependency.Role.FALLBACK, until__isnull=True
    )
    actions_dependencies.declare_dependency(
        application=dependency.application,
        offering=fallback,
        since=on,
        by=user,
        role=Dependency.Role.FALLBACK,
        facts={"fallback_order": others.count() + 1},
        reason=cleaned["reason"],
    )
    return f"{sentence} {fallback.api_id} is a fallback from that date."


def _save_selection(search: SuccessorSearch, form: SuccessorForm, user: User) -> Selection:
    """Add a draft with the chosen candidate first, and the other candidates above the line."""
    if not user.is_governance:
        raise DomainError(GOVERNANCE_ONLY)
    dependency, cleaned = search.dependency, form.cleaned_data
    today = day_of(now())
    selection = draft_selection(
        title=f"Successor of {name_model(dependency.offering)} for {dependency.application.name}"[
            :200
        ],
        purpose=cleaned["reason"],
        by=user,
        reason=cleaned["reason"],
    )
    chosen: Offering = cleaned["offering"]
    rows = [row for row in search.all if row.offering.pk == chosen.pk]
    rows += [row for row in search.successors if row.offering.pk != chosen.pk]
    for row in rows[:MAX_ALTERNATIVES]:
        if row.offering.version is not None:
            add_candidate(
                selection=selection,
                foundation=row.offering.version.foundation,
                offering=row.offering,
                note=" ".join(summarise(row, search, today)),
                by=user,
            )
    return selection


def summarise(row: Successor, search: SuccessorSearch, today: date) -> list[str]:
    """Return the facts of a candidate as sentences, for a record."""
    phrase = fit_phrase(row.fit)
    sentences = [f"{phrase[:1].upper()}{phrase[1:]}."]
    sentences += [describe_obstacle(obstacle, row, search) for obstacle in row.obstacles]
    if row.difference is not None:
        sentences.append(
            f"{format_amount(row.difference, signed=True)} {currency_of(search)} per month at "
            f"list prices of {format_date(today)}."
        )
    sentences.append(f"Approval: {APPROVAL_LABELS[row.approval].lower()}.")
    if row.independence is not None:
        sentences.append(f"Independence {row.independence} from the model today.")
    return sentences


def list_warnings(row: Successor, search: SuccessorSearch, today: date) -> tuple[str, ...]:
    """Return what a switch to the candidate would break: what it loses, what judges itself, and the
    flags that it opens. A fallback that does not stay is not among them."""
    sentences = [describe_obstacle(obstacle, row, search) for obstacle in row.obstacles]
    sentences += [describe_judge(judge, row) for judge in row.judges if judge.shares_lineage]
    sentences += [describe_change(change) for change in row.exposure if change.opens_flag]
    return tuple(dict.fromkeys(sentences))


def _render(
    request: HttpRequest,
    dependency: Dependency,
    user: User,
    today: date,
    chosen_id: int | None,
    form: SuccessorForm | None,
) -> HttpResponse:
    (search,) = _search(dependency, user, today, chosen_id)
    application = dependency.application
    before, mark, after = headline_parts(search, with_flags=user.can_read_all)
    may_edit = can_edit(user, application)
    chosen = search.find(chosen_id) or next(iter(search.successors), None)
    choice = _present_choice(search, chosen, user, today) if chosen is not None else None
    retires_on = dependency.offering.retires_on
    initial = {"on": retires_on if retires_on is not None and retires_on > today else today}
    broken = present_broken(search, today)
    return render_page(
        request,
        "dependencies/successor.html",
        fragment="choice",
        title=f"Successor for {application.name}",
        crumbs=application_crumbs(application),
        counts=f"List prices of {long_day(today)}, recorded tokens per month",
        sentence=Headline(before, mark, after),
        basis=_list_basis(search, today),
        application=application,
        dependency=dependency,
        search=search,
        required=name_areas(search.required_areas),
        currency=currency_of(search),
        chips=requirement_chips([dependency.pk]).get(dependency.pk, ()),
        rows=[present_candidate(row, search, today) for row in search.successors],
        broken=broken,
        n_broken=len(search.broken),
        chosen_id=chosen.offering.pk if chosen is not None else None,
        choice=choice,
        compared=_compare_query(search),
        may_edit=may_edit,
        is_governance=user.is_governance,
        form=form or SuccessorForm(initial=initial),
        status=422 if form is not None else 200,
    )


def _compare_query(search: SuccessorSearch) -> str:
    """Return the query that compares the foundations of the candidates."""
    slugs = dict.fromkeys(
        row.offering.version.foundation.slug for row in search.all if row.offering.version
    )
    return urlencode([("foundation", slug) for slug in list(slugs)[:MAX_ALTERNATIVES]])


def _list_basis(search: SuccessorSearch, today: date) -> list[str]:
    """Return the facts of today's model: its end, its cost, its price tier, and its fallbacks."""
    dependency = search.dependency
    offering, name = dependency.offering, name_model(dependency.offering)
    sentences = []
    if offering.is_retired(today):
        sentences.append(f"{name} is retired.")
    elif offering.retires_on is not None:
        verb = "retires no earlier than" if offering.date_kind == "not_before" else "retires on"
        sentences.append(
            f"{name} {verb} {retirement_day(offering.retires_on, offering.retires_month)}, "
            f"{from_today(offering.retires_on, today=today)}."
        )
    sentences.append(_describe_cost_today(search))
    size = dependency.typical_request_tokens
    if size and _has_tier(offering, size, today):
        sentences.append(f"Requests of {number(size)} tokens are in the long-context tier.")
    ending = [
        row.offering
        for row in search.companions
        if row.pk != dependency.pk
        and is_standby(row)
        and retires_with(row.offering, offering, today)
    ]
    for fallback in ending[:2]:
        when = (
            "on the same day"
            if fallback.retires_on is not None and fallback.retires_on == offering.retires_on
            else f"on {long_day(fallback.retires_on)}"
            if fallback.retires_on is not None
            else "first"
        )
        sentences.append(f"The fallback {name_model(fallback)} retires {when}.")
    return sentences


def _describe_cost_today(search: SuccessorSearch) -> str:
    cost, dependency = search.cost, search.dependency
    if not isinstance(cost, Money):
        return f"The cost today is not known. {cost.sentence}"
    amounts = [
        f"{number(round(tokens / 1_000_000))} million {noun}"
        for tokens, noun in (
            (dependency.monthly_input_tokens, "input"),
            (dependency.monthly_output_tokens, "output"),
        )
        if tokens
    ]
    usage = f", for {' and '.join(amounts)} tokens" if amounts else ""
    amount = f"{format_amount(cost.amount)} {cost.currency or ''}".strip()
    return f"Today: {amount} per month at list prices{usage}."


def _has_tier(offering: Offering, size: int, today: date) -> bool:
    return (
        Price.objects.at(now())
        .filter(offering=offering, above_tokens__gt=0, above_tokens__lt=size)
        .exists()
    )


def _present_choice(search: SuccessorSearch, row: Successor, user: User, today: date) -> Choice:
    dependency = search.dependency
    old, new = name_model(dependency.offering), name_offering(row.offering)
    consequences = []
    if row.difference is not None:
        consequences.append(
            f"Cost at list prices: {format_amount(row.difference, signed=True)} "
            f"{currency_of(search)} per month."
        )
    else:
        consequences.append("The difference in cost is not known.")
    consequences.append(_describe_adaptations(dependency, old))
    if row.fallback is not None and row.fallback.stays:
        consequences.append(f"Fallback: {describe_fallback(row.fallback, dependency.offering)}")
    migrate = {"offering": dependency.offering_id, "target": row.offering.pk}
    target = urlencode({"target": row.offering.pk})
    lost_fallback = row.fallback if row.fallback is not None and not row.fallback.stays else None
    warnings = list_warnings(row, search, today)
    if lost_fallback is not None:
        warnings += (describe_fallback(lost_fallback, dependency.offering),)
    return Choice(
        row=row,
        title=f"{new} replaces {old}",
        consequences=tuple(consequences),
        warnings=warnings,
        fallback=lost_fallback.proposed if lost_fallback is not None else None,
        migrate_url=f"{reverse('campaigns:create')}?{urlencode(migrate)}",
        record_test_url=f"{reverse('exit-tests:create', args=[dependency.pk])}?{target}",
    )


def _describe_adaptations(dependency: Dependency, old: str) -> str:
    rows = list(Adaptation.objects.filter(dependency=dependency).order_by("pk"))
    kept = f"Exit tests stay with {old}."
    if not rows:
        return f"No adaptation is recorded. {kept}"
    count = pluralize(
        len(rows), "1 adaptation is carried over", f"{len(rows)} adaptations are carried over"
    )
    return f"{count}: {join_names([str(row) for row in rows])}. {kept}"


CSV_HEADERS = (
    "Candidate",
    "Model ID",
    "Host",
    "Verdict",
    "Reason below the line",
    "Fit",
    "Region",
    "Data terms",
    "Retires",
    "Date type",
    "Days until retirement",
    "Cost per month",
    "Difference per month",
    "Currency",
    "Approval",
    "Independence",
    "Fallback",
    "Judge",
    "Tolerance",
    "Tested by",
    "Candidate because",
)


@require_safe
def successors_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Export all candidates, also those below the line."""
    dependency, user = visible_dependency(request, pk)
    today = day_of(now())
    (search,) = _search(dependency, user, today, None)
    return csv_response(
        f"successors-{dependency.application.slug}-{dependency.pk}",
        CSV_HEADERS,
        search.all,
        lambda row: _list_cells(row, search, today),
    )


def _list_cells(row: Successor, search: SuccessorSearch, today: date) -> Sequence[Any]:
    verdict = "keeps everything" if row.keeps_everything else "unknown"
    return [
        name_model(row.offering),
        row.offering.api_id,
        row.offering.host.name,
        "breaks" if row.is_broken else verdict,
        _join(describe_obstacle(obstacle, row, search) for obstacle in row.obstacles),
        fit_phrase(row.fit),
        str(row.region),
        describe_data_terms(row.data_terms),
        row.offering.retires_on,
        row.offering.get_date_kind_display(),
        row.runway_days,
        round(float(row.cost.amount), 2) if isinstance(row.cost, Money) else "",
        round(float(row.difference), 2) if row.difference is not None else "",
        row.cost.currency if isinstance(row.cost, Money) else "",
        APPROVAL_LABELS[row.approval],
        row.independence,
        describe_fallback(row.fallback, search.dependency.offering) if row.fallback else "",
        _join(describe_judge(judge, row) for judge in row.judges),
        _join(describe_change(change) for change in row.exposure),
        describe_tests(row, today),
        _join(f"{REASON_LABELS[reason]}." for reason in row.reasons),
    ]


def _join(sentences: Iterable[str]) -> str:
    return " ".join(sentences)

"""Page "Find a successor" for all dependencies of one cause: one candidate for all, or one for
each, which becomes a migration."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.catalog.models import Offering
from apps.common.errors import DomainError
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.campaigns.lifecycle import open_campaign
from apps.exposure.campaigns.reach import dependencies_in
from apps.exposure.campaigns.task_actions import choose_target
from apps.exposure.engine.settings import EngineSettings, engine_settings
from apps.exposure.models import Campaign
from apps.exposure.successors.phrases import describe_obstacle, name_model
from apps.exposure.successors.records import ExposureChange, Successor, SuccessorSearch
from apps.exposure.successors.search import RELATIONS, find_successors
from apps.exposure.successors.tolerances import Move, exposure_after_all
from apps.web.pages.action_view import action_view
from apps.web.pages.form_fields import governance_user, signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.presenters.fit import fit_phrase
from apps.web.presenters.successors import (
    currency_of,
    describe_change,
    describe_place,
    format_amount,
)
from apps.web.views.campaigns.create import (
    GOVERNANCE_ONLY,
    parse_subject,
    render_subject_search,
    subject_query,
)
from apps.web.views.dependencies.offering_picker import number_in
from apps.web.wording import number

MAX_CANDIDATES = 10
# dependencies with a choice of their own; the others get the candidate for all
MAX_DEPENDENCIES = 60


@dataclass(frozen=True, slots=True)
class SharedCandidate:
    """One candidate for all dependencies. `n_known` dependencies have a known difference in
    cost."""

    offering: Offering
    name: str
    place: str
    n_fit: int
    n_break: int
    n_unknown: int
    difference: str
    n_known: int
    changes: tuple[ExposureChange, ...]

    @property
    def shown_changes(self) -> list[tuple[str, bool]]:
        """Return (sentence, whether it is worse) of flags that open or close."""
        return [
            (describe_change(change), change.opens_flag)
            for change in self.changes
            if change.opens_flag or change.closes_flag
        ][:4]


@dataclass(frozen=True, slots=True)
class DependencyChoice:
    """One dependency with its options: (offering ID, label)."""

    search: SuccessorSearch
    options: tuple[tuple[int, str], ...]
    chosen: int | None
    best: Successor | None


@require_http_methods(["GET", "HEAD", "POST"])
def find_shared_successor(request: HttpRequest) -> HttpResponse:
    """Show the candidates for all dependencies of `?announcement=`, `?event=` or `?offering=`; a
    POST opens the migration with its targets."""
    user = (
        governance_user(request, GOVERNANCE_ONLY)
        if request.method == "POST"
        else signed_in_user(request)
    )
    draft = parse_subject(request)
    if draft is None:
        return render_subject_search(request)
    today = day_of(now())
    dependencies = list(
        dependencies_in(draft, on=today)
        .visible_to(user)
        .select_related(*RELATIONS)
        .order_by("application__criticality", "application__name", "pk")[:MAX_DEPENDENCIES]
    )
    settings = engine_settings()
    searches = find_successors(
        dependencies,
        user=user,
        on=today,
        max_candidates=MAX_CANDIDATES,
        with_effects=False,
        shared=True,
        settings=settings,
    )
    if request.method == "POST":
        return action_view(
            request,
            action=lambda _form: _open(request, draft, searches, user),
            done=lambda campaign: "The migration was opened with its targets.",
            back=lambda campaign: reverse("campaigns:detail", args=[campaign.pk]),
            page=lambda form: _render(request, draft, searches, user, settings, form),
        )
    return _render(request, draft, searches, user, settings, None)


def _open(
    request: HttpRequest, draft: Campaign, searches: Sequence[SuccessorSearch], user: User
) -> Campaign:
    """Open the migration to the candidate for all, and choose the targets that differ."""
    choices = _read_choices(request, searches)
    for_all = number_in(request.POST.get("target"))
    target = Offering.objects.filter(pk=for_all).first() if for_all else None
    if target is None:
        raise DomainError("Select a candidate for all dependencies.")
    broken = _describe_broken(searches, choices, target.pk)
    if broken and not request.POST.get("confirmed"):
        raise DomainError(f"This choice breaks something. {' '.join(broken)}")
    with transaction.atomic():
        campaign = open_campaign(
            by=user,
            at=now(),
            event=draft.event,
            announcement=draft.announcement,
            offering=None if draft.event or draft.announcement else draft.subject,
            target=target,
        )
        others = {pk: chosen for pk, chosen in choices.items() if chosen != target.pk}
        offerings = Offering.objects.select_related("host").in_bulk(set(others.values()))
        for task in campaign.tasks.filter(dependency__in=others).order_by("pk"):
            chosen = offerings.get(others[task.dependency_id])
            if chosen is not None:
                choose_target(task=task, target=chosen, at=now(), by=user)
    return campaign


def _read_choices(request: HttpRequest, searches: Sequence[SuccessorSearch]) -> Mapping[int, int]:
    """Return {dependency ID: chosen offering} of the dependencies with a choice of their own."""
    choices = {}
    for search in searches:
        pk = search.dependency.pk
        if (chosen := number_in(request.POST.get(f"target-{pk}"))) and search.find(chosen):
            choices[pk] = chosen
    return choices


def _describe_broken(
    searches: Sequence[SuccessorSearch], choices: Mapping[int, int], for_all: int
) -> list[str]:
    """Return what the choices break, one sentence for each of the first applications."""
    sentences = []
    for search in searches:
        row = search.find(choices.get(search.dependency.pk, for_all))
        if row is not None and row.is_broken:
            reasons = " ".join(describe_obstacle(one, row, search) for one in row.obstacles)
            name = search.dependency.application.name
            sentences.append(f"{name}, {name_model(row.offering)}: {reasons}")
    if len(sentences) > 5:
        sentences = [*sentences[:5], f"And {number(len(sentences) - 5)} more."]
    return sentences


def _render(
    request: HttpRequest,
    draft: Campaign,
    searches: Sequence[SuccessorSearch],
    user: User,
    settings: EngineSettings,
    form: forms.BaseForm | None,
) -> HttpResponse:
    candidates = _sum_up(searches, user, settings)
    for_all = number_in(request.POST.get("target")) or (
        candidates[0].offering.pk if candidates else None
    )
    choices = _read_choices(request, searches)
    return render_page(
        request,
        "campaigns/successors.html",
        title=f"Successors of {draft.subject_name}",
        crumbs=(("Migrations", reverse("campaigns:list")),),
        counts="Active dependencies that you can view, in any role",
        sentence=Headline(*_headline(draft, candidates, len(searches))),
        candidates=candidates,
        rows=[_present_dependency(search, choices) for search in searches],
        for_all=for_all,
        currency=next((currency_of(search) for search in searches), "USD"),
        n=len(searches),
        is_cut=len(searches) == MAX_DEPENDENCIES,
        max_dependencies=MAX_DEPENDENCIES,
        with_flags=user.can_read_all,
        is_governance=user.is_governance,
        errors=[str(error) for error in form.non_field_errors()] if form is not None else (),
        query=subject_query(draft),
        status=422 if form is not None else 200,
    )


def _headline(
    draft: Campaign, candidates: Sequence[SharedCandidate], n: int
) -> tuple[str, str, str]:
    if not n:
        return f"No dependency uses {draft.subject_name}.", "", ""
    uses = pluralize(n, "1 dependency", f"{number(n)} dependencies")
    n_all = sum(candidate.n_fit == n for candidate in candidates)
    if n_all:
        found = pluralize(n_all, "1 candidate fits", f"{n_all} candidates fit")
        everything = pluralize(n, "the dependency", f"all {number(n)} dependencies")
        return f"{found} {everything}.", "", ""
    best = max((candidate.n_fit for candidate in candidates), default=0)
    if best:
        return f"No candidate fits all {uses}. ", f"The best one fits {best}.", ""
    return f"No candidate is known to fit any of {uses}.", "", ""


def _sum_up(
    searches: Sequence[SuccessorSearch], user: User, settings: EngineSettings
) -> list[SharedCandidate]:
    """Return the candidates by how many dependencies they fit, then by exposure and cost."""
    rows: dict[int, list[Successor]] = {}
    for search in searches:
        for row in search.all:
            rows.setdefault(row.offering.pk, []).append(row)
    changes: Sequence[tuple[ExposureChange, ...]] = [() for _ in rows]
    if user.can_read_all and rows:
        changes = exposure_after_all(
            [_moves_of(of_offering) for of_offering in rows.values()],
            settings=settings,
            on=day_of(now()),
        )
    summed = [
        _sum_candidate(of_offering, of_changes)
        for of_offering, of_changes in zip(rows.values(), changes, strict=True)
    ]
    return sorted(
        summed,
        key=lambda one: (
            -one.n_fit,
            one.n_break,
            sum(change.opens_flag for change in one.changes),
            one.offering.pk,
        ),
    )


def _moves_of(rows: Sequence[Successor]) -> list[Move]:
    by_application: dict[int, dict[int, int]] = {}
    for row in rows:
        moved = by_application.setdefault(row.dependency.application_id, {})
        moved[row.dependency.pk] = row.offering.pk
    return [Move(pk, offerings) for pk, offerings in by_application.items()]


def _sum_candidate(
    rows: Sequence[Successor], changes: tuple[ExposureChange, ...]
) -> SharedCandidate:
    counts = Counter(
        "break" if row.is_broken else "fit" if row.keeps_everything else "unknown" for row in rows
    )
    known = [row.difference for row in rows if row.difference is not None]
    offering = rows[0].offering
    return SharedCandidate(
        offering=offering,
        name=name_model(offering),
        place=describe_place(rows[0]),
        n_fit=counts["fit"],
        n_break=counts["break"],
        n_unknown=counts["unknown"],
        difference=format_amount(sum(known, Fraction(0)) if known else None, signed=True),
        n_known=len(known),
        changes=changes,
    )


def _present_dependency(search: SuccessorSearch, choices: Mapping[int, int]) -> DependencyChoice:
    options = tuple(
        (row.offering.pk, f"{name_model(row.offering)}, {describe_place(row)}: {_phrase(row)}")
        for row in search.all
    )
    return DependencyChoice(
        search,
        options,
        choices.get(search.dependency.pk),
        next(iter(search.successors), None),
    )


def _phrase(row: Successor) -> str:
    if row.keeps_everything:
        return "fits"
    if row.is_broken and not any(obstacle.fields for obstacle in row.obstacles):
        return f"breaks: {', '.join(str(one.kind).replace('_', ' ') for one in row.obstacles)}"
    return fit_phrase(row.fit)

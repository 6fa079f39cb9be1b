"""Teams and their role assignments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts import actions
from apps.accounts.filters import TeamFilter
from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.common.validators import validate_time_zone
from apps.inventory.models import Application
from apps.web.pages.filter_controls import FilterControl, build_filter_controls
from apps.web.pages.flash_messages import flash_error, flash_success
from apps.web.pages.form_fields import QuickSelect, governance_user, signed_in_user
from apps.web.pages.list_page import MAX_COUNTED_ROWS, PaginatedList, csv_response
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of

GOVERNANCE_ONLY = "Teams are added, moved and removed by governance."


class TeamForm(OptimisticLockMixin, forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Team
        fields = actions.TEAM_FIELDS
        labels = {
            "name": "Name",
            "parent": "Parent team",
            "email": "Mailbox",
            "time_zone": "Time zone of the mailbox",
            "digest_hour": "Hour of its digest",
        }
        help_texts = {"parent": "Roles on the parent team also apply here."}
        widgets = {
            "parent": QuickSelect,
            "digest_hour": forms.NumberInput(attrs={"min": 0, "max": 23}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent = self.fields["parent"]
        assert isinstance(parent, forms.ModelChoiceField)
        # only what its options say: an organisation may have thousands
        parent.queryset = Team.objects.order_by("name", "pk").only("name")
        parent.empty_label = "none: a top-level team"

    def clean_time_zone(self) -> str:
        zone: str = self.cleaned_data["time_zone"]
        validate_time_zone(zone)
        return zone


class MemberForm(forms.Form):
    person = forms.CharField(
        label="User",
        help_text="Username or email address.",
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )
    role = forms.TypedChoiceField(
        label="Role",
        choices=[(role.rank, role.word) for role in TeamRole],
        coerce=lambda rank: TeamRole(int(rank)),
    )

    def clean_person(self) -> User:
        name = self.cleaned_data["person"].strip()
        found = list(
            User.objects.filter(Q(username=name) | Q(email__iexact=name), is_active=True)[:2]
        )
        if len(found) != 1:
            raise ValidationError(
                f"No active user “{name}” found. Invite the user under Users first."
            )
        return found[0]


@dataclass(frozen=True, slots=True)
class TeamRow:
    team: Any
    depth: int


@dataclass
class TeamListing(PaginatedList[Team]):
    """Pages of the team tree, walked from the top; in a filtered one each team is listed by
    itself."""

    tree: Sequence[tuple[int, int]] = field(kw_only=True)

    @cached_property
    def n_found(self) -> int:
        return min(len(self.tree), MAX_COUNTED_ROWS + 1)

    @cached_property
    def sheet(self) -> list[TeamRow]:
        start = (self.number - 1) * self.size
        shown = self.tree[start : start + self.size]
        found = self.queryset.select_related("parent").in_bulk([pk for pk, _depth in shown])
        return [TeamRow(found[pk], depth) for pk, depth in shown if pk in found]

    @cached_property
    def rows(self) -> list[Team]:
        return [row.team for row in self.sheet]


def _tree(teams: Iterable[tuple[int, int | None]]) -> list[tuple[int, int]]:
    """(id, depth) in the order of a tree, of (id, parent); one whose parent is not among them
    stands at the top."""
    parents = dict(teams)
    below: dict[int | None, list[int]] = {}
    for pk, parent in parents.items():
        below.setdefault(parent if parent in parents else None, []).append(pk)
    rows: list[tuple[int, int]] = []

    def add(parent: int | None, depth: int) -> None:
        for pk in below.get(parent, []):
            rows.append((pk, depth))
            add(pk, depth + 1)

    add(None, 0)
    return rows


def _counted(user: User, rows: Sequence[TeamRow]) -> None:
    """Gives each team how many hold a role on it itself and how many applications it owns: two
    statements."""
    ids = [row.team.pk for row in rows]
    n_people = dict(
        Membership.objects.filter(team__in=ids)
        .order_by()
        .values_list("team")
        .annotate(n=Count("pk"))
    )
    n_applications = dict(
        Application.objects.visible_to(user)
        .filter(team__in=ids)
        .order_by()
        .values_list("team")
        .annotate(n=Count("pk"))
    )
    for row in rows:
        row.team.n_people = n_people.get(row.team.pk, 0)
        row.team.n_applications = n_applications.get(row.team.pk, 0)


@require_safe
def team_list(request: HttpRequest) -> HttpResponse:
    user = signed_in_user(request)
    visible = Team.objects.visible_to(user)
    found = TeamFilter(request.GET, visible, request=request)
    tree = _tree(found.qs.order_by("name", "pk").values_list("pk", "parent"))
    listing = TeamListing(request, visible, tree=tree)
    _counted(user, listing.sheet)
    n_without = found.qs.filter(email="", memberships__isnull=True).count()
    return render_page(
        request,
        "settings/teams.html",
        fragment="listing",
        title="Teams",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Teams you may see",
        sentence=_sentence(len(tree), n_without, filtered=listing.is_filtered),
        filters=build_filter_controls(request, found, [FilterControl("q", "Search", "search")]),
        listing=listing,
        rows=listing.sheet,
        can_add=user.is_governance,
    )


def _sentence(n: int, n_without: int, *, filtered: bool) -> Headline:
    if n == 0 and filtered:
        return Headline("No team is so named.")
    if n == 0:
        return Headline("You belong to no team yet.")
    start = f"{count_of(n, 'team')[:1].upper()}{count_of(n, 'team')[1:]}"
    if n_without:
        return Headline(
            f"{start}; ",
            f"{count_of(n_without, 'team')} with neither people nor a mailbox",
            ", whose alerts fall to whoever stands above.",
        )
    return Headline(f"{start}, each with people or a mailbox of its own.")


@require_safe
def team_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send one row per membership; a team without one has a row of its own."""
    user = signed_in_user(request)
    rows: list[tuple[Team, Membership | None]] = []
    for team in (
        Team.objects.visible_to(user).prefetch_related("memberships__user").select_related("parent")
    ):
        memberships = list(team.memberships.all())
        rows.extend((team, membership) for membership in memberships)
        if not memberships:
            rows.append((team, None))
    return csv_response(
        "teams",
        ["team", "slug", "belongs to", "mailbox", "person", "e-mail", "role", "active"],
        rows,
        _cells,
    )


def _cells(row: tuple[Team, Membership | None]) -> list[Any]:
    team, membership = row
    above = team.parent.slug if team.parent else ""
    facts = [team.name, team.slug, above, team.email]
    if membership is None:
        return [*facts, "", "", "", ""]
    person = membership.user
    active = "yes" if person.is_active else "no"
    return [*facts, person.username, person.email, membership.get_role_display(), active]


@require_http_methods(["GET", "HEAD", "POST"])
def add_team(request: HttpRequest) -> HttpResponse:
    user = governance_user(request, str(GOVERNANCE_ONLY))
    form = TeamForm(request.POST or None, initial={"parent": request.GET.get("parent")})
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.add_team(facts=_facts(form), by=user)
        except ValidationError as refused:
            form.add_error(None, refused)
        else:
            flash_success(request, f"{made.name} was added. Assign roles to users next.")
            if actions.teams_by_name(made.name).exclude(pk=made.pk).exists():
                words = {"team": made.name, "slug": made.slug}
                flash_success(
                    request,
                    "Another team is also called {team}. The slug of this one is {slug}.".format(
                        **words
                    ),
                )
            return redirect("teams:detail", made.slug)
    return render_page(
        request,
        "settings/team-form.html",
        title="Add a team",
        crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
        sentence=Headline("A team owns applications, and its people see and change them."),
        form=form,
        status=422 if form.is_bound else 200,
    )


def _facts(form: TeamForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in actions.TEAM_FIELDS}


@require_http_methods(["GET", "HEAD", "POST"])
def team_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one team: its members, and for governance its facts."""
    user = signed_in_user(request)
    found = get_object_or_404(Team.objects.visible_to(user).select_related("parent"), slug=slug)
    may_own = user.may(TeamRole.OWNER, found)
    form = TeamForm(instance=found, row=found) if user.is_governance else None
    if request.method == "POST":
        governance_user(request, str(GOVERNANCE_ONLY))
        with transaction.atomic():
            locked = actions.locked_team(found)
            form = TeamForm(request.POST, instance=locked, row=Team.objects.get(pk=found.pk))
            if form.is_valid():
                try:
                    with transaction.atomic():
                        actions.change_team(team=locked, facts=_facts(form), by=user)
                except ValidationError as refused:
                    form.add_error(None, refused)
                else:
                    flash_success(request, f"{locked.name} was changed.")
                    return redirect("teams:detail", found.slug)
    return _team_page(
        request, found, user=user, form=form, member_form=MemberForm() if may_own else None
    )


def _team_page(
    request: HttpRequest,
    team: Team,
    *,
    user: User,
    form: TeamForm | None,
    member_form: MemberForm | None,
) -> HttpResponse:
    members = list(team.memberships.select_related("user").order_by("-role", "user__username"))
    refused = bool(form and form.is_bound) or bool(member_form and member_form.is_bound)
    n = Application.objects.visible_to(user).filter(team=team).count()
    return render_page(
        request,
        "settings/team.html",
        title=team.name,
        crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
        counts="Roles held on this team itself",
        sentence=Headline(
            f"{team.name} has {count_of(len(members), 'person', 'people')} with a role of its"
            f" own and owns {count_of(n, 'application')}."
        ),
        team=team,
        members=members,
        above=_above(team, user),
        n_applications=n,
        form=form,
        member_form=member_form,
        # names of people are for those who work with them
        people=User.objects.filter(is_active=True).order_by("username")[:500]
        if user.can_read_all
        else (),
        status=422 if refused else 200,
    )


def _above(team: Team, user: User) -> list[Membership]:
    """Roles held on teams above, that hold here too, as far as those teams are visible."""
    ids, at = [], team.parent
    while at is not None and at.pk not in ids and at.pk != team.pk:
        ids.append(at.pk)
        at = at.parent
    seen = Team.objects.visible_to(user).filter(pk__in=ids)
    return list(
        Membership.objects.filter(team__in=seen)
        .select_related("user", "team")
        .order_by("-role", "user")
    )


@require_POST
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a user a role on the team, in place of the one held before."""
    user, found = _owned(request, slug)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _team_page(
            request,
            found,
            user=user,
            form=TeamForm(instance=found, row=found) if user.is_governance else None,
            member_form=form,
        )
    person: User = form.cleaned_data["person"]
    role: TeamRole = form.cleaned_data["role"]
    try:
        actions.set_membership(user=person, team=found, role=role, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", found.slug)
    flash_success(request, f"{person} is {role.word} of {found.name}.")
    return redirect("teams:detail", found.slug)


@require_POST
def remove_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    user, found = _owned(request, slug)
    membership = get_object_or_404(found.memberships.select_related("user"), pk=pk)
    person = membership.user
    try:
        actions.end_membership(membership=membership, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", found.slug)
    flash_success(request, f"{person} no longer has a role on {found.name}.")
    # whoever drops the own role may not see the team any more
    still = Team.objects.visible_to(User.objects.get(pk=user.pk)).filter(pk=found.pk).exists()
    return redirect("teams:detail", found.slug) if still else redirect("teams:list")


@require_POST
def remove_team(request: HttpRequest, slug: str) -> HttpResponse:
    user = governance_user(request, str(GOVERNANCE_ONLY))
    found = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    try:
        actions.remove_team(team=found, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", found.slug)
    flash_success(request, f"{found.name} was removed.")
    return redirect("teams:list")


def _owned(request: HttpRequest, slug: str) -> tuple[User, Team]:
    user = signed_in_user(request)
    found = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    if not user.may(TeamRole.OWNER, found):
        raise PermissionDenied(
            "You need the governance role, or the owner role on the team, to assign roles."
        )
    return user, found

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
        # only the name, which the options show: an organisation may have thousands of teams
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
        users = list(
            User.objects.filter(Q(username=name) | Q(email__iexact=name), is_active=True)[:2]
        )
        if len(users) != 1:
            raise ValidationError(
                f"No active user “{name}” found. Invite the user under Users first."
            )
        return users[0]


@dataclass(frozen=True, slots=True)
class TeamRow:
    team: Any
    depth: int


@dataclass
class TeamListing(PaginatedList[Team]):
    """Pages of the team tree, in depth-first order; `tree` holds (team ID, depth)."""

    tree: Sequence[tuple[int, int]] = field(kw_only=True)

    @cached_property
    def n_found(self) -> int:
        return min(len(self.tree), MAX_COUNTED_ROWS + 1)

    @cached_property
    def sheet(self) -> list[TeamRow]:
        start = (self.number - 1) * self.size
        page_nodes = self.tree[start : start + self.size]
        teams_by_id = self.queryset.select_related("parent").in_bulk(
            [pk for pk, _depth in page_nodes]
        )
        return [TeamRow(teams_by_id[pk], depth) for pk, depth in page_nodes if pk in teams_by_id]

    @cached_property
    def rows(self) -> list[Team]:
        return [row.team for row in self.sheet]


def _build_tree(teams: Iterable[tuple[int, int | None]]) -> list[tuple[int, int]]:
    """Return [(team ID, depth)] in depth-first order from (team ID, parent ID); a team whose parent
    is missing is at the top."""
    parents = dict(teams)
    children: dict[int | None, list[int]] = {}
    for pk, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(pk)
    rows: list[tuple[int, int]] = []

    def add(parent: int | None, depth: int) -> None:
        for pk in children.get(parent, []):
            rows.append((pk, depth))
            add(pk, depth + 1)

    add(None, 0)
    return rows


def _set_counts(user: User, rows: Sequence[TeamRow]) -> None:
    """Set `n_people`, the users with a role on the team itself, and `n_applications` of each row's
    team: two statements."""
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
    """Show the visible teams as a tree, by the filter of the URL."""
    user = signed_in_user(request)
    visible_teams = Team.objects.visible_to(user)
    filterset = TeamFilter(request.GET, visible_teams, request=request)
    tree = _build_tree(filterset.qs.order_by("name", "pk").values_list("pk", "parent"))
    listing = TeamListing(request, visible_teams, tree=tree)
    _set_counts(user, listing.sheet)
    n_without = filterset.qs.filter(email="", memberships__isnull=True).count()
    return render_page(
        request,
        "settings/teams.html",
        fragment="listing",
        title="Teams",
        crumbs=(("Settings", reverse("settings:home")),),
        counts="Teams you may see",
        sentence=_build_list_headline(len(tree), n_without, is_filtered=listing.is_filtered),
        filters=build_filter_controls(request, filterset, [FilterControl("q", "Search", "search")]),
        listing=listing,
        rows=listing.sheet,
        can_add=user.is_governance,
    )


def _build_list_headline(n: int, n_without: int, *, is_filtered: bool) -> Headline:
    if n == 0 and is_filtered:
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
        _build_csv_cells,
    )


def _build_csv_cells(row: tuple[Team, Membership | None]) -> list[Any]:
    team, membership = row
    parent_slug = team.parent.slug if team.parent else ""
    facts = [team.name, team.slug, parent_slug, team.email]
    if membership is None:
        return [*facts, "", "", "", ""]
    user = membership.user
    active = "yes" if user.is_active else "no"
    return [*facts, user.username, user.email, membership.get_role_display(), active]


@require_http_methods(["GET", "HEAD", "POST"])
def add_team(request: HttpRequest) -> HttpResponse:
    """Add a team."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    form = TeamForm(request.POST or None, initial={"parent": request.GET.get("parent")})
    if request.method == "POST" and form.is_valid():
        try:
            team = actions.add_team(facts=_get_facts(form), by=user)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            flash_success(request, f"{team.name} was added. Assign roles to users next.")
            if actions.teams_by_name(team.name).exclude(pk=team.pk).exists():
                values = {"team": team.name, "slug": team.slug}
                flash_success(
                    request,
                    "Another team is also called {team}. The slug of this one is {slug}.".format(
                        **values
                    ),
                )
            return redirect("teams:detail", team.slug)
    return render_page(
        request,
        "settings/team-form.html",
        title="Add a team",
        crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
        sentence=Headline("A team owns applications, and its people see and change them."),
        form=form,
        status=422 if form.is_bound else 200,
    )


def _get_facts(form: TeamForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in actions.TEAM_FIELDS}


@require_http_methods(["GET", "HEAD", "POST"])
def team_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one team with its members, and for governance the form of its facts."""
    user = signed_in_user(request)
    team = get_object_or_404(Team.objects.visible_to(user).select_related("parent"), slug=slug)
    may_own = user.may(TeamRole.OWNER, team)
    form = TeamForm(instance=team, row=team) if user.is_governance else None
    if request.method == "POST":
        governance_user(request, str(GOVERNANCE_ONLY))
        with transaction.atomic():
            locked = actions.locked_team(team)
            form = TeamForm(request.POST, instance=locked, row=Team.objects.get(pk=team.pk))
            if form.is_valid():
                try:
                    with transaction.atomic():
                        actions.change_team(team=locked, facts=_get_facts(form), by=user)
                except ValidationError as error:
                    form.add_error(None, error)
                else:
                    flash_success(request, f"{locked.name} was changed.")
                    return redirect("teams:detail", team.slug)
    return _render_team_page(
        request, team, user=user, form=form, member_form=MemberForm() if may_own else None
    )


def _render_team_page(
    request: HttpRequest,
    team: Team,
    *,
    user: User,
    form: TeamForm | None,
    member_form: MemberForm | None,
) -> HttpResponse:
    """Render the page of a team; `form` and `member_form` are None if the user may not use them."""
    members = list(team.memberships.select_related("user").order_by("-role", "user__username"))
    is_rejected = bool(form and form.is_bound) or bool(member_form and member_form.is_bound)
    n_applications = Application.objects.visible_to(user).filter(team=team).count()
    return render_page(
        request,
        "settings/team.html",
        title=team.name,
        crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
        counts="Roles held on this team itself",
        sentence=Headline(
            f"{team.name} has {count_of(len(members), 'person', 'people')} with a role of its"
            f" own and owns {count_of(n_applications, 'application')}."
        ),
        team=team,
        members=members,
        above=_list_inherited_memberships(team, user),
        n_applications=n_applications,
        form=form,
        member_form=member_form,
        # only users who can view all accounts see the names of all users
        people=User.objects.filter(is_active=True).order_by("username")[:500]
        if user.can_read_all
        else (),
        status=422 if is_rejected else 200,
    )


def _list_inherited_memberships(team: Team, user: User) -> list[Membership]:
    """Return the memberships in visible ancestors of the team, whose roles also apply here."""
    ancestor_ids, ancestor = [], team.parent
    while ancestor is not None and ancestor.pk not in ancestor_ids and ancestor.pk != team.pk:
        ancestor_ids.append(ancestor.pk)
        ancestor = ancestor.parent
    visible_teams = Team.objects.visible_to(user).filter(pk__in=ancestor_ids)
    return list(
        Membership.objects.filter(team__in=visible_teams)
        .select_related("user", "team")
        .order_by("-role", "user")
    )


@require_POST
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Assign a role on the team to a user, replacing an earlier role."""
    user, team = _get_owned_team(request, slug)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _render_team_page(
            request,
            team,
            user=user,
            form=TeamForm(instance=team, row=team) if user.is_governance else None,
            member_form=form,
        )
    person: User = form.cleaned_data["person"]
    role: TeamRole = form.cleaned_data["role"]
    try:
        actions.set_membership(user=person, team=team, role=role, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", team.slug)
    flash_success(request, f"{person} is {role.word} of {team.name}.")
    return redirect("teams:detail", team.slug)


@require_POST
def remove_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    user, team = _get_owned_team(request, slug)
    membership = get_object_or_404(team.memberships.select_related("user"), pk=pk)
    person = membership.user
    try:
        actions.end_membership(membership=membership, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", team.slug)
    flash_success(request, f"{person} no longer has a role on {team.name}.")
    # users who remove their own role may no longer view the team
    can_view = Team.objects.visible_to(User.objects.get(pk=user.pk)).filter(pk=team.pk).exists()
    return redirect("teams:detail", team.slug) if can_view else redirect("teams:list")


@require_POST
def remove_team(request: HttpRequest, slug: str) -> HttpResponse:
    user = governance_user(request, str(GOVERNANCE_ONLY))
    team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    try:
        actions.remove_team(team=team, by=user)
    except actions.AccountChangeError as refusal:
        flash_error(request, str(refusal))
        return redirect("teams:detail", team.slug)
    flash_success(request, f"{team.name} was removed.")
    return redirect("teams:list")


def _get_owned_team(request: HttpRequest, slug: str) -> tuple[User, Team]:
    user = signed_in_user(request)
    team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    if not user.may(TeamRole.OWNER, team):
        raise PermissionDenied(
            "You need the governance role, or the owner role on the team, to assign roles."
        )
    return user, team

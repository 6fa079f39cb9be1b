"""Teams and their role assignments."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts import actions
from apps.accounts.filters import TeamFilter
from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.common.text import pluralize
from apps.common.validators import validate_time_zone
from apps.inventory.models import Application
from apps.web.lists.columns import Column, FileColumn, format_number
from apps.web.lists.computed_rows import ComputedRows
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import url_with_query
from apps.web.pages.action_view import action_view
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import QuickSelect, governance_user, signed_in_user
from apps.web.pages.optimistic_lock import OptimisticLockMixin
from apps.web.pages.page import Headline, render_page
from apps.web.wording import count_of, number

GOVERNANCE_ONLY = "You need the governance role to add, move and remove teams."


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


@dataclass(frozen=True, slots=True)
class TeamRow:
    """Team at its depth in the tree of visible teams."""

    team: Team
    depth: int
    n_members: int
    n_applications: int


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Row of a file: a team with one of its roles, or without one."""

    team: Team
    membership: Membership | None


def _get_member_fact(name: str) -> Callable[[TeamMember], Any]:
    return lambda row: attrgetter(name)(row.membership) if row.membership is not None else ""


class TeamList(ListPage[Any, TeamRow]):
    """Visible teams as a tree, by the filter of the URL; the files list the roles on each."""

    namespace = "teams"
    title = "Teams"
    nouns = ("team", "teams")
    crumbs = (("Settings", "settings:home"),)
    counts = "Teams that you can view"
    filterset_class = TeamFilter
    columns = (
        Column[TeamRow](
            "team",
            "Team",
            attrgetter("team.name"),
            note=lambda row: (
                f"part of {row.team.parent.name}" if row.team.parent and not row.depth else ""
            ),
            url=lambda row: reverse("teams:detail", args=[row.team.slug]),
            css=lambda row: f"deep-{row.depth}" if row.depth else "",
        ),
        Column[TeamRow]("mailbox", "Mailbox", attrgetter("team.email")),
        Column[TeamRow](
            "members", "Members", attrgetter("n_members"), format=format_number, is_numeric=True
        ),
        Column[TeamRow](
            "applications",
            "Applications",
            attrgetter("n_applications"),
            format=format_number,
            url=lambda row: url_with_query(reverse("applications:list"), team=row.team.slug),
            is_numeric=True,
        ),
    )
    has_details_in_files = True
    file_columns = (
        FileColumn[TeamMember]("Team", attrgetter("team.name")),
        FileColumn[TeamMember]("Team ID", attrgetter("team.slug")),
        FileColumn[TeamMember](
            "Parent team", lambda row: row.team.parent.slug if row.team.parent else ""
        ),
        FileColumn[TeamMember]("Mailbox", attrgetter("team.email")),
        FileColumn[TeamMember]("Member", _get_member_fact("user.username")),
        FileColumn[TeamMember]("Email", _get_member_fact("user.email")),
        FileColumn[TeamMember](
            "Role", lambda row: row.membership.get_role_display() if row.membership else ""
        ),
        FileColumn[TeamMember](
            "Active",
            lambda row: (
                "" if row.membership is None else "yes" if row.membership.user.is_active else "no"
            ),
        ),
    )
    controls = (FilterControl("q", "Search", "search"),)
    default_order = ("", ())

    def get_queryset(self) -> "QuerySet[Team]":
        return Team.objects.visible_to(self.user)

    def narrow(self, queryset: "QuerySet[Team]") -> Any:
        """Return the (team ID, depth) of the selected teams, depth first."""
        return ComputedRows(
            _build_tree(queryset.order_by("name", "pk").values_list("pk", "parent"))
        )

    def build_rows(self, records: Sequence[tuple[int, int]]) -> Sequence[TeamRow]:
        """Return the rows of some nodes of the tree: three statements."""
        ids = [pk for pk, _depth in records]
        teams = self.get_queryset().select_related("parent").in_bulk(ids)
        n_members = _count_by_team(Membership.objects.filter(team__in=ids))
        n_applications = _count_by_team(
            Application.objects.visible_to(self.user).filter(team__in=ids)
        )
        return [
            TeamRow(teams[pk], depth, n_members.get(pk, 0), n_applications.get(pk, 0))
            for pk, depth in records
            if pk in teams
        ]

    def build_file_rows(self, records: Sequence[tuple[int, int]]) -> Iterator[TeamMember]:
        ids = [pk for pk, _depth in records]
        teams = self.get_queryset().select_related("parent")
        teams_by_id = teams.prefetch_related("memberships__user").in_bulk(ids)
        for pk in ids:
            if (team := teams_by_id.get(pk)) is None:
                continue
            memberships: list[Membership | None] = list(team.memberships.all())
            for membership in memberships or [None]:
                yield TeamMember(team, membership)

    def get_lead(self) -> Headline:
        if self.is_filtered:
            return self.describe_matches()
        if not self.listing.n_found:
            return Headline("You are not a member of a team yet.")
        n_without = self.filterset.qs.filter(email="", memberships__isnull=True).count()
        if not n_without:
            return Headline(f"{self.count_records()}, each with members or a mailbox.")
        return Headline(
            f"{self.count_records()}; ",
            pluralize(n_without, "1 has", f"{number(n_without)} have"),
            " no members and no mailbox, so the team above receives the alerts.",
        )

    def get_basis(self) -> str:
        return (
            "A role on a team also applies to its sub-teams. Alerts are sent to the mailbox of the "
            "team, or to its owners if it has none."
        )

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add team", reverse("teams:create"), is_primary=True),)

    def get_empty_state(self) -> EmptyState:
        if self.user.is_governance:
            return EmptyState(
                "No teams yet.",
                "A team owns applications. Add the teams, then give users a role on theirs.",
                "Add team",
                reverse("teams:create"),
            )
        return EmptyState(
            "No teams yet.",
            "A team owns applications. Contact a governance user for a role on the team whose "
            "applications you work on.",
        )


def _count_by_team(rows: "QuerySet[Any]") -> dict[int, int]:
    return dict(rows.order_by().values_list("team").annotate(n=Count("pk")))


@require_http_methods(["GET", "HEAD", "POST"])
def add_team(request: HttpRequest) -> HttpResponse:
    """Add a team."""
    user = governance_user(request, str(GOVERNANCE_ONLY))
    return action_view(
        request,
        form=lambda: TeamForm(request.POST or None, initial={"parent": request.GET.get("parent")}),
        action=lambda form: actions.add_team(facts=_get_facts(form), by=user),
        done=_confirm_new_team,
        back=lambda team: reverse("teams:detail", args=[team.slug]),
        page=lambda form: render_page(
            request,
            "settings/team-form.html",
            title="Add team",
            crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
            sentence=Headline("A team owns applications. Its members can view and change them."),
            form=form,
        ),
    )


def _confirm_new_team(team: Team) -> str:
    has_namesake = actions.teams_by_name(team.name).exclude(pk=team.pk).exists()
    return f"{team.name} was added. Assign roles to users next." + (
        f" Another team is also called {team.name}. The slug of this one is {team.slug}."
        if has_namesake
        else ""
    )


def _get_facts(form: TeamForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in actions.TEAM_FIELDS}


@require_http_methods(["GET", "HEAD", "POST"])
def team_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show one team with its members, and for governance the form of its facts."""
    user = signed_in_user(request)
    team = get_object_or_404(Team.objects.visible_to(user).select_related("parent"), slug=slug)
    if request.method == "POST":
        governance_user(request, str(GOVERNANCE_ONLY))

    def make_form() -> TeamForm:
        if request.method != "POST":
            return TeamForm(instance=team, row=team)
        locked = actions.locked_team(team)
        return TeamForm(request.POST, instance=locked, row=Team.objects.get(pk=team.pk))

    return action_view(
        request,
        form=make_form,
        action=lambda form: actions.change_team(
            team=form.instance, facts=_get_facts(form), by=user
        ),
        done=lambda changed: f"{changed.name} was changed.",
        back=reverse("teams:detail", args=[team.slug]),
        page=lambda form: _render_team_page(
            request, team, user=user, form=form if user.is_governance else None
        ),
    )


def _render_team_page(
    request: HttpRequest,
    team: Team,
    *,
    user: User,
    form: TeamForm | None,
    member_form: MemberForm | None = None,
) -> HttpResponse:
    """Render the page of a team; `form` is None if the user may not use it. A `member_form` with
    errors replaces the empty one."""
    members = list(team.memberships.select_related("user").order_by("-role", "user__username"))
    n_applications = Application.objects.visible_to(user).filter(team=team).count()
    return render_page(
        request,
        "settings/team.html",
        title=team.name,
        crumbs=(("Settings", reverse("settings:home")), ("Teams", reverse("teams:list"))),
        counts="Roles on this team, without those on parent teams",
        sentence=Headline(
            f"{team.name} has {count_of(len(members), 'person', 'people')} with a role and"
            f" owns {count_of(n_applications, 'application')}."
        ),
        team=team,
        members=members,
        above=_list_inherited_memberships(team, user),
        n_applications=n_applications,
        form=form,
        member_form=member_form or (MemberForm() if user.may(TeamRole.OWNER, team) else None),
        # only users who can view all accounts see the names of all users
        people=User.objects.filter(is_active=True).order_by("username")[:500]
        if user.can_read_all
        else (),
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
    detail_url = reverse("teams:detail", args=[team.slug])

    def assign(form: MemberForm) -> str:
        person, role = form.cleaned_data["person"], form.cleaned_data["role"]
        actions.set_membership(user=person, team=team, role=role, by=user)
        return f"{person} is {role.word} of {team.name}."

    return action_view(
        request,
        form=lambda: MemberForm(request.POST),
        action=assign,
        done=str,
        back=detail_url,
        page=lambda form: _render_team_page(
            request,
            team,
            user=user,
            form=TeamForm(instance=team, row=team) if user.is_governance else None,
            member_form=form,
        ),
        refused=detail_url,
    )


@require_POST
def remove_member(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    user, team = _get_owned_team(request, slug)
    membership = get_object_or_404(team.memberships.select_related("user"), pk=pk)
    detail_url = reverse("teams:detail", args=[team.slug])

    def back(_result: object) -> str:
        # users who remove their own role may no longer view the team
        visible_teams = Team.objects.visible_to(User.objects.get(pk=user.pk))
        return detail_url if visible_teams.filter(pk=team.pk).exists() else reverse("teams:list")

    return action_view(
        request,
        action=lambda _form: actions.end_membership(membership=membership, by=user),
        done=f"{membership.user} no longer has a role on {team.name}.",
        back=back,
        refused=detail_url,
    )


@require_POST
def remove_team(request: HttpRequest, slug: str) -> HttpResponse:
    user = governance_user(request, str(GOVERNANCE_ONLY))
    team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    return action_view(
        request,
        action=lambda _form: actions.remove_team(team=team, by=user),
        done=f"{team.name} was removed.",
        back=reverse("teams:list"),
        refused=reverse("teams:detail", args=[team.slug]),
    )


def _get_owned_team(request: HttpRequest, slug: str) -> tuple[User, Team]:
    user = signed_in_user(request)
    team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    if not user.may(TeamRole.OWNER, team):
        raise PermissionDenied(
            "You need the governance role, or the owner role on the team, to assign roles."
        )
    return user, team

"""A small organisation in which things happen by chance, and an independent answer to who should be
told what when.

The model knows nothing of the tables: it keeps its own record of teams, people, applications and
models, and works out from the rules in docs/alerts.md what is owed on a day.
`RandomPortfolio.live_a_day` changes both.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.alerts.models import AlertPolicy
from apps.catalog.models import Offering
from apps.inventory.models import Application, Criticality, Dependency, ExitPlan, ExitTest
from tests.alerts.simulation import day_in, morning
from tests.builders import (
    make_application,
    make_dependency,
    make_event,
    make_member,
    make_offering,
    make_team,
    make_user,
)

EXPIRY, REVIEW, GRACE = (30, 7, 0), (14, 0), 7
POLICIES = [
    ((180, 90, 60, 30, 14, 7, 1, 0), (90, 0)),
    ((45, 20, 10, 3), (30,)),
    ((14, 0), ()),
    ((), (60, 5, 0)),
]


@dataclass(frozen=True)
class Told:
    """An alert that is raised. `subject` is (word, id); `to` is who is owed word of it: people,
    teams' mailboxes."""

    n: int
    kind: str
    subject: tuple[str, int]
    on: date | None
    milestone: int | None
    team: int
    owner: int | None
    applications: frozenset[int]
    to: frozenset[tuple[str, int]]


@dataclass
class App:
    team: int
    criticality: int
    business: str = ""
    technical: str = ""
    in_scope: bool = True
    review_on: date | None = None


@dataclass
class Use:
    application: int
    offering: int
    primary: bool
    until: date | None = None
    needs: int | None = None
    tests: list[tuple[int, date]] = field(default_factory=list)


@dataclass
class People:
    """{username: id} of who is active, {team: its owners}, {team: its members}, teams with a
    mailbox, who governs."""

    active: dict[str, int] = field(default_factory=dict)
    owners: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    members: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    mailboxes: set[int] = field(default_factory=set)
    governor: int = 0


class Model:
    """What is owed, by the rules alone."""

    def __init__(self, policies: dict[int, tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
        self.policies = policies
        self.people = People()
        self.apps: dict[int, App] = {}
        self.uses: dict[int, Use] = {}
        self.ends: dict[int, tuple[date, bool] | None] = {}
        self.told: list[Told] = []
        self.told_ends: dict[tuple[int, int, date], int] = {}
        self.told_days: dict[tuple[str, int, date], int] = {}
        self.late: set[tuple[int, date]] = set()

    def a_day_passes(self, n: int, events: Iterable[tuple[str, int, date | None]]) -> None:
        today = day_in(n)
        live = {pk: use for pk, use in self.uses.items() if self._is_live(use, today)}
        for kind, offering, on in events:
            users = {use.application for use in live.values() if use.offering == offering}
            for party in self._parties(users):
                self._tell(n, kind, ("offering", offering), on, None, *party)
            for application in users if kind != "withdrawn" and on else ():
                self._remember(self.told_ends, (application, offering, on), (on - today).days)
        self._tell_ends(n, live, today)
        self._tell_days(n, live, today)
        self._tell_runways(n, live, today)

    def _is_live(self, use: Use, today: date) -> bool:
        return self.apps[use.application].in_scope and (use.until is None or use.until > today)

    def _tell_ends(self, n: int, live: dict[int, Use], today: date) -> None:
        due: dict[tuple[int, date, bool, int], set[int]] = defaultdict(set)
        for use in live.values():
            end = self.ends[use.offering]
            if end is None or (left := (end[0] - today).days) < -GRACE:
                continue
            firm, soft = self.policies[self.apps[use.application].criticality]
            milestone = min((m for m in (soft if end[1] else firm) if m >= left), default=None)
            key = (use.application, use.offering, end[0])
            if milestone is not None and self.told_ends.get(key, 10_000) > milestone:
                due[use.offering, *end, milestone].add(use.application)
        for (offering, on, _, milestone), applications in due.items():
            for party in self._parties(applications):
                self._tell(n, "milestone", ("offering", offering), on, milestone, *party)
            for application in applications:
                self._remember(self.told_ends, (application, offering, on), milestone)

    def _tell_days(self, n: int, live: dict[int, Use], today: date) -> None:
        days: list[tuple[str, str, int, date, int, tuple[int, ...], date | None]] = []
        for pk, app in self.apps.items():
            if app.review_on is not None and app.in_scope:
                days.append(("review_due", "application", pk, app.review_on, pk, REVIEW, None))
        for use in live.values():
            if use.tests:
                test, until = max(use.tests, key=lambda made: (made[1], made[0]))
                days.append(
                    ("exit_test_expiring", "exit_test", test, until, use.application, EXPIRY, None)
                )
        for kind, word, pk, on, application, lead, _ in days:
            left = (on - today).days
            milestone = min((m for m in lead if m >= left), default=None)
            if milestone is None or (left < -GRACE and kind != "review_due"):
                continue
            if self.told_days.get((word, pk, on), 10_000) > milestone:
                self._remember(self.told_days, (word, pk, on), milestone)
                for party in self._parties({application}):
                    self._tell(n, kind, (word, pk), on, milestone, *party)

    def _tell_runways(self, n: int, live: dict[int, Use], today: date) -> None:
        late = {}
        for pk, use in live.items():
            end = self.ends[use.offering]
            if end is None or not use.primary or use.needs is None:
                continue
            left = (end[0] - today).days
            if (max(left, 0) if end[1] else left) < use.needs:
                late[pk, end[0]] = max(left, 0) if end[1] else left
        self.late &= late.keys()
        for (pk, on), left in late.items():
            if (pk, on) not in self.late and left >= 0:
                self.late.add((pk, on))
                for party in self._parties({live[pk].application}):
                    self._tell(n, "runway_negative", ("dependency", pk), on, None, *party)

    def _owner(self, app: App, said: str) -> int | None:
        return self.people.active.get(said) if said in self.people.members[app.team] else None

    def _parties(self, applications: Iterable[int]) -> list[tuple[int, int | None, frozenset[int]]]:
        found: dict[tuple[int, int | None], set[int]] = defaultdict(set)
        for pk in applications:
            app = self.apps[pk]
            named = [self._owner(app, said) for said in (app.business, app.technical)]
            found[app.team, next((person for person in named if person is not None), None)].add(pk)
        return [(team, owner, frozenset(ids)) for (team, owner), ids in found.items()]

    def _tell(
        self,
        n: int,
        kind: str,
        subject: tuple[str, int],
        on: date | None,
        milestone: int | None,
        team: int,
        owner: int | None,
        applications: frozenset[int],
    ) -> None:
        to = {("person", owner)} if owner is not None else set()
        for pk in applications:
            named = [
                self._owner(self.apps[pk], said)
                for said in (self.apps[pk].business, self.apps[pk].technical)
            ]
            to |= {("person", person) for person in named if person is not None}
        if team in self.people.mailboxes:
            to.add(("team", team))
        else:
            owners = [
                self.people.active[name]
                for name in self.people.owners[team]
                if name in self.people.active
            ]
            to |= {("person", person) for person in owners}
        if not to:
            # the ledger says of the team why it was not told
            to = {("team", team), ("person", self.people.governor)}
        self.told.append(
            Told(n, kind, subject, on, milestone, team, owner, applications, frozenset(to))
        )

    @staticmethod
    def _remember[Key](known: dict[Key, int], key: Key, days: int) -> None:
        known[key] = min(days, known.get(key, 10_000))


class RandomPortfolio:
    """The tables and the model, changed together."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.n_made = 0
        policies = {level: self.rng.choice(POLICIES) for level in Criticality.values}
        for level, (firm, soft) in policies.items():
            AlertPolicy.objects.filter(criticality=level).update(
                milestones=firm, soft_milestones=soft
            )
        self.model = Model(policies)
        self.model.people.governor = make_user(f"governor{seed}", role="governance").pk
        self.teams = [make_team(email="") for _ in range(3)]
        self.names: list[str] = []
        for team in self.teams:
            self._set_mailbox(team, self.rng.random() < 0.6)
            for _ in range(3):
                self._add_member(team, self.rng.choice([TeamRole.OWNER, TeamRole.VIEWER]))
        for _ in range(4):
            offering = make_offering()
            self.model.ends[offering.pk] = None
        for _ in range(6):
            self._add_application()

    def live_a_day(self, n: int) -> None:
        """What changes in the night before day `n`, and what the model says is then owed."""
        events: list[tuple[str, int, date | None]] = []
        for _ in range(self.rng.choice([0, 1, 1, 2, 3])):
            change = self.rng.choice(
                [
                    self._move_end,
                    self._move_end,
                    self._move_end_silently,
                    self._begin_use,
                    self._end_use,
                    self._change_team,
                    self._change_owner,
                    self._change_status,
                    self._change_level,
                    self._change_effort,
                    self._change_review,
                    self._test_exit,
                    self._change_mailbox,
                    self._change_person,
                ]
            )
            event = change(n)
            if event is not None:
                events.append(event)
        self.model.a_day_passes(n, events)

    # --- the beginning ---

    def _add_member(self, team: Team, role: TeamRole) -> None:
        self.n_made += 1
        user = make_member(team, role, make_user(f"person{self.n_made}-{team.pk}"))
        self.names.append(user.username)
        people = self.model.people
        people.active[user.username] = user.pk
        people.members[team.pk].add(user.username)
        if role == TeamRole.OWNER:
            people.owners[team.pk].append(user.username)

    def _set_mailbox(self, team: Team, wanted: bool) -> None:
        Team.objects.filter(pk=team.pk).update(email=f"team{team.pk}@example.org" if wanted else "")
        (self.model.people.mailboxes.add if wanted else self.model.people.mailboxes.discard)(
            team.pk
        )

    def _add_application(self) -> None:
        team, level = self.rng.choice(self.teams), self.rng.choice(Criticality.values)
        application = make_application(team=team, criticality=level)
        self.model.apps[application.pk] = App(team.pk, level)
        self._add_use(application.pk, self.rng.choice(list(self.model.ends)), day_in(-100))
        self._name_owner(application.pk)

    def _add_use(self, application: int, offering: int, since: date) -> None:
        primary = self.rng.random() < 0.7
        row = make_dependency(
            Application.objects.get(pk=application),
            Offering.objects.get(pk=offering),
            "primary" if primary else "judge",
            since=since,
        )
        self.model.uses[row.pk] = Use(application, offering, primary)

    def _name_owner(self, pk: int) -> None:
        app = self.model.apps[pk]
        app.business = self.rng.choice(["", *self.names, "somebody unknown"])
        app.technical = self.rng.choice(["", "", *self.names])
        Application.objects.filter(pk=pk).update(
            business_owner=app.business, technical_owner=app.technical
        )

    # --- changes ---

    def _move_end(self, n: int) -> tuple[str, int, date | None] | None:
        offering, before = self._any_end()
        on = self.rng.choice([None, day_in(n + self.rng.randint(1, 120))])
        if before is None and on is None:
            return None
        soft = self.rng.random() < 0.3
        self._set_end(offering, None if on is None else (on, soft))
        kind = "withdrawn" if on is None else "announced"
        if on is not None and before is not None:
            if on == before[0]:
                return None
            kind = "moved_earlier" if on < before[0] else "moved_later"
        make_event(
            Offering.objects.get(pk=offering),
            kind,
            old=before[0].isoformat() if before else None,
            new=on.isoformat() if on else None,
            effective_on=on,
            detected_at=morning(n, 1),
        )
        return kind, offering, on

    def _move_end_silently(self, n: int) -> None:
        offering, _ = self._any_end()
        on = day_in(n + self.rng.randint(-9, 60))
        self._set_end(offering, self.rng.choice([None, (on, False), (on, True)]))

    def _any_end(self) -> tuple[int, tuple[date, bool] | None]:
        return self.rng.choice(list(self.model.ends.items()))

    def _set_end(self, offering: int, end: tuple[date, bool] | None) -> None:
        self.model.ends[offering] = end
        Offering.objects.filter(pk=offering).update(
            retires_on=end[0] if end else None,
            date_kind="" if end is None else "not_before" if end[1] else "firm",
        )

    def _begin_use(self, n: int) -> None:
        self._add_use(
            self.rng.choice(list(self.model.apps)),
            self.rng.choice(list(self.model.ends)),
            day_in(n),
        )

    def _end_use(self, n: int) -> None:
        pk, use = self.rng.choice(list(self.model.uses.items()))
        if use.until is None and Dependency.objects.get(pk=pk).since < day_in(n):
            use.until = day_in(n)
            Dependency.objects.filter(pk=pk).update(until=use.until)

    def _change_team(self, n: int) -> None:
        pk, team = self.rng.choice(list(self.model.apps)), self.rng.choice(self.teams)
        self.model.apps[pk].team = team.pk
        Application.objects.filter(pk=pk).update(team=team)

    def _change_owner(self, n: int) -> None:
        self._name_owner(self.rng.choice(list(self.model.apps)))

    def _change_status(self, n: int) -> None:
        pk = self.rng.choice(list(self.model.apps))
        self.model.apps[pk].in_scope = not self.model.apps[pk].in_scope
        Application.objects.filter(pk=pk).update(
            status="production" if self.model.apps[pk].in_scope else "retired"
        )

    def _change_level(self, n: int) -> None:
        pk, level = self.rng.choice(list(self.model.apps)), self.rng.choice(Criticality.values)
        self.model.apps[pk].criticality = level
        Application.objects.filter(pk=pk).update(criticality=level)

    def _change_effort(self, n: int) -> None:
        pk, use = self.rng.choice(list(self.model.uses.items()))
        use.needs = self.rng.randint(1, 90)
        ExitPlan.objects.update_or_create(
            dependency_id=pk, defaults={"estimated_days": Decimal(use.needs)}
        )

    def _change_review(self, n: int) -> None:
        pk = self.rng.choice(list(self.model.apps))
        on = self.rng.choice([None, day_in(n + self.rng.randint(-30, 40))])
        self.model.apps[pk].review_on = on
        Application.objects.filter(pk=pk).update(next_review_on=on)

    def _test_exit(self, n: int) -> None:
        pk, use = self.rng.choice(list(self.model.uses.items()))
        until = day_in(n + self.rng.randint(1, 60))
        test = ExitTest.objects.create(
            # long ago, so that nobody is spared a reminder for having made it just now
            dependency_id=pk,
            target_id=use.offering,
            tested_on=day_in(-300),
            expires_on=until,
            result="passed",
        )
        use.tests.append((test.pk, until))

    def _change_mailbox(self, n: int) -> None:
        team = self.rng.choice(self.teams)
        self._set_mailbox(team, team.pk not in self.model.people.mailboxes)

    def _change_person(self, n: int) -> None:
        user = User.objects.get(username=self.rng.choice(self.names))
        user.is_active = not user.is_active
        user.save()
        if user.is_active:
            self.model.people.active[user.username] = user.pk
        else:
            self.model.people.active.pop(user.username)

"""manage.py team, user and membership: rows as JSON lines, the same again changes nothing, refusals
in sentences."""

import json
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from pghistory.models import Events

from apps.accounts.models import Membership, Team, User
from apps.accounts.roles import TeamRole
from apps.accounts.service_accounts import add_service
from tests.builders import make_application, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


def run(*arguments):
    """The rows that the command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def one(*arguments):
    [row] = run(*arguments)
    return row


def refused(*arguments):
    """(exit code, sentence); nothing is printed."""
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command(*arguments, stdout=out)
    assert out.getvalue() == ""
    return refusal.value.returncode, str(refusal.value)


class TestTeam:
    def test_is_added_found_unchanged_and_changed(self):
        make_team("Division", slug="division")
        facts = [
            "--name",
            "Claims EU",
            "--parent",
            "division",
            "--time-zone",
            "Europe/Berlin",
            "--digest-hour",
            "8",
        ]

        added, again = one("team", "claims-eu", *facts), one("team", "claims-eu", *facts)
        changed = one("team", "claims-eu", "--parent", "none", "--email", "eu@example.org")

        expected = {
            "slug": "claims-eu",
            "name": "Claims EU",
            "parent": "division",
            "email": "",
            "time_zone": "Europe/Berlin",
            "digest_hour": 8,
        }
        assert added == {**expected, "change": "added"}
        assert again == {**expected, "change": "unchanged"}
        assert changed == {
            **expected,
            "parent": None,
            "email": "eu@example.org",
            "change": "changed",
        }
        team = Team.objects.get(slug="claims-eu")
        assert team.parent is None
        assert [event.pgh_label for event in Events.objects.tracks(team).order_by("pgh_id")] == [
            "insert",
            "update",
        ]
        assert [row["slug"] for row in run("team")] == ["claims-eu", "division"]
        assert run("team")[0] == {
            name: value for name, value in changed.items() if name != "change"
        }

    def test_is_named_by_the_command_in_the_history(self):
        one("team", "claims", "--name", "Claims")

        [event] = Events.objects.tracks(Team.objects.get())
        assert event.pgh_context == {
            "actor": "manage.py team",
            "job": "manage.py team",
            "reason": "team added",
        }

    def test_does_not_stand_beside_one_of_its_name(self):
        make_team("Payments", slug="payments")
        make_team("Claims", slug="claims")

        for slug in ("payments-apac", "claims"):
            code, sentence = refused("team", slug, "--name", "Payments")
            assert code == 1
            assert (
                sentence == "A top-level team named Payments already exists (payments). Choose "
                "another name."
            )
        assert (
            one("team", "payments-apac", "--name", "Payments", "--parent", "claims")["change"]
            == "added"
        )

    def test_is_removed_once_and_stays_where_it_owns_something(self):
        make_team(slug="empty")
        owning = make_application().team

        assert one("team", "empty", "--remove") == {"slug": "empty", "change": "removed"}
        assert one("team", "empty", "--remove") == {"slug": "empty", "change": "unchanged"}
        code, sentence = refused("team", owning.slug, "--remove")

        assert (code, "still owns applications" in sentence) == (1, True)
        assert list(Team.objects.all()) == [owning]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["unknown"], "Team 'unknown' was not found. Use --name to add it."),
            (["unknown", "--email", "a@example.org"], "Use --name"),
            (["claims", "--parent", "unknown"], "Team 'unknown' was not found."),
            (["claims", "--parent", "claims"], "below itself"),
            (
                ["claims", "--time-zone", "Atlantis"],
                "time_zone: “Atlantis” is not a valid time zone.",
            ),
            (["claims", "--digest-hour", "24"], "The digest hour must be between 0 and 23."),
            (["claims", "--email", "nowhere"], "email: "),
            (["claims", "--remove", "--name", "x"], "changed and removed in one command"),
            (["Not a slug", "--name", "x"], "slug: "),
            (["--name", "x"], "A team is required"),
        ],
    )
    def test_that_is_not_right_is_a_sentence_and_exit_code_2(self, arguments, words):
        make_team("Claims", slug="claims")

        code, sentence = refused("team", *arguments)

        assert (code, words in sentence) == (2, True), sentence
        assert Team.objects.count() == 1


class TestUser:
    FACTS = ("nele", "--email", "nele@example.org", "--first-name", "Nele", "--role", "governance")

    def test_is_added_found_unchanged_changed_closed_and_opened(self):
        make_user("ada", role="admin")

        rows = [
            one("user", *self.FACTS),
            one("user", *self.FACTS),
            one("user", "nele", "--role", "none"),
            one("user", "nele", "--close"),
            one("user", "nele", "--close"),
            one("user", "nele", "--open"),
        ]

        assert [row["change"] for row in rows] == [
            "added",
            "unchanged",
            "changed",
            "changed",
            "unchanged",
            "changed",
        ]
        assert [row["is_active"] for row in rows] == [True, True, True, False, False, True]
        assert (rows[0]["organisation_role"], rows[2]["organisation_role"]) == ("governance", "")
        person = User.objects.get(username="nele")
        assert (person.first_name, person.email, person.has_usable_password()) == (
            "Nele",
            "nele@example.org",
            False,
        )
        assert {event.pgh_context["actor"] for event in Events.objects.tracks(person)} == {
            "manage.py user"
        }
        assert [row["username"] for row in run("user")] == ["ada", "nele"]
        assert not mail.outbox

    def test_is_invited_and_the_link_is_printed_only_where_it_is_asked_for(self, client):
        invited = one("user", *self.FACTS, "--invite")
        [letter] = mail.outbox
        linked = one("user", "nele", "--link")

        assert "link" not in invited
        assert letter.to == ["nele@example.org"]
        assert len(mail.outbox) == 1
        path = linked["link"].split("//", 1)[1].partition("/")[2]
        form = client.get(f"/{path}", follow=True)
        client.post(
            form.redirect_chain[-1][0],
            {"password1": "long-enough-77", "password2": "long-enough-77"},
        )
        assert client.login(username="nele", password="long-enough-77")

    def test_is_there_though_the_mail_did_not_leave_and_the_sentence_names_the_way_out(
        self, monkeypatch
    ):
        def refuse(**_facts):
            raise ConnectionRefusedError("111, connection refused")

        monkeypatch.setattr("apps.accounts.management.commands.user.send_invitation", refuse)
        out = StringIO()
        with pytest.raises(
            CommandError, match=r"was not sent.*'manage.py user nele --link'"
        ) as refusal:
            call_command("user", *self.FACTS, "--invite", stdout=out)

        assert refusal.value.returncode == 1
        assert json.loads(out.getvalue())["change"] == "added"
        assert "password/reset" not in out.getvalue()
        assert User.objects.filter(username="nele").exists()

    @pytest.mark.parametrize("arguments", [["--close"], ["--role", "none"], ["--role", "auditor"]])
    def test_that_is_the_last_administrator_stays_one(self, arguments):
        make_user("ada", role="admin")

        code, sentence = refused("user", "ada", *arguments)

        assert (code, "At least one administrator is required" in sentence) == (1, True)
        assert User.objects.get().is_administrator

    def test_is_changed_where_there_is_no_administrator_yet(self):
        make_user("nele")

        assert one("user", "nele", "--last-name", "Berg")["change"] == "changed"
        assert one("user", "nele", "--role", "admin")["organisation_role"] == "admin"

    def test_that_is_a_superuser_is_changed_by_the_operator(self):
        make_user("root", is_superuser=True)
        make_user("ada", role="admin")

        assert one("user", "root", "--close")["change"] == "changed"

    def test_keeps_a_role_by_sign_on_and_the_same_again_is_unchanged(self):
        make_user("nele", role="governance", sso_organisation_role="governance")

        first, second = (
            one("user", "nele", "--role", "auditor"),
            one("user", "nele", "--role", "auditor"),
        )

        assert (first["change"], second["change"]) == ("changed", "unchanged")
        assert second["organisation_role"] == second["organisation_role_by_sign_on"] == "governance"

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["unknown"], 2, "User 'unknown' was not found. Use --email to add it"),
            (["unknown", "--close"], 2, "Use --email"),
            (
                ["new", "--email", "NELE@example.org"],
                2,
                "Another user has this email address. Enter another one.",
            ),
            (["nele", "--email", "nowhere"], 2, "email: "),
            (["gateway", "--first-name", "x"], 2, "is a service account"),
            (["--close"], 2, "A user is required"),
            (["--invite"], 2, "A user is required"),
            (["closed", "--invite"], 1, "cannot be invited"),
            (["closed", "--link"], 1, "cannot be invited"),
            (["nele", "--email", "", "--invite"], 1, "cannot be invited"),
        ],
    )
    def test_that_is_not_right_is_a_sentence(self, arguments, code, words):
        admin = make_user("ada", role="admin")
        make_user("nele")
        make_user("closed", is_active=False)
        add_service(username="gateway", about="", team=None, by=admin)
        before = list(User.objects.values_list("username", "email").order_by("pk"))

        found, sentence = refused("user", *arguments)

        assert (found, words in sentence) == (code, True), sentence
        assert list(User.objects.values_list("username", "email").order_by("pk")) == before
        assert not mail.outbox


class TestMembership:
    @pytest.fixture(autouse=True)
    def people(self):
        make_user("nele")
        self.team = make_team("Claims", slug="claims")

    def test_is_given_found_unchanged_changed_and_taken(self):
        rows = [
            one("membership", "nele", "claims", role)
            for role in ("viewer", "viewer", "owner", "none", "none")
        ]

        assert [row["change"] for row in rows] == [
            "added",
            "unchanged",
            "changed",
            "removed",
            "unchanged",
        ]
        assert [row["role"] for row in rows] == ["viewer", "viewer", "owner", None, None]
        assert not Membership.objects.exists()

    def test_is_named_by_the_command_in_the_history_and_listed(self):
        row = one("membership", "nele", "claims", "editor")

        [event] = Events.objects.tracks(Membership.objects.get())
        assert event.pgh_context["actor"] == "manage.py membership"
        del row["change"]
        assert run("membership") == [row]
        assert row == {"user": "nele", "team": "claims", "role": "editor", "role_by_sign_on": None}

    def test_by_sign_on_stays_beside_the_one_given_here_and_is_not_taken(self):
        nele = User.objects.get(username="nele")
        Membership.objects.create(user=nele, team=self.team, role=2, sso_role=2)

        rows = [one("membership", "nele", "claims", role) for role in ("owner", "owner", "none")]
        code, sentence = refused("membership", "nele", "claims", "none")

        assert [(row["role"], row["change"]) for row in rows] == [
            ("owner", "changed"),
            ("owner", "unchanged"),
            ("editor", "removed"),
        ]
        assert (code, "comes from a group of the identity provider" in sentence) == (1, True)

    def test_of_a_service_account_is_none_of_an_owner(self):
        owner = make_member(self.team, TeamRole.OWNER)
        add_service(username="gateway", about="", team=self.team, by=owner)

        assert one("membership", "gateway", "claims", "editor")["change"] == "added"
        code, sentence = refused("membership", "gateway", "claims", "owner")
        assert (code, "cannot own a team" in sentence) == (1, True)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["nele"], "A user, a team and a role are required"),
            (["nele", "claims"], "A user, a team and a role are required"),
            (["nele", "claims", "boss"], "viewer|editor|owner|none"),
            (["nele", "unknown", "viewer"], "Team 'unknown' was not found."),
            (["unknown", "claims", "viewer"], "User 'unknown' was not found."),
            (["unknown", "claims", "none"], "User 'unknown' was not found."),
        ],
    )
    def test_that_is_not_right_is_a_sentence_and_exit_code_2(self, arguments, words):
        code, sentence = refused("membership", *arguments)

        assert (code, words in sentence) == (2, True), sentence
        assert not Membership.objects.exists()

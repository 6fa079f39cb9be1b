"""Two records of one person become one: references move, credentials do not."""

import pytest
from django.db import models

from apps.accounts.actions import issue_token
from apps.accounts.models import EmailAlias, Membership, PersonState, SavedFilter, User
from apps.accounts.people.contacts import find_or_create_contact
from apps.accounts.people.erasure import erase_contact
from apps.accounts.people.merge import KEPT_MODELS, merge_people
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError, ForbiddenError
from apps.inventory.models import Selection
from tests.access.everything import make_one_of_everything
from tests.builders import NOW, make_contact, make_member, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return make_user("root", role="admin")


def merge(survivor, duplicate, by):
    return merge_people(survivor=survivor, duplicate=duplicate, by=by, at=NOW)


class TestContacts:
    def test_the_address_becomes_an_alias_of_the_person_who_stays(self):
        governor = make_user(role="governance")
        ilse, double = make_user("ilse"), make_contact("i.brandt@example.org")

        merge(ilse, double, governor)

        double.refresh_from_db()
        assert (double.state, double.email, double.merged_into) == (PersonState.CLOSED, "", ilse)
        assert EmailAlias.objects.get().user == ilse
        assert find_or_create_contact(email="I.Brandt@example.org", by=governor) == ilse

    def test_a_record_that_was_merged_before_follows(self):
        governor = make_user(role="governance")
        first, second, third = make_contact(), make_contact(), make_contact()

        merge(second, first, governor)
        merge(third, second, governor)

        assert User.objects.get(pk=first.pk).merged_into == third
        assert set(EmailAlias.objects.values_list("user", flat=True)) == {third.pk}

    def test_erasing_the_person_erases_what_was_merged(self):
        governor = make_user(role="governance")
        ilse = make_contact("ilse@example.org", first_name="Ilse")
        double = make_contact("i@example.org", first_name="Ilse")
        merge(ilse, double, governor)

        erase_contact(person=ilse, by=governor)

        double.refresh_from_db()
        assert double.first_name == "Erased contact"
        assert "example.org" not in double.username

    def test_editors_merge_nobody(self):
        editor = make_member(make_team())

        with pytest.raises(ForbiddenError):
            merge(make_contact(), make_contact(), editor)


class TestAccounts:
    def test_references_move_with_history_and_the_stronger_role_counts(self, admin):
        ilse, double = make_user("ilse"), make_user("double")
        both, only = make_team(), make_team()
        make_member(both, TeamRole.VIEWER, ilse)
        make_member(both, TeamRole.OWNER, double)
        make_member(only, TeamRole.EDITOR, double)
        selection = Selection.objects.create(title="Which?", created_by=double)

        report = merge(ilse, double, admin)

        selection.refresh_from_db()
        assert selection.created_by == ilse
        assert report.moved["inventory.Selection"] == 1
        assert selection.history.count() == 2
        roles = dict(Membership.objects.filter(user=ilse).values_list("team", "role"))
        assert roles == {both.pk: TeamRole.OWNER.rank, only.pk: TeamRole.EDITOR.rank}
        assert not Membership.objects.filter(user=double).exists()

    def test_rows_that_both_have_stay_with_the_merged_record(self, admin):
        ilse, double = make_user(), make_user()
        for user in (ilse, double):
            SavedFilter.objects.create(user=user, path="/alerts/", name="mine", query="a=1")
        moving = SavedFilter.objects.create(user=double, path="/alerts/", name="all", query="")

        report = merge(ilse, double, admin)

        moving.refresh_from_db()
        assert moving.user == ilse
        assert (report.moved["accounts.SavedFilter"], report.kept["accounts.SavedFilter"]) == (1, 1)

    def test_tokens_are_revoked_and_do_not_act_for_the_other(self, admin):
        ilse, double = make_user(), make_user()
        token, _ = issue_token(user=double, name="ci", scopes=["read"], at=NOW, by=double)

        merge(ilse, double, admin)

        token.refresh_from_db()
        assert token.user == double
        assert token.revoked_at is not None

    def test_governance_cannot_merge_an_account(self):
        with pytest.raises(ForbiddenError, match="administrator"):
            merge(make_user(), make_user(), make_user(role="governance"))

    def test_an_account_is_not_merged_into_a_contact_a_closed_person_or_itself(self, admin):
        user = make_user()
        for survivor in (make_contact(), make_user(is_active=False), user):
            with pytest.raises(ConflictError):
                merge(survivor, user, admin)

    def test_the_only_administrator_stays(self, admin):
        with pytest.raises(Exception, match="administrator"):
            merge(make_user(), admin, admin)
        assert User.objects.get(pk=admin.pk).is_active


def test_models_whose_rows_stay_exist():
    related: set[type[models.Model]] = {
        relation.related_model
        for relation in User._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete
    }

    assert {model._meta.label for model in related} >= KEPT_MODELS


def test_everything_that_somebody_has_done_moves(admin):
    people, _keys = make_one_of_everything()
    for person in {row for row in people.values() if not row.is_service}:
        survivor = make_user()
        organisation_role = person.organisation_role
        User.objects.filter(pk=person.pk).update(is_superuser=False)
        before = references_of(person)

        report = merge(survivor, User.objects.get(pk=person.pk), admin)

        left = references_of(person)
        assert sum(left.values()) == sum(report.kept.values()), left
        assert sum(report.moved.values()) + sum(report.kept.values()) == sum(before.values())
        assert organisation_role == "" or not survivor.organisation_role


def references_of(person):
    counts = {}
    for relation in User._meta.get_fields(include_hidden=True):
        model = relation.related_model
        if (
            not relation.auto_created
            or relation.concrete
            or relation.many_to_many
            or model._meta.app_label == "pghistory"
            or hasattr(model, "pgh_tracked_model")
            or model._meta.label in KEPT_MODELS
            or model is User
        ):
            continue
        n = model._base_manager.filter(**{relation.field.name: person.pk}).count()
        # the alias of its own address is made by the merge
        if n and model is not EmailAlias:
            label = f"{model._meta.label}.{relation.field.name}"
            counts[label] = n
    return counts

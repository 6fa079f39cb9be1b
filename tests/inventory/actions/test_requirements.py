"""Requirements of a dependency: declared as a whole, kept in the history, undone and copied."""

import pytest
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.catalog.capabilities.fields import InvalidValueError
from apps.common.errors import ConflictError
from apps.inventory.actions.dependencies import replace_offering
from apps.inventory.actions.locks import HiddenApplicationError
from apps.inventory.actions.requirements import declare_requirements
from apps.inventory.actions.undo import undo_change
from apps.inventory.models import Dependency, Requirement
from apps.inventory.queries import changes_of_application, last_change_id
from apps.inventory.requirement_values import format_uses, parse_uses
from apps.inventory.requirements import declared_requirements, needs_of
from tests.builders import TODAY, make_application, make_dependency, make_offering, make_user
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def by() -> User:
    return make_user("eve", role="governance")


@pytest.fixture
@kept_world
def dependency() -> Dependency:
    return make_dependency(make_application(), make_offering())


def declared(dependency: Dependency) -> dict[str, object]:
    return declared_requirements([dependency.pk]).get(dependency.pk, {})


def history() -> list[tuple[str, str]]:
    rows = Requirement.history.rel.related_model.objects.order_by("pgh_id")
    return [(row.pgh_label, row.field) for row in rows]


def test_declared_changed_and_removed_as_a_whole(by, dependency):
    declare_requirements(
        dependency=dependency,
        values={"tool_calling": False, "vision": True, "context_window": 90_000},
        by=by,
    )
    assert declared(dependency) == {
        "tool_calling": False,
        "vision": True,
        "context_window": 90_000,
    }

    declare_requirements(
        dependency=dependency, values={"vision": True, "context_window": 120_000}, by=by
    )
    assert declared(dependency) == {"vision": True, "context_window": 120_000}
    assert history()[3:] == [("delete", "tool_calling"), ("update", "context_window")]
    assert changes_of_application(application=dependency.application)[0].actor == "eve"


def test_nothing_is_written_where_nothing_differs(by, dependency):
    declare_requirements(dependency=dependency, values={"vision": True}, by=by)
    declare_requirements(dependency=dependency, values={"vision": True, "pdf": None}, by=by)
    assert history() == [("insert", "vision")]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"vision": 1}, "Image input must be yes or no."),
        ({"context_window": True}, "must be a whole number of tokens"),
        ({"context_window": 0}, "must be a whole number of tokens"),
        ({"open_weights": True}, "cannot be declared"),
        ({"flying": True}, "'flying' cannot be declared"),
    ],
)
def test_a_value_that_a_field_does_not_have_is_refused(by, dependency, values, sentence):
    with pytest.raises(ValidationError, match=sentence):
        declare_requirements(dependency=dependency, values=values, by=by)
    assert not Requirement.objects.exists()


def test_what_another_user_declared_is_not_overwritten_unseen(by, dependency):
    declare_requirements(dependency=dependency, values={"pdf": True}, by=by)
    with pytest.raises(ConflictError, match=r"eve changed it .* Reload the requirements"):
        declare_requirements(
            dependency=dependency, values={"pdf": False}, by=by, expected={"vision": True}
        )
    declare_requirements(
        dependency=dependency, values={"pdf": False}, by=by, expected={"pdf": True}
    )
    assert declared(dependency) == {"pdf": False}


def test_strangers_cannot_declare(dependency):
    with pytest.raises(HiddenApplicationError):
        declare_requirements(dependency=dependency, values={"pdf": True}, by=make_user("zoe"))


def test_an_undo_restores_what_was_declared(by, dependency):
    declare_requirements(dependency=dependency, values={"vision": True, "max_output": 8_000}, by=by)
    declare_requirements(dependency=dependency, values={"vision": False}, by=by)
    change = last_change_id(Requirement.objects.get())

    undo_change(change=change, by=by)

    assert declared(dependency) == {"vision": True, "max_output": 8_000}


def test_a_replacement_has_the_requirements_of_the_old_dependency(by, dependency):
    declare_requirements(dependency=dependency, values={"pdf": True, "tool_calling": False}, by=by)
    Requirement.objects.create(
        dependency=dependency,
        field="context_window",
        value=231_000,
        origin="observed",
        first_seen_on=TODAY,
        last_seen_on=TODAY,
        n_requests=12,
    )
    successor = replace_offering(dependency=dependency, successor=make_offering(), on=TODAY, by=by)

    both = needs_of([dependency.pk, successor.pk])
    assert both[successor.pk] == both[dependency.pk]
    observed = successor.requirements.get(origin="observed")
    assert (observed.first_seen_on, observed.last_seen_on, observed.n_requests) == (
        TODAY,
        TODAY,
        12,
    )
    note = successor.requirements.get(field="pdf").note
    assert note == f"Declared with {dependency.offering.api_id}, used until {TODAY}."
    # what is observed on the successor later does not stand in the way of the undo
    Requirement.objects.create(
        dependency=successor, field="vision", value=True, origin="observed", first_seen_on=TODAY
    )
    undo_change(change=last_change_id(successor), by=by)
    assert not Dependency.objects.filter(pk=successor.pk).exists()


class TestText:
    def test_what_is_written_is_read(self):
        values = {"tool_calling": True, "pdf": False, "context_window": 90_000}
        assert format_uses(values) == "tool_calling; not pdf; context_window=90000"
        assert parse_uses(format_uses(values)) == values

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("", {}),
            ("Tools, Images;; not PDF", {"tool_calling": True, "vision": True, "pdf": False}),
            (
                "context window = 90 000\nmax_output=8'000",
                {"context_window": 90_000, "max_output": 8_000},
            ),
            ("JSON schema", {"structured_output": True}),
        ],
    )
    def test_words_of_users(self, text, values):
        assert parse_uses(text) == values

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("flying", "'flying' is not a requirement"),
            ("context_window", "needs a whole number of tokens"),
            ("not context_window=5", "needs a whole number of tokens"),
            ("vision=3", "has no number"),
            ("pdf; not pdf", "stated twice"),
            ("x" * 501, "Shorten them to 500"),
        ],
    )
    def test_what_is_not_understood_is_said(self, text, sentence):
        with pytest.raises(InvalidValueError, match=sentence):
            parse_uses(text)

"""The sentence about where a model is retired and where it retires next, and the form of an
override."""

from datetime import timedelta

import pytest

from apps.accounts.roles import OrganisationRole
from apps.catalog.models import ProviderEvent
from apps.exposure.engine.table_refresh import refresh
from apps.inventory.models import Criticality
from tests.builders import (
    make_application,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.http import text_of


@pytest.fixture
def haiku(world):
    """A model whose dated IDs are retired on two hosts, with an undated alias on the first."""
    foundation = make_foundation("anthropic/claude-3-haiku", name="Claude 3 Haiku")
    version = make_version("anthropic/claude-3-haiku-20240307", foundation=foundation)
    past = world.today - timedelta(60)
    for host in (world.sonnet.host, world.sonnet_bedrock.host):
        make_offering(
            f"claude-3-haiku-20240307-{host.slug}",
            host=host,
            version=version,
            retires_on=past,
            date_kind="firm",
            lifecycle="retired",
        )
    return make_offering(
        "claude-3-haiku", host=world.sonnet.host, version=version, lifecycle="active"
    )


def lead_of(response):
    return str(response.context["sentence"])


class TestFoundation:
    def test_an_undated_alias_does_not_outlive_the_retired_ids_of_its_version(
        self, world, haiku, as_user
    ):
        make_dependency(world.drafter, haiku)
        refresh(on=world.today)
        foundation = haiku.version.foundation

        response = as_user(world.viewer).get(f"/foundations/{foundation.slug}/")

        assert lead_of(response).startswith("Retired on ")
        assert "Anthropic" in lead_of(response)
        assert "No retirement date" not in lead_of(response)

    def test_a_date_on_another_host_is_not_hidden_by_the_undated_one_in_use(self, world, as_user):
        version = make_version("openai/gpt-9", foundation=make_foundation("openai/gpt-9"))
        used = make_offering("gpt-9", host=make_provider("own", name="Own"), version=version)
        make_offering(
            "gpt-9-azure",
            host=make_provider("azure", name="Azure"),
            version=version,
            retires_on=world.today + timedelta(100),
            date_kind="firm",
        )
        make_dependency(world.drafter, used)
        refresh(on=world.today)

        lead = lead_of(as_user(world.viewer).get(f"/foundations/{version.foundation.slug}/"))

        assert "in 100 days, on Azure" in lead
        assert "no retirement date on Own, which your applications use" in lead

    def test_retired_releases_beside_active_ones_are_counted(self, world, as_user):
        foundation = make_foundation("openai/gpt-8")
        host = make_provider("own", name="Own")
        make_offering(
            "gpt-8-may",
            host=host,
            version=make_version("openai/gpt-8-may", foundation=foundation),
            lifecycle="retired",
        )
        make_offering(
            "gpt-8-august",
            host=host,
            version=make_version("openai/gpt-8-august", foundation=foundation),
        )

        lead = lead_of(as_user(world.viewer).get(f"/foundations/{foundation.slug}/"))

        assert "1 of 2 model IDs is retired. The others have no retirement date." in lead

    @pytest.mark.parametrize("role", ["office", "member"])
    def test_critical_applications_are_counted_in_any_role(self, role, world, as_user):
        judge = make_application("Judge", team=world.team, criticality=Criticality.CRITICAL)
        make_dependency(judge, world.unknown)
        make_dependency(judge, world.sonnet, "judge")
        refresh(on=world.today)
        user = world.governance if role == "office" else world.viewer
        client = as_user(user)

        response = client.get("/foundations/anthropic-claude-sonnet-4-5/")
        rows = response.context["standings"].rows
        n_critical = sum(row.application.criticality == Criticality.CRITICAL for row in rows)
        listed = client.get("/foundations/?q=sonnet").context["page"].rows

        assert f"{len(rows)} applications depend on it, {n_critical} critical." in lead_of(response)
        assert [(row.reach.n, row.reach.n_critical) for row in listed] == [(len(rows), n_critical)]


class TestOverride:
    def values(self, world, **changes):
        return {
            "retires_on": (world.today + timedelta(90)).isoformat(),
            "date_kind": "firm",
            "reason": "Told by the account manager.",
            **changes,
        }

    def test_a_date_set_by_hand_is_an_event_that_is_listed(self, world, as_user):
        client = as_user(world.governance)
        path = f"/offerings/{world.sonnet_bedrock.pk}/"

        client.post(path, self.values(world))

        event = ProviderEvent.objects.get(offering=world.sonnet_bedrock)
        assert f'href="/events/{event.pk}/"' in text_of(client.get(path))
        assert f'href="/events/{event.pk}/"' in text_of(client.get("/events/"))

    def test_its_reason_ends_with_one_full_stop(self, world, as_user):
        client = as_user(world.governance)
        path = f"/offerings/{world.sonnet_bedrock.pk}/"

        client.post(path, self.values(world))

        page = text_of(client.get(path))
        assert "Reason: Told by the account manager. It has priority" in page

    def test_the_form_requires_what_it_says_it_requires(self, world, as_user):
        client = as_user(world.governance)
        path = f"/offerings/{world.sonnet_bedrock.pk}/"
        form = client.get(f"{path}?tab=sources").context["form"]

        assert form.fields["date_kind"].required
        assert form["date_kind"].value() == "firm"

        refused = client.post(path, self.values(world, date_kind=""))

        assert refused.status_code == 422
        assert refused.context["tab"].name == "sources"
        assert "Select whether the date is announced" in text_of(refused)

    def test_without_a_date_its_type_is_not_needed(self, world, as_user):
        client = as_user(world.governance)
        path = f"/offerings/{world.sonnet.pk}/"

        saved = client.post(path, self.values(world, retires_on="", date_kind=""))

        assert saved.status_code == 302
        world.sonnet.refresh_from_db()
        assert world.sonnet.retires_on is None

    def test_links_of_notices_lead_to_the_form(self, world, as_user):
        office = make_user("office", role=OrganisationRole.GOVERNANCE)

        page = text_of(
            as_user(office).get(f"/offerings/{world.sonnet.pk}/?tab=sources&reason=As+announced")
        )

        assert "As announced" in page
        assert 'id="manual"' in page


class TestDueOffering:
    @pytest.mark.parametrize(
        ("days", "fields", "lead", "note"),
        [
            (
                0,
                {"due_status": "still_listed"},
                "Due today, still listed by its host",
                "still listed by its host",
            ),
            (2, {}, "Due since ", "not confirmed by its source yet"),
            (
                2,
                {"lifecycle": "retired", "due_status": "still_listed"},
                "Retired on ",
                "its host still lists it",
            ),
        ],
    )
    def test_a_date_that_has_come_is_said_as_its_source_has_it(
        self, world, as_user, days, fields, lead, note
    ):
        offering = make_offering(
            "due-model",
            host=world.sonnet.host,
            retires_on=world.today - timedelta(days),
            date_kind="firm",
            **{"lifecycle": "deprecated"} | fields,
        )

        response = as_user(world.viewer).get(f"/offerings/{offering.pk}/")

        assert lead_of(response).startswith(lead)
        assert note in lead_of(response)
        assert response.context["due_note"] == note

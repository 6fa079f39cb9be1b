"""One application, foundation, offering, provider, event: what a reader must find there."""

from datetime import timedelta

from apps.exposure.engine.table_refresh import refresh
from tests.builders import make_claim, make_dependency, make_source
from tests.http import text_of


def test_an_application_says_what_it_stands_on_and_until_when(world, as_user):
    page = text_of(as_user(world.viewer).get(f"/applications/{world.triage.slug}/"))

    assert "Uses Claude Sonnet 4.5 on Anthropic, which retires on" in page
    assert ", in 10 days. <em" in page
    assert "The migration effort is unknown</em>" in page
    assert "Sorts claims" in page


def test_a_layer_that_primary_and_fallback_share_is_one_outlined_block(world, as_user):
    page = text_of(
        as_user(world.viewer).get(f"/applications/{world.triage.slug}/?tab=dependencies")
    )

    assert '<td class="hx-developer shared" colspan="2">' in page
    assert "primary and fallback fail together" in page
    assert '<td class="hx-host">' in page


def test_an_application_shows_the_events_on_what_it_calls(world, as_user):
    page = text_of(as_user(world.viewer).get(f"/applications/{world.triage.slug}/?tab=history"))

    assert f'href="/events/{world.event.pk}/"' in page


def test_an_application_without_dependencies_says_what_to_do(world, as_user):
    world.drafter.dependencies.all().delete()

    page = text_of(as_user(world.viewer).get(f"/applications/{world.drafter.slug}/"))

    assert "No dependencies declared." in page
    assert "Without them no alerts are sent." in page


def test_a_foundation_names_the_applications_of_its_reader_only(world, as_user):
    mine = text_of(as_user(world.viewer).get("/foundations/anthropic-claude-sonnet-4-5/"))
    all_of_them = text_of(
        as_user(world.governance).get("/foundations/anthropic-claude-sonnet-4-5/")
    )

    assert "1 application depends on it, 1 critical." in mine
    assert "Clause finder" not in mine
    assert "2 applications depend on it, 2 critical." in all_of_them
    assert "Clause finder" in all_of_them


def test_an_offering_shows_each_claim_with_its_excerpt_and_source(world, as_user):
    path = f"/offerings/{world.sonnet.pk}/"
    sources = text_of(as_user(world.viewer).get(f"{path}?tab=sources"))

    assert "LiteLLM price map" in sources
    assert "deprecation_date" in sources
    assert 'href="https://example.org/deprecations"' in sources
    assert "the string is known" in sources
    assert "3.00 USD" in text_of(as_user(world.viewer).get(f"{path}?tab=prices"))
    assert "Claims triage" in text_of(as_user(world.viewer).get(path))


def test_a_claim_of_the_built_in_catalogue_says_that_its_feed_speaks_for_itself_now(world, as_user):
    moment = world.event.detected_at
    make_claim(
        make_source("built-in", name="Built-in catalogue"),
        "litellm:claude-sonnet-4-5",
        offering=world.sonnet,
        first_seen=moment,
        changed_at=moment,
        value={"status": "active"},
    )

    page = text_of(as_user(world.governance).get(f"/offerings/{world.sonnet.pk}/?tab=sources"))

    assert "replaced by LiteLLM price map once it was polled" in page


def test_an_offering_that_has_ended_and_is_still_called_says_so_first(world, as_user):
    world.sonnet.retires_on = world.today - timedelta(3)
    world.sonnet.lifecycle = "retired"
    world.sonnet.save()

    page = text_of(as_user(world.viewer).get(f"/offerings/{world.sonnet.pk}/"))

    assert '<em class="short">Retired on' in page or "<em>Retired on" in page
    assert "3 days ago" in page


def test_an_event_names_whom_it_reaches_and_how(world, as_user):
    make_dependency(world.drafter, world.sonnet, "judge")
    refresh(on=world.today)

    page = text_of(as_user(world.viewer).get(f"/events/{world.event.pk}/"))

    assert "The change affects two applications, one of them critical." in page
    assert "supporting role" in page
    assert "Clause finder" not in page


def test_an_event_counts_applications_of_others_for_nobody(world, as_user):
    page = text_of(as_user(world.outsider).get(f"/events/{world.event.pk}/"))

    assert "None of your applications is affected." in page


def test_a_provider_counts_those_on_its_models_and_at_its_host(world, as_user):
    page = text_of(as_user(world.governance).get("/providers/anthropic/"))
    host = text_of(as_user(world.governance).get("/providers/amazon-bedrock/"))

    assert "2 applications depend on it, 2 critical." in page
    assert "3 applications depend on it, 2 critical." in host

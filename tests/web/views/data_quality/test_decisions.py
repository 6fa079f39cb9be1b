"""What people change on the pages: manual values, identities, polls, alerts."""

import pytest

from apps.alerts.models import Alert, Delivery
from apps.catalog.models import Assertion, IdentityDecision, Source
from apps.common.time import now
from apps.feeds.models import FeedRun
from tests.http import text_of


def test_governance_sets_an_end_by_hand_and_lifts_it(world, as_user):
    client = as_user(world.governance)
    page = f"/offerings/{world.sonnet_bedrock.pk}/"

    client.post(
        page, {"retires_on": "2027-04-08", "date_kind": "firm", "reason": "Mail from the provider"}
    )
    world.sonnet_bedrock.refresh_from_db()
    manual = Assertion.objects.get(source__slug="manual")

    assert str(world.sonnet_bedrock.retires_on) == "2027-04-08"
    assert (manual.asserted_by, manual.reason) == (world.governance, "Mail from the provider")
    assert "Mail from the provider" in text_of(client.get(f"{page}?tab=sources"))

    client.post(f"/manual/{manual.pk}/lift/", {"reason": "The feed has it now"})
    world.sonnet_bedrock.refresh_from_db()
    assert world.sonnet_bedrock.retires_on is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"retires_on": "2027-04-08", "date_kind": "firm"},
            "Enter a reason with the source of the information.",
        ),
        (
            {"retires_on": "2027-04-08", "reason": "x"},
            "Select whether the date is announced or the earliest possible date",
        ),
        (
            {"retires_on": "31.12.2027", "date_kind": "firm", "reason": "x"},
            "Enter a date such as 2026-11-24.",
        ),
        (
            {
                "retires_on": "2027-01-01",
                "date_kind": "firm",
                "announced_on": "2027-02-01",
                "reason": "x",
            },
            "The retirement is before its announcement.",
        ),
        ({"source_url": "javascript:alert(1)", "reason": "x"}, "Enter a valid URL."),
    ],
)
def test_a_manual_value_that_does_not_hold_together_is_refused_with_a_sentence(
    data, words, world, as_user
):
    response = as_user(world.governance).post(f"/offerings/{world.sonnet.pk}/", data)

    assert response.status_code == 422
    assert words in text_of(response)
    assert not Assertion.objects.filter(source__slug="manual").exists()


def test_lifting_needs_a_reason(world, as_user):
    client = as_user(world.governance)
    client.post(f"/offerings/{world.sonnet.pk}/", {"status": "active", "reason": "x"})
    manual = Assertion.objects.get(source__slug="manual")

    response = client.post(f"/manual/{manual.pk}/lift/", {}, follow=True)

    manual.refresh_from_db()
    assert manual.withdrawn_at is None
    assert "Enter a reason for removing the override" in text_of(response)


def test_the_claim_of_a_feed_cannot_be_lifted(world, as_user):
    claim = Assertion.objects.get(source=world.source)

    assert (
        as_user(world.governance).post(f"/manual/{claim.pk}/lift/", {"reason": "x"}).status_code
        == 404
    )


@pytest.mark.parametrize(
    "path", ["/offerings/{sonnet.pk}/", "/identity/{unknown.pk}/", "/feeds/litellm/poll/"]
)
def test_others_than_governance_change_nothing_and_are_told_who_may(path, world, as_user):
    response = as_user(world.editor).post(path.format(**vars(world)), {"reason": "x"})

    assert response.status_code == 403
    assert "You need the governance role" in text_of(response)


def test_only_governance_sees_the_forms(world, as_user):
    address = f"/offerings/{world.sonnet.pk}/?tab=sources"
    mine = text_of(as_user(world.governance).get(address))
    theirs = text_of(as_user(world.viewer).get(address))

    assert "Set manual override" in mine
    assert "Set manual override" not in theirs


def test_a_person_places_what_the_rules_could_not(world, as_user):
    client = as_user(world.governance)

    client.post(
        f"/identity/{world.unknown.pk}/",
        {
            "identifier": "anthropic/claude-sonnet-4-5-20250929",
            "reason": "The platform team said so",
        },
    )

    world.unknown.refresh_from_db()
    decision = IdentityDecision.objects.get()
    assert world.unknown.version.identifier == "anthropic/claude-sonnet-4-5-20250929"
    assert (decision.host, decision.decided_by) == (world.unknown.host, world.governance)
    assert "All models are identified." in text_of(client.get("/identity/"))


def test_a_decision_can_be_lifted(world, as_user):
    client = as_user(world.governance)
    client.post(
        f"/identity/{world.unknown.pk}/", {"choice": "not-a-model", "reason": "a price row"}
    )

    client.post(f"/identity/decisions/{IdentityDecision.objects.get().pk}/lift/")

    world.unknown.refresh_from_db()
    assert world.unknown.not_a_model is False
    assert IdentityDecision.objects.get().revoked_at is not None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"reason": "x"},
            "Select a suggestion, enter an identifier, or select that the name is not a model.",
        ),
        ({"identifier": "nobody/nothing", "reason": "x"}, "found in the catalogue"),
        ({"choice": "not-a-model"}, "Enter how the model was identified."),
    ],
)
def test_a_decision_without_its_parts_is_refused_with_a_sentence(data, words, world, as_user):
    response = as_user(world.governance).post(f"/identity/{world.unknown.pk}/", data)

    assert response.status_code == 422
    assert words in text_of(response)
    assert not IdentityDecision.objects.exists()


def test_the_inbox_suggests_what_the_string_looks_like(world, as_user):
    world.unknown.api_id = "sonnet-4-5-ours"
    world.unknown.save()

    page = text_of(as_user(world.governance).get(f"/identity/{world.unknown.pk}/"))

    assert 'value="anthropic/claude-sonnet-4-5-20250929"' in page


def test_poll_now_queues_a_run_and_shows_how_it_goes(world, as_user):
    run = FeedRun.objects.create(
        source=world.source, trigger="schedule", queued_at=now(), status="queued"
    )
    client = as_user(world.governance)

    # a poll is under way already: pressing again shows that one
    waiting = client.post("/feeds/litellm/poll/", headers={"HX-Request": "true"})
    FeedRun.objects.filter(pk=run.pk).update(status="running", step="parse")
    running = client.get(f"/feeds/runs/{run.pk}/progress/")
    FeedRun.objects.filter(pk=run.pk).update(
        status="changed", rows=120, rows_changed=4, finished_at=now()
    )
    closed = client.get(f"/feeds/runs/{run.pk}/progress/", headers={"HX-Request": "true"})

    assert "waiting for a worker" in text_of(waiting)
    assert 'hx-trigger="every 1s"' in text_of(waiting)
    assert "reading the rows" in text_of(running)
    assert "changed, 120 rows, 4 changed" in text_of(closed)
    assert closed.headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in running.headers
    assert "hx-trigger" not in text_of(closed)


def test_poll_now_without_script_leads_to_the_run(world, as_user):
    run = FeedRun.objects.create(
        source=world.source, trigger="schedule", queued_at=now(), status="queued"
    )

    response = as_user(world.governance).post("/feeds/litellm/poll/")

    assert response["Location"] == f"/feeds/runs/{run.pk}/"


def test_a_source_that_is_switched_off_is_not_polled(world, as_user):
    Source.objects.filter(pk=world.source.pk).update(enabled=False)

    assert as_user(world.governance).post("/feeds/litellm/poll/").status_code == 404


def test_a_run_shows_what_was_held_and_what_was_set_aside(world, as_user):
    page = text_of(as_user(world.viewer).get(f"/feeds/runs/{world.run.pk}/"))

    assert "41 of 100 rows are missing." in page
    assert "sample_spec" in page
    assert "the file&#x27;s own example" in page


def test_an_editor_acknowledges_the_alerts_of_the_team(world, as_user):
    client = as_user(world.editor)

    assert "Acknowledge" in text_of(client.get("/alerts/"))
    client.post(f"/alerts/{world.alert.pk}/acknowledge/", {"back": "/alerts/?state=open"})

    world.alert.refresh_from_db()
    assert (world.alert.state, world.alert.acknowledged_by) == (
        Alert.State.ACKNOWLEDGED,
        world.editor,
    )
    assert "No alert needs a response." in text_of(client.get("/alerts/"))


def test_a_viewer_reads_alerts_and_cannot_answer_them(world, as_user):
    client = as_user(world.viewer)

    page = text_of(client.get("/alerts/"))
    response = client.post(f"/alerts/{world.alert.pk}/acknowledge/")

    assert "Claims triage" in page
    assert "</form> </span>" not in page
    assert response.status_code == 403


def test_a_stranger_finds_no_alert(world, as_user):
    client = as_user(world.outsider)

    assert client.post(f"/alerts/{world.alert.pk}/acknowledge/").status_code == 404
    assert "No alert needs a response." in text_of(client.get("/alerts/"))


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/alerts//evil"])
def test_acknowledging_never_leads_off_the_site(back, world, as_user):
    response = as_user(world.editor).post(f"/alerts/{world.alert.pk}/acknowledge/", {"back": back})

    assert response["Location"].startswith("/alerts/")


def test_the_ledger_keeps_the_text_and_a_failed_mail_can_be_sent_again(world, as_user):
    page = text_of(as_user(world.viewer).get(f"/deliveries/{world.delivery.pk}/"))

    as_user(world.governance).post(f"/deliveries/{world.delivery.pk}/resend/")

    world.delivery.refresh_from_db()
    assert "Claude Sonnet 4.5 ends soon." in page
    assert "550 mailbox unavailable" in page
    assert "Send again" not in page
    assert world.delivery.state == Delivery.State.QUEUED

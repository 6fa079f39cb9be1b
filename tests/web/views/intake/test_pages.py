"""The pages of what is seen in use: who sees what, the same cost however long, and answers that can
be taken back."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models import F

from apps.accounts.actions import issue_token
from apps.common.time import day_of, now
from apps.intake.connections.service_links import link_service
from apps.intake.connections.summaries import update_connections
from apps.intake.models import (
    Confidence,
    Discrepancy,
    Import,
    IntakeSettings,
    NameDecision,
    Observation,
    Service,
    ServiceToken,
    TokenBinding,
    UsageDay,
)
from apps.intake.observations.discrepancies import find_discrepancies
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.inventory.models import Dependency
from apps.web.views.intake import reported_services
from apps.web.views.intake.unrecognised_names import suggested_offerings
from tests.builders import (
    make_application,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.http import csv_rows, file_lines, text_of

pytestmark = pytest.mark.django_db

PAGES = (
    "/intake/",
    "/intake/observations/",
    "/intake/discrepancies/",
    "/intake/services/",
    "/intake/names/",
)


def see(application=None, requested="talker-1", *, calls=None, **fields):
    at = now() - timedelta(minutes=5)
    fields = {
        "stream": "otlp",
        "provider": "acme",
        "confidence": Confidence.SERVED,
        "key": uuid4(),
        **fields,
    }
    seen = Observation.objects.create(
        application=application, requested=requested, first_seen_at=at, last_seen_at=at, **fields
    )
    for ago, n in (calls or {}).items():
        UsageDay.objects.create(
            observation=seen,
            day=day_of(at) - timedelta(ago),
            n_calls=n,
            first_seen_at=at,
            last_seen_at=at,
        )
    return seen


def work():
    reconcile_waiting(at=now())
    find_discrepancies(at=now())
    update_connections(at=now())


@pytest.fixture
def seen(world):
    """A shadow of one's own and a foreign one, a sender nobody claimed, a name nobody knows."""
    acme = make_provider("acme", name="Acme")
    world.talker = make_offering("talker-1", host=acme, version=make_version("acme/talker-1"))
    moment = now()
    world.service = Service.objects.create(
        name="claims/triage-api", first_seen_at=moment, last_seen_at=moment
    )
    see(world.triage, alias="chat", served="talker-1", calls={0: 40, 1: 35, 3: 20})
    see(world.foreign)
    see(None, "talker-1", service=world.service, provider="acme")
    see(
        world.drafter,
        "drafts-deployment",
        provider="",
        confidence=Confidence.BOM,
        stream="cyclonedx:cdxgen",
        places=["app/settings.py#3"],
    )
    work()
    return world


# --- what everybody may read ----------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_page_says_what_to_do_first(path, world, as_user):
    page = text_of(as_user(world.editor).get(path))
    if path == "/intake/":
        assert "No connections yet" in page
        assert "OTEL_EXPORTER_OTLP_ENDPOINT=" in page
    else:
        assert "Set up a connection" in page or "View connections" in page


@pytest.mark.parametrize(
    ("path", "n"),
    [
        ("/intake/", 8),
        ("/intake/observations/", 8),
        ("/intake/discrepancies/", 8),
        ("/intake/services/", 8),
        ("/intake/names/", 7),
    ],
)
def test_a_page_costs_the_same_however_long_it_is(
    path, n, seen, as_user, django_assert_num_queries
):
    client = as_user(seen.governance)
    for number in range(6):
        see(make_application(team=seen.team))
        see(
            make_application(),
            f"strange-{number}",
            provider="",
            confidence=Confidence.BOM,
            stream=f"spdx:tool{number}",
        )
        Service.objects.create(name=f"sender-{number}", first_seen_at=now(), last_seen_at=now())
    work()
    client.get(path)
    with django_assert_num_queries(n):
        assert client.get(path).status_code == 200


def test_a_name_close_to_a_version_without_aliases_is_suggested(seen):
    suggested = suggested_offerings("talker-1-preview", "acme")

    assert seen.talker.pk in [pk for pk, _ in suggested]


def test_each_sees_only_what_is_of_the_own_teams(seen, as_user):
    mine = as_user(seen.viewer)
    for path in PAGES[1:3]:
        page = text_of(mine.get(path))
        assert "Claims triage" in page
        assert "Clause finder" not in page
    assert "triage-api" not in text_of(mine.get("/intake/services/"))
    assert mine.get(f"/intake/services/{seen.service.pk}/").status_code == 404
    assert "Clause finder" not in "".join(file_lines(mine.get("/intake/discrepancies.csv")))
    assert "drafts-deployment" in text_of(mine.get("/intake/names/"))
    assert mine.get("/intake/names/decide/?name=drafts-deployment").status_code == 200

    stranger = as_user(seen.outsider)
    assert "talker-1" not in text_of(stranger.get("/intake/observations/"))
    assert "talker-1" not in "".join(file_lines(stranger.get("/intake/observations.csv")))
    assert stranger.get("/intake/names/decide/?name=drafts-deployment").status_code == 404


def test_the_three_names_stand_in_columns_of_their_own(seen, as_user):
    query = f"application={seen.triage.slug}"
    row = csv_rows(as_user(seen.governance).get(f"/intake/observations.csv?{query}"))[0]

    names = ("Requested alias", "Requested model", "Served model")
    assert [row[name] for name in names] == ["chat", "talker-1", "talker-1"]


def test_filters_narrow_page_and_csv_alike(seen, as_user):
    client = as_user(seen.governance)
    assert "Clause finder" not in text_of(
        client.get(f"/intake/discrepancies/?application={seen.triage.slug}")
    )
    # people type names
    assert "Claims triage" in text_of(
        client.get("/intake/discrepancies/?application=Claims triage")
    )
    assert len(file_lines(client.get("/intake/discrepancies.csv?kind=shadow"))) == 3
    assert len(file_lines(client.get("/intake/observations.csv?stream=cyclonedx:cdxgen"))) == 2
    assert len(file_lines(client.get("/intake/observations.csv?state=unclaimed"))) == 2
    assert len(file_lines(client.get("/intake/observations.csv?days=0"))) == 1
    assert len(file_lines(client.get("/intake/names.csv"))) == 2
    assert len(file_lines(client.get("/intake/services.csv?state=ignored"))) == 1


def test_the_page_of_an_application_shows_who_saw_what(seen, as_user):
    page = text_of(as_user(seen.viewer).get(f"/applications/{seen.triage.slug}/?tab=dependencies"))
    assert "Traces (OTLP)" in page
    assert "95 calls in 30 days" in page
    assert "Calls talker-1 on Acme, which is not declared." in page
    assert "refused" not in page


def test_calls_refused_by_a_gateway_stand_beside_the_model_and_in_the_sum(seen, as_user):
    day = UsageDay.objects.filter(observation__application=seen.triage, n_calls__gt=0).first()
    UsageDay.objects.filter(pk=day.pk).update(n_errors=F("n_errors") + 1, n_refused=1)
    page = text_of(as_user(seen.viewer).get(f"/applications/{seen.triage.slug}/?tab=dependencies"))
    assert "1 call refused by the gateway in 30 days, because of the model's lifecycle" in page
    assert "failed, of which the gateway refused 1 because of the model's lifecycle." in page


def test_the_first_steps_lead_to_it(seen, as_user):
    assert "Connect usage data" in text_of(as_user(seen.governance).get("/start/"))


# --- answers --------------------------------------------------------------------------------------


def test_an_editor_declares_what_is_ticked_and_takes_it_back(seen, as_user):
    client = as_user(seen.editor)
    shadow = Discrepancy.objects.get(kind="shadow", application=seen.triage)
    foreign = Discrepancy.objects.get(kind="shadow", application=seen.foreign)
    said = {"pick": [shadow.pk, foreign.pk], "action": "declare", "back": "/intake/discrepancies/"}

    page = text_of(client.post("/intake/discrepancies/answer/", said, follow=True))
    shadow.refresh_from_db()
    assert "1 dependency declared." in page
    assert shadow.closed_as == "declared"
    assert Discrepancy.objects.get(pk=foreign.pk).closed_at is None

    undo = page.split('action="/undo/')[1].split('"')[0]
    client.post(f"/undo/{undo}", {"back": "/intake/discrepancies/"})
    assert Dependency.objects.get(pk=shadow.dependency_id).origin == "observed"


def test_leaving_it_needs_a_reason_and_a_day_and_can_be_taken_back(seen, as_user):
    client = as_user(seen.editor)
    shadow = Discrepancy.objects.get(kind="shadow", application=seen.triage)
    said = {
        "pick": [shadow.pk],
        "action": "dismiss",
        "until": (day_of(now()) + timedelta(5)).isoformat(),
    }
    assert "Enter a reason" in text_of(
        client.post("/intake/discrepancies/answer/", said, follow=True)
    )
    assert "Enter the date until which it is dismissed" in text_of(
        client.post("/intake/discrepancies/answer/", {**said, "until": "soon"}, follow=True)
    )

    page = text_of(
        client.post("/intake/discrepancies/answer/", {**said, "reason": "a trial"}, follow=True)
    )
    assert "1 discrepancy dismissed until" in page
    assert "a trial" in text_of(client.get("/intake/discrepancies/?state=dismissed"))
    client.post(f"/intake/discrepancies/reopen/?pick={shadow.pk}")
    shadow.refresh_from_db()
    assert shadow.closed_at is None


def test_who_only_reads_is_offered_no_answer(seen, as_user):
    client = as_user(seen.viewer)
    shadow = Discrepancy.objects.get(kind="shadow", application=seen.triage)
    assert 'name="pick"' not in text_of(client.get("/intake/discrepancies/"))
    assert (
        client.post(
            "/intake/discrepancies/answer/", {"pick": shadow.pk, "action": "end"}
        ).status_code
        == 403
    )


def test_a_sender_is_claimed_from_what_it_may_be_and_taken_back(seen, as_user):
    client = as_user(seen.governance)
    here = f"/intake/services/{seen.service.pk}/"
    assert f'value="{seen.triage.slug}"' in text_of(client.get(here))

    page = text_of(
        client.post(
            f"{here}act/", {"action": "claim", "application": seen.triage.slug}, follow=True
        )
    )
    seen.service.refresh_from_db()
    assert seen.service.application == seen.triage
    assert "its earlier calls count, too." in page
    client.post(f"{here}act/?undo=unclaim")
    seen.service.refresh_from_db()
    assert seen.service.application is None
    client.post(f"{here}act/", {"action": "ignore"})
    assert "is ignored" in text_of(client.get(here))


def send_under(service, user, *, n_dropped=0, name="gateway"):
    token = issue_token(user=user, name=name, scopes=["intake"], at=now(), by=None)[0]
    moment = now() if n_dropped else None
    return ServiceToken.objects.create(
        service=service,
        token=token,
        last_sent_at=now(),
        n_dropped=n_dropped,
        first_dropped_at=moment,
        last_dropped_at=moment,
    )


def test_dropped_calls_stand_on_the_senders_page_with_the_token_and_what_to_do(seen, as_user):
    stranger = make_user("bert")
    Service.objects.filter(pk=seen.service.pk).update(application=seen.triage)
    sent = send_under(seen.service, stranger, n_dropped=1204)

    for reader in (seen.governance, seen.editor):
        client = as_user(reader)
        page = text_of(client.get(f"/intake/services/{seen.service.pk}/"))
        assert "1,204 calls dropped" in page
        assert (
            f"of token gateway ({sent.token.prefix}…), bert, may not edit {seen.triage.name}"
            in page
        )
        assert f"Assign bert the editor role on {seen.triage.team.name}" in page
        assert "1,204 calls dropped" in text_of(client.get("/intake/services/?state=claimed"))
    assert (
        as_user(seen.governance)
        .get("/intake/services.csv?state=claimed")
        .getvalue()
        .strip()
        .endswith(b",1204")
    )

    make_member(seen.triage.team, user=stranger)
    assert "may not edit" not in text_of(
        as_user(seen.editor).get(f"/intake/services/{seen.service.pk}/")
    )


def test_what_was_dropped_of_a_bound_key_stands_beside_the_key(seen, as_user):
    sent = send_under(None, seen.editor, n_dropped=7)
    TokenBinding.objects.create(token=sent.token, application=seen.triage)

    page = text_of(as_user(seen.editor).get("/intake/"))
    assert "7 calls dropped" in page
    assert f"{seen.editor} may not edit the applications they belong to" in page


def test_before_a_link_the_page_names_tokens_whose_calls_would_be_dropped(seen, as_user):
    client, here = as_user(seen.governance), f"/intake/services/{seen.service.pk}/"
    send_under(seen.service, make_user("bert"), name="eu proxy")
    send_under(seen.service, seen.editor, name="own")

    page = text_of(
        client.post(f"{here}act/", {"action": "claim", "other": seen.triage.slug}, follow=True)
    )
    seen.service.refresh_from_db()
    assert seen.service.application is None
    assert f"After the link to {seen.triage.name}, calls of these API tokens are dropped" in page
    warned = page.partition("After the link to")[2].partition("Link service anyway")[0]
    assert "eu proxy" in warned
    assert "own (" not in warned

    client.post(f"{here}act/", {"action": "claim", "other": seen.triage.slug, "anyway": "1"})
    seen.service.refresh_from_db()
    assert seen.service.application == seen.triage


def test_senders_are_linked_in_bulk_to_what_is_proposed_or_to_one_and_taken_back(seen, as_user):
    moment, client = now(), as_user(seen.editor)
    named = Service.objects.create(
        name=f"claims/{seen.triage.slug}",
        application=None,
        first_seen_at=moment,
        last_seen_at=moment,
        first_token=send_under(None, seen.editor).token,
    )
    own = issue_token(user=seen.editor, name="x", scopes=["intake"], at=moment, by=None)[0]
    others = [
        Service.objects.create(
            name=name, scope=scope, first_seen_at=moment, last_seen_at=moment, first_token=own
        )
        for name, scope in (("helpdesk", ""), ("helpdesk", "litellm"), ("search", ""))
    ]
    assert f"Link to {seen.triage.name}" in text_of(client.get("/intake/services/"))

    page = client.post("/intake/services/link/", {"accept": named.pk}, follow=True)
    named.refresh_from_db()
    assert named.application == seen.triage
    assert "1 reported service is linked" in text_of(page)

    picks = [others[0].pk, others[2].pk]
    asked = {"pick": picks, "action": "link", "application": seen.triage.name}
    page = client.post("/intake/services/link/", asked, follow=True)
    # the second endpoint of the helpdesk goes with the first
    assert set(
        Service.objects.filter(pk__in=[each.pk for each in others]).values_list(
            "application", flat=True
        )
    ) == {seen.triage.pk}
    assert "2 reported services are linked" in text_of(page)
    undo = re.search(
        r'action="(/intake/services/link/\?undo=1[^"]+)"', page.content.decode()
    ).group(1)
    client.post(undo.replace("&amp;", "&"))
    assert not Service.objects.filter(
        pk__in=[each.pk for each in others], application__isnull=False
    ).exists()


def test_each_link_in_bulk_is_a_transaction_of_its_own(seen, as_user, monkeypatch):
    moment = now()
    token = issue_token(user=seen.editor, name="x", scopes=["intake"], at=moment, by=None)[0]
    first, second = (
        Service.objects.create(
            name=name, first_seen_at=moment, last_seen_at=moment, first_token=token
        )
        for name in ("helpdesk", "search")
    )

    def fail_for_second(*, service, **kwargs):
        if service.pk == second.pk:
            raise RuntimeError("the database restarts")
        return link_service(service=service, **kwargs)

    monkeypatch.setattr(reported_services, "link_service", fail_for_second)
    with pytest.raises(RuntimeError):
        as_user(seen.editor).post(
            "/intake/services/link/",
            {"pick": [first.pk, second.pk], "action": "link", "application": seen.triage.name},
        )

    first.refresh_from_db()
    assert first.application == seen.triage


@pytest.mark.proof
def test_a_link_in_bulk_leaves_out_what_would_drop_calls_and_needs_an_application_one_may_edit(
    seen, as_user
):
    moment = now()
    waiting = Service.objects.create(name="helpdesk", first_seen_at=moment, last_seen_at=moment)
    send_under(waiting, make_user("bert"))
    client = as_user(seen.governance)

    page = client.post(
        "/intake/services/link/", {"pick": waiting.pk, "action": "accept"}, follow=True
    )
    assert "no application is proposed" in text_of(page)
    asked = {"pick": waiting.pk, "action": "link", "application": seen.triage.slug}
    assert "would be dropped" in text_of(client.post("/intake/services/link/", asked, follow=True))
    stranger = as_user(make_member(make_application().team))
    assert "Select the services to link" in text_of(
        stranger.post("/intake/services/link/", asked, follow=True)
    )
    asked["application"] = "nothing-of-that-name"
    assert "Select an application that you can edit" in text_of(
        client.post("/intake/services/link/", asked, follow=True)
    )
    waiting.refresh_from_db()
    assert waiting.application is None


def test_governance_decides_a_name_and_lifts_it_by_undo(seen, as_user):
    where = "/intake/names/decide/?name=drafts-deployment&provider="
    said = {"offering": seen.talker.pk, "stream": "", "reason": "deployment list"}
    assert as_user(seen.editor).post(where, said).status_code == 403

    client = as_user(seen.governance)
    assert client.post(where, {**said, "not_a_model": "on"}).status_code == 422
    assert client.post(where, {**said, "reason": ""}).status_code == 422
    assert "talker-1" in text_of(client.get(f"{where}&q=talker"))
    page = text_of(client.post(where, said, follow=True))
    decision = NameDecision.objects.get()
    assert "also in earlier observations" in page
    assert Dependency.objects.filter(application=seen.drafter, offering=seen.talker).exists()
    client.post(f"/intake/names/decisions/{decision.pk}/lift/")
    assert Observation.objects.get(requested="drafts-deployment").state == "unresolved"


def test_a_key_is_bound_to_an_application_and_unbound(seen, as_user):
    token, _ = issue_token(
        user=seen.editor, name="traces", scopes=["intake"], at=now(), by=seen.editor
    )
    client = as_user(seen.editor)
    bind = f"/intake/keys/{token.pk}/bind/"
    assert "traces" in text_of(client.get("/intake/"))
    assert "No application" in text_of(
        client.post(bind, {"application": seen.foreign.slug}, follow=True)
    )
    client.post(bind, {"application": seen.triage.slug, "environment": "prod"})
    assert TokenBinding.objects.get().application == seen.triage
    client.post(f"/intake/keys/{token.pk}/unbind/")
    assert not TokenBinding.objects.exists()


def test_governance_sets_the_lines(world, as_user):
    said = {
        "unseen_after_days": 14,
        "drift_days": 3,
        "document_retention_days": 30,
        "usage_retention_days": 90,
    }
    assert as_user(world.editor).post("/intake/lines/", said).status_code == 403
    client = as_user(world.governance)
    assert client.post("/intake/lines/", {**said, "drift_days": 0}).status_code == 422
    assert "They take effect within ten minutes" in text_of(
        client.post("/intake/lines/", said, follow=True)
    )
    lines = IntakeSettings.objects.get()
    assert (lines.unseen_after_days, lines.drift_days, lines.declares_shadows) == (14, 3, False)


# --- documents ------------------------------------------------------------------------------------


@pytest.fixture
def document(world):
    return Import.objects.create(
        kind="document",
        format="cyclonedx",
        file_name="bom.json",
        digest="0" * 64,
        n_bytes=10,
        by=world.editor,
        state="applied",
        tool="cdxgen",
        tool_version="12",
        received_at=now(),
        application=world.triage,
        counts={"sightings": 3, "created": 1, "unresolved": 1, "ignored": 1},
        problems={
            "unresolved": [{"where": "app.py#3", "reason": "drafts: nobody knows it"}],
            "ignored": [{"where": "/components/0", "reason": "a library"}],
        },
    )


def test_a_document_says_what_was_taken_and_what_not(document, world, as_user):
    client = as_user(world.editor)
    page = text_of(client.get(f"/imports/{document.pk}/"))
    assert "It contains 3 uses of models: 1 new; " in page
    assert "1 could not be identified" in page
    assert "nobody knows it" in page
    listed = text_of(client.get("/imports/?kind=document"))
    assert "cdxgen" in listed
    assert as_user(world.outsider).get(f"/imports/{document.pk}/").status_code in {403, 404}


def test_a_document_without_its_application_asks_for_it(document, world, as_user):
    Import.objects.filter(pk=document.pk).update(
        state="received", application=None, error="It does not say."
    )
    client = as_user(world.editor)
    assert "Which application is it about?" in text_of(client.get(f"/imports/{document.pk}/"))
    where = f"/imports/{document.pk}/application/"
    assert "Enter its name or slug" in text_of(
        client.post(where, {"application": world.foreign.slug}, follow=True)
    )
    client.post(where, {"application": world.triage.name})
    document.refresh_from_db()
    assert document.application == world.triage
    # its file was never kept here
    assert document.state != "received"

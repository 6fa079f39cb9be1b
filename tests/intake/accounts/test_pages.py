"""The pages and REST resources of cloud accounts, and that a secret leaves by none of them."""

import json
import logging
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from apps.accounts.roles import TeamRole
from apps.common.time import now
from apps.intake.accounts.pulls import run_waiting_pulls
from apps.intake.models import (
    AccountDeployment,
    CloudAccount,
    CloudCredential,
    CloudPull,
    Import,
)
from tests.builders import make_member, make_team, make_user
from tests.intake.accounts.accounts import application_named, make_account, make_azure_models, pull
from tests.intake.accounts.cloud import (
    SUBSCRIPTION,
    Answer,
    azure_paths,
    speak_anthropic,
    speak_azure,
    speak_bedrock,
    speak_mistral,
    speak_openai,
    speak_vertex,
)
from tests.intake.accounts.entered import AT, MARKER, SECRETS, SETTINGS

pytestmark = pytest.mark.django_db

KINDS = sorted(SECRETS)


@pytest.fixture
def governance():
    return make_user("gov", role="governance")


@pytest.fixture
def page(client, governance):
    client.force_login(governance)
    return client


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


@pytest.mark.proof
def test_an_account_is_added_entered_tested_and_pulled(page, cloud):
    make_azure_models()
    application_named("rg-claims")
    speak_azure(cloud)

    chosen = text_of(page.get(reverse("cloud-accounts:choose")))
    assert "Microsoft.CognitiveServices/accounts/deployments/read" in chosen
    form = text_of(page.get(reverse("cloud-accounts:create", args=["azure"])))
    assert 'name="tenant"' in form
    assert 'name="organisation"' not in form
    assert "role Reader" in form
    answer = page.post(
        reverse("cloud-accounts:create", args=["azure"]),
        {
            "name": "Claims subscription",
            **SETTINGS["azure"],
            "link_rule": "group",
            "interval_hours": "12",
        },
    )
    account = CloudAccount.objects.get()
    detail = reverse("cloud-accounts:detail", args=[account.pk])
    assert answer.url == detail
    assert not account.enabled
    assert "No credentials yet" in text_of(page.get(detail))

    answer = page.post(
        reverse("cloud-accounts:credentials", args=[account.pk]), SECRETS["azure"], follow=True
    )
    assert "Nothing was read yet" in text_of(answer)
    answer = page.post(reverse("cloud-accounts:test", args=[account.pk]), follow=True)
    assert "Access works: 3 deployments and models found" in text_of(answer)
    assert not AccountDeployment.objects.exists()

    answer = page.post(reverse("cloud-accounts:pull", args=[account.pk]), follow=True)
    assert "Waiting for a worker" in text_of(answer)
    progress = reverse("cloud-accounts:progress", args=[CloudPull.objects.get().pk])
    assert "Waiting for a worker" in text_of(page.get(progress, headers={"HX-Request": "true"}))
    run_waiting_pulls(at=now())
    assert page.get(progress, headers={"HX-Request": "true"})["HX-Redirect"] == detail

    shown = text_of(page.get(detail))
    assert "3 deployments and models in use" in shown
    assert "Deprecating, retires on 2027-04-14, fine-tuning ends on 2026-12-31" in shown
    assert "gpt-4o 2024-11-20" in shown
    assert "westeurope" in shown
    assert "rg-support" in shown
    listed = text_of(page.get(reverse("cloud-accounts:list")))
    assert "Up to date" in listed
    deployments = text_of(page.get(f"{reverse('account-deployments:list')}?account={account.pk}"))
    assert "chat-mini" in deployments

    answer = page.post(
        reverse("cloud-accounts:toggle", args=[account.pk]), {"enabled": "true"}, follow=True
    )
    assert "Read every 12 hours" in text_of(answer)


def test_a_partial_pull_names_the_parts(page, cloud):
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    cloud.routes[azure_paths(claims)] = Answer({}, status=403)
    pull(account)

    shown = text_of(page.get(reverse("cloud-accounts:detail", args=[account.pk])))

    assert "1 part was not read" in shown
    assert "deployments of claims-openai" in shown
    assert "does not permit reading this part" in shown
    assert "Partly read" in text_of(page.get(reverse("cloud-accounts:list")))


def test_settings_can_be_changed_and_undone_and_secrets_cannot(page, governance):
    account = make_account("bedrock")
    edit = reverse("cloud-accounts:edit", args=[account.pk])
    seen = page.get(edit).context["form"]["seen"].value()
    data = {
        "name": "Renamed",
        "regions": "eu-central-1\neu-west-1",
        "link_rule": "account",
        "interval_hours": "24",
        "seen": seen,
    }

    page.post(edit, data)

    account.refresh_from_db()
    assert (account.name, account.regions) == ("Renamed", ["eu-central-1", "eu-west-1"])
    history = text_of(page.get(reverse("records:history", args=["cloud-accounts", account.pk])))
    assert "Renamed" in history
    change = CloudAccount.history.rel.related_model.objects.latest("pgh_id").pgh_context_id
    page.post(reverse("records:undo", args=["cloud-accounts", change]))
    account.refresh_from_db()
    assert (account.name, account.regions) == ("bedrock account", ["eu-central-1"])
    assert CloudCredential.objects.filter(account=account).exists()


@pytest.mark.parametrize(
    ("kind", "facts", "message"),
    [
        ("azure", {"tenant": ""}, "Enter a value for Tenant ID"),
        ("azure", {"tenant": "../evil"}, "letters, digits, dots"),
        ("azure", {"subscription": "a/b?x"}, "letters, digits, dots"),
        ("bedrock", {"regions": "evil.example.org"}, "Enter the region as the cloud names it"),
        ("bedrock", {"regions": "eu-central-1/../x"}, "Enter the region as the cloud names it"),
        ("bedrock", {"regions": ""}, "Enter a value for Regions"),
        ("azure", {"link_rule": "tag"}, "Enter the name of the tag"),
        ("azure", {"link_rule": "application"}, "Enter the application"),
    ],
)
def test_settings_that_do_not_fit_are_named(page, kind, facts, message):
    values = {key: "\n".join(v) if isinstance(v, list) else v for key, v in SETTINGS[kind].items()}
    answer = page.post(
        reverse("cloud-accounts:create", args=[kind]),
        {"name": "x", "link_rule": "account", "interval_hours": "24", **values, **facts},
    )

    assert answer.status_code == 422
    assert message in text_of(answer)
    assert not CloudAccount.objects.exists()


def test_an_address_cannot_be_entered(page, api, governance):
    """The address of a cloud is no field, so no account leads to another server."""
    answer = page.post(
        reverse("cloud-accounts:create", args=["mistral"]),
        {
            "name": "x",
            "link_rule": "account",
            "interval_hours": "24",
            "address": "http://169.254.169.254",
            "url": "http://169.254.169.254",
        },
    )
    assert answer.status_code == 302
    columns = {field.name for field in CloudAccount._meta.concrete_fields}
    assert not columns & {"address", "url", "endpoint", "base_url", "host"}
    rejected = api(governance, "read", "write").post(
        "/api/v1/cloud-accounts/",
        {"kind": "mistral", "name": "y", "url": "http://169.254.169.254"},
        format="json",
    )
    assert rejected.status_code == 400


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "editor", "owner", "auditor"])
def test_others_see_no_account_by_page_or_rest(client, api, role):
    account = make_account("mistral")
    team = make_team()
    user = (
        make_user("auditor", role="auditor")
        if role == "auditor"
        else make_member(team, TeamRole[role.upper()])
    )
    client.force_login(user)

    for name, arguments in (
        ("list", []),
        ("csv", []),
        ("choose", []),
        ("create", ["azure"]),
        ("detail", [account.pk]),
        ("edit", [account.pk]),
    ):
        answer = client.get(reverse(f"cloud-accounts:{name}", args=arguments))
        assert answer.status_code == 403, name
        assert account.name not in answer.content.decode()
    for name in ("credentials", "delete-credentials", "test", "pull", "toggle"):
        assert client.post(reverse(f"cloud-accounts:{name}", args=[account.pk])).status_code == 403
    rest = api(user, "read", "write")
    for resource in ("cloud-accounts", "cloud-pulls", "account-deployments"):
        assert rest.get(f"/api/v1/{resource}/").json()["results"] == []
    assert rest.get(f"/api/v1/cloud-accounts/{account.pk}/").status_code == 404
    assert rest.post(f"/api/v1/cloud-accounts/{account.pk}/pull/").status_code == 404
    assert CloudCredential.objects.count() == 1


def test_rest_writes_credentials_and_never_returns_them(api, governance, cloud):
    speak_mistral(cloud)
    rest = api(governance, "read", "write")
    made = rest.post(
        "/api/v1/cloud-accounts/", {"kind": "mistral", "name": "Models"}, format="json"
    )
    assert made.status_code == 201, made.content
    address = f"/api/v1/cloud-accounts/{made.json()['id']}/"
    early = rest.patch(address, {"enabled": True}, format="json")
    assert early.status_code == 400
    assert "Enter credentials" in early.content.decode()
    wrong = rest.post(f"{address}credentials/", {"secrets": {}}, format="json")
    assert wrong.status_code == 400

    stored = rest.post(f"{address}credentials/", {"secrets": SECRETS["mistral"]}, format="json")

    assert stored.status_code == 200, stored.content
    assert stored.json()["credentials_set_at"]
    assert rest.patch(address, {"enabled": True}, format="json").json()["enabled"] is True
    queued = rest.post(f"{address}pull/")
    assert queued.status_code == 202
    run_waiting_pulls(at=now())
    assert rest.get(queued["Location"]).json()["state"] == "done"
    assert rest.get("/api/v1/account-deployments/").json()["results"][0]["kind"] == "custom_model"
    deleted = rest.post(f"{address}delete-credentials/").json()
    assert (deleted["enabled"], deleted["credentials_set_at"]) == (False, None)
    assert rest.delete(address).status_code == 204


# --- secrets --------------------------------------------------------------------------------------


def everything_that_leaves(page, api, governance, account):
    """Every text that a reader could get: pages, files, REST, the history, exports, mail."""
    pk = account.pk
    pages = [
        reverse("cloud-accounts:list"),
        reverse("cloud-accounts:csv"),
        reverse("cloud-accounts:detail", args=[pk]),
        reverse("cloud-accounts:edit", args=[pk]),
        reverse("records:history", args=["cloud-accounts", pk]),
        reverse("records:history-csv", args=["cloud-accounts", pk]),
        reverse("account-deployments:list"),
        reverse("account-deployments:csv"),
        reverse("audit:list"),
        reverse("audit:csv"),
        reverse("observations:list"),
        reverse("reported-services:list"),
        reverse("imports:list"),
        *(reverse("imports:detail", args=[row.pk]) for row in Import.objects.all()),
        reverse("home:search") + "?q=account",
    ]
    for path in pages:
        answer = page.get(path)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        yield path, content.decode(errors="replace")
    rest = api(governance, "read", "write")
    for resource in (
        "cloud-accounts",
        f"cloud-accounts/{pk}",
        "cloud-pulls",
        "account-deployments",
        "audit",
        "observations",
        "imports",
        "reported-services",
    ):
        yield resource, rest.get(f"/api/v1/{resource}/").content.decode()


@pytest.mark.proof
def test_a_secret_is_in_nothing_that_leaves(page, api, governance, cloud, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    yesterday = int(AT.timestamp()) - 86_400
    speakers = {
        "azure": speak_azure,
        "bedrock": speak_bedrock,
        "vertex": speak_vertex,
        "openai": lambda cloud: speak_openai(cloud, day_start=yesterday),
        "anthropic": lambda cloud: speak_anthropic(cloud, day="2026-11-28"),
        "mistral": speak_mistral,
    }
    private_line = json.loads(SECRETS["vertex"]["service_account"])["private_key"].split("\n")[3]
    secrets = (MARKER, private_line, "azure-token", "google-token")
    answers = []
    for kind in KINDS:
        account = make_account(kind, has_credentials=False)
        path = reverse("cloud-accounts:credentials", args=[account.pk])
        # once with a value that is rejected, which the page must not show again
        answers.append(page.post(path, dict.fromkeys(SECRETS[kind], f"{MARKER}\n\x01")))
        answers.append(page.post(path, SECRETS[kind], follow=True))
        answers.append(
            api(governance, "read", "write").post(
                f"/api/v1/cloud-accounts/{account.pk}/credentials/",
                {"secrets": SECRETS[kind], "unknown": MARKER[:3]},
                format="json",
            )
        )
        speakers[kind](cloud)
        answers.append(page.post(reverse("cloud-accounts:test", args=[account.pk]), follow=True))
        pull(account)
        # a cloud that repeats the request in its error
        for route in list(cloud.routes):
            cloud.routes[route] = Answer(
                {"error": {"message": str(SECRETS[kind]), "code": f"{MARKER} x"}}, status=400
            )
        pull(account)
        cloud.routes.clear()
    for answer in answers:
        for secret in secrets:
            assert secret not in answer.content.decode()
    for account in CloudAccount.objects.all():
        for path, text in everything_that_leaves(page, api, governance, account):
            for secret in secrets:
                assert secret not in text, path
    printed = capsys.readouterr()
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in printed.out + printed.err
        assert secret not in repr(list(CloudCredential.objects.all()))


@pytest.mark.proof
def test_a_secret_is_in_no_table(page, cloud):
    """In the whole database, the history and stored answers included, the text stands nowhere; the
    ciphertext stands in its own column alone."""
    for kind in KINDS:
        account = make_account(kind, has_credentials=False)
        page.post(reverse("cloud-accounts:credentials", args=[account.pk]), SECRETS[kind])
    speak_azure(cloud)
    pull(CloudAccount.objects.get(kind="azure"))
    sealed = CloudCredential.objects.get(account__kind="azure").sealed

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        tables = [row[0] for row in cursor.fetchall()]
        holders = set()
        for table in tables:
            cursor.execute(
                f"SELECT count(*) FILTER (WHERE t::text LIKE %s), "
                f'count(*) FILTER (WHERE t::text LIKE %s) FROM "{table}" t',
                [f"%{MARKER}%", f"%{sealed[:80]}%"],
            )
            n_plain, n_sealed = cursor.fetchone()
            assert n_plain == 0, table
            if n_sealed:
                holders.add(table)
    assert holders == {"intake_cloudcredential"}


def test_the_audit_shows_who_entered_credentials_and_when(page, api, governance):
    account = make_account("mistral", has_credentials=False)

    page.post(reverse("cloud-accounts:credentials", args=[account.pk]), SECRETS["mistral"])

    entry = CloudCredential.history.rel.related_model.objects.get()
    assert entry.pgh_context.metadata["actor"] == governance.username
    assert entry.pgh_context.metadata["reason"] == "credentials of the cloud account entered"
    assert not hasattr(entry, "sealed")


def test_a_wrong_key_is_a_sentence_on_the_page(page, settings):
    settings.CREDENTIAL_KEYS = ["first-key-0123456789-0123456789-01"]
    account = make_account("azure")
    settings.CREDENTIAL_KEYS = ["second-key-0123456789-0123456789-01"]

    shown = text_of(page.get(reverse("cloud-accounts:detail", args=[account.pk])))

    assert "The stored credentials cannot be decrypted" in shown
    with pytest.raises(CommandError, match="azure account"):
        call_command("rotate_credentials")


def test_the_page_makes_few_statements_whatever_the_account_has(
    page, cloud, django_assert_max_num_queries
):
    account = make_account("azure")
    speak_azure(cloud)
    pull(account)
    for number in range(60):
        AccountDeployment.objects.create(
            account=account,
            kind="deployment",
            scope="s",
            external_id=f"/{number}",
            name=f"deployment-{number}",
            service=f"service-{number % 7}",
            first_seen_at=now(),
            last_seen_at=now(),
        )
    detail = reverse("cloud-accounts:detail", args=[account.pk])
    page.get(detail)

    with django_assert_max_num_queries(30):
        page.get(detail)
    with django_assert_max_num_queries(30):
        page.get(reverse("cloud-accounts:list"))
    with django_assert_max_num_queries(30):
        page.get(reverse("account-deployments:list"))
    assert SUBSCRIPTION in text_of(page.get(detail))

"""Pulls from end to end: what an account states becomes observed use by the rules for all senders,
and a pull that found nothing new writes nothing but itself."""

from datetime import timedelta

import pytest
from django.db import connection

from apps.common.credentials import UnreadableCredentialsError, rotate_credentials
from apps.common.errors import DomainError
from apps.common.jobs import MAX_ATTEMPTS
from apps.common.time import now
from apps.intake.accounts import pulls
from apps.intake.accounts.account_record import CloudAccountRecord
from apps.intake.accounts.credentials import open_credentials, set_credentials
from apps.intake.accounts.pulls import queue_due_pulls, queue_pull, run_pull, run_waiting_pulls
from apps.intake.models import (
    AccountDeployment,
    CloudAccount,
    CloudCredential,
    CloudPull,
    Deployment,
    Import,
    Observation,
    Service,
    UsageDay,
)
from apps.inventory.models import Dependency
from tests.builders import make_application, make_user
from tests.intake.accounts.accounts import (
    application_named,
    make_account,
    make_azure_models,
    make_model,
    pull,
)
from tests.intake.accounts.cloud import (
    AZURE_ACCOUNTS,
    Answer,
    azure_deployment,
    azure_paths,
    speak_anthropic,
    speak_azure,
    speak_bedrock,
    speak_mistral,
    speak_openai,
)
from tests.intake.accounts.entered import SECRETS

pytestmark = pytest.mark.django_db

FIRST, SECOND = "first-key-0123456789-0123456789-01", "second-key-0123456789-0123456789-01"


def names(account):
    rows = account.deployments.filter(gone_at__isnull=True)
    return set(rows.values_list("name", flat=True))


def table_rows():
    """All rows that a pull could write, without the pull itself."""
    tables = (
        "intake_accountdeployment",
        "intake_cloudaccount",
        "intake_cloudcredential",
        "intake_deployment",
        "intake_import",
        "intake_observation",
        "intake_service",
        "intake_usageday",
        "inventory_dependency",
        "catalog_offering",
        "intake_cloudaccounthistory",
    )
    with connection.cursor() as cursor:
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT xmin::text, t::text FROM {table} t ORDER BY 2")
            rows[table] = cursor.fetchall()
    return rows


# --- deployments become use -----------------------------------------------------------------------


def test_deployments_of_a_named_application_become_observed_dependencies(cloud):
    make_azure_models()
    application = application_named("claims-openai")
    account = make_account("azure")
    speak_azure(cloud)

    done = pull(account)

    assert (done.state, done.error, done.problems) == ("done", "", [])
    assert (done.n_found, done.n_added, done.n_changed, done.n_gone) == (3, 3, 0, 0)
    dependencies = Dependency.objects.filter(application=application)
    assert {row.offering.version.identifier for row in dependencies} == {
        "openai/gpt-4o-2024-11-20",
        "openai/gpt-4o-mini-2024-07-18",
    }
    assert {row.origin for row in dependencies} == {Dependency.Origin.OBSERVED}
    observation = Observation.objects.get(requested="chat-prod")
    assert (observation.region, observation.state) == ("westeurope", "matched")
    assert observation.places == [AccountDeployment.objects.get(name="chat-prod").external_id[:300]]
    # the resource of the other deployment names no application: it waits for a decision
    waiting = Service.objects.get(name="support-openai")
    assert waiting.application is None
    assert Observation.objects.get(requested="embeddings").state == "unclaimed"


def test_a_deployment_name_resolves_to_its_model_for_every_sender(cloud):
    make_azure_models()
    speak_azure(cloud)
    pull(make_account("azure"))

    rows = Deployment.objects.order_by("name").values_list("name", "account", "model", "version")
    assert list(rows) == [
        ("chat-mini", "claims-openai", "gpt-4o-mini", "2024-07-18"),
        ("chat-prod", "claims-openai", "gpt-4o", "2024-11-20"),
        ("embeddings", "support-openai", "text-embedding-3-large", "1"),
    ]


def test_an_unchanged_pull_writes_nothing_but_the_run(cloud):
    make_azure_models()
    application_named("claims-openai")
    account = make_account("azure")
    speak_azure(cloud)
    pull(account)
    before = table_rows()

    done = pull(account, at=now() + timedelta(days=1))

    assert (done.state, done.n_found, done.n_added, done.n_changed) == ("done", 3, 0, 0)
    assert table_rows() == before
    assert CloudPull.objects.count() == 2


def test_a_deployment_that_is_gone_stays_and_its_use_is_marked(cloud):
    make_azure_models()
    application = application_named("claims-openai")
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    pull(account)
    cloud.routes[azure_paths(claims)] = Answer(
        {"value": [azure_deployment(claims, "chat-prod", "gpt-4o", "2024-11-20")]}
    )

    done = pull(account)

    assert done.n_gone == 1
    gone = AccountDeployment.objects.get(name="chat-mini")
    assert gone.gone_at is not None
    assert Observation.objects.get(requested="chat-mini").missing_since is not None
    assert Observation.objects.get(requested="chat-prod").missing_since is None
    assert Dependency.objects.filter(application=application, until__isnull=True).count() == 2

    speak_azure(cloud)
    pull(account)
    gone.refresh_from_db()
    assert gone.gone_at is None
    assert Observation.objects.get(requested="chat-mini").missing_since is None


def test_a_resource_that_is_gone_takes_its_deployments_along(cloud):
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    pull(account)
    cloud.routes[AZURE_ACCOUNTS] = Answer({"value": [claims]})

    assert pull(account).n_gone == 1
    assert names(account) == {"chat-prod", "chat-mini"}


def test_a_partial_pull_marks_nothing_as_gone_and_says_what_is_missing(cloud):
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    pull(account)
    before = table_rows()
    cloud.routes[azure_paths(claims)] = Answer({}, status=403)

    done = pull(account)

    assert done.is_partial
    assert [problem["where"] for problem in done.problems] == ["deployments of claims-openai"]
    assert done.n_gone == 0
    assert names(account) == {"chat-prod", "chat-mini", "embeddings"}
    assert table_rows() == before


def test_a_failed_pull_changes_nothing_and_has_its_sentence(cloud):
    account = make_account("azure")
    speak_azure(cloud)
    pull(account)
    before = table_rows()
    cloud.routes.clear()

    done = pull(account)

    assert done.state == "failed"
    assert "Check the settings of the account" in done.error
    assert table_rows() == before


def test_a_new_version_of_a_deployment_changes_what_its_name_means(cloud):
    make_azure_models()
    make_model("gpt-4.1", "2025-04-14")
    application = application_named("claims-openai")
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    pull(account)
    cloud.routes[azure_paths(claims)] = Answer(
        {"value": [azure_deployment(claims, "chat-prod", "gpt-4.1", "2025-04-14")]}
    )

    assert pull(account).n_changed == 1
    observation = Observation.objects.get(requested="chat-prod")
    assert observation.offering.version.identifier == "openai/gpt-4.1-2025-04-14"
    assert observation.application == application


def test_the_same_name_for_two_models_is_told_apart_by_the_account(cloud):
    make_azure_models()
    application_named("claims-openai")
    application_named("support-openai")
    claims, support = speak_azure(cloud)
    cloud.routes[azure_paths(claims)] = Answer(
        {"value": [azure_deployment(claims, "chat", "gpt-4o", "2024-11-20")]}
    )
    cloud.routes[azure_paths(support)] = Answer(
        {"value": [azure_deployment(support, "chat", "gpt-4o-mini", "2024-07-18")]}
    )

    pull(make_account("azure"))

    assert {
        (row.application.slug, row.offering.version.identifier)
        for row in Dependency.objects.select_related("application", "offering__version")
    } == {
        ("claims-openai", "openai/gpt-4o-2024-11-20"),
        ("support-openai", "openai/gpt-4o-mini-2024-07-18"),
    }


@pytest.mark.parametrize(
    ("rule", "key", "services"),
    [
        ("account", "", {"claims-openai", "support-openai"}),
        ("group", "", {"rg-claims", "rg-support"}),
        ("tag", "App", {"claims-desk"}),
        ("tag", "cost-centre", {"claims-openai", "support-openai"}),
        ("prefix", "-", {"chat", "support-openai"}),
    ],
)
def test_the_rule_of_the_account_names_the_application(cloud, rule, key, services):
    speak_azure(cloud)

    pull(make_account("azure", link_rule=rule, link_key=key))

    assert set(Service.objects.values_list("name", flat=True)) == services


def test_one_application_can_have_the_whole_account(cloud):
    make_azure_models()
    application = make_application("Claims desk")
    speak_azure(cloud)

    pull(make_account("azure", link_rule="application", application=application))

    assert not Service.objects.exists()
    assert set(Observation.objects.values_list("application", flat=True)) == {application.pk}


def test_a_link_that_a_user_removed_is_not_made_again(cloud):
    application_named("claims-openai")
    account = make_account("azure")
    claims, _ = speak_azure(cloud)
    pull(account)
    service = Service.objects.get(name="claims-openai")
    assert service.application is not None
    Service.objects.filter(pk=service.pk).update(application=None, unlinked_at=now())
    cloud.routes[azure_paths(claims)] = Answer(
        {"value": [azure_deployment(claims, "another", "gpt-4o", "2024-11-20")]}
    )

    pull(account)

    service.refresh_from_db()
    assert service.application is None


def test_bedrock_profiles_become_use_with_the_region(cloud):
    make_model(
        "anthropic.claude-sonnet-4-20250514-v1:0",
        host="amazon-bedrock",
        identifier="anthropic/claude-sonnet-4-20250514",
    )
    application = application_named("claims-desk")
    speak_bedrock(cloud)

    done = pull(make_account("bedrock"))

    assert (done.n_found, done.n_models) == (3, 1)
    dependency = Dependency.objects.get(application=application)
    assert dependency.offering.version.identifier == "anthropic/claude-sonnet-4-20250514"
    assert AccountDeployment.objects.get(kind="custom_model").gone_at is None
    # an own model that nothing calls is no use
    assert not Observation.objects.filter(requested__contains="custom-model").exists()


def test_usage_of_openai_counts_by_day(cloud):
    make_model("gpt-4o-2024-11-20", host="openai", identifier="openai/gpt-4o-2024-11-20")
    application = application_named("claims-desk")
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    speak_openai(cloud, day_start=int(today.timestamp()) - 86_400)

    pull(make_account("openai"))

    dependency = Dependency.objects.get(application=application)
    assert dependency.offering.api_id == "gpt-4o-2024-11-20"
    assert {row.n_calls for row in UsageDay.objects.all()} == {40}
    assert UsageDay.objects.count() == 2


def test_usage_of_anthropic_is_observed_without_counts(cloud):
    make_model(
        "claude-sonnet-4-20250514",
        host="anthropic",
        identifier="anthropic/claude-sonnet-4-20250514",
    )
    application = application_named("claims-desk")
    speak_anthropic(cloud, day=(now() - timedelta(days=1)).date().isoformat())

    pull(make_account("anthropic"))

    assert Dependency.objects.filter(application=application).count() == 1
    assert not UsageDay.objects.exists()


def test_a_list_of_models_makes_no_dependency(cloud):
    make_model("mistral-large-2411", host="mistral", identifier="mistral/mistral-large-2411")
    speak_mistral(cloud)

    done = pull(make_account("mistral"))

    assert (done.n_found, done.n_models) == (0, 2)
    assert not Observation.objects.exists()
    assert not Import.objects.exists()
    assert AccountDeployment.objects.get().kind == "custom_model"


# --- jobs -----------------------------------------------------------------------------------------


def test_an_account_is_due_at_its_interval_and_only_with_credentials(cloud):
    speak_mistral(cloud)
    account = make_account("mistral", enabled=True, interval_hours=6)
    make_account("azure", enabled=False)
    bare = make_account("openai", has_credentials=False)
    CloudAccount.objects.filter(pk=bare.pk).update(enabled=True)
    at = now()

    assert queue_due_pulls(at=at) == 1
    # it is open
    assert queue_due_pulls(at=at) == 0
    assert run_waiting_pulls(at=at) == 1
    assert queue_due_pulls(at=at + timedelta(hours=5)) == 0
    assert queue_due_pulls(at=at + timedelta(hours=6)) == 1
    assert set(CloudPull.objects.values_list("account", flat=True)) == {account.pk}


def test_one_pull_an_account_is_open_at_a_time(cloud):
    account = make_account("mistral")
    governance = make_user("gov", role="governance")

    first = queue_pull(account=account, by=governance, at=now())

    assert queue_pull(account=account, by=governance, at=now()) == first
    assert CloudPull.objects.count() == 1


def test_a_killed_worker_is_taken_over_and_the_report_is_not_lost(cloud, monkeypatch):
    make_azure_models()
    application_named("claims-openai")
    account = make_account("azure")
    speak_azure(cloud)
    queued = queue_pull(account=account, by=None, at=now())

    class Killed(BaseException):
        pass

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pulls, "report_account", die)
        with pytest.raises(Killed):
            run_pull(queued.pk, at=now())
    queued.refresh_from_db()
    # the rows are stored, and not passed on yet
    assert (queued.state, queued.step) == ("running", "inventory")
    assert AccountDeployment.objects.count() == 3
    assert not Observation.objects.exists()

    assert run_waiting_pulls(at=now()) == 0
    assert run_waiting_pulls(at=now() + timedelta(minutes=2)) == 1

    queued.refresh_from_db()
    assert (queued.state, queued.attempts) == ("done", 2)
    assert Observation.objects.count() == 3
    assert Import.objects.count() == 1


def test_a_pull_that_always_kills_its_worker_fails_with_a_sentence(cloud, monkeypatch):
    account = make_account("azure")
    speak_azure(cloud)
    queued = queue_pull(account=account, by=None, at=now())
    monkeypatch.setattr(pulls, "report_account", lambda *a, **k: 1 / 0)

    for attempt in range(MAX_ATTEMPTS):
        with pytest.raises(ZeroDivisionError):
            run_pull(queued.pk, at=now() + timedelta(minutes=2 * attempt))
    run_pull(queued.pk, at=now() + timedelta(minutes=20))

    queued.refresh_from_db()
    assert queued.state == "failed"
    assert "after 3 attempts" in queued.error


def test_old_pulls_are_deleted_and_open_ones_stay(cloud, monkeypatch):
    monkeypatch.setattr(pulls, "KEPT_PULLS", 2)
    account = make_account("mistral")
    speak_mistral(cloud)
    for day in range(4):
        pull(account, at=now() + timedelta(days=day))
    queue_pull(account=account, by=None, at=now())

    assert pulls.delete_old_pulls() == 2
    assert CloudPull.objects.filter(state="queued").count() == 1


# --- credentials ----------------------------------------------------------------------------------


def test_a_pull_encrypts_credentials_again_with_the_new_key(cloud, settings):
    settings.CREDENTIAL_KEYS = [FIRST]
    account = make_account("mistral")
    speak_mistral(cloud)
    settings.CREDENTIAL_KEYS = [SECOND, FIRST]

    pull(account)
    settings.CREDENTIAL_KEYS = [SECOND]

    assert open_credentials(account)["api_key"] == SECRETS["mistral"]["api_key"]
    # no change of a user: the history has the entry alone
    assert CloudCredential.history.rel.related_model.objects.count() == 1


def test_the_rotation_names_the_accounts_that_no_key_opens(settings):
    settings.CREDENTIAL_KEYS = [FIRST]
    make_account("mistral")
    settings.CREDENTIAL_KEYS = [SECOND]
    make_account("azure")
    make_account("openai")
    CloudCredential.objects.filter(account__kind="openai").update(sealed="broken")
    settings.CREDENTIAL_KEYS = ["third-key-0123456789-0123456789-01", SECOND]

    rotation = rotate_credentials()

    assert (rotation.n_renewed, rotation.n_current) == (1, 0)
    assert rotation.unreadable == ("mistral account", "openai account")
    assert rotate_credentials().n_current == 1


def test_a_backup_restored_with_another_key_is_a_sentence(cloud, settings):
    settings.CREDENTIAL_KEYS = [FIRST]
    account = make_account("azure")
    speak_azure(cloud)
    settings.CREDENTIAL_KEYS = [SECOND]

    done = pull(account)

    assert done.state == "failed"
    assert "Enter the credentials again" in done.error
    assert not cloud.asked
    with pytest.raises(DomainError, match="CREDENTIAL_KEYS"):
        pulls.check_access(account, at=now())


def test_credentials_of_one_account_do_not_open_for_another(cloud):
    first, second = make_account("mistral"), make_account("mistral", name="other")
    sealed = CloudCredential.objects.get(account=first).sealed
    CloudCredential.objects.filter(account=second).update(sealed=sealed)

    with pytest.raises(UnreadableCredentialsError):
        open_credentials(second)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        ("azure", {}, "Enter the client secret"),
        ("openai", {}, "at least one of the keys"),
        ("mistral", {"api_key": "two\nlines"}, "line breaks"),
        ("mistral", {"api_key": "x" * 20_000}, "too long"),
        ("vertex", {"service_account": "{}"}, "JSON key of a service account"),
        (
            "vertex",
            {"service_account": '{"client_email": "a", "private_key": "zqsecretqz"}'},
            "cannot be read",
        ),
    ],
)
def test_unusable_credentials_are_rejected_without_their_text(kind, values, message):
    account = make_account(kind, has_credentials=False)
    governance = make_user("gov", role="governance")

    with pytest.raises(DomainError, match=message) as caught:
        set_credentials(account=account, values=values, by=governance, at=now())
    assert "zqsecretqz" not in str(caught.value)
    assert not CloudCredential.objects.exists()


def test_check_access_reads_and_stores_nothing(cloud):
    account = make_account("azure")
    speak_azure(cloud)
    before = table_rows()

    listing = pulls.check_access(account, at=now())

    assert len(listing.deployments) == 3
    assert table_rows() == before
    assert not CloudPull.objects.exists()


# --- deletion -------------------------------------------------------------------------------------


def test_a_deleted_account_leaves_what_it_observed_and_returns_without_credentials(cloud):
    make_azure_models()
    application_named("claims-openai")
    account = make_account("azure")
    speak_azure(cloud)
    pull(account)
    governance = make_user("gov", role="governance")
    record = CloudAccountRecord()

    change = record.delete(row=account, by=governance)

    assert Dependency.objects.count() == 2
    assert Observation.objects.count() == 3
    assert not AccountDeployment.objects.exists()
    assert not CloudCredential.objects.exists()

    record.undo(change=change, by=governance)
    assert CloudAccount.objects.get().name == "azure account"
    assert not CloudCredential.objects.exists()

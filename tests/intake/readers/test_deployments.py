"""Listings of deployments, and what becomes of names that only they explain, seen before or
after."""

import json

import pytest

from apps.accounts.roles import TeamRole
from apps.catalog.actions import decide_identity
from apps.catalog.models import Offering
from apps.common.time import now
from apps.intake.documents.formats import FORMATS
from apps.intake.documents.ingest import receive_document
from apps.intake.documents.records import Sighting, UnreadableError
from apps.intake.documents.undo import undo_document
from apps.intake.models import Confidence, Deployment, Import, Observation
from apps.intake.observations.propagation import reopen_recognised_names
from apps.intake.observations.reconciliation import reconcile_waiting
from apps.intake.observations.storage import AttributedSighting, store_observations
from apps.intake.readers.deployments import read_azure, read_bedrock
from apps.intake.readers.terraform import read_terraform
from apps.inventory.models import Dependency
from tests.builders import (
    make_application,
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_user,
    make_version,
)

ACCOUNT = "/subscriptions/0f1e/resourceGroups/rg-ai/providers/Microsoft.CognitiveServices/accounts"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/ab12cd34ef56"
UNIT = "arn:aws:bedrock:eu-central-1:123456789012:provisioned-model/zz99"
SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"


def deployed(
    name="contact-centre-prod", model="gpt-4o", version="2024-11-20", account="acme-eu", **more
):
    return {
        "id": f"{ACCOUNT}/{account}/deployments/{name}",
        "name": name,
        "sku": {"name": "Standard"},
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "tags": {"owner": "secret-tag"},
        "properties": {
            "model": {"format": "OpenAI", "name": model, "version": version},
            "provisioningState": "Succeeded",
            "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
        }
        | more,
    }


def state(*resources, **more):
    """What `terraform show -json` prints, of resources as (address, type, values), the last one in
    a module."""
    made = [
        {
            "address": address,
            "mode": "managed",
            "type": kind,
            "name": "x",
            "provider_name": "p",
            "values": values,
        }
        for address, kind, values in resources
    ]
    root = {
        "resources": made[:-1],
        "child_modules": [{"address": "module.ai", "resources": made[-1:]}],
    }
    return {
        "format_version": "1.0",
        "terraform_version": "1.9.8",
        "values": {"root_module": root},
    } | more


CHAT = (
    "azurerm_cognitive_deployment.chat",
    "azurerm_cognitive_deployment",
    {
        "name": "contact-centre-prod",
        "cognitive_account_id": f"{ACCOUNT}/acme-eu",
        "version_upgrade_option": "NoAutoUpgrade",
        "model": [{"name": "gpt-4o", "version": "2024-11-20"}],
    },
)


def told(document):
    return [
        (each.host, each.account, each.name, each.model, each.version, each.upgrades)
        for each in document.deployments
    ]


# --- readers --------------------------------------------------------------------------------------


def test_an_azure_listing_tells_names_models_versions_and_upgrades_in_each_of_its_shapes():
    rows = [
        deployed(),
        deployed("embed", "text-embedding-3-large", "1", versionUpgradeOption="NoAutoUpgrade"),
        deployed("gone", provisioningState="Deleting"),
        deployed(
            "",
        ),
        5,
    ]

    document = read_azure(json.dumps(rows).encode())

    assert told(document) == [
        ("azure", "acme-eu", "contact-centre-prod", "gpt-4o", "2024-11-20", True),
        ("azure", "acme-eu", "embed", "text-embedding-3-large", "1", False),
    ]
    assert (
        [part.where for part in document.ignored],
        [part.where for part in document.rejected],
    ) == (["/2"], ["/3"])
    assert told(read_azure(json.dumps({"value": rows}).encode())) == told(document)
    assert told(read_azure(json.dumps(rows[0]).encode())) == told(document)[:1]


def test_a_state_tells_azure_s_deployments_and_bedrock_s_profiles_wherever_they_stand():
    azapi = {
        "type": "Microsoft.CognitiveServices/accounts/deployments@2024-10-01",
        "name": "judge",
        "parent_id": f"{ACCOUNT}/acme-us",
        "body": json.dumps({"properties": {"model": {"name": "gpt-4.1", "version": "2025-04-14"}}}),
    }
    profile = {
        "arn": PROFILE,
        "type": "APPLICATION",
        "models": [
            {"model_arn": f"arn:aws:bedrock:{each}::foundation-model/{SONNET}"}
            for each in ("eu-central-1", "eu-west-1")
        ],
    }
    made = state(
        CHAT,
        ("random_password.db", "random_password", {"result": "hunter2"}),
        ("azapi_resource.x", "azapi_resource", azapi),
        (
            "azapi_resource.y",
            "azapi_resource",
            {"type": "Microsoft.Storage/x@1", "body": {"key": "hunter2"}},
        ),
        ("module.ai.aws_bedrock_inference_profile.p", "aws_bedrock_inference_profile", profile),
    )

    body = json.dumps(made).encode()
    document = read_terraform(body)
    kept = FORMATS["terraform"].redact(body)

    assert told(document) == [
        ("azure", "acme-eu", "contact-centre-prod", "gpt-4o", "2024-11-20", False),
        ("azure", "acme-us", "judge", "gpt-4.1", "2025-04-14", True),
        ("amazon-bedrock", "123456789012/eu-central-1", PROFILE, SONNET, "", False),
    ]
    assert document.deployments[0].where == "azurerm_cognitive_deployment.chat"
    assert (document.maker, document.maker_version) == ("terraform", "1.9.8")
    assert b"hunter2" not in kept
    assert told(read_terraform(kept)) == told(document)


def test_of_a_plan_only_what_is_already_counts():
    before = state(CHAT)
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.9.8",
        "timestamp": "2026-11-20T10:00:00Z",
        "planned_values": state(CHAT)["values"],
        "prior_state": before,
    }

    document = read_terraform(json.dumps(plan).encode())

    assert [each.name for each in document.deployments] == ["contact-centre-prod"]
    assert document.made_at.isoformat() == "2026-11-20T10:00:00+00:00"
    assert "Apply it, then send the output of `terraform show -json`" in document.ignored[0].reason
    assert (
        read_terraform(FORMATS["terraform"].redact(json.dumps(plan).encode())).deployments
        == document.deployments
    )
    assert read_terraform(json.dumps(plan | {"prior_state": {}}).encode()).deployments == []


def test_bedrock_s_own_profiles_are_not_explained_and_two_models_behind_one_are_not_guessed():
    arn = "arn:aws:bedrock:eu-central-1::foundation-model/"
    rows = [
        {
            "inferenceProfileArn": PROFILE,
            "type": "APPLICATION",
            "models": [{"modelArn": f"{arn}{SONNET}"}] * 2,
        },
        {
            "inferenceProfileArn": f"{PROFILE}2",
            "type": "APPLICATION",
            "models": [{"modelArn": f"{arn}{SONNET}"}, {"modelArn": f"{arn}amazon.nova-pro-v1:0"}],
        },
        {"inferenceProfileArn": "arn:x", "type": "SYSTEM_DEFINED", "models": []},
        {"inferenceProfileArn": "", "type": "APPLICATION"},
    ]
    own = f"{arn}{SONNET}"
    units = [
        {"provisionedModelArn": UNIT, "modelArn": own, "foundationModelArn": own},
        {"provisionedModelArn": PROFILE, "modelArn": "arn:own", "foundationModelArn": own},
    ]

    document = read_bedrock(
        json.dumps({"inferenceProfileSummaries": rows, "provisionedModelSummaries": units}).encode()
    )

    assert [(each.name, each.model) for each in document.deployments] == [
        (PROFILE, SONNET),
        (UNIT, SONNET),
    ]
    assert (len(document.ignored), len(document.rejected)) == (2, 1)


@pytest.mark.parametrize(
    ("reader", "body"),
    [
        (read_azure, '{"a": 1}'),
        (read_azure, "[{}]"),
        (read_azure, "7"),
        (read_azure, '{"value": 7}'),
        (read_bedrock, "[]"),
        (read_bedrock, '{"models": []}'),
        (read_terraform, "[]"),
        (read_terraform, '{"version": 4, "resources": []}'),
        (read_terraform, '{"format_version": "1.0"}'),
    ],
)
def test_what_is_no_listing_is_refused_with_a_sentence(reader, body):
    with pytest.raises(UnreadableError, match=r"The document is not"):
        reader(body.encode())


# --- what becomes of them -------------------------------------------------------------------------


@pytest.fixture
def azure(db):
    return make_provider("azure")


@pytest.fixture
def gpt(azure):
    """Two releases of one model and their offerings at Azure."""
    openai = make_provider("openai")
    line = make_foundation("openai/gpt-4o", developer=openai)
    found = {}
    for day in ("2024-08-06", "2024-11-20"):
        version = make_version(f"openai/gpt-4o-{day}", foundation=line)
        found[day] = make_offering(f"gpt-4o-{day}", host=azure, version=version)
    return found


def see(application, requested="azure/contact-centre-prod", **more):
    said = {
        "provider": "azure",
        "alias": "chat",
        "gateway": "litellm",
        "confidence": Confidence.GATEWAY_CONFIG,
    } | more
    at = now()
    store_observations(
        "litellm-config:litellm",
        [AttributedSighting(Sighting(requested=requested, **said), application.pk, None, at, at)],
    )
    reconcile_waiting(at=at)
    return Observation.objects.get(application=application, requested=requested)


def take(*rows, by=None, form="azure-deployments", **more):
    body = rows[0] if form != "azure-deployments" else list(rows)
    done, _ = receive_document(
        document_format=FORMATS[form],
        body=json.dumps(body).encode(),
        by=by,
        at=now(),
        at_once=True,
        **more,
    )
    return done


def test_a_listing_answers_what_waits_and_what_comes_later_and_moves_no_dependency(gpt):
    seen = see(make_application())
    question = Offering.objects.get(api_id="contact-centre-prod")
    assert (question.version, seen.offering) == (None, question)

    done = take(deployed())

    question.refresh_from_db()
    assert (question.version.identifier, question.binding) == ("openai/gpt-4o-2024-11-20", "alias")
    assert (
        question.identity_explanation
        == "deployment: 'contact-centre-prod' is deployed as gpt-4o 2024-11-20 in acme-eu"
    )
    assert list(Dependency.objects.values_list("offering", "until")) == [(question.pk, None)]
    assert (done.state, done.counts["deployments"], done.counts["unresolved"]) == (
        Import.State.APPLIED,
        1,
        0,
    )

    take(deployed(), deployed("summaries", versionUpgradeOption="NoAutoUpgrade"))
    later = see(make_application(), "azure/summaries")
    assert (later.offering.version, later.offering.binding) == (gpt["2024-11-20"].version, "pinned")


def test_a_newer_listing_of_the_account_moves_the_name_and_a_deleted_one_keeps_what_it_meant(gpt):
    see(make_application())
    take(deployed(version="2024-08-06"))
    take(deployed(version="2024-11-20"))
    offering = Offering.objects.get(api_id="contact-centre-prod")
    assert offering.version == gpt["2024-11-20"].version

    gone = take(deployed("other"))

    assert gone.counts["missing"] == 1
    assert Deployment.objects.get(name="contact-centre-prod").missing_since is not None
    offering.refresh_from_db()
    assert offering.version == gpt["2024-11-20"].version


def test_a_listing_moves_a_name_however_its_reason_is_worded(gpt):
    see(make_application())
    take(deployed(version="2024-08-06"))
    Offering.objects.filter(api_id="contact-centre-prod").update(identity_explanation="Other words")

    take(deployed(version="2024-11-20"))

    offering = Offering.objects.get(api_id="contact-centre-prod")
    assert (offering.version, offering.identity_reason) == (gpt["2024-11-20"].version, "deployment")


def test_a_listing_moves_no_name_that_a_user_decided_also_where_the_reason_reads_alike(gpt):
    see(make_application())
    take(deployed(version="2024-08-06"))
    decided = Offering.objects.get(api_id="contact-centre-prod")
    decide_identity(
        raw=decided.api_id,
        host=decided.host,
        version=gpt["2024-08-06"].version,
        alias=None,
        not_a_model=False,
        by=make_user(role="governance"),
    )
    Offering.objects.filter(pk=decided.pk).update(identity_explanation="deployment: other words")

    take(deployed(version="2024-11-20"))

    decided.refresh_from_db()
    assert (decided.version, decided.identity_reason) == (gpt["2024-08-06"].version, "decision")


def test_the_same_name_for_two_models_in_two_accounts_is_a_question_again(gpt):
    seen = see(make_application())
    take(deployed())
    undone = take(deployed(version="2024-08-06", account="acme-us"))

    offering = Offering.objects.get(api_id="contact-centre-prod")
    seen.refresh_from_db()
    assert offering.version is None
    assert "gpt-4o 2024-08-06 in acme-us" in seen.explanation

    undone = undo_document(import_=undone, by=make_user(role="governance"))
    assert (undone.state, undone.error) == (Import.State.UNDONE, "")
    reconcile_waiting(at=now())
    offering.refresh_from_db()
    assert offering.version == gpt["2024-11-20"].version


def test_a_model_nobody_knows_is_told_as_such_and_answers_once_the_catalogue_has_learnt_it(gpt):
    see(make_application())

    done = take(deployed(version="2027-01-01"))

    assert done.counts["unresolved"] == 1
    assert done.problems["unresolved"][0]["reason"].endswith(
        "gpt-4o-2027-01-01, which is not a known model."
    )
    offering = Offering.objects.get(api_id="contact-centre-prod")
    assert offering.version is None
    make_version("openai/gpt-4o-2027-01-01", foundation=gpt["2024-11-20"].version.foundation)
    reopen_recognised_names()
    offering.refresh_from_db()
    assert offering.version.identifier == "openai/gpt-4o-2027-01-01"


def test_one_application_s_state_answers_for_that_application_alone(gpt):
    mine, others = make_application(), make_application()
    seen, strange = (
        see(mine, confidence=Confidence.GATEWAY_LOG),
        see(others, confidence=Confidence.GATEWAY_LOG),
    )
    editor = make_member(mine.team, TeamRole.EDITOR)

    done = take(state(CHAT), by=editor, form="terraform", application=mine)

    seen.refresh_from_db(), strange.refresh_from_db()
    assert (done.state, done.error) == (Import.State.APPLIED, "")
    assert (seen.offering, strange.offering.version) == (gpt["2024-11-20"], None)
    live = Dependency.objects.filter(application=mine, until__isnull=True)
    assert [each.offering for each in live] == [gpt["2024-11-20"]]
    # the state itself is evidence of the use, with its place
    state_saw = Observation.objects.get(stream="terraform:terraform")
    assert (state_saw.confidence, state_saw.places) == (
        Confidence.IAC,
        ["azurerm_cognitive_deployment.chat"],
    )
    assert state_saw.dependency == live.get()


def test_only_governance_says_what_names_mean_for_everybody(gpt):
    application = make_application()
    editor = make_member(application.team, TeamRole.EDITOR)
    see(application)

    waits = take(deployed(), by=editor)
    assert (waits.state, "governance" in waits.error) == (Import.State.RECEIVED, True)
    assert not Deployment.objects.exists()

    take(deployed(), by=make_user(role="governance"))
    assert Offering.objects.get(api_id="contact-centre-prod").version == gpt["2024-11-20"].version


def test_what_a_person_or_the_name_itself_says_outranks_a_listing(gpt, azure):
    gpt["2024-08-06"].refresh_from_db()
    tool = make_offering("proxy", host=azure, resolved=False, not_a_model=True)
    see(make_application(), "azure/gpt-4o-2024-08-06")

    done = take(deployed("gpt-4o-2024-08-06", version="2024-11-20"), deployed("proxy"))

    assert (
        "is the name of a model, but is deployed as gpt-4o-2024-11-20"
        in done.problems["ignored"][0]["reason"]
    )
    gpt["2024-08-06"].refresh_from_db(), tool.refresh_from_db()
    assert gpt["2024-08-06"].version.identifier == "openai/gpt-4o-2024-08-06"
    assert (tool.version, tool.not_a_model) == (None, True)


def test_a_bedrock_profile_of_one_s_own_is_explained_whatever_stands_before_its_name(db):
    bedrock = make_provider("amazon-bedrock")
    version = make_version(
        "anthropic/claude-sonnet-4-20250514",
        foundation=make_foundation(
            "anthropic/claude-sonnet-4", developer=make_provider("anthropic")
        ),
    )
    make_offering(SONNET, host=bedrock, version=version)
    seen = see(make_application(), f"bedrock/converse/{PROFILE}", provider="bedrock")
    assert (seen.offering.api_id, seen.offering.version) == (PROFILE, None)

    rows = [
        {
            "inferenceProfileArn": PROFILE,
            "type": "APPLICATION",
            "models": [{"modelArn": f"arn:aws:bedrock:eu-west-1::foundation-model/{SONNET}"}],
        }
    ]
    take({"inferenceProfileSummaries": rows}, form="bedrock-profiles")

    seen.refresh_from_db()
    assert seen.offering.version == version


def test_an_application_s_own_listing_is_believed_where_a_deployment_bears_another_model_s_name(
    gpt,
):
    application = make_application()
    seen, same = (
        see(application, "azure/gpt-4o-2024-08-06"),
        see(application, "azure/gpt-4o-2024-11-20"),
    )

    take(deployed("gpt-4o-2024-08-06"), deployed("gpt-4o-2024-11-20"), application=application)

    seen.refresh_from_db(), same.refresh_from_db()
    assert (seen.offering, same.offering) == (gpt["2024-11-20"], gpt["2024-11-20"])
    assert "is deployed as gpt-4o 2024-11-20" in seen.explanation

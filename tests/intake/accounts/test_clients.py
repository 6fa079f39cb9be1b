"""Each client against the local cloud, by real HTTP: what it reads, and what it says when the cloud
throttles, rejects, withholds, breaks or misleads."""

import json
import re

import pytest

from apps.intake.accounts.clients import session as session_module
from apps.intake.accounts.records import CredentialsRejectedError, PullFailedError
from tests.intake.accounts.cloud import (
    AZURE_ACCOUNTS,
    AZURE_TOKEN,
    SONNET,
    Answer,
    azure_models,
    azure_paths,
    profile,
    speak_anthropic,
    speak_azure,
    speak_bedrock,
    speak_mistral,
    speak_openai,
    speak_vertex,
)
from tests.intake.accounts.entered import AT, MARKER, SECRETS

DAY_START = int(AT.replace(hour=0, minute=0).timestamp()) - 86_400
SPEAK = {
    "azure": speak_azure,
    "bedrock": speak_bedrock,
    "vertex": speak_vertex,
    "openai": lambda cloud: speak_openai(cloud, day_start=DAY_START),
    "anthropic": lambda cloud: speak_anthropic(cloud, day="2026-11-28"),
    "mistral": speak_mistral,
}
# a path that every pull of the kind requests after its sign-in
FIRST_PATH = {
    "azure": AZURE_ACCOUNTS,
    "bedrock": "/inference-profiles",
    "vertex": "/v1/projects/claims-1/locations/europe-west4/endpoints",
    "openai": "/v1/organization/usage/completions",
    "anthropic": "/v1/organizations/usage_report/messages",
    "mistral": "/v1/models",
}
KINDS = sorted(SPEAK)


def found(listing):
    return {
        deployment.name.rpartition("/")[2]: (
            deployment.model,
            deployment.version,
            deployment.region,
        )
        for deployment in listing.deployments
    }


# --- what is read ---------------------------------------------------------------------------------


def test_azure_reads_deployments_of_all_accounts_with_the_words_of_the_account(cloud, read):
    claims, _ = speak_azure(cloud)
    steps = []

    listing = read("azure", steps=steps)

    assert found(listing) == {
        "chat-prod": ("gpt-4o", "2024-11-20", "westeurope"),
        "chat-mini": ("gpt-4o-mini", "2024-07-18", "westeurope"),
        "embeddings": ("text-embedding-3-large", "1", "swedencentral"),
    }
    first = listing.deployments[0]
    assert first.lifecycle == {
        "status": "Deprecating",
        "retires_on": "2027-04-14",
        "training_ends_on": "2026-12-31",
    }
    assert (first.group, first.project, first.tags) == (
        "rg-claims",
        "claims-openai",
        {"app": "claims-desk"},
    )
    assert first.facts["sku"] == "Standard"
    assert first.facts["capacity"] == "30"
    assert [deployment.upgrades for deployment in listing.deployments] == [False, True, False]
    assert listing.complete_scopes == {"rg-claims/claims-openai", "rg-support/support-openai"}
    assert listing.lists_all_scopes
    assert not listing.problems
    assert "deployments of claims-openai" in steps
    token = cloud.asked[0]
    assert b"client_secret=" in token.body
    assert b"grant_type=client_credentials" in token.body
    assert all(asked.headers["authorization"] == "Bearer azure-token" for asked in cloud.asked[1:])
    assert all(asked.query["api-version"] == ["2024-10-01"] for asked in cloud.asked[1:])
    assert cloud.paths().count(azure_paths(claims)) == 2


def test_azure_reads_only_the_selected_regions(cloud, read):
    speak_azure(cloud)

    listing = read("azure", regions=["swedencentral"])

    assert set(found(listing)) == {"embeddings"}
    assert not listing.lists_all_scopes


def test_bedrock_reads_own_profiles_throughput_and_models_with_signed_requests(cloud, read):
    speak_bedrock(cloud)

    listing = read("bedrock")

    by_title = {deployment.facts["title"]: deployment for deployment in listing.deployments}
    assert {title: (row.kind, row.model) for title, row in by_title.items()} == {
        "claims-desk": ("profile", SONNET),
        "support": ("profile", SONNET),
        "night-batch": ("throughput", SONNET),
        "letters": ("custom_model", "amazon.titan-text-express-v1"),
    }
    assert by_title["claims-desk"].lifecycle == {
        "status": "LEGACY",
        "announced_on": "2026-10-14",
        "retires_on": "2027-04-14",
    }
    assert by_title["claims-desk"].region == "eu-central-1"
    assert listing.n_models == 1
    for asked in cloud.asked:
        assert re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261129/eu-central-1/bedrock/aws4_request, "
            r"SignedHeaders=host;x-amz-date, Signature=[0-9a-f]{64}",
            asked.headers["authorization"],
        )
        assert asked.headers["x-amz-date"] == "20261129T123000Z"
    assert [asked.query.get("nextToken") for asked in cloud.asked[1:3]] == [None, ["p=/+ 1"]]


def test_bedrock_names_no_model_for_a_profile_of_several(cloud, read):
    speak_bedrock(cloud)
    mixed = profile("mixed")
    mixed["models"].append({"modelArn": "arn:aws:bedrock:eu-west-1::foundation-model/a.b-v1"})
    cloud.routes["/inference-profiles"] = Answer({"inferenceProfileSummaries": [mixed]})

    row = read("bedrock").deployments[0]

    assert row.model == ""
    assert row.facts["models"] == ["a.b-v1", SONNET]


def test_vertex_reads_endpoints_and_the_publisher_model_behind_a_model_of_the_project(cloud, read):
    speak_vertex(cloud)

    listing = read("vertex")

    assert found(listing) == {
        "1": ("gemma3", "001", "europe-west4"),
        "2": ("gemini-2.5-flash", "", "europe-west4"),
    }
    assert listing.deployments[0].tags == {"app": "claims-desk"}
    assert listing.complete_scopes == {"europe-west4"}
    # to the fixed address, not to the one in the key file
    assert cloud.asked[0].path == "/token"
    assert b"jwt-bearer" in cloud.asked[0].body
    assert all(asked.headers["authorization"] == "Bearer google-token" for asked in cloud.asked[1:])


def test_openai_reads_usage_by_project_and_own_models(cloud, read):
    SPEAK["openai"](cloud)

    listing = read("openai", organisation="org-1")

    assert [(row.kind, row.name, row.project) for row in listing.deployments] == [
        ("usage", "gpt-4o-2024-11-20", "claims-desk"),
        ("custom_model", "ft:gpt-4o-mini-2024-07-18:acme::abc", ""),
    ]
    assert listing.deployments[0].facts["n_calls"] == 80
    assert [(row.day.isoformat(), row.n_calls, row.input_tokens) for row in listing.usage] == [
        ("2026-11-28", 40, 5_000),
        ("2026-11-27", 40, 5_000),
    ]
    usage = next(asked for asked in cloud.asked if asked.path.endswith("usage/completions"))
    assert usage.query["group_by[]"] == ["model", "project_id"]
    assert usage.query["start_time"] == [str(DAY_START + 86_400 - 30 * 86_400)]
    assert usage.headers["openai-organization"] == "org-1"
    assert usage.headers["authorization"].endswith("openai-admin")
    assert cloud.asked[-1].headers["authorization"].endswith("-openai")
    assert listing.n_models == 2


def test_anthropic_reads_usage_by_workspace_with_the_lifecycle_of_the_model(cloud, read):
    SPEAK["anthropic"](cloud)

    listing = read("anthropic")

    (row,) = listing.deployments
    assert (row.name, row.project) == ("claude-sonnet-4-20250514", "claims-desk")
    assert row.lifecycle == {
        "status": "deprecated",
        "announced_on": "2026-10-01",
        "retires_on": "2027-05-14",
    }
    assert (row.facts["n_input_tokens"], row.facts["n_output_tokens"]) == (1_050, 70)
    # the report states no number of calls, and none is invented
    assert listing.usage[0].n_calls is None
    assert "n_calls" not in row.facts
    assert listing.n_models == 2
    assert all(asked.headers["anthropic-version"] == "2023-06-01" for asked in cloud.asked)


def test_mistral_reads_own_models_and_no_use(cloud, read):
    speak_mistral(cloud)

    listing = read("mistral")

    assert [(row.kind, row.model) for row in listing.deployments] == [
        ("custom_model", "open-mistral-7b")
    ]
    assert listing.n_models == 2
    assert not listing.usage


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_throttled_call_is_repeated_after_the_time_that_the_cloud_states(
    cloud, read, waits, kind
):
    SPEAK[kind](cloud)
    expected = found(read(kind))
    cloud.asked.clear()
    SPEAK[kind](cloud)
    route, throttled = cloud.routes[FIRST_PATH[kind]], []

    def answer(asked):
        if len(throttled) < 2:
            throttled.append(asked)
            return Answer({}, status=429, headers={"Retry-After": "7"})
        return route(asked) if callable(route) else route

    cloud.routes[FIRST_PATH[kind]] = answer

    assert found(read(kind)) == expected
    assert waits[-2:] == [7.0, 7.0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_cloud_that_throttles_for_long_is_not_waited_for(cloud, read, waits, kind):
    SPEAK[kind](cloud)
    cloud.routes[FIRST_PATH[kind]] = Answer({}, status=429, headers={"Retry-After": "3600"})

    problems = problems_of(read, kind)

    assert any("asks to wait 3600 seconds" in text for text in problems)
    assert sum(waits) < 120


@pytest.mark.parametrize("kind", KINDS)
def test_expired_credentials_are_one_sentence_that_says_what_to_do(cloud, read, kind):
    SPEAK[kind](cloud)
    for path in list(cloud.routes):
        cloud.routes[path] = Answer(
            {"error": {"code": "ExpiredToken", "message": f"{SECRETS[kind]} expired"}}, status=401
        )

    with pytest.raises(CredentialsRejectedError, match="Create new ones") as caught:
        read(kind)

    assert MARKER not in str(caught.value)
    assert len(cloud.asked) == 1


def test_a_rejected_client_secret_names_the_number_of_the_reason(cloud, read):
    speak_azure(cloud)
    cloud.routes[AZURE_TOKEN] = Answer(
        {
            "error": "invalid_client",
            "error_description": f"AADSTS7000222: {MARKER}-azure is expired",
            "error_codes": [7000222],
        },
        status=401,
    )

    with pytest.raises(
        CredentialsRejectedError, match=r"\(invalid_client, AADSTS7000222\)"
    ) as caught:
        read("azure")
    assert MARKER not in str(caught.value)


def test_aws_rejects_credentials_with_403(cloud, read):
    speak_bedrock(cloud)
    for path in list(cloud.routes):
        cloud.routes[path] = Answer(
            {}, status=403, headers={"x-amzn-ErrorType": "UnrecognizedClientException:http://x"}
        )

    with pytest.raises(CredentialsRejectedError, match="UnrecognizedClientException"):
        read("bedrock")


def test_partial_permissions_leave_the_rest_readable_and_say_what_is_missing(cloud, read):
    claims, _ = speak_azure(cloud)
    denied = Answer({"error": {"code": "AuthorizationFailed"}}, status=403)
    cloud.routes[azure_paths(claims)] = denied
    cloud.routes[azure_models("westeurope")] = denied

    listing = read("azure")

    assert set(found(listing)) == {"embeddings"}
    assert listing.complete_scopes == {"rg-support/support-openai"}
    assert [problem.where for problem in listing.problems] == [
        "models in westeurope",
        "deployments of claims-openai",
    ]
    assert "AuthorizationFailed" in listing.problems[0].reason


def test_one_region_without_permission_leaves_the_others(cloud, read):
    speak_bedrock(cloud)
    answers = dict(cloud.routes)

    def of_region(path):
        def answer(asked):
            if "/eu-west-1/" in asked.headers["authorization"]:
                return Answer({}, status=403, headers={"x-amzn-ErrorType": "AccessDeniedException"})
            route = answers[path]
            return route(asked) if callable(route) else route

        return answer

    cloud.routes = {path: of_region(path) for path in answers}

    listing = read("bedrock", regions=["eu-central-1", "eu-west-1"])

    assert len(listing.deployments) == 4
    assert all("eu-central-1" in scope for scope in listing.complete_scopes)
    assert {problem.where for problem in listing.problems} == {
        f"{part} in eu-west-1"
        for part in (
            "foundation models",
            "inference profiles",
            "provisioned throughput",
            "custom models",
        )
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "fault",
    [
        Answer(raw=b'{"value": ['),
        Answer(raw=b"<html>busy</html>"),
        Answer(raw=b"[1, 2]"),
        Answer(raw=b"[" * 5_000 + b"]" * 5_000),
        Answer(raw=b""),
    ],
    ids=["cut", "html", "list", "deep", "empty"],
)
def test_an_answer_that_is_no_json_object_is_a_sentence(cloud, read, kind, fault):
    SPEAK[kind](cloud)
    cloud.routes[FIRST_PATH[kind]] = fault

    assert any("is not a JSON object" in text for text in problems_of(read, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_other_types_are_ignored(cloud, read, kind):
    SPEAK[kind](cloud)
    odd = [None, 1, "x", [], {"name": 5, "id": None, "deployedModels": [3]}, {"results": "x"}]
    keys = (
        "value",
        "data",
        "endpoints",
        "modelSummaries",
        "inferenceProfileSummaries",
        "provisionedModelSummaries",
    )
    for path in list(cloud.routes):
        if "token" not in path:
            cloud.routes[path] = Answer(dict.fromkeys(keys, odd))

    listing = read(kind)

    assert all(isinstance(row.name, str) for row in listing.deployments)


@pytest.mark.parametrize("kind", KINDS)
def test_a_huge_answer_is_not_read(cloud, read, kind, monkeypatch):
    monkeypatch.setattr(session_module, "MAX_ANSWER_BYTES", 64 * 1024)
    SPEAK[kind](cloud)
    cloud.routes[FIRST_PATH[kind]] = Answer(raw=b'{"value": "' + b"x" * 1_000_000 + b'"}')

    assert any("larger than" in text for text in problems_of(read, kind))


def test_a_slow_answer_ends_at_the_limit(cloud, read, monkeypatch):
    monkeypatch.setattr(session_module, "CALL_SECONDS", 0.3)
    speak_mistral(cloud)
    cloud.routes["/v1/models"] = Answer({"data": []}, seconds=0.8)

    with pytest.raises(PullFailedError, match="could not be reached"):
        read("mistral")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_not_followed(cloud, read, kind, status):
    SPEAK[kind](cloud)
    cloud.routes["/elsewhere"] = Answer({"value": []})
    cloud.routes[FIRST_PATH[kind]] = Answer(
        {}, status=status, headers={"Location": f"{cloud.address}/elsewhere"}
    )

    assert problems_of(read, kind)
    assert "/elsewhere" not in cloud.paths()


def test_a_sign_in_that_redirects_sends_the_secret_nowhere_else(cloud, read):
    speak_azure(cloud)
    cloud.routes[AZURE_TOKEN] = Answer(
        {}, status=307, headers={"Location": f"{cloud.address}/elsewhere"}
    )

    with pytest.raises(PullFailedError, match="redirects"):
        read("azure")
    assert cloud.paths() == [AZURE_TOKEN]


def test_a_next_page_at_another_server_is_not_requested(cloud, read):
    claims, _ = speak_azure(cloud)
    cloud.routes[azure_paths(claims)] = Answer(
        {"value": [], "nextLink": "http://127.0.0.1:9/steal?token=1"}
    )

    listing = read("azure")

    assert "on another server" in listing.problems[0].reason
    assert "rg-claims/claims-openai" not in listing.complete_scopes


def test_pages_without_end_are_stopped(cloud, read, monkeypatch):
    monkeypatch.setattr(session_module, "MAX_PAGES", 5)
    speak_bedrock(cloud)
    tokens = iter(range(1_000))
    cloud.routes["/inference-profiles"] = lambda asked: Answer({"nextToken": f"t{next(tokens)}"})

    assert any("more than 5 pages" in text for text in problems_of(read, "bedrock"))
    cloud.routes["/inference-profiles"] = Answer({"nextToken": "same"})
    assert any("same page twice" in text for text in problems_of(read, "bedrock"))


def test_a_resource_id_of_another_form_is_not_requested(cloud, read):
    claims, support = speak_azure(cloud)
    for identifier in (
        "/subscriptions/x/../../evil",
        f"{claims['id']}/deployments/x?y=",
        "https://evil.example/accounts/a",
        7,
    ):
        cloud.asked.clear()
        cloud.routes[AZURE_ACCOUNTS] = Answer({"value": [{**claims, "id": identifier}, support]})

        listing = read("azure")

        assert set(found(listing)) == {"embeddings"}
        assert "no valid resource ID" in listing.problems[0].reason
        assert all("evil" not in path for path in cloud.paths())


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_error_is_repeated_and_then_a_sentence(cloud, read, waits, kind):
    SPEAK[kind](cloud)
    cloud.routes[FIRST_PATH[kind]] = Answer({"error": {"message": json.dumps(MARKER)}}, status=500)

    problems = problems_of(read, kind)

    assert any("status 500" in text for text in problems)
    assert MARKER not in " ".join(problems)
    assert waits


def test_the_number_of_calls_is_limited(cloud, read, monkeypatch):
    monkeypatch.setattr(session_module, "MAX_CALLS", 3)
    speak_azure(cloud)

    assert any("stopped" in text for text in problems_of(read, "azure"))
    assert len(cloud.asked) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_cloud_that_does_not_answer_is_a_sentence(settings, read, kind):
    settings.CLOUD_ADDRESSES = dict.fromkeys(settings.CLOUD_ADDRESSES, "http://127.0.0.1:9")

    with pytest.raises(PullFailedError, match=r"could not be reached|rejected"):
        read(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_address_needs_the_permission_of_the_operator(cloud, settings, read, kind):
    settings.OUTBOUND_ALLOWED_NETWORKS = []

    with pytest.raises(PullFailedError, match="was not called"):
        read(kind)
    assert not cloud.asked


def problems_of(read, kind):
    """The sentences of a pull, whether it read a part or nothing."""
    try:
        return [problem.reason for problem in read(kind).problems]
    except PullFailedError as error:
        return [str(error)]

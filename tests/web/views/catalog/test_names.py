"""Pages of names without a model ID: what they say, and choosing the model ID with its undo."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.catalog.identity.named_models import NamedModel, ensure_named_models
from apps.catalog.models import Offering, OfferingKind, Version
from apps.common.time import day_of, now
from apps.exposure.engine.table_refresh import rebuild
from apps.inventory.models import Dependency
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
from tests.kept_worlds import kept_world

pytestmark = pytest.mark.django_db
RETIRED = "Retired on 10 September 2026 by every ID of this version known at Amazon Bedrock (2)."


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(role="governance"))
    return client


@pytest.fixture
@kept_world
def named() -> Offering:
    """A name of a version that is retired at its host, used by one application."""
    version = make_version(
        "anthropic/claude-3-haiku-20240307",
        foundation=make_foundation("anthropic/claude-3-haiku", name="Claude 3 Haiku"),
    )
    for number in range(2):
        make_offering(
            f"anthropic.claude-3-haiku-{number}",
            host=make_provider("bedrock", name="Amazon Bedrock"),
            version=version,
            lifecycle="retired",
            retires_on=date(2026, 9, 10),
            date_kind="firm",
        )
    name = NamedModel("bedrock", "Haiku 3 / Bedrock", versions=(version.identifier,))
    offering = Offering.objects.get(pk=ensure_named_models([name], at=now())[name])
    make_dependency(make_application("Ticket routing", status="production"), offering)
    rebuild(on=day_of(now()))
    return offering


def test_no_page_says_that_no_retirement_is_announced(client: Client, named: Offering) -> None:
    application = Dependency.objects.get(offering=named).application
    pages = {
        "application": reverse("applications:detail", args=[application.slug]),
        "dependencies": reverse("applications:detail", args=[application.slug])
        + "?tab=dependencies",
        "offering": reverse("offerings:detail", args=[named.pk]),
        "choice": reverse("offerings:choose-model-id", args=[named.pk]),
    }
    for page, path in pages.items():
        text = text_of(client.get(path))
        assert RETIRED in text, page
        assert "no retirement" not in text.lower(), page


def test_the_foundation_counts_all_hosts_and_lists_the_name(
    client: Client, named: Offering
) -> None:
    make_offering("claude-3-haiku", version=named.version)
    text = text_of(client.get(reverse("foundations:detail", args=["anthropic-claude-3-haiku"])))
    assert "Retired on Amazon Bedrock" in text
    assert "; 1 other host lists no date." in text
    assert "1 application depends on it" in text
    assert "Haiku 3 / Bedrock" in text
    assert RETIRED in text


def test_names_are_left_out_of_the_list_unless_asked_for(client: Client, named: Offering) -> None:
    path = reverse("offerings:list")
    assert "Haiku 3 / Bedrock" not in text_of(client.get(path))
    assert "Haiku 3 / Bedrock" in text_of(client.get(f"{path}?kind=name"))


def test_the_choice_is_previewed_made_and_undone(client: Client, named: Offering) -> None:
    path = reverse("offerings:choose-model-id", args=[named.pk])
    real = Offering.objects.get(api_id="anthropic.claude-3-haiku-0")

    preview = text_of(client.get(f"{path}?real={real.pk}"))
    assert "Ticket routing: its primary becomes this model ID" in preview
    assert Dependency.objects.get().offering == named

    done = client.post(path, {"real": real.pk}, follow=True)
    assert "1 dependency now uses it" in text_of(done)
    assert Dependency.objects.get().offering == real

    change = Dependency.objects.get().history.order_by("-pgh_id").first().pgh_context_id
    undone = client.post(reverse("offerings:undo-model-id", args=[named.pk, change]), follow=True)
    assert "Undone: 1 dependency uses Haiku 3 / Bedrock again." in text_of(undone)
    assert Dependency.objects.get().offering == named


def test_a_reader_sees_the_choice_but_cannot_make_it(named: Offering) -> None:
    client = Client()
    client.force_login(make_user(role="auditor"))
    path = reverse("offerings:choose-model-id", args=[named.pk])
    real = Offering.objects.get(api_id="anthropic.claude-3-haiku-0")

    assert "You need the editor role" in text_of(client.get(f"{path}?real={real.pk}"))
    assert client.post(path, {"real": real.pk}).status_code == 403
    assert Dependency.objects.get().offering == named


@pytest.fixture
def on_own_machines() -> Offering:
    """A name on own machines that can be two open-weights versions, which another host serves."""
    foundation = make_foundation("meta/llama-3-70b", name="Llama 3 70B", open_weights=True)
    host = make_provider("bedrock", name="Amazon Bedrock")
    versions = [
        make_version(
            f"meta/llama-3-70b{kind}",
            name=f"Llama 3 70B{kind}",
            foundation=foundation,
            repositories=[f"meta-llama/Meta-Llama-3-70B{kind}"],
        )
        for kind in ("", "-Instruct")
    ]
    for version in versions:
        make_offering(f"meta.{version.name}", host=host, version=version)
    name = NamedModel(
        "own-hosting",
        "llama3 70b on prem",
        versions=tuple(version.identifier for version in versions),
    )
    return Offering.objects.get(pk=ensure_named_models([name], at=now())[name])


def test_the_choices_on_own_machines_are_versions_and_their_repositories(
    client: Client, on_own_machines: Offering
) -> None:
    dependency = make_dependency(make_application(status="production"), on_own_machines)
    rebuild(on=day_of(now()))
    path = reverse("offerings:choose-model-id", args=[on_own_machines.pk])
    version = Version.objects.get(identifier="meta/llama-3-70b-Instruct")

    text = text_of(client.get(path))
    assert "meta-llama/Meta-Llama-3-70B-Instruct" in text
    assert "Amazon Bedrock" not in text
    preview = text_of(client.get(f"{path}?version={version.pk}"))
    assert "its primary becomes this model ID" in preview

    client.post(path, {"version": version.pk})

    dependency.refresh_from_db()
    real = dependency.offering
    assert (real.host.slug, real.api_id, real.kind, real.version) == (
        "own-hosting",
        "meta-llama/Meta-Llama-3-70B-Instruct",
        OfferingKind.MODEL_ID,
        version,
    )


def test_versions_on_own_machines_can_be_searched(
    client: Client, on_own_machines: Offering
) -> None:
    path = reverse("offerings:choose-model-id", args=[on_own_machines.pk])
    text = text_of(client.get(path, {"q": "instruct"}))
    assert "meta-llama/Meta-Llama-3-70B-Instruct" in text
    assert "Meta-Llama-3-70B</span>" not in text


def test_a_version_is_no_choice_of_a_name_at_another_host(client: Client, named: Offering) -> None:
    version = make_version(
        foundation=make_foundation(open_weights=True), repositories=["maker/open"]
    )
    path = reverse("offerings:choose-model-id", args=[named.pk])

    refused = client.post(path, {"version": version.pk})
    assert "Only a name on own machines can be a version." in text_of(refused)
    assert "Select a model ID." in text_of(client.post(path, {"reason": "x"}))
    assert Dependency.objects.get().offering == named


def test_a_name_of_one_open_weights_version_on_own_machines_is_its_repository() -> None:
    version = make_version(
        "meta/llama-3-8b",
        foundation=make_foundation(open_weights=True),
        repositories=["meta-llama/Meta-Llama-3-8B"],
    )
    name = NamedModel("own-hosting", "llama 8b on prem", versions=(version.identifier,))

    offering = Offering.objects.get(pk=ensure_named_models([name], at=now())[name])

    assert (offering.kind, offering.api_id, offering.version) == (
        OfferingKind.MODEL_ID,
        "meta-llama/Meta-Llama-3-8B",
        version,
    )


def _count_statements(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as statements:
        assert client.get(path).status_code == 200
    return len(statements)


def test_the_statements_of_the_choice_do_not_grow_with_model_ids_and_dependencies(
    client: Client, named: Offering
) -> None:
    path = reverse("offerings:choose-model-id", args=[named.pk])
    real = Offering.objects.get(api_id="anthropic.claude-3-haiku-0")
    client.get(path)
    page, preview = (_count_statements(client, p) for p in (path, f"{path}?real={real.pk}"))

    for number in range(20):
        make_offering(f"more-{number}", host=named.host, version=named.version)
        make_dependency(make_application(status="production"), named)

    assert _count_statements(client, path) == page <= 30
    assert _count_statements(client, f"{path}?real={real.pk}") == preview <= 30

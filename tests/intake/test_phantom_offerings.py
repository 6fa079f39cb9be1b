"""Offerings made from names: which are found, what they become, and that a preview writes none."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from apps.catalog.identity.named_models import OWN_HOSTING
from apps.catalog.models import Offering, OfferingKind, Provider
from tests.builders import (
    make_application,
    make_claim,
    make_dependency,
    make_foundation,
    make_offering,
    make_provider,
    make_source,
    make_version,
)

pytestmark = pytest.mark.django_db


def _bedrock() -> Provider:
    return make_provider("bedrock", name="Amazon Bedrock")


def _phantom() -> Offering:
    """A retired model of Bedrock, and the offering that an import made of its name."""
    version = make_version(
        "anthropic/claude-3-haiku-20240307",
        foundation=make_foundation("anthropic/claude-3-haiku"),
    )
    real = make_offering(
        "anthropic.claude-3-haiku-20240307-v1:0",
        host=_bedrock(),
        version=version,
        lifecycle="retired",
        retires_on=date(2026, 9, 10),
        date_kind="firm",
    )
    make_claim(make_source(), "haiku", offering=real)
    phantom = make_offering("Haiku 3", host=_bedrock(), version=version, lifecycle="active")
    make_dependency(make_application(), phantom)
    return phantom


def _run(*arguments: str) -> list[dict[str, object]]:
    out = StringIO()
    call_command("find_phantom_offerings", *arguments, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_preview_says_what_changes_and_writes_nothing() -> None:
    phantom = _phantom()

    row, end = _run()

    assert (row["text"], row["known_model_ids"], row["applications"]) == ("Haiku 3", 1, 1)
    assert (row["lifecycle_before"], row["lifecycle_after"]) == ("active", "retired")
    assert row["says"] == (
        "Retired on 10 September 2026 by every ID of this version known at Amazon Bedrock (1)."
    )
    assert end == {"found": 1, "turned_into_names": False}
    phantom.refresh_from_db()
    assert phantom.kind == OfferingKind.MODEL_ID


def test_it_becomes_a_name_with_history_and_is_not_found_again() -> None:
    phantom = _phantom()

    _run("--apply")

    phantom.refresh_from_db()
    assert (phantom.kind, phantom.lifecycle) == (OfferingKind.NAME, "retired")
    contexts = phantom.history.exclude(pgh_context=None)  # type: ignore[attr-defined]
    assert {row.pgh_context.metadata["job"] for row in contexts} == {"find_phantom_offerings"}
    assert _run() == [{"found": 0, "turned_into_names": False}]


@pytest.mark.parametrize(
    "api_id",
    ["my-gpt-4-deployment", "claude-3-haiku-20240307", "meta-llama/Llama-3.1-70B-Instruct"],
)
def test_a_text_of_the_shape_of_an_id_stays(api_id: str) -> None:
    make_offering(api_id, host=_bedrock(), resolved=False)
    assert _run()[-1]["found"] == 0


def test_what_a_source_states_or_own_machines_serve_stays() -> None:
    stated = make_offering("Stated Name", host=_bedrock())
    make_claim(make_source(), "stated", offering=stated)
    make_offering("Our Llama", host=make_provider(OWN_HOSTING))
    assert _run()[-1]["found"] == 0

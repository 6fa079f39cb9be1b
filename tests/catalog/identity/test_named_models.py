"""Names without a model ID: which offering they become, and what follows from their IDs."""

from datetime import date
from typing import Any

import pytest

from apps.catalog.footing import footing_differences
from apps.catalog.identity.name_summaries import name_summaries
from apps.catalog.identity.named_models import HOST_NOT_STATED, NamedModel, ensure_named_models
from apps.catalog.models import Offering, OfferingCandidate, OfferingKind, Provider, Version
from tests.builders import NOW, TODAY, make_foundation, make_offering, make_provider, make_version

pytestmark = pytest.mark.django_db

RETIRED = {"lifecycle": "retired", "retires_on": date(2026, 9, 10), "date_kind": "firm"}


def _bedrock() -> Provider:
    return make_provider("bedrock", name="Amazon Bedrock")


def _name(text: str, *versions: Version, host: str = "bedrock", **fields: Any) -> Offering:
    name = NamedModel(host, text, versions=tuple(v.identifier for v in versions), **fields)
    return Offering.objects.get(pk=ensure_named_models([name], at=NOW)[name])


def test_a_name_of_one_version_retires_with_its_first_model_id() -> None:
    version = make_version("anthropic/claude-3-haiku-20240307")
    make_offering("anthropic.claude-3-haiku", host=_bedrock(), version=version, **RETIRED)
    make_offering("eu.anthropic.claude-3-haiku", host=_bedrock(), version=version)

    name = _name("Haiku 3 / Bedrock", version)

    assert (name.kind, name.lifecycle, name.retires_on) == (
        OfferingKind.NAME,
        "retired",
        date(2026, 9, 10),
    )
    assert name.version == version
    assert not footing_differences()


def test_a_name_without_a_known_model_id_is_unknown_and_has_a_footing() -> None:
    name = _name("our model", host=HOST_NOT_STATED)

    assert (name.lifecycle, name.retires_on, name.version) == ("unknown", None, None)
    assert name.host.name == "Host not stated"
    assert not footing_differences()


def test_a_name_of_several_versions_of_one_foundation_skips_what_is_retired() -> None:
    foundation = make_foundation("anthropic/claude-3-5-sonnet")
    old, new = (
        make_version(f"anthropic/claude-3-5-sonnet-{day}", foundation=foundation)
        for day in ("20240620", "20241022")
    )
    make_offering("old", host=_bedrock(), version=old, **RETIRED)
    make_offering(
        "new", host=_bedrock(), version=new, retires_on=date(2027, 3, 1), date_kind="firm"
    )

    name = _name("Claude 3.5 Sonnet via Bedrock", old, new)

    assert (name.retires_on, name.version) == (date(2027, 3, 1), None)
    assert not footing_differences()


def test_a_version_is_retired_by_its_known_end_beside_model_ids_without_a_date() -> None:
    foundation = make_foundation("anthropic/claude-3-5-sonnet")
    old, new = (
        make_version(f"anthropic/claude-3-5-sonnet-{day}", foundation=foundation)
        for day in ("20240620", "20241022")
    )
    ended = {"lifecycle": "retired", "retires_on": date(2026, 7, 30), "date_kind": "firm"}
    for version in (old, new):
        for number in range(4):
            make_offering(f"{version.identifier}-{number}", host=_bedrock(), version=version)
        for prefix in ("", "apac."):
            make_offering(
                f"{prefix}{version.identifier}", host=_bedrock(), version=version, **ended
            )

    name = _name("Claude 3.5 Sonnet via Bedrock", old, new)

    assert (name.lifecycle, name.retires_on) == ("retired", date(2026, 7, 30))
    assert _sentence(name) == (
        "Retired on 30 July 2026 by every ID of these versions known at Amazon Bedrock whose end "
        "is known (4 of 12)."
    )


def test_a_version_without_a_known_end_keeps_a_name_open() -> None:
    foundation = make_foundation()
    old, new = (make_version(foundation=foundation) for _ in range(2))
    make_offering(host=_bedrock(), version=old, **RETIRED)
    make_offering(host=_bedrock(), version=new)

    name = _name("Claude via Bedrock", old, new)

    assert (name.lifecycle, name.retires_on) == ("unknown", None)
    assert _sentence(name) == (
        "Unknown: model ID not known; 1 of 2 IDs of these versions known at Amazon Bedrock is "
        "retired."
    )


def test_where_each_version_is_retired_the_last_of_their_days_counts() -> None:
    foundation = make_foundation()
    old, new = (make_version(foundation=foundation) for _ in range(2))
    for version, day in ((old, date(2026, 7, 30)), (new, date(2026, 9, 10))):
        ended = RETIRED | {"retires_on": day}
        make_offering(host=_bedrock(), version=version, **ended)
    make_offering(host=_bedrock(), version=old, retires_on=date(2027, 3, 1), date_kind="firm")

    name = _name("Claude via Bedrock", old, new)

    assert (name.lifecycle, name.retires_on) == ("retired", date(2026, 9, 10))
    assert _sentence(name) == (
        "Retired by 2 of 3 IDs of these versions known at Amazon Bedrock, the first on 30 July "
        "2026, the last on 10 September 2026."
    )


def _sentence(name: Offering) -> str:
    return name_summaries([name.pk], on=TODAY)[name.pk].sentence


def test_the_same_name_in_other_letters_is_one_offering_and_keeps_its_candidates() -> None:
    version = make_version()
    first = _name("Haiku 3  / Bedrock", version)

    again = _name("haiku 3 / bedrock")

    assert (again.pk, again.api_id) == (first.pk, "Haiku 3 / Bedrock")
    assert OfferingCandidate.objects.get().version == version


def test_a_text_that_is_a_model_id_of_the_host_is_that_model_id() -> None:
    offering = make_offering("claude-3-haiku", host=_bedrock())

    assert _name("claude-3-haiku", make_version()) == offering


@pytest.mark.parametrize("text", ["ΜΟΝΤΕΛΟΣ 3", "İstanbul 3"])
def test_a_name_in_letters_that_the_database_lowers_differently_is_one_offering(text: str) -> None:
    assert _name(text) == _name(text)

"""What applies of all that sources state: rank, agreement, ties, limits and silence."""

from typing import Any

from apps.catalog.capabilities.agreement import Rank, Statement, choose_value
from apps.catalog.capabilities.fields import CAPABILITY_FIELDS, DATA_TERM_FIELDS
from apps.catalog.capabilities.stated import merge_statements
from apps.catalog.capabilities.values import SettledValue

DAY = "2026-09-01"


def said(source: str, value: Any, rank: Rank = Rank.OTHER, **fields: Any) -> Statement:
    return Statement(rank, source, f"The {source}", value, fields.pop("at", DAY), **fields)


def chosen(field: str, *statements: Statement) -> SettledValue:
    value = choose_value(CAPABILITY_FIELDS[field], statements)
    assert value is not None
    return value


def test_nothing_stated_is_unknown() -> None:
    assert choose_value(CAPABILITY_FIELDS["vision"], []) is None


def test_an_own_test_outranks_the_provider() -> None:
    value = chosen(
        "tool_calling",
        said("manual", False, Rank.OWN_TEST),
        said("api", True, Rank.PROVIDER_LIST),
        said("litellm", True),
    )

    assert (value.value, value.source, value.agreed) == (False, "The manual", 1)


def test_the_list_of_a_provider_outranks_its_page_and_the_majority() -> None:
    value = chosen(
        "reasoning",
        said("api", False, Rank.PROVIDER_LIST),
        said("page", True, Rank.PROVIDER_PAGE),
        said("litellm", True),
        said("models-dev", True),
    )

    assert value == SettledValue(False, "The api", DAY, 1)


def test_the_majority_of_other_sources_applies() -> None:
    value = chosen(
        "vision",
        said("litellm", False),
        said("models-dev", True, priority=50),
        said("other", True, priority=20),
    )

    assert (value.value, value.source, value.agreed) == (True, "The other", 2)


def test_a_tie_is_unknown_and_contradicted() -> None:
    value = chosen("pdf", said("litellm", True), said("models-dev", False))

    assert value.value is None
    assert value.contradicted


def test_several_rows_of_one_source_are_one_voice() -> None:
    value = chosen("pdf", said("litellm", True), said("litellm", True), said("models-dev", False))

    assert value.contradicted


def test_limits_are_those_of_the_source_that_is_right_most_often() -> None:
    value = chosen("context_window", said("litellm", 128_000), said("models-dev", 400_000))

    assert (value.value, value.agreed, value.contradicted) == (400_000, 1, False)


def test_limits_agree_within_five_percent() -> None:
    value = chosen("max_output", said("litellm", 65_535), said("models-dev", 65_536))
    apart = chosen("max_output", said("first", 60_000), said("second", 65_536))

    assert (value.value, value.agreed) == (65_536, 2)
    assert apart.contradicted


def test_days_of_retention_agree_only_if_they_are_equal() -> None:
    statements = [said("first", 30), said("second", 31)]
    value = choose_value(DATA_TERM_FIELDS["retention_days"], statements)

    assert value is not None
    assert value.contradicted


def test_a_statement_that_is_not_repeated_settles_nothing() -> None:
    silent = said("litellm", True, is_silent=True)

    assert choose_value(CAPABILITY_FIELDS["vision"], [silent]) is None
    assert chosen("vision", silent, said("models-dev", False)).value is False


# --- merge_statements -----------------------------------------------------------------------------


def test_a_value_keeps_the_day_since_when_it_is_stated() -> None:
    first = merge_statements({}, {"vision": True}, "2026-09-01")
    second = merge_statements(first, {"vision": True}, "2026-09-02")
    third = merge_statements(second, {"vision": False}, "2026-09-03")

    assert first == second == {"vision": {"value": True, "at": "2026-09-01"}}
    assert third == {"vision": {"value": False, "at": "2026-09-03"}}


def test_silence_keeps_the_value_with_its_first_day() -> None:
    first = merge_statements({}, {"vision": True}, "2026-09-01")
    silent = merge_statements(first, {}, "2026-09-05")
    later = merge_statements(silent, {}, "2026-09-09")
    again = merge_statements(later, {"vision": True}, "2026-09-10")

    expected = {"value": True, "at": "2026-09-01", "silent_since": "2026-09-05"}
    assert silent == later == {"vision": expected}
    assert again == first

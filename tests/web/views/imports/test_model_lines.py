"""What a model name of a spreadsheet means, in words: dates of its known IDs, never the absence of
a retirement."""

from datetime import date

import pytest

from apps.intake.spreadsheets.values.distinct import DistinctModel, ModelKind, ModelOption
from apps.web.views.imports.model_lines import (
    CatalogueNames,
    build_lines,
    depends_on_retired,
    describe_day,
    describe_default,
    describe_ids,
)

TODAY = date(2026, 11, 29)
NAMES = CatalogueNames(
    {"anthropic/claude-3-haiku": "Claude 3 Haiku"}, {"gemini-2-5-flash": "Gemini 2.5 Flash"}
)


def option(pk, retires_on="", lifecycle="active", api_id="model", **fields):
    return ModelOption(
        pk,
        "bedrock",
        "Amazon Bedrock",
        f"{api_id}-{pk}",
        lifecycle=lifecycle,
        retires_on=retires_on,
        **fields,
    )


def name(kind=ModelKind.RESOLVED, **fields):
    return DistinctModel("Haiku 3", "Bedrock", kind, 1, "bedrock", "Amazon Bedrock", pk=7, **fields)


def words(*options, subject="this version"):
    return describe_ids(options, subject, "Amazon Bedrock", today=TODAY)


def test_a_name_of_which_every_id_is_retired_says_when():
    late, rest = words(*(option(n, "2026-09-10", "retired") for n in range(6)))

    assert late == "Retired on 10\xa0September\xa02026"
    assert rest == "by every ID of this version known on Amazon Bedrock (6)."


def test_ids_that_retired_on_different_days_say_from_when_to_when():
    late, _rest = words(option(1, "2026-09-10", "retired"), option(2, "2026-07-30", "retired"))

    assert late == "Retired between 30\xa0July\xa02026 and 10\xa0September\xa02026"


def test_a_past_date_counts_as_retired_whatever_the_catalogue_says():
    late, _rest = words(option(1, "2026-09-10", "active"))

    assert late.startswith("Retired on 10")


def test_a_coming_date_of_every_id_is_told_and_of_some_is_the_earliest():
    assert words(option(1, "2027-04-14"), option(2, "2027-04-14")) == (
        "",
        "Retires on 14\xa0April\xa02027 by every ID of this version known on Amazon Bedrock (2).",
    )
    assert words(option(1, "2027-04-14"), option(2)) == (
        "",
        "Retires on 14\xa0April\xa02027 at the earliest, depending on the ID.",
    )


def test_retired_ids_among_others_are_counted():
    late, rest = words(option(1, "2026-01-10", "retired"), option(2, "2027-04-14"))

    assert late == "1 of 2 IDs is retired."
    assert "14\xa0April\xa02027 at the earliest" in rest


@pytest.mark.parametrize("kind", list(ModelKind))
@pytest.mark.parametrize("options", [(), (option(1),), (option(1), option(2))])
def test_a_name_never_says_that_no_retirement_is_announced(kind, options):
    model = name(kind, options=options, version="anthropic/claude-3-haiku")

    said = " ".join(describe_default(model, NAMES, today=TODAY))

    assert "announced" not in said
    assert "no retirement" not in said.lower()


def test_a_version_without_a_known_id_is_unknown():
    title, late, rest = describe_default(
        name(version="anthropic/claude-3-haiku"), NAMES, today=TODAY
    )

    assert (title, late) == ("Claude 3 Haiku, ID not known.", "")
    assert rest == (
        "No ID of this version is known on Amazon Bedrock, so its retirement date is unknown."
    )


def test_a_family_is_asked():
    title, _late, rest = describe_default(
        name(ModelKind.FAMILY, foundations=("gemini-2-5-flash",)), NAMES, today=TODAY
    )

    assert title == "A family, not a model."
    assert rest == "It can be Gemini 2.5 Flash. It is imported without a model ID."


def test_few_ids_are_radio_buttons_and_many_are_a_list():
    few, many = (
        build_lines([name(options=tuple(option(n) for n in range(count)))], NAMES, today=TODAY)[0]
        for count in (3, 12)
    )

    assert [choice.value for choice in few.choices] == ["", "0", "1", "2"]
    assert [choice.value for choice in many.choices] == ["", "list"]
    assert many.choices[1].select.count("<option") == 13
    assert [choice.is_checked for choice in many.choices] == [True, False]


def test_a_chosen_id_of_a_long_list_is_selected():
    options = tuple(option(n) for n in range(12))
    (line,) = build_lines([name(options=options, choice=options[4])], NAMES, today=TODAY)

    assert line.choices[1].is_checked
    assert '<option value="4" selected>' in line.choices[1].select


def test_the_text_of_a_cell_is_escaped_in_the_list():
    options = tuple(option(n, api_id='<b>"x') for n in range(12))
    (line,) = build_lines([name(options=options)], NAMES, today=TODAY)

    assert "<b>" not in line.choices[1].select


def test_a_dependency_on_a_retired_model_is_counted_only_if_it_is_certain():
    retired, active = option(1, "2026-09-10", "retired"), option(2)

    assert depends_on_retired(name(options=(retired,)), today=TODAY)
    assert depends_on_retired(name(offering=retired), today=TODAY)
    assert not depends_on_retired(name(options=(retired, active)), today=TODAY)
    assert not depends_on_retired(name(options=(retired,), choice=active), today=TODAY)
    assert not depends_on_retired(name(), today=TODAY)


def test_an_earliest_date_that_has_passed_retires_nothing():
    soft = option(1, "2026-09-10", is_earliest=True)

    late, rest = words(soft, option(2))

    assert not depends_on_retired(name(offering=soft), today=TODAY)
    assert (late, rest) == (
        "",
        "Retires no earlier than 10\xa0September\xa02026, depending on the ID.",
    )
    assert describe_day(soft, today=TODAY) == ("retires no earlier than 10\xa0September\xa02026")

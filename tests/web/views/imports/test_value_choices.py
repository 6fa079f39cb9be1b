"""The form of the step "Values": what it sends becomes choices, and what it cannot mean is said at
its field."""

from django.http import QueryDict

from apps.intake.spreadsheets.values.distinct import (
    CREATE,
    Certainty,
    DistinctModel,
    DistinctValue,
    Guess,
    ModelKind,
    ModelOption,
    ValueGroup,
    ValueKind,
)
from apps.web.views.imports.value_choices import read_choices
from apps.web.views.imports.value_sections import build_section, sort_by_urgency

LEVELS = ((0, "Critical"), (1, "Important"))


def value(pk, text, guess=None, certainty=Certainty.CERTAIN, **fields):
    known = Guess(guess, certainty) if guess is not None else Guess()
    return DistinctValue("application.criticality", text, 3, known, pk=pk, **fields)


def group(*values, kind=ValueKind.CHOICE, options=LEVELS):
    return ValueGroup("application.criticality", "Criticality", "Crit.", kind, options, values)


def sent(groups, models=(), **fields):
    data = QueryDict(mutable=True)
    data.update(fields)
    return read_choices(data, groups, models)


def test_only_what_changed_is_a_choice():
    tiers = group(value(1, "Tier 1", 0), value(2, "Tier 2", 1), value(3, "n/a"))

    choices = sent([tiers], v1="0", v2="0", v3="")

    assert choices.values == {2: 0}
    assert choices.errors == {}


def test_a_value_can_be_left_empty_and_what_the_page_does_not_show_stays():
    tiers = group(value(1, "Tier 1", 0), value(2, "Tier 2", 1))

    assert sent([tiers], v1="null").values == {1: None}


def test_a_value_that_its_field_does_not_have_is_refused():
    choices = sent([group(value(1, "Tier 1", 0))], v1="9")

    assert choices.values == {}
    assert choices.errors == {1: "Select one of the listed values."}


def test_days_and_numbers_are_typed():
    days = group(value(1, "03/2025", "2025-03-01"), value(2, "Q3"), kind=ValueKind.DAY, options=())
    numbers = group(value(3, "~ 8k", 8000), value(4, "?"), kind=ValueKind.NUMBER, options=())

    choices = sent([days, numbers], v1="2025-03-01", v2="2026-07-01", v3="8500.5", v4="")
    assert choices.values == {2: "2026-07-01", 3: 8500.5}

    wrong = sent([days, numbers], v1="soon", v3="nan", v4="many")
    assert wrong.values == {}
    assert wrong.errors == {
        1: "Enter a date such as 2026-11-24.",
        3: "Enter a number such as 8000.",
        4: "Enter a number such as 8000.",
    }


def test_a_team_of_the_list_is_created_unless_its_box_is_cleared():
    teams = group(
        value(1, "Retail", CREATE), value(2, "Markets", CREATE), kind=ValueKind.TEAM, options=()
    )

    assert sent([teams], **{"t1-shown": "1", "t1": "on", "t2-shown": "1"}).values == {2: None}


def test_a_team_among_many_is_typed_by_its_name():
    many = tuple((f"team-{n}", f"Team {n}") for n in range(400))
    teams = group(value(1, "Retail", CREATE), kind=ValueKind.TEAM, options=many)

    assert sent([teams], v1="team 7").values == {1: "team-7"}
    assert sent([teams], v1="Create team").values == {}
    assert sent([teams], v1="Team X").errors == {1: "Select one of the suggestions."}


def model(**fields):
    options = tuple(ModelOption(n, "bedrock", "Amazon Bedrock", f"id-{n}") for n in (5, 6))
    return DistinctModel(
        "Haiku 3", "Bedrock", ModelKind.RESOLVED, 1, options=options, pk=9, **fields
    )


def test_a_model_id_is_chosen_by_a_button_or_from_the_list():
    assert sent([], [model()], m9="6").models == {9: 6}
    assert sent([], [model()], **{"m9": "list", "m9-id": "5"}).models == {9: 5}
    assert sent([], [model()], m9="").models == {}
    assert sent([], [model()]).models == {}


def test_a_model_id_that_was_not_offered_is_refused():
    assert sent([], [model()], m9="77").errors == {9: "Select one of the listed models."}
    assert sent([], [model()], **{"m9": "list", "m9-id": ""}).errors == {9: "Select a model ID."}


def test_a_choice_can_be_taken_back():
    chosen = model(choice=ModelOption(5, "bedrock", "Amazon Bedrock", "id-5"))

    assert sent([], [chosen], m9="5").models == {}
    assert sent([], [chosen], m9="").models == {9: None}


def test_values_without_a_meaning_come_first_then_the_least_certain():
    certain, likely, by_order, none = (
        value(1, "a", 0),
        value(2, "b", 0, Certainty.LIKELY),
        value(3, "c", 1, Certainty.BY_ORDER),
        value(4, "d"),
    )

    assert sort_by_urgency([certain, by_order, likely, none]) == [none, likely, by_order, certain]


def test_the_best_guess_is_the_first_option_of_a_select():
    section = build_section(group(value(1, "Tier 2", 1)), [value(1, "Tier 2", 1)])

    control = str(section.lines[0].control)
    assert control.index("Important") < control.index("Critical")
    assert '<option value="1" selected>Important</option>' in control
    assert control.endswith('<option value="null">Leave empty</option></select>')


def test_the_text_of_a_cell_is_escaped():
    text = '"><script>x</script>'
    section = build_section(group(value(1, text)), [value(1, text)])

    assert "<script>" not in str(section.lines[0].control)


def test_a_thousand_values_are_cut_to_those_that_need_a_choice():
    values = (*(value(n, f"text {n}", 0) for n in range(1, 1_000)), value(1_000, "odd"))

    section = build_section(group(*values), values)

    assert len(section.lines) == 6
    assert section.lines[0].text == "odd"
    assert section.summary == "1,000 values, 1 without a meaning"

"""What holds for the reader of names with any text."""

import re
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.identity.hosts import BY_SLUG
from apps.catalog.identity.names.places import OWN
from apps.catalog.identity.names.products import BY_SLUG as PRODUCTS
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.ingestion.builtin_catalogue import records
from tests.catalog.name_labels import known_ids_of_the_build, labelled_names, reader

IDS = {known.id for known in known_ids_of_the_build()}
LINES = {known.line for known in known_ids_of_the_build()}
WORDS = sorted({word for row in labelled_names() for word in row["text"].split()})
PIECES = st.sampled_from([*WORDS, "(", ")", "/", "+", "&", ",", ";", "→", ":", "@", "?", '"'])
NAMES = st.lists(st.tuples(PIECES, st.sampled_from([" ", " ", "", "-"])), max_size=8).map(
    lambda pairs: "".join(piece + glue for piece, glue in pairs)
)
CELLS = st.sampled_from(["", "Azure OpenAI", "AWS", "on prem", "Google", "Mistral", "LiteLLM", "?"])


def check(reading: Reading) -> None:
    assert reading.host in {None, OWN, *BY_SLUG}
    assert not reading.version or reading.version in IDS
    for line in (reading.line, reading.hint, reading.derived_from):
        assert not line or line in LINES
    if reading.kind in (Kind.CHOOSE, Kind.RESOLVED):
        assert set(reading.candidates) <= IDS
    elif reading.kind is Kind.FAMILY:
        assert set(reading.candidates) <= LINES
    elif reading.kind is Kind.PRODUCT:
        assert reading.product.startswith("platform:") or set(reading.candidates) <= set(PRODUCTS)
    else:
        assert reading.candidates == ()
    if reading.kind is Kind.RESOLVED:
        assert reading.version
        assert reading.line
    if reading.kind is Kind.UNKNOWN:
        assert reading.version == reading.line == ""
    assert reading.kind is not Kind.SEVERAL or len(reading.parts) > 1
    assert reading.why
    for part in reading.parts:
        check(part)


def essence(reading: Reading) -> tuple[object, ...]:
    return (
        reading.kind,
        reading.version,
        reading.line,
        reading.candidates,
        reading.product,
        reading.hint,
        reading.host,
        reading.not_stated,
        [essence(part) for part in reading.parts],
    )


@given(st.text(max_size=60), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_reading_with_known_ids_and_hosts(text: str, cell: str) -> None:
    check(reader().read_name(text, cell))


@given(NAMES, CELLS)
@settings(max_examples=400, deadline=None)
def test_any_mixture_of_the_words_of_names_has_a_reading(text: str, cell: str) -> None:
    check(reader().read_name(text, cell))


@given(NAMES.filter(str.isascii), CELLS)
@settings(max_examples=300, deadline=None)
def test_capitals_and_blanks_change_nothing(text: str, cell: str) -> None:
    expected = essence(reader().read_name(text, cell))

    assert essence(reader().read_name(text.lower(), cell)) == expected
    assert essence(reader().read_name(text.upper(), cell)) == expected
    assert essence(reader().read_name(f"  {text.replace(' ', '   ')}\u00a0", cell)) == expected


@given(NAMES, CELLS)
@settings(max_examples=100, deadline=None)
def test_the_same_cell_is_read_the_same_way_twice(text: str, cell: str) -> None:
    assert reader().read_name(text, cell) == reader().read_name(text, cell)


def test_a_very_long_cell_is_read_in_its_first_letters() -> None:
    reading = reader().read_name("GPT-4o " + "and so on " * 10_000)

    assert reading.line == "openai/gpt-4o"


def spellings_of(name: str) -> set[str]:
    """Return ways in which people write a name, those of its suffixes and dates too."""
    bare_date = re.sub(r" \((\d{2}-\d{4}|\d{4})\)$", r" \1", name)
    spellings = {
        name,
        name.lower(),
        name.upper(),
        name.replace("-", " "),
        name.replace(" ", "-"),
        name.replace(" ", "_").replace("-", "_"),
        name.replace(" ", "  "),
        f"{name} (prod)",
        f"Azure: {name}",
        f"Modell {name}, EU",
        bare_date,
    }
    for plus in ("+", " +", " Plus"):
        for each in (name, bare_date):
            spellings.add(re.sub(r"[ -]plus\b|\+", plus, each, flags=re.I))
    return spellings


def test_no_spelling_of_a_known_name_means_another_line() -> None:
    lines = {known.id: known.line for known in known_ids_of_the_build()}
    owners: dict[str, set[str]] = defaultdict(set)  # the lines that have a name
    names: set[tuple[str, str]] = set()

    def add(name: str, line: str) -> None:
        owners[_letters(name)].add(line)
        names.add((name, line))

    for row in records("foundations"):
        add(row["name"], row["line"])
        owners[_letters(row["slug"])].add(row["line"])
    for row in (*records("versions"), *records("aliases")):
        own = [row["name"]] if row.get("name") else []
        for name in (row["identifier"].partition("/")[2], *own, *row.get("names", ())):
            add(name, lines[row["identifier"]])

    other = []
    for name, line in sorted(names):
        for text in sorted(spellings_of(name)):
            reading = reader().read_name(text)
            if reading.kind in (Kind.RESOLVED, Kind.CHOOSE) and reading.line not in (
                line,
                *owners[_letters(name)],
            ):
                other.append((text, reading.version or reading.line))

    assert other == []
    assert len(names) > 1500


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())

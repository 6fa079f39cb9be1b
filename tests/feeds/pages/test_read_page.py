"""The command `read_page`: rows as JSON lines, mappings on stderr, exits with sentences."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.catalog.models import Source
from apps.feeds.management.commands import read_page
from apps.feeds.models import SourceMapping
from apps.feeds.pages.builtin import BUILT_IN, BuiltInPage, built_in_page, mapping_of
from apps.feeds.pages.definition import KIND
from tests.feeds.pages.invented import page_of

PAGE = page_of(
    "Model ID | Legacy date | EOL date | Regions | Replacement",
    "acme.m-4 | May 1, 2026 | 11/30/2026 | us-east-1 | acme.m-5",
    above="## Legacy",
)
LINE: dict[str, Any] = {
    "host": "acme",
    "model_id": "acme.m-4",
    "version": None,
    "kind": "model",
    "announced_on": None,
    "legacy_on": "2026-05-01",
    "extended_access_from": None,
    "retires_on": "2026-11-30",
    "date_kind": "firm",
    "replacement": "acme.m-5",
    "stage": "legacy",
    "regions": ["us-east-1"],
    "table": "Legacy",
    "row": 1,
}


def run(path: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    """The printed lines, and what is said beside them."""
    out, err = StringIO(), StringIO()
    call_command("read_page", str(path), *options, stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_bytes(PAGE)
    return path


def test_a_mapping_is_proposed_for_a_host_without_one(page: Path) -> None:
    lines, said = run(page, "--host", "acme")
    assert lines == [{**LINE, "stage": None}]
    assert list(lines[0]) == list(LINE)
    assert json.loads(said)["dates"] == {"order": "month_first"}


def test_the_built_in_mapping_of_the_host_is_used(page: Path) -> None:
    lines, said = run(page, "--host", "bedrock")
    assert lines == [{**LINE, "host": "bedrock"}]
    assert said == ""


def test_a_mapping_in_a_file(page: Path, tmp_path: Path) -> None:
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps({"dates": {"order": "month_first"}, "stages": {"Leg*": "retired"}}))
    lines, _ = run(page, "--host", "acme", "--mapping", str(path))
    assert lines[0]["stage"] == "retired"
    path.write_text(json.dumps({"rows": "x"}))
    with pytest.raises(CommandError, match="not a valid part") as caught:
        run(page, "--host", "acme", "--mapping", str(path))
    assert caught.value.returncode == 2
    path.write_text("{")
    with pytest.raises(CommandError, match="not a JSON file"):
        run(page, "--host", "acme", "--mapping", str(path))


@pytest.mark.django_db
def test_the_mapping_of_a_stored_source(page: Path) -> None:
    source = Source.objects.create(
        slug="acme-page", name="Acme", kind=KIND, url="https://a.example"
    )
    with pytest.raises(CommandError, match="is not a lifecycle page"):
        run(page, "--host", "acme", "--source", "acme-page")
    SourceMapping.objects.create(source=source, settings={"dates": {"order": "month_first"}})
    assert run(page, "--host", "acme", "--source", "acme-page")[0] == [{**LINE, "stage": None}]
    with pytest.raises(CommandError, match="no source with the slug"):
        run(page, "--host", "acme", "--source", "other")


def test_a_page_of_another_form_is_read_by_a_proposal(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = BuiltInPage("acme", "Acme", "", "", "2026-01-01", {"tables": [{"heading": "Other"}]})
    monkeypatch.setattr(read_page, "built_in_page", lambda host: strict)
    lines, said = run(page, "--host", "acme")
    assert [line["model_id"] for line in lines] == ["acme.m-4"]
    assert "mapping of Acme finds no row" in said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"# Prose\n\nThe model `m-4` retires on May 1, 2026.\n", "no table fits"),
        (page_of("Model | Description", "`m-4` | Best"), "No table fits"),
        (b'{"a": 1}', "JSON"),
    ],
)
@pytest.mark.parametrize("host", ["acme", "openai"])
def test_a_page_without_a_table_that_fits_ends_with_1(
    tmp_path: Path, host: str, body: bytes, words: str
) -> None:
    path = tmp_path / "page.md"
    path.write_bytes(body)
    with pytest.raises(CommandError, match=words) as caught:
        run(path, "--host", host)
    assert caught.value.returncode == 1


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "none.md", "--host", "acme")


@pytest.mark.parametrize("page", BUILT_IN, ids=lambda page: page.host)
def test_built_in_mappings_are_valid(page: Any) -> None:
    assert mapping_of(page.host) is not None
    assert built_in_page(page.host.upper()) is page
    assert page.source_url.startswith("https://") or not page.source_url


def test_hosts_are_found_by_the_spelling_of_the_catalogue() -> None:
    assert built_in_page("amazon-bedrock") is built_in_page("bedrock")
    assert built_in_page("google-vertex") is built_in_page("vertex")
    assert built_in_page("acme") is None

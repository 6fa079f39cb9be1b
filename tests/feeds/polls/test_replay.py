"""A history replayed is the same history polled."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection

from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import Assertion, Offering, ProviderEvent
from tests.builders import make_source
from tests.feeds import loopback as server
from tests.feeds.commands import output_of_command
from tests.feeds.parsers.price_maps import price_map

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 9, 1, 6, tzinfo=UTC)


def history() -> list[bytes]:
    """Fourteen days in which a date appears, moves, flaps and comes; rows flap and go; a price
    changes."""
    days = []
    for day in range(14):
        changes: dict[str, Any] = {}
        if day >= 1:
            changes["model_1"] = {"deprecation_date": "2026-12-01" if day < 4 else "2027-02-01"}
        if day not in (5, 6):
            changes["model_2"] = {"deprecation_date": "2026-09-10"}
        changes["model_3"] = {"input_cost_per_token": 3e-06 if day < 3 else 2e-06}
        body = json.loads(price_map(**changes))
        if day >= 2:
            del body["acme/model-4"]
        if day in (3, 4):
            del body["acme/model-5"]
        days.append(json.dumps(body).encode())
    return days


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def write_manifest(folder: Path, bodies: list[bytes]) -> Path:
    manifest = folder / "manifest.jsonl"
    with manifest.open("w") as out:
        for number, body in enumerate(bodies):
            (folder / f"{number}.json").write_bytes(body)
            at = (START + timedelta(days=number)).isoformat()
            out.write(
                json.dumps({"at": at, "path": f"{number}.json", "status": 200, "headers": {}})
                + "\n"
            )
    return manifest


@pytest.mark.proof
def test_one_history_gives_the_same_events_and_rows_polled_and_replayed(tmp_path: Path) -> None:
    load_catalogue(identities_only=True)
    source = make_source("litellm")
    bodies = history()
    with server.Loopback() as feed:
        for number, body in enumerate(bodies):
            url = feed.route(f"/{number}", server.plain(body))
            output_of_command(
                "poll",
                source.slug,
                "--url",
                url,
                "--at",
                (START + timedelta(days=number)).isoformat(),
            )
    polled = lines(output_of_command("events"))
    claims = Assertion.objects.count()

    replayed = lines(output_of_command("replay", "litellm", str(write_manifest(tmp_path, bodies))))

    assert [{k: v for k, v in event.items() if k != "key"} for event in polled] == replayed
    assert [(event["kind"], event["external_id"]) for event in replayed] == [
        ("announced", "acme/model-1"),
        ("moved_later", "acme/model-1"),
        ("repriced", "acme/model-3"),
        ("retired", "acme/model-2"),
        ("delisted", "acme/model-4"),
    ]
    assert Assertion.objects.count() == claims


@pytest.mark.proof
def test_nothing_of_a_replay_stays(tmp_path: Path) -> None:
    output_of_command("replay", "litellm", str(write_manifest(tmp_path, history()[:2])))

    assert not Offering.objects.exists()
    assert not ProviderEvent.objects.exists()
    with connection.cursor() as cursor:
        # those of this database alone: others may be at work on the same server
        own = f"{connection.settings_dict['NAME'][:20]}_scratch_replay_run_"
        cursor.execute("SELECT count(*) FROM pg_database WHERE starts_with(datname, %s)", [own])
        assert cursor.fetchone()[0] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no line"),
        ("{", "Line 1"),
        ('{"at": "yesterday", "path": "x"}', "yesterday"),
        ('{"at": "2026-09-01", "path": "gone.json"}', "gone.json"),
        (
            '{"at": "2026-09-02", "status": 304}\n{"at": "2026-09-01", "status": 304}',
            "is earlier than the line above it. Sort the lines by 'at'.",
        ),
    ],
)
def test_a_bad_manifest_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(text)

    with pytest.raises(CommandError, match=words) as refusal:
        output_of_command("replay", "litellm", str(manifest))

    assert refusal.value.returncode == 2


def test_an_unknown_source_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="litellm"):
        output_of_command("replay", "nobody", str(tmp_path / "manifest.jsonl"))
    with pytest.raises(CommandError, match="nobody"):
        output_of_command("poll", "nobody")

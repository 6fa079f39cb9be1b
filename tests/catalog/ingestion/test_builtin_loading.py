"""Loading the built-in catalogue: what is inserted, what survives, what is settled anew."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from apps.catalog.footing import footing_differences
from apps.catalog.ingestion.builtin_catalogue import load_catalogue
from apps.catalog.models import (
    Assertion,
    Foundation,
    NoticePolicy,
    Offering,
    Price,
    Product,
    ProductModel,
    Provider,
    Version,
)
from apps.catalog.models.offerings import Lifecycle
from tests.builders import make_foundation, make_offering

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SMALL: dict[str, list[dict[str, Any]]] = {
    "sources": [{"slug": "built-in", "name": "Built-in", "kind": "built-in", "trust_rank": 90}],
    "providers": [{"slug": "maker", "name": "Maker", "roles": ["developer", "host"]}],
    "notice_policies": [
        {
            "provider": "maker",
            "scope": "all",
            "notice_days": 60,
            "source_url": "https://example.org/ends",
        }
    ],
    "foundations": [{"line": "maker/one", "developer": "maker", "slug": "one", "name": "One"}],
    "versions": [{"identifier": "maker/one-20250101", "line": "maker/one", "name": "One"}],
    "aliases": [
        {
            "identifier": "maker/one",
            "line": "maker/one",
            "version": "maker/one-20250101",
            "kind": "alias",
        }
    ],
    "derivations": [],
    "products": [],
    "offerings": [
        {
            "host": "maker",
            "api_id": "one-20250101",
            "identity": "maker/one-20250101",
            "binding": "pinned",
            "confidence": "1.00",
            "lifecycle": "deprecated",
            "retires_on": "2027-01-14",
            "date_kind": "firm",
            "lifecycle_claim": "litellm:one-20250101",
            "price_claim": "litellm:one-20250101",
        },
    ],
    "claims": [
        {
            "id": "litellm:one-20250101",
            "topic": "lifecycle",
            "offering": 0,
            "value": {"retires_on": "2027-01-14", "date_kind": "firm"},
            "url": "https://example.org/ends",
            "at": "2026-11-24T00:00:00Z",
        },
        {
            "id": "litellm:one-20250101",
            "topic": "price",
            "offering": 0,
            "value": {"input": "3", "input@2027-01-01": "2.5"},
            "url": "https://example.org/prices",
            "at": "2026-11-24T00:00:00Z",
        },
    ],
}

PRODUCTS = [
    {
        "slug": "helper",
        "name": "Helper",
        "vendor": "maker",
        "models_known": "partly",
        "source_url": "https://example.org/helper",
        "source_on": "2026-11-20",
        "models": [
            {
                "name": "One",
                "foundation": "maker/one",
                "source_url": "https://example.org/helper",
                "source_on": "2026-11-20",
            },
            {
                "name": "Another model",
                "source_url": "https://example.org/helper",
                "source_on": "2026-11-20",
            },
        ],
    }
]


def write_catalogue(folder: Path, **changed: list[dict[str, Any]]) -> Path:
    """A small catalogue in `folder`, with the given files replaced."""
    for name, rows in {**SMALL, **changed}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_load_is_in_the_history_under_its_name(db: None, tmp_path: Path) -> None:
    load_catalogue(folder=write_catalogue(tmp_path), at=AT)

    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT metadata ->> 'job' FROM pghistory_context")
        assert cursor.fetchall() == [("load_catalogue",)]


def test_a_policy_that_a_person_corrected_survives(db: None, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    load_catalogue(folder=folder, at=AT)
    NoticePolicy.objects.update(notice_days=90)

    written = load_catalogue(folder=folder, at=AT)

    assert written["notice_policies"] == 0
    assert NoticePolicy.objects.get().notice_days == 90


@pytest.mark.proof
def test_only_identities_are_loaded_when_asked(db: None) -> None:
    written = load_catalogue(identities_only=True, at=AT)

    assert written["versions"] >= 1000
    assert not Offering.objects.exists()
    assert not Assertion.objects.exists()
    assert not Price.objects.exists()


@pytest.mark.proof
def test_tables_that_were_analysed_while_empty_do_not_slow_the_load(db: None) -> None:
    """Rows of a load that was rolled back leave pages without rows; statistics of such pages have
    led to plans that compared each row with each other and took minutes."""
    with connection.cursor() as cursor:
        savepoint = transaction.savepoint_create()
        load_catalogue(at=AT)
        transaction.savepoint_rollback(savepoint)
        cursor.execute(
            "SELECT string_agg(tablename, ', ') FROM pg_tables WHERE tablename LIKE 'catalog_%'"
        )
        cursor.execute(f"ANALYZE {cursor.fetchone()[0]}")
        cursor.execute("SET LOCAL statement_timeout = '20s'")
        assert load_catalogue(at=AT)["offerings"] > 1000
        cursor.execute("SET LOCAL statement_timeout = 0")


def test_offerings_come_later_onto_identities(db: None, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    load_catalogue(folder=folder, identities_only=True, at=AT)

    load_catalogue(folder=folder, at=AT)

    offering = Offering.objects.get()
    assert offering.version is not None
    assert offering.footings.count() == 5


def test_what_a_person_changed_survives(db: None, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    load_catalogue(folder=folder, at=AT)
    Provider.objects.update(name="Maker & Sons", status_page_url="https://status.example.org")
    Foundation.objects.update(family="Ones")
    Offering.objects.update(version=None, binding="unknown")

    load_catalogue(folder=folder, at=AT)

    assert Provider.objects.get().name == "Maker & Sons"
    assert Foundation.objects.get().family == "Ones"
    assert Offering.objects.get().version is None


def test_a_newer_release_replaces_what_it_said_and_settles_anew(db: None, tmp_path: Path) -> None:
    load_catalogue(folder=write_catalogue(tmp_path), at=AT)
    lifecycle, price = SMALL["claims"]
    moved = {
        **lifecycle,
        "value": {"retires_on": "2027-03-01", "date_kind": "firm"},
        "at": "2026-12-01T00:00:00Z",
    }

    later = datetime(2026, 12, 2, tzinfo=UTC)
    written = load_catalogue(folder=write_catalogue(tmp_path, claims=[moved, price]), at=later)

    assert written["claims_changed"] == 1
    assert str(Offering.objects.get().retires_on) == "2027-03-01"
    assert Assertion.objects.get(topic="lifecycle").first_seen == datetime(2026, 11, 24, tzinfo=UTC)


def test_an_offering_that_a_poll_made_first_is_kept_and_gains_the_claims(
    db: None, tmp_path: Path
) -> None:
    folder = write_catalogue(tmp_path)
    load_catalogue(folder=folder, identities_only=True, at=AT)
    made = make_offering("one-20250101", host=Provider.objects.get(), version=Version.objects.get())

    load_catalogue(folder=folder, at=AT)

    offering = Offering.objects.get()
    assert offering.pk == made.pk
    assert str(offering.retires_on) == "2027-01-14"
    assert offering.lifecycle == Lifecycle.DEPRECATED


def test_a_firm_day_that_came_between_build_and_load_is_a_retirement(
    db: None, tmp_path: Path
) -> None:
    load_catalogue(folder=write_catalogue(tmp_path), at=datetime(2027, 1, 14, tzinfo=UTC))

    assert Offering.objects.get().lifecycle == Lifecycle.RETIRED


def test_a_slug_somebody_has_taken_does_not_stop_the_load(db: None, tmp_path: Path) -> None:
    make_foundation("else/thing")
    Foundation.objects.update(slug="one")

    load_catalogue(folder=write_catalogue(tmp_path), at=AT)

    assert Foundation.objects.get(line="maker/one").slug == "one-2"


def test_announced_prices_become_ranges_that_meet(db: None, tmp_path: Path) -> None:
    load_catalogue(folder=write_catalogue(tmp_path), at=AT)

    first, second = Price.objects.order_by("valid")

    assert (first.amount, second.amount) == (3, 2.5)
    assert first.valid.upper == second.valid.lower == datetime(2027, 1, 1, tzinfo=UTC)
    assert second.valid.upper is None


def test_a_file_that_breaks_off_leaves_nothing_behind(db: None, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    (folder / "claims.jsonl").write_text('{"id": "litellm:one')

    with pytest.raises(json.JSONDecodeError), transaction.atomic():
        load_catalogue(folder=folder, at=AT)

    assert not Provider.objects.exists()


def test_the_command_prints_counts_and_seconds(db: None) -> None:
    out = StringIO()

    call_command("load_catalogue", "--identities-only", stdout=out)

    said = json.loads(out.getvalue())
    assert said["written"]["foundations"] == said["holds"]["foundations"] >= 300
    assert said["seconds"] > 0


def test_products_are_loaded_once_and_keep_what_a_person_changed(db: None, tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path, products=PRODUCTS)
    load_catalogue(folder=folder, at=AT)
    Product.objects.update(name="Our helper")
    ProductModel.objects.filter(foundation=None).delete()

    written = load_catalogue(folder=folder, at=AT)

    product = Product.objects.get()
    assert (written["products"], written["product_models"]) == (0, 0)
    assert product.name == "Our helper"
    assert [model.name for model in product.models.all()] == ["One"]
    assert product.offering is not None
    assert product.offering.candidates.get().foundation == Foundation.objects.get()
    assert not footing_differences()

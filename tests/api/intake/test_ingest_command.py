"""manage.py ingest: the same code, with the rights of the operator."""

import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.intake.models import BilledCost, Import
from tests.api.retailer import bom

pytestmark = pytest.mark.django_db


def ingest(tmp_path, said, *more, kind="cyclonedx", name="bom.json"):
    path = tmp_path / name
    path.write_bytes(said if isinstance(said, bytes) else json.dumps(said).encode())
    out = StringIO()
    call_command("ingest", kind, str(path), *more, stdout=out)
    return json.loads(out.getvalue())


def test_it_prints_what_became_of_the_file(retailer, tmp_path):
    said = bom("gpt-4o", "gpt-4o-mini", "nobody-1")
    about = ("--application", retailer.shop.slug)
    first, again = ingest(tmp_path, said, *about), ingest(tmp_path, said, *about)
    more = ingest(tmp_path, said | {"version": 2}, *about)

    (rejected,) = first.pop("rejected")
    assert first == {"created": 2, "updated": 0, "unchanged": 0}
    assert "nobody-1" in rejected["reason"]
    assert {name: again[name] for name in first} == {"created": 0, "updated": 0, "unchanged": 2}
    assert {name: more[name] for name in first} == {"created": 0, "updated": 0, "unchanged": 2}
    assert (
        retailer.shop.dependencies.first().history.get().pgh_context.metadata["actor"] == "intake"
    )


def test_a_large_compressed_file_is_read_before_it_answers(retailer, tmp_path):
    said = gzip.compress(json.dumps(bom("gpt-4o", padding="x" * 400_000)).encode())

    assert (
        ingest(tmp_path, said, "--application", retailer.shop.slug, name="bom.json.gz")["created"]
        == 1
    )


def test_spdx_goes_the_same_way(retailer, tmp_path):
    said = {
        "@graph": [{"type": "ai_AIPackage", "name": "gpt-4o", "suppliedBy": {"name": "OpenAI"}}]
    }

    assert ingest(tmp_path, said, "--application", retailer.shop.slug, kind="spdx")["created"] == 1


@pytest.mark.proof
@pytest.mark.parametrize(
    ("said", "more", "code", "says"),
    [
        (b"{", ["--application", "SHOP"], 1, "not JSON"),
        (bom("gpt-4o"), [], 1, "--application SLUG"),
        (bom("gpt-4o"), ["--application", "nobody"], 2, 'No application "nobody"'),
        (bom("gpt-4o"), ["--team", "nobody"], 2, 'No team "nobody"'),
        pytest.param(
            gzip.compress(b" " * 60_000_000), ["--application", "SHOP"], 1, "50 MiB", id="a bomb"
        ),
    ],
)
def test_what_goes_wrong_has_a_sentence_and_a_code(retailer, tmp_path, said, more, code, says):
    with pytest.raises(CommandError, match=says) as refused:
        ingest(tmp_path, said, *[retailer.shop.slug if word == "SHOP" else word for word in more])

    assert refused.value.returncode == code


def test_a_file_that_is_not_there_is_the_callers_fault(tmp_path):
    with pytest.raises(CommandError) as refused:
        call_command("ingest", "cyclonedx", str(tmp_path / "none.json"))

    assert refused.value.returncode == 2
    assert not Import.objects.exists()


def test_a_bill_is_imported_compressed_or_not(retailer, tmp_path):
    head = (
        "BilledCost,EffectiveCost,ListCost,BillingCurrency,ChargePeriodStart,ChargeCategory,"
        "ProviderName,SkuMeter,ConsumedQuantity,ConsumedUnit"
    )
    row = "1,1,1,USD,2026-10-03,Usage,OpenAI,gpt-4o input tokens,1000,Tokens"
    body = f"{head}\n{row}\n".encode()
    about = ("--application", retailer.shop.slug)

    ingest(tmp_path, body, *about, kind="focus", name="focus.csv")
    again = gzip.compress(body.replace(b"\n1,1,1,", b"\n2,2,2,"))
    ingest(tmp_path, again, *about, kind="focus", name="focus.csv.gz")

    (cost,) = BilledCost.objects.current()
    assert cost.observation.application == retailer.shop
    assert (cost.billed, cost.input_tokens) == (2, 1000)

"""FOCUS files: rows of AI services are added up exactly, the rest is said, and no personal data and
no other tags are kept."""

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from apps.intake.documents.records import UnreadableError
from apps.intake.readers.focus import reader
from apps.intake.readers.focus.names import (
    classify_tokens,
    count_tokens,
    parse_tags,
    strip_counting_words,
)
from apps.intake.readers.focus.reader import read_focus, reduce_focus

LITELLM = Path(__file__).with_name("litellm-1.110.2.csv")
HEAD = (
    "BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingAccountId,"
    "BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargeCategory,ChargeClass,"
    "ServiceName,ServiceCategory,ProviderName,SkuId,SkuMeter,ResourceName,ConsumedQuantity,"
    "ConsumedUnit,RegionId,Tags"
)
ROW = {
    "BilledCost": "8",
    "EffectiveCost": "9",
    "ListCost": "10",
    "ContractedCost": "9.5",
    "BillingCurrency": "USD",
    "BillingAccountId": "account-1",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-03T00:00:00Z",
    "ChargeCategory": "Usage",
    "ServiceName": "Amazon Bedrock",
    "ServiceCategory": "AI and Machine Learning",
    "ProviderName": "AWS",
    "SkuMeter": "Claude 3 Haiku input tokens",
    "ConsumedQuantity": "2000",
    "ConsumedUnit": "1000 Tokens",
    "RegionId": "eu-central-1",
    "Tags": '{"app": "Claims triage"}',
}


def line_of(**cells):
    row = ROW | cells
    return ",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in HEAD.split(","))


def file_of(*lines):
    return "\n".join((HEAD, *lines)).encode()


def test_a_real_litellm_export_gives_spend_and_requests_by_key_and_model():
    document = read_focus(LITELLM.read_bytes())

    assert document.maker == "litellm"
    assert document.rejected == document.ignored == []
    spend = {}
    for charge in document.charges:
        key = charge.applications, charge.models, charge.hosts
        spend[key] = spend.get(key, 0) + charge.billed
    assert spend[("claims-triage", "Claims"), ("gpt-4o-2024-08-06",), ("azure",)] == Decimal("21.6")
    first = document.charges[0]
    assert first.is_of_gateway
    assert (first.period_start, first.period_end) == (date(2026, 10, 30), date(2026, 10, 31))
    # LiteLLM's transformer leaves the tokens out
    assert first.tokens == {}
    assert first.requests == 410


def test_what_is_stored_holds_no_user_no_account_and_no_other_tag():
    stored = gzip.decompress(reduce_focus(LITELLM.read_bytes())).decode()

    for text in ("example.org", "user-5f1c0b6d", "5f1c0b6d5f1c0b6d", "team-claims"):
        assert text not in stored
    assert "claims-triage" in stored


def test_the_stored_sums_read_like_the_file():
    body = file_of(line_of(), line_of(BilledCost="x"), line_of(ServiceCategory="Compute"))

    assert read_focus(reduce_focus(body)) == read_focus(body)


def test_rows_of_one_day_and_the_same_names_are_added_up_exactly():
    body = file_of(
        line_of(BilledCost="0.1", ListCost="1E-7"),
        line_of(BilledCost="0.2", ListCost="123456789012.000000000000000001"),
    )

    (charge,) = read_focus(body).charges

    assert charge.billed == Decimal("0.3")
    assert charge.listed == Decimal("123456789012.000000100000000001")
    assert charge.tokens == {"input": 4_000_000}
    assert charge.n_rows == 2


def test_a_list_cost_that_one_row_does_not_state_is_unknown_for_the_sum():
    (charge,) = read_focus(file_of(line_of(), line_of(ListCost=""))).charges

    assert charge.listed is None
    assert charge.contracted == 19


def test_input_and_output_meters_of_one_model_have_one_name():
    charges = read_focus(
        file_of(line_of(), line_of(SkuMeter="Claude 3 Haiku output tokens", ConsumedQuantity="7"))
    ).charges

    assert [(charge.models[0], charge.tokens) for charge in charges] == [
        ("Claude 3 Haiku", {"input": 2_000_000, "output": 7000})
    ]


def test_credits_refunds_and_corrections_stay_apart_from_usage():
    charges = read_focus(
        file_of(
            line_of(),
            line_of(ChargeCategory="Credit", BilledCost="-3", EffectiveCost="-3"),
            line_of(ChargeClass="Correction", BilledCost="-1", EffectiveCost="-1"),
        )
    ).charges

    assert [(row.category, row.is_correction, row.billed) for row in charges] == [
        ("Usage", False, 8),
        ("Credit", False, -3),
        ("Usage", True, -1),
    ]
    # the quantity of a credit is no usage
    assert charges[1].tokens == {}


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"BilledCost": "NaN"}, "BilledCost is not a number: 'NaN'."),
        ({"BilledCost": "1e400"}, "BilledCost is not a number: '1e400'."),
        ({"BilledCost": "1,5"}, "BilledCost is not a number: '1,5'."),
        ({"EffectiveCost": ""}, "EffectiveCost is empty."),
        ({"BillingCurrency": "US dollar"}, "BillingCurrency is not a currency of three letters."),
        (
            {"ChargePeriodStart": "4/1/25"},
            "ChargePeriodStart is not a date such as 2026-11-01T00:00:00Z: '4/1/25'.",
        ),
        (
            {"ChargeCategory": "Refund"},
            "'Refund' is not a valid ChargeCategory. Use one of Usage, Purchase, Tax, Credit, "
            "Adjustment.",
        ),
        (
            {"ChargeClass": "Late"},
            "'Late' is not a valid ChargeClass. Use Correction, or leave it empty.",
        ),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_with_its_number_and_reason(cells, reason):
    document = read_focus(file_of(line_of(), line_of(**cells), line_of()))

    assert [(part.where, part.reason) for part in document.rejected] == [("row 3", reason)]
    assert document.charges[0].n_rows == 2


def test_a_billing_period_without_an_end_is_read_on_the_last_day_of_the_calendar():
    cells = {"BillingPeriodStart": "9999-12-31", "BillingPeriodEnd": ""}

    [charge] = read_focus(file_of(line_of(**cells))).charges

    assert (charge.period_start, charge.period_end) == (date.max, date.max)


def test_rows_of_other_services_are_counted_and_said():
    document = read_focus(
        file_of(*[line_of(ServiceCategory="Compute", BilledCost="broken")] * 3, line_of())
    )

    assert len(document.charges) == 1
    assert document.rejected == []
    assert [part.reason for part in document.ignored] == [
        "3 rows of the category Compute: no use of a model."
    ]


def test_tags_that_are_no_json_are_said_and_the_row_still_counts():
    document = read_focus(file_of(line_of(Tags="app=claims")))

    assert document.charges[0].applications == ()
    assert document.ignored[0].reason == "1 row with tags that are no JSON object."


def test_the_tags_that_name_an_application_can_be_set():
    body = file_of(line_of(Tags='{"user:Cost-Centre": "4711", "app": "Claims triage"}'))

    charges = read_focus(reduce_focus(body, ("cost centre",))).charges

    assert charges[0].applications == ("4711",)


def test_an_email_address_is_never_a_name():
    body = file_of(line_of(Tags='{"app": "ada@example.org", "service": "triage"}'))

    assert read_focus(body).charges[0].applications == ("triage",)


@pytest.mark.parametrize(
    "body", [b"", b"date,application\n1,2\n", b"PAR1\x15\x04", b"\xff\xfe\x00"]
)
def test_a_file_that_is_not_focus_is_refused_with_the_remedy(body):
    with pytest.raises(UnreadableError):
        reduce_focus(body)


def test_a_truncated_gzip_file_is_refused():
    whole = gzip.compress(file_of(*[line_of(SkuId=str(number)) for number in range(500)]))

    with pytest.raises(UnreadableError, match="incomplete or damaged"):
        reduce_focus(whole[: len(whole) // 2])


def test_stored_sums_that_a_sender_sends_are_no_focus_file():
    forged = gzip.compress(json.dumps({"registry_focus": 1}).encode())

    with pytest.raises(UnreadableError):
        reduce_focus(forged)


def test_a_file_with_too_many_different_charges_is_refused(monkeypatch):
    monkeypatch.setattr(reader, "MAX_CHARGES", 2)
    body = file_of(*[line_of(Tags=json.dumps({"app": f"app {n}"})) for n in range(3)])

    with pytest.raises(UnreadableError, match="Send each week separately"):
        reduce_focus(body)


def test_a_file_that_inflates_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(reader, "MAX_INFLATED_BYTES", 1000)

    with pytest.raises(UnreadableError, match="after decompression"):
        reduce_focus(gzip.compress(file_of(*[line_of()] * 100)))


@pytest.mark.parametrize(
    ("quantity", "unit", "is_token_meter", "tokens"),
    [
        ("5", "Tokens", False, 5),
        ("5", "1000 Tokens", False, 5_000),
        ("5", "1K tokens", False, 5_000),
        ("5", "1M Tokens", False, 5_000_000),
        ("5", "Million Tokens", False, 5_000_000),
        ("5", "1K", True, 5_000),
        ("5", "1K", False, None),
        ("5", "Requests", True, None),
        ("5", "Hours", True, None),
        ("5", "", True, None),
    ],
)
def test_units_of_tokens(quantity, unit, is_token_meter, tokens):
    assert count_tokens(Decimal(quantity), unit, is_token_meter=is_token_meter) == tokens


@pytest.mark.parametrize(
    ("meter", "kind", "name"),
    [
        ("USE1-Claude3Sonnet-input-tokens", "input", "USE1-Claude3Sonnet"),
        ("gpt-4o-0806-Outp-glbl Tokens", "output", "gpt-4o-0806 glbl"),
        ("Claude 3.5 Sonnet Cache Read tokens", "cache_read", "Claude 3.5 Sonnet"),
        ("Claude 3.5 Sonnet cache write", "cache_write", "Claude 3.5 Sonnet"),
        ("gpt-4o-mini", "other", "gpt-4o-mini"),
    ],
)
def test_meters_name_the_kind_of_tokens_and_the_model(meter, kind, name):
    assert classify_tokens((meter,)) == kind
    assert strip_counting_words(meter) == name


def test_tags_are_compared_without_their_scheme():
    assert parse_tags('{"user:App_Name": "x", "aws/createdBy": true}') == {"appname": "x"}

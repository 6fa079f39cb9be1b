"""Amounts of money: per million, believable, without noise."""

from decimal import Decimal

import pytest

from apps.feeds.parsers.amounts import Per, UnclearPriceError, per_million


@pytest.mark.parametrize(
    ("usd", "per", "amount"),
    [
        (Decimal("0.0000025"), "token", "2.5"),
        (Decimal("2.5"), "million", "2.5"),
        (3, "million", "3"),
        (Decimal("0.35"), "thousand", "350"),
        (Decimal("0.01"), "unit", "10000"),
        (0, "token", "0"),
        (Decimal("0.0000006000000000000001"), "token", "0.6"),
        (1000, "million", "1000"),
        (Decimal("0.0005"), "million", "0.0005"),
        (Decimal("0.0000000005"), "token", "0.0005"),
        (100_000, "unit", "100000000000"),
        (Decimal("1E+2"), "million", "100"),
    ],
)
def test_an_amount_is_usd_per_million_and_reads_plainly(
    usd: int | Decimal, per: Per, amount: str
) -> None:
    assert str(per_million("prompt", usd, per=per)) == amount


@pytest.mark.parametrize(
    ("usd", "per", "says"),
    [
        ("0.1", "token", "not a number"),
        (True, "token", "not a number"),
        (0.1, "token", "not a number"),
        (None, "token", "not a number"),
        (Decimal("NaN"), "token", "NaN"),
        (Decimal("sNaN"), "token", "NaN"),
        (Decimal("-Infinity"), "million", "Infinity"),
        (Decimal("-0.1"), "million", "negative"),
        (
            Decimal("1000.01"),
            "million",
            "1000.01 USD per million tokens, so its unit is probably wrong",
        ),
        (Decimal("0.0010001"), "token", "USD per token, so its unit is probably wrong"),
        (
            Decimal("2E-7"),
            "million",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            Decimal("1E-13"),
            "token",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (100_001, "unit", "USD per unit, so its unit is probably wrong"),
        (
            Decimal("1E-20"),
            "unit",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            Decimal("1E+999999"),
            "token",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            Decimal("1E-999999"),
            "million",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
        (
            10**4000,
            "thousand",
            ", so its unit is probably wrong. The prices of the row are not used.",
        ),
    ],
)
def test_an_amount_that_cannot_be_believed_says_why(usd: object, per: Per, says: str) -> None:
    with pytest.raises(UnclearPriceError, match=says) as caught:
        per_million("prompt", usd, per=per)

    assert str(caught.value).startswith("The price prompt is ")

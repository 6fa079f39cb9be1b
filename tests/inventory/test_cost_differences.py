"""The difference between bill and list prices: its parts always add up to it, and each reason is
named where the bill separates it."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from apps.inventory.cost_differences import (
    BilledAmounts,
    DifferencePart,
    DifferenceReason,
    add_up_parts,
    explain_difference,
)

amounts = st.fractions(min_value=-(10**9), max_value=10**9)
optional = st.none() | amounts
bills = st.builds(BilledAmounts, amounts, amounts, amounts, optional, optional)
Reason = DifferenceReason


@given(bills, amounts, optional)
def test_the_parts_add_up_exactly_to_the_difference(bill, recorded, at_catalogue_prices):
    parts = explain_difference(bill, recorded=recorded, at_catalogue_prices=at_catalogue_prices)

    assert sum((part.amount for part in parts), Fraction(0)) == bill.billed - recorded
    # each reason is in at most one part, and no part is empty
    named = [reason for part in parts for reason in part.reasons]
    assert len(named) == len(set(named))
    assert all(part.amount for part in parts)


@given(st.lists(st.tuples(bills, amounts, optional), max_size=6))
def test_the_parts_of_several_bills_add_up_exactly(several):
    parts = add_up_parts(
        part
        for bill, recorded, at_catalogue_prices in several
        for part in explain_difference(
            bill, recorded=recorded, at_catalogue_prices=at_catalogue_prices
        )
    )

    assert sum((part.amount for part in parts), Fraction(0)) == sum(
        (bill.billed - recorded for bill, recorded, _ in several), Fraction(0)
    )


def test_each_step_has_its_reason_where_the_bill_states_every_amount():
    bill = BilledAmounts(
        billed=Fraction(50),
        effective=Fraction(70),
        charges=Fraction(-5),
        listed=Fraction(100),
        contracted=Fraction(90),
    )

    parts = explain_difference(bill, recorded=Fraction(60), at_catalogue_prices=Fraction(80))

    assert [(part.reasons, part.amount) for part in parts] == [
        ((Reason.VOLUME,), 20),
        ((Reason.PRICE,), 20),
        ((Reason.CONTRACT,), -10),
        ((Reason.COMMITMENT,), -20),
        ((Reason.CHARGES,), -5),
        ((Reason.PREPAID,), -15),
    ]


def test_steps_that_the_bill_does_not_separate_are_one_part_with_both_reasons():
    # a bill of LiteLLM states no tokens, and the same amount as list, contracted and billed cost
    bill = BilledAmounts(Fraction(9), Fraction(9), listed=Fraction(9), contracted=Fraction(9))

    (part,) = explain_difference(bill, recorded=Fraction(10), at_catalogue_prices=None)

    assert part == DifferencePart((Reason.VOLUME, Reason.PRICE), Fraction(-1))
    assert part.sentence == (
        "Billed tokens differ from recorded tokens, or list prices of the bill differ from the "
        "catalogue"
    )

"""Which of several claims counts."""

from datetime import UTC, date, datetime
from typing import Any

from apps.catalog.claims.precedence import SourceClaim, choose_lifecycle

TODAY = date(2026, 11, 24)
THEN = datetime(2026, 11, 1, tzinfo=UTC)


def voice(
    claim_id: int, ends: str | None, *, rank: int = 20, kind: str = "firm", **fields: Any
) -> SourceClaim:
    value = {"retires_on": ends, "date_kind": kind} if ends else {}
    value |= fields.pop("value", {})
    return SourceClaim(
        claim_id,
        fields.pop("source", f"feed-{rank}"),
        rank,
        value,
        fields.pop("at", THEN),
        **fields,
    )


def test_a_persons_word_outranks_every_feed() -> None:
    settled = choose_lifecycle(
        [voice(1, "2027-01-01", rank=10), voice(2, "2027-06-01", rank=0, source="manual")],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.retires_on) == (2, date(2027, 6, 1))


def test_a_person_can_say_that_no_date_is_known() -> None:
    settled = choose_lifecycle(
        [
            voice(1, "2027-01-01"),
            voice(2, None, rank=0, source="manual", value={"status": "active"}),
        ],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.lifecycle, settled.retires_on) == (2, "active", None)


def test_the_source_trusted_more_counts_even_if_its_word_is_older() -> None:
    newer = datetime(2026, 11, 20, tzinfo=UTC)

    settled = choose_lifecycle(
        [voice(1, "2027-01-01", rank=10), voice(2, "2027-06-01", rank=20, at=newer)],
        TODAY,
        is_listed=True,
    )

    assert settled.claim_id == 1


def test_among_equals_a_firm_date_counts_before_a_soft_one() -> None:
    settled = choose_lifecycle(
        [voice(1, "2027-01-01", kind="not_before"), voice(2, "2027-06-01")], TODAY, is_listed=True
    )

    assert settled.claim_id == 2


def test_among_equals_the_host_itself_counts_before_a_router() -> None:
    settled = choose_lifecycle(
        [voice(1, "2027-01-01", first_party=False), voice(2, "2027-06-01")], TODAY, is_listed=True
    )

    assert settled.claim_id == 2


def test_silence_does_not_outrank_a_date() -> None:
    settled = choose_lifecycle(
        [voice(1, None, rank=10, value={"successor": "next"}), voice(2, "2027-06-01", rank=20)],
        TODAY,
        is_listed=True,
    )

    assert settled.claim_id == 2


def test_a_firm_day_that_has_come_is_a_retirement_and_a_soft_one_never_is() -> None:
    firm = choose_lifecycle([voice(1, "2026-11-24")], TODAY, is_listed=True)
    soft = choose_lifecycle([voice(1, "2026-11-24", kind="not_before")], TODAY, is_listed=True)

    assert (firm.lifecycle, soft.lifecycle) == ("retired", "active")


def test_an_offering_that_nobody_lists_any_more_is_unknown_and_not_retired() -> None:
    assert choose_lifecycle([], TODAY, is_listed=False).lifecycle == "unknown"


def test_a_source_that_cannot_mark_soft_days_is_corrected_by_one_that_can() -> None:
    settled = choose_lifecycle(
        [
            voice(1, "2026-10-15", source="litellm"),
            voice(2, "2026-10-15", kind="not_before", rank=90),
        ],
        TODAY,
        is_listed=True,
    )

    assert (settled.date_kind, settled.lifecycle) == ("not_before", "active")


def test_a_firm_day_that_respects_a_bound_counts_though_its_source_is_trusted_less() -> None:
    bound = voice(1, "2026-10-16", rank=10, kind="not_before")

    later = choose_lifecycle([bound, voice(2, "2026-12-01", rank=20)], TODAY, is_listed=True)
    earlier = choose_lifecycle([bound, voice(2, "2026-09-01", rank=20)], TODAY, is_listed=True)

    assert (later.claim_id, later.date_kind) == (2, "firm")
    assert (earlier.claim_id, earlier.date_kind) == (1, "not_before")


def test_of_two_sources_with_the_same_priority_the_newer_value_applies() -> None:
    newer = datetime(2026, 11, 20, tzinfo=UTC)

    settled = choose_lifecycle(
        [voice(1, "2027-01-01"), voice(2, "2027-06-01", at=newer)],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.retires_on) == (2, date(2027, 6, 1))


def test_the_hosts_own_page_outranks_every_feed_but_no_person() -> None:
    settled = choose_lifecycle(
        [
            voice(1, "2027-01-01", rank=1),
            voice(2, "2027-06-01", rank=90, source="page-acme", own_page=True),
        ],
        TODAY,
        is_listed=True,
    )
    with_person = choose_lifecycle(
        [
            voice(2, "2027-06-01", rank=90, source="page-acme", own_page=True),
            voice(3, "2027-09-01", rank=0, source="manual"),
        ],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.retires_on) == (2, date(2027, 6, 1))
    assert with_person.claim_id == 3


def test_an_earliest_date_of_the_hosts_own_page_stays_an_earliest_date() -> None:
    settled = choose_lifecycle(
        [
            voice(1, "2027-06-01", rank=10),
            voice(2, "2027-06-01", kind="not_before", source="page-acme", own_page=True),
        ],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.date_kind, settled.lifecycle) == (2, "not_before", "active")


def test_the_hosts_own_page_without_a_date_leaves_that_of_a_feed() -> None:
    settled = choose_lifecycle(
        [
            voice(1, "2027-06-01", rank=10),
            voice(2, None, source="page-acme", own_page=True, value={"status": "active"}),
        ],
        TODAY,
        is_listed=True,
    )

    assert (settled.claim_id, settled.retires_on) == (1, date(2027, 6, 1))

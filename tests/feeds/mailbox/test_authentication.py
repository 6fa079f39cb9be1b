"""Authentication-Results: only the topmost header of the receiving server counts, and of that only
what the server itself found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.feeds.mailbox.authentication import is_aligned, signing_domains

SERVER = "mx.calder.example"


@pytest.mark.parametrize(
    "value",
    [
        f"{SERVER}; dkim=pass header.d=calder.example",
        f"{SERVER} 1; spf=fail smtp.mailfrom=x; dkim=pass header.d=calder.example header.b=ab/c=",
        f"{SERVER.upper()}; dkim=pass (2048-bit key; unprotected) header.d=Calder.Example;",
        f'{SERVER};\tdkim/1 = PASS reason="good; header.d=evil.example" header.i=@calder.example',
        f'({SERVER} wrote) {SERVER}; dkim=pass header.d=calder.example. header.s="s;1"',
        f"{SERVER}; dkim=fail header.d=other.example; dkim=pass header.d=calder.example",
    ],
)
def test_a_valid_signature_is_found_in_every_spelling(value):
    assert signing_domains([value], server=SERVER) == ("calder.example",)


@pytest.mark.parametrize(
    "value",
    [
        f"{SERVER}; none",
        f"{SERVER}; dkim=fail header.d=calder.example",
        f"{SERVER}; dkim=passed header.d=calder.example",
        f"{SERVER}; dkim=neutral (dkim=pass header.d=calder.example)",
        f'{SERVER}; dkim=fail reason="dkim=pass header.d=calder.example"',
        f'{SERVER}; dkim=fail reason="; dkim=pass header.d=calder.example"',
        f"{SERVER}; arc=pass header.d=calder.example",
        f"{SERVER}; x-dkim=pass header.d=calder.example",
        f"{SERVER}; dkim=pass",
        f"evil.example; dkim=pass header.d=calder.example ({SERVER})",
        f"{SERVER}.evil.example; dkim=pass header.d=calder.example",
        f'"{SERVER}',
        "",
    ],
)
def test_nothing_else_is_taken_for_one(value):
    assert signing_domains([value], server=SERVER) == ()


def test_the_topmost_header_of_the_server_counts_alone():
    forged = f"{SERVER}; dkim=pass header.d=calder.example"
    assert signing_domains([f"{SERVER}; dkim=none", forged], server=SERVER) == ()
    assert signing_domains(["relay.example; dkim=fail", forged], server=SERVER) == (
        "calder.example",
    )


@pytest.mark.parametrize(
    ("signing", "sender", "expected"),
    [
        ("calder.example", "calder.example", True),
        ("calder.example", "claims.calder.example", True),
        ("claims.calder.example", "calder.example", False),
        ("calder.example", "notcalder.example", False),
        ("example", "calder.example", False),
        ("", "calder.example", False),
    ],
)
def test_a_signature_vouches_for_its_domain_and_those_below(signing, sender, expected):
    assert is_aligned(signing, sender) is expected


@given(st.text(alphabet='mx.;=() "\\dkimpassheader/', max_size=200))
def test_any_text_is_read_without_an_error(text):
    signing_domains([text, f"{SERVER};{text}"], server=SERVER)

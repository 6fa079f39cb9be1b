"""Reading an email: what a person wrote is kept, whatever a program did to it; limits hold."""

import base64
import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.feeds.mailbox.message import (
    MAX_HEAD_BYTES,
    MAX_MESSAGE_BYTES,
    UnreadableMessageError,
    read_head,
    read_text,
)
from tests.feeds.mailbox.emails import NOTICE, email, multipart


def test_sender_subject_and_text_are_read():
    raw = email(subject="=?utf-8?q?Fwd:_R=C3=BCckzug?= von\r\n acme-big-1")
    head = read_head(raw)
    assert (head.sender, head.sender_name) == ("ilse.brandt@calder.example", "Ilse Brandt")
    assert head.subject == "Fwd: Rückzug von acme-big-1"
    assert head.message_id == "CAF1@mail.calder.example"
    assert not head.is_automatic
    assert read_text(raw) == NOTICE.strip()


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner=x",
        "Precedence: bulk",
        "List-Id: <news.acme.example>",
        "Return-Path: <>",
        "X-Loop: notices@registry.calder.example",
    ],
)
def test_what_a_program_sent_is_recognised(header):
    assert read_head(email(headers=(header,))).is_automatic


def test_what_a_person_sent_is_not_automatic():
    assert not read_head(
        email(headers=("Auto-Submitted: no", "Precedence: first-class"))
    ).is_automatic


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "nobody",
        "a@calder.example, b@calder.example",
        "a@calder.example\r\nFrom: b@calder.example",
        "a@calder",
        '"a b"@calder.example',
        "a\0b@calder.example",
        "a@calder.example@evil.example",
    ],
)
def test_an_email_without_exactly_one_sender_is_rejected(sender):
    with pytest.raises(UnreadableMessageError, match="exactly one valid sender"):
        read_head(email(sender=sender))


def test_the_name_of_a_sender_is_never_its_address():
    head = read_head(email(sender='"ilse.brandt@calder.example" <eve@evil.example>'))
    assert head.sender == "eve@evil.example"


def test_a_header_cannot_bring_lines_or_invisible_characters_into_a_page():
    head = read_head(
        email(
            subject="=?utf-8?b?" + base64.b64encode("a\r\nBcc: x\u202eb\0".encode()).decode() + "?="
        )
    )
    assert head.subject == "a Bcc: xb"


# --- text -----------------------------------------------------------------------------------------


def alternatives(plain, html):
    return email(
        multipart(
            ("Content-Type: text/plain; charset=utf-8", plain),
            ("Content-Type: text/html; charset=utf-8", html),
            kind="alternative",
        ),
        content_type='multipart/alternative; boundary="b1"',
    )


def test_plain_text_is_preferred_to_html():
    assert read_text(alternatives("plain", "<p>markup</p>")) == "plain"


def test_html_becomes_text_without_markup_scripts_and_styles():
    html = (
        "<html><style>p {color: red}</style><script>alert(1)</script><p>acme-big-1 retires</p>"
        '<img src="https://evil.example/pixel"><a href="javascript:alert(1)">April 8, 2027</a>'
    )
    assert read_text(alternatives(" ", html)) == "acme-big-1 retires\nApril 8, 2027"


def test_attachments_and_attached_emails_are_not_read():
    body = multipart(
        ("Content-Type: text/plain", "See attachment."),
        ("Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt", "SECRET"),
        ("Content-Type: text/plain; name=b.txt", "SECRET"),
        ("Content-Type: application/pdf\nContent-Transfer-Encoding: base64", "U0VDUkVU"),
        ("Content-Type: message/rfc822", "From: a@b.example\n\nSECRET"),
    )
    raw = email(body, content_type="multipart/mixed; boundary=b1")
    assert read_text(raw) == "See attachment."


def test_an_email_with_attachments_only_says_what_to_do():
    body = multipart(("Content-Type: application/pdf", "%PDF"))
    with pytest.raises(UnreadableMessageError, match="Attachments are not read"):
        read_text(email(body, content_type="multipart/mixed; boundary=b1"))


@pytest.mark.parametrize(
    ("charset", "content", "expected"),
    [
        ("iso-8859-1", "Rückzug".encode("latin-1"), "Rückzug"),
        ("utf-16", "Rückzug".encode("utf-16"), "Rückzug"),
        ("no-such-charset", "Rückzug".encode(), "Rückzug"),
        ("utf-8", b"a\xff\xfeb", "a��b"),
        ("unicode_escape", b"\\u202e", "\\u202e"),
        ("idna", b"xn--a", "xn--a"),
        ("zlib", b"abc", "abc"),
        ("utf-8", b"a\x00b\x1b[31mc\xe2\x80\xaed", "ab[31mcd"),
        ("utf-7", b"+2AA-x", "�x"),
    ],
)
def test_every_character_set_becomes_storable_text(charset, content, expected):
    encoded = base64.b64encode(content)
    raw = email(
        encoded,
        content_type=f"text/plain; charset={charset}",
        headers=("Content-Transfer-Encoding: base64",),
    )
    text = read_text(raw)
    assert text.encode()
    assert "\0" not in text
    assert text.replace("\ufffd\ufffd", "\ufffd") == expected.replace("\ufffd\ufffd", "\ufffd")


# --- limits ---------------------------------------------------------------------------------------


def test_an_email_above_the_limit_is_rejected():
    with pytest.raises(UnreadableMessageError, match="larger than 1 MiB"):
        read_head(b"x" * (MAX_MESSAGE_BYTES + 1))


def test_a_header_above_the_limit_is_rejected():
    with pytest.raises(UnreadableMessageError, match="header of the email is larger"):
        read_head(email(headers=(f"X-Long: {'x' * MAX_HEAD_BYTES}",)))


def test_the_number_of_parts_is_limited():
    body = multipart(*[("Content-Type: text/plain", "x")] * 60)
    with pytest.raises(UnreadableMessageError, match="more than 50 parts"):
        read_text(email(body, content_type="multipart/mixed; boundary=b1"))


@pytest.mark.parametrize("depth", [12, 400, 20_000])
def test_the_depth_of_parts_is_limited_in_bounded_time(depth):
    parts = [
        f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n".encode()
        for n in range(depth)
    ]
    raw = email(b"".join(parts), content_type="multipart/mixed; boundary=b0")[:MAX_MESSAGE_BYTES]
    started = time.monotonic()
    with pytest.raises(UnreadableMessageError):
        read_text(raw)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "head",
    [
        f"Content-Type: text/plain; {';'.join(['"'] * 30_000)}",
        f"Content-Disposition: inline; {'a*0=b;' * 30_000}",
    ],
)
def test_a_header_of_a_part_that_is_slow_to_read_is_rejected(head):
    body = multipart((head, "x"))
    started = time.monotonic()
    with pytest.raises(UnreadableMessageError, match="malformed"):
        read_text(email(body, content_type="multipart/mixed; boundary=b1"))
    assert time.monotonic() - started < 5


def test_a_long_text_is_cut():
    assert len(read_text(email("ab " * 60_000))) == 100_000


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_rejected(raw):
    for read in (read_head, read_text):
        with contextlib.suppress(UnreadableMessageError):
            read(raw)


PIECES = st.sampled_from(
    [
        b"From: a@b.example\n",
        b"Content-Type: multipart/mixed; boundary=x\n",
        b"Content-Type: text/plain; charset=\xff\n",
        b"Content-Type: text/html; charset*=utf-8''%00\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: uuencode\n",
        b"Content-Disposition: inline; filename*1*=%ff'x'\n",
        b"Subject: =?utf-7?b?+2AA-?= =?x?q?=FF?=\n",
        b"\n",
        b"--x\n",
        b"--x--\n",
        b"begin 644 a\n",
        b"=3D=FF=\n",
        b"<p>&#0;&#x110000;<!--\n",
        b"\x00\r\x80\xed\xa0\x80",
    ]
)


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=25))
def test_any_order_of_hostile_pieces_is_read_or_rejected(pieces):
    raw = b"".join(pieces)
    for read in (read_head, read_text):
        with contextlib.suppress(UnreadableMessageError):
            read(raw)

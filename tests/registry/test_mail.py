"""Mail into a folder: whole files that any mail program reads."""

import email
import email.policy
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, mailers
from django.test import override_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def send(folder: Path, *messages: EmailMultiAlternatives) -> int:
    with override_settings(
        MAILERS={
            "default": {
                "BACKEND": "apps.common.email_backend.EmlFileBackend",
                "OPTIONS": {"folder": str(folder)},
            }
        }
    ):
        return int(mailers.default.send_messages(list(messages)) or 0)


def message(to: str = "ada@example.org") -> EmailMultiAlternatives:
    made = EmailMultiAlternatives(
        "Modell läuft aus", "Text – ü", "registry@example.org", [to] if to else []
    )
    made.attach_alternative("<p>Text – ü</p>", "text/html")
    made.extra_headers["Message-ID"] = "<stable@registry>"
    return made


def test_each_message_is_one_parsable_file(folder: Path) -> None:
    assert send(folder, message(), message("bob@example.org")) == 2

    files = sorted(folder.glob("*.eml"))
    assert len(files) == 2
    read = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files
    ]
    assert [str(one["To"]) for one in read] == ["ada@example.org", "bob@example.org"]
    assert str(read[0]["Subject"]) == "Modell läuft aus"
    assert str(read[0]["Message-ID"]) == "<stable@registry>"
    text = read[0].get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "Text – ü"
    assert b"\r\n" in files[0].read_bytes()
    assert sorted(path.suffix for path in folder.iterdir()) == [".eml", ".eml"]


def test_a_message_to_nobody_is_not_written(folder: Path) -> None:
    assert send(folder, message(to="")) == 0
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_an_error_and_not_a_lost_message(folder: Path) -> None:
    folder.write_text("a file in the way")

    with pytest.raises(OSError, match="mail"):
        send(folder, message())

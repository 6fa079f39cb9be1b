"""Email backend of the demo: writes each message as an RFC 5322 file into a folder."""

import os
import secrets
from collections.abc import Sequence
from email.message import EmailMessage as Rfc5322Message
from email.policy import SMTP
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class EmlFileBackend(BaseEmailBackend):
    """Writes `<time>-<random>.eml`, atomically: no incomplete file is ever visible."""

    def __init__(self, *, folder: str | Path = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not folder:
            raise InvalidMailer("OPTIONS must define 'folder'.", alias=kwargs.get("alias"))
        self.folder = Path(folder)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write the messages and return their number. Raises OSError if one cannot be written, as
        SMTP would; the messages before it stay delivered."""
        n_sent = 0
        for message in email_messages:
            if message.recipients():
                self._write(message.message(policy=SMTP))
                n_sent += 1
        return n_sent

    def _write(self, message: Rfc5322Message) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{timezone.now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        draft = self.folder / f".{name}.part"
        try:
            with draft.open("xb") as out:
                out.write(message.as_bytes())
                out.flush()
                os.fsync(out.fileno())
            draft.rename(self.folder / f"{name}.eml")
        finally:
            draft.unlink(missing_ok=True)

"""Flash messages after a change: a sentence, and the URL where the change can be undone."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest
from django.urls import reverse

_UNDO_TAG = "undo="


@dataclass(frozen=True, slots=True)
class FlashMessage:
    """Flash message; `undo` is a URL to POST to, or empty."""

    sentence: str
    is_refusal: bool
    undo: str


def flash_success(request: HttpRequest, sentence: str, *, undo: UUID | str | None = None) -> None:
    """Show a message once on the next page or fragment. `undo` is a change of the inventory, or a
    URL to POST to."""
    address = reverse("changes:undo", args=[undo]) if isinstance(undo, UUID) else undo
    messages.success(request, sentence, extra_tags=f"{_UNDO_TAG}{address}" if address else "")


def flash_error(request: HttpRequest, sentence: str) -> None:
    messages.error(request, sentence)


def read_flash_message(message: Message) -> FlashMessage:
    """Return a message of `flash_success` or `flash_error` as it is shown."""
    tags = message.extra_tags or ""
    return FlashMessage(
        sentence=str(message.message),
        is_refusal=message.level >= messages.ERROR,
        undo=tags.removeprefix(_UNDO_TAG) if tags.startswith(_UNDO_TAG) else "",
    )

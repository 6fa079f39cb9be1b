"""What a page says after a change: a sentence, and where one can take the change back."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest
from django.urls import reverse

_UNDO = "undo="


@dataclass(frozen=True, slots=True)
class Said:
    """`undo` is an address to POST to, or empty."""

    sentence: str
    is_refusal: bool
    undo: str


def say(request: HttpRequest, sentence: str, *, undo: UUID | str | None = None) -> None:
    """Shown once on the next page or fragment. `undo` is a change of the inventory, or an address
    to POST to."""
    address = reverse("changes:undo", args=[undo]) if isinstance(undo, UUID) else undo
    messages.success(request, sentence, extra_tags=f"{_UNDO}{address}" if address else "")


def refuse(request: HttpRequest, sentence: str) -> None:
    messages.error(request, sentence)


def said(message: Message) -> Said:
    """How a message of `say` or `refuse` is shown."""
    tags = message.extra_tags or ""
    return Said(
        sentence=str(message.message),
        is_refusal=message.level >= messages.ERROR,
        undo=tags.removeprefix(_UNDO) if tags.startswith(_UNDO) else "",
    )

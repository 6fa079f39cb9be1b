"""Items of a message to a channel: what happened, to which applications, by when, as plain text.
Each service escapes it in its own way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apps.alerts.delivery.digest.builder import GROUP_GUIDANCE
from apps.alerts.delivery.digest.parts import DigestItem
from apps.alerts.models import Alert
from apps.alerts.text import long_day, one_line

# Applications that an item names; the rest is counted.
MAX_APPLICATIONS = 4
MAX_LINE = 600
# More alerts than this have no buttons: their IDs would not fit into one.
MAX_ALERTS_OF_ITEM = 100


@dataclass(frozen=True, slots=True)
class MessageItem:
    """One fact of a message. `lines` are whole sentences; `alert_ids` are the alerts that a button
    responds to, empty if there are none or too many."""

    title: str
    url: str
    severity: str
    lines: tuple[str, ...]
    alert_ids: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        return len(self.title) + sum(len(line) for line in self.lines)


_SEVERITIES = dict(Alert.SEVERITIES)


def to_message_item(item: DigestItem, open_ids: frozenset[int]) -> MessageItem:
    """Return the item of an email as one of a channel. `open_ids` are the alerts of the message
    that need a response."""
    item = item.cut_to(MAX_APPLICATIONS)
    lines = [item.what]
    if item.applications:
        lines.append(item.application_sentence)
        lines += [line.details for line in item.applications if line.details]
    lines += [item.details, item.warning, item.replacement_sentence, item.note]
    if item.on is not None and long_day(item.on) not in " ".join(lines):
        lines.append(f"Date: {long_day(item.on)}.")
    if item.group in GROUP_GUIDANCE:
        lines.append(GROUP_GUIDANCE[item.group][1])
    alert_ids = tuple(pk for pk in item.alert_ids if pk in open_ids)
    return MessageItem(
        title=one_line(item.title, max_length=200),
        url=item.url,
        severity=_SEVERITIES.get(item.severity, "Info"),
        lines=tuple(one_line(line, max_length=MAX_LINE) for line in lines if line)[:8],
        alert_ids=alert_ids if len(alert_ids) <= MAX_ALERTS_OF_ITEM else (),
    )


def fit_items(
    items: Sequence[MessageItem],
    *,
    max_items: int,
    fits: Callable[[Sequence[MessageItem]], bool],
) -> tuple[Sequence[MessageItem], int]:
    """Return the first items that fit into one message, at least one, and the number of others."""
    n = min(len(items), max_items)
    while n > 1 and not fits(items[:n]):
        n -= 1
    return items[:n], len(items) - n

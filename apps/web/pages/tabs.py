"""Tabs of a page: each has its own address (`?tab=`) and loads only what it shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Tab[D]:
    """One tab. `load` returns the context of its template from the data of the page; `anchors` are
    the sections on it, also by names that earlier links use."""

    name: str
    label: str
    template: str
    load: Callable[[D], Mapping[str, Any]]
    anchors: tuple[str, ...] = ()


def load_tabs[D](
    request: HttpRequest,
    tabs: Sequence[Tab[D]],
    data: D,
    *,
    selected: str = "",
    counts: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the context of the tab that the URL selects, otherwise the first; `?print=all` selects
    all of them. `selected` is a tab that is shown instead, `counts` are numbers beside the
    labels."""
    name = selected or request.GET.get("tab", "")
    tab = next((tab for tab in tabs if tab.name == name), tabs[0])
    is_printed = request.GET.get("print") == "all"
    shown_tabs = tabs if is_printed else (tab,)
    context: dict[str, Any] = {
        "tab": tab,
        "tabs": [(entry, (counts or {}).get(entry.name)) for entry in tabs],
        "shown_tabs": shown_tabs,
        "is_printed": is_printed,
    }
    for shown_tab in shown_tabs:
        context |= shown_tab.load(data)
    return context

"""Lifecycle pages as providers: how each form writes the state of a world down, in Markdown or
HTML.

A page is rendered from blocks: headings, sentences and tables. Forms, headers and words follow the
pages as served; hosts and models are invented. Nothing here says what is right or wrong.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from html import escape
from typing import Any

from tests.histories.feeds import Feed, Shown, Wire, every, irregular
from tests.histories.invented_models import Habits, InventedModels, State

HOST = "acme"
FINE_TUNED = " (fine-tuned)"
N_MODELS = 64
LABS = ("Acme", "Borealis Labs", "Cygnus", "Draco AI", "Equinox")
REGIONS = ("us-east-1, us-west-2, eu-central-1", "ap-south-1, sa-east-1")
# Another header of the same meaning, as providers have put one for another.
SYNONYMS = {
    "Shutdown date": "Retirement date",
    "Retirement date": "End of life",
    "Tentative retirement date": "Retirement date",
    "EOL date": "End-of-life date",
    "Recommended replacement": "Substitute model",
    "Replacement": "Suggested replacement",
    "API model name": "Model ID",
    "Deployment retirement date": "Inference retirement date",
    "Lifecycle": "Lifecycle stage",
}
# A header that says nothing of an end, as after a redesign of the page.
_UNKNOWN_HEADER = "Notes"

type Table = tuple[list[str], list[list[str]]]
type Block = tuple[int, str] | str | Table


@dataclass(frozen=True, slots=True)
class PageForm:
    """One form of a lifecycle page. `blocks` lays out the rows; `settings` is the mapping of the
    source. `shows_stage` and `shows_announcement`: what a reader of the page sees of a model beside
    its end."""

    name: str
    blocks: Callable[[Sequence[Shown], datetime], list[Block]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    shows_stage: bool = False
    shows_announcement: bool = False
    # All rows of the page are of models that end.
    all_ending: bool = False
    only_ending: bool = False
    drops_ended: bool = False
    is_html: bool = False
    dress: Callable[[InventedModels], None] | None = None

    def seen(self, state: State) -> State:
        """The state as far as the page shows it."""
        if not self.shows_announcement:
            state = replace(state, announced_on=None)
        if self.all_ending:
            return replace(state, status="deprecated")
        return state if self.shows_stage else replace(state, status="active")

    def lists(self, state: State, at: datetime) -> bool:
        """Whether the page has a row for a model in this state."""
        ended = state.retires_on is not None and state.retires_on < at.date() and not state.soft
        return not (self.drops_ended and ended)

    def section(self, state: State, number: int) -> str:
        """The heading of the table that has the row, where tables are of fixed groups."""
        if state.name.endswith(FINE_TUNED):
            return "Fine-tuned models"
        return LABS[number % len(LABS)]

    def feed(self) -> Feed:
        """The page in the place of a feed."""

        def render(rows: Sequence[Shown], debris: Sequence[Wire], at: datetime) -> bytes:
            blocks = self.blocks(rows, at)
            styles = frozenset[str]().union(*(shown.style for shown in rows))
            text = _html(blocks, styles, at) if self.is_html else _markdown(blocks, styles, at)
            return text.encode()

        return Feed(
            f"page-{self.name}",
            render,
            irregular if self.is_html else every(12),
            ((HOST, N_MODELS),),
            Habits(
                days=120,
                lead_days=(15, 120),
                announced=24,
                already=10,
                silent=0 if self.only_ending else 4,
                prices=0,
                discounts=0,
                scheduled=0,
                floating=0,
                promises=6 if self.shows_stage else 0,
                rekeys=2,
                releases=3,
                notices_stay=self.only_ending,
            ),
            dates=True,
            soft=True,
            only_ending=self.only_ending,
            # the host can extend a date on its day
            lists_served=True,
        )


# --- cells ----------------------------------------------------------------------------------------


def written_day(day: date, number: int, at: datetime) -> str:
    """A day as pages write it; each row keeps its way."""
    match number % 4:
        case 0:
            return day.isoformat().replace("-", "\u2011")
        case 1:
            return f"{day:%B} {day.day}, {day.year}"
        case 2:
            return f"{day:%b} {day.day}, {day.year}"
        case _:
            return day.isoformat()


def _end(
    shown: Shown, at: datetime, *, none: str = "\u2014", earliest: str = "No earlier than "
) -> str:
    day = shown.state.retires_on
    if day is None:
        return none
    text = written_day(day, shown.model.number, at)
    return earliest + text if shown.state.soft else text


def _announced(shown: Shown, at: datetime) -> str:
    day = shown.state.announced_on
    return "N/A" if day is None else written_day(day, shown.model.number, at)


def _id(shown: Shown) -> str:
    return f"`{shown.state.name}`"


def _replacement(shown: Shown) -> str:
    return "`atlas-9-9-next`" if shown.state.retires_on else "\u2014"


def _headers(headers: Sequence[str], rows: Iterable[Shown]) -> list[str]:
    """The headers in the style of the rows below."""
    styles = frozenset[str]().union(*(shown.style for shown in rows))
    names = list(headers)
    if "synonyms" in styles:
        names = [SYNONYMS.get(name, name) for name in names]
    if "lost-end" in styles:
        ends = {"Shutdown date", "Retirement date", "Tentative retirement date", "EOL date"}
        names = [
            _UNKNOWN_HEADER if header in ends else name
            for header, name in zip(headers, names, strict=True)
        ]
    return names


def _table(
    headers: Sequence[str], rows: Sequence[Shown], cells: Callable[[Shown], list[str]]
) -> Table:
    """A table of the rows, and of the older notice of a row that stands twice."""
    lines = []
    for shown in rows:
        lines.append(cells(shown))
        if "twice" in shown.style and shown.state.retires_on:
            older = replace(
                shown.state,
                retires_on=shown.state.retires_on - timedelta(days=45),
                announced_on=shown.state.announced_on
                and shown.state.announced_on - timedelta(days=90),
            )
            lines.append(cells(Shown(shown.model, older)))
    names = _headers(headers, rows)
    if any("other-order" in shown.style for shown in rows):
        names, lines = names[::-1], [line[::-1] for line in lines]
    return names, lines


def _by_section(rows: Sequence[Shown], form: str) -> dict[str, list[Shown]]:
    sections: dict[str, list[Shown]] = defaultdict(list)
    for shown in rows:
        sections[FORMS[form].section(shown.state, shown.model.number)].append(shown)
    return dict(sorted(sections.items()))


# --- forms ----------------------------------------------------------------------------------------


def _notices(rows: Sequence[Shown], at: datetime) -> list[Block]:
    """A table a notice, those that are over in a section of their own."""
    notices: dict[tuple[bool, str], list[Shown]] = defaultdict(list)
    for shown in rows:
        state = shown.state
        is_past = state.retires_on is not None and state.retires_on < at.date() and not state.soft
        announced = str(state.announced_on or "2025-01-01")
        notices[is_past, announced].append(shown)
    blocks: list[Block] = [(1, "Deprecations"), "Models that end, with their replacements."]
    for is_past, title in ((False, "Upcoming deprecations"), (True, "Past deprecations")):
        blocks.append((2, title))
        for (past, announced), group in sorted(notices.items(), reverse=True):
            if past is not is_past:
                continue
            blocks += [
                (3, f"{announced}: {group[0].state.name}"),
                f"On {announced}, we notified developers using these models.",
                _table(
                    ("Shutdown date", "Model / system", "Recommended replacement"),
                    group,
                    lambda shown: [_end(shown, at), _id(shown), _replacement(shown)],
                ),
            ]
    return blocks


_STATES = {"active": "Active", "deprecated": "Deprecated", "retired": "Retired"}


def _states(rows: Sequence[Shown], at: datetime) -> list[Block]:
    """One table of all models with their states."""

    def cells(shown: Shown) -> list[str]:
        day, status = shown.state.retires_on, shown.state.status
        if day is not None and day <= at.date() and not shown.state.soft:
            status = "retired"
        return [
            _id(shown),
            _STATES[status],
            _announced(shown, at),
            _end(shown, at, none="N/A", earliest="Not sooner than "),
        ]

    headers = ("API model name", "Current state", "Deprecated", "Tentative retirement date")
    if any("lost-announcement" in shown.style for shown in rows):
        shorter = (headers[0], headers[1], headers[3])
        table = _table(shorter, rows, lambda shown: [cells(shown)[n] for n in (0, 1, 3)])
    else:
        table = _table(headers, rows, cells)
    return [(1, "Model deprecations"), (2, "Model status"), "All models and their states.", table]


def _labs(rows: Sequence[Shown], at: datetime) -> list[Block]:
    """A table for each lab, and one of fine-tuned models with two phases."""

    def cells(shown: Shown) -> list[str]:
        model, version = _divided(shown.state.name)
        lifecycle = "GA" if shown.state.status == "active" else "Deprecated"
        return [model, version or "1", lifecycle, _end(shown, at), _replacement(shown)]

    def phases(shown: Shown) -> list[str]:
        model, version = _divided(shown.state.name.removesuffix(FINE_TUNED))
        day = shown.state.retires_on
        training = (
            f"No earlier than {written_day(day - timedelta(days=365), shown.model.number, at)}"
            if day
            else "At base model retirement"
        )
        return [
            model,
            version or "1",
            training,
            _end(shown, at, none="One year after training retirement"),
        ]

    blocks: list[Block] = [(1, "Model retirement schedule"), (2, "Models sold by Acme")]
    for title, group in _by_section(rows, "labs").items():
        blocks.append((3, title))
        if title == "Fine-tuned models":
            headers = ("Model", "Version", "Training retirement date", "Deployment retirement date")
            blocks.append(_table(headers, group, phases))
        else:
            headers_of_lab = ("Model", "Version", "Lifecycle", "Retirement date", "Replacement")
            blocks.append(_table(headers_of_lab, group, cells))
    return blocks


def _divided(name: str) -> tuple[str, str]:
    """(model, version) of `atlas-3-5-amber-2026-01-05`."""
    is_dated = len(name) > 11 and name[-10:-6].isdigit() and name[-11] == "-"
    return (name[:-11], name[-10:]) if is_dated else (name, "")


def _dress_labs(world: InventedModels) -> None:
    """Most models have a version that is a date; some are fine-tuned ones."""
    for model in world.models:
        if model.number % 3:
            version = date(2025, 1 + model.number % 12, 1 + model.number % 28)
            model.first = replace(model.first, name=f"{model.first.name}-{version}")
        if model.number % 7 == 0:
            model.first = replace(model.first, name=f"{model.first.name}{FINE_TUNED}")


def _regions(rows: Sequence[Shown], at: datetime) -> list[Block]:
    """A table of legacy models; every fourth has a second row for other regions, which end before
    the rest."""
    lines = []
    for shown in rows:
        day = shown.state.retires_on
        legacy = day - timedelta(days=120) if day else None
        parts = [(day, "All regions")]
        if shown.model.number % 4 == 0 and day is not None:
            parts = [(day - timedelta(days=14), REGIONS[1]), (day, REGIONS[0])]
        for part, regions in parts:
            if len(parts) > 1 and part is not None and part < at.date() and not shown.state.soft:
                # the row of a region that has ended leaves
                continue
            text = "\u2014" if part is None else f"{part.month}/{part.day}/{part.year}"
            lines.append(
                [
                    "Acme",
                    shown.state.name.title(),
                    _id(shown),
                    regions,
                    f"{legacy.month}/{legacy.day}/{legacy.year}" if legacy else "\u2014",
                    f"No sooner than {text}" if shown.state.soft and part else text,
                ]
            )
    headers = ("Model provider", "Model name", "Model ID", "Regions", "Legacy date", "EOL date")
    names = _headers(headers, rows)
    if any("other-order" in shown.style for shown in rows):
        names, lines = names[::-1], [line[::-1] for line in lines]
    return [(1, "Model lifecycle"), (2, "Legacy versions"), (names, lines)]


def _families(rows: Sequence[Shown], at: datetime) -> list[Block]:
    """A table for each family, divided by a row that names no model."""

    def cells(shown: Shown) -> list[str]:
        return [
            _id(shown) if shown.model.number % 2 else shown.state.name,
            written_day(shown.model.released_on, shown.model.number, at),
            _end(shown, at, none="No shutdown date announced", earliest="Earliest "),
            _replacement(shown),
        ]

    headers = ("**Model**", "Release date", "Shutdown date", "Recommended replacement")
    blocks: list[Block] = [(1, "Deprecations"), "Last updated 2026-05-30 UTC."]
    for title, group in _by_section(rows, "families").items():
        names, lines = _table(headers, group, cells)
        middle = len(lines) // 2
        divider = ["Preview models", *[""] * (len(names) - 1)]
        if not any("other-order" in shown.style for shown in group):
            lines = [*lines[:middle], divider, *lines[middle:]]
        blocks += [(2, title), (names, lines)]
    return blocks


FORMS: dict[str, PageForm] = {
    form.name: form
    for form in (
        PageForm(
            "notices",
            _notices,
            {
                "stages": {
                    "Upcoming deprecations": "deprecated",
                    "Past deprecations": "retired",
                }
            },
            shows_announcement=True,
            all_ending=True,
            only_ending=True,
        ),
        PageForm("states", _states, shows_stage=True, shows_announcement=True),
        PageForm(
            "labs",
            _labs,
            {"announced_from": []},
            shows_stage=True,
            is_html=True,
            dress=_dress_labs,
        ),
        PageForm(
            "regions",
            _regions,
            {
                "tables": [{"headers": ["Legacy date"], "stage": "legacy"}],
                "dates": {"order": "month_first"},
                "announced_from": [],
            },
            all_ending=True,
            only_ending=True,
            drops_ended=True,
            is_html=True,
        ),
        PageForm("families", _families, {"announced_from": []}),
    )
}


# --- as Markdown and HTML -------------------------------------------------------------------------


def _arranged(blocks: list[Block], styles: frozenset[str]) -> list[Block]:
    """The blocks, in a page that was put into other sections if the style says so."""
    if "other-sections" not in styles:
        return blocks
    return [
        blocks[0],
        (2, "Lifecycle of models"),
        *(
            (min(6, block[0] + 1), block[1]) if _is_heading(block) else block
            for block in blocks[1:]
        ),
    ]


def _is_heading(block: Block) -> bool:
    return isinstance(block, tuple) and isinstance(block[0], int)


def _markdown(blocks: list[Block], styles: frozenset[str], at: datetime) -> str:
    parts = [f"<!-- built {at.isoformat()} -->"]
    for block in _arranged(blocks, styles):
        if isinstance(block, str):
            parts.append(block)
        elif isinstance(block[0], int):
            parts.append(f"{'#' * block[0]} {block[1]}")
        else:
            headers, rows = block
            lines = [headers, ["---"] * len(headers), *rows]
            parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join(parts) + "\n\nQuestions? Write to support.\n"


def _html(blocks: list[Block], styles: frozenset[str], at: datetime) -> str:
    parts = [
        "<!DOCTYPE html><html><head><title>Lifecycle</title></head><body>"
        f"<nav>Docs</nav><main><!-- {at.isoformat()} -->"
    ]
    for block in _arranged(blocks, styles):
        if isinstance(block, str):
            parts.append(f"<p>{escape(block)}</p>")
        elif isinstance(block[0], int):
            parts.append(f"<h{block[0]}>{escape(str(block[1]))}</h{block[0]}>")
        else:
            headers, rows = block
            head = "".join(f"<th><p>{escape(name)}</p></th>" for name in headers)
            body = "".join(
                "<tr>" + "".join(f"<td>{_html_cell(cell)}</td>" for cell in row) + "</tr>\n"
                for row in rows
            )
            parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return "\n".join(parts) + "</main></body></html>\n"


def _html_cell(text: str) -> str:
    if text.startswith("`"):
        return f"<code>{escape(text.strip('`'))}</code>"
    return escape(text)

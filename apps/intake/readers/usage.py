"""Usage reports as CSV, as gateways, clouds and home-made reports export them: one row per day,
application and model.

Columns are found by their headers, in any order: date, application, model and requests are
required; provider, environment, input_tokens, output_tokens, cost and currency are optional. Costs
are US dollars: the registry converts no currencies."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from apps.intake.documents.records import (
    DailyUsage,
    Document,
    ReportedUsage,
    Sighting,
    SkippedPart,
    UnreadableError,
    clean,
)
from apps.intake.models import Confidence
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    fold_word,
    is_empty_text,
    parse_amount,
    parse_day,
    parse_whole_number,
    text_of,
)
from apps.intake.spreadsheets.files.detection import open_book
from apps.intake.spreadsheets.files.tables import Cell

MAX_ROWS = 200_000
MAX_CALLS, MAX_TOKENS = 10**12, 10**15
# titles are looked for in so many rows
_HEAD_ROWS = 20
_TITLES: Mapping[str, tuple[str, ...]] = {
    "date": ("date", "day", "usagedate", "datum", "tag"),
    "application": (
        "application",
        "app",
        "applicationname",
        "service",
        "servicename",
        "project",
        "anwendung",
    ),
    "environment": ("environment", "env", "umgebung"),
    "model": ("model", "modelid", "modelname", "deployment", "modell"),
    "provider": ("provider", "host", "vendor", "providername", "anbieter"),
    "requests": (
        "requests",
        "calls",
        "nrequests",
        "numrequests",
        "requestcount",
        "count",
        "anfragen",
    ),
    "input": ("inputtokens", "prompttokens", "tokensin", "inputtokencount"),
    "output": ("outputtokens", "completiontokens", "tokensout", "outputtokencount"),
    "cost": ("cost", "costusd", "spend", "amount", "totalcost", "kosten"),
    "currency": ("currency", "costcurrency", "waehrung", "währung"),
}
_NEEDED = ("date", "application", "model", "requests")
_DOLLARS = {"", "usd", "us$", "$"}
# who separates by semicolons writes a comma before decimals
_MANNERS = {True: SheetConventions(decimal_mark=","), False: SheetConventions(decimal_mark=".")}

type _Names = tuple[str, str, str, str]


def read_usage(body: bytes) -> Document:
    document = Document(maker="", is_complete=False)
    columns: dict[str, int] = {}
    sums: dict[_Names, dict[date, DailyUsage]] = {}
    other_currencies: Counter[str] = Counter()
    n_rows = 0
    book = open_book(body)
    manners = _MANNERS["semicolons" in book.about]
    for number, cells in book.tables[0].rows():
        if not columns:
            columns = _columns(cells)
            if not columns and number > _HEAD_ROWS:
                break
            continue
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise UnreadableError(
                f"The file has more than {MAX_ROWS:,} rows. Send each month separately."
            )
        try:
            names, on, counted = _row(cells, columns, manners, other_currencies)
        except InvalidCellError as bad:
            document.rejected.append(SkippedPart(f"row {number}", str(bad)))
            continue
        days = sums.setdefault(names, {})
        days[on] = _sum(days[on], counted) if on in days else counted
    if not columns:
        raise UnreadableError(
            "The file has no header row with date, application, model and requests. Use these "
            "names; provider, environment, input_tokens, output_tokens, cost and currency are "
            "optional."
        )
    for currency, n in sorted(other_currencies.items()):
        document.ignored.append(
            SkippedPart(
                "cost",
                f"{n:,} costs in {currency} are ignored, because the registry records US dollars "
                "and does not convert currencies.",
            )
        )
    for (application, environment, model, provider), days in sums.items():
        said = Sighting(
            requested=model,
            provider=provider,
            service=application,
            environment=environment,
            confidence=Confidence.GATEWAY_LOG,
        )
        document.usage.append(ReportedUsage(said, days))
    return document


def _columns(cells: list[Cell]) -> dict[str, int]:
    """Return {field: its column}; empty if the row is not a row of headers."""
    titles = [fold_word(text_of(cell)) for cell in cells]
    found = {
        what: next((titles.index(spelled) for spelled in spellings if spelled in titles), -1)
        for what, spellings in _TITLES.items()
    }
    return (
        {}
        if any(found[what] < 0 for what in _NEEDED)
        else {what: at for what, at in found.items() if at >= 0}
    )


def _row(
    cells: list[Cell],
    columns: Mapping[str, int],
    manners: SheetConventions,
    other_currencies: Counter[str],
) -> tuple[_Names, date, DailyUsage]:
    def cell(what: str) -> Cell:
        at = columns.get(what, -1)
        return cells[at] if 0 <= at < len(cells) and not is_empty_text(cells[at]) else None

    model = clean(text_of(cell("model")))
    if not model:
        raise InvalidCellError("No model is stated.")
    if cell("date") is None or cell("requests") is None:
        raise InvalidCellError("The row has no date or no number of requests.")
    on = parse_day(cell("date"), manners)
    n_calls = parse_whole_number(cell("requests"), manners, most=MAX_CALLS)
    tokens = [
        None if cell(what) is None else parse_whole_number(cell(what), manners, most=MAX_TOKENS)
        for what in ("input", "output")
    ]
    cost = None
    currency = text_of(cell("currency")).upper()
    if cell("cost") is not None and currency.lower() not in _DOLLARS:
        other_currencies[clean(currency, 12)] += 1
    elif cell("cost") is not None:
        cost = parse_amount(cell("cost"), manners, digits=18, places=10)
    names = (
        clean(text_of(cell("application"))),
        clean(text_of(cell("environment")), 60),
        model,
        clean(text_of(cell("provider")), 120),
    )
    return names, on, DailyUsage(n_calls, tokens[0], tokens[1], cost)


def _sum(one: DailyUsage, other: DailyUsage) -> DailyUsage:
    return DailyUsage(
        one.n_calls + other.n_calls,
        _plus(one.input_tokens, other.input_tokens),
        _plus(one.output_tokens, other.output_tokens),
        _plus(one.cost_usd, other.cost_usd),
    )


def _plus[N: (int, Decimal)](one: N | None, other: N | None) -> N | None:
    return other if one is None else one if other is None else one + other

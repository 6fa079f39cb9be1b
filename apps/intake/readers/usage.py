"""Usage reports as CSV, as gateways, clouds and scripts export them: one row per day, application
and model.

Columns are matched by their headers, in any order: date, application, model and requests are
required; provider, environment, input_tokens, output_tokens, cost and currency are optional. Costs
are US dollars: the registry does not convert currencies."""

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
# the header row is looked for in the first rows only
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
_REQUIRED_FIELDS = ("date", "application", "model", "requests")
_DOLLARS = {"", "usd", "us$", "$"}
# by whether semicolons separate the columns: such files have a decimal comma
_CONVENTIONS = {True: SheetConventions(decimal_mark=","), False: SheetConventions(decimal_mark=".")}

type _Names = tuple[str, str, str, str]


def read_usage(body: bytes) -> Document:
    """Read a usage report: a table with one row per application, environment, model, provider and
    day. Rows of the same day are added up. Raises UnreadableError without a header row or with too
    many rows."""
    document = Document(maker="", is_complete=False)
    columns: dict[str, int] = {}
    sums: dict[_Names, dict[date, DailyUsage]] = {}
    other_currencies: Counter[str] = Counter()
    n_rows = 0
    book = open_book(body)
    conventions = _CONVENTIONS["semicolons" in book.about]
    for number, cells in book.tables[0].rows():
        if not columns:
            columns = _find_columns(cells)
            if not columns and number > _HEAD_ROWS:
                break
            continue
        n_rows += 1
        if n_rows > MAX_ROWS:
            raise UnreadableError(
                f"The file has more than {MAX_ROWS:,} rows. Send each month separately."
            )
        try:
            names, day, usage = _parse_row(cells, columns, conventions, other_currencies)
        except InvalidCellError as error:
            document.rejected.append(SkippedPart(f"row {number}", str(error)))
            continue
        days = sums.setdefault(names, {})
        days[day] = _add_usage(days[day], usage) if day in days else usage
    if not columns:
        raise UnreadableError(
            "The file has no header row with date, application, model and requests. Use these "
            "names; provider, environment, input_tokens, output_tokens, cost and currency are "
            "optional."
        )
    for currency, n_costs in sorted(other_currencies.items()):
        document.ignored.append(
            SkippedPart(
                "cost",
                f"{n_costs:,} costs in {currency} are ignored, because the registry records US "
                "dollars and does not convert currencies.",
            )
        )
    for (application, environment, model, provider), days in sums.items():
        sighting = Sighting(
            requested=model,
            provider=provider,
            service=application,
            environment=environment,
            confidence=Confidence.GATEWAY_LOG,
        )
        document.usage.append(ReportedUsage(sighting, days))
    return document


def _find_columns(cells: list[Cell]) -> dict[str, int]:
    """Return {field: position of its column}; empty if the row is not the header row."""
    titles = [fold_word(text_of(cell)) for cell in cells]
    positions = {
        field: next((titles.index(spelled) for spelled in spellings if spelled in titles), -1)
        for field, spellings in _TITLES.items()
    }
    return (
        {}
        if any(positions[field] < 0 for field in _REQUIRED_FIELDS)
        else {field: column for field, column in positions.items() if column >= 0}
    )


def _parse_row(
    cells: list[Cell],
    columns: Mapping[str, int],
    conventions: SheetConventions,
    other_currencies: Counter[str],
) -> tuple[_Names, date, DailyUsage]:
    """Return (names, day, usage) of a row. Raises InvalidCellError. Costs in other currencies than
    US dollars are left out and counted in `other_currencies`."""

    def cell(field: str) -> Cell:
        column = columns.get(field, -1)
        return (
            cells[column] if 0 <= column < len(cells) and not is_empty_text(cells[column]) else None
        )

    model = clean(text_of(cell("model")))
    if not model:
        raise InvalidCellError("No model is stated.")
    if cell("date") is None or cell("requests") is None:
        raise InvalidCellError("The row has no date or no number of requests.")
    day = parse_day(cell("date"), conventions)
    n_calls = parse_whole_number(cell("requests"), conventions, maximum=MAX_CALLS)
    tokens = [
        None
        if cell(field) is None
        else parse_whole_number(cell(field), conventions, maximum=MAX_TOKENS)
        for field in ("input", "output")
    ]
    cost = None
    currency = text_of(cell("currency")).upper()
    if cell("cost") is not None and currency.lower() not in _DOLLARS:
        other_currencies[clean(currency, 12)] += 1
    elif cell("cost") is not None:
        cost = parse_amount(cell("cost"), conventions, digits=18, places=10)
    names = (
        clean(text_of(cell("application"))),
        clean(text_of(cell("environment")), 60),
        model,
        clean(text_of(cell("provider")), 120),
    )
    return names, day, DailyUsage(n_calls, tokens[0], tokens[1], cost)


def _add_usage(left: DailyUsage, right: DailyUsage) -> DailyUsage:
    return DailyUsage(
        left.n_calls + right.n_calls,
        _add_optional(left.input_tokens, right.input_tokens),
        _add_optional(left.output_tokens, right.output_tokens),
        _add_optional(left.cost_usd, right.cost_usd),
    )


def _add_optional[N: (int, Decimal)](left: N | None, right: N | None) -> N | None:
    return right if left is None else left if right is None else left + right

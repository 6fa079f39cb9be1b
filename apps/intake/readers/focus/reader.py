"""Read a FOCUS file row by row, and add it up by day, application, model and kind of charge.

Columns are those of the specification, versions 1.0 to 1.3
(https://github.com/FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec, folder specification/columns, tag
v1.2, read on 29 November 2026): 1.3 renames ProviderName to ServiceProviderName and
HostProviderName, and both are read. LiteLLM writes 1.2
(https://docs.litellm.ai/docs/observability/focus, read on 29 November 2026).

A file can have a million rows, of which only those of AI services count. What is stored is not the
file but its sums: `reduce_focus` makes them, `read_focus` accepts both. Tags, accounts, users and
descriptions are not in them; the account is a digest."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import IO, Any

import orjson

from apps.intake.decompression import GZIP_MARK
from apps.intake.documents.records import (
    BilledCharge,
    Document,
    SkippedPart,
    UnreadableError,
    clean,
)
from apps.intake.readers.focus.names import (
    APPLICATION_TAGS,
    classify_tokens,
    count_tokens,
    fold_tag,
    is_of_gateway,
    list_application_names,
    list_host_names,
    list_model_names,
    names_tokens,
    parse_tags,
)

MIB = 1024 * 1024
MAX_ROWS = 5_000_000
MAX_INFLATED_BYTES = 4 * 1024 * MIB
# sums of one file: what a process holds at once
MAX_CHARGES = 100_000
MAX_LISTED = 1_000
_MAX_COLUMNS, _MAX_CELL = 500, 100_000
_EXACT, _PLACES = Context(prec=60), Decimal("1e-18")
_MAX_NUMBER_LENGTH, _MAX_MAGNITUDE = 60, 15
# of a billing period without an end, so that its default is a date
_LAST_START = date.max - timedelta(days=31)
_REQUIRED_COLUMNS = (
    "BilledCost",
    "EffectiveCost",
    "BillingCurrency",
    "ChargeCategory",
    "ChargePeriodStart",
)
_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
_CORRECTION = "Correction"
# files without the column are of AI services alone
_AI_CATEGORIES = frozenset({"", "AI and Machine Learning"})
# of the subcategories of AI those that can be models; the rest trains and plans
_AI_SUBCATEGORIES = (
    "",
    "AI Platforms",
    "Generative AI",
    "Natural Language Processing",
    "Other (AI and Machine Learning)",
)
TOKEN_KINDS = ("input", "output", "cache_read", "cache_write", "other")
_REDUCED_MARK = b'{"registry_focus":1'
_NOT_FOCUS = (
    "The file is not a FOCUS file: the column {columns} is missing. The first row must have the "
    "column names of the specification, such as BilledCost and ChargePeriodStart. Export the file "
    "as CSV, not as Parquet."
)

# the fields of a charge that its rows share
_KEY_FIELDS = (
    "applications",
    "models",
    "hosts",
    "region",
    "is_of_gateway",
    "account",
    "period_start",
    "period_end",
    "day",
    "category",
    "is_correction",
    "currency",
)

type _Key = tuple[Any, ...]


class _InvalidRowError(ValueError):
    """A row that cannot be used; the text is the reason."""


@dataclass(slots=True)
class _Sums:
    """Sums of the rows with one key. A sum is None from the first row that does not state it."""

    billed: Decimal = Decimal(0)
    effective: Decimal = Decimal(0)
    listed: Decimal | None = Decimal(0)
    contracted: Decimal | None = Decimal(0)
    tokens: dict[str, Decimal] = field(default_factory=dict)
    requests: Decimal | None = None
    n_rows: int = 0


def reduce_focus(body: bytes, tag_names: Sequence[str] = ()) -> bytes:
    """Return the sums of a FOCUS file, as compressed lines of JSON. `tag_names` are the tags that
    name an application, in order. Raises UnreadableError if it is not a FOCUS file."""
    document = _add_up(body, tag_names or APPLICATION_TAGS)
    lines = [
        orjson.dumps(
            {
                "registry_focus": 1,
                "maker": document.maker,
                "ignored": [[part.where, part.reason] for part in document.ignored],
                "rejected": [[part.where, part.reason] for part in document.rejected],
            }
        ),
        *(orjson.dumps(_encode_charge(charge)) for charge in document.charges),
    ]
    return gzip.compress(b"\n".join(lines), 6, mtime=0)


def read_focus(body: bytes) -> Document:
    """Return the charges of a FOCUS file, or of the sums that `reduce_focus` made of it."""
    if not _is_reduced(body):
        return _add_up(body, APPLICATION_TAGS)
    lines = gzip.decompress(body).split(b"\n")
    head = orjson.loads(lines[0])
    document = Document(maker=head["maker"], is_complete=False)
    document.ignored = [SkippedPart(*part) for part in head["ignored"]]
    document.rejected = [SkippedPart(*part) for part in head["rejected"]]
    document.charges = [_decode_charge(orjson.loads(line)) for line in lines[1:]]
    return document


def _is_reduced(body: bytes) -> bool:
    if not body.startswith(GZIP_MARK):
        return False
    try:
        start = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, len(_REDUCED_MARK))
    except zlib.error:
        return False
    return start == _REDUCED_MARK


# --- rows -----------------------------------------------------------------------------------------


def _add_up(body: bytes, tag_names: Sequence[str]) -> Document:
    """Return the document with the sums of the rows; amounts are exact."""
    with localcontext(_EXACT):
        return _add_up_rows(body, tag_names)


def _add_up_rows(body: bytes, tag_names: Sequence[str]) -> Document:
    document = Document(maker="", is_complete=False)
    folded_tags = [fold_tag(name) for name in tag_names]
    sums: dict[_Key, _Sums] = {}
    other_services: Counter[str] = Counter()
    n_rejected = n_without_tags = 0
    try:
        for number, row in _read_rows(body, other_services):
            tags = parse_tags(row.get("Tags", ""))
            n_without_tags += tags is None
            try:
                key, amounts = _parse_row(row, tags or {}, folded_tags)
            except _InvalidRowError as error:
                n_rejected += 1
                if n_rejected <= MAX_LISTED:
                    document.rejected.append(SkippedPart(f"row {number}", str(error)))
                continue
            if is_of_gateway(tags or {}):
                document.maker = "litellm"
            _add_row(sums.setdefault(key, _Sums()), amounts)
            if len(sums) > MAX_CHARGES:
                raise UnreadableError(
                    f"The file has more than {MAX_CHARGES:,} different charges of AI services per "
                    "day. Send each week separately."
                )
    except UnicodeDecodeError:
        raise UnreadableError("The file is not UTF-8 text. Export it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise UnreadableError(f"The file is not valid CSV: {error}.") from None
    if n_rejected > MAX_LISTED:
        document.rejected.append(
            SkippedPart("", f"{format_rows(n_rejected - MAX_LISTED)} more were rejected.")
        )
    for name, n_ignored in sorted(other_services.items()):
        document.ignored.append(
            SkippedPart(
                "ServiceCategory",
                f"{format_rows(n_ignored)} of the category {clean(name, 60)}: no use of a model.",
            )
        )
    if n_without_tags:
        document.ignored.append(
            SkippedPart("Tags", f"{format_rows(n_without_tags)} with tags that are no JSON object.")
        )
    document.charges = [_build_charge(key, totals) for key, totals in sums.items()]
    return document


def _read_rows(body: bytes, other_services: Counter[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row number as in a spreadsheet, cells by column name) of AI services; the others are
    counted by their category. Raises UnreadableError."""
    csv.field_size_limit(_MAX_CELL)
    text = io.TextIOWrapper(_open_body(body), encoding="utf-8-sig", newline="")
    rows = csv.reader(text)
    header = [name.strip() for name in next(rows, [])]
    missing = [name for name in _REQUIRED_COLUMNS if name not in header]
    if missing or len(header) > _MAX_COLUMNS:
        raise UnreadableError(_NOT_FOCUS.format(columns=", ".join(missing) or "list"))
    category_at, subcategory_at = (
        header.index(name) if name in header else None
        for name in ("ServiceCategory", "ServiceSubcategory")
    )
    for number, cells in enumerate(rows, start=2):
        if number > MAX_ROWS:
            raise UnreadableError(
                f"The file has more than {MAX_ROWS:,} rows. Send each month separately."
            )
        if not any(cells):
            continue
        category, subcategory = (
            "" if place is None or place >= len(cells) else _strip_null(cells[place])
            for place in (category_at, subcategory_at)
        )
        if category not in _AI_CATEGORIES or subcategory not in _AI_SUBCATEGORIES:
            other_services[category] += 1
            continue
        yield number, dict(zip(header, map(_strip_null, cells), strict=False))


def _strip_null(cell: str) -> str:
    cell = cell.strip()
    return "" if cell.lower() == "null" else cell


def _open_body(body: bytes) -> IO[bytes]:
    raw = io.BytesIO(body)
    return io.BufferedReader(_InflatedStream(raw), MIB) if body.startswith(GZIP_MARK) else raw


class _InflatedStream(io.RawIOBase):
    """Content of a gzip body, decompressed as it is read, up to a limit."""

    def __init__(self, raw: IO[bytes]) -> None:
        """Read the compressed body from `raw`."""
        self._stream = gzip.GzipFile(fileobj=raw)
        self._n_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._stream.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise UnreadableError(
                "The compressed file is incomplete or damaged. Send it again."
            ) from None
        self._n_read += len(content)
        if self._n_read > MAX_INFLATED_BYTES:
            raise UnreadableError(
                f"The file is larger than {MAX_INFLATED_BYTES // MIB:,} MiB after decompression. "
                "Send each month separately."
            )
        buffer[: len(content)] = content
        return len(content)


def _parse_row(
    row: Mapping[str, str], tags: Mapping[str, str], tag_names: Sequence[str]
) -> tuple[_Key, _Sums]:
    """Return (key of the sum, amounts of the row). Raises _InvalidRowError."""
    category = row.get("ChargeCategory", "")
    if category not in _CATEGORIES:
        raise _InvalidRowError(
            f"'{clean(category, 40)}' is not a valid ChargeCategory. Use one of "
            f"{', '.join(_CATEGORIES)}."
        )
    charge_class = row.get("ChargeClass", "")
    if charge_class not in {"", _CORRECTION}:
        raise _InvalidRowError(
            f"'{clean(charge_class, 40)}' is not a valid ChargeClass. Use {_CORRECTION}, or leave "
            "it empty."
        )
    currency = row.get("BillingCurrency", "").upper()
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise _InvalidRowError("BillingCurrency is not a currency of three letters.")
    day = _parse_day(row, "ChargePeriodStart")
    start = _parse_day(row, "BillingPeriodStart", default=day.replace(day=1))
    end = _parse_day(row, "BillingPeriodEnd", default=min(start, _LAST_START) + timedelta(days=31))
    issuer = row.get("InvoiceIssuerName") or row.get("ProviderName", "")
    account = _digest_account(issuer, row.get("BillingAccountId", ""))
    kind, amount, requests = _parse_quantity(row)
    sums = _Sums(
        billed=_parse_amount(row, "BilledCost"),
        effective=_parse_amount(row, "EffectiveCost"),
        listed=_parse_optional_amount(row, "ListCost"),
        contracted=_parse_optional_amount(row, "ContractedCost"),
        tokens={kind: amount} if category == "Usage" and amount is not None else {},
        requests=requests if category == "Usage" else None,
        n_rows=1,
    )
    key = (
        list_application_names(row, tags, tag_names),
        list_model_names(row, tags),
        list_host_names(row, tags),
        clean(row.get("RegionId", ""), 60),
        is_of_gateway(tags),
        account,
        start,
        end,
        day,
        category,
        charge_class == _CORRECTION,
        currency,
    )
    return key, sums


@lru_cache(maxsize=4096)
def _digest_account(issuer: str, account: str) -> str:
    return hashlib.sha256(f"{issuer}\x1f{account}".encode()).hexdigest()[:16]


def _parse_quantity(row: Mapping[str, str]) -> tuple[str, Decimal | None, Decimal | None]:
    """Return (kind of the tokens, number of tokens, number of requests); None if not stated."""
    texts = tuple(
        row.get(name, "") for name in ("SkuMeter", "x_SkuMeterName", "ChargeDescription", "SkuId")
    )
    is_token_meter = any(map(names_tokens, texts))
    requests: Decimal | None = None
    for quantity_column, unit_column in (
        ("ConsumedQuantity", "ConsumedUnit"),
        ("PricingQuantity", "PricingUnit"),
    ):
        unit = row.get(unit_column, "")
        quantity = _parse_optional_amount(row, quantity_column)
        if quantity is None:
            continue
        tokens = count_tokens(quantity, unit, is_token_meter=is_token_meter)
        if tokens is not None:
            return classify_tokens(texts), tokens, requests
        if requests is None and unit.lower() in {"request", "requests"}:
            requests = quantity
    return "", None, requests


def _parse_amount(row: Mapping[str, str], column: str) -> Decimal:
    amount = _parse_optional_amount(row, column)
    if amount is None:
        raise _InvalidRowError(f"{column} is empty.")
    return amount


def _parse_optional_amount(row: Mapping[str, str], column: str) -> Decimal | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        number = Decimal(text) if len(text) <= _MAX_NUMBER_LENGTH else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or (number and number.adjusted() > _MAX_MAGNITUDE):
        raise _InvalidRowError(f"{column} is not a number: '{clean(text, 40)}'.")
    return number.quantize(_PLACES)


def _parse_day(row: Mapping[str, str], column: str, default: date | None = None) -> date:
    text = row.get(column, "")
    if not text and default is not None:
        return default
    try:
        return _day_of(text)
    except (ValueError, OverflowError):
        raise _InvalidRowError(
            f"{column} is not a date such as 2026-11-01T00:00:00Z: '{clean(text, 40)}'."
        ) from None


@lru_cache(maxsize=4096)
def _day_of(text: str) -> date:
    """Return the day of a date and time, in UTC. Raises ValueError or OverflowError."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()


def _add_row(sums: _Sums, row: _Sums) -> None:
    sums.billed += row.billed
    sums.effective += row.effective
    sums.listed = _add_known(sums.listed, row.listed)
    sums.contracted = _add_known(sums.contracted, row.contracted)
    for kind, amount in row.tokens.items():
        sums.tokens[kind] = sums.tokens.get(kind, Decimal(0)) + amount
    if row.requests is not None:
        sums.requests = (sums.requests or Decimal(0)) + row.requests
    sums.n_rows += row.n_rows


def format_rows(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"


def _add_known(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left + right


# --- sums as charges and as JSON ------------------------------------------------------------------


def _build_charge(key: _Key, sums: _Sums) -> BilledCharge:
    return BilledCharge(
        **dict(zip(_KEY_FIELDS, key, strict=True)),
        billed=sums.billed,
        effective=sums.effective,
        listed=sums.listed,
        contracted=sums.contracted,
        tokens=sums.tokens,
        requests=sums.requests,
        n_rows=sums.n_rows,
    )


def _encode_charge(charge: BilledCharge) -> dict[str, Any]:
    return {
        "key": [getattr(charge, name) for name in _KEY_FIELDS],
        "billed": str(charge.billed),
        "effective": str(charge.effective),
        "listed": None if charge.listed is None else str(charge.listed),
        "contracted": None if charge.contracted is None else str(charge.contracted),
        "tokens": {kind: str(amount) for kind, amount in charge.tokens.items()},
        "requests": None if charge.requests is None else str(charge.requests),
        "n_rows": charge.n_rows,
    }


def _decode_charge(row: dict[str, Any]) -> BilledCharge:
    key: dict[str, Any] = dict(zip(_KEY_FIELDS, row["key"], strict=True))
    for name in ("applications", "models", "hosts"):
        key[name] = tuple(key[name])
    for name in ("period_start", "period_end", "day"):
        key[name] = date.fromisoformat(key[name])
    return BilledCharge(
        **key,
        billed=Decimal(row["billed"]),
        effective=Decimal(row["effective"]),
        listed=None if row["listed"] is None else Decimal(row["listed"]),
        contracted=None if row["contracted"] is None else Decimal(row["contracted"]),
        tokens={kind: Decimal(amount) for kind, amount in row["tokens"].items()},
        requests=None if row["requests"] is None else Decimal(row["requests"]),
        n_rows=row["n_rows"],
    )

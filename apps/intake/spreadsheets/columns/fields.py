"""Fields that a spreadsheet column can hold: those of an application and of one dependency, with
their usual column headers and vocabularies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Field, PositiveBigIntegerField, PositiveIntegerField
from django.db.models import PositiveSmallIntegerField as SmallField

from apps.catalog.capabilities.fields import InvalidValueError
from apps.catalog.models import Binding
from apps.common.database.fields import MAX_TEXT_LENGTH
from apps.intake.spreadsheets.columns.composite_values import (
    format_references,
    format_tags,
    parse_features,
    parse_references,
    parse_tags,
)
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    fold_word,
    parse_amount,
    parse_boolean,
    parse_choice,
    parse_day,
    parse_whole_number,
    text_of,
)
from apps.intake.spreadsheets.columns.vocabularies import (
    AI_ACT,
    AI_ACT_ROLE,
    AUTONOMY,
    BINDING,
    CRITICALITY,
    DATA_CLASS,
    IMPACT,
    REACHED,
    ROLE,
    STATUS,
)
from apps.intake.spreadsheets.files.tables import Cell
from apps.intake.spreadsheets.values.distinct import ValueKind
from apps.inventory.models import Application, Criticality, Dependency
from apps.inventory.requirement_values import format_uses, parse_uses

type CellParser = Callable[[Cell, SheetConventions], Any]


@dataclass(frozen=True, slots=True)
class SheetField:
    """Field of a spreadsheet: `code` is `application.<fact>` or `use.<fact>`; `heads` are further
    usual headers of the column."""

    code: str
    label: str
    parse: CellParser
    heads: tuple[str, ...] = ()
    about: str = ""
    choices: tuple[str, ...] = ()  # values of the drop-down list in a workbook
    width: int = 16
    show: Callable[[Any], Any] = field(default=lambda value: value)

    @property
    def record(self) -> str:
        return self.code.partition(".")[0]

    @property
    def fact(self) -> str:
        return self.code.partition(".")[2]

    @property
    def kind(self) -> ValueKind | None:
        """Return how its distinct values are mapped; None: every text is a value of its own."""
        return KINDS[self.code]


# --- kinds of values ------------------------------------------------------------------------------


def _text_parser(max_length: int = MAX_TEXT_LENGTH) -> CellParser:
    """Return a parser of text; by default as long as a text field of a record."""

    def parse(cell: Cell, conventions: SheetConventions) -> str:
        text = text_of(cell)
        if len(text) > max_length:
            raise InvalidCellError(
                f"The text has {len(text)} characters; at most {max_length} are allowed. "
                "Shorten it."
            )
        return text

    return parse


def _line_parser(max_length: int) -> CellParser:
    """Return a parser of a name: text on one line, of at most `max_length` characters."""
    parse_text = _text_parser(max_length)

    def parse(cell: Cell, conventions: SheetConventions) -> str:
        return " ".join(str(parse_text(cell, conventions)).split())

    return parse


def _parse_model(cell: Cell, conventions: SheetConventions) -> str:
    """Parse a model; line ends are preserved, since they show that a cell names several models."""
    return str(_text_parser(300)(cell, conventions))


class ChoiceParser:
    """Parser of the texts in `value_by_text`; `values` are those that its error message lists."""

    def __init__(self, value_by_text: Mapping[str, object], *values: str) -> None:
        self.value_by_word = {fold_word(text): value for text, value in value_by_text.items()}
        self.texts = tuple(value_by_text)
        self._accepted_values = ", ".join(values)

    def __call__(self, cell: Cell, conventions: SheetConventions) -> object:
        """Return the value of the cell; InvalidCellError for a text without a value."""
        return parse_choice(cell, self.value_by_word, self._accepted_values)


# largest value by type of column; a class comes before those it derives from
_MAXIMA: tuple[tuple[type, int], ...] = (
    (SmallField, 2**15 - 1),
    (PositiveBigIntegerField, 2**63 - 1),
    (PositiveIntegerField, 2**31 - 1),
)


def _number_parser(column: "Field[Any, Any]", *, is_share: bool = False) -> CellParser:
    """Return a parser of cells for the number column of a model, with its limits. Amounts with two
    places are money; `is_share`: 0.4 and 40% are the same."""
    if isinstance(column, DecimalField):
        digits, places = int(column.max_digits or 0), int(column.decimal_places or 0)
        is_money = places == 2

        def parse_column_amount(cell: Cell, conventions: SheetConventions) -> Decimal:
            return parse_amount(
                cell,
                conventions,
                digits=digits,
                places=places,
                is_money=is_money,
                is_share=is_share,
            )

        return parse_column_amount
    maximum = next(size for kind, size in _MAXIMA if isinstance(column, kind))

    def parse_whole(cell: Cell, conventions: SheetConventions) -> int:
        return parse_whole_number(cell, conventions, maximum=maximum)

    return parse_whole


def _parse_day_cell(cell: Cell, conventions: SheetConventions) -> date:
    return parse_day(cell, conventions)


def _parse_boolean_cell(cell: Cell, conventions: SheetConventions) -> bool:
    return parse_boolean(cell)


def _parse_reference_cell(cell: Cell, conventions: SheetConventions) -> dict[str, Any]:
    return parse_references(text_of(cell))


def _parse_tag_cell(cell: Cell, conventions: SheetConventions) -> list[str]:
    return parse_tags(text_of(cell))


def _parse_feature_cell(cell: Cell, conventions: SheetConventions) -> list[str]:
    return parse_features(text_of(cell))


def _parse_requirement_cell(cell: Cell, conventions: SheetConventions) -> str:
    """Return the requirements in their canonical text."""
    try:
        return format_uses(parse_uses(text_of(cell)))
    except InvalidValueError as error:
        raise InvalidCellError(str(error)) from error


def _format_requirements(value: Any) -> str:
    """Return requirements as text: a planned value is text already, a stored one an object."""
    return value if isinstance(value, str) else format_uses(value)


def _application_column(name: str) -> "Field[Any, Any]":
    return Application._meta.get_field(name)  # type: ignore[return-value]


def _dependency_column(name: str) -> "Field[Any, Any]":
    return Dependency._meta.get_field(name)  # type: ignore[return-value]


def _format_boolean(value: Any) -> str:
    return "" if value is None else "yes" if value else "no"


APPLICATION_FIELDS: tuple[SheetField, ...] = (
    SheetField(
        "application.slug",
        "Application id",
        _line_parser(120),
        (
            "id",
            "app id",
            "application identifier",
            "identifier",
            "slug",
            "key",
            "cmdb id",
            "app key",
            "anwendungs id",
        ),
        "Permanent; letters, digits, hyphens. Empty: made from the name.",
        width=28,
    ),
    SheetField(
        "application.name",
        "Application name",
        _line_parser(200),
        (
            "application",
            "app",
            "name",
            "app name",
            "system",
            "system name",
            "service",
            "use case",
            "product",
            "solution",
            "anwendung",
            "anwendungsname",
            "applikation",
            "application métier",
            "nom",
        ),
        "Required for a new application.",
        width=32,
    ),
    SheetField(
        "application.team",
        "Team",
        _line_parser(200),
        (
            "owning team",
            "team name",
            "department",
            "business unit",
            "unit",
            "squad",
            "org unit",
            "abteilung",
            "bereich",
            "équipe",
        ),
        "Name or ID of a team on which you have the editor role.",
        width=22,
    ),
    SheetField(
        "application.purpose",
        "Purpose",
        _text_parser(),
        ("description", "what it does", "zweck", "beschreibung"),
        width=40,
    ),
    SheetField(
        "application.business_owner",
        "Business owner",
        _line_parser(200),
        (
            "owner",
            "product owner",
            "accountable",
            "fachverantwortlich",
            "fachverantwortlicher",
            "verantwortlich",
            "responsible",
            "owner name",
        ),
        width=22,
    ),
    SheetField(
        "application.technical_owner",
        "Technical owner",
        _line_parser(200),
        ("tech owner", "tech lead", "it owner", "technisch verantwortlich", "developer contact"),
        width=22,
    ),
    SheetField(
        "application.criticality",
        "Criticality",
        ChoiceParser(CRITICALITY, "critical", "important", "standard", "low"),
        ("business criticality", "importance", "kritikalität", "criticité", "priority", "tier"),
        choices=("critical", "important", "standard", "low"),
        width=14,
        show=lambda value: Criticality(value).name.lower(),
    ),
    SheetField(
        "application.criticality_reason",
        "Why that critical",
        _text_parser(),
        ("criticality reason", "reason for criticality", "begründung"),
        width=28,
    ),
    SheetField(
        "application.criticality_assessed_on",
        "Criticality assessed on",
        _parse_day_cell,
        (
            "criticality assessed",
            "criticality assessment date",
            "date of the criticality assessment",
            "kritikalität bewertet am",
        ),
        "Date of the last assessment of the criticality.",
        width=12,
    ),
    SheetField(
        "application.status",
        "Status",
        ChoiceParser(STATUS, *Application.Status.values),
        ("state", "lifecycle", "environment", "env", "stage", "phase", "umgebung"),
        choices=tuple(Application.Status.values),
        width=13,
    ),
    SheetField(
        "application.ai_act_class",
        "AI Act class",
        ChoiceParser(AI_ACT, *Application.AiActClass.values),
        (
            "ai act",
            "eu ai act",
            "ai act risk class",
            "ai act risk",
            "risk class",
            "eu ai act class",
            "risikoklasse",
        ),
        choices=tuple(Application.AiActClass.values),
        width=13,
    ),
    SheetField(
        "application.ai_act_role",
        "AI Act role",
        ChoiceParser(AI_ACT_ROLE, *Application.AiActRole.values),
        ("role under the ai act",),
        choices=tuple(Application.AiActRole.values),
        width=13,
    ),
    SheetField(
        "application.data_classification",
        "Data classification",
        ChoiceParser(DATA_CLASS, *Application.DataClass.values),
        (
            "data class",
            "data classification level",
            "confidentiality",
            "classification",
            "schutzklasse",
            "datenklassifikation",
        ),
        choices=tuple(Application.DataClass.values),
        width=18,
    ),
    SheetField(
        "application.personal_data",
        "Personal data",
        _parse_boolean_cell,
        ("pii", "contains personal data", "gdpr", "personenbezogene daten"),
        choices=("yes", "no"),
        width=13,
        show=_format_boolean,
    ),
    SheetField(
        "application.geography",
        "Geography",
        _line_parser(100),
        ("region of use", "country", "countries", "land"),
        width=14,
    ),
    SheetField(
        "application.business_function",
        "Business function",
        _line_parser(200),
        ("function", "business process", "process", "geschäftsfunktion", "prozess"),
        width=22,
    ),
    SheetField(
        "application.function_ref",
        "Function identifier",
        _line_parser(30),
        (
            "function ref",
            "function id",
            "dora function identifier",
            "rt.06.01.0010",
            "funktionskennung",
        ),
        "As in the DORA register of information, such as F7.",
        width=14,
    ),
    SheetField(
        "application.licensed_activity",
        "Licensed activity",
        _line_parser(200),
        ("licensed activities", "rt.06.01.0020", "lizenzierte tätigkeit", "zugelassene tätigkeit"),
        "Licensed activity that the function belongs to.",
        width=22,
    ),
    SheetField(
        "application.autonomy",
        "Autonomy",
        ChoiceParser(AUTONOMY, *Application.Autonomy.values),
        ("level of autonomy",),
        choices=tuple(Application.Autonomy.values),
        width=13,
    ),
    SheetField(
        "application.impact_of_discontinuing",
        "Impact of discontinuing",
        ChoiceParser(IMPACT, *Application.Impact.values),
        ("impact of discontinuation",),
        choices=tuple(Application.Impact.values),
        width=14,
    ),
    SheetField(
        "application.users_affected",
        "Users affected",
        _number_parser(_application_column("users_affected")),
        (
            "users",
            "number of users",
            "no of users",
            "user count",
            "nutzer",
            "anzahl nutzer",
            "benutzer",
        ),
        width=12,
    ),
    SheetField(
        "application.rto_hours",
        "RTO hours",
        _number_parser(_application_column("rto_hours")),
        ("rto", "recovery time objective", "rto h"),
        "Recovery time objective, in hours.",
        width=10,
    ),
    SheetField(
        "application.rpo_hours",
        "RPO hours",
        _number_parser(_application_column("rpo_hours")),
        ("rpo", "recovery point objective", "rpo h"),
        "Recovery point objective, in hours.",
        width=10,
    ),
    SheetField(
        "application.monthly_spend",
        "Application spend a month (USD)",
        _number_parser(_application_column("monthly_spend")),
        (
            "application monthly spend",
            "monthly spend usd",
            "application cost",
            "total monthly cost",
            "total cost",
        ),
        "US dollars, for the whole application.",
        width=16,
    ),
    SheetField(
        "application.external_refs",
        "External references",
        _parse_reference_cell,
        ("external refs", "references", "external ids"),
        "name=value; name=value.",
        width=24,
        show=format_references,
    ),
    SheetField(
        "application.next_review_on",
        "Next review",
        _parse_day_cell,
        ("next review on", "review date", "review due", "next review date", "nächste prüfung"),
        width=12,
    ),
)

USE_FIELDS: tuple[SheetField, ...] = (
    SheetField(
        "use.model",
        "Model",
        _parse_model,
        (
            "model id",
            "model name",
            "api id",
            "llm",
            "ai model",
            "modell",
            "foundation model",
            "deployment",
            "modèle",
        ),
        "Model ID as sent to the host, or the name of the model.",
        width=34,
    ),
    SheetField(
        "use.host",
        "Host",
        _line_parser(200),
        (
            "provider",
            "vendor",
            "model provider",
            "host slug",
            "cloud",
            "platform",
            "anbieter",
            "hoster",
            "fournisseur",
        ),
        "Host that is called: openai, azure, amazon-bedrock, ...",
        width=18,
    ),
    SheetField(
        "use.region",
        "Region",
        _line_parser(60),
        ("region scope", "model region", "cloud region"),
        width=12,
    ),
    SheetField(
        "use.tier",
        "Service tier",
        _line_parser(80),
        ("tier of service", "service level", "sku"),
        width=12,
    ),
    SheetField(
        "use.role",
        "Role",
        ChoiceParser(ROLE, *Dependency.Role.values),
        ("model role", "usage", "used as", "rolle"),
        choices=tuple(Dependency.Role.values),
        width=11,
    ),
    SheetField(
        "use.reached",
        "Reached",
        ChoiceParser(REACHED, *Dependency.Reached.values),
        ("reached via", "how reached"),
        choices=tuple(Dependency.Reached.values),
        width=11,
    ),
    SheetField(
        "use.via",
        "Via",
        _line_parser(200),
        ("via party", "gateway", "through", "via gateway", "proxy"),
        "Gateway or vendor in between; empty for a direct call.",
        width=18,
    ),
    SheetField(
        "use.fallback_order",
        "Fallback order",
        _number_parser(_dependency_column("fallback_order")),
        ("order",),
        width=10,
    ),
    SheetField(
        "use.traffic_share",
        "Traffic share",
        _number_parser(_dependency_column("traffic_share"), is_share=True),
        ("share", "share of traffic", "traffic", "anteil"),
        "0.6 or 60 %.",
        width=10,
    ),
    *(
        SheetField(f"use.{name}", label, _number_parser(_dependency_column(name)), heads, width=15)
        for name, label, heads in (
            (
                "monthly_input_tokens",
                "Input tokens a month",
                ("monthly input tokens", "input tokens"),
            ),
            (
                "monthly_output_tokens",
                "Output tokens a month",
                ("monthly output tokens", "output tokens"),
            ),
            (
                "monthly_cache_read_tokens",
                "Cache read tokens a month",
                ("monthly cache read tokens",),
            ),
            (
                "monthly_cache_write_tokens",
                "Cache write tokens a month",
                ("monthly cache write tokens",),
            ),
            (
                "monthly_requests",
                "Requests a month",
                ("monthly requests", "requests", "calls a month", "calls"),
            ),
            ("typical_request_tokens", "Tokens of a usual request", ("typical request tokens",)),
        )
    ),
    SheetField(
        "use.monthly_spend",
        "Spend a month (USD)",
        _number_parser(_dependency_column("monthly_spend")),
        (
            "monthly spend",
            "monthly cost",
            "cost",
            "cost a month",
            "spend",
            "cost per month",
            "kosten pro monat",
            "monthly cost usd",
            "monatliche kosten",
        ),
        "US dollars, for this dependency.",
        width=14,
    ),
    SheetField(
        "use.binding",
        "Pinned or alias",
        ChoiceParser(BINDING, *Binding.values),
        ("binding", "pinned"),
        choices=tuple(Binding.values),
        width=11,
    ),
    SheetField(
        "use.since",
        "Since",
        _parse_day_cell,
        (
            "go live",
            "go live date",
            "start",
            "start date",
            "in use since",
            "used since",
            "live since",
            "seit",
            "from",
        ),
        "First day of use; empty: today.",
        width=12,
    ),
    SheetField(
        "use.until",
        "Until",
        _parse_day_cell,
        ("end", "end date", "used until", "in use until", "bis"),
        "First day without use.",
        width=12,
    ),
    SheetField(
        "use.tags",
        "Tags",
        _parse_tag_cell,
        ("tag", "labels"),
        "Separated by commas.",
        width=18,
        show=format_tags,
    ),
    SheetField(
        "use.features",
        "Features",
        _parse_feature_cell,
        ("feature", "endpoints", "apis used"),
        "Features and endpoints of the host, separated by commas.",
        width=24,
        show=format_tags,
    ),
    SheetField(
        "use.requirements",
        "Requirements",
        _parse_requirement_cell,
        ("uses", "capabilities", "capabilities used", "requirement"),
        "What is used of the model, for example: tool_calling; context_window=90000; not pdf.",
        width=32,
        show=_format_requirements,
    ),
)

_NAMED_KINDS = {
    "application.team": ValueKind.TEAM,
    "application.business_owner": ValueKind.PERSON,
    "application.technical_owner": ValueKind.PERSON,
    "use.host": ValueKind.PROVIDER,
    "use.via": ValueKind.PROVIDER,
}


def _column_kind(sheet_field: SheetField) -> ValueKind | None:
    if isinstance(sheet_field.parse, ChoiceParser):
        return ValueKind.CHOICE
    if sheet_field.parse is _parse_boolean_cell:
        return ValueKind.BOOLEAN
    if sheet_field.parse is _parse_day_cell:
        return ValueKind.DAY
    if sheet_field.fact == "monthly_spend":
        return ValueKind.MONEY
    if getattr(sheet_field.parse, "__name__", "") in {"parse_column_amount", "parse_whole"}:
        return ValueKind.NUMBER
    return None


FIELDS: dict[str, SheetField] = {
    sheet_field.code: sheet_field for sheet_field in (*APPLICATION_FIELDS, *USE_FIELDS)
}
# {code: kind}, worked out once because every cell needs it
KINDS: dict[str, ValueKind | None] = {
    code: _NAMED_KINDS.get(code) or _column_kind(sheet_field)
    for code, sheet_field in FIELDS.items()
}
# this column of exported dependencies is only for readers; the id beside it identifies the
# application
READ_ONLY_COLUMN = "Application (for reading)"

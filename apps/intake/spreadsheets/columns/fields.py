"""Fields that a spreadsheet column can hold: those of an application and of one dependency, with
their usual column headers and vocabularies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Field, PositiveBigIntegerField, PositiveIntegerField
from django.db.models import PositiveSmallIntegerField as SmallField

from apps.catalog.models import Binding
from apps.intake.spreadsheets.columns.composite_values import (
    format_references,
    format_tags,
    parse_references,
    parse_tags,
)
from apps.intake.spreadsheets.columns.values import (
    InvalidCellError,
    SheetConventions,
    fold_word,
    is_empty_text,
    parse_amount,
    parse_boolean,
    parse_choice,
    parse_day,
    parse_whole_number,
    text_of,
)
from apps.intake.spreadsheets.files.tables import Cell
from apps.inventory.models import Application, Criticality, Dependency

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
    words: tuple[str, ...] = ()  # what a list in the workbook offers
    width: int = 16
    show: Callable[[Any], Any] = field(default=lambda value: value)

    @property
    def record(self) -> str:
        return self.code.partition(".")[0]

    @property
    def fact(self) -> str:
        return self.code.partition(".")[2]


# --- kinds of values ------------------------------------------------------------------------------


def _text(most: int = 0) -> CellParser:
    def parse(cell: Cell, manners: SheetConventions) -> str:
        text = text_of(cell)
        if most and len(text) > most:
            raise InvalidCellError(
                f"The text has {len(text)} characters; at most {most} are allowed. Shorten it."
            )
        return text

    return parse


def _line(most: int) -> CellParser:
    """Parse text that is a name: one line."""
    text = _text(most)

    def parse(cell: Cell, manners: SheetConventions) -> str:
        return " ".join(str(text(cell, manners)).split())

    return parse


def _model(cell: Cell, manners: SheetConventions) -> str:
    """Parse a model; line ends stay, since they show that a cell names several models."""
    return str(_text(300)(cell, manners))


def _choice(words: Mapping[str, object], *listed: str) -> CellParser:
    known = {fold_word(text): value for text, value in words.items()}
    said = ", ".join(listed)

    def parse(cell: Cell, manners: SheetConventions) -> object:
        return parse_choice(cell, known, said)

    return parse


# a class before those it derives from
_LARGEST: tuple[tuple[type, int], ...] = (
    (SmallField, 2**15 - 1),
    (PositiveBigIntegerField, 2**63 - 1),
    (PositiveIntegerField, 2**31 - 1),
)


def _number_of(column: "Field[Any, Any]", *, share: bool = False) -> CellParser:
    if isinstance(column, DecimalField):
        digits, places = int(column.max_digits or 0), int(column.decimal_places or 0)
        money = places == 2

        def parse_column_amount(cell: Cell, manners: SheetConventions) -> Decimal:
            return parse_amount(
                cell, manners, digits=digits, places=places, money=money, share=share
            )

        return parse_column_amount
    most = next(size for kind, size in _LARGEST if isinstance(column, kind))

    def parse_whole(cell: Cell, manners: SheetConventions) -> int:
        return parse_whole_number(cell, manners, most=most)

    return parse_whole


def _day(cell: Cell, manners: SheetConventions) -> date:
    return parse_day(cell, manners)


def _boolean(cell: Cell, manners: SheetConventions) -> bool:
    return parse_boolean(cell)


def _refs(cell: Cell, manners: SheetConventions) -> dict[str, Any]:
    return parse_references(text_of(cell))


def _tags(cell: Cell, manners: SheetConventions) -> list[str]:
    return parse_tags(text_of(cell))


# --- words of choices -----------------------------------------------------------------------------

CRITICALITY = {
    **{level.name.lower(): level.value for level in Criticality},
    "mission critical": 0,
    "business critical": 0,
    "very high": 0,
    "kritisch": 0,
    "sehr hoch": 0,
    "critique": 0,
    "high": 1,
    "hoch": 1,
    "wichtig": 1,
    "major": 1,
    "élevé": 1,
    "medium": 2,
    "mittel": 2,
    "normal": 2,
    "moderate": 2,
    "moyen": 2,
    "niedrig": 3,
    "gering": 3,
    "minor": 3,
    "faible": 3,
}
STATUS = {
    **{value: value for value in Application.Status.values},
    **dict.fromkeys(
        (
            "prod",
            "live",
            "productive",
            "operational",
            "in use",
            "active",
            "produktion",
            "produktiv",
            "in produktion",
            "in betrieb",
        ),
        "production",
    ),
    **dict.fromkeys(
        (
            "test",
            "testing",
            "staging",
            "uat",
            "beta",
            "trial",
            "poc",
            "pilotphase",
            "preproduction",
        ),
        "pilot",
    ),
    **dict.fromkeys(("planned", "idea", "proposal", "geplant", "in planning", "draft"), "proposed"),
    **dict.fromkeys(
        ("decommissioned", "sunset", "switched off", "stillgelegt", "abgeschaltet", "out of use"),
        "retired",
    ),
}


def _labelled(choices: Any, further: Mapping[str, str] | None = None) -> dict[str, object]:
    return {
        **{str(value): value for value in choices.values},
        **{str(label): value for value, label in choices.choices},
        **(further or {}),
    }


_AI_ACT = _labelled(
    Application.AiActClass,
    {
        "high risk ai act": "high",
        "high risk eu ai act": "high",
        "hochrisiko": "high",
        "limited": "limited",
        "begrenzt": "limited",
        "minimal": "minimal",
        "no risk": "minimal",
        "unacceptable": "prohibited",
    },
)
_DATA = _labelled(
    Application.DataClass,
    {
        "vertraulich": "confidential",
        "intern": "internal",
        "öffentlich": "public",
        "streng vertraulich": "secret",
        "restricted": "secret",
        "highly confidential": "secret",
    },
)
_ROLES = _labelled(
    Dependency.Role,
    {
        "main": "primary",
        "default": "primary",
        "llm": "primary",
        "chat": "primary",
        "backup": "fallback",
        "secondary": "fallback",
        "failover": "fallback",
        "evaluator": "judge",
        "grader": "judge",
        "moderation": "guardrail",
        "guard": "guardrail",
        "embeddings": "embedding",
        "rerank": "reranker",
        "tools": "tool",
    },
)
_REACHED = _labelled(
    Dependency.Reached, {"direkt": "direct", "vendor": "embedded", "via gateway": "gateway"}
)
_BINDING = _labelled(Binding, {"alias": "alias", "moving": "alias", "fixed": "pinned"})


def _application(name: str) -> "Field[Any, Any]":
    return Application._meta.get_field(name)  # type: ignore[return-value]


def _dependency(name: str) -> "Field[Any, Any]":
    return Dependency._meta.get_field(name)  # type: ignore[return-value]


def _yes_no(value: Any) -> str:
    return "" if value is None else "yes" if value else "no"


APPLICATION_FIELDS: tuple[SheetField, ...] = (
    SheetField(
        "application.slug",
        "Application id",
        _line(120),
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
        _line(200),
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
        _line(200),
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
        _text(),
        ("description", "what it does", "zweck", "beschreibung"),
        width=40,
    ),
    SheetField(
        "application.business_owner",
        "Business owner",
        _line(200),
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
        _line(200),
        ("tech owner", "tech lead", "it owner", "technisch verantwortlich", "developer contact"),
        width=22,
    ),
    SheetField(
        "application.criticality",
        "Criticality",
        _choice(CRITICALITY, "critical", "important", "standard", "low"),
        ("business criticality", "importance", "kritikalität", "criticité", "priority", "tier"),
        words=("critical", "important", "standard", "low"),
        width=14,
        show=lambda value: Criticality(value).name.lower(),
    ),
    SheetField(
        "application.criticality_reason",
        "Why that critical",
        _text(),
        ("criticality reason", "reason for criticality", "begründung"),
        width=28,
    ),
    SheetField(
        "application.criticality_assessed_on",
        "Criticality assessed on",
        _day,
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
        _choice(STATUS, *Application.Status.values),
        ("state", "lifecycle", "environment", "env", "stage", "phase", "umgebung"),
        words=tuple(Application.Status.values),
        width=13,
    ),
    SheetField(
        "application.ai_act_class",
        "AI Act class",
        _choice(_AI_ACT, *Application.AiActClass.values),
        (
            "ai act",
            "eu ai act",
            "ai act risk class",
            "ai act risk",
            "risk class",
            "eu ai act class",
            "risikoklasse",
        ),
        words=tuple(Application.AiActClass.values),
        width=13,
    ),
    SheetField(
        "application.ai_act_role",
        "AI Act role",
        _choice(_labelled(Application.AiActRole), *Application.AiActRole.values),
        ("role under the ai act",),
        words=tuple(Application.AiActRole.values),
        width=13,
    ),
    SheetField(
        "application.data_classification",
        "Data classification",
        _choice(_DATA, *Application.DataClass.values),
        (
            "data class",
            "data classification level",
            "confidentiality",
            "classification",
            "schutzklasse",
            "datenklassifikation",
        ),
        words=tuple(Application.DataClass.values),
        width=18,
    ),
    SheetField(
        "application.personal_data",
        "Personal data",
        _boolean,
        ("pii", "contains personal data", "gdpr", "personenbezogene daten"),
        words=("yes", "no"),
        width=13,
        show=_yes_no,
    ),
    SheetField(
        "application.geography",
        "Geography",
        _line(100),
        ("region of use", "country", "countries", "land"),
        width=14,
    ),
    SheetField(
        "application.business_function",
        "Business function",
        _line(200),
        ("function", "business process", "process", "geschäftsfunktion", "prozess"),
        width=22,
    ),
    SheetField(
        "application.function_ref",
        "Function identifier",
        _line(30),
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
        _line(200),
        ("licensed activities", "rt.06.01.0020", "lizenzierte tätigkeit", "zugelassene tätigkeit"),
        "Licensed activity that the function belongs to.",
        width=22,
    ),
    SheetField(
        "application.autonomy",
        "Autonomy",
        _choice(_labelled(Application.Autonomy), *Application.Autonomy.values),
        ("level of autonomy",),
        words=tuple(Application.Autonomy.values),
        width=13,
    ),
    SheetField(
        "application.impact_of_discontinuing",
        "Impact of discontinuing",
        _choice(
            _labelled(Application.Impact, {"hoch": "high", "mittel": "medium", "niedrig": "low"}),
            *Application.Impact.values,
        ),
        ("impact of discontinuation",),
        words=tuple(Application.Impact.values),
        width=14,
    ),
    SheetField(
        "application.users_affected",
        "Users affected",
        _number_of(_application("users_affected")),
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
        _number_of(_application("rto_hours")),
        ("rto", "recovery time objective", "rto h"),
        "Recovery time objective, in hours.",
        width=10,
    ),
    SheetField(
        "application.rpo_hours",
        "RPO hours",
        _number_of(_application("rpo_hours")),
        ("rpo", "recovery point objective", "rpo h"),
        "Recovery point objective, in hours.",
        width=10,
    ),
    SheetField(
        "application.monthly_spend",
        "Application spend a month (USD)",
        _number_of(_application("monthly_spend")),
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
        _refs,
        ("external refs", "references", "external ids"),
        "name=value; name=value.",
        width=24,
        show=format_references,
    ),
    SheetField(
        "application.next_review_on",
        "Next review",
        _day,
        ("next review on", "review date", "review due", "next review date", "nächste prüfung"),
        width=12,
    ),
)

USE_FIELDS: tuple[SheetField, ...] = (
    SheetField(
        "use.model",
        "Model",
        _model,
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
        _line(200),
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
        _line(60),
        ("region scope", "model region", "cloud region"),
        width=12,
    ),
    SheetField(
        "use.tier", "Service tier", _line(80), ("tier of service", "service level", "sku"), width=12
    ),
    SheetField(
        "use.role",
        "Role",
        _choice(_ROLES, *Dependency.Role.values),
        ("model role", "usage", "used as", "rolle"),
        words=tuple(Dependency.Role.values),
        width=11,
    ),
    SheetField(
        "use.reached",
        "Reached",
        _choice(_REACHED, *Dependency.Reached.values),
        ("reached via", "how reached"),
        words=tuple(Dependency.Reached.values),
        width=11,
    ),
    SheetField(
        "use.via",
        "Via",
        _line(200),
        ("via party", "gateway", "through", "via gateway", "proxy"),
        "Gateway or vendor in between; empty for a direct call.",
        width=18,
    ),
    SheetField(
        "use.fallback_order",
        "Fallback order",
        _number_of(_dependency("fallback_order")),
        ("order",),
        width=10,
    ),
    SheetField(
        "use.traffic_share",
        "Traffic share",
        _number_of(_dependency("traffic_share"), share=True),
        ("share", "share of traffic", "traffic", "anteil"),
        "0.6 or 60 %.",
        width=10,
    ),
    *(
        SheetField(f"use.{name}", label, _number_of(_dependency(name)), heads, width=15)
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
        _number_of(_dependency("monthly_spend")),
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
        _choice(_BINDING, *Binding.values),
        ("binding", "pinned"),
        words=tuple(Binding.values),
        width=11,
    ),
    SheetField(
        "use.since",
        "Since",
        _day,
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
        _day,
        ("end", "end date", "used until", "in use until", "bis"),
        "First day without use.",
        width=12,
    ),
    SheetField(
        "use.tags",
        "Tags",
        _tags,
        ("tag", "labels"),
        "Separated by commas.",
        width=18,
        show=format_tags,
    ),
)

FIELDS: dict[str, SheetField] = {each.code: each for each in (*APPLICATION_FIELDS, *USE_FIELDS)}
# in an exported sheet of uses this column is for people; the id beside it says which application is
# meant
READ_ONLY_COLUMN = "Application (for reading)"


def is_empty_cell(cell: Cell) -> bool:
    return is_empty_text(cell)

"""Cells of a filed template: the text of each value, and what is wrong with it."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError

from apps.catalog.providers.facts import validate_lei
from apps.common.spreadsheet_cells import escape_formula
from apps.reports.dora.filing.members import (
    COUNTRIES,
    COUNTRY_COLUMNS,
    CURRENCIES,
    CURRENCY_COLUMNS,
    LEI_COLUMNS,
    MEMBERS,
    NO_COUNTRY,
    NOT_APPLICABLE,
    activity_member,
)


class FilingRule(StrEnum):
    """A rule that a filed register must follow; RULE_SOURCES has the source of each."""

    EMPTY_KEY = "805"
    DUPLICATE_KEY = "806"
    BROKEN_REFERENCE = "807"
    MISSING = "missing value"
    CLOSED_LIST = "closed list"
    LEI = "ISO 17442"
    COUNTRY = "ISO 3166"
    CURRENCY = "ISO 4217"
    FUNCTION_IDENTIFIER = "function identifier"
    END_DATE = "v8816_m"
    OVERARCHING = "v8805_m"
    CURRENCY_OF_COST = "v8824_m"
    REASON = "v8825_m"
    BASE_CURRENCY = "base currency"
    ONLY_KEYS = "only keys"
    FORMULA = "formula"
    RESERVED = "reserved sign"

    @property
    def label(self) -> str:
        """Return the name that readers see, such as `rule 805`."""
        return f"rule {self}" if self.isdigit() or self.startswith("v8") else str(self)


_FORMULAS = (
    "validation rules of the EBA, as github.com/artemeon/dpm-xl-validator, src/RuleSet/DORA.php"
    " has them (2026-11-30)"
)
_ROI_GUIDE = "roi.fromciso.com/docs/validation (2026-11-30)"
_TAXONOMY = "module dora 4.0, in github.com/Meaningful-Data/xbridge (2026-11-30)"
RULE_SOURCES: dict[FilingRule, str] = {
    FilingRule.EMPTY_KEY: (
        "eba.europa.eu/single-rule-book-qa/qna/view/publicId/2024_7285; number of the rule:"
        " github.com/intuitem/ciso-assistant-community/pull/3571 (both 2026-11-30)"
    ),
    FilingRule.DUPLICATE_KEY: (
        "question 36 of the FAQ of 14 February 2025, as quoted at eiopa.europa.eu/qa-regulation/"
        "questions-and-answers-database/dora184-3265_en (2026-11-30)"
    ),
    FilingRule.BROKEN_REFERENCE: (
        "github.com/intuitem/ciso-assistant-community/pull/3571, and a rejection: issues/4475 there"
        " (both 2026-11-30)"
    ),
    FilingRule.MISSING: (
        "eba.europa.eu/single-rule-book-qa/qna/view/publicId/2024_7285 (2026-11-30)"
    ),
    FilingRule.CLOSED_LIST: (
        "list of possible values, EBA, 3 March 2025, in github.com/giammbo/dora-roi (2026-11-30)"
    ),
    FilingRule.LEI: _ROI_GUIDE,
    FilingRule.COUNTRY: _ROI_GUIDE,
    FilingRule.CURRENCY: _ROI_GUIDE,
    FilingRule.FUNCTION_IDENTIFIER: (
        "b_06.01.0010 in github.com/intuitem/ciso-assistant-community,"
        " documentation/dora-roi-specification.md (2026-11-30)"
    ),
    FilingRule.END_DATE: (
        f"{_FORMULAS}; other public source code says that it was switched off in March 2025"
    ),
    FilingRule.OVERARCHING: _FORMULAS,
    FilingRule.CURRENCY_OF_COST: _FORMULAS,
    FilingRule.REASON: _FORMULAS,
    FilingRule.BASE_CURRENCY: f"unit of B_02.01.0050 and B_05.01.0100: {_TAXONOMY}",
    FilingRule.ONLY_KEYS: (
        "github.com/giammbo/dora-roi, tests/test_xbrl_validation.py (2026-11-30)"
    ),
    FilingRule.RESERVED: "CSV-045 of github.com/Meaningful-Data/xbridge 2.2.1 (2026-11-30)",
    FilingRule.FORMULA: "a rule of this registry: no text of a file runs as a formula",
}
# the others are findings on the quality of the data, after which a register is still accepted
REJECTING_RULES = frozenset(
    {
        FilingRule.EMPTY_KEY,
        FilingRule.DUPLICATE_KEY,
        FilingRule.BROKEN_REFERENCE,
        FilingRule.CLOSED_LIST,
        FilingRule.ONLY_KEYS,
    }
)

_FUNCTION_COLUMNS = frozenset({("B_02.02", "0050"), ("B_06.01", "0010")})
_FUNCTION_IDENTIFIER = re.compile(r"F[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class FiledCell:
    """The text of a cell, and the rule that its value breaks with a sentence. Without text the
    cell is empty."""

    text: str = ""
    rule: FilingRule | None = None
    sentence: str = ""


def file_cell(template: str, column: str, value: Any, *, is_key: bool, applies: bool) -> FiledCell:
    """Return the cell of a value as the registry stores it. A key that does not apply is filed as
    such; a missing value stays empty, because it is unknown."""
    place = (template, column)
    if value is None or value == "":
        return _empty_cell(place, is_key=is_key, applies=applies)
    if place in MEMBERS:
        member = MEMBERS[place].get(value)
        return FiledCell(member) if member else _unlisted(f"'{value}'")
    if place == ("B_06.01", "0020"):
        member = activity_member(value)
        return (
            FiledCell(member)
            if member
            else FiledCell(
                rule=FilingRule.CLOSED_LIST,
                sentence=f"The licensed activity '{value}' names no code of the published list. "
                "Write the code into the text, such as 'Lending activities (eba_TA:x163)'.",
            )
        )
    if place in COUNTRY_COLUMNS:
        return (
            FiledCell(f"eba_GA:{value}")
            if value in COUNTRIES
            else FiledCell(
                rule=FilingRule.COUNTRY,
                sentence=f"'{value}' is not a country code of the published list. Enter two "
                "letters of ISO 3166-1, such as IE.",
            )
        )
    if place in CURRENCY_COLUMNS:
        return (
            FiledCell(f"eba_CU:{value}")
            if value in CURRENCIES
            else FiledCell(
                rule=FilingRule.CURRENCY,
                sentence=f"'{value}' is not a currency of the published list. Enter a code of ISO "
                "4217, such as EUR.",
            )
        )
    if place in LEI_COLUMNS:
        return FiledCell(value, *_lei_problem(value))
    if isinstance(value, date):
        return FiledCell(value.isoformat())
    if isinstance(value, Decimal):
        return FiledCell(f"{value:f}")
    if isinstance(value, int):
        return FiledCell(str(value))
    if place in _FUNCTION_COLUMNS and not _FUNCTION_IDENTIFIER.fullmatch(value):
        return FiledCell(
            str(escape_formula(value)),
            FilingRule.FUNCTION_IDENTIFIER,
            f"The function identifier '{value}' is not F and a number, such as F1. Change it on the"
            " application.",
        )
    return _text_cell(value)


def _empty_cell(place: tuple[str, str], *, is_key: bool, applies: bool) -> FiledCell:
    if not is_key:
        return (
            FiledCell(rule=FilingRule.MISSING, sentence="The value is missing. Enter it.")
            if applies
            else FiledCell()
        )
    if applies or place in MEMBERS:
        return FiledCell(
            rule=FilingRule.EMPTY_KEY,
            sentence="The value is missing and is part of the key of the row, so a register with"
            " this row is rejected. Enter it.",
        )
    return FiledCell(NO_COUNTRY if place in COUNTRY_COLUMNS else NOT_APPLICABLE)


def _unlisted(value: str) -> FiledCell:
    return FiledCell(
        rule=FilingRule.CLOSED_LIST,
        sentence=f"The code of {value} in the published list is unknown here, so the cell is empty."
        " Add the code in your full register.",
    )


def _lei_problem(lei: str) -> tuple[FilingRule | None, str]:
    """Return the rule and sentence for an LEI whose form or check digits are wrong."""
    try:
        validate_lei(lei)
    except ValidationError as error:
        return FilingRule.LEI, f"{lei}: {error.messages[0]}"
    return None, ""


def _text_cell(value: Any) -> FiledCell:
    text = str(value)
    if text.startswith("#"):
        return FiledCell(
            f"'{text}",
            FilingRule.RESERVED,
            f"'{text}' begins with #, which the format reserves, so it is filed after an"
            " apostrophe. Change the text.",
        )
    escaped = str(escape_formula(text))
    if escaped == text:
        return FiledCell(text)
    return FiledCell(
        escaped,
        FilingRule.FORMULA,
        f"'{text}' begins with a sign that spreadsheets run as a formula, so it is filed after an"
        " apostrophe. Change the text.",
    )

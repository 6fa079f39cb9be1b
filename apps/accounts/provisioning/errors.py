"""Errors of SCIM requests (RFC 7644, section 3.12)."""

from enum import StrEnum


class ScimType(StrEnum):
    """Detail error keywords of RFC 7644, table 9, as far as they occur here."""

    INVALID_FILTER = "invalidFilter"
    INVALID_PATH = "invalidPath"
    INVALID_SYNTAX = "invalidSyntax"
    INVALID_VALUE = "invalidValue"
    MUTABILITY = "mutability"
    NO_TARGET = "noTarget"
    TOO_MANY = "tooMany"
    UNIQUENESS = "uniqueness"
    NONE = ""


class ScimError(Exception):
    """A refused request: HTTP status, detail error keyword and a sentence."""

    def __init__(self, status: int, sentence: str, scim_type: ScimType = ScimType.NONE) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.scim_type = status, sentence, scim_type


def invalid(sentence: str, scim_type: ScimType = ScimType.INVALID_VALUE) -> ScimError:
    return ScimError(400, sentence, scim_type)


def not_unique(sentence: str) -> ScimError:
    return ScimError(409, sentence, ScimType.UNIQUENESS)

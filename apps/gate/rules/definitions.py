"""Rule definitions: stable rule numbers and the levels of findings. Numbers are never reused for
another rule."""

from enum import StrEnum

from django.db import models


class Rule(models.TextChoices):
    NOT_APPROVED = "FR001", "Model not approved"
    RETIRED = "FR002", "Model retired"
    RETIRES_SOON = "FR003", "Model retires soon"
    UNRESOLVED_ALIAS = "FR004", "Ambiguous model name"
    UNKNOWN_MODEL = "FR005", "Unknown model"
    EVIDENCE_MISSING = "FR006", "Evidence missing or stale"
    DATA_CLASS = "FR007", "Data classification not allowed"
    REGION = "FR008", "Region not allowed"
    WILDCARD = "FR009", "Wildcard route"
    NO_OWNER = "FR010", "Application without an owner"
    CLOSED_TO_NEW = "FR011", "Model closed to new customers"
    CAPABILITY_MISSING = "FR012", "Used capability missing"


# as SARIF and JUnit name them
RULE_SLUGS: dict[str, str] = {
    Rule.NOT_APPROVED: "model-not-approved",
    Rule.RETIRED: "retired",
    Rule.RETIRES_SOON: "retires-within-n-days",
    Rule.UNRESOLVED_ALIAS: "unresolved-alias",
    Rule.UNKNOWN_MODEL: "unknown-model",
    Rule.EVIDENCE_MISSING: "evidence-missing-or-stale",
    Rule.DATA_CLASS: "data-class-not-allowed",
    Rule.REGION: "region-not-allowed",
    Rule.WILDCARD: "wildcard-route",
    Rule.NO_OWNER: "no-owner",
    Rule.CLOSED_TO_NEW: "closed-to-new-customers",
    Rule.CAPABILITY_MISSING: "used-capability-missing",
}

RULE_DESCRIPTIONS: dict[str, str] = {
    Rule.NOT_APPROVED: "The organisation blocked the model or restricted it to other uses.",
    Rule.RETIRED: "The host no longer serves the model.",
    Rule.RETIRES_SOON: "The host has announced the retirement of the model, and the date is near.",
    Rule.UNRESOLVED_ALIAS: "The name of a deployment, gateway route or family is ambiguous.",
    Rule.UNKNOWN_MODEL: "The model is not known on this host.",
    Rule.EVIDENCE_MISSING: "The model has no valid evaluation on the organisation's own workload.",
    Rule.DATA_CLASS: "The model is restricted to other data classifications.",
    Rule.REGION: "The model is restricted to other regions.",
    Rule.WILDCARD: "The route allows any model.",
    Rule.NO_OWNER: "The application has no business owner and no technical owner.",
    Rule.CLOSED_TO_NEW: "The host no longer offers the model to new customers.",
    Rule.CAPABILITY_MISSING: "The model lacks what the application is recorded to use, or no "
    "source states that it has it.",
}


class Level(models.TextChoices):
    """The effect of a rule's finding: an error blocks, a warning warns, a note is only listed."""

    ERROR = "error", "Error: blocks"
    WARNING = "warning", "Warning"
    NOTE = "note", "Note"
    OFF = "off", "Off"

    @property
    def gravity(self) -> int:
        return {"error": 3, "warning": 2, "note": 1, "off": 0}[self.value]


def weaker_level(level: str, max_level: str) -> str:
    """Return `level`, lowered to `max_level` if it is more severe."""
    return min(Level(level), Level(max_level), key=lambda candidate: candidate.gravity).value


# a rule that is off has no findings
FINDING_LEVELS = [(level, label) for level, label in Level.choices if level != "off"]


class Decision(models.TextChoices):
    PASS = "pass", "Pass"
    WARN = "warn", "Warn"
    BLOCK = "block", "Block"
    UNKNOWN = "unknown", "Cannot decide"


EXIT_CODES: dict[str, int] = {
    Decision.PASS: 0,
    Decision.WARN: 0,
    Decision.BLOCK: 1,
    Decision.UNKNOWN: 3,
}


class Matching(StrEnum):
    EXACT = "exact"
    ALIAS = "alias"
    FAMILY = "family"
    UNRESOLVED = "unresolved"


MATCHING_CHOICES = [(kind.value, kind.value) for kind in Matching]

DEFAULT_LEVELS: dict[str, str] = {
    Rule.NOT_APPROVED: Level.ERROR,
    Rule.RETIRED: Level.ERROR,
    Rule.RETIRES_SOON: Level.WARNING,
    Rule.UNRESOLVED_ALIAS: Level.WARNING,
    Rule.UNKNOWN_MODEL: Level.WARNING,
    Rule.EVIDENCE_MISSING: Level.NOTE,
    Rule.DATA_CLASS: Level.ERROR,
    Rule.REGION: Level.ERROR,
    Rule.WILDCARD: Level.WARNING,
    Rule.NO_OWNER: Level.WARNING,
    Rule.CLOSED_TO_NEW: Level.WARNING,
    Rule.CAPABILITY_MISSING: Level.WARNING,
}


def default_levels() -> dict[str, str]:
    return {str(rule): str(level) for rule, level in DEFAULT_LEVELS.items()}

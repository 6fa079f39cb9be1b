"""Sentences about candidates: the same on pages, in files and in REST."""

from collections.abc import Iterable, Mapping
from datetime import date

from apps.catalog.capabilities.phrases import describe_losses, field_noun
from apps.catalog.capabilities.values import SettledValue
from apps.catalog.models import DateKind, Offering
from apps.common.text import format_date, pluralize
from apps.exposure.successors.areas import GLOBAL, name_areas
from apps.exposure.successors.records import (
    ApprovalState,
    FallbackEffect,
    FallbackState,
    JudgeEffect,
    Obstacle,
    ObstacleKind,
    Successor,
    SuccessorSearch,
    TestResult,
)
from apps.inventory.models import Dependency, ExitTest

APPROVAL_LABELS: Mapping[ApprovalState, str] = {
    ApprovalState.APPROVED: "Approved",
    ApprovalState.UNDECIDED: "No approval",
    ApprovalState.OPEN: "Restricted, data missing",
    ApprovalState.OUTSIDE: "Outside its approval",
    ApprovalState.BLOCKED: "Blocked",
}
# what is lost, as one or two words before "lost"
OBSTACLE_NOUNS: Mapping[ObstacleKind, str] = {
    ObstacleKind.RETIRED: "Retirement",
    ObstacleKind.RETIRES_FIRST: "Retirement",
    ObstacleKind.BLOCKED: "Approval",
    ObstacleKind.APPROVAL: "Approval",
    ObstacleKind.REGION: "Region",
    ObstacleKind.DATA_TERMS: "Data terms",
}
MAX_TESTS = 3


def name_model(offering: Offering) -> str:
    """Return the name of the model, or its model ID where the model is not identified."""
    return offering.version.foundation.name if offering.version else offering.api_id


def name_offering(offering: Offering) -> str:
    return f"{name_model(offering)} on {offering.host.name}"


def headline_parts(search: SuccessorSearch, *, with_flags: bool) -> tuple[str, str, str]:
    """Return the finding of a search as (before, mark, after)."""
    n_all, n_keeping, n_free = len(search.all), search.n_keeping, search.n_without_flag
    if not n_all:
        return "No candidate is known for this dependency.", "", ""
    if not search.needs:
        n = len(search.successors)
        return (
            pluralize(
                n, "1 candidate breaks nothing known.", f"{n} candidates break nothing known."
            ),
            " What this dependency uses is not recorded.",
            "",
        )
    if not n_keeping:
        return "No candidate is known to keep everything this dependency uses.", "", ""
    sentence = pluralize(
        n_keeping,
        "1 candidate keeps everything this dependency uses.",
        f"{n_keeping} candidates keep everything this dependency uses.",
    )
    if not with_flags:
        return sentence, "", ""
    if n_free == n_keeping:
        return (
            f"{sentence} ",
            "",
            pluralize(n_free, "It opens", "None of them opens")
            + (" no exposure flag." if n_free == 1 else " an exposure flag."),
        )
    if not n_free:
        return (
            f"{sentence} ",
            pluralize(n_keeping, "It opens", "All of them open"),
            " an exposure flag.",
        )
    return (
        f"{sentence} ",
        f"Only {n_free} of them",
        pluralize(n_free, " opens no exposure flag.", " open no exposure flag."),
    )


def describe_obstacle(obstacle: Obstacle, row: Successor, search: SuccessorSearch) -> str:
    """Return why the candidate is no successor, as a sentence."""
    match obstacle.kind:
        case ObstacleKind.RETIRED:
            day = row.offering.retires_on
            return f"Retired on {format_date(day)}." if day else "Retired."
        case ObstacleKind.RETIRES_FIRST:
            same = row.offering.retires_on == search.dependency.offering.retires_on
            return "Retires on the same day." if same else "Retires earlier than today’s model."
        case ObstacleKind.BLOCKED | ObstacleKind.APPROVAL if obstacle.approval is not None:
            return " ".join(obstacle.approval.why)
        case ObstacleKind.BLOCKED | ObstacleKind.APPROVAL:
            return "No approval covers this host."
        case ObstacleKind.REGION:
            required = name_areas(search.required_areas)
            where = (
                "No region is promised."
                if row.areas == {GLOBAL}
                else f"Served in {name_areas(row.areas)}."
            )
            return f"{where} The application requires {required}."
        case ObstacleKind.DATA_TERMS:
            return "Inputs are used for training."
        case ObstacleKind.CAPABILITY:
            losses = describe_losses(row.fit)
            return f"{losses[:1].upper()}{losses[1:]}."


def describe_retirement(offering: Offering, today: date) -> str:
    """Return when the offering retires, as a phrase."""
    if offering.retires_on is None:
        return "retired" if offering.is_retired(today) else "no date announced"
    day = format_date(offering.retires_on)
    return f"from {day}" if offering.date_kind == DateKind.NOT_BEFORE else day


def describe_data_terms(terms: Mapping[str, SettledValue]) -> str:
    """Return the data terms as one sentence; empty if none is known."""

    def value_of(field: str) -> object:
        return terms[field].value if field in terms else None

    phrases = []
    training, days, zero = map(value_of, ("training_use", "retention_days", "zero_retention"))
    if training is not None:
        phrases.append("inputs are used for training" if training else "no training")
    if isinstance(days, int):
        phrases.append(f"{days} days retention" if days else "no retention")
    if zero is True and days != 0:
        phrases.append("zero retention on request")
    residency = value_of("residency")
    if isinstance(residency, list):
        phrases.append(f"data in {', '.join(residency)}")
    sentence = ", ".join(phrases)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def describe_fallback(effect: FallbackEffect, left: Offering) -> str:
    """Return what happens to the fallback, in one or two sentences."""
    if effect.offering is None:
        sentence = "The application has no fallback."
    else:
        name = name_offering(effect.offering)
        grade = "" if effect.independence is None else f", independence {effect.independence}"
        match effect.state:
            case FallbackState.FITS:
                return f"{name} fits{grade}."
            case FallbackState.UNKNOWN:
                return f"{name} stays, its fit is not known{grade}."
            case FallbackState.SAME:
                sentence = "The candidate is today’s fallback, so that none remains."
            case FallbackState.RETIRES:
                on = effect.offering.retires_on
                when = (
                    "on the same day"
                    if on is not None and on == left.retires_on
                    else f"on {format_date(on)}"
                    if on
                    else "first"
                )
                sentence = f"{name_model(effect.offering)} retires {when}."
            case _:
                losses = describe_losses(effect.fit) if effect.fit else "does not fit"
                sentence = f"{name} {losses}."
    if effect.proposed is None:
        return f"{sentence} No other fallback is known to fit."
    return (
        f"{name_offering(effect.proposed)} fits, independence {effect.proposed_independence}. "
        f"{sentence}"
    )


def describe_judge(effect: JudgeEffect, row: Successor) -> str:
    """Return what the candidate shares with a judge, or with what it would judge."""
    other = effect.dependency
    judges = row.dependency.role != Dependency.Role.PRIMARY
    noun = "the model it judges" if judges else f"the {other.get_role_display().lower()}"
    if effect.independence <= 1:
        return f"Same model as {noun}."
    if effect.shares_lineage:
        return f"Same foundation as {noun}, {name_offering(other.offering)}."
    if effect.shares_developer:
        return f"Same developer as {noun}, other foundation."
    return f"{name_offering(other.offering)} stays independent."


def describe_test(test: TestResult, today: date) -> str:
    """Return one exit test, with its application if the reader can view it."""
    name = test.application or "Another team"
    result = {
        ExitTest.Result.PASSED: "passed",
        ExitTest.Result.PARTIAL: "partly passed",
        ExitTest.Result.FAILED: "failed",
    }[ExitTest.Result(test.result)]
    sentence = f"{name}: {result} {format_date(test.tested_on)}"
    if test.result == ExitTest.Result.PASSED:
        verb = "expired" if test.ends_on <= today else "valid until"
        sentence = f"{sentence}, {verb} {format_date(test.ends_on)}"
    if test.missing:
        nouns = list_fields(test.missing[:3])
        sentence = f"{sentence}. No test with {nouns}"
    return f"{sentence}."


def describe_tests(row: Successor, today: date) -> str:
    """Return the latest tests towards the candidate; further ones are counted."""
    if not row.tests:
        return "No application."
    sentences = [describe_test(test, today) for test in row.tests[:MAX_TESTS]]
    n = row.n_tests - len(sentences)
    if n > 0:
        sentences.append(pluralize(n, "And 1 more.", f"And {n} more."))
    return " ".join(sentences)


def list_fields(fields: Iterable[str]) -> str:
    return " or ".join(field_noun(field) for field in fields)

"""Diagnosis of an installation: checks of all apps, each with sentences for the operator.

settings.INSTALLATION_CHECKS lists the checks in their order. A check is a function of the time that
returns diagnoses. One that reads a service that does not answer is reported as not made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import redis
from django.conf import settings
from django.db import DatabaseError, ProgrammingError
from django.utils.module_loading import import_string
from psycopg_pool import PoolTimeout


class Level(StrEnum):
    """How serious a diagnosis is."""

    OK = "ok"
    # works now, but is risky or will stop working
    WARNING = "warning"
    # something does not work
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Result of a check: a sentence, and what the operator should do about it (empty: nothing)."""

    level: Level
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part of the installation with its diagnoses."""

    name: str
    diagnoses: tuple[Diagnosis, ...]

    @property
    def level(self) -> Level:
        """The most serious level among the diagnoses."""
        levels = {diagnosis.level for diagnosis in self.diagnoses}
        return next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.OK)


def ok(sentence: str) -> Diagnosis:
    return Diagnosis(Level.OK, sentence)


def warning(sentence: str, remedy: str) -> Diagnosis:
    return Diagnosis(Level.WARNING, sentence, remedy)


def error(sentence: str, remedy: str) -> Diagnosis:
    return Diagnosis(Level.ERROR, sentence, remedy)


def diagnose_installation(*, at: datetime) -> list[CheckedPart]:
    """Run all checks and return their diagnoses, part by part."""
    parts = []
    for name, path in settings.INSTALLATION_CHECKS.items():
        check: Callable[[datetime], Iterable[Diagnosis]] = import_string(path)
        parts.append(CheckedPart(name, tuple(_run_check(check, at=at))))
    return parts


def _run_check(
    check: Callable[[datetime], Iterable[Diagnosis]], *, at: datetime
) -> list[Diagnosis]:
    """Return the diagnoses of one check, those before a failure included."""
    diagnoses: list[Diagnosis] = []
    try:
        diagnoses.extend(check(at))
    except ProgrammingError as failure:
        diagnoses.append(
            error(
                f"Not checked, because tables are missing or differ ({_describe(failure)}).",
                "Run manage.py migrate.",
            )
        )
    except (DatabaseError, PoolTimeout) as failure:
        diagnoses.append(
            error(
                f"Not checked, because the database does not answer ({_describe(failure)}).",
                "Check DATABASE_URL, the server and the network.",
            )
        )
    except redis.RedisError as failure:
        diagnoses.append(
            error(
                f"Not checked, because the broker does not answer ({_describe(failure)}).",
                "Check BROKER_URL and CACHE_URL, the server and the network.",
            )
        )
    return diagnoses


def _describe(failure: Exception) -> str:
    """Return the first line of an error, which names the cause."""
    return f"{failure}".strip().split("\n", 1)[0][:200] or type(failure).__name__

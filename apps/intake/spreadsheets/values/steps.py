"""Step "Values" of an import: the distinct values of its file, and the choices of a user.

The values are read with the columns, and stored with the import (`ImportValue`). Choices can be
made until the import is confirmed, and are remembered for files with the same headers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.intake.models import Import
from apps.intake.spreadsheets.values.distinct import DistinctModel, NamedRecords, ValueGroup


def value_groups(import_: Import) -> list[ValueGroup]:
    """Return the distinct values of criticality, data class, status and other fields that are
    mapped, by column; a fixed number of statements."""
    raise NotImplementedError


def distinct_models(import_: Import, *, only_open: bool = False) -> list[DistinctModel]:
    """Return the model names of the file, the most urgent first: retired candidates, open names,
    the most rows; a fixed number of statements."""
    raise NotImplementedError


def named_records(import_: Import) -> NamedRecords:
    """Return the teams, people and vendors that the file names and the registry does not have."""
    raise NotImplementedError


def choose_values(
    *,
    import_: Import,
    values: Mapping[int, Any],
    models: Mapping[int, int | None],
    by: User | None,
    at: datetime,
) -> Import:
    """Set what distinct values mean, and plan all rows again.

    `values` is {id of a value: choice as JSON}, `models` {id of a model name: id of the offering,
    None to leave it unresolved}. What is not named stays as it is. Raises DomainError for a choice
    that its field does not have."""
    raise NotImplementedError

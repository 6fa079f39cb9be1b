"""Proposal for a file: its columns, distinct values and model names with best guesses, as JSON.

Nothing is written. The command, REST and the pages of an import use the same guesses."""

from collections.abc import Mapping
from typing import Any

from apps.accounts.models import User


def propose_mapping(
    *, content: bytes, file_name: str, by: User | None, application: str = "", team: str = ""
) -> dict[str, Any]:
    """Return `{created, updated, unchanged, rejected, mapping, models}` for a file, as it would be
    imported with every guess; `by` None is the operator. Raises UnreadableError."""
    raise NotImplementedError


def mapping_choices(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the choices of a mapping that `propose_mapping` printed and a user edited. Raises
    UnreadableError with the place of what is wrong."""
    raise NotImplementedError

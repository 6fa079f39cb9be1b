"""Base of the commands on teams, users and memberships: JSON lines as output, and rejections as
sentences."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.actions import AccountChangeError, SameNameError
from apps.accounts.models import Team

# argument value that removes the value of a field
NONE = "none"


class RowCommand(BaseCommand):
    """A command that prints rows as JSON lines. `change` of a row is added, changed, unchanged or
    removed; repeating a command gives unchanged. Exit code 1: rejected; 2: invalid arguments."""

    def write_row(self, row: Mapping[str, Any]) -> None:
        self.stdout.write(json.dumps(row, ensure_ascii=False))


@contextmanager
def refusals() -> Iterator[None]:
    """Convert rejections by actions to CommandError."""
    try:
        yield
    except AccountChangeError as refusal:
        raise CommandError(str(refusal), returncode=1) from None
    except SameNameError as refusal:
        raise CommandError(" ".join(refusal.messages), returncode=1) from None
    except ValidationError as error:
        raise CommandError(" ".join(_sentences(error)), returncode=2) from None


def _sentences(error: ValidationError) -> Iterator[str]:
    if not hasattr(error, "error_dict"):
        yield from error.messages
        return
    for name, messages in error.message_dict.items():
        for message in messages:
            yield message if name == "__all__" else f"{name}: {message}"


def team_of(slug: str) -> Team:
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise CommandError(
            f"Team '{slug}' was not found. 'manage.py team' lists all teams.", returncode=2
        )
    return team

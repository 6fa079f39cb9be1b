"""Commands of the feeds, called in this process, and what they leave undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from django.core.management import call_command
from django.db import transaction


def output_of_command(*arguments: str) -> str:
    """Return what a management command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what is written inside the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)

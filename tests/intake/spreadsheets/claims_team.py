"""A team that imports sheets: an editor, a few hosts, models under their usual ids; and the
sheets."""

from dataclasses import dataclass
from typing import Any

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.catalog.models import Offering
from apps.common.time import now
from apps.intake.models import Import, ImportRow
from apps.intake.spreadsheets.columns.mapping import BookMapping
from apps.intake.spreadsheets.import_steps import choose_columns, confirm_import, receive_sheet
from tests.builders import (
    make_foundation,
    make_member,
    make_offering,
    make_provider,
    make_team,
    make_user,
    make_version,
)
from tests.intake.spreadsheets.sheet_files import as_csv


@dataclass
class ClaimsTeam:
    team: Team
    by: User
    gpt: Offering
    embedding: Offering


def make_claims_team() -> ClaimsTeam:
    """`by` edits `team`; openai and azure offer GPT-4o, openai an embedding; litellm is a
    gateway."""
    team = make_team("Claims")
    maker = make_provider("openai", roles=("developer", "host"), name="OpenAI")
    line = make_foundation("openai/gpt-4o", developer=maker)
    version = make_version("openai/gpt-4o-2024-11-20", foundation=line)
    azure = make_provider("azure", name="Azure OpenAI")
    make_provider("litellm", roles=("gateway",), name="LiteLLM")
    make_offering("gpt-4o-2024-11-20", host=azure, version=version)
    return ClaimsTeam(
        team=team,
        by=make_member(team, TeamRole.EDITOR, make_user("eve")),
        gpt=make_offering("gpt-4o-2024-11-20", host=maker, version=version, category="chat"),
        embedding=make_offering("text-embedding-3-large", host=maker, category="embedding"),
    )


def upload(content: bytes, by: User | None, name: str = "list.csv") -> Import:
    return receive_sheet(content=content, file_name=name, by=by, at=now())


def preview(rows: Any, by: User, name: str = "list.csv", **mapping: Any) -> Import:
    """Uploaded (rows, or the bytes of a file) and read with the guessed columns."""
    content = rows if isinstance(rows, bytes) else as_csv(rows)
    received = upload(content, by, name)
    chosen = BookMapping.from_json({**received.mapping, **mapping})
    return choose_columns(import_=received, mapping=chosen, by=by, at=now())


def confirm(import_: Import, **how: Any) -> Import:
    return confirm_import(import_=import_, by=import_.by, **how)


def outcomes(import_: Import) -> list[str]:
    return list(
        ImportRow.objects.filter(import_record=import_)
        .order_by("position")
        .values_list("outcome", flat=True)
    )


def reasons(import_: Import) -> list[tuple[str, str]]:
    """(head, sentence) of the refused rows."""
    rows = ImportRow.objects.filter(import_record=import_, outcome="refused").order_by("position")
    return list(rows.values_list("column", "reason"))

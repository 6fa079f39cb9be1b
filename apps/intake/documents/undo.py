"""Undo of a document: its dependencies are removed, and its observations are ignored from then
on."""

from apps.accounts.models import User
from apps.accounts.roles import TeamRole
from apps.intake.documents import ingest
from apps.intake.import_jobs import IntakePermissionError, InvalidStateError
from apps.intake.models import Import
from apps.intake.spreadsheets.import_steps import change_state
from apps.inventory.actions.undo import teams_of_change


def undo_document(*, import_: Import, by: User) -> Import:
    """Undo the changes of the document, unless later changes depend on them; then the import
    records the reason."""
    if import_.change is None:
        raise InvalidStateError(
            "Nothing of this document is in the registry, so there is nothing to undo."
        )
    teams = teams_of_change(change=import_.change)
    if import_.application is not None:
        teams |= {import_.application.team_id}
    if not by.is_governance and any(not by.may(TeamRole.EDITOR, team) for team in teams):
        raise IntakePermissionError(
            "You need the editor role on all teams whose applications this document changed, or "
            "the governance role."
        )
    if not by.is_governance and import_.deployments.filter(application__isnull=True).exists():
        raise IntakePermissionError(
            "You need the governance role to undo this document, because its names apply to all "
            "applications."
        )
    change_state(
        import_, (Import.State.APPLIED,), Import.State.UNDOING, error="", attempts=0, undone_by=by
    )
    ingest.run_document_import(import_.pk)
    import_.refresh_from_db()
    return import_

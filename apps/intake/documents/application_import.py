"""Application import from a software catalogue: applications are matched by their name in the
catalogue, or registered.

Values that users entered in the inventory take precedence: only blank fields of an existing
application are filled, and no application is retired because the catalogue no longer contains
it."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models.functions import Lower

from apps.accounts.models import Team, User
from apps.accounts.roles import TeamRole
from apps.common.errors import ConflictError
from apps.intake.documents.records import DescribedApplication, SkippedPart
from apps.inventory.actions.applications import change_application, register_application
from apps.inventory.actions.locks import ForbiddenChangeError
from apps.inventory.models import Application


@dataclass(slots=True)
class ApplicationImport:
    """Result of an application import: {name in the catalogue: application id}, and counts by
    outcome."""

    ids: dict[str, int] = field(default_factory=dict)
    n_created: int = 0
    n_updated: int = 0
    n_unchanged: int = 0
    rejected: list[SkippedPart] = field(default_factory=list)


def import_applications(
    descriptions: list[DescribedApplication], *, kind: str, by: User | None, team: Team | None
) -> ApplicationImport:
    """Find or register each application; `kind` is the key of `external_refs` under which its name
    in the catalogue is stored.

    New applications go to the team that the catalogue names, if a team of that name exists, else to
    `team`. `by` None is the operator, who may write everywhere. Applications that cannot be
    imported are listed in `rejected`, and the import continues."""
    result = ApplicationImport()
    existing = _find_applications(descriptions, kind)
    teams = _TeamLookup()
    for description in descriptions:
        try:
            application = existing.get(description.ref.lower())
            if application is not None:
                _fill_blanks(application, description, result, by=by)
            else:
                application = _register_application(
                    description, teams.find(description) or team, result, by=by
                )
            result.ids[description.ref] = application.pk
        except _RejectedApplicationError as rejection:
            result.rejected.append(
                SkippedPart(description.where, f"{description.ref}: {rejection}")
            )
        except (ConflictError, ForbiddenChangeError) as rejection:
            result.rejected.append(
                SkippedPart(description.where, f"{description.ref}: {rejection}")
            )
        except ValidationError as error:
            result.rejected.append(
                SkippedPart(description.where, f"{description.ref}: {' '.join(error.messages)}")
            )
    return result


class _RejectedApplicationError(Exception):
    """Error: the application cannot be imported; the text is a sentence with the reason."""


def _find_applications(
    descriptions: list[DescribedApplication], kind: str
) -> dict[str, Application]:
    """Return {name in the catalogue, in lower case: application}, matched by the name stored at an
    earlier import, else by the exact name or slug if it is unique."""
    refs = [description.ref.lower() for description in descriptions]
    by_ref = {
        str(application.external_refs[kind]).lower(): application
        for application in Application.objects.filter(
            **{f"external_refs__{kind}__in": refs}
        ).select_related("team")
    }
    unmatched = {
        description.ref.lower(): description
        for description in descriptions
        if description.ref.lower() not in by_ref
    }
    by_name: dict[str, list[Application]] = defaultdict(list)
    names = {description.name.lower() for description in unmatched.values()}
    slugs = {description.ref.rpartition("/")[2].lower() for description in unmatched.values()}
    rows = Application.objects.annotate(lower_name=Lower("name")).select_related("team")
    for application in rows.filter(lower_name__in=names).union(rows.filter(slug__in=slugs)):
        for name in {application.name.lower(), application.slug}:
            by_name[name].append(application)
    for ref, description in unmatched.items():
        matches = {
            app.pk: app
            for name in (description.name.lower(), ref.rpartition("/")[2])
            for app in by_name.get(name, [])
        }
        if len(matches) == 1:
            by_ref[ref] = next(iter(matches.values()))
    return by_ref


def _fill_blanks(
    application: Application,
    description: DescribedApplication,
    result: ApplicationImport,
    *,
    by: User | None,
) -> None:
    """Fill blank fields of an existing application, and count it in `result`."""
    refs = {**description.refs, **application.external_refs}
    facts: dict[str, Any] = {}
    if refs != application.external_refs:
        facts["external_refs"] = refs
    if description.purpose and not application.purpose:
        facts["purpose"] = description.purpose
    if not facts:
        result.n_unchanged += 1
        return
    if by is not None and not by.may(TeamRole.EDITOR, application.team_id):
        raise _RejectedApplicationError("You need the editor role on the owning team to change it.")
    change_application(
        application=application, facts=facts, by=by, reason=f"described as {description.ref}"
    )
    result.n_updated += 1


def _register_application(
    description: DescribedApplication,
    team: Team | None,
    result: ApplicationImport,
    *,
    by: User | None,
) -> Application:
    """Register the described application with `team` as its owner and count it in `result`. Raises
    _RejectedApplicationError, with a sentence, without a team or if `by` is not its editor; `by`
    None is the operator."""
    if team is None:
        owner = (
            f"No team is called '{description.owner}'" if description.owner else "No owner is given"
        )
        raise _RejectedApplicationError(
            f"{owner}, and no team was selected for the import. Send the document with ?team=SLUG."
        )
    if by is not None and not by.may(TeamRole.EDITOR, team):
        raise _RejectedApplicationError(
            f"You need the editor role on {team.name} to add applications."
        )
    facts: dict[str, Any] = {"purpose": description.purpose, "external_refs": description.refs}
    if description.status:
        facts["status"] = description.status
    application = register_application(
        name=description.name,
        team=team,
        by=by,
        facts=facts,
        reason=f"described as {description.ref}",
    )
    result.n_created += 1
    return application


class _TeamLookup:
    """Lookup of teams by the names that a catalogue can use for them."""

    def __init__(self) -> None:
        self._teams_by_name: dict[str, list[Team]] = defaultdict(list)
        for team in Team.objects.all():
            for name in {team.slug.lower(), team.name.lower()}:
                self._teams_by_name[name].append(team)

    def find(self, description: DescribedApplication) -> Team | None:
        for name in (description.owner.rpartition("/")[2], description.owner_name):
            teams = self._teams_by_name.get(name.lower(), []) if name else []
            if len(teams) == 1:
                return teams[0]
        return None

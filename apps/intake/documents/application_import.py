"""Application import from a software catalogue: applications are matched by their name there, or
registered.

What users entered in the inventory outranks the catalogue: only blank fields of an existing
application are filled, and nothing is retired because it is missing in the catalogue."""

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
    """Result of an application import: {the catalogue's name: application id}, and the outcome of
    each."""

    ids: dict[str, int] = field(default_factory=dict)
    n_created: int = 0
    n_updated: int = 0
    n_unchanged: int = 0
    rejected: list[SkippedPart] = field(default_factory=list)


def import_applications(
    said: list[DescribedApplication], *, kind: str, by: User | None, team: Team | None
) -> ApplicationImport:
    """Find or register each application; `kind` is the key of `external_refs` under which the
    catalogue's name is stored.

    New ones go to the team that the catalogue names, if a team of that name exists, else to `team`.
    `by` None is the operator, who may write everywhere. What cannot be imported is listed in
    `rejected`, and the others continue."""
    done = ApplicationImport()
    known = _find_application(said, kind)
    teams = _TeamLookup()
    for each in said:
        try:
            application = known.get(each.ref.lower())
            if application is not None:
                _fill_blanks(application, each, done, by=by)
            else:
                application = _register_application(each, teams.find(each) or team, done, by=by)
            done.ids[each.ref] = application.pk
        except _RejectedApplicationError as refused:
            done.rejected.append(SkippedPart(each.where, f"{each.ref}: {refused}"))
        except (ConflictError, ForbiddenChangeError) as refused:
            done.rejected.append(SkippedPart(each.where, f"{each.ref}: {refused}"))
        except ValidationError as error:
            done.rejected.append(SkippedPart(each.where, f"{each.ref}: {' '.join(error.messages)}"))
    return done


class _RejectedApplicationError(Exception):
    pass


def _find_application(said: list[DescribedApplication], kind: str) -> dict[str, Application]:
    """Find an application by the name stored at an earlier import, else by the exact name or id, if
    only one has it."""
    refs = [each.ref.lower() for each in said]
    by_ref = {
        str(application.external_refs[kind]).lower(): application
        for application in Application.objects.filter(
            **{f"external_refs__{kind}__in": refs}
        ).select_related("team")
    }
    missing = {each.ref.lower(): each for each in said if each.ref.lower() not in by_ref}
    by_name: dict[str, list[Application]] = defaultdict(list)
    names = {each.name.lower() for each in missing.values()}
    slugs = {each.ref.rpartition("/")[2].lower() for each in missing.values()}
    rows = Application.objects.annotate(lower_name=Lower("name")).select_related("team")
    for application in rows.filter(lower_name__in=names).union(rows.filter(slug__in=slugs)):
        for name in {application.name.lower(), application.slug}:
            by_name[name].append(application)
    for ref, each in missing.items():
        found = {
            app.pk: app
            for name in (each.name.lower(), ref.rpartition("/")[2])
            for app in by_name.get(name, [])
        }
        if len(found) == 1:
            by_ref[ref] = next(iter(found.values()))
    return by_ref


def _fill_blanks(
    application: Application,
    said: DescribedApplication,
    done: ApplicationImport,
    *,
    by: User | None,
) -> None:
    refs = {**said.refs, **application.external_refs}
    facts: dict[str, Any] = {}
    if refs != application.external_refs:
        facts["external_refs"] = refs
    if said.purpose and not application.purpose:
        facts["purpose"] = said.purpose
    if not facts:
        done.n_unchanged += 1
        return
    if by is not None and not by.may(TeamRole.EDITOR, application.team_id):
        raise _RejectedApplicationError("You need the editor role on the owning team to change it.")
    change_application(
        application=application, facts=facts, by=by, reason=f"described as {said.ref}"
    )
    done.n_updated += 1


def _register_application(
    said: DescribedApplication, team: Team | None, done: ApplicationImport, *, by: User | None
) -> Application:
    if team is None:
        owner = f"No team is called '{said.owner}'" if said.owner else "No owner is given"
        raise _RejectedApplicationError(
            f"{owner}, and no team was selected for the import. Send the document with ?team=SLUG."
        )
    if by is not None and not by.may(TeamRole.EDITOR, team):
        raise _RejectedApplicationError(
            f"You need the editor role on {team.name} to add applications."
        )
    facts: dict[str, Any] = {"purpose": said.purpose, "external_refs": said.refs}
    if said.status:
        facts["status"] = said.status
    application = register_application(
        name=said.name, team=team, by=by, facts=facts, reason=f"described as {said.ref}"
    )
    done.n_created += 1
    return application


class _TeamLookup:
    """Lookup of teams by the names that a catalogue may give them."""

    def __init__(self) -> None:
        self._found: dict[str, list[Team]] = defaultdict(list)
        for team in Team.objects.all():
            for name in {team.slug.lower(), team.name.lower()}:
                self._found[name].append(team)

    def find(self, said: DescribedApplication) -> Team | None:
        for name in (said.owner.rpartition("/")[2], said.owner_name):
            found = self._found.get(name.lower(), []) if name else []
            if len(found) == 1:
                return found[0]
        return None

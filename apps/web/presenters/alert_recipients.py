"""Alert recipients of an application, in a sentence, so that its users can check them before an
alert is sent."""

from apps.accounts.models import User
from apps.alerts.recipients import application_owners, governance_users, team_audiences
from apps.inventory.models import Application
from apps.web.wording import join_names


def describe_alert_recipients(application: Application) -> list[str]:
    """Return sentences; `application.team` must be loaded. Three or four statements."""
    owners = application_owners([application.pk])[application.pk]
    audience = team_audiences([application.team_id])[application.team_id]
    named = [pk for pk in (owners.first, *owners.others) if pk is not None]
    people = User.objects.in_bulk({*named, *audience.owner_ids})
    to = [str(people[pk]) for pk in named]
    if audience.has_mailbox:
        to.append(f"the mailbox of {application.team}, {application.team.email}")
    elif audience.owner_ids:
        others = [str(people[pk]) for pk in audience.owner_ids if pk not in named]
        if others:
            to.append(f"{join_names(others, most=6)}, as {application.team} has no mailbox")
    said = [f"Alerts go to {_join_names(to)}." if to else _fallback_recipients(application)]
    if unknown := _unknown_owners(application, [people[pk] for pk in named]):
        names = join_names([f"“{word}”" for word in unknown])
        verb = "names" if len(unknown) == 1 else "name"
        said.append(f"{names} {verb} nobody who is known here and may see it.")
    return said


def _join_names(parts: list[str]) -> str:
    """With `and to` before the last, since a part may hold commas of its own."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and to {parts[-1]}"


def _fallback_recipients(application: Application) -> str:
    why = (
        f"{application.team} has no mailbox, "
        "and neither it nor a team above has an owner with an address"
    )
    offices = [str(person) for person in governance_users()]
    if offices:
        return f"Alerts go to governance, {join_names(offices)}: {why}."
    return f"Alerts go to nobody: {why}, and nobody governs."


def _unknown_owners(application: Application, people: list[User]) -> list[str]:
    """Names of owners that no person here answers to."""
    known = {
        word.strip().lower()
        for person in people
        for word in (person.get_username(), person.email, person.get_full_name())
        if word
    }
    words = dict.fromkeys([application.business_owner.strip(), application.technical_owner.strip()])
    return [word for word in words if word and word.lower() not in known]

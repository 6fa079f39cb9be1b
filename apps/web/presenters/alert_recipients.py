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
    owner_ids = [pk for pk in (owners.first, *owners.others) if pk is not None]
    users = User.objects.in_bulk({*owner_ids, *audience.owner_ids})
    destinations = [str(users[pk]) for pk in owner_ids]
    if audience.has_mailbox:
        destinations.append(f"the mailbox of {application.team}, {application.team.email}")
    elif audience.owner_ids:
        team_owner_names = [str(users[pk]) for pk in audience.owner_ids if pk not in owner_ids]
        if team_owner_names:
            destinations.append(
                f"{join_names(team_owner_names, max_names=6)}, as {application.team} has no mailbox"
            )
    sentences = [
        f"Alerts go to {_join_names(destinations)}."
        if destinations
        else _describe_fallback(application)
    ]
    if unknown := _unknown_owners(application, [users[pk] for pk in owner_ids]):
        names = join_names([f"“{name}”" for name in unknown])
        verb = "names" if len(unknown) == 1 else "name"
        sentences.append(f"{names} {verb} no active user who can view the application.")
    return sentences


def _join_names(destinations: list[str]) -> str:
    """Join names with `and to` before the last, since a name may contain commas."""
    return (
        destinations[0]
        if len(destinations) == 1
        else f"{', '.join(destinations[:-1])} and to {destinations[-1]}"
    )


def _describe_fallback(application: Application) -> str:
    reason = (
        f"{application.team} has no mailbox, "
        "and no owner of the team or a parent team has an email address"
    )
    governance_names = [str(governance_user) for governance_user in governance_users()]
    if governance_names:
        return f"Alerts go to governance, {join_names(governance_names)}: {reason}."
    return f"Alerts have no recipient: {reason}, and no user has the governance role."


def _unknown_owners(application: Application, users: list[User]) -> list[str]:
    """Return the names of owners that match none of the users."""
    known_names = {
        owner_name.strip().lower()
        for user in users
        for owner_name in (user.get_username(), user.email, user.get_full_name())
        if owner_name
    }
    owner_names = dict.fromkeys(
        [application.business_owner.strip(), application.technical_owner.strip()]
    )
    return [
        owner_name
        for owner_name in owner_names
        if owner_name and owner_name.lower() not in known_names
    ]

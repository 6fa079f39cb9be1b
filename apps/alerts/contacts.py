"""Contacts as recipients: without access to the registry, they are notified of the applications
that they own and of issues assigned to them, and can respond by the link in an email."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.people.mail_rules import contacts_with_mail
from apps.alerts.models import Alert, AlertQuerySet
from apps.inventory.models import Application
from apps.issues.models import Issue


def owned_applications(people: Iterable[User]) -> dict[int, frozenset[int]]:
    """Return {contact: IDs of the applications that the contact owns, or of which an unresolved
    issue is assigned to it}; two statements, or none without contacts."""
    ids = {person.pk for person in people if person.is_contact}
    if not ids:
        return {}
    owned: dict[int, set[int]] = defaultdict(set, {pk: set() for pk in ids})
    owners = Application.objects.filter(
        Q(business_owner_person__in=ids) | Q(technical_owner_person__in=ids)
    )
    for pk, *person_ids in owners.order_by().values_list(
        "pk", "business_owner_person", "technical_owner_person"
    ):
        for person_id in ids.intersection(person_ids):
            owned[person_id].add(pk)
    assigned = Issue.objects.unresolved().filter(owner__in=ids, application__isnull=False)
    for person_id, application_id in assigned.order_by().values_list("owner", "application"):
        owned[person_id].add(application_id)
    return {pk: frozenset(application_ids) for pk, application_ids in owned.items()}


def mailable_contacts(people: Iterable[User]) -> dict[int, frozenset[int]]:
    """Return `owned_applications` of the contacts who may receive email."""
    owned = owned_applications(people)
    mailable = contacts_with_mail(owned) if owned else set()
    return {pk: application_ids for pk, application_ids in owned.items() if pk in mailable}


def owned_alerts(person: User) -> AlertQuerySet:
    """Select the alerts whose applications the contact owns, all of them."""
    owned = owned_applications([person]).get(person.pk, frozenset())
    return Alert.objects.filter(application_ids__contained_by=sorted(owned)).exclude(
        application_ids=[]
    )


def owns_alert(person: User, alert: Alert) -> bool:
    """Return whether the contact owns all applications of the alert, and so can respond to it."""
    return owned_alerts(person).filter(pk=alert.pk).exists()

"""What the delivery log holds of a contact that is erased: the address, and the messages."""

from django.db.models import Q

from apps.accounts.people.erasure import ErasedPerson, register_eraser
from apps.alerts.models import Delivery


def erase_recipient(person: ErasedPerson) -> None:
    """Keep the proof that messages were sent, with a label in place of the address and without
    their text."""
    sent_to = Q(user__in=person.ids)
    for address in person.addresses:
        sent_to |= Q(address__iexact=address)
    Delivery.objects.filter(sent_to).update(address=person.label, body_text="", body_html="")


register_eraser(erase_recipient)

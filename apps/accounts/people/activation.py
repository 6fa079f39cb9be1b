"""An invited person becomes active with the first sign-in."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from apps.accounts.models import PersonState, User
from apps.common.history.context import audit_context


@receiver(user_logged_in)
def activate_person(user: User, **_kwargs: Any) -> None:
    if user.state != PersonState.INVITED:
        return
    with audit_context(user=user, reason="first sign-in"):
        User.objects.filter(pk=user.pk, state=PersonState.INVITED).update(state=PersonState.ACTIVE)
    user.state = PersonState.ACTIVE

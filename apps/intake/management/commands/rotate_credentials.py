"""manage.py rotate_credentials"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.credentials import rotate_credentials


class Command(BaseCommand):
    help = (
        "Encrypt the credentials of all cloud accounts, channels and ticket connections with the "
        "first key of CREDENTIAL_KEYS. Then the former keys can be removed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rotation = rotate_credentials()
        self.stdout.write(
            json.dumps({"renewed": rotation.n_renewed, "current": rotation.n_current})
        )
        if rotation.unreadable:
            raise CommandError(
                "No key opens the credentials of "
                + ", ".join(rotation.unreadable)
                + ". Add their key to CREDENTIAL_KEYS, or enter the credentials again."
            )

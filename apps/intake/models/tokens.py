"""Token binding: what the token of a sender is valid for beyond its scopes."""

from django.db import models

from apps.accounts.models import ApiToken
from apps.common.history.context import track_history
from apps.inventory.models import Application


@track_history()
class TokenBinding(models.Model):
    """Binding of a token to one application: everything that it sends is about that one, and about
    no other."""

    token = models.OneToOneField(
        ApiToken, on_delete=models.CASCADE, primary_key=True, related_name="binding"
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, related_name="bound_tokens"
    )
    environment = models.CharField(
        max_length=60, blank=True, help_text="Used where the sender states none."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"token {self.token_id} is for application {self.application_id}"

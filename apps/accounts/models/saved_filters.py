"""Saved filters of lists."""

from typing import Any

from django.db import models
from django.db.models import Q

from apps.accounts.models.users import User
from apps.common.history.context import track_history


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: Any) -> "SavedFilterQuerySet":
        """Return the user's own filters and those that colleagues share with all users."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(user=user) | Q(is_shared=True))

    def of_page(self, path: str) -> "SavedFilterQuerySet":
        return self.filter(path=path)


@track_history()
class SavedFilter(models.Model):
    """A saved filter: the path of a page and the query of its URL."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    path = models.CharField(max_length=200)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "path", "name"],
                name="saved_filter_once",
                violation_error_message=(
                    "You already have a saved filter with this name on this page. "
                    "Choose another name."
                ),
            ),
        ]
        indexes = [models.Index(fields=["path"], name="saved_filter_of_page")]

    def __str__(self) -> str:
        return self.name

"""Lists as people like to look at them."""

from typing import Any

from django.db import models
from django.db.models import Q

from apps.accounts.models.users import User
from apps.common.history.context import track_history


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def visible_to(self, user: Any) -> "SavedFilterQuerySet":
        """One's own, and what colleagues have shared with everybody."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(user=user) | Q(is_shared=True))

    def of_page(self, path: str) -> "SavedFilterQuerySet":
        return self.filter(path=path)


@track_history()
class SavedFilter(models.Model):
    """A list as somebody likes to look at it: the page's path and the query of its address."""

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
                violation_error_message="You have a saved filter of that name on this page. "
                "Choose another name.",
            ),
        ]
        indexes = [models.Index(fields=["path"], name="saved_filter_of_page")]

    def __str__(self) -> str:
        return self.name

"""What an identity provider manages by SCIM 2.0: people, groups and their members."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.models.users import User
from apps.common.history.context import track_history

# RFC 7643 sets no limit; identity providers send addresses and names
MAX_NAME_LENGTH = 254


class ProvisioningQuerySet[M: models.Model](models.QuerySet[M]):
    def visible_to(self, user: Any) -> "ProvisioningQuerySet[M]":
        """Return all rows for organisation roles, as they see the accounts; none for others."""
        return self if user.is_authenticated and user.can_read_all else self.none()


@track_history()
class ProvisionedUser(models.Model):
    """What the identity provider calls a person that it manages. Name, address and access are the
    columns of `User`. A deleted user stays as a row with `removed_at`, so that the same person
    returns."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="provisioning")
    user_name = models.CharField(max_length=MAX_NAME_LENGTH)
    external_id = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    display_name = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    email_type = models.CharField(max_length=20, blank=True, default="work")
    removed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProvisioningQuerySet["ProvisionedUser"].as_manager()

    class Meta:
        ordering = ["user_name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("user_name"), name="provisioned_user_name_once"),
            models.UniqueConstraint(
                fields=["external_id"],
                name="provisioned_user_external_id_once",
                condition=~Q(external_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.user_name


@track_history()
class ProvisionedGroup(models.Model):
    """A group that the identity provider sends. Its roles follow from the rules of groups."""

    display_name = models.CharField(max_length=MAX_NAME_LENGTH)
    external_id = models.CharField(max_length=MAX_NAME_LENGTH, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProvisioningQuerySet["ProvisionedGroup"].as_manager()

    class Meta:
        ordering = ["display_name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("display_name"), name="provisioned_group_name_once"),
            models.UniqueConstraint(
                fields=["external_id"],
                name="provisioned_group_external_id_once",
                condition=~Q(external_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


@track_history()
class ProvisionedMember(models.Model):
    """A person in a group of the identity provider."""

    group = models.ForeignKey(ProvisionedGroup, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="provisioned_groups")

    objects = ProvisioningQuerySet["ProvisionedMember"].as_manager()

    class Meta:
        ordering = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "user"], name="provisioned_member_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class ProvisioningStatus(models.Model):
    """The one row (id 1): the last request of the identity provider, and the last one refused."""

    ONLY: ClassVar[int] = 1

    last_request = models.CharField(max_length=200, blank=True)
    last_request_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=400, blank=True)
    last_error_request = models.CharField(max_length=200, blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)

    objects = ProvisioningQuerySet["ProvisioningStatus"].as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "provisioning status"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="provisioning_status_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "provisioning status"

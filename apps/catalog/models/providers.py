"""Providers: developers, hosts, gateways and vendors."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from apps.catalog.models.change_queue import PARENT_CHANGE_TRIGGER
from apps.common.database.tree_triggers import refuse_cycles
from apps.common.history.context import track_history


class ProviderRole(models.TextChoices):
    DEVELOPER = "developer", "Developer"
    HOST = "host", "Host"
    GATEWAY = "gateway", "Gateway"
    RESELLER = "reseller", "Reseller"
    VENDOR = "vendor", "Vendor"


class PublicQuerySet[M: models.Model](models.QuerySet[M]):
    """Rows about providers and models, visible to all signed-in users."""

    def visible_to(self, user: Any) -> "PublicQuerySet[M]":
        return self if user.is_authenticated and user.is_active else self.none()


class ProviderQuerySet(PublicQuerySet["Provider"]):
    def developers(self) -> "ProviderQuerySet":
        return self.filter(roles__contains=[ProviderRole.DEVELOPER])

    def hosts(self) -> "ProviderQuerySet":
        return self.filter(roles__contains=[ProviderRole.HOST])


@track_history()
class Provider(models.Model):
    class Person(models.TextChoices):
        LEGAL = "legal", "Legal person"
        INDIVIDUAL = "individual", "Individual acting in a business capacity"

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=80, unique=True)
    roles = ArrayField(models.CharField(max_length=10, choices=ProviderRole))
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="subsidiaries"
    )
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 alpha-2 code, such as IE."
    )
    legal_name = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Name as in the commercial register.",
    )
    person_type = models.CharField(
        max_length=10, choices=Person, blank=True, default="", db_default=""
    )
    promised_notice_days = models.PositiveIntegerField(null=True, blank=True)
    deprecation_policy_url = models.URLField(max_length=500, blank=True)
    terms_url = models.URLField(max_length=500, blank=True)
    status_page_url = models.URLField(max_length=500, blank=True)
    lei = models.CharField(
        "LEI", max_length=20, blank=True, help_text="Legal entity identifier (ISO 17442)."
    )
    critical_third_party = models.BooleanField(
        null=True,
        blank=True,
        help_text="Designated as a critical ICT third-party provider under Article 31 of DORA.",
    )
    critical_third_party_source = models.URLField(max_length=500, blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    source_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ProviderQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [GinIndex(fields=["roles"], name="provider_roles")]
        triggers = [
            PARENT_CHANGE_TRIGGER,
            refuse_cycles(
                "provider_no_circle",
                "catalog_provider",
                "parent_id",
                "This would make the company its own parent. Choose another parent.",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="provider_has_role",
                condition=~Q(roles=[]),
                violation_error_message=(
                    "Select at least one role: developer, host, gateway, reseller or vendor."
                ),
            ),
            models.CheckConstraint(
                name="provider_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=(
                    "A provider cannot be its own parent. Choose another parent."
                ),
            ),
            models.CheckConstraint(
                name="provider_critical_has_source",
                condition=Q(critical_third_party__isnull=True) | ~Q(critical_third_party_source=""),
                violation_error_message=(
                    "Enter where the designation as critical third party is published."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        ancestor, passed = self.parent, set[int]()
        while ancestor is not None and ancestor.pk not in passed:
            if ancestor.pk == self.pk:
                raise ValidationError(
                    {
                        "parent": (
                            "This would make the company its own parent. Choose another parent."
                        )
                    }
                )
            passed.add(ancestor.pk)
            ancestor = ancestor.parent


@track_history()
class NoticePolicy(models.Model):
    """The minimum notice period and life of models that a provider has published, in days."""

    class Scope(models.TextChoices):
        ALL = "all", "All models"
        GENERAL = "general", "General models"
        SPECIALISED = "specialised", "Specialised models"
        PREVIEW = "preview", "Previews"

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="notice_policies")
    scope = models.CharField(max_length=12, choices=Scope, default=Scope.ALL)
    notice_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minimum days between announcement and retirement."
    )
    life_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minimum days between release and retirement."
    )
    source_url = models.URLField(max_length=500)
    source_on = models.DateField(
        null=True, blank=True, help_text="Date on which the page stated the policy."
    )
    note = models.CharField(max_length=300, blank=True)

    objects = PublicQuerySet["NoticePolicy"].as_manager()

    class Meta:
        ordering = ["provider", "scope"]
        verbose_name_plural = "notice policies"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "scope"],
                name="notice_policy_once",
                violation_error_message=(
                    "This provider already has a notice policy for these models. Change it instead."
                ),
            ),
            models.CheckConstraint(
                name="notice_policy_says_something",
                condition=Q(notice_days__isnull=False) | Q(life_days__isnull=False),
                violation_error_message="Enter the minimum notice, the minimum life, or both.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.get_scope_display().lower()}"

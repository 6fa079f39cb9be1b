"""Persons beside their accounts: further addresses, absences, and the addresses that contacts may
have."""

from datetime import date
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower

from apps.accounts.models.users import ADDRESS_LOCK, User, own
from apps.common.history.context import track_history

MAX_ALLOWED_DOMAINS = 200


@track_history()
class EmailAlias(models.Model):
    """A further email address of a person. It identifies the person where an address is entered;
    nobody signs in by it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_aliases")
    email = models.EmailField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["email"]
        verbose_name_plural = "email aliases"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                Lower("email"),
                name="email_alias_once",
                violation_error_message=(
                    "Another person has this email address. Enter another one."
                ),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="alias_is_no_own_address",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("email"),
                # alone, since users write their addresses side by side with each other
                func=f"""
                    PERFORM pg_advisory_xact_lock({ADDRESS_LOCK});
                    IF EXISTS (
                        SELECT 1 FROM accounts_user
                        WHERE lower(email) = lower(NEW.email) AND email <> ''
                    ) THEN
                        RAISE EXCEPTION 'Another person has this email address. Enter another one.'
                            USING ERRCODE = 'unique_violation', CONSTRAINT = 'alias_is_no_own_address';
                    END IF;
                    RETURN NULL;
                """,  # noqa: E501
            )
        ]

    def __str__(self) -> str:
        return self.email


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, user: Any) -> "DelegationQuerySet":
        """Those that concern the user; organisation roles see all."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self if user.can_read_all else self.filter(own(user, "person") | own(user, "deputy"))

    def effective_on(self, day: date) -> "DelegationQuerySet":
        return self.filter(since__lte=day, until__gt=day)


@track_history()
class Delegation(models.Model):
    """A deputy of an absent person, from `since` on and before `until`."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="delegations")
    deputy = models.ForeignKey(User, on_delete=models.CASCADE, related_name="deputations")
    since = models.DateField(help_text="First day of the absence.")
    until = models.DateField(help_text="Day of the return (exclusive).")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["since", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="delegation_ends_after_it_begins",
                condition=Q(until__gt=F("since")),
                violation_error_message="The absence must end after it begins.",
            ),
            models.CheckConstraint(
                name="deputy_is_another_person",
                condition=~Q(person=F("deputy")),
                violation_error_message="The deputy must be another person.",
            ),
            ExclusionConstraint(
                name="delegations_do_not_overlap",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        Func("since", "until", function="DATERANGE", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=(
                    "Another delegation applies in that period. End it first, or choose other days."
                ),
            ),
        ]
        indexes = [models.Index(fields=["deputy", "until"], name="delegation_by_deputy")]

    def __str__(self) -> str:
        return f"{self.deputy} for {self.person}"


@track_history()
class PeopleSettings(models.Model):
    """The one row (id 1): which contacts may receive email."""

    ONLY: ClassVar[int] = 1

    allowed_domains = ArrayField(
        models.CharField(max_length=253),
        default=list,
        blank=True,
        help_text=(
            "Contacts with an address of these domains may receive email. Empty: the domains of "
            "active users."
        ),
    )

    class Meta:
        verbose_name = verbose_name_plural = "people settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="people_settings_once", condition=Q(id=1)),
        ]

    def __str__(self) -> str:
        return "people settings"

    def clean(self) -> None:
        domains = list(dict.fromkeys(domain.strip().lower() for domain in self.allowed_domains))
        if wrong := [domain for domain in domains if "." not in domain or "@" in domain]:
            raise ValidationError(
                {
                    "allowed_domains": (
                        f"'{wrong[0][:80]}' is not a valid domain. Enter a domain such as "
                        "example.org."
                    )
                }
            )
        if len(domains) > MAX_ALLOWED_DOMAINS:
            raise ValidationError(
                {"allowed_domains": f"Enter at most {MAX_ALLOWED_DOMAINS} domains."}
            )
        self.allowed_domains = domains

"""The catalogue in the admin: governance edits the records that have no page yet.

An edit refreshes the upstream dependencies of the affected offerings in the same transaction.
Columns that are derived from source values (lifecycle, dates, prices of feeds) are not edited here:
enter a manual override on the offering's page.
"""

from collections.abc import Collection
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, ReadOnlyInline
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    Alias,
    Assertion,
    Derivation,
    Footing,
    Foundation,
    IdentityDecision,
    NodeKind,
    NoticePolicy,
    Offering,
    Price,
    Provider,
    ProviderEvent,
    ProviderRole,
    Region,
    Source,
    Version,
)


def offerings_on_nodes(kinds: Collection[NodeKind], ref: int | None) -> set[int]:
    """Return the IDs of the offerings that depend on one of these nodes, by any relationship."""
    if ref is None:
        return set()
    return set(
        Footing.objects.filter(node__kind__in=kinds, node__ref=ref).values_list(
            "offering_id", flat=True
        )
    )


class FootingAdmin[M: Model](OrganisationRoleAdmin[M]):
    """Refreshes the offerings that depended, or now depend, on the row when one of
    `standing_fields` changes (any field, if empty)."""

    standing_fields: ClassVar[frozenset[str]] = frozenset()

    def affected_offering_ids(self, obj: M) -> set[int]:
        """Return the IDs of the offerings whose upstream dependencies include this row."""
        raise NotImplementedError

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        # allow one change of the catalogue at a time, as every action does
        catalogue_lock()
        affects_footing = not self.standing_fields or bool(
            self.standing_fields & set(form.changed_data)
        )
        form.stood = (
            self.affected_offering_ids(type(obj)._default_manager.get(pk=obj.pk))
            if change and affects_footing
            else set()
        )
        form.matters = affects_footing
        super().save_model(request, obj, form, change)

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.matters:
            with self.audit_context(request, form):
                refresh_footing(form.stood | self.affected_offering_ids(form.instance))

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: M) -> None:
        catalogue_lock()
        offering_ids = self.affected_offering_ids(obj)
        super().delete_model(request, obj)
        refresh_footing(_existing_offering_ids(offering_ids))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        catalogue_lock()
        offering_ids = {
            offering_id for obj in queryset for offering_id in self.affected_offering_ids(obj)
        }
        super().delete_queryset(request, queryset)
        refresh_footing(_existing_offering_ids(offering_ids))


def _existing_offering_ids(offering_ids: Collection[int]) -> set[int]:
    return set(Offering.objects.filter(pk__in=offering_ids).values_list("pk", flat=True))


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    roles = forms.MultipleChoiceField(
        choices=ProviderRole.choices, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(
        required=False, max_length=500, help_text="For the history: why, and where it is written."
    )


@admin.register(Provider)
class ProviderAdmin(FootingAdmin[Provider]):
    form = ProviderForm
    list_display = ("name", "slug", "roles", "parent", "country")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    autocomplete_fields = ("parent",)
    standing_fields = frozenset({"parent"})

    def affected_offering_ids(self, obj: Provider) -> set[int]:
        return offerings_on_nodes({NodeKind.DEVELOPER, NodeKind.HOST, NodeKind.GATEWAY}, obj.pk)


@admin.register(NoticePolicy)
class NoticePolicyAdmin(OrganisationRoleAdmin[NoticePolicy]):
    list_display = ("provider", "scope", "notice_days", "life_days", "source_on")
    list_select_related = ("provider",)
    search_fields = ("provider__name",)
    autocomplete_fields = ("provider",)


@admin.register(Foundation)
class FoundationAdmin(FootingAdmin[Foundation]):
    list_display = ("name", "developer", "family", "line")
    list_select_related = ("developer",)
    list_filter = ("open_weights",)
    search_fields = ("name", "line", "family")
    autocomplete_fields = ("developer",)
    standing_fields = frozenset({"developer"})

    def affected_offering_ids(self, obj: Foundation) -> set[int]:
        return offerings_on_nodes({NodeKind.FOUNDATION}, obj.pk)


class DerivationInline(ReadOnlyInline[Derivation, Version]):
    """Derivations shown with the version; they are edited in their own admin."""

    model = Derivation
    fk_name = "child"
    verbose_name_plural = "made from"


@admin.register(Version)
class VersionAdmin(FootingAdmin[Version]):
    list_display = ("identifier", "foundation", "released_on", "moving", "access")
    list_select_related = ("foundation",)
    list_filter = ("moving", "access")
    search_fields = ("identifier", "name")
    autocomplete_fields = ("foundation", "predecessor")
    inlines = (DerivationInline,)
    standing_fields = frozenset({"foundation"})

    def affected_offering_ids(self, obj: Version) -> set[int]:
        return offerings_on_nodes({NodeKind.VERSION}, obj.pk)


@admin.register(Derivation)
class DerivationAdmin(FootingAdmin[Derivation]):
    list_display = ("child", "kind", "parent")
    list_select_related = ("child", "parent")
    list_filter = ("kind",)
    search_fields = ("child__identifier", "parent__identifier")
    autocomplete_fields = ("child", "parent")

    def affected_offering_ids(self, obj: Derivation) -> set[int]:
        return offerings_on_nodes({NodeKind.VERSION}, obj.child_id)


@admin.register(Alias)
class AliasAdmin(FootingAdmin[Alias]):
    """Admin of aliases. Pointing an alias to another version also moves the offerings with that
    alias."""

    list_display = ("identifier", "kind", "foundation", "version")
    list_select_related = ("foundation", "version")
    list_filter = ("kind",)
    search_fields = ("identifier",)
    autocomplete_fields = ("foundation", "version")
    standing_fields = frozenset({"version"})

    def affected_offering_ids(self, obj: Alias) -> set[int]:
        return set(Offering.objects.filter(alias=obj).values_list("pk", flat=True))

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if form.matters:
            with self.audit_context(request, form):
                Offering.objects.filter(alias=form.instance).update(version=form.instance.version)
        super().save_related(request, form, formsets, change)


@admin.register(Region)
class RegionAdmin(OrganisationRoleAdmin[Region]):
    list_display = ("name", "host")
    list_select_related = ("host",)
    search_fields = ("name", "host__name")
    autocomplete_fields = ("host",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a region with another name or host would be another region."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Offering)
class OfferingAdmin(FootingAdmin[Offering]):
    list_display = (
        "api_id",
        "host",
        "region_scope",
        "service_tier",
        "version",
        "lifecycle",
        "retires_on",
    )
    list_select_related = ("host", "version")
    list_filter = ("lifecycle", "date_kind", "binding", "not_a_model")
    search_fields = ("api_id",)
    autocomplete_fields = ("host", "version", "alias", "gateway", "regions", "replacement")
    readonly_fields = (
        "lifecycle",
        "announced_on",
        "retires_on",
        "date_kind",
        "replacement_text",
        "lifecycle_claim",
        "price_claim",
        "identity_reason",
        "created_at",
        "updated_at",
    )
    standing_fields = frozenset(
        {"host", "version", "gateway", "regions", "replacement", "end_behaviour", "alias"}
    )

    def affected_offering_ids(self, obj: Offering) -> set[int]:
        return {obj.pk}


@admin.register(Price)
class PriceAdmin(OrganisationRoleAdmin[Price]):
    """Admin of prices. Prices from feeds have a claim and are read-only; those entered here have
    none."""

    list_display = ("offering", "unit", "above_tokens", "amount", "currency", "valid", "claim")
    list_select_related = ("offering__host", "claim")
    list_filter = ("unit", "currency")
    search_fields = ("offering__api_id",)
    autocomplete_fields = ("offering",)
    readonly_fields = ("claim",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.claim_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.claim_id is None)


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin[Source]):
    list_display = ("name", "slug", "kind", "trust_rank", "interval_minutes", "enabled")
    list_filter = ("enabled", "kind")
    search_fields = ("name", "slug")


@admin.register(Assertion)
class AssertionAdmin(ReadOnlyAdmin[Assertion]):
    list_display = (
        "external_id",
        "source",
        "topic",
        "offering",
        "changed_at",
        "missing_since",
        "withdrawn_at",
        "held",
    )
    list_select_related = ("source", "offering__host")
    list_filter = ("topic", "source", "held")
    search_fields = ("external_id",)


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin[ProviderEvent]):
    list_display = ("detected_at", "kind", "offering", "source", "old", "new", "effective_on")
    list_select_related = ("offering__host", "source")
    list_filter = ("kind", "source")
    search_fields = ("external_id",)
    date_hierarchy = "detected_at"


@admin.register(IdentityDecision)
class IdentityDecisionAdmin(ReadOnlyAdmin[IdentityDecision]):
    list_display = (
        "raw",
        "host",
        "version",
        "alias",
        "not_a_model",
        "decided_by",
        "decided_at",
        "revoked_at",
    )
    list_select_related = ("host", "version", "alias", "decided_by")
    search_fields = ("raw",)

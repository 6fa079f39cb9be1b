"""The catalogue in the admin: read-only for superusers."""

from django.contrib import admin

from apps.accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from apps.catalog.models import (
    Alias,
    Assertion,
    Derivation,
    Foundation,
    IdentityDecision,
    NoticePolicy,
    Offering,
    Price,
    Provider,
    ProviderEvent,
    Region,
    Source,
    Version,
)


@admin.register(Provider)
class ProviderAdmin(ReadOnlyAdmin[Provider]):
    list_display = ("name", "slug", "roles", "parent", "country")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")


@admin.register(NoticePolicy)
class NoticePolicyAdmin(ReadOnlyAdmin[NoticePolicy]):
    list_display = ("provider", "scope", "notice_days", "life_days", "source_on")
    list_select_related = ("provider",)
    search_fields = ("provider__name",)


@admin.register(Foundation)
class FoundationAdmin(ReadOnlyAdmin[Foundation]):
    list_display = ("name", "developer", "family", "line")
    list_select_related = ("developer",)
    list_filter = ("open_weights",)
    search_fields = ("name", "line", "family")


class DerivationInline(ReadOnlyInline[Derivation, Version]):
    """Derivations shown with the version."""

    model = Derivation
    fk_name = "child"
    verbose_name_plural = "made from"


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin[Version]):
    list_display = ("identifier", "foundation", "released_on", "moving", "access")
    list_select_related = ("foundation",)
    list_filter = ("moving", "access")
    search_fields = ("identifier", "name")
    inlines = (DerivationInline,)


@admin.register(Derivation)
class DerivationAdmin(ReadOnlyAdmin[Derivation]):
    list_display = ("child", "kind", "parent")
    list_select_related = ("child", "parent")
    list_filter = ("kind",)
    search_fields = ("child__identifier", "parent__identifier")


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin[Alias]):
    list_display = ("identifier", "kind", "foundation", "version")
    list_select_related = ("foundation", "version")
    list_filter = ("kind",)
    search_fields = ("identifier",)


@admin.register(Region)
class RegionAdmin(ReadOnlyAdmin[Region]):
    list_display = ("name", "host")
    list_select_related = ("host",)
    search_fields = ("name", "host__name")


@admin.register(Offering)
class OfferingAdmin(ReadOnlyAdmin[Offering]):
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


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin[Price]):
    list_display = ("offering", "unit", "above_tokens", "amount", "currency", "valid", "claim")
    list_select_related = ("offering__host", "claim")
    list_filter = ("unit", "currency")
    search_fields = ("offering__api_id",)


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
    list_display = (
        "detected_at",
        "kind",
        "offering",
        "provider",
        "source",
        "old",
        "new",
        "effective_on",
    )
    list_select_related = ("offering__host", "provider", "source")
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

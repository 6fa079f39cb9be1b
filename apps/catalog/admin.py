"""Full edit of the catalogue for governance; read-only for the auditor.

Changes of upstream dependencies are refreshed in the same transaction. Columns that are reconciled
from source values (lifecycle, dates, prices of feeds) are not edited here: enter a manual override,
which outranks the feeds.
"""

from collections.abc import Collection
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.accounts.admin import OrganisationRoleAdmin, ReadOnlyAdmin, signed_in_user
from apps.catalog.actions import (
    decide_identity,
    reconcile_source,
    remove_manual_fact,
    revoke_identity_decision,
    set_manual_fact,
)
from apps.catalog.claims.feed_rows import FIRM, NOT_BEFORE
from apps.catalog.claims.precedence import MANUAL
from apps.catalog.claims.reconciliation import catalogue_lock
from apps.catalog.footing import refresh_footing
from apps.catalog.models import (
    Alias,
    Assertion,
    DateKind,
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
from apps.catalog.models.claims import Topic


def offerings_on_nodes(kinds: Collection[NodeKind], ref: int | None) -> set[int]:
    """Ids of the offerings whose footing holds one of these nodes, by any tie."""
    if ref is None:
        return set()
    return set(
        Footing.objects.filter(node__kind__in=kinds, node__ref=ref).values_list(
            "offering_id", flat=True
        )
    )


class FootingAdmin[M: Model](OrganisationRoleAdmin[M]):
    """An edit of `standing_fields` (any, if empty) refreshes the offerings that depended, or now
    depend, on the row."""

    standing_fields: ClassVar[frozenset[str]] = frozenset()

    def stands(self, obj: M) -> set[int]:
        """Ids of the offerings whose footing depends on this row."""
        raise NotImplementedError

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        # one change of the catalogue at a time, as in every action
        catalogue_lock()
        matters = not self.standing_fields or bool(self.standing_fields & set(form.changed_data))
        form.stood = (
            self.stands(type(obj)._default_manager.get(pk=obj.pk)) if change and matters else set()
        )
        form.matters = matters
        super().save_model(request, obj, form, change)

    @transaction.atomic
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.matters:
            with self.audit_context(request, form):
                refresh_footing(form.stood | self.stands(form.instance))

    @transaction.atomic
    def delete_model(self, request: HttpRequest, obj: M) -> None:
        catalogue_lock()
        stood = self.stands(obj)
        super().delete_model(request, obj)
        refresh_footing(_remaining(stood))

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        catalogue_lock()
        stood = {offering_id for obj in queryset for offering_id in self.stands(obj)}
        super().delete_queryset(request, queryset)
        refresh_footing(_remaining(stood))


def _remaining(offering_ids: Collection[int]) -> set[int]:
    return set(Offering.objects.filter(pk__in=offering_ids).values_list("pk", flat=True))


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    roles = forms.MultipleChoiceField(
        choices=ProviderRole.choices, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(
        required=False, max_length=500, help_text="Reason for the change, shown in the history."
    )


@admin.register(Provider)
class ProviderAdmin(FootingAdmin[Provider]):
    form = ProviderForm
    list_display = ("name", "slug", "roles", "parent", "country")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    autocomplete_fields = ("parent",)
    standing_fields = frozenset({"parent"})

    def stands(self, obj: Provider) -> set[int]:
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

    def stands(self, obj: Foundation) -> set[int]:
        return offerings_on_nodes({NodeKind.FOUNDATION}, obj.pk)


class DerivationInline(admin.TabularInline):  # type: ignore[type-arg]
    """Shown with the version; edited as a lineage edge."""

    model = Derivation
    fk_name = "child"
    extra = 0
    verbose_name_plural = "derived from"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(getattr(request.user, "can_read_all", False))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


@admin.register(Version)
class VersionAdmin(FootingAdmin[Version]):
    list_display = ("identifier", "foundation", "released_on", "moving", "access")
    list_select_related = ("foundation",)
    list_filter = ("moving", "access")
    search_fields = ("identifier", "name")
    autocomplete_fields = ("foundation", "predecessor")
    inlines = (DerivationInline,)
    standing_fields = frozenset({"foundation"})

    def stands(self, obj: Version) -> set[int]:
        return offerings_on_nodes({NodeKind.VERSION}, obj.pk)


@admin.register(Derivation)
class DerivationAdmin(FootingAdmin[Derivation]):
    list_display = ("child", "kind", "parent")
    list_select_related = ("child", "parent")
    list_filter = ("kind",)
    search_fields = ("child__identifier", "parent__identifier")
    autocomplete_fields = ("child", "parent")

    def stands(self, obj: Derivation) -> set[int]:
        return offerings_on_nodes({NodeKind.VERSION}, obj.child_id)


@admin.register(Alias)
class AliasAdmin(FootingAdmin[Alias]):
    """Pointing a name to another version moves the offerings that are called by it."""

    list_display = ("identifier", "kind", "foundation", "version")
    list_select_related = ("foundation", "version")
    list_filter = ("kind",)
    search_fields = ("identifier",)
    autocomplete_fields = ("foundation", "version")
    standing_fields = frozenset({"version"})

    def stands(self, obj: Alias) -> set[int]:
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
        """A region of another name or host is another region."""
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

    def stands(self, obj: Offering) -> set[int]:
        return {obj.pk}


@admin.register(Price)
class PriceAdmin(OrganisationRoleAdmin[Price]):
    """Prices of feeds are kept by the feeds; those entered here have no claim behind them."""

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
class SourceAdmin(OrganisationRoleAdmin[Source]):
    list_display = ("name", "slug", "kind", "trust_rank", "interval_minutes", "enabled")
    list_filter = ("enabled", "kind")
    search_fields = ("name", "slug")
    readonly_fields = ("trusted_address",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whether an address may lie inside the house is the operator's word."""
        return () if signed_in_user(request).is_superuser else self.readonly_fields

    @transaction.atomic
    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if "url" in form.changed_data and not signed_in_user(request).is_superuser:
            # the operator trusted the old address, not this one
            obj.trusted_address = False
        super().save_model(request, obj, form, change)
        if change and "trust_rank" in form.changed_data:
            reconcile_source(
                source=obj,
                by=signed_in_user(request),
                reason=f"priority of {obj.name} set to {obj.trust_rank}",
            )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A source with values is not deleted; disable it instead."""
        return False


class ManualFactForm(forms.ModelForm):  # type: ignore[type-arg]
    """A fact about the end of an offering, entered by hand."""

    status = forms.ChoiceField(
        choices=[("", "---"), *((word, word) for word in ("active", "deprecated", "retired"))],
        required=False,
    )
    announced_on = forms.DateField(required=False, widget=AdminDateWidget)
    retires_on = forms.DateField(
        required=False, widget=AdminDateWidget, help_text="Empty: no date is known."
    )
    date_kind = forms.ChoiceField(choices=[("", "---"), *DateKind.choices], required=False)
    successor = forms.CharField(required=False, max_length=300)
    source_url = forms.CharField(
        required=False, max_length=1000, help_text="URL of the publication."
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), help_text="Reason that names the source."
    )

    class Meta:
        model = Assertion
        fields = ("offering", "source_url", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "offering" in self.fields:
            self.fields["offering"].required = True
        for name in ("status", "announced_on", "retires_on", "date_kind", "successor"):
            if name in self.fields and self.instance.pk:
                self.fields[name].initial = (self.instance.value or {}).get(name)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("retires_on") and cleaned.get("date_kind") not in {FIRM, NOT_BEFORE}:
            raise ValidationError(
                {"date_kind": "Choose whether the retirement date is announced or earliest."}
            )
        announced, retires = cleaned.get("announced_on"), cleaned.get("retires_on")
        if announced and retires and retires < announced:
            raise ValidationError(
                {"retires_on": "The retirement is before its announcement. Check the two dates."}
            )
        return cleaned


@admin.register(Assertion)
class AssertionAdmin(OrganisationRoleAdmin[Assertion]):
    """Claims of feeds are read; facts about an end are entered, changed and lifted by hand."""

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
    autocomplete_fields = ("offering",)
    form = ManualFactForm
    actions = ("lift",)
    facts = (
        "offering",
        "status",
        "announced_on",
        "retires_on",
        "date_kind",
        "successor",
        "source_url",
        "reason",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if self._is_manual(obj):
            return self.facts
        return [field.name for field in Assertion._meta.fields if field.name != "id"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("offering",) if obj is not None and self._is_manual(obj) else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_manual(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Assertions are never deleted: a manual one is lifted."""
        return False

    def save_model(self, request: HttpRequest, obj: Assertion, form: Any, change: bool) -> None:
        facts = form.cleaned_data
        offering = facts.get("offering") or obj.offering
        # the form asks for it, and a manual fact always has one
        assert offering is not None
        made = set_manual_fact(
            offering=offering, value=facts, by=signed_in_user(request), reason=facts["reason"]
        )
        # the admin goes on with the row that holds the fact, which may have been there before
        obj.pk = made.pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on an assertion here."""

    @admin.action(description="Remove selected overrides", permissions=["change"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Assertion]) -> None:
        n_lifted = 0
        for assertion in queryset.select_related("source").filter(
            source__slug=MANUAL, withdrawn_at__isnull=True
        ):
            remove_manual_fact(
                assertion=assertion,
                by=signed_in_user(request),
                reason="override removed in the admin",
            )
            n_lifted += 1
        self.message_user(
            request,
            f"{n_lifted} manual overrides removed. Feed values apply again.",
            messages.SUCCESS,
        )

    @staticmethod
    def _is_manual(obj: Assertion | None) -> bool:
        return obj is None or (obj.source.slug == MANUAL and obj.topic == Topic.LIFECYCLE)


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin[ProviderEvent]):
    list_display = ("detected_at", "kind", "offering", "source", "old", "new", "effective_on")
    list_select_related = ("offering__host", "source")
    list_filter = ("kind", "source")
    search_fields = ("external_id",)
    date_hierarchy = "detected_at"


class IdentityDecisionForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = IdentityDecision
        fields = ("raw", "host", "version", "alias", "not_a_model", "reason")


@admin.register(IdentityDecision)
class IdentityDecisionAdmin(OrganisationRoleAdmin[IdentityDecision]):
    """Entered and lifted; a standing decision is not edited, so that the record shows what was
    decided when."""

    list_display = (
        "raw",
        "host",
        "version",
        "alias",
        "not_a_model",
        "decided_by",
        "decided_at",
        "lifted_at",
    )
    list_select_related = ("host", "version", "alias", "decided_by")
    search_fields = ("raw",)
    autocomplete_fields = ("host", "version", "alias")
    form = IdentityDecisionForm
    actions = ("lift",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: IdentityDecision, form: Any, change: bool
    ) -> None:
        facts = form.cleaned_data
        made = decide_identity(
            raw=facts["raw"],
            host=facts["host"],
            version=facts["version"],
            alias=facts["alias"],
            not_a_model=facts["not_a_model"],
            reason=facts["reason"],
            by=signed_in_user(request),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing hangs on a decision."""

    @admin.action(description="Remove selected decisions", permissions=["change"])
    def lift(self, request: HttpRequest, queryset: QuerySet[IdentityDecision]) -> None:
        n_lifted = 0
        for decision in queryset.filter(lifted_at__isnull=True).select_related("host"):
            revoke_identity_decision(
                decision=decision, by=signed_in_user(request), reason="removed in the admin"
            )
            n_lifted += 1
        self.message_user(
            request, f"{n_lifted} decisions removed. The rules apply again.", messages.SUCCESS
        )

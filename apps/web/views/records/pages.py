"""The editable records that have pages, by the name in their URL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import Team
from apps.catalog.models import (
    Alias,
    Foundation,
    Offering,
    Product,
    Provider,
    Region,
    Version,
)
from apps.catalog.records.hosting import OfferingRecord, OfferingRegionRecord, RegionRecord
from apps.catalog.records.identities import (
    AliasRecord,
    DerivationRecord,
    FoundationRecord,
    VersionRecord,
)
from apps.catalog.records.prices import PriceRecord
from apps.catalog.records.products import ProductModelRecord, ProductRecord
from apps.catalog.records.providers import NoticePolicyRecord, ProviderRecord
from apps.common.records.record_type import RecordType
from apps.exposure.records import EventRateRecord
from apps.intake.accounts.account_record import CloudAccountRecord
from apps.inventory.exchange_rate_record import ExchangeRateRecord
from apps.inventory.governance.contract_record import ContractRecord
from apps.inventory.models import Contract
from apps.issues.tickets.connection_record import TicketConnectionRecord
from apps.risks.models import RiskTemplate, TaxonomyEntry
from apps.risks.records import ModifierRecord, RiskTemplateRecord, TemplateMappingRecord

type Crumbs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecordPages:
    """Pages of one editable record. `home` is the URL at which a row is shown, `list_url` the page
    to which a deletion leads. `choices` are the offered rows of related fields, for a form whose
    initial values are given. `overview` is (name, route) of the page above a new record that is not
    entered for another one."""

    record: RecordType[Any]
    home: Callable[[Any], str]
    list_url: Callable[[Any], str]
    relations: tuple[str, ...] = ()
    choices: Callable[[Mapping[str, Any]], Mapping[str, QuerySet[Any]]] = field(
        default=lambda initial: {}
    )
    overview: tuple[str, str] = ("Versions", "versions:list")

    @property
    def noun(self) -> str:
        return self.record.noun

    @property
    def plural(self) -> str:
        return str(self.record.model._meta.verbose_name_plural)

    def rows(self, request: HttpRequest) -> QuerySet[Any]:
        objects: Any = self.record.model._default_manager
        rows: QuerySet[Any] = objects.visible_to(request.user)
        return rows.select_related(*self.relations) if self.relations else rows

    def initial(self, request: HttpRequest) -> dict[str, Any]:
        """Return the facts that the URL or the sent form gives, such as the version of a new
        alias."""
        initial: dict[str, Any] = {}
        for name in self.record.field_set.columns:
            text = (request.POST.get(name) or request.GET.get(name, ""))[:200]
            if not text:
                continue
            model_field = self.record.field_set.model_field(name)
            if not model_field.is_relation:
                initial[name] = text
                continue
            key = self.record.field_set.keys.get(model_field.related_model, "pk")
            if key == "pk" and not text.isdecimal():
                continue
            row = model_field.related_model._default_manager.filter(**{key: text}).first()
            if row is not None:
                initial[name] = row
        return initial


def _version_url(version: Version) -> str:
    return reverse("versions:detail", args=[version.pk])


def _foundation_url(foundation: Foundation) -> str:
    return reverse("foundations:detail", args=[foundation.slug])


def _provider_url(provider: Provider) -> str:
    return reverse("providers:detail", args=[provider.slug])


def _offering_url(offering: Offering) -> str:
    return reverse("offerings:detail", args=[offering.pk])


def _product_url(product: Product) -> str:
    return reverse("products:detail", args=[product.slug])


def _alias_url(alias: Alias) -> str:
    return _version_url(alias.version) if alias.version else _foundation_url(alias.foundation)


def _template_url(template: RiskTemplate) -> str:
    return reverse("risk-templates:detail", args=[template.code])


def _regions_of_host(initial: Mapping[str, Any]) -> Mapping[str, QuerySet[Any]]:
    offering = initial.get("offering")
    regions = Region.objects.order_by("name")
    return {
        "region": regions.filter(host=offering.host_id)
        if isinstance(offering, Offering)
        else regions.none()
    }


def _taxonomy_entries(initial: Mapping[str, Any]) -> Mapping[str, QuerySet[Any]]:
    return {"entry": TaxonomyEntry.objects.order_by("taxonomy", "code")}


def _overarching_contracts(initial: Mapping[str, Any]) -> Mapping[str, QuerySet[Any]]:
    contracts = Contract.objects.select_related("party").order_by("party__name", "ref")
    if "ref" in initial and "party" in initial:
        contracts = contracts.exclude(party=initial["party"], ref=initial["ref"])
    return {"overarching": contracts}


RECORD_PAGES: dict[str, RecordPages] = {
    "providers": RecordPages(
        ProviderRecord(),
        _provider_url,
        lambda row: reverse("providers:list"),
        ("parent",),
        overview=("Providers", "providers:list"),
    ),
    "foundations": RecordPages(
        FoundationRecord(),
        _foundation_url,
        lambda row: _provider_url(row.developer),
        ("developer",),
    ),
    "versions": RecordPages(
        VersionRecord(),
        _version_url,
        lambda row: _foundation_url(row.foundation),
        ("foundation", "predecessor"),
    ),
    "aliases": RecordPages(AliasRecord(), _alias_url, _alias_url, ("foundation", "version")),
    "derivations": RecordPages(
        DerivationRecord(),
        lambda row: _version_url(row.child),
        lambda row: _version_url(row.child),
        ("child", "parent"),
    ),
    "products": RecordPages(
        ProductRecord(),
        _product_url,
        lambda row: reverse("products:list"),
        ("vendor",),
        overview=("Products", "products:list"),
    ),
    "product-models": RecordPages(
        ProductModelRecord(),
        lambda row: _product_url(row.product),
        lambda row: _product_url(row.product),
        ("product", "foundation", "version"),
        overview=("Products", "products:list"),
    ),
    "regions": RecordPages(
        RegionRecord(),
        lambda row: _provider_url(row.host),
        lambda row: _provider_url(row.host),
        ("host",),
    ),
    "notice-policies": RecordPages(
        NoticePolicyRecord(),
        lambda row: _provider_url(row.provider),
        lambda row: _provider_url(row.provider),
        ("provider",),
    ),
    "offerings": RecordPages(
        OfferingRecord(),
        _offering_url,
        lambda row: reverse("offerings:list"),
        ("host", "gateway"),
        overview=("Offerings", "offerings:list"),
    ),
    "offering-regions": RecordPages(
        OfferingRegionRecord(),
        lambda row: _offering_url(row.offering),
        lambda row: _offering_url(row.offering),
        ("offering__host", "region"),
        _regions_of_host,
    ),
    "prices": RecordPages(
        PriceRecord(),
        lambda row: f"{_offering_url(row.offering)}?tab=prices",
        lambda row: f"{_offering_url(row.offering)}?tab=prices",
        ("offering__host", "claim__source"),
    ),
    "contracts": RecordPages(
        ContractRecord(),
        lambda row: reverse("contracts:detail", args=[row.pk]),
        lambda row: reverse("contracts:list"),
        ("party", "overarching__party"),
        _overarching_contracts,
        overview=("Contracts", "contracts:list"),
    ),
    "cloud-accounts": RecordPages(
        CloudAccountRecord(),
        lambda row: reverse("cloud-accounts:detail", args=[row.pk]),
        lambda row: reverse("cloud-accounts:list"),
        ("team", "application"),
        lambda initial: {"team": Team.objects.order_by("name")},
        overview=("Cloud accounts", "cloud-accounts:list"),
    ),
    "ticket-connections": RecordPages(
        TicketConnectionRecord(),
        lambda row: reverse("ticket-connections:detail", args=[row.pk]),
        lambda row: reverse("ticket-connections:list"),
        ("team",),
        lambda initial: {"team": Team.objects.order_by("name")},
        overview=("Ticket connections", "ticket-connections:list"),
    ),
    "exchange-rates": RecordPages(
        ExchangeRateRecord(),
        lambda row: reverse("exchange-rates:list"),
        lambda row: reverse("exchange-rates:list"),
        overview=("Exchange rates", "exchange-rates:list"),
    ),
    "event-rates": RecordPages(
        EventRateRecord(),
        lambda row: reverse("loss-runs:latest"),
        lambda row: reverse("loss-runs:latest"),
        ("node",),
        overview=("Simulated loss", "loss-runs:latest"),
    ),
    "risk-templates": RecordPages(
        RiskTemplateRecord(),
        _template_url,
        lambda row: reverse("risk-templates:crosswalk"),
        overview=("Templates and crosswalk", "risk-templates:crosswalk"),
    ),
    "risk-modifiers": RecordPages(
        ModifierRecord(),
        lambda row: _template_url(row.template),
        lambda row: _template_url(row.template),
        ("template",),
    ),
    "risk-mappings": RecordPages(
        TemplateMappingRecord(),
        lambda row: _template_url(row.template),
        lambda row: _template_url(row.template),
        ("template", "entry"),
        _taxonomy_entries,
    ),
}

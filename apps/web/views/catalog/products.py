"""Products with models inside: the list, and the page of one with its models and applications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import User
from apps.catalog.filters import ProductFilter
from apps.catalog.models import ModelsKnown, NodeKind, Offering, Product, ProductModel, Provider
from apps.catalog.product_retirements import CandidateRetirement, candidate_retirements
from apps.common.text import pluralize
from apps.common.time import day_of, now
from apps.exposure.queries.portfolio import DependentCount, dependent_counts
from apps.exposure.queries.product_dependents import product_dependents
from apps.web.lists.columns import Column, FileColumn, format_day, format_number
from apps.web.lists.list_page import EmptyState, ListPage, PageAction
from apps.web.lists.pagination import csv_response
from apps.web.pages.filter_controls import FilterControl
from apps.web.pages.form_fields import signed_in_user
from apps.web.pages.page import Headline, render_page
from apps.web.views.catalog.columns import CRITICAL_APPLICATIONS, build_applications_column
from apps.web.views.catalog.sections import (
    DEPENDENTS_COUNTED,
    count_dependents,
    dependent_applications,
)
from apps.web.wording import long_day, number


@dataclass(frozen=True, slots=True)
class ProductRow:
    """Product of the list; `ends_on` is the next retirement of a model that it may contain."""

    product: Product
    n_models: int
    n_identified: int
    ends_on: date | None
    reach: DependentCount


def _describe_identified(row: ProductRow) -> str:
    return f"{number(row.n_identified)} identified" if row.n_models else ""


class ProductList(ListPage[Product, ProductRow]):
    """Products by the filters of the URL."""

    namespace = "products"
    title = "Products"
    nouns = ("product", "products")
    counts = DEPENDENTS_COUNTED
    filterset_class = ProductFilter
    columns = (
        Column[ProductRow](
            "name",
            "Product",
            attrgetter("product.name"),
            url=lambda row: reverse("products:detail", args=[row.product.slug]),
            order=("name", "pk"),
        ),
        Column[ProductRow](
            "vendor",
            "Vendor",
            attrgetter("product.vendor.name"),
            url=lambda row: reverse("providers:detail", args=[row.product.vendor.slug]),
            order=("vendor__name", "name", "pk"),
        ),
        Column[ProductRow](
            "models_known",
            "Models inside",
            lambda row: row.product.get_models_known_display(),
            order=("models_known", "name", "pk"),
        ),
        Column[ProductRow](
            "models",
            "Models",
            attrgetter("n_models"),
            format=format_number,
            note=_describe_identified,
            is_numeric=True,
        ),
        Column[ProductRow](
            "next_retirement", "Next possible retirement", attrgetter("ends_on"), format=format_day
        ),
        build_applications_column(),
    )
    file_columns = (
        FileColumn[ProductRow]("Slug", attrgetter("product.slug")),
        FileColumn[ProductRow]("Identified models", attrgetter("n_identified")),
        FileColumn[ProductRow]("Source", attrgetter("product.source_url")),
        FileColumn[ProductRow]("Source seen on", attrgetter("product.source_on")),
        CRITICAL_APPLICATIONS,
    )
    default_order = ("name", ())

    def get_queryset(self) -> "QuerySet[Product]":
        return Product.objects.visible_to(self.user).select_related("vendor")

    def build_rows(self, records: Sequence[Product]) -> Sequence[ProductRow]:
        """Return the products as rows with their counts: three statements."""
        pks = [product.pk for product in records]
        offering_ids = [product.offering_id for product in records if product.offering_id]
        counts = {
            row["product"]: row
            for row in ProductModel.objects.filter(product__in=pks)
            .order_by()
            .values("product")
            .annotate(n=Count("pk"), n_versions=Count("version"), n_lines=Count("foundation"))
        }
        ends: dict[int, date] = {}
        for row in candidate_retirements(offering_ids, today=self.today):
            if row.ends_on is not None and not row.is_retired:
                ends.setdefault(row.offering_id, row.ends_on)
        reach = product_dependents(pks, user=self.user)
        none = {"n": 0, "n_versions": 0, "n_lines": 0}
        return [
            ProductRow(
                product,
                (count := counts.get(product.pk, none))["n"],
                count["n_versions"] + count["n_lines"],
                ends.get(product.offering_id or 0),
                reach.get(product.pk, DependentCount()),
            )
            for product in records
        ]

    def get_controls(self) -> Sequence[FilterControl]:
        vendors = Provider.objects.visible_to(self.user).filter(products__isnull=False)
        return (
            FilterControl("q", "Search", "search"),
            FilterControl(
                "vendor", "Vendor", choices=list(vendors.distinct().values_list("slug", "name"))
            ),
            FilterControl("models_known", "Models inside", choices=ModelsKnown.choices),
        )

    def describe_all(self) -> Headline:
        n = Product.objects.visible_to(self.user).filter(models_known=ModelsKnown.UNKNOWN).count()
        unknown = pluralize(
            n,
            "The models inside 1 of them are not known.",
            f"The models inside {number(n)} of them are not known.",
        )
        rest = unknown if n else "Models are known of each of them."
        return Headline(f"{self.count_records()} with models inside. {rest}")

    def get_actions(self) -> Sequence[PageAction]:
        if not self.user.is_governance:
            return ()
        return (PageAction("Add product", reverse("records:create", args=["products"])),)

    def get_empty_state(self) -> EmptyState:
        return EmptyState(
            "No products yet.",
            "Products come with the catalogue, and with imports that name them.",
        )


@dataclass(frozen=True, slots=True)
class ModelInside:
    """A model of a product, and the retirement of what it is identified by."""

    model: ProductModel
    retirement: CandidateRetirement | None
    today: date

    @property
    def fact(self) -> str:
        """Return when the model retires; a model that is not identified has no dates."""
        if self.model.version_id is None and self.model.foundation_id is None:
            return "Unknown"
        if self.retirement is None:
            return "No retirement announced"
        where = f"at {self.retirement.host}" if self.retirement.host else "at every host"
        ends_on = self.retirement.ends_on
        if ends_on is None:
            return f"Retired {where}"
        verb = "Retired" if self.retirement.is_retired else "Retires"
        return f"{verb} on {long_day(ends_on)} {where}"

    @property
    def source_host(self) -> str:
        return urlsplit(self.model.source_url).hostname or self.model.source_url

    @property
    def is_retired(self) -> bool:
        return self.retirement is not None and self.retirement.is_retired


def _get_product_or_404(request: HttpRequest, slug: str) -> Product:
    products = Product.objects.visible_to(request.user).select_related("vendor", "offering")
    return get_object_or_404(products, slug=slug)


def _models_inside(product: Product, today: date) -> list[ModelInside]:
    """Return the models of a product, those that retire first before the others; two statements."""
    retirements = {
        (row.version_id, row.foundation_id): row
        for row in candidate_retirements(
            [product.offering_id] if product.offering_id else [], today=today
        )
    }
    rows = [
        ModelInside(model, retirements.get((model.version_id, model.foundation_id)), today)
        for model in product.models.select_related("version__foundation", "foundation")
    ]
    return sorted(rows, key=lambda row: _order(row, today))


def _order(row: ModelInside, today: date) -> tuple[bool, date, str, int]:
    ends_on = (row.retirement.ends_on or today) if row.retirement else date.max
    is_unknown = row.model.version_id is None and row.model.foundation_id is None
    return is_unknown, ends_on, row.model.name.lower(), row.model.pk


@require_safe
def product_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a product: the models that its vendor names, and the dependent applications."""
    user = signed_in_user(request)
    product = _get_product_or_404(request, slug)
    at = now()
    today = day_of(at)
    rows = _models_inside(product, today)
    count = (
        count_dependents(NodeKind.OFFERING, product.offering_id, user=user)
        if product.offering_id
        else DependentCount()
    )
    return render_page(
        request,
        "products/detail.html",
        title=product.name,
        crumbs=(("Products", reverse("products:list")),),
        counts=DEPENDENTS_COUNTED,
        as_of=at,
        product=product,
        offering=product.offering,
        rows=rows,
        stated=_stated_offerings(product, user),
        sentence=_headline(
            product,
            rows,
            product_dependents([product.pk], user=user).get(product.pk, DependentCount()),
        ),
        standings=dependent_applications(
            NodeKind.OFFERING, product.offering_id or 0, user=user, today=today, count=count
        ),
    )


def _stated_offerings(product: Product, user: User) -> list[tuple[Offering, DependentCount]]:
    """Return the offerings of a product with a stated model, with their dependents; two
    statements."""
    offerings = list(product.stated_offerings().visible_to(user))
    counts = dependent_counts(
        kind=NodeKind.OFFERING, refs=[offering.pk for offering in offerings], user=user
    )
    return [(offering, counts.get(offering.pk, DependentCount())) for offering in offerings]


def _headline(product: Product, rows: Sequence[ModelInside], count: DependentCount) -> Headline:
    """Return what is known of the models inside, the first retirement and the dependents."""
    vendor = product.vendor.name
    if not rows:
        known = f"The models inside are not known. Ask {vendor} which ones it uses."
    elif product.models_known == ModelsKnown.PUBLISHED:
        known = pluralize(
            len(rows),
            f"{vendor} publishes 1 model inside.",
            f"Uses one of {number(len(rows))} models that {vendor} publishes.",
        )
    else:
        known = pluralize(
            len(rows),
            f"{vendor} names 1 model, and there might be others.",
            f"{vendor} names {number(len(rows))} models, and there might be others.",
        )
    used = (
        pluralize(
            count.n, "1 application depends on it.", f"{number(count.n)} applications depend on it."
        )
        if count.n
        else "No application depends on it."
    )
    return Headline(" ".join((known, _retirement_sentence(rows), used)).replace("  ", " "))


def _retirement_sentence(rows: Sequence[ModelInside]) -> str:
    n_retired = sum(row.is_retired for row in rows)
    coming = [row for row in rows if row.retirement is not None and not row.is_retired]
    parts = []
    if n_retired:
        parts.append(
            pluralize(
                n_retired, "1 of them is retired.", f"{number(n_retired)} of them are retired."
            )
        )
    if coming and coming[0].retirement and coming[0].retirement.ends_on:
        name, day = coming[0].model.name, long_day(coming[0].retirement.ends_on)
        parts.append(f"The next one to retire is {name}, on {day}.")
    return " ".join(parts)


@require_safe
def product_models_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    """Send the models of a product with their sources."""
    product = _get_product_or_404(request, slug)
    today = day_of(now())

    def cells(row: ModelInside) -> list[Any]:
        model = row.model
        return [
            model.name,
            model.use,
            model.foundation.line if model.foundation else "",
            model.version.identifier if model.version else "",
            row.retirement.ends_on if row.retirement else "",
            model.source_url,
            model.source_on,
        ]

    heads = ["name", "use", "foundation", "version", "retires on", "source", "source seen on"]
    return csv_response(f"product-{slug}-models", heads, _models_inside(product, today), cells)

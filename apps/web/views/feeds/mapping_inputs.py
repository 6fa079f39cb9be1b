"""Input of a mapping on the form of a source, by kind: its forms, a proposal from a sample, and the
preview of what it reads."""

from collections.abc import Mapping
from typing import Any, Protocol

from apps.catalog.models import Source
from apps.feeds.mapping.definition import KIND
from apps.feeds.pages.definition import KIND as PAGE
from apps.feeds.sources.configuration import outline_sample
from apps.web.views.feeds.mapping_preview import MappingPreview, preview_mapping, proposal_for
from apps.web.views.feeds.page_forms import (
    PageMappingForm,
    TableForms,
    table_initial,
    tables_of,
)
from apps.web.views.feeds.page_preview import page_proposal_for, preview_page
from apps.web.views.feeds.source_forms import MappingForm, PriceForms, prices_of


class MappingInput(Protocol):
    """Forms of one request that together state a mapping."""

    mapping: Any

    def is_blank(self) -> bool: ...

    def propose(self, body: bytes) -> bool:
        """Fill the forms with a proposal for the sample; return whether there is one."""
        ...

    def read_settings(self) -> dict[str, Any] | None:
        """Return the mapping in its stored form; None if a form has errors."""
        ...

    def preview(
        self, body: bytes, settings: dict[str, Any] | None, *, source: Source | None, url: str
    ) -> MappingPreview: ...

    def build_context(self, sample: bytes | None) -> dict[str, Any]:
        """Return the variables of the template."""
        ...


class JsonMappingInput:
    """Paths and prices of a JSON document."""

    def __init__(self, data: Any, mapping: Mapping[str, Any]) -> None:
        self.mapping = MappingForm(data, initial=MappingForm.initial_of(mapping))
        self.prices = PriceForms(data, initial=mapping.get("prices") or [], prefix="p")

    def is_blank(self) -> bool:
        return self.mapping.is_blank()

    def propose(self, body: bytes) -> bool:
        proposal = proposal_for(body)
        if not proposal:
            return False
        defaults = {"zero": "unknown", "absence": "notices"}
        initial = MappingForm.initial_of(proposal)
        fields = {f"m-{name}": value for name, value in (defaults | initial).items()}
        self.mapping = MappingForm(fields, initial=initial)
        prices = proposal.get("prices") or []
        data = {"p-TOTAL_FORMS": str(len(prices)), "p-INITIAL_FORMS": "0"}
        for number, price in enumerate(prices):
            data |= {f"p-{number}-{name}": str(value) for name, value in price.items()}
        self.prices = PriceForms(data, prefix="p")
        return True

    def read_settings(self) -> dict[str, Any] | None:
        if not (self.mapping.is_valid() and self.prices.is_valid()):
            return None
        return self.mapping.settings | {"prices": prices_of(self.prices)}

    def preview(
        self, body: bytes, settings: dict[str, Any] | None, *, source: Source | None, url: str
    ) -> MappingPreview:
        return preview_mapping(body, settings, source=source)

    def build_context(self, sample: bytes | None) -> dict[str, Any]:
        rows_path = self.mapping.data.get("m-rows", "")
        return {
            "prices": self._build_price_forms(),
            "outline": None if sample is None else outline_sample(sample, rows_path),
        }

    def _build_price_forms(self) -> Any:
        """Return the price forms with the entered prices and further empty lines."""
        if not self.prices.is_bound or not self.prices.is_valid():
            return self.prices
        return PriceForms(initial=prices_of(self.prices), prefix="p")


class PageMappingInput:
    """Host, tables and columns of a lifecycle page."""

    def __init__(self, data: Any, mapping: Mapping[str, Any]) -> None:
        self.mapping = PageMappingForm(data, initial=PageMappingForm.initial_of(mapping))
        self.tables = TableForms(
            data, initial=table_initial(mapping.get("tables") or ()), prefix="t"
        )

    def is_blank(self) -> bool:
        return self.mapping.is_blank() and not any(
            str(value).strip()
            for name, value in self.tables.data.items()
            if name.startswith("t-") and not name.endswith("_FORMS")
        )

    def propose(self, body: bytes) -> bool:
        proposal = page_proposal_for(body)
        if not proposal:
            return False
        host = self.mapping.data.get("m-host", "").strip()
        initial = PageMappingForm.initial_of(proposal | {"host": host})
        fields = {
            f"m-{name}": value
            for name, value in initial.items()
            # a browser sends nothing for an empty checkbox
            if value is not False
        }
        self.mapping = PageMappingForm(fields, initial=initial)
        rules = table_initial(proposal.get("tables") or ())
        data = {"t-TOTAL_FORMS": str(len(rules)), "t-INITIAL_FORMS": "0"}
        for number, rule in enumerate(rules):
            data |= {f"t-{number}-{name}": str(value) for name, value in rule.items()}
        self.tables = TableForms(data, prefix="t")
        return True

    def read_settings(self) -> dict[str, Any] | None:
        if not (self.mapping.is_valid() and self.tables.is_valid()):
            return None
        return self.mapping.settings | {"tables": tables_of(self.tables)}

    def preview(
        self, body: bytes, settings: dict[str, Any] | None, *, source: Source | None, url: str
    ) -> MappingPreview:
        return preview_page(body, settings, source=source, url=url)

    def build_context(self, sample: bytes | None) -> dict[str, Any]:
        return {"tables": self._build_table_forms()}

    def _build_table_forms(self) -> Any:
        """Return the forms of the tables with the entered rules and further empty lines."""
        if not self.tables.is_bound or not self.tables.is_valid():
            return self.tables
        return TableForms(initial=table_initial(tables_of(self.tables)), prefix="t")


def build_mapping_input(kind: str, data: Any, mapping: Mapping[str, Any]) -> MappingInput | None:
    """Return the input of the mapping of a source of this kind; None if the kind has no mapping."""
    if kind == KIND:
        return JsonMappingInput(data, mapping)
    if kind == PAGE:
        return PageMappingInput(data, mapping)
    return None


__all__ = ["MappingInput", "build_mapping_input"]

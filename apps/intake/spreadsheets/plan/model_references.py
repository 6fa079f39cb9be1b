"""What a model cell of a spreadsheet refers to: a model ID of a host, a name or product whose model
ID is not known, or no model.

Only a model ID that the catalogue has is taken as one. Whatever else a cell says becomes a name
with candidates, so that no offering looks real that is not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.catalog.identity.named_models import OWN_HOSTING, NamedModel
from apps.catalog.identity.names.phrases import MAX_READ
from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.reading_references import find_reference
from apps.catalog.models import OfferingKind
from apps.intake.spreadsheets.columns.mapping import model_key
from apps.intake.spreadsheets.columns.values import fold_name
from apps.intake.spreadsheets.plan.known_models import ResolvedModel, role_of_category
from apps.intake.spreadsheets.plan.model_ids import CatalogueModelIds, in_region
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.stated_hosts import NOT_STATED, HostFinder, StatedHost
from apps.intake.spreadsheets.values.distinct import ModelKind
from apps.inventory.models import Dependency

_KINDS = {
    Kind.RESOLVED: ModelKind.RESOLVED,
    Kind.CHOOSE: ModelKind.CHOOSE,
    Kind.FAMILY: ModelKind.FAMILY,
    Kind.PRODUCT: ModelKind.PRODUCT,
    Kind.UNKNOWN: ModelKind.UNKNOWN,
    Kind.NOT_A_MODEL: ModelKind.NOT_A_MODEL,
}
MAX_OPTIONS = 100
# between the model IDs of a cell; names of models are separated by the reader of names
_SEPARATORS = re.compile(r"\s*[;\n|]\s*|,\s+|\s+(?:/|\+|&|and|und|et)\s+")


@dataclass(frozen=True, slots=True)
class ModelReference:
    """One model that a cell names. `model` is what a dependency refers to, None without one, with
    the reason in `problem`. `options` are the model IDs that a name can be."""

    text: str
    kind: ModelKind
    model: ResolvedModel | None = None
    host: StatedHost = NOT_STATED
    role: str = ""
    versions: tuple[str, ...] = ()
    foundations: tuple[str, ...] = ()
    product: str = ""
    products: tuple[str, ...] = ()  # slugs, where the text names several
    options: tuple[int, ...] = ()
    why: str = ""
    problem: str = ""

    @property
    def created_hosts(self) -> dict[str, str]:
        """Return {slug: name} of the provider that the reference needs."""
        return {self.host.slug: self.host.new_name} if self.host.new_name else {}


class ModelReferences:
    """References of the model cells of a file; each distinct pair of text and host is read once."""

    def __init__(
        self,
        catalogue: CatalogueLookup,
        *,
        models: Mapping[str, Any],
        hosts: Mapping[str, Any],
        may_create: bool,
    ) -> None:
        """`models` and `hosts` are the choices of users (`BookMapping.models`, the values of
        `use.host`); `may_create`: unknown vendors become providers."""
        self._catalogue = catalogue
        self._models = models
        self._model_ids = CatalogueModelIds(catalogue)
        self.hosts = HostFinder(catalogue, choices=hosts, may_create=may_create)
        self._read: dict[tuple[str, str, str, str], tuple[ModelReference, ...]] = {}

    def read(
        self, text: str, host: str = "", region: str = "", tier: str = ""
    ) -> tuple[ModelReference, ...]:
        """Return the models that a cell names, each once, in their order."""
        key = (text, host, region, tier)
        references = self._read.get(key)
        if references is None:
            references = _without_repeats(self._read_cell(text, host, region, tier))
            self._read[key] = references
        return references

    # --- one cell ---------------------------------------------------------------------------------

    def _read_cell(
        self, text: str, host_text: str, region: str, tier: str
    ) -> tuple[ModelReference, ...]:
        chosen = self._models.get(model_key(text, host_text))
        exact = None if chosen else self._read_exact(text, host_text, region, tier)
        if exact is not None:
            return (exact,)
        pieces = [piece for piece in _SEPARATORS.split(text.strip()[:MAX_READ]) if piece]
        if len(pieces) > 1:
            listed = [self._read_exact(piece, host_text, region, tier) for piece in pieces]
            if all(listed):
                return tuple(reference for reference in listed if reference is not None)
        reading = self._catalogue.name_reader.read_name(text, host_text)
        parts = reading.parts if reading.kind is Kind.SEVERAL else (reading,)
        return tuple(
            self._read_part(part, text if part is reading else part.text, host_text, region, tier)
            for part in parts
        )

    def _chosen(self, text: str, chosen: Mapping[str, Any]) -> ModelReference | None:
        """Return the model ID that a user chose for the name; None if it is gone."""
        party = self._catalogue.party_by_slug(str(chosen.get("host", "")))
        if party is None:
            return None
        for offering in self._catalogue.exact_offerings(party, str(chosen.get("api_id", ""))):
            if (offering.region, offering.tier) == (
                chosen.get("region", ""),
                chosen.get("tier", ""),
            ):
                return ModelReference(
                    text,
                    ModelKind.RESOLVED,
                    self._catalogue.build_resolved(offering, party, 1.0, "chosen by a user"),
                    StatedHost(party, party.slug),
                    versions=self._model_ids.versions_of(offering),
                    options=(offering.id,),
                )
        return None

    def _read_exact(
        self, text: str, host_text: str, region: str, tier: str
    ) -> ModelReference | None:
        """Return the reference of a text that is a model ID to the letter, or a name that is in the
        registry, at the provider that the host cell names."""
        party = self._catalogue.party(host_text) if host_text else None
        if party is None and not host_text:
            party = self._catalogue.only_host_of_id(text)
        if party is None:
            return None
        named = self._catalogue.named_offering(NamedModel(party.slug, text, (), (), region, tier))
        offerings = self._catalogue.exact_offerings(party, text)
        if offerings:
            offering = in_region(offerings, region, tier)
            if offering is not None:
                return ModelReference(
                    text,
                    ModelKind.RESOLVED,
                    self._catalogue.build_resolved(offering, party, 1.0, "this ID on this host"),
                    StatedHost(party, party.slug),
                    versions=self._model_ids.versions_of(offering),
                    options=(offering.id,),
                )
        if named is not None and (known := self._catalogue.offerings.get(named)) is not None:
            # a name for which a user has chosen the model ID
            return ModelReference(
                text,
                ModelKind.RESOLVED,
                self._catalogue.build_resolved(
                    known,
                    self._catalogue.party_by_id(known.host),
                    1.0,
                    "the model ID chosen for this name",
                ),
                StatedHost(party, party.slug),
                versions=self._model_ids.versions_of(known),
                options=(known.id,),
            )
        return None

    def _read_part(
        self, reading: Reading, text: str, host_text: str, region: str, tier: str
    ) -> ModelReference:
        chosen = self._models.get(model_key(text, host_text))
        if chosen and chosen.get("product") in BY_SLUG and reading.kind is Kind.PRODUCT:
            named = replace(reading, product=chosen["product"], candidates=())
            product = self._read_product(named, text, self.hosts.find(reading, host_text))
            return replace(product, products=reading.candidates)
        if chosen and (reference := self._chosen(text, chosen)) is not None:
            # the other model IDs, so that the choice can be changed
            options = self._model_ids.options_of(reading, self.hosts.find(reading, host_text))
            return replace(
                reference,
                role=reading.role,
                options=tuple(option.id for option in options[:MAX_OPTIONS]),
            )
        kind = _KINDS[reading.kind]
        host = self.hosts.find(reading, host_text)
        if kind is ModelKind.NOT_A_MODEL:
            return ModelReference(
                text,
                kind,
                host=host,
                why=reading.why,
                problem=(
                    "The model is not stated, so no dependency is recorded."
                    if reading.not_stated
                    else f"'{text}' is not an AI model, so no dependency is recorded."
                ),
            )
        if kind is ModelKind.PRODUCT:
            return self._read_product(reading, text, host)
        found = find_reference(
            reading, text=text, host=host.slug, model_ids=self._model_ids, region=region, tier=tier
        )
        versions, foundations = self._model_ids.find_candidates(reading)
        reference = ModelReference(
            text,
            kind,
            host=host,
            role=reading.role,
            versions=versions,
            foundations=foundations,
            why=reading.why,
        )
        if found.offering is not None and host.party is not None:
            known = self._catalogue.offerings[found.offering]
            is_exact = known in self._catalogue.exact_offerings(host.party, text)
            confidence, why = (1.0, "this ID on this host") if is_exact else (0.95, reading.why)
            return replace(
                reference,
                kind=ModelKind.RESOLVED,
                model=self._catalogue.build_resolved(known, host.party, confidence, why),
                versions=self._model_ids.versions_of(known) if is_exact else versions,
                options=(known.id,),
            )
        if found.repository:
            return replace(
                reference,
                model=ResolvedModel(
                    new=(OWN_HOSTING, found.repository, "", ""),
                    host=OWN_HOSTING,
                    api_id=found.repository,
                    confidence=0.95,
                    why="open weights on own machines",
                    canonical=versions[0],
                ),
            )
        assert found.named is not None
        options = self._model_ids.options_of(reading, host)
        roles = {role_of_category(option.category) for option in options if option.category}
        return replace(
            reference,
            role=reading.role or (roles.pop() if len(roles) == 1 else ""),
            model=self._as_named(found.named, host, reading),
            options=tuple(option.id for option in options[:MAX_OPTIONS]),
        )

    # --- products ---------------------------------------------------------------------------------

    def _read_product(self, reading: Reading, text: str, host: StatedHost) -> ModelReference:
        found = find_reference(reading, text=text, host=host.slug, model_ids=self._model_ids)
        named = found.named
        assert named is not None
        vendor = host if named.host == host.slug else self.hosts.find_vendor(reading, named.host)
        reference = ModelReference(
            text,
            ModelKind.PRODUCT,
            host=vendor,
            role=reading.role,
            product=reading.product,
            products=reading.candidates,
            versions=named.versions,
            foundations=named.foundations,
            why=reading.why,
        )
        known = None
        if named.kind == OfferingKind.PRODUCT:
            known = self._catalogue.product(named.text)
        if known is None:
            return replace(reference, model=self._as_named(named, vendor, reading))
        offering, party = known
        return replace(
            reference,
            host=StatedHost(party, party.slug),
            model=ResolvedModel(
                offering=offering,
                host=party.slug,
                api_id=named.text,
                confidence=0.95,
                why=reading.why,
                resolved=True,
            ),
        )

    # --- models -----------------------------------------------------------------------------------

    def _as_named(self, named: NamedModel, host: StatedHost, reading: Reading) -> ResolvedModel:
        offering = self._catalogue.named_offering(named)
        return ResolvedModel(
            offering=offering,
            named=named,
            host=host.slug,
            api_id=named.label or named.text,
            confidence=0.0 if reading.kind is Kind.UNKNOWN else 0.5,
            why=reading.why,
            resolved=False,
        )


def _without_repeats(references: Iterable[ModelReference]) -> tuple[ModelReference, ...]:
    """Return the references without those to a model that an earlier one refers to in its role."""
    distinct: dict[Any, ModelReference] = {}
    for reference in references:
        model = reference.model
        if model is None:
            distinct.setdefault(fold_name(reference.text), reference)
        else:
            role = reference.role or model.role or Dependency.Role.PRIMARY
            distinct.setdefault((model.key, role), reference)
    return tuple(distinct.values())

"""What a model cell of a spreadsheet refers to: a model ID of a host, a name or product whose model
ID is not known, or no model.

Only a model ID that the catalogue has is taken as one. Whatever else a cell says becomes a name
with candidates, so that no offering looks real that is not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.text import slugify

from apps.catalog.identity.named_models import HOST_NOT_STATED, OWN_HOSTING, NamedModel
from apps.catalog.identity.names.places import OWN
from apps.catalog.identity.names.products import BY_SLUG
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.identity.reading_references import find_reference
from apps.catalog.models import Foundation, OfferingKind, Version
from apps.intake.spreadsheets.columns.mapping import model_key
from apps.intake.spreadsheets.columns.values import (
    NO_WORDS,
    YES_WORDS,
    fold_name,
    is_empty_text,
)
from apps.intake.spreadsheets.plan.model_names import (
    CatalogueLookup,
    KnownOffering,
    KnownProvider,
    ResolvedModel,
    role_of_category,
)
from apps.intake.spreadsheets.values.distinct import CREATE, ModelKind
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


def _names_something(text: str) -> bool:
    """Return whether a host cell has a name, instead of a number, a date, a letter or an answer."""
    return sum(map(str.isalpha, text)) > 1 and text.casefold() not in YES_WORDS | NO_WORDS


@dataclass(frozen=True, slots=True)
class StatedHost:
    """Host that a row states: `party` is a provider of the registry, `new_name` the name of one
    that the import creates. Neither: not stated, or not to be created (`problem`)."""

    party: KnownProvider | None = None
    slug: str = HOST_NOT_STATED
    new_name: str = ""
    problem: str = ""
    via: KnownProvider | None = None  # a gateway in place of a host


@dataclass(frozen=True, slots=True)
class ModelReference:
    """One model that a cell names. `model` is what a dependency refers to, None without one, with
    the reason in `problem`. `options` are the model IDs that a name can be."""

    text: str
    kind: ModelKind
    model: ResolvedModel | None = None
    host: StatedHost = StatedHost()
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
        self._hosts = hosts
        self._may_create = may_create
        self._read: dict[tuple[str, str, str, str], tuple[ModelReference, ...]] = {}
        self._slug_by_line: dict[str, str] | None = None
        self._repositories: dict[str, str] | None = None

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
        pieces = [piece for piece in _SEPARATORS.split(text.strip()) if piece]
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
                    self._as_model(offering, party, 1.0, "chosen by a user"),
                    StatedHost(party, party.slug),
                    versions=self._version_of(offering),
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
            offering = _in_region(offerings, region, tier)
            if offering is not None:
                return ModelReference(
                    text,
                    ModelKind.RESOLVED,
                    self._as_model(offering, party, 1.0, "this ID on this host"),
                    StatedHost(party, party.slug),
                    versions=self._version_of(offering),
                    options=(offering.id,),
                )
        if named is not None and (known := self._catalogue.offerings.get(named)) is not None:
            # a name for which a user has chosen the model ID
            return ModelReference(
                text,
                ModelKind.RESOLVED,
                self._as_model(
                    known,
                    self._catalogue.party_by_id(known.host),
                    1.0,
                    "the model ID chosen for this name",
                ),
                StatedHost(party, party.slug),
                versions=self._version_of(known),
                options=(known.id,),
            )
        return None

    def _read_part(
        self, reading: Reading, text: str, host_text: str, region: str, tier: str
    ) -> ModelReference:
        chosen = self._models.get(model_key(text, host_text))
        if chosen and chosen.get("product") in BY_SLUG and reading.kind is Kind.PRODUCT:
            named = replace(reading, product=chosen["product"], candidates=())
            product = self._read_product(named, text, self._find_host(reading, host_text))
            return replace(product, products=reading.candidates)
        if chosen and (reference := self._chosen(text, chosen)) is not None:
            # the other model IDs, so that the choice can be changed
            options = self._options(reading, self._find_host(reading, host_text))
            return replace(
                reference,
                role=reading.role,
                options=tuple(option.id for option in options[:MAX_OPTIONS]),
            )
        kind = _KINDS[reading.kind]
        host = self._find_host(reading, host_text)
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
            reading, text=text, host=host.slug, model_ids=self, region=region, tier=tier
        )
        versions, foundations = self.find_candidates(reading)
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
                model=self._as_model(known, host.party, confidence, why),
                versions=self._version_of(known) if is_exact else versions,
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
        options = self._options(reading, host)
        roles = {role_of_category(option.category) for option in options if option.category}
        return replace(
            reference,
            role=reading.role or (roles.pop() if len(roles) == 1 else ""),
            model=self._as_named(found.named, host, reading),
            options=tuple(option.id for option in options[:MAX_OPTIONS]),
        )

    # --- model IDs (catalogue.identity.reading_references.ModelIds) -------------------------------

    def find_candidates(self, reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        versions = tuple(self._catalogue.version_ids(self._candidates(reading)))
        return versions, () if versions else self._foundations(reading)

    def find_model_id(self, named: NamedModel, reading: Reading) -> int | None:
        """Return the model ID that the text is to the letter in the region, or the only one of the
        version that it names."""
        party = self._catalogue.party_by_slug(named.host)
        if party is None or named.host == HOST_NOT_STATED:
            return None
        offerings = self._catalogue.exact_offerings(party, named.text)
        exact = _in_region(offerings, named.region, named.tier)
        if exact is not None:
            return exact.id
        options = self._options(reading, StatedHost(party, party.slug))
        stated = [option for option in options if not named.region or option.region == named.region]
        only = self._only_model_id(reading, stated, reading.regions, named.text)
        return only.id if only is not None else None

    def find_repository(self, version: str) -> str:
        """Return the repository of the version's published weights; empty if it has none."""
        if self._repositories is None:
            self._repositories = {
                identifier: repositories[0]
                for identifier, repositories in Version.objects.filter(
                    foundation__open_weights=True
                )
                .exclude(repositories=[])
                .order_by()
                .values_list("identifier", "repositories")
            }
        return self._repositories.get(version, "")

    def _version_of(self, offering: KnownOffering) -> tuple[str, ...]:
        identifier = self._catalogue.version_identifier(offering)
        return (identifier,) if identifier else ()

    def _candidates(self, reading: Reading) -> Sequence[str]:
        if reading.kind is Kind.RESOLVED:
            return (reading.version,)
        return reading.candidates if reading.kind is Kind.CHOOSE else ()

    def _foundations(self, reading: Reading) -> tuple[str, ...]:
        lines = reading.candidates if reading.kind is Kind.FAMILY else (reading.line,)
        if reading.kind is Kind.UNKNOWN:
            return ()
        if self._slug_by_line is None:
            self._slug_by_line = dict(Foundation.objects.order_by().values_list("line", "slug"))
        return tuple(
            self._slug_by_line[line] for line in lines if line and line in self._slug_by_line
        )

    def _options(self, reading: Reading, host: StatedHost) -> list[KnownOffering]:
        """Return the model IDs that the name can be at the host, or at all hosts without one."""
        if host.new_name or (host.slug == OWN_HOSTING and host.party is None):
            # nothing is served there yet; model IDs of other hosts are no choice
            return []
        canonicals: Iterable[str] = ()
        if reading.kind is Kind.RESOLVED:
            canonicals = (reading.version,)
        elif reading.kind is Kind.CHOOSE:
            canonicals = reading.candidates
        elif reading.kind is Kind.FAMILY and host.party is not None:
            canonicals = self._versions_of_lines(reading.candidates)
        found: dict[int, KnownOffering] = {}
        for canonical in canonicals:
            for offering in self._catalogue.offerings_of_model(host.party, canonical):
                found.setdefault(offering.id, offering)
        return list(found.values())

    def _versions_of_lines(self, lines: Sequence[str]) -> list[str]:
        return list(
            Version.objects.filter(foundation__line__in=lines[:20])
            .order_by("identifier")
            .values_list("identifier", flat=True)
        )

    def _only_model_id(
        self,
        reading: Reading,
        options: Sequence[KnownOffering],
        regions: Sequence[str],
        text: str,
    ) -> KnownOffering | None:
        """Return the only model ID of a version at its host; of one with several regions the one
        without a region. A foundation counts only if it has one version."""
        if len(self._candidates(reading)) != 1 or not options:
            return None
        ids = {option.api_id for option in options}
        if len(ids) > 1:
            same = {each for each in ids if each.lower() == text.lower()}
            if len(same) != 1:
                return None
            ids = same
        of_id = [option for option in options if option.api_id in ids]
        if len(of_id) == 1:
            return of_id[0]
        folded = {fold_name(region).replace(" ", "") for region in regions}
        in_region = [option for option in of_id if option.region.replace("-", "") in folded]
        plain = [option for option in of_id if not option.region and not option.tier]
        for choice in (in_region, plain):
            if len(choice) == 1:
                return choice[0]
        return None

    # --- products ---------------------------------------------------------------------------------

    def _read_product(self, reading: Reading, text: str, host: StatedHost) -> ModelReference:
        found = find_reference(reading, text=text, host=host.slug, model_ids=self)
        named = found.named
        assert named is not None
        vendor = host if named.host == host.slug else self._vendor(reading, named.host)
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

    def _vendor(self, reading: Reading, slug: str) -> StatedHost:
        """Return the vendor of a product; one that the registry does not have is created."""
        party = self._catalogue.party_by_slug(slug)
        if party is not None:
            return StatedHost(party, slug)
        product = BY_SLUG[reading.product or reading.candidates[0]]
        return StatedHost(None, slug, product.vendor.partition(" (")[0].strip())

    # --- hosts ------------------------------------------------------------------------------------

    def _find_host(self, reading: Reading, host_text: str) -> StatedHost:
        """Return the host that the model cell names, else that of the host cell: a choice of a
        user, a provider of the registry, one to be created, or none."""
        if reading.host == OWN:
            return StatedHost(self._catalogue.party_by_slug(OWN_HOSTING), OWN_HOSTING)
        chosen = self._hosts.get(fold_name(host_text)) if host_text else None
        stated = self._catalogue.party(host_text) if host_text else None
        if chosen and chosen != CREATE:
            # a host in the model cell comes before the choice for the host cell
            slug = self._catalogue.name_reader.read_name(reading.text).host or str(chosen)
            slug = OWN_HOSTING if slug == OWN else slug
            return StatedHost(self._catalogue.party_by_slug(slug), slug)
        if reading.host:
            party = self._catalogue.party_by_slug(reading.host)
            if stated is not None and reading.kind is Kind.UNKNOWN:
                party = stated
            return StatedHost(party, reading.host)
        if stated is not None:
            if stated.is_gateway and "host" not in stated.roles:
                return StatedHost(via=stated)
            return StatedHost(stated, stated.slug)
        return self.new_host(host_text, chosen=chosen)

    def new_host(self, text: str, *, chosen: Any = None) -> StatedHost:
        """Return the provider that an unknown host cell becomes, or the reason why not."""
        name = " ".join(text.split())[:200]
        slug = slugify(name)[:60]
        if not slug or is_empty_text(name) or not _names_something(name):
            return StatedHost()
        if chosen is None and fold_name(name) in self._hosts:
            return StatedHost()
        if not self._may_create:
            return StatedHost(
                problem=f"'{name}' is not a known provider. Use the name or ID of a provider in "
                "the registry. A governance user can add providers."
            )
        return StatedHost(None, slug, name)

    # --- models -----------------------------------------------------------------------------------

    def _as_model(
        self, offering: KnownOffering, party: KnownProvider, confidence: float, why: str
    ) -> ResolvedModel:
        return ResolvedModel(
            offering=offering.id,
            host=party.slug,
            api_id=offering.api_id,
            confidence=confidence,
            why=why,
            resolved=offering.version is not None or offering.alias is not None,
            role=role_of_category(offering.category),
        )

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


def _in_region(offerings: Sequence[KnownOffering], region: str, tier: str) -> KnownOffering | None:
    """Return the offering of one model ID in this region and tier; without either, the only one."""
    matches = [each for each in offerings if (each.region, each.tier) == (region, tier)]
    if len(matches) == 1:
        return matches[0]
    return offerings[0] if len(offerings) == 1 and not region and not tier else None

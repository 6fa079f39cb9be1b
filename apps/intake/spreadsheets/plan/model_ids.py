"""Model IDs that the names of a spreadsheet can be, from the catalogue that its import has loaded
(ModelIds of apps/catalog/identity/reading_references.py)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from apps.catalog.identity.named_models import HOST_NOT_STATED, OWN_HOSTING, NamedModel
from apps.catalog.identity.names.reading import Kind, Reading
from apps.catalog.models import Foundation, Version
from apps.intake.spreadsheets.columns.values import fold_name
from apps.intake.spreadsheets.plan.known_models import KnownOffering
from apps.intake.spreadsheets.plan.model_names import CatalogueLookup
from apps.intake.spreadsheets.plan.stated_hosts import StatedHost


class CatalogueModelIds:
    """Lookup of versions, foundations and model IDs; each table is read once."""

    def __init__(self, catalogue: CatalogueLookup) -> None:
        self._catalogue = catalogue
        self._slug_by_line: dict[str, str] | None = None
        self._versions_by_line: dict[str, list[str]] | None = None
        self._repositories: dict[str, str] | None = None

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
        exact = in_region(offerings, named.region, named.tier)
        if exact is not None:
            return exact.id
        options = self.options_of(reading, StatedHost(party, party.slug))
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

    def versions_of(self, offering: KnownOffering) -> tuple[str, ...]:
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

    def options_of(self, reading: Reading, host: StatedHost) -> list[KnownOffering]:
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
        if self._versions_by_line is None:
            self._versions_by_line = defaultdict(list)
            for line, identifier in Version.objects.order_by("identifier").values_list(
                "foundation__line", "identifier"
            ):
                self._versions_by_line[line].append(identifier)
        return [each for line in lines for each in self._versions_by_line.get(line, ())]

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


def in_region(offerings: Sequence[KnownOffering], region: str, tier: str) -> KnownOffering | None:
    """Return the offering of one model ID in this region and tier; without either, the only one."""
    matches = [each for each in offerings if (each.region, each.tier) == (region, tier)]
    if len(matches) == 1:
        return matches[0]
    return offerings[0] if len(offerings) == 1 and not region and not tier else None

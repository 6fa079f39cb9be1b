"""Published templates of the register of information: their columns, their keys and the address of
their taxonomy module.

Columns, keys and address: module `dora` 4.0 of the EBA taxonomy, from 2025-03-31 and without an
end, as github.com/Meaningful-Data/xbridge (src/xbridge/modules/dora_dora_4.0.json) had it on
2026-11-30. Codes of columns are those of Implementing Regulation (EU) 2024/2956.
"""

from dataclasses import dataclass

from apps.reports.dora.templates import (
    ASSESSMENT,
    CONTRACTS,
    FUNCTIONS,
    PROVIDERS,
    SERVICES,
    SUPPLY_CHAIN,
)
from apps.reports.tables import ReportTable

ENTRY_POINT = "http://www.eba.europa.eu/eu/fr/xbrl/crr/fws/dora/4.0/mod/dora.json"
# framework with module version, and module, as the name of a package has them
# (support.copla.com/how-does-copla-registry-handle-output-and-submission-format; and
# github.com/intuitem/ciso-assistant-community/issues/4473; both 2026-11-30)
MODULE = "DORA010100_DORA"


@dataclass(frozen=True, slots=True)
class FiledTemplate:
    """One published template. `table` is the registry's part of it; without one, it is filled
    elsewhere."""

    code: str
    name: str
    columns: tuple[str, ...]
    keys: frozenset[str]
    table: ReportTable | None = None

    @property
    def file_name(self) -> str:
        return f"{self.code.lower()}.csv"

    @property
    def slug(self) -> str:
        return self.code.lower().replace("_", "-").replace(".", "-")

    @property
    def header(self) -> list[str]:
        return [f"c{column}" for column in self.columns]


def _filed(
    code: str, name: str, columns: str, keys: str, table: ReportTable | None = None
) -> FiledTemplate:
    return FiledTemplate(code, name, tuple(columns.split()), frozenset(keys.split()), table)


FILED_TEMPLATES: tuple[FiledTemplate, ...] = (
    _filed(
        "B_01.01",
        "Entity that maintains the register of information",
        "0010 0020 0030 0040 0050 0060",
        "0010",
    ),
    _filed(
        "B_01.02",
        "Entities within the scope of consolidation",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100 0110",
        "0010",
    ),
    _filed("B_01.03", "Branches", "0010 0020 0030 0040", "0010 0020"),
    _filed(
        "B_02.01",
        "Contractual arrangements, general information",
        "0010 0020 0030 0040 0050",
        "0010",
        CONTRACTS,
    ),
    _filed(
        "B_02.02",
        "Contractual arrangements, specific information",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100 0110 0120 0130 0140 0150 0160 0170 0180",
        "0010 0020 0030 0050 0060 0130 0150 0160",
        SERVICES,
    ),
    _filed("B_02.03", "Intra-group contractual arrangements", "0010 0020 0030", "0010 0020"),
    _filed("B_03.01", "Entities that sign to receive services", "0010 0020 0030", "0010 0020"),
    _filed("B_03.02", "Providers that sign", "0010 0020 0030", "0010 0020"),
    _filed(
        "B_03.03",
        "Entities that sign to provide services in the group",
        "0010 0020 0031",
        "0010 0020",
    ),
    _filed("B_04.01", "Entities that use the services", "0010 0020 0030 0040", "0010 0020 0040"),
    _filed(
        "B_05.01",
        "ICT third-party service providers",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100 0110 0120",
        "0010",
        PROVIDERS,
    ),
    _filed(
        "B_05.02",
        "ICT service supply chains",
        "0010 0020 0030 0040 0050 0060 0070",
        "0010 0020 0030 0050 0060",
        SUPPLY_CHAIN,
    ),
    _filed(
        "B_06.01",
        "Functions identification",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100",
        "0010 0040",
        FUNCTIONS,
    ),
    _filed(
        "B_07.01",
        "Assessment of the ICT services",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100 0110 0120",
        "0010 0020 0040",
        ASSESSMENT,
    ),
    _filed(
        "B_99.01",
        "Definitions of the entities",
        "0010 0020 0030 0040 0050 0060 0070 0080 0090 0100 0110 0120 0130 0140 0150 0160 0170 0180"
        " 0190",
        "",
    ),
)

FILED_BY_SLUG = {template.slug: template for template in FILED_TEMPLATES}

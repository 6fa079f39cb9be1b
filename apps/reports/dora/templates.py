"""The six templates that the register can speak to, with the regulation's column numbers.

Fields: governance anchors, section 5. Keys: the data point model of the European supervisory
authorities.
"""

from apps.catalog.models import Provider
from apps.inventory.models import Application, Contract, ExitPlan
from apps.reports.tables import Column, Place, Table

SERVICE_TYPES = {
    "S01": "S01 ICT project management",
    "S02": "S02 ICT development",
    "S03": "S03 ICT help desk and first level support",
    "S04": "S04 ICT security management",
    "S05": "S05 Provision of data",
    "S06": "S06 Data analysis",
    "S07": "S07 ICT facilities and hosting, without cloud",
    "S08": "S08 Computation",
    "S09": "S09 Data storage, without cloud",
    "S10": "S10 Telecom carrier",
    "S11": "S11 Network infrastructure",
    "S12": "S12 Hardware and physical devices",
    "S13": "S13 Software licensing, without SaaS",
    "S14": "S14 ICT operation management",
    "S15": "S15 ICT consulting",
    "S16": "S16 ICT risk management",
    "S17": "S17 Cloud: IaaS",
    "S18": "S18 Cloud: PaaS",
    "S19": "S19 Cloud: SaaS",
}
YES_NO = {"yes": "Yes", "no": "No"}
LEVELS = dict(Application.Impact.choices)
SUBSTITUTABILITY = dict(ExitPlan.Substitutability.choices)

_PROVIDER_TYPE = {"LEI": "LEI"}

CONTRACTS = Table(
    "contracts",
    "RT.02.01",
    "Contractual arrangements, general information",
    "One row for each contract in force with a party of the chain.",
    "report_0201",
    (
        Column("0010", "Contract reference", Place.CONTRACT, key=True),
        Column("0020", "Type of arrangement", Place.CONTRACT, dict(Contract.Kind.choices)),
        Column("0030", "Overarching contract reference", Place.CONTRACT),
        Column("0040", "Currency", Place.CONTRACT),
        Column("0050", "Annual cost", Place.CONTRACT),
    ),
)

SERVICES = Table(
    "services",
    "RT.02.02",
    "Contractual arrangements, specific information",
    "One row for each contract, provider and function that relies on it.",
    "report_0202",
    (
        Column("0010", "Contract reference", Place.CONTRACT, key=True),
        Column("0020", "LEI of the entity making use", Place.ORGANISATION, key=True),
        Column("0030", "Provider identification", Place.PROVIDER, key=True),
        Column("0040", "Type of provider identification", Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", "Function identifier", Place.APPLICATION, key=True),
        Column("0060", "Type of ICT services", Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0070", "Start date", Place.CONTRACT),
        Column("0080", "End date", Place.CONTRACT),
        Column("0090", "Reason of termination", Place.CONTRACT, dict(Contract.Termination.choices)),
        Column("0100", "Notice period of the entity, days", Place.CONTRACT),
        Column("0110", "Notice period of the provider, days", Place.CONTRACT),
        Column("0120", "Country of governing law", Place.CONTRACT),
        Column("0130", "Country of provision", Place.CONTRACT, key=True),
        Column("0140", "Storage of data", Place.CONTRACT, YES_NO),
        Column("0150", "Location of data at rest", Place.CONTRACT, key=True),
        Column("0160", "Location of processing", Place.CONTRACT, key=True),
        Column("0170", "Sensitiveness of the data", Place.APPLICATION, LEVELS),
        Column("0180", "Level of reliance", Place.EXIT_PLAN, dict(ExitPlan.Reliance.choices)),
    ),
)

PROVIDERS = Table(
    "providers",
    "RT.05.01",
    "ICT third-party service providers",
    "One row for each party of the chain, and for each ultimate parent.",
    "report_0501",
    (
        Column("0010", "Provider identification", Place.PROVIDER, key=True),
        Column("0020", "Type of identification", Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", "Legal name", Place.PROVIDER),
        Column("0070", "Type of person", Place.PROVIDER, dict(Provider.Person.choices)),
        Column("0080", "Country of headquarters", Place.PROVIDER),
        Column("0090", "Currency", Place.CONTRACT),
        Column("0100", "Total annual cost", Place.CONTRACT),
        Column("0110", "Ultimate parent identification", Place.PROVIDER, at="parent"),
        Column("0120", "Type of parent identification", Place.PROVIDER, _PROVIDER_TYPE),
    ),
)

SUPPLY_CHAIN = Table(
    "supply-chain",
    "RT.05.02",
    "ICT service supply chains",
    "One row for each party and its rank: the host, the gateway or vendor in front of it, the "
    "developer behind it.",
    "report_0502",
    (
        Column("0010", "Contract reference", Place.CONTRACT, key=True),
        Column("0020", "Type of ICT services", Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0030", "Provider identification", Place.PROVIDER, key=True),
        Column("0040", "Type of identification", Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", "Rank", key=True),
        Column(
            "0060",
            "Recipient of the sub-contracted service",
            Place.PROVIDER,
            key=True,
            at="recipient",
        ),
        Column(
            "0070", "Type of recipient identification", Place.PROVIDER, _PROVIDER_TYPE, key=True
        ),
    ),
)

FUNCTIONS = Table(
    "functions",
    "RT.06.01",
    "Functions identification",
    "One row for each function that an application serves.",
    "report_0601",
    (
        Column("0010", "Function identifier", Place.APPLICATION, key=True),
        Column("0020", "Licensed activity", Place.APPLICATION, key=True),
        Column("0030", "Function name", Place.APPLICATION),
        Column("0040", "LEI of the entity", Place.ORGANISATION, key=True),
        Column("0050", "Criticality or importance", Place.APPLICATION, YES_NO),
        Column("0060", "Reasons for criticality", Place.APPLICATION),
        Column("0070", "Last assessment of criticality", Place.APPLICATION),
        Column("0080", "Recovery time objective, hours", Place.APPLICATION),
        Column("0090", "Recovery point objective, hours", Place.APPLICATION),
        Column("0100", "Impact of discontinuing", Place.APPLICATION, LEVELS),
    ),
)

ASSESSMENT = Table(
    "assessment",
    "RT.07.01",
    "Assessment of the ICT services",
    "One row for each contract and provider that a critical or important function relies on.",
    "report_0701",
    (
        Column("0010", "Contract reference", Place.CONTRACT, key=True),
        Column("0020", "Provider identification", Place.PROVIDER, key=True),
        Column("0030", "Type of identification", Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0040", "Type of ICT services", Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0050", "Substitutability", Place.EXIT_PLAN, SUBSTITUTABILITY),
        Column(
            "0060",
            "Reason it is hard to substitute",
            Place.EXIT_PLAN,
            dict(ExitPlan.Reason.choices),
        ),
        Column("0070", "Last audit of the provider", Place.CONTRACT),
        Column("0080", "Exit plan exists", Place.EXIT_PLAN, YES_NO),
        Column(
            "0090",
            "Possibility of reintegration",
            Place.EXIT_PLAN,
            dict(ExitPlan.Reintegration.choices),
        ),
        Column("0100", "Impact of discontinuing", Place.APPLICATION, LEVELS),
        Column(
            "0110", "Alternatives identified", Place.EXIT_PLAN, dict(ExitPlan.Alternatives.choices)
        ),
        Column("0120", "Alternative providers", Place.EXIT_PLAN),
    ),
)

TEMPLATES: tuple[Table, ...] = (CONTRACTS, SERVICES, PROVIDERS, SUPPLY_CHAIN, FUNCTIONS, ASSESSMENT)

# (table, column) must stand in (table, column): rule 807
FOREIGN_KEYS: tuple[tuple[Table, str, Table, str], ...] = (
    (SERVICES, "0010", CONTRACTS, "0010"),
    (SERVICES, "0030", PROVIDERS, "0010"),
    (SERVICES, "0050", FUNCTIONS, "0010"),
    (PROVIDERS, "0110", PROVIDERS, "0010"),
    (SUPPLY_CHAIN, "0010", CONTRACTS, "0010"),
    (SUPPLY_CHAIN, "0030", PROVIDERS, "0010"),
    (SUPPLY_CHAIN, "0060", PROVIDERS, "0010"),
    (ASSESSMENT, "0010", CONTRACTS, "0010"),
    (ASSESSMENT, "0020", PROVIDERS, "0010"),
)

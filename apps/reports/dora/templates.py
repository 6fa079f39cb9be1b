"""DORA templates: the six for which the registry has data, with the regulation's column numbers.

Fields: governance anchors, section 5. Keys: the data point model of the European supervisory
authorities."""

from apps.catalog.models import Provider
from apps.inventory.governance.contract_record import SERVICE_TYPES
from apps.inventory.models import Application, Contract, ExitPlan
from apps.reports.tables import EntryPlace, ReportColumn, ReportTable

YES_NO = {"yes": "Yes", "no": "No"}
LEVELS = dict(Application.Impact.choices)
SUBSTITUTABILITY = dict(ExitPlan.Substitutability.choices)

_PROVIDER_TYPE = {"LEI": "LEI"}

CONTRACTS = ReportTable(
    "contracts",
    "RT.02.01",
    "Contractual arrangements, general information",
    "One row for each contract in force with a party of the chain.",
    "report_0201",
    (
        ReportColumn("0010", "Contract reference", EntryPlace.CONTRACT, key=True),
        ReportColumn(
            "0020", "Type of arrangement", EntryPlace.CONTRACT, dict(Contract.Kind.choices)
        ),
        ReportColumn("0030", "Overarching contract reference", EntryPlace.CONTRACT),
        ReportColumn("0040", "Currency", EntryPlace.CONTRACT),
        ReportColumn("0050", "Annual cost", EntryPlace.CONTRACT),
    ),
)

SERVICES = ReportTable(
    "services",
    "RT.02.02",
    "Contractual arrangements, specific information",
    "One row for each contract, provider and function that relies on it.",
    "report_0202",
    (
        ReportColumn("0010", "Contract reference", EntryPlace.CONTRACT, key=True),
        ReportColumn("0020", "LEI of the entity making use", EntryPlace.ORGANISATION, key=True),
        ReportColumn("0030", "Provider identification", EntryPlace.PROVIDER, key=True),
        ReportColumn(
            "0040", "Type of provider identification", EntryPlace.PROVIDER, _PROVIDER_TYPE, key=True
        ),
        ReportColumn("0050", "Function identifier", EntryPlace.APPLICATION, key=True),
        ReportColumn("0060", "Type of ICT services", EntryPlace.CONTRACT, SERVICE_TYPES, key=True),
        ReportColumn("0070", "Start date", EntryPlace.CONTRACT),
        ReportColumn("0080", "End date", EntryPlace.CONTRACT),
        ReportColumn(
            "0090", "Reason of termination", EntryPlace.CONTRACT, dict(Contract.Termination.choices)
        ),
        ReportColumn("0100", "Notice period of the entity, days", EntryPlace.CONTRACT),
        ReportColumn("0110", "Notice period of the provider, days", EntryPlace.CONTRACT),
        ReportColumn("0120", "Country of governing law", EntryPlace.CONTRACT),
        ReportColumn("0130", "Country of provision", EntryPlace.CONTRACT, key=True),
        ReportColumn("0140", "Storage of data", EntryPlace.CONTRACT, YES_NO),
        ReportColumn("0150", "Location of data at rest", EntryPlace.CONTRACT, key=True),
        ReportColumn("0160", "Location of processing", EntryPlace.CONTRACT, key=True),
        ReportColumn("0170", "Sensitiveness of the data", EntryPlace.APPLICATION, LEVELS),
        ReportColumn(
            "0180", "Level of reliance", EntryPlace.EXIT_PLAN, dict(ExitPlan.Reliance.choices)
        ),
    ),
)

PROVIDERS = ReportTable(
    "providers",
    "RT.05.01",
    "ICT third-party service providers",
    "One row for each party of the chain, and for each ultimate parent.",
    "report_0501",
    (
        ReportColumn("0010", "Provider identification", EntryPlace.PROVIDER, key=True),
        ReportColumn(
            "0020", "Type of identification", EntryPlace.PROVIDER, _PROVIDER_TYPE, key=True
        ),
        ReportColumn("0050", "Legal name", EntryPlace.PROVIDER),
        ReportColumn("0070", "Type of person", EntryPlace.PROVIDER, dict(Provider.Person.choices)),
        ReportColumn("0080", "Country of headquarters", EntryPlace.PROVIDER),
        ReportColumn("0090", "Currency", EntryPlace.CONTRACT),
        ReportColumn("0100", "Total annual cost", EntryPlace.CONTRACT),
        ReportColumn("0110", "Ultimate parent identification", EntryPlace.PROVIDER, at="parent"),
        ReportColumn("0120", "Type of parent identification", EntryPlace.PROVIDER, _PROVIDER_TYPE),
    ),
)

SUPPLY_CHAIN = ReportTable(
    "supply-chain",
    "RT.05.02",
    "ICT service supply chains",
    "One row for each party and its rank: the host, the gateway or vendor in front of it, the "
    "developer behind it.",
    "report_0502",
    (
        ReportColumn("0010", "Contract reference", EntryPlace.CONTRACT, key=True),
        ReportColumn("0020", "Type of ICT services", EntryPlace.CONTRACT, SERVICE_TYPES, key=True),
        ReportColumn("0030", "Provider identification", EntryPlace.PROVIDER, key=True),
        ReportColumn(
            "0040", "Type of identification", EntryPlace.PROVIDER, _PROVIDER_TYPE, key=True
        ),
        ReportColumn("0050", "Rank", key=True),
        ReportColumn(
            "0060",
            "Recipient of the sub-contracted service",
            EntryPlace.PROVIDER,
            key=True,
            at="recipient",
        ),
        ReportColumn(
            "0070",
            "Type of recipient identification",
            EntryPlace.PROVIDER,
            _PROVIDER_TYPE,
            key=True,
        ),
    ),
)

FUNCTIONS = ReportTable(
    "functions",
    "RT.06.01",
    "Functions identification",
    "One row for each function that an application serves.",
    "report_0601",
    (
        ReportColumn("0010", "Function identifier", EntryPlace.APPLICATION, key=True),
        ReportColumn("0020", "Licensed activity", EntryPlace.APPLICATION, key=True),
        ReportColumn("0030", "Function name", EntryPlace.APPLICATION),
        ReportColumn("0040", "LEI of the entity", EntryPlace.ORGANISATION, key=True),
        ReportColumn("0050", "Criticality or importance", EntryPlace.APPLICATION, YES_NO),
        ReportColumn("0060", "Reasons for criticality", EntryPlace.APPLICATION),
        ReportColumn("0070", "Last assessment of criticality", EntryPlace.APPLICATION),
        ReportColumn("0080", "Recovery time objective, hours", EntryPlace.APPLICATION),
        ReportColumn("0090", "Recovery point objective, hours", EntryPlace.APPLICATION),
        ReportColumn("0100", "Impact of discontinuing", EntryPlace.APPLICATION, LEVELS),
    ),
)

ASSESSMENT = ReportTable(
    "assessment",
    "RT.07.01",
    "Assessment of the ICT services",
    "One row for each contract and provider that a critical or important function relies on.",
    "report_0701",
    (
        ReportColumn("0010", "Contract reference", EntryPlace.CONTRACT, key=True),
        ReportColumn("0020", "Provider identification", EntryPlace.PROVIDER, key=True),
        ReportColumn(
            "0030", "Type of identification", EntryPlace.PROVIDER, _PROVIDER_TYPE, key=True
        ),
        ReportColumn("0040", "Type of ICT services", EntryPlace.CONTRACT, SERVICE_TYPES, key=True),
        ReportColumn("0050", "Substitutability", EntryPlace.EXIT_PLAN, SUBSTITUTABILITY),
        ReportColumn(
            "0060",
            "Reason it is hard to substitute",
            EntryPlace.EXIT_PLAN,
            dict(ExitPlan.Reason.choices),
        ),
        ReportColumn("0070", "Last audit of the provider", EntryPlace.CONTRACT),
        ReportColumn("0080", "Exit plan exists", EntryPlace.EXIT_PLAN, YES_NO),
        ReportColumn(
            "0090",
            "Possibility of reintegration",
            EntryPlace.EXIT_PLAN,
            dict(ExitPlan.Reintegration.choices),
        ),
        ReportColumn("0100", "Impact of discontinuing", EntryPlace.APPLICATION, LEVELS),
        ReportColumn(
            "0110",
            "Alternatives identified",
            EntryPlace.EXIT_PLAN,
            dict(ExitPlan.Alternatives.choices),
        ),
        ReportColumn("0120", "Alternative providers", EntryPlace.EXIT_PLAN),
    ),
)

TEMPLATES: tuple[ReportTable, ...] = (
    CONTRACTS,
    SERVICES,
    PROVIDERS,
    SUPPLY_CHAIN,
    FUNCTIONS,
    ASSESSMENT,
)

# a value of (table, column) must exist in (table, column): rule 807
FOREIGN_KEYS: tuple[tuple[ReportTable, str, ReportTable, str], ...] = (
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

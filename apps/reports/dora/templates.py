"""The six templates that the register can speak to, with the regulation's column numbers.

Fields: governance anchors, section 5. Keys: the data point model of the European supervisory authorities.
"""

from django.utils.translation import gettext_lazy as _

from apps.catalog.models import Provider
from apps.inventory.models import Application, Contract, ExitPlan
from apps.reports.tables import Column, Place, Table

SERVICE_TYPES = {
    "S01": _("S01 ICT project management"),
    "S02": _("S02 ICT development"),
    "S03": _("S03 ICT help desk and first level support"),
    "S04": _("S04 ICT security management"),
    "S05": _("S05 Provision of data"),
    "S06": _("S06 Data analysis"),
    "S07": _("S07 ICT facilities and hosting, without cloud"),
    "S08": _("S08 Computation"),
    "S09": _("S09 Data storage, without cloud"),
    "S10": _("S10 Telecom carrier"),
    "S11": _("S11 Network infrastructure"),
    "S12": _("S12 Hardware and physical devices"),
    "S13": _("S13 Software licensing, without SaaS"),
    "S14": _("S14 ICT operation management"),
    "S15": _("S15 ICT consulting"),
    "S16": _("S16 ICT risk management"),
    "S17": _("S17 Cloud: IaaS"),
    "S18": _("S18 Cloud: PaaS"),
    "S19": _("S19 Cloud: SaaS"),
}
YES_NO = {"yes": _("Yes"), "no": _("No")}
LEVELS = dict(Application.Impact.choices)
SUBSTITUTABILITY = dict(ExitPlan.Substitutability.choices)

_PROVIDER_TYPE = {"LEI": "LEI"}

CONTRACTS = Table(
    "contracts",
    "RT.02.01",
    _("Contractual arrangements, general information"),
    _("One row for each contract in force with a party of the chain."),
    "report_0201",
    (
        Column("0010", _("Contract reference"), Place.CONTRACT, key=True),
        Column("0020", _("Type of arrangement"), Place.CONTRACT, dict(Contract.Kind.choices)),
        Column("0030", _("Overarching contract reference"), Place.CONTRACT),
        Column("0040", _("Currency"), Place.CONTRACT),
        Column("0050", _("Annual cost"), Place.CONTRACT),
    ),
)

SERVICES = Table(
    "services",
    "RT.02.02",
    _("Contractual arrangements, specific information"),
    _("One row for each contract, provider and function that relies on it."),
    "report_0202",
    (
        Column("0010", _("Contract reference"), Place.CONTRACT, key=True),
        Column("0020", _("LEI of the entity making use"), Place.ORGANISATION, key=True),
        Column("0030", _("Provider identification"), Place.PROVIDER, key=True),
        Column("0040", _("Type of provider identification"), Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", _("Function identifier"), Place.APPLICATION, key=True),
        Column("0060", _("Type of ICT services"), Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0070", _("Start date"), Place.CONTRACT),
        Column("0080", _("End date"), Place.CONTRACT),
        Column("0090", _("Reason of termination"), Place.CONTRACT, dict(Contract.Termination.choices)),
        Column("0100", _("Notice period of the entity, days"), Place.CONTRACT),
        Column("0110", _("Notice period of the provider, days"), Place.CONTRACT),
        Column("0120", _("Country of governing law"), Place.CONTRACT),
        Column("0130", _("Country of provision"), Place.CONTRACT, key=True),
        Column("0140", _("Storage of data"), Place.CONTRACT, YES_NO),
        Column("0150", _("Location of data at rest"), Place.CONTRACT, key=True),
        Column("0160", _("Location of processing"), Place.CONTRACT, key=True),
        Column("0170", _("Sensitiveness of the data"), Place.APPLICATION, LEVELS),
        Column("0180", _("Level of reliance"), Place.EXIT_PLAN, dict(ExitPlan.Reliance.choices)),
    ),
)

PROVIDERS = Table(
    "providers",
    "RT.05.01",
    _("ICT third-party service providers"),
    _("One row for each party of the chain, and for each ultimate parent."),
    "report_0501",
    (
        Column("0010", _("Provider identification"), Place.PROVIDER, key=True),
        Column("0020", _("Type of identification"), Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", _("Legal name"), Place.PROVIDER),
        Column("0070", _("Type of person"), Place.PROVIDER, dict(Provider.Person.choices)),
        Column("0080", _("Country of headquarters"), Place.PROVIDER),
        Column("0090", _("Currency"), Place.CONTRACT),
        Column("0100", _("Total annual cost"), Place.CONTRACT),
        Column("0110", _("Ultimate parent identification"), Place.PROVIDER, at="parent"),
        Column("0120", _("Type of parent identification"), Place.PROVIDER, _PROVIDER_TYPE),
    ),
)

SUPPLY_CHAIN = Table(
    "supply-chain",
    "RT.05.02",
    _("ICT service supply chains"),
    _("One row for each party and its rank: the host, the gateway or vendor in front of it, the developer behind it."),
    "report_0502",
    (
        Column("0010", _("Contract reference"), Place.CONTRACT, key=True),
        Column("0020", _("Type of ICT services"), Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0030", _("Provider identification"), Place.PROVIDER, key=True),
        Column("0040", _("Type of identification"), Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0050", _("Rank"), key=True),
        Column("0060", _("Recipient of the sub-contracted service"), Place.PROVIDER, key=True, at="recipient"),
        Column("0070", _("Type of recipient identification"), Place.PROVIDER, _PROVIDER_TYPE, key=True),
    ),
)

FUNCTIONS = Table(
    "functions",
    "RT.06.01",
    _("Functions identification"),
    _("One row for each function that an application serves."),
    "report_0601",
    (
        Column("0010", _("Function identifier"), Place.APPLICATION, key=True),
        Column("0020", _("Licensed activity"), Place.APPLICATION, key=True),
        Column("0030", _("Function name"), Place.APPLICATION),
        Column("0040", _("LEI of the entity"), Place.ORGANISATION, key=True),
        Column("0050", _("Criticality or importance"), Place.APPLICATION, YES_NO),
        Column("0060", _("Reasons for criticality"), Place.APPLICATION),
        Column("0070", _("Last assessment of criticality"), Place.APPLICATION),
        Column("0080", _("Recovery time objective, hours"), Place.APPLICATION),
        Column("0090", _("Recovery point objective, hours"), Place.APPLICATION),
        Column("0100", _("Impact of discontinuing"), Place.APPLICATION, LEVELS),
    ),
)

ASSESSMENT = Table(
    "assessment",
    "RT.07.01",
    _("Assessment of the ICT services"),
    _("One row for each contract and provider that a critical or important function relies on."),
    "report_0701",
    (
        Column("0010", _("Contract reference"), Place.CONTRACT, key=True),
        Column("0020", _("Provider identification"), Place.PROVIDER, key=True),
        Column("0030", _("Type of identification"), Place.PROVIDER, _PROVIDER_TYPE, key=True),
        Column("0040", _("Type of ICT services"), Place.CONTRACT, SERVICE_TYPES, key=True),
        Column("0050", _("Substitutability"), Place.EXIT_PLAN, SUBSTITUTABILITY),
        Column("0060", _("Reason it is hard to substitute"), Place.EXIT_PLAN, dict(ExitPlan.Reason.choices)),
        Column("0070", _("Last audit of the provider"), Place.CONTRACT),
        Column("0080", _("Exit plan exists"), Place.EXIT_PLAN, YES_NO),
        Column("0090", _("Possibility of reintegration"), Place.EXIT_PLAN, dict(ExitPlan.Reintegration.choices)),
        Column("0100", _("Impact of discontinuing"), Place.APPLICATION, LEVELS),
        Column("0110", _("Alternatives identified"), Place.EXIT_PLAN, dict(ExitPlan.Alternatives.choices)),
        Column("0120", _("Alternative providers"), Place.EXIT_PLAN),
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

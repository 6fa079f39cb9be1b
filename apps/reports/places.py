"""The places where missing fields are entered, as people call them."""

from apps.reports.tables import Place

_NAMES: dict[Place, str] = {
    Place.ORGANISATION: "Reporting entity",
    Place.PROVIDER: "Provider",
    Place.CONTRACT: "Contract",
    Place.NO_CONTRACT: "A contract with the provider",
    Place.APPLICATION: "Application",
    Place.EXIT_PLAN: "Exit plan of the application",
    Place.STATEMENT: "Model statement of the application",
    Place.EVIDENCE: "Evaluation of the application",
    Place.DOCUMENTS: "Documents of the foundation",
    Place.DECISION: "Decision on the foundation",
    Place.QUESTIONS: "Questions of the component file",
    Place.IDENTITY: "Identity of the offering",
}


def place_name(place: Place) -> str:
    return _NAMES[place]

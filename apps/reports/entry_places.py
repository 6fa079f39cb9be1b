"""Entry places: the pages where missing fields are entered, by the names users see."""

from apps.reports.tables import EntryPlace

_PLACE_NAMES: dict[EntryPlace, str] = {
    EntryPlace.ORGANISATION: "Reporting entity",
    EntryPlace.PROVIDER: "Provider",
    EntryPlace.CONTRACT: "Contract",
    EntryPlace.NO_CONTRACT: "A contract with the provider",
    EntryPlace.APPLICATION: "Application",
    EntryPlace.EXIT_PLAN: "Exit plan of the application",
    EntryPlace.STATEMENT: "Model statement of the application",
    EntryPlace.EVIDENCE: "Evaluation of the application",
    EntryPlace.DOCUMENTS: "Documents of the foundation",
    EntryPlace.DECISION: "Decision on the foundation",
    EntryPlace.QUESTIONS: "Questions of the component file",
    EntryPlace.IDENTITY: "Identity of the offering",
}


def place_name(place: EntryPlace) -> str:
    return _PLACE_NAMES[place]

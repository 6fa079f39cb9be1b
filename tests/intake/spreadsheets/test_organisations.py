"""Registers as five organisations write them: a German insurer, a French hospital, a Dutch
municipality, an Italian bank, an energy company in Spain."""

from datetime import date, timedelta

import pytest

from apps.accounts.models import PersonState, Team, User
from apps.catalog.models import Offering, OfferingKind, Provider
from apps.common.history.context import audit_context
from apps.common.time import day_of, now
from apps.intake.models import ImportRow
from apps.intake.spreadsheets.import_steps import undo_import
from apps.intake.spreadsheets.values.distinct import Certainty
from apps.intake.spreadsheets.values.steps import distinct_models, named_records, value_groups
from apps.inventory.models import Application, Dependency, ExchangeRate
from tests.builders import (
    make_foundation,
    make_offering,
    make_provider,
    make_user,
    make_version,
)
from tests.intake.spreadsheets.claims_team import confirm, outcomes, preview
from tests.intake.spreadsheets.sheet_files import as_csv, as_xlsx

pytestmark = pytest.mark.django_db

GERMAN = [
    ["KI-Register der Nordwest Versicherung AG"],
    ["Stand: 11/2026 – bitte nicht sortieren"],
    [],
    [
        "Nr.",
        "KI-Anwendung",
        "Fachbereich",
        "Verantwortlich (Fach)",
        "Kritikalität",
        "Betriebsstatus",
        "Eingesetztes Modell",
        "Anbieter / Plattform",
        "KI-VO",
        "Personenbezogene Daten?",
        "Schutzbedarf",
        "Anzahl Nutzer",
        "Kosten/Monat (EUR)",
        "In Betrieb seit",
        "Nächste Prüfung",
        "Bemerkung",
    ],
    [
        "1",
        "Schadenakte",
        "Schaden",
        "Anja Müller <anja.mueller@nordwest.example>",
        "hoch",
        "in Betrieb",
        "GPT-4o (20.11.2024)",
        "Azure",
        "Hochrisiko",
        "ja, Kundendaten",
        "vertraulich",
        "ca. 1.200",
        "12.500,00",
        "Mär 25",
        "Q1 2027",
        "läuft gut",
    ],
    [
        "2",
        "Postverteilung",
        "Betrieb",
        "N.N.",
        "sehr hoch",
        "Pilotphase",
        "Haiku 3",
        "AWS Bedrock",
        "minimal",
        "nein",
        "intern",
        "~ 8 Tsd.",
        "",
        "01.09.2025",
        "",
        "",
    ],
    ["Summe", "", "", "", "", "", "", "", "", "", "", "", "12.500,00", "", "", ""],
]
FRENCH_HEADS = [
    "Cas d'usage",
    "Direction / Service",
    "Responsable métier",
    "Niveau de criticité",
    "Avancement",
    "Modèle(s) utilisé(s)",
    "Fournisseur / Hébergeur",
    "Données personnelles ?",
    "Nb d'utilisateurs",
    "Mise en service",
]
FRENCH_CENTRE = [
    ["Hôpital Sainte-Claire – inventaire IA", *[""] * 9],
    FRENCH_HEADS,
    [
        "Comptes rendus",
        "Radiologie",
        "m.leroy@chsc.example",
        "Élevé",
        "En production",
        "Mistral Large",
        "Mistral (La Plateforme)",
        "Oui",
        "env. 60",
        "T2 2025",
    ],
    [
        "Traduction",
        "",
        "p.duval@chsc.example",
        "Faible",
        "Projet pilote",
        "DeepL",
        "DeepL",
        "Non",
        "10-20",
        "2026",
    ],
    FRENCH_HEADS,
    [
        "Tri des courriels",
        "Direction générale",
        "a quitté l'hôpital",
        "Moyen",
        "Arrêté",
        "pas d'IA (règles)",
        "interne",
        "Oui",
        "3",
        "févr. 2024",
    ],
    ["", "", "", "", "", "", "", "", "", ""],
    ["Source : DSI, mise à jour trimestrielle"],
]
FRENCH_NORTH = [
    FRENCH_HEADS,
    [
        "Assistant de code",
        "DSI",
        "k.benali@chsc.example",
        "Faible",
        "En production",
        "GPT-4o / Mistral Large (secours)",
        "Azure",
        "Non",
        "25",
        "01/2026",
    ],
]
DUTCH = [
    [
        "Toepassing",
        "Afdeling",
        "Eigenaar",
        "Prioriteit",
        "Fase",
        "Gebruikt model",
        "Leverancier",
        "Risicoklasse (AI Act)",
        "Persoonsgegevens (J/N)",
        "Vertrouwelijkheid",
        "Aantal gebruikers",
        "Maandelijkse kosten (€)",
        "In gebruik sinds",
    ],
    [
        "Burgerbrieven",
        "Burgerzaken",
        "j.devries@gemeente.example",
        "P1",
        "In gebruik",
        "gpt-4o-2024-11-20",
        "Microsoft Azure",
        "Beperkt risico",
        "J",
        "Vertrouwelijk",
        "ongeveer 45",
        "€ 310",
        "Q3/25",
    ],
    [
        "Vergaderverslagen",
        "Bestuur",
        "s.bakker@gemeente.example",
        "P2",
        "In ontwikkeling",
        "Vlamingen GPT",
        "Lokaal Bedrijf BV",
        "Minimaal",
        "N",
        "Openbaar",
        "12",
        "onbekend",
        "",
    ],
    [
        "Archief",
        "Bestuur",
        "",
        "P9",
        "In gebruik",
        "TBD",
        "",
        "n.v.t.",
        "?",
        "C9",
        "n.v.t.",
        "",
        "",
    ],
]
ITALIAN = [
    [
        "Sistema di IA",
        "Direzione",
        "Responsabile",
        "Criticità",
        "Stato",
        "Modello utilizzato",
        "Fornitore",
        "Classe di rischio",
        "Dati personali",
        "Riservatezza",
        "Utenti",
        "Costo mensile (migliaia di EUR)",
        "Go-live",
        "Prossima revisione",
    ],
    [
        "Valutazione reclami",
        "Crediti",
        "g.rossi@banca.example",
        "Critica",
        "In produzione",
        "Claude 3 Haiku via Bedrock",
        "AWS",
        "Alto rischio",
        "Sì",
        "Strettamente riservato",
        "1'200",
        "3,5",
        "15/03/2025",
        "03/04/2027",
    ],
]
SPANISH = [
    [
        "ID",
        "Caso de uso",
        "Área de negocio",
        "Responsable",
        "Criticidad",
        "Estado",
        "Modelo utilizado",
        "Proveedor",
        "Clasificación de datos",
        "Usuarios",
        "Puesta en producción",
    ],
    [
        "1",
        "Lectura de contadores",
        "Redes",
        "l.garcia@energia.example",
        "Alta",
        "En producción",
        "GPT-4o",
        "OpenAI",
        "C2 - Interno",
        "más de 300",
        "enero 2025",
    ],
    [
        "2",
        "Atención al cliente",
        "Clientes",
        "l.garcia@energia.example",
        "Media",
        "En pruebas",
        "Haiku 3",
        "Bedrock",
        "C3 - Confidencial",
        "unos 50",
        "1er trimestre 2026",
    ],
]


@pytest.fixture
def governance():
    """A registry with a few models and nobody's applications."""
    openai = make_provider("openai", roles=("developer", "host"), name="OpenAI")
    azure = make_provider("azure", name="Microsoft Azure")
    anthropic = make_provider("anthropic", roles=("developer", "host"), name="Anthropic")
    bedrock = make_provider("amazon-bedrock", name="Amazon Bedrock")
    mistral = make_provider("mistral", roles=("developer", "host"), name="Mistral AI")
    gpt = make_foundation("openai/gpt-4o", developer=openai)
    for release in ("2024-08-06", "2024-11-20"):
        version = make_version(f"openai/gpt-4o-{release}", foundation=gpt)
        make_offering(f"gpt-4o-{release}", host=azure, version=version)
        make_offering(f"gpt-4o-{release}", host=openai, version=version)
    haiku = make_version(
        "anthropic/claude-3-haiku-20240307",
        foundation=make_foundation("anthropic/claude-3-haiku", developer=anthropic),
    )
    retired_on = day_of(now()) - timedelta(80)
    for region in ("", "eu."):
        make_offering(
            f"{region}anthropic.claude-3-haiku-20240307-v1:0",
            host=bedrock,
            version=haiku,
            lifecycle="retired",
            retires_on=retired_on,
            date_kind="firm",
        )
    large = make_foundation("mistral/mistral-large", developer=mistral)
    for release in ("2407", "2411"):
        make_offering(
            f"mistral-large-{release}",
            host=mistral,
            version=make_version(f"mistral/mistral-large-{release}", foundation=large),
        )
    return make_user("gov", role="governance")


def application(name):
    return Application.objects.get(name=name)


def models_of(application_):
    return [
        (dependency.offering.api_id, dependency.offering.kind, dependency.role)
        for dependency in application_.dependencies.order_by("pk")
    ]


def left_out(import_):
    return {
        (row.number, reason["column"])
        for row in ImportRow.objects.filter(import_record=import_)
        for reason in row.reasons
    }


def test_a_german_insurer(governance):
    ExchangeRate.objects.create(currency="EUR", usd="1.10", on=date(2026, 1, 2), source="ECB")
    content = as_csv(GERMAN, delimiter=";", encoding="cp1252")

    done = confirm(preview(content, governance, "KI-Register.csv"))

    assert outcomes(done) == ["added", "added"]
    claims, post = application("Schadenakte"), application("Postverteilung")
    assert (claims.criticality, claims.status, claims.ai_act_class) == (1, "production", "high")
    assert (claims.personal_data, claims.data_classification) == (True, "confidential")
    assert (claims.users_affected, claims.next_review_on) == (1200, date(2027, 1, 1))
    assert claims.business_owner_person.email == "anja.mueller@nordwest.example"
    assert models_of(claims) == [("gpt-4o-2024-11-20", "model_id", "primary")]
    [use] = claims.dependencies.all()
    assert (use.monthly_spend, use.since) == (13750, date(2025, 3, 1))
    assert (post.criticality, post.status, post.users_affected) == (0, "pilot", 8000)
    [haiku] = post.dependencies.all()
    assert (haiku.offering.kind, haiku.offering.lifecycle) == ("name", "retired")
    assert post.business_owner == "N.N."
    assert post.business_owner_person is None


def test_a_french_hospital_with_a_sheet_for_each_site(governance):
    content = as_xlsx(
        {
            "Site centre": FRENCH_CENTRE,
            "Site nord": FRENCH_NORTH,
            "Légende": [["Niveau", "Signification"], ["Élevé", "arrêt des soins"]],
        },
        change=lambda book: book["Site centre"].merge_cells("B3:B4"),
    )

    done = confirm(preview(content, governance, "inventaire.xlsx"))

    assert outcomes(done) == ["added"] * 4
    assert [sheet["read"] for sheet in done.mapping["sheets"]] == [True, True, False]
    assert set(Team.objects.values_list("name", flat=True)) == {
        "Radiologie",
        "Direction générale",
        "DSI",
    }
    assert application("Traduction").team.name == "Radiologie"
    assert application("Traduction").users_affected == 15
    assert models_of(application("Comptes rendus")) == [("Mistral Large", "name", "primary")]
    assert models_of(application("Traduction")) == [("deepl", "product", "primary")]
    mail = application("Tri des courriels")
    assert (mail.status, mail.business_owner, mail.business_owner_person) == (
        "retired",
        "a quitté l'hôpital",
        None,
    )
    assert not mail.dependencies.exists()
    assert models_of(application("Assistant de code")) == [
        ("GPT-4o", "name", "primary"),
        ("Mistral Large", "name", "fallback"),
    ]


def test_a_dutch_municipality_with_gaps(governance):
    read = preview(as_csv(DUTCH), governance)

    assert outcomes(read) == ["added"] * 3
    assert {vendor.text for vendor in named_records(read).vendors} == {"Lokaal Bedrijf BV"}
    done = confirm(read)

    letters, minutes = application("Burgerbrieven"), application("Vergaderverslagen")
    assert (letters.criticality, minutes.criticality, application("Archief").criticality) == (
        0,
        1,
        3,
    )
    assert (letters.ai_act_class, letters.personal_data) == ("limited", True)
    assert (letters.users_affected, minutes.status) == (45, "proposed")
    assert letters.dependencies.get().monthly_spend is None
    assert "no exchange rate of EUR is known" in str(
        ImportRow.objects.get(import_record=done, position=1).reasons
    )
    assert models_of(minutes) == [("Vlamingen GPT", "name", "primary")]
    assert minutes.dependencies.get().offering.host.name == "Lokaal Bedrijf BV"
    assert not application("Archief").dependencies.exists()
    assert not Offering.objects.filter(api_id="TBD").exists()


def test_an_italian_bank_whose_dates_are_asked(governance):
    ExchangeRate.objects.create(currency="EUR", usd="1.10", on=date(2026, 1, 2), source="ECB")

    done = confirm(preview(as_csv(ITALIAN), governance))

    assert outcomes(done) == ["added"]
    complaints = application("Valutazione reclami")
    assert (complaints.criticality, complaints.data_classification) == (0, "secret")
    assert complaints.next_review_on is None
    assert left_out(done) == {(2, "Prossima revisione")}
    [use] = complaints.dependencies.all()
    assert (use.since, use.monthly_spend) == (date(2025, 3, 15), 3850)
    assert (use.offering.kind, use.offering.host.slug) == ("name", "amazon-bedrock")


def test_an_energy_company_in_spain_has_its_models_grouped(governance):
    read = preview(as_csv(SPANISH), governance)

    models = distinct_models(read)

    assert [(model.text, str(model.kind), model.n_rows) for model in models] == [
        ("Haiku 3", "choose", 1),
        ("GPT-4o", "choose", 1),
    ]
    assert [option.api_id for option in models[0].options] == [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "eu.anthropic.claude-3-haiku-20240307-v1:0",
    ]
    assert models[0].applications == ("Atención al cliente",)
    groups = {group.code: group for group in value_groups(read)}
    assert [
        (value.text, value.value, value.guess.certainty)
        for value in groups["application.data_classification"].values
    ] == [
        ("C2 - Interno", "internal", Certainty.CERTAIN),
        ("C3 - Confidencial", "confidential", Certainty.CERTAIN),
    ]
    assert {team.text for team in named_records(read).teams} == {"Redes", "Clientes"}
    assert [person.n_rows for person in named_records(read).people] == [2]
    confirm(read)
    assert application("Lectura de contadores").slug == "lectura-de-contadores"
    assert application("Lectura de contadores").users_affected == 300


def test_a_file_is_undone_with_all_that_it_brought(governance):
    before = (
        set(Team.objects.values_list("pk", flat=True)),
        set(Provider.objects.values_list("pk", flat=True)),
        set(Offering.objects.values_list("pk", flat=True)),
    )
    carl = make_user("carl")
    done = confirm(preview(as_csv(DUTCH), governance))
    kept = Team.objects.get(name="Bestuur")
    with audit_context(user=carl):
        Team.objects.filter(pk=kept.pk).update(email="bestuur@gemeente.example")

    undone = undo_import(import_=done, by=governance)

    assert (undone.state, undone.error) == ("undone", "")
    assert not Application.objects.exists()
    assert not Dependency.objects.exists()
    assert not User.objects.filter(state=PersonState.CONTACT).exists()
    assert set(Provider.objects.values_list("pk", flat=True)) == before[1]
    assert set(Offering.objects.values_list("pk", flat=True)) == before[2]
    assert set(Team.objects.values_list("pk", flat=True)) == before[0] | {kept.pk}
    assert undone.counts["removed"] == {"names": 1, "vendors": 1, "people": 2, "teams": 1}
    assert not Offering.objects.exclude(kind=OfferingKind.MODEL_ID).exists()

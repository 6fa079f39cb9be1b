"""Column headers as organisations write them, in English, German, French, Spanish, Italian and
Dutch: patterns for headers that are none of the usual words of a field.

A header is folded first: without accents, brackets and punctuation. The patterns of a field match
the whole header, or a part of one that names two things ("Use case / System")."""

import re
import unicodedata
from functools import lru_cache

_BRACKETS = re.compile(r"[(\[][^()\[\]]*+[)\]]")
_NOT_WORD = re.compile(r"[^a-z0-9&+/]+")
_PARTS = re.compile(r"\s*(?:/|\||\+|&|\bor\b|\boder\b|\bou\b|\bund\b|\band\b|\bet\b|\by\b)\s*")
# a number of order, or a footnote mark
_NUMBERED = re.compile(r"^(?:[a-z]\d?|\d{1,2})(?:[.)]|\s+-)\s+(?=\D)")

_OF = r"(?: (?:of|de|der|des|du|di|del|della|van|the|la|le|l|die|das|het|d))*"
_OWNER = (
    r"(?:owner|accountable(?: (?:person|executive|owner|manager))?|responsible(?: (?:person|"
    r"manager|owner|executive))?|verantwortlich(?:er?|e person)?|inhaber|eigentumer|responsable|"
    r"proprietaire|propietario|titular|responsabile|proprietario|referente|eigenaar|"
    r"verantwoordelijke|ansprechpartner|contact(?: person)?|lead|sponsor|point of contact|poc)"
)
_APP = (
    r"(?:use ?cases?|systems?|applications?|apps?|ai (?:system|application|use ?case|solution|tool|"
    r"service)|services?|solutions?|tools?|initiatives?|projects?|products?|assets?|"
    r"(?:ki )?anwendung(?:sfall)?|(?:ki )?system|verfahren|losung|losungsname|vorhaben|projekt|"
    r"cas d ?(?:usage|utilisation)|applicatifs?|systemes?(?: d ?ia)?|projets?|outils?|"
    r"caso(?:s)? de uso|aplicacion(?:es)?|sistemas?(?: de ia)?|proyectos?|herramientas?|"
    r"cas[oi] d ?uso|applicazion[ei]|sistem[ai](?: di (?:ia|ai))?|progett[oi]|strumento|"
    r"solucion(?:es)?|soluzion[ei]|oplossing(?:en)?|iniciativas?|iniziativ[ae]|"
    r"toepassing(?:en)?|systeem|applicatie|gebruikstoepassing|use case naam|project)"
)
_MODEL = (
    r"(?:(?:ai |ml |ki |gen ?ai |genai |foundation |language |base |underlying |llm )?"
    r"(?:models?|modell?e?s?|llms?|modeles?|modelos?|modell[oi]|modellen|"
    r"sprachmodell?e?|engine)|gpai(?: models?)?|ai technology|model family|"
    r"model versions?|modellversion|llm versions?|verwendete[sr]? (?:ki )?modell?e?|"
    r"eingesetzte[sr]? (?:ki )?modell?e?|modeles? (?:d ?ia|utilises?|ia)|modelos? (?:de ia|"
    r"utilizados?|usados?|ia)|modell[oi] (?:di ia|utilizzat[oi]|ai|ia|usat[oi])|"
    r"gebruikte? model(?:len)?|gebruikt model|modelle?n? im einsatz)"
)
_NUMBER = (
    r"(?:n(?:umbe|b|o|um|r|bre?)?r?|nr|nbr|no|num|count|total|anzahl|anz|nombre|numero|"
    r"aantal|cantidad|how many|approx|est(?:imated)?)"
)
_USERS = (
    r"(?:users?|end ?users?|people|employees|staff|headcount|fte|customers? affected|"
    r"nutzer(?:innen)?|benutzer|"
    r"anwender|mitarbeitende|utilisateurs?|usuarios?|utenti|gebruikers?|seats|licen[cs]es)"
)

_CURRENCY_TOKEN = re.compile(r"\b(?:eur|euros?|usd|chf|gbp|sek|nok|dkk|pln|in)\b")

# what is longer is a sentence
_MAX_LENGTH, _MAX_WORDS = 60, 8

# {code: patterns}; the first field whose pattern matches takes the column
_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "application.slug",
        r"(?:(?:app(?:lication)?|use ?case|system|uc|asset|register|inventory|cmdb|apm|eam|ci|"
        r"anwendungs?|inventar) ?(?:id|key|code|number|no|nr|nummer|ref(?:erence)?)|"
        r"(?:id|ref|reference|kennung|identifiant|identificativo|identificador)"
        r"(?: (?:number|no|nr|app|application|anwendung))?)",
    ),
    (
        "use.model",
        rf"{_MODEL}(?: ?s)?(?: (?:used|in use|name|names|type|id|and version|deployed|involved|"
        rf"verwendet|eingesetzt|utilise|utilises|version))?|which (?:ai )?models?",
    ),
    (
        "use.host",
        r"(?:(?:ai |llm |model |cloud |technology |tech |software )?(?:vendors?|providers?|"
        r"suppliers?|hosters?|platforms?|hosting(?: platform| provider| location)?|"
        r"hosted (?:by|on|at)|cloud)"
        r"(?: name)?|anbieter|hersteller|lieferant(?:en)?|plattform|betreiber|dienstleister|"
        r"fournisseurs?|prestataires?|plateforme|hebergeur|hebergement|proveedor(?:es)?|"
        r"plataforma|alojamiento|fornitor[ei]|piattaforma|leveranciers?|aanbieder|platform|"
        r"third party(?: provider)?|ict provider|drittanbieter|access(?: via| route)?)",
    ),
    (
        "use.region",
        r"(?:(?:cloud |hosting |model |data ?cent(?:er|re) |azure |aws )?region|datenregion)",
    ),
    (
        "application.technical_owner",
        rf"(?:tech(?:nical|n)?|it|technisch(?:er?|e)?|engineering|system|application|app|"
        rf"development|dev(?:eloper)?|informatique|technique|tecnico|tecnica|technisch|"
        rf"applikations|anwendungs) ?{_OWNER}|{_OWNER} (?:it|tech(?:nical)?|technique|tecnico|"
        rf"informatique|technisch|technik|sistemi)|it verantwortlicher?|entwickler|"
        rf"technischer ansprechpartner|developer|engineer|architect",
    ),
    (
        "application.business_owner",
        rf"(?:business |product |process |use ?case |fach|fachlich(?:er?|e) |metier |app "
        rf"|application |model |risk |system |funktionaler? |del negocio |first line "
        rf"|1st line )?{_OWNER}(?: (?:metier|fonctionnel|name|e ?mail|fachbereich|funzionale|"
        rf"del negocio|de negocio|business|del processo|di business|for (?:the )?use ?case))?|"
        rf"fachverantwortung|verantwortung|product manager|produktverantwortlicher?",
    ),
    (
        "application.team",
        r"(?:lob|line of business|business (?:line|unit|area|division|function area)|bu|"
        r"departments?|depts?|divisions?|directorate|org(?:ani[sz]ation)?(?:al|s)?"
        r"(?: ?(?:unit|einheit))?|owning (?:team|unit|department)|domain|tribe|squad|segment|"
        r"area|function owner|entity|(?:fach)?abteilung|(?:fach|geschafts|unternehmens)?bereich|"
        r"ressort|sparte|oe|einheit|team|directions?|services? (?:metier|proprietaire)|"
        r"departements?|entite|equipe|metier|pole|departamento|area(?: de negocio)?|direccion|"
        r"unidad(?: de negocio)?|equipo|divisione|direzione|dipartimento|area aziendale|"
        r"funzione(?: aziendale)?|unita(?: organizzativa)?|ufficio|struttura|afdeling|"
        r"bedrijfsonderdeel|directie|dienst|amt|dezernat|referat)(?: name)?",
    ),
    (
        "application.ai_act_class",
        r"(?:(?:eu )?(?:ai|ki|ia) ?(?:act|verordnung|vo|regulation|act risk|reglement)"
        r"(?: (?:risk )?(?:class(?:ification)?|category|level|tier|risk|rating|klasse|kategorie|"
        r"einstufung|risikoklasse))?|ai risk (?:class|category|classification|level)|"
        r"risk (?:class(?:ification)?|category|level)(?: (?:eu )?(?:ai|ki) act)?|risikoklasse"
        r"(?: ki (?:vo|verordnung))?|risikokategorie|risikoeinstufung|"
        r"(?:classe|niveau|categorie) de risque(?: ia| ai act)?|classification ai act|"
        r"(?:clase|nivel|categoria) de riesgo|(?:classe|livello|categoria) di rischio|"
        r"risicoklasse|risico(?:niveau|categorie)|reglement ia|rglt ia|reglamento ia)",
    ),
    (
        "application.data_classification",
        r"(?:data ?(?:class(?:ification)?|category|sensitivity|confidentiality|level)"
        r"(?: level)?|information class(?:ification)?|info ?class|confidentiality"
        r"(?: (?:level|class|rating))?|c class|sensitivity|class(?:ification)? of (?:the )?data|"
        r"schutzbedarf|schutzklasse|vertraulichkeit(?:sstufe|sklasse)?|datenklasse|"
        r"datenklassifi(?:kation|zierung)|classification(?: des donnees)?|"
        r"confidentialite|sensibilite(?: des donnees)?|clasificacion(?: de (?:los )?datos)?|"
        r"confidencialidad|classificazione(?: (?:dei )?dati)?|riservatezza|"
        r"data ?classificatie|vertrouwelijkheid|gegevensclassificatie)",
    ),
    (
        "application.personal_data",
        r"(?:pii|personal data|contains? (?:pii|personal data)|personal information|gdpr"
        r"(?: relevant)?|dsgvo(?: relevant)?|rgpd|personenbezogen(?:e daten)?|personenbezug|pbd|"
        r"donnees (?:personnelles|a caractere personnel)|dcp|datos personales|"
        r"dati personali|persoonsgegevens|avg)(?: (?:y n|yes no|j n|ja nein|o n|s n|processed|"
        r"involved|verarbeitet))?",
    ),
    (
        "application.criticality",
        r"(?:crit|criticality|criticit[ey]|criticality (?:level|class|rating|tier)|business crit"
        r"(?:icality)?|importance|priority|prio|tier(?:ing)?|risk tier|impact (?:class|tier)|"
        r"kritikalitat(?:sstufe)?|krit|wichtigkeit|prioritat|stufe|criticite|importance metier|"
        r"priorite|criticidad|prioridad|criticita|priorita|kriticiteit|belang|prioriteit|"
        r"bia(?: (?:class|rating|level))?|dora crit(?:icality)?|cif|critical or important)",
    ),
    (
        "application.status",
        r"(?:stage|status|state|phase|life ?cycle(?: (?:stage|status|phase))?|current (?:status|"
        r"stage)|project (?:status|stage)|deployment (?:status|stage)|operational status|"
        r"betriebsstatus|stand|lebenszyklus|etat|statut|avancement|etape|estado|fase|etapa|"
        r"stato|situazione|stadium|levensfase|maturity)",
    ),
    (
        "application.users_affected",
        rf"(?:{_NUMBER} )?(?:{_OF[3:-2]} )?{_USERS}(?: {_NUMBER})?|{_NUMBER}{_OF} {_USERS}|"
        r"user base|nutzerzahl|benutzerzahl|user count|reichweite|utilisateurs estimes",
    ),
    (
        "use.monthly_spend",
        r"(?:monthly |mtl |monatl(?:iche|ich)? |avg monthly |average monthly |est(?:imated)? "
        r"monthly )(?:run )?(?:cost|costs|spend|spending|kosten|budget|charge)s?|"
        r"(?:run )?(?:costs?|spend|kosten|cout|couts|coste|costes|costo|costi|gasto|spesa)"
        r"(?: (?:per|a|pro|"
        r"par|al|por|je|each|p))? ?(?:month|monat|mois|mes|mese|maand|mo|pm|m)|"
        r"(?:cout|depense|budget|coste|gasto|costo|spesa|kosten) (?:mensuel(?:le)?s?|mensual(?:es)?"
        r"|mensil[ei]|maandelijks(?:e)?)|maandelijkse (?:kosten|uitgaven)|maandkosten|monatskosten|"
        r"(?:annual|yearly) (?:run )?(?:cost|spend|budget|charge)s?|jahreskosten|"
        r"(?:jahrliche|laufende jahrliche) kosten|kosten (?:p a|pro jahr|jahrlich|im jahr|/ ?jahr)|"
        r"(?:costs?|spend) (?:p a|per year|per annum|/ ?(?:year|yr)|a year)|"
        r"(?:cout|depense|budget)s? (?:annuel(?:le)?s?|par an|/ ?an)|"
        r"(?:coste|gasto)s? (?:anual(?:es)?|al ano|/ ?ano)|"
        r"(?:cost[oi]|spes[ae]) (?:annu[oi]|annual[ei]|all anno|/ ?anno)|"
        r"(?:kosten (?:per jaar|/ ?jaar)|jaarlijkse kosten|jaarkosten)",
    ),
    (
        "use.since",
        r"(?:go ?live(?: (?:date|month|datum))?|live (?:since|date|from)|in (?:production|use|"
        r"service|operation) since|production date|start(?: (?:date|of use))?|launch(?:ed)?"
        r"(?: date)?|released?(?: on| date)?|produktiv seit|in betrieb seit|im einsatz seit|"
        r"inbetriebnahme|startdatum|einfuhrung|live seit|seit|mise en (?:service|production)"
        r"(?: le)?|date de (?:mise en (?:service|production)|debut|lancement)|en service depuis|"
        r"(?:fecha de )?(?:puesta en (?:marcha|produccion)|inicio|lanzamiento)|en uso desde|desde|"
        r"(?:data (?:di )?)?(?:messa in (?:produzione|esercizio)|avvio|inizio|go live)|in uso dal|"
        r"ingebruikname|in gebruik sinds|sinds|livegang|startdatum)",
    ),
    (
        "use.until",
        r"(?:end(?: (?:date|of use))?|planned end|sunset(?: date)?|decommission(?:ing)?(?: date)?|"
        r"ablosung|enddatum|fin|date de fin|fecha de fin|data (?:di )?fine|einddatum)",
    ),
    (
        "application.next_review_on",
        r"(?:next (?:review|assessment|validation|re ?certification|check)(?: (?:date|due|on))?|"
        r"review (?:due|date|by|on)|re ?review|(?:nachste|naechste)r? (?:prufung|review|"
        r"uberprufung|bewertung|kontrolle)|prufung fallig|wiedervorlage|"
        r"prochaine? (?:revue|revision|controle|examen|evaluation)|date de revue|"
        r"proxima (?:revision|evaluacion)|prossim[ao] (?:revisione|verifica|riesame|controllo)|"
        r"volgende (?:review|beoordeling|controle|herziening))",
    ),
    (
        "application.purpose",
        r"(?:purpose|(?:short |brief )?description(?: of (?:the )?(?:use ?case|system))?|"
        r"what (?:does it do|it does|for)|business purpose|intended (?:purpose|use)|use|"
        r"objective|(?:kurz)?beschreibung|zweck(?: des systems)?|einsatzzweck|aufgabe|"
        r"description|finalite|objectif|usage|descripcion|finalidad|objetivo|descrizione|"
        r"finalita|scopo|omschrijving|doel|beschrijving)",
    ),
    (
        "application.name",
        rf"(?:(?:name|title|titel|bezeichnung|nom|nombre|nome|naam|intitule|designation|"
        rf"denominacion|denominazione|benaming){_OF} )?{_APP}(?: (?:name|title|titel|naam|nom|"
        rf"nome|bezeichnung|description))?|name|title|titel|bezeichnung|nom|nombre|nome|naam|intitule|"
        rf"denominazione|denominacion",
    ),
    (
        "application.geography",
        r"(?:country|countries|jurisdiction|location|land|lander|standort|pays|pais|paese|"
        r"landen|legal entity country|geo(?:graphy)?)",
    ),
    (
        "application.business_function",
        r"(?:business (?:function|process|capability)|process|prozess|geschaftsprozess|processus|"
        r"proceso|processo|proces|capability)",
    ),
    (
        "application.rto_hours",
        r"rto(?: (?:h|hours|hrs|in hours|std|stunden|in h))?|recovery time(?: objective)?",
    ),
    ("application.rpo_hours", r"rpo(?: (?:h|hours|hrs|in hours|std|stunden|in h))?"),
    (
        "use.monthly_requests",
        r"(?:monthly |avg monthly )?(?:requests|calls|queries|anfragen|requetes|peticiones|"
        r"richieste|aanvragen)"
        r"(?: (?:per|a|pro|par|al|por|je) (?:month|monat|mois|mes|mese|maand))?",
    ),
    ("use.role", r"(?:model )?(?:role|rolle|funcion|ruolo|rol)(?: of (?:the )?model)?"),
    ("use.via", r"(?:gateway|proxy|via|accessed (?:via|through)|integrator|reseller)"),
)


_COMPILED = tuple((code, re.compile(pattern)) for code, pattern in _PATTERNS)


def fold_header(text: str, *, with_brackets: bool = False) -> str:
    """Return the header in small letters without accents and punctuation."""
    bare = _fold_accents(text if with_brackets else _BRACKETS.sub(" ", text))
    bare = _NUMBERED.sub("", bare.strip())
    return _NOT_WORD.sub(" ", bare).strip()


def _fold_accents(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("’", " "))
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).lower()


def codes_of_header(text: str) -> list[str]:
    """Return the fields that a header can mean, most likely first."""
    folded = fold_header(text)
    if not folded or len(folded) > _MAX_LENGTH or len(folded.split()) > _MAX_WORDS:
        return []
    without_currency = " ".join(_CURRENCY_TOKEN.sub(" ", folded).split())
    if without_currency != folded and "use.monthly_spend" in _match(without_currency):
        return ["use.monthly_spend"]
    whole = (
        _match(folded)
        or _match(" ".join(folded.replace("/", " ").split()))
        or _match(fold_header(text, with_brackets=True))
    )
    if whole:
        return whole
    codes: list[str] = []
    for part in _PARTS.split(folded):
        codes += [code for code in _match(part.strip()) if code not in codes]
    return codes


def _match(folded: str) -> list[str]:
    if not folded:
        return []
    return [code for code, pattern in _COMPILED if pattern.fullmatch(folded)]


# --- currencies -----------------------------------------------------------------------------------

_CURRENCIES = (
    ("EUR", r"€|\beur\b|\beuros?\b"),
    ("GBP", r"£|\bgbp\b|\bpounds?\b"),
    ("CHF", r"\bchf\b|\bsfr\b|\bfr\.|\bfranken\b"),
    ("JPY", r"¥|\bjpy\b|\byen\b"),
    ("SEK", r"\bsek\b"),
    ("NOK", r"\bnok\b"),
    ("DKK", r"\bdkk\b"),
    ("PLN", r"\bpln\b|zł"),
    ("CZK", r"\bczk\b"),
    ("HUF", r"\bhuf\b"),
    ("CAD", r"\bcad\b|\bca\$|\bc\$"),
    ("AUD", r"\baud\b|\ba\$"),
    ("SGD", r"\bsgd\b"),
    ("CNY", r"\bcny\b|\brmb\b"),
    ("INR", r"\binr\b|₹"),
    ("USD", r"\busd\b|us\$|\$|\bus dollars?\b|\bdollars?\b"),
)
_CURRENCY_PATTERNS = tuple((code, re.compile(text, re.IGNORECASE)) for code, text in _CURRENCIES)


# a currency in an amount, and the month that it is for
CURRENCY_WORD = re.compile(
    r"€|£|\$|¥|\b(?:eur|gbp|chf|usd|jpy|sek|nok|dkk|pln|czk|huf|cad|aud|sgd|cny|inr|euros?)\b|"
    r"\bfr\.|/ ?(?:month|monat|mois|mes|mese|mo|mt)\b"
)
_THOUSANDS = re.compile(
    r"\bk ?(?:€|eur|chf|usd|gbp|\$|£)|\b(?:t|ts)(?:€|eur|chf|usd)|\btsd\b|\bthousands?\b|"
    r"\btausend\b|\bmilliers?\b|\bmiles de\b|\bmigliaia\b|\bduizend(?:en)?\b|"
    r"in 1[.,' ]?000|\b(?:eur|chf|usd|gbp|€) ?k\b|['0]00s",
    re.IGNORECASE,
)


_YEARLY = re.compile(
    r"\b(?:p\.? ?a\b\.?|per (?:year|annum|jaar)|(?:a|/) ?year|yearly|annual(?:ly|es)?|"
    r"pro jahr|im jahr|jahrlich\w*|jahres\w+|par an|annuel(?:le)?s?|al ano|anual(?:es)?|"
    r"por ano|all anno|l anno|annu[oi]|annual[ei]|jaarlijks\w*|jaar(?:kosten|bedrag))\b|"
    r"(?:/|\bje) ?(?:year|yr|jahr|j|an|ano|anno|jaar|jr)\b"
)


@lru_cache(maxsize=1024)
def months_of(text: str) -> int:
    """Return the number of months that an amount is for: 12 if the text says a year."""
    return 12 if _YEARLY.search(_fold_accents(text)) else 1


@lru_cache(maxsize=1024)
def factor_of(header: str) -> int:
    """Return 1000 for a column of amounts in thousands, otherwise 1."""
    return 1000 if _THOUSANDS.search(header) else 1


@lru_cache(maxsize=1024)
def currency_of(text: str) -> str:
    """Return the code of the currency that a header or an amount names; empty if none."""
    return next((code for code, pattern in _CURRENCY_PATTERNS if pattern.search(text)), "")

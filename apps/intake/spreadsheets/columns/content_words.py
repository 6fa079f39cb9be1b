"""Parts of words in headers, and forms of cells, by which columns are recognised."""

import re
from collections.abc import Mapping

from apps.intake.spreadsheets.columns.headers import fold_header

EXCLUDED = re.compile(
    r"\b(?:notes?|remarks?|bemerk\w*|observa\w*|kommentar\w*|comment\w*|anmerk\w*|opmerk\w*|"
    r"previous\w*|former\w*|vorher\w*|bisher\w*|target|soll|future|planned|kostenst\w*|kostenpl\w*|"
    r"cost cent\w*|centr\w+ de cout\w*|created|updated?|modified|changed|aktualis\w*|geandert|"
    r"erfasst|erstellt|author|autor\w*|auteur|reviewer|checked|gepruft|approve[rd]\w*|vendor risk|"
    r"supplier risk|inherent|residual|last|letzte\w*|derni\w*|ultim[oa])\b"
)
# parts of headers, by field
HINTS: Mapping[str, re.Pattern[str]] = {
    code: re.compile(pattern)
    for code, pattern in {
        "application.criticality": r"krit|crit|tier\b|prio|import|wichtig|belang|\brisk|risque|"
        r"riesgo|rischio|risiko|gravit|severity|schwere|impact|auswirkung|bia\b|essential|"
        r"rilevan|relevan|\bgrad[oe]?\b|\brating\b|\blvl\b|\blevel\b|\bnivel\b|\bniveau\b|\blivello\b",
        "application.status": r"live|stat|stage|phase|situation|situatie|etat|avanc|betrieb|"
        r"stand|fase|stadi|estado|cycle|zyklus|rollout|produ|situa[zc]|in (?:use|service|uso)",
        "application.data_classification": r"data|daten|donn|dato|dati|gegeven|klass|class|"
        r"vertraul|confid|schutz|diffus|sensib|riserv|label|info|vertrouw|sensitiv",
        "application.personal_data": r"\bpii\b|person|\bgdpr|dsgvo|rgpd|\bavg\b|privacy|"
        r"datenschutz|donnees|dati|datos|gegevens",
        "application.ai_act_class": r"\bai\b|\bki\b|\bia\b|\bact\b|\bvo\b|regul|reglement|"
        r"verordnung",
        "application.users_affected": r"user|nutzer|anwender|staff|agent|employ|people|headcount|"
        r"personen|mitarb|collab|utilis|usuari|emplead|utent|dipendent|person(?:as|nes|e)\b|"
        r"medewerk|gebruik|seats|licen[cs]|lizenz|population|benefici|advis[eo]r|clinician|reach|"
        r"\bheads\b|nutzend|publico|pubblico|audience|alcance|bereik|portee|\bkopfe|\bpax\b|client|"
        r"kunden|klant|passeng|patient|volume of",
        "use.host": r"\bruns?\b|running|\bcorre\b|\bgira\b|tourne|lauft|draait|host|heberg|"
        r"aloja|\bcsp\b|cloud|betrieb|plat[ta]|anbieter|provider|vendor|proveed|fornit|fournis|leverancier|where|"
        r"\bdonde\b|\bdove\b|\bwaar\b|\bwo\b|infra|umgebung|entorno|runtime",
        "use.since": r"\blive|start|since|launch|\bseit\b|depuis|desde|\bdal\b|sinds|vanaf|einfuhr|"
        r"inbetrieb|produktiv|produzi|produc|rollout|deploy|servic|esercizio|marcha|marche|"
        r"ingebruik|in gebruik|in uso|im einsatz|"
        r"in use|adopt|commission|golive|\balta\b|arranque|estren|desplieg|lanzam|lanciat|avvio|"
        r"erstnutz|aufgeschaltet|opstart|implant|effective",
        "use.monthly_spend": r"cost|kost|cout|gasto|\bspes|spend|budget|aufwand|depens|charge|fee|"
        r"\beur\b|\busd\b|\bchf\b|\bgbp\b|€|prix|preis|price|uitgav|ausgab",
        "application.business_owner": r"verantw|owner|respons|\bresp\b|contact|kontakt|ansprech|"
        r"\blead\b|sponsor|referent|eigenaar|eigentum|propriet|titular|steward|accountab|custod|betreuer|"
        r"manager|leiter|leitung|\bhead\b|zustandig|porteur|charge de|encargad|interloc|"
        r"who to|\bpoc\b|\bcall\b|\bask\b|anruf|\bwhom?\b|\bwe[rn]\b|\bquien\b|\bqui\b|\bchi\b|"
        r"\bwie\b|person|aanspreek|contatt",
        "application.technical_owner": r"(?:tech|\bit\b|dev|engineer|informati|system|betrieb).*"
        r"(?:verantw|owner|respons|contact|kontakt|ansprech|lead|referent|eigenaar|propriet)|"
        r"(?:verantw|owner|respons|contact|kontakt|ansprech|lead|referent|eigenaar|propriet).*"
        r"(?:tech|\bit\b|dev|engineer|informati)",
        "application.team": r"dept|depart|abteil|abtlg|\babt\b|bereich|\bteam|\bunit\b|division|"
        r"\bdiv\b|\bbu\b|\boe\b|unidad|\barea\b|sector|settore|sparte|ressort|direction|"
        r"direzione|direccion|afdeling|\bafd\b|\borg|gerencia|servizio|ufficio|sachgebiet|dienst",
        "application.next_review_on": r"(?:next|nachst|naechst|prochain|proxim|prossim|volgend|due|"
        r"fallig|wieder).*(?:review|pruf|revis|riesam|verific|herzien|beoordel|assess|control|"
        r"evalu|kontrol|vorlage)",
    }.items()
}
NOT_A_NAME = re.compile(
    r"(?:^|[ _])(?:id|key|token|hash|url|link|time|date|datum|mail|status|nr|no|code)(?:$|[ _])"
)
NOT_USERS = re.compile(
    r"cost|kost|cout|spend|fee|\bid\b|since|date|type|group|owner|respons|verantw"
)
NOT_SINCE = re.compile(
    r"\bend\b|until|\bbis\b|\bfin\b|retire|review|decommis|expir|contract|vertrag|ablauf|ende\b|"
    r"status|cost|kost|person"
)
# headers of few repeated short texts that are something else than a team
NOT_A_TEAM = re.compile(
    r"vendor|supplier|provider|anbieter|lieferant|hersteller|proveed|fornit|fourniss|leverancier|"
    r"regi|country|\bland\b|pais|paese|\bpays\b|locat|standort|site\b|sede|lugar|plaats|type|typ\b|"
    r"tipo|\bart\b|soort|kategor|categor|langua|sprache|idioma|lingua|langue|\btaal|licen|contra|"
    r"vertrag|stat|risk|risi|risch|riesg|risq|class|klass|clase|klas|level|prio|source|quelle|"
    r"version|model|tech|stack|chan|kanal|canal|method|legal|recht|basis|base|review|appro|frei|"
    r"freq|turnus|periodi|wave|welle|phase|fase|sprint|release|program|tool|system|platform|data|"
    r"daten|dat[oi]|donn|colou?r|farbe|ampel|grad|rating|score|access|zugang|interface|integrat|"
    r"currency|wahrung|year|jahr|\bano\b|anno\b|jaar|month|monat|outcome|result|decision|modus|mode\b|"
    r"usage|nutzung|auton|human|cost|kost|budget|schutz|\bai\b|\bki\b|\bia\b|gdpr|dsgvo|audit"
)
NOT_CRITICALITY = re.compile(
    r"\b(?:ai|ki|ia) ?(?:act|risk|vo|risque)|data|daten|donn|vendor|supplier|privacy|security|"
    r"cyber|lieferant|reglem|effort|aufwand|kategorie|categor|matur|madur|reif|esfuerz|comple|"
    r"komple|qualit|calidad|satisf|auton|automat"
)
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_PART = r"(?:[A-ZÀ-ÖØ-Þ][\w'’À-ÿ-]*\.?|d[eiau]|van|von|der|den|de|la|del|dos|di|zu|y|al|el)"
PERSON = re.compile(
    rf"(?:(?:Dr|Prof|Ing|Dipl|Mag|Mr|Mrs|Ms|M|Mme|Sr|Sra|Dott|Dhr|Mw|Herr|Frau)\.? )*"
    rf"{_PART}(?:,? {_PART}){{1,4}}(?: \([^()]{{1,40}}\))?"
)
MODEL = re.compile(
    r"(?:^|[^a-z])(?:gpt|chatgpt|o[134]-?(?:mini|pro|preview)|claude|sonnet|haiku|opus|llama|gemini|"
    r"gemma|mistral|mixtral|codestral|pixtral|deepseek|qwen|phi-?[2345]|command[ -]r|titan|nova|"
    r"whisper|dall|copilot|ada-?002|text-embedding|embed|davinci|grok|granite|falcon|bert|e5|bge|"
    r"stable diffusion|deepl|falcon|palm|luminous|teuken|jamba|sonar|imagen|veo|sora|firefly)",
    re.IGNORECASE,
)

# words of a scale that can be said of anything
ANY_SCALE = set(
    fold_header(
        "high medium low med hoch mittel niedrig gering eleve haut moyen faible alto medio bajo "
        "alta media baja basso bassa hoog gemiddeld laag normal minimal major minor moderate sehr "
        "very"
    ).split()
)

# the period of an amount
A_MONTH = re.compile(
    r"month|monat|\bmois\b|mensu|\bmes\b|mensual|mese\b|mensil|maand|\bmtl|p ?/? ?m\b|"
    r"\bmnd\b|/ ?m\b|\bmt\b"
)
NO_HINT = re.compile(r"(?!)")


def hint_of(code: str) -> re.Pattern[str]:
    """Return the parts of words that name a field in headers and legends."""
    return HINTS.get(code, NO_HINT)

"""Cleans the text of a cell, and finds the statements, lists and remarks in it.

The text is folded to plain lower-case letters without changing its length, so that a position in
the folded text is one in the cleaned text.
"""

import re
import unicodedata
from functools import lru_cache

from apps.catalog.identity.resolver.facts import words

MAX_LENGTH = 400
# Blanks and marks of a text within it count until they are removed.
MAX_READ = 2 * MAX_LENGTH

_SAME_AS = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00b7": " ",
        "\u2022": ";",
        "\n": ";",
        "\r": ";",
        "\t": " ",
    }
)
_LETTERS = {"ß": "s", "ł": "l", "ø": "o", "đ": "d", "æ": "a", "œ": "o", "ı": "i"}
_SPACES = re.compile(r"\s+")
_ARROW = re.compile(r"\s*(?:-{1,3}>|={1,3}>|>{1,3}|→|⇒|➔|➜)\s*")
_FIRST_OF_LIST = re.compile(r"^\(?(?:1|a)[.)] (?=\S)")
_NUMBER_OF_LIST = re.compile(r"(?:^|(?<=[ ;,]))\(?[1-9a-e][.)] (?=\S)")
_POSSESSIVE = re.compile(r"(?<=\w)'s\b", re.I)
_WITH = re.compile(r"(?<![\w/])w/(?!o)", re.I)
_WITHOUT = re.compile(r"(?<![\w/])w/o(?!\w)", re.I)
_PLUS = re.compile(
    r"(?<=[\w)]) plus (?=(?:gpt|claude|gemini|llama|mistral|copilot|cohere|sonnet|haiku|opus|"
    r"whisper|titan|nova"
    r"|deepseek|embed|text-embed|openai|anthropic|google))",
    re.I,
)
# A plus that is part of a name: directly after it, or apart from it at the end or before a date.
_NAME_PLUS = re.compile(
    r"(?<![a-z0-9])(?P<name>command[ _-]?[ra]|r|phi[ _-]?4[ _-]?reasoning)"
    r"(?:\+(?![a-z0-9])|\s?\+(?=\s?(?:[01]\d[-/ ]?20\d\d|20\d\d|104b)(?![a-z0-9])"
    r"|\s?[^\s\w]|\s?$))",
    re.I,
)
_PARTED_SIZE = re.compile(r"(?<=\d) (?=b\b)", re.I)
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])(\d),(?=\d(?![\d.,]))")  # `GPT-3,5 Turbo`
_FACTOR = re.compile(r"(?<=\d)\s*×\s*(?=\d)")
_DALL_E = re.compile(r"\bdall-?[ ]?e(?=[ -]?\d|\b)", re.I)
_CHAT_GTP = re.compile(r"\b(chat[ -]?)g(?:tp|bt|pd)\b", re.I)
_JURASSIC_2 = re.compile(r"\bjurassic[ -]?2\b", re.I)
_CHATGPT_NUMBER = re.compile(r"\b(chat[ -]?gpt)(?=\d)", re.I)
_GPT_4O = re.compile(r"\bgpt[ -]?4(?:-?o|[ -]?omni)(?:(?=mini|nano)|\b)", re.I)
_DEEPSEEK = re.compile(r"\bdeep[ -]seek\b", re.I)
_FLUX_1 = re.compile(r"\bflux[. -]?1(?![.\d])", re.I)
_GPT_4V = re.compile(r"\bgpt[ -]?4[ -]?v\b", re.I)
_STABLE_DIFFUSION = re.compile(r"\bstable[ -]?diffusion\b", re.I)
# Number formats of weights, which change no identity.
_QUANTISATION = re.compile(
    r"(?<![-_ :])[-_ :]*"
    r"\b(?:i?q\d(?:_[a-z0-9]+)+|\d[- ]?bits?|fp\d+|bf16|(?:nv|mx)fp\d|int\d|w\d+a\d+|awq|"
    r"gptq|gguf|ggml)\b",
    re.I,
)


def clean(text: str) -> str:
    """Return the text in composed letters, with plain quotes, dashes, blanks and arrows."""
    # one letter can become eighteen, so the text is cut again: patterns meet no longer one
    text = unicodedata.normalize("NFKC", text[:MAX_READ].translate(_SAME_AS))[:MAX_READ]
    # control characters and private marks are no text, and the reader uses marks of its own
    text = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs") else letter
        for letter in text
    )
    text = _ARROW.sub(" → ", _SPACES.sub(" ", text)).strip()[:MAX_LENGTH]
    if _FIRST_OF_LIST.match(text):
        text = _NUMBER_OF_LIST.sub("; ", text)
    text = _WITH.sub("with ", _WITHOUT.sub("without", _POSSESSIVE.sub("", text)))
    text = _PLUS.sub(" + ", _NAME_PLUS.sub(r"\g<name>-plus ", text))
    text = _GPT_4V.sub("gpt-4 vision", _CHATGPT_NUMBER.sub(r"\1 ", _CHAT_GTP.sub(r"\1gpt", text)))
    text = _JURASSIC_2.sub("j2", _FLUX_1.sub("flux", text))
    text = _DEEPSEEK.sub("deepseek", _GPT_4O.sub(_join_4o, text))
    text = _STABLE_DIFFUSION.sub("sd", _DALL_E.sub("dall-e", text))
    text = _DECIMAL_COMMA.sub(r"\1.", text)
    # words written out in full make it longer
    return _PARTED_SIZE.sub("", _FACTOR.sub("x", text))[:MAX_LENGTH].strip()


def _join_4o(match: re.Match[str]) -> str:
    """Return GPT-4o in one spelling (`gpt4-o`, `GPT-4 omni`), apart from a tier that follows."""
    if (
        match[0].lower().endswith("4o")
        and not match.string[match.end() : match.end() + 1].isalpha()
    ):
        return match[0]
    return "gpt-4o-" if match.string[match.end() : match.end() + 1].isalpha() else "gpt-4o"


def drop_formats(text: str) -> str:
    """Return the text without the number formats of weights (`AWQ`, `Q4_K_M`, `fp8`)."""
    return _QUANTISATION.sub(lambda match: " " * len(match[0]), text)


@lru_cache(maxsize=1024)
def _fold_letter(letter: str) -> str:
    lower = letter.lower()
    if lower in _LETTERS:
        return _LETTERS[lower]
    base = unicodedata.normalize("NFKD", lower)[:1]
    return base if len(base) == 1 else letter


def fold(text: str) -> str:
    """Return the text in lower case without accents, of the same length."""
    if text.isascii():
        return text.lower()
    return "".join(_fold_letter(letter) for letter in text)


def word_pattern(*alternatives: str) -> str:
    """Return a pattern of whole words over folded text; a blank matches a blank or a hyphen, `\\w*`
    and `\\w+` a word or its end of at most 40 characters."""
    body = "|".join(alternative.replace(" ", r"[ -]?") for alternative in alternatives)
    # a word of any length beside another one would be read once for each way to part the two
    body = body.replace(r"\w*", r"\w{0,40}").replace(r"\w+", r"\w{1,40}")
    return rf"(?<![a-z0-9])(?:{body})(?![a-z0-9])"


# --- statements about the cell itself -------------------------------------------------------------
# The cell says that no AI model is used.
_NO_MODEL = (
    r"no (?:ai|ml|llm|genai|model|models|gen ai)|non ai|kein\w* (?:ki|ai|llm|\w*modell\w*|genai)",
    r"ohne (?:ki|ai|llm|\w*modell)|nicht (?:relevant|zutreffend|anwendbar)",
    r"not (?:applicable|relevant)",
    r"without (?:ai|ml|llm)|not (?:an )?(?:ai|llm|ml)(?: model)?|entfallt|n\.?/?a\.?",
    r"aucun\w* (?:modele|ia|llm)\w*|sans (?:ia|llm|modele)|pas (?:d ?'? ?ia|de modele|de llm)",
    r"sans objet|non applicable|sin (?:ia|modelo|llm)|no aplica|no se usa ia|ningun modelo",
    r"senza (?:ia|ai|modello)|nessun\w* (?:ia|ai|llm|modello)|non applicabile|nie dotyczy|"
    r"bez (?:ai|si|modelu)|brak",
    r"geen (?:ai|ki|llm|\w*model\w*|genai)|zonder (?:ai|llm|\w*model)|n\.?v\.?t\.?",
    r"niet (?:van toepassing|relevant)|gebruikt geen (?:ai|llm|\w*model\w*)|op regels gebaseerd",
    r"(?:purely |rein )?(?:rule|rules) ?(?:based|engine)|regelbasiert\w*|regelwerk|business rules",
    r"a base de regles|regles metier|basado en reglas|basato su regole|oparte? na regulach",
    r"manual(?:ly)?|manuell|deterministic",
    r"(?:does|do|did) ?(?:not|n'?t) (?:use|need|have) (?:any )?(?:ai|ml|llms?|genai|models?)",
    r"(?:nutzt|verwendet|enthalt|hat) kein\w* (?:ki|ai|llm|\w*modell\w*)",
    r"n'? ?utilise (?:pas|aucun\w*) (?:d ?'? ?)?(?:ia|modele|llm)",
    r"no (?:usa|utiliza|tiene) (?:ia|llm|modelo)",
    r"non (?:usa|utilizza|prevede) (?:ia|ai|llm|modelli)",
    r"nie (?:uzywa|korzysta z|stosuje|ma) (?:ai|si|llm|modelu)",
)
# The same, if the cell says nothing else.
_NONE = (
    r"none|no|nein|non|nie|nil|null|nothing|nichts|kein\w*|aucune?|neant|ningun[oa]?|nessun[oa]?",
    r"brak|geen|niets|nee|rules?|regeln|regles|reglas|regole|regels",
)
# Methods and tools that are no foundation model.
_METHODS = (
    r"(?:logistic|linear|lasso|ridge|poisson|cox) regression|logistische regression|regression|"
    r"(?:logistische )?regressie",
    r"regression logistique|regresion logistica|regressione logistica|regresja logistyczna",
    r"xg ?boost|light ?gbm|cat ?boost|gradient boost\w*|random forest\w*|decision trees?",
    r"entscheidungsbaum\w*|isolation forest|svm|support vector machines?|k ?means|k ?nn|"
    r"naive bayes",
    r"arima|prophet|monte ?carlo|markov|glm model|scorecard\w*|generali[sz]ed linear models?",
    r"scikit ?learn|sklearn|statisti[ck]\w*",
    r"excel\w*|spreadsheet|macros?|vba|arkusz\w*|tabellenkalkulation|access database|sql|pl ?sql",
    r"python|java|cobol|matlab|stata|sas|scripts?|skript\w*|regex|regular expressions?",
    r"rpa|blue ?prism|robotic process automation|tesseract|power ?bi|tableau|qlik\w*|looker",
    r"calculator|barcode|keyword search|full ?text search|elastic ?search|lookup table",
    r"(?:risk|pricing|operating|business|data|credit|scoring|capital|stress|valuation|target|pd|lgd"
    r"|irb|financial|cost) models?",
    r"model (?:risk|owner|tier|inventory|validation|governance|class|committee)\w*",
)
# Tools and machines beside a model: alone in a cell, they say that it is not about a model.
_TOOLS = (
    r"vector (?:data ?base|db|store|search|index)|vektor ?datenbank|base vectorielle",
    r"base de datos vectorial",
    r"qdrant|weaviate|milvus|pinecone|chroma ?db|pg ?vector|faiss|neo4j|graph (?:database|db)",
    r"graphdatenbank|postgres(?:ql)?|mongodb|redis|kafka|data (?:warehouse|lake)",
    r"lang ?chain|lang ?graph|llama ?index|haystack|semantic kernel|crew ?ai|auto ?gen",
    r"lang ?fuse|ml ?flow|kubeflow|airflow|spa ?cy|nltk|open ?cv|ocr",
    r"(?:guid )?partition(?:ing)? tables?|disk partitions?",
)
# The cell says that it has not been stated yet.
_NOT_STATED = (
    r"t\.?b\.?[dca]\.?|to be (?:confirmed|decided|determined|defined|announced|agreed|checked|"
    r"clarified)",
    r"unknown|not known|unclear|undecided|undisclosed|unspecified|open(?! ?(?:source|weight))|"
    r"pending|n\.?/?k\.?",
    r"not (?:yet )?(?:decided|specified|disclosed|stated|defined|selected|chosen|available)",
    r"don ?'? ?t know|do not know|no idea|ask (?:the )?(?:vendor|supplier|it|team)|check with \w+",
    r"(?:noch )?(?:offen|unklar|unbekannt)|nicht (?:bekannt|angegeben|festgelegt|entschieden)|"
    r"folgt",
    r"wird .{0,20}(?:entschieden|geklart|festgelegt|gewahlt|ausgewahlt)",
    r"k\.? ?a\.?|keine angaben?|zu klaren|in klarung",
    r"inconnu\w*|a (?:definir|confirmer|preciser|determiner)|non (?:precise|renseigne|connu|"
    r"defini)\w*",
    r"por (?:definir|confirmar|determinar|decidir)|desconocido|pendiente|no se sabe|sin definir",
    r"da (?:definire|confermare|stabilire|decidere)|sconosciuto|non noto|non specificato",
    r"nie (?:ustalon\w+|okreslon\w+|podano)|do wyjasnienia|w trakcie wyboru",
    r"non (?:ancora )?(?:decis|defin|comunic)\w+|ancora da \w+|non communique\w*",
    r"en cours de (?:selection|choix|definition)|en evaluacion|aun no \w+|sin decidir",
    r"wird noch \w+|noch nicht \w+|(?:hersteller|anbieter|lieferant\w*) fragen",
    r"do (?:ustalenia|potwierdzenia|uzupelnienia)|niezna\w+|nie wiadomo|nieustalon\w+",
    r"confidential|vertraulich|geheim|confidentiel\w*|confidencial\w*|riservat\w+|poufn\w+|secret",
    r"(?:(?:does|do|will) not|(?:doesn|don|won)'?t|refuses? to) (?:disclose|say|tell|state|share)",
    r"nicht (?:offengelegt|genannt|mitgeteilt|veroffentlicht|kommuniziert)|keine auskunft",
    r"non (?:divulgue|publie|dichiarat|divulgat|comunicat)\w*|no (?:divulgad|publicad|comunicad|"
    r"informad)\w+|nie (?:ujawni\w+|udostepni\w+)",
    r"(?:wird |noch )?nach(?:gereicht|zureichen|gefragt)|nachzutragen|n\.n\.?|to follow|follows",
    r"in (?:ausschreibung|auswahl|beschaffung|abstimmung|prufung|tender|procurement|selection)",
    r"appel d'? ?offres|en licitacion|in gara|w przetargu",
    r"rfp(?: (?:running|ongoing|open|laufend))?",
    r"(?:nog )?(?:niet|on) ?(?:bekend|besloten|bepaald|gekozen|duidelijk|vastgesteld)|"
    r"volgt(?: nog)?",
    r"(?:nog )?(?:te|nader te) (?:bepalen|kiezen|bevestigen|beslissen)|in aanbesteding|"
    r"vertrouwelijk|(?:navragen|vragen) bij \w+",
    r"a (?:completer|renseigner|choisir)|por completar|da (?:completare|compilare|scegliere)",
    r"to be (?:added|provided|supplied|filled(?: in)?|completed|chosen|selected)",
)
NO_MODEL = re.compile(word_pattern(*_NO_MODEL))
# The same of a product that can be used without it: `Power Automate flow without AI`.
NO_AI = re.compile(
    r"(?<![a-z0-9])(?:no|without(?: any)?|kein\w*|ohne(?: jede)?|sans|aucune|pas d ?'? ?|sin|"
    r"ninguna|senza|nessuna|bez|geen|zonder) ?(?:ai|ki|ia|si|genai)(?![a-z0-9])"
    r"(?![ -](?!features?)[a-z])"
)
NONE = re.compile(word_pattern(*_NONE))
METHOD = re.compile(word_pattern(*_METHODS))
TOOLS = re.compile(word_pattern(*_TOOLS))
NOT_STATED = re.compile(word_pattern(*_NOT_STATED))
# A remark that says that the cell is complete.
NO_MORE = re.compile(
    word_pattern(
        r"no (?:(?:further|more|other|additional) )?(?:details?|info(?:rmation)?s?)(?: \w+)?",
        r"(?:keine? |ohne )(?:(?:weiter|naher|genauer)\w* )?(?:angaben?|details?|informationen|"
        r"infos?)",
        r"(?:sans|pas de|aucun\w*) (?:autres? |plus de )?(?:details?|precisions?|informations?)",
        r"(?:sin|no hay) (?:mas |otros )?(?:detalles?|datos|informacion)",
        r"(?:senza|nessun\w*) (?:altr\w+ |ulterior\w* )?(?:dettagli\w*|informazion\w*)",
        r"bez (?:dalszych |innych )?(?:szczegolow|informacji)",
        r"(?:geen|zonder) (?:verdere |nadere |andere )?(?:details?|gegevens|informatie|info)",
    )
)
# Before a model that follows another one, when it did: `GPT-4o, since autumn GPT-4.1`.
SINCE = re.compile(
    r"[,;(/]\s*(?:and )?(?:seit|ab|since|from|as of|depuis|desde|a partir de|dal?|da(?=ll)|od|"
    r"sinds|vanaf)(?:(?: |')(?!(?:auch|also|aussi|tambien|anche|ook|tez|additional\w*|"
    r"zusatzlich)(?![a-z]))[a-z0-9./]+){1,5}[\s:]*$"
)
# The cell points to another place, where the model is stated.
ELSEWHERE = re.compile(
    r"\W*(?:please )?(?:see|refer to|cf\.?|siehe|s\.|vgl\.?|gem(?:as|ass|\.)|laut|voir|zie|"
    r"se referer a|ver|vease|consultar|vedi|si veda|zob(?:acz|\.)|patrz)(?: |:)"
)
# The first entry of a list box, left as it was: `-- none --`, `<select>` (`>` is cleaned to →).
PLACEHOLDER = re.compile(
    r"\s*[-<(\[*_]+ ?(?:none|no selection|nothing|keine?r?|leer|empty|blank|null|aucune?|"
    r"ninguno|nessuno|brak|"
    r"(?:please |bitte )?(?:select|choose|pick|(?:aus)?wahlen)(?: [a-z]+){0,2}|"
    r"choisir|selectionner|seleccionar?|selezionare?|wybierz) ?[-→)\]*_]+\s*"
)
# After a name, what an organisation calls its deployment.
DEPLOYMENT = re.compile(
    r"(?<![a-z])deployments?(?: ?name)?[ :=\"'(]+(?P<name>[a-z0-9]+(?:[-_][a-z0-9]+)+)"
)
# Machines that models run on.
HARDWARE = re.compile(
    r"(?<![a-z0-9])(?:(?:a|h|b|gb|v)[12]00|l40s?|l4|a10g?|a30|a40|mi300x?|t4|rtx ?\d{4}|tpus?|"
    r"gpus?|dgx|hgx)(?![a-z0-9])"
)

# --- remarks around a name ------------------------------------------------------------------------
# Numbers that count something else than a model: people, hardware, quotas, tickets, money.
_COUNTED = (
    r"users?|nutzer|seats?|licen[cs]es?|lizenzen|agents?|bots?|instances?|instanzen|calls?|"
    r"requests?|people|staff"
    r"|fte|apps?|use cases?|teams?|nodes?|days?|months?|years?|weeks?|tokens?|dims?|dimensions?"
)
COUNT = re.compile(
    rf"(?<![a-z0-9.-])~?\d[\d.,]+\s?k?\s?(?:{_COUNTED})(?![a-z0-9])"
    rf"|(?:^|[(,;]|(?<![a-z])for|(?<![a-z])fur)\s*~?\d\s?k?\s(?:{_COUNTED})(?![a-z0-9])"
    r"|(?<![a-z0-9.-])~?\d[\d.,]*\s?k?\s?(?:tpm|rpm|gpus?|gb|tb|eur|usd|chf|gbp|€|\$|%)(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:tpm|rpm|ptus?|ticket|inc|chg|req|jira|cr|phase|tier|stufe|level|sprint|"
    r"eur|usd|chf"
    r"|no\.|nr\.|id|kw|app|room|floor|wave)[ :#-]*\d[\d.,]*k?(?![a-z0-9])"
    r"|(?<![a-z0-9])\d+ ?x ?(?:a|h|l|b|v|mi|rtx ?)\d{2,4}\w?(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:nvidia )?(?:a100|h100|h200|b100|b200|gb200|l40s?|l4|a10g?|v100|mi300x?|t4|"
    r"rtx ?\d{4})(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:sub|subscription|rg|acct|tenant|vnet)-[a-z0-9][a-z0-9_-]*"
    r"|(?<![a-z0-9])(?:q[1-4]|h[12]|fy)[ /-]'?\d\d(?![a-z0-9])"
    r"|(?<![a-z0-9])(?:q[1-4]|h[12]|fy)[ /-]?20\d\d|(?<![\w.-])20[12]\d(?![\w.-])"
    r"|#\d+|(?<![a-z0-9.-])(?!gpt|glm|phi)[a-z]{2,6}-\d{4,}(?![a-z0-9.-])"
)
# What stands before a name that is no longer, or not yet, the one in use.
PAST = re.compile(
    word_pattern(
        r"no longer(?: \w+){0,2}|not any ?more|nicht mehr(?: \w+){0,1}|formerly|previously|former|"
        r"was|used to be",
        r"ehemals|fruher|vormals|bisher|zuvor|war|ancien\w*|avant|auparavant|(?:precedem|anterieure)ment|"
        r"anteriormente|previamente|antes|era|prima|precedentemente|in precedenza|ex|"
        r"dawniej|poprzednio|wczesniej|uprzednio|vroeger|voorheen|eerder|voordien|"
        r"niet (?:langer|meer)(?: \w+)?",
        r"replac(?:es|ing|ed)|ersetzt|instead of|statt|anstelle(?: von)?|au lieu d(?:e|u|es)?|"
        r"en lugar de|invece di|al posto di|zamiast|in plaats van|ter vervanging van|vervangt|"
        r"remplace|"
        r"(?:sustituye|reemplaza)(?: a)?|sostituisce|zastepuje",
        r"(?:migrat\w+|mov\w+|switch\w+|upgrad\w+|chang\w+|umgestellt|gewechselt|migriert\w*|umstieg|"
        r"migration) (?:away )?(?:from|von|de|da|z)",
        r"before(?= ?:)|vorher|previous|prior|before that(?: \w+){0,3}|in the past",
        r"originally|initially",
        r"ursprunglich|zunachst|until (?:recently|lately|last \w+)|au debut|al inicio|all inizio",
        r"nachfolger von|successor (?:of|to)|successeur de|sucesor de|successore di|nastepca|"
        r"opvolger van",
        r"retired|decommissioned|dropped|abandoned|removed|abgelost",
    )
)
# Before the name of a former model, the end of its time: `GPT-4.1 (bis 2025: GPT-3.5 Turbo)`.
UNTIL = re.compile(
    r"(?<![a-z])(?:until|till?|up to|bis|tot|jusqu'?(?:en|a|au)?|hasta|fino (?:a|al|ad)|(?:az )?do)"
    r"(?: (?:[a-z]+\.?|\d{1,2}\.?)){0,4}"
    r" (?:(?:q[1-4]|h[12])[ /-]?)?(?:\d{1,2}[./-]){0,2}20\d\d(?:-\d\d){0,2}[\s:=-]*$"
)
# Before the name of the model in use, after that of a former one.
NOW = re.compile(
    word_pattern(
        r"now|currently|today|since then|jetzt|heute|seitdem|seither|aktuell|maintenant|desormais|"
        r"ahora|actualmente|ora|adesso|attualmente|teraz|obecnie|nu|thans|tegenwoordig|sindsdien"
    )
)
NEGATION = re.compile(
    word_pattern(
        r"not|no|nicht|kein\w*|without|ohne|never|except|ausser|pas|sans|sin|senza|bez|nie|excluding|"
        r"niet|geen|zonder|behalve"
    )
)
FUTURE = re.compile(
    word_pattern(
        r"planned|planning|plan|geplant\w*|target|future|soon|later|next|upcoming|evaluat\w+|testing|"
        r"trial\w*|considering|candidate",
        r"(?:migration|migrating|move|moving|switch|switching|upgrade|upgrading|change) to",
        r"(?:umstieg|wechsel|migration) (?:auf|zu)|(?:wird|soll|werden) (?:ersetzt|abgelost) durch",
        r"(?:to|will|should) be (?:replaced|superseded) (?:by|with)",
        r"prevu\w*|previsto|pianificato|planowan\w*|ziel|spater|kunftig|roadmap|will (?:be|use|"
        r"move to)|under review",
    )
)
# "replaced by" of what has happened; what will happen leaves the first one in use.
_TO_BE = r"(?<!to\sbe\s)(?<!will\sbe\s)(?<!should\sbe\s)(?<!wird\s)(?<!soll\s)(?<!werden\s)"
REPLACED_BY = re.compile(
    word_pattern(
        rf"{_TO_BE}(?:replaced|superseded|succeeded) (?:by|with)|"
        rf"{_TO_BE}(?:ersetzt|abgelost) durch",
        r"(?:migrated|moved|switched|upgraded|changed) to|umgestellt auf|gewechselt (?:zu|auf)",
        r"remplacee? par|(?:sustituido|reemplazado) por|sostituito (?:da|con)|zastapion\w+ przez|"
        r"vervangen door|overgestapt (?:op|naar)",
    )
)
FALLBACK = re.compile(
    word_pattern(
        r"fall ?back|falls? back(?: to)?|backup|back up|secondary|ersatz|ausweich\w*|if (?:it|"
        r"that) (?:fails|is down)",
        r"standby|failover|secours|respaldo|riserva|zapasow\w+|reserve\w*|terugval\w*",
    )
)
BASED_ON = re.compile(
    word_pattern(
        r"based on|built on|derived from|trained from|auf basis(?: von)?|basiert auf|basierend auf|"
        r"base sur",
        r"basado en|basato su|opart[ya] na|na bazie|gebaseerd op|op basis van|(?:fine ?tune|"
        r"finetuning|"
        r"distillation|merge) (?:of|"
        r"from|von)",
        r"(?:fine ?tuned|finetuned|distilled) (?:from|of)",
    )
)
ADAPTATION = re.compile(
    r"(?<![a-z0-9])(?:(?P<fine_tune>fine ?-?tun(?:e|ed|ing)|finetun(?:e|ed|ing)|fein ?getunt\w*|"
    r"finegetunt\w*|feintuning|ft|nachtrainiert\w*"
    r"|feinabgestimmt\w*|custom ?-?trained|ajuste fino|affine|dostrojon\w+)"
    r"|(?P<adapter>q?lora|adapters?|peft|dora))(?![a-z0-9])"
)
DERIVATIVE = re.compile(
    word_pattern(
        r"abliterated|uncensored|derestricted|merged?|merge|distill?ed|dpo|sft|orpo|derivative|derivat",
        r"sauerkraut\w*|vicuna|alpaca|wizard\w*|orca|dolphin|airoboros|openhermes|leo ?lm|bloke",
    )
)
# What a system of one's own is called by: a family's name beside it is a name of that system.
SYSTEM = re.compile(
    word_pattern(
        r"project|projekt|projet|progetto|proyecto|portal|crm|erp|programme|program|initiative|"
        r"campaign|dashboard",
        r"software|scanner|newsletter|database|farm|parcel|system|systeme|sistema|suite|branch|"
        r"countertop|conference",
    )
)
# Kinds of models, which name no model: beside a name they say what it is for.
KIND_OF_MODEL = re.compile(word_pattern(r"(?:text )?embed\w*|re ?rank\w*"))
# What a model is for, in seven languages.
ROLE = re.compile(
    r"trans?[sk]?[ck]ri(?:p|b|z|t)\w*|trascri\w*|zusammenfass\w*|samenvat\w*|resum(?:e|en|es|ir)\w*|"
    r"riassun\w*|streszcz\w*|podsumow\w*|summar\w*|[kc]las+if\w*|clasific\w*|klasyfik\w*|"
    r"uberset\w*|traduc\w*|traduz\w*|vertal\w*|vertaal\w*|tlumacz\w*|translat(?:ion|ions|ing)|"
    r"retriev\w*|recherche|ricerca|busqueda|zoeken|zoek\w*|wyszukiw\w*|suche|semanti\w*|"
    r"modera(?:tion|tie|zione|cion|cja)|antwort\w*|answers?|antwoord\w*|respuestas?|risposte?|reponses?|"
    r"extra[ckz]\w*|estrazion\w*|rout(?:ing|age)|triage|spraakherkenning|spracherkennung"
)
# Models that people name and that no catalogue lists: a part of a list that is no tool.
OTHER_MODELS = re.compile(
    word_pattern(
        r"nomic\w*|bge|e5|gte|instructor|mini ?lm|mp ?net|sbert|bert|roberta|distilbert|t5|flan|"
        r"falcon|mpt|bloom|yi",
        r"starcoder\w*|stablelm|sdxl|stable diffusion|midjourney|wav2vec\w*|parakeet|canary|bark|"
        r"luminous|pharia|teuken",
        r"dbrx|arctic|chirp|kling|hailuo|pika|luma|jurassic\w*|palm|bison|gecko|dolly|gpt-?j|gpt-?neo\w*",
        r"xtts|kokoro|vosk|layoutlm\w*|donut|doctr|easyocr|paddleocr|cogvideo\w*|imagebind|clip|yolo\w*",
        r"embed\w*|rerank\w*|aya|olmo|pythia|vicuna|polyglot|apertus|eurollm|smollm\w*|internlm\w*|"
        r"baichuan\w*|chatglm\w*",
    )
)

# Words for models in general.
GENERIC = re.compile(
    word_pattern(
        r"(?:large|small|big|gro(?:ss|s)e\w*) language models?|foundation models?|language models?|"
        r"slms?|llms?",
        r"(?:large|frontier) models?",
    )
)
# After a name: the whole series is meant.
SERIES = re.compile(
    r"[\s-]*(?:class|series|family|families|familie|reihe|serie|generation|famille|famiglia|"
    r"modelle|models|rodzina)(?![a-z])"
)
# After `GPT`: a table of disk partitions.
PARTITION = re.compile(r"[ -](?:partition\w*|disks?|table|header)(?![a-z])")

# Words that stand around a name and say nothing about it, in seven languages.
NOISE = words(
    """
    speech summary summaries translation translations rag judge eval evaluation drafting
    us a an and the of on in at by for from to via with without through over using use uses used
    we our it its is are be been or as that this which what who one any all only also if when
    then than so but currently current now today still mostly mainly probably likely maybe eg
    ie etc various several multiple different many some other others model models modell
    modelle modele modelo modeli modello modelli modelu llm llms genai gen ai ki ia language
    foundation version versions version versione wersja release snapshot deployment
    deployments hosted hosting host runs running run served service services api apis key
    endpoint endpoints instance tenant subscription cloud gateway proxy platform portal
    standard global provisioned throughput ptu ptus paygo primary main default prod production
    test dev uat pilot live new old latest newest newer available whatever chatbot bot bots
    agent agents assistant assistants app apps tool tools system our own und oder mit von vom
    fur uber bei auf im am zur zum der die das den dem des ein eine einen einer eines ist sind
    wird als nur auch noch aktuell derzeit aktuelle aktuellste neueste neuestes neuester
    neuesten alte neue verschiedene mehrere
    diverse sprachmodell sprachmodelle betrieb betrieben gehostet bereitgestellt cluster
    server region rz et ou avec par sur du de des le la les un une en au aux pour est chez
    dans heberge hebergee modeles linguistique y o e con por en el los las del para es alojado
    desplegado versiones lenguaje su da di il lo gli i dal dalla nel nella per ospitato
    linguistico przez w z na do i lub oraz jezykowy chmurze het een van met bij op te voor
    versie versies modellen taalmodel taalmodellen gehost gehoste draait draaiend gedraaid eigen
    onze ons alle nieuwste laatste verschillende glowny principale principal through
    hosted which tbc tbd size
    sized variant context window quantized quantised quantisation params parameters vllm
    ollama weights open source
    """
)
CONNECTORS = words(
    """
    version versions versione wersja model models modell modelle modele modelo modello release
    snapshot dated date vom von of from del du de z the with mit context window kontext size
    variant variante edition preview tier class der die das im in und w reihe serie series
    family familie line v ver vers vom build gen generation
    """
)
# Words that a hyphen can join to a name without making it another name.
JOINED_NOISE = words(
    """
    model models modell modelle modells modelo modele basiert basierte basierter basiertes
    basierten based api version powered family familie reihe serie series llm variante variant
    gestutzt on via in at and or mit bei auf by to
    """
)

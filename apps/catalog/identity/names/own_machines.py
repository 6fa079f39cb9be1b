"""The words for own machines, and where they are part of a longer name instead."""

import re

from apps.catalog.identity.names.phrases import HARDWARE, NOISE, word_pattern
from apps.catalog.identity.names.regions import find_regions

OWN_WORDS = re.compile(
    word_pattern(
        r"on prem(?:ises?|ise|isse)?|onprem\w*|self host(?:ed|ing)?|in house|inhouse|locally|"
        r"local(?:host)?",
        r"lokal\w*|(?:our )?own (?:\w+ )?(?:dcs?|data ?cent(?:er|re)s?|hardware|gpus?|servers?|"
        r"cluster|infra\w*|machines?|hosting|box(?:es)?|host)",
        r"our (?:own )?(?:\w+ ){0,2}(?:box(?:es)?|clusters?|servers?|gpus?|hardware|"
        r"data ?cent(?:er|re)s?|dc|infra\w*|machines?)",
        r"(?:eigen\w*|unser\w*) (?:\w+ ){0,1}(?:server\w*|rechenzentr\w*|rz|hardware|cluster\w*|"
        r"gpu\w*|infrastruktur|betrieb|umgebung|maschine\w*)",
        r"hauseigen\w*|im (?:eigenen )?haus|intern\w* (?:gehostet\w*|betrieben\w*|server\w*|"
        r"rechenzentrum|hosting)|selbst ?(?:gehostet\w*|betrieben\w*)",
        r"hosted internally|internal(?:ly)? (?:hosted|hosting|servers?|cluster|gpus?)|vor ort|"
        r"eigenbetrieb",
        r"auto ?heberge\w*|heberge\w* (?:en )?(?:interne|local)|en interne|en local|sur site|"
        r"(?:nos|notre) (?:propres? )?serveurs?",
        r"serveurs? (?:internes?|propres?|locaux|local)|centre de donnees interne",
        r"auto ?alojad\w*|alojad\w* (?:localmente|internamente|en casa)|"
        r"servidor(?:es)? (?:propi\w*|intern\w*|local\w*)",
        r"en (?:nuestros|nuestro) servidor(?:es)?|infraestructura propia|centro de datos propio|"
        r"en las instalaciones",
        r"in locale|in sede|server (?:intern\w+|propri\w+|aziendal\w+|local\w+)|(?:nostr\w+|"
        r"propri\w+) server|datacenter (?:interno|proprio)",
        r"lokalnie|(?:na )?wlasn\w+ (?:serwer\w*|sprzecie|infrastruktur\w*|centrum)|"
        r"serwer\w* wlasn\w+|we wlasnym centrum danych|u nas",
        r"lokaal(?= (?:gehost|draai|gedraaid|geinstall|beheerd|op |in |bij )|\W*$)|"
        r"lokale (?:servers?|machines?|hardware|omgeving|installatie)|"
        r"zelf ?(?:gehost\w*|beheerd\w*|hosting)|eigen (?:\w+ )?(?:servers?|hardware|"
        r"data ?cent(?:er|rum)|rekencentrum|gpu'?s?|infrastructuur|machines?|omgeving)|"
        r"in eigen huis|intern gehost",
        r"(?:hosted|run(?:ning)?|operated|heberge\w*|tourne|gehostet|betrieben|lauft|gehost|draait|"
        r"ospitat\w+|alojad\w+) (?:by|with|chez|bei|bij|door|da|presso(?: di)?|en) "
        r"(?:us|ourselves|nous|uns|ons(?:zelf)?|noi|nuestr\w+ \w+)",
        r"(?:chez nous|bei uns|bij ons|da noi) (?:selbst |zelf )?(?:heberge\w*|gehostet|"
        r"betrieben|gehost|ospitat\w+)|en nuestro (?:cpd|centro de datos)|wlasn\w+ dc",
        r"(?:centre de donnees|data ?cent(?:er|re)) (?:intern\w*|propi\w*|propri\w*|maison)",
        r"own (?:\w+ ){0,2}(?:nodes?|gpus?|servers?|cards?)",
        r"v ?llm(?: cluster)?|ollama|llama\.?cpp|llama c\+\+|lm ?studio|local ?ai|"
        r"text generation inference|tgi|triton",
        r"air ?gapped|private cloud|openshift|kubernetes cluster",
    )
)
OWN_CELL = re.compile(
    word_pattern(
        r"intern(?:al(?:ly)?|e[rs]?|o|a)?|own|eigen\w*|haus|rechenzentrum|rz|propio|interno|wlasny|self"
    )
)
# Words that a company's name has too: own machines are meant only if the cell says nothing else.
_EVERYDAY_OWN = re.compile(
    word_pattern(
        r"on prem(?:ises?|ise|isse)?|onprem\w*|self host(?:ed|ing)?|in house|inhouse|locally|"
        r"local(?:host)?|lokal\w*|lokaal|hauseigen\w*|vor ort|eigenbetrieb|en interne|en local|"
        r"sur site|in locale|in sede|u nas|triton|tgi|local ?ai|air ?gapped|private cloud|"
        r"kubernetes cluster",
    )
)
_LEGAL_FORMS = re.compile(
    r"(?<![a-z])(?:b\.? ?v|n\.? ?v|g?gmbh|mbh|ag|kg|ohg|ug|s\.?e|e\.? ?[gv]|ltd|limited|plc|llp|"
    r"llc|inc|corp(?:oration)?|s\.? ?a(?:\.? ?s)?|sasu?|sarl|s\.? ?r\.? ?l|s\.? ?p\.? ?a|"
    r"s\.? ?l(?:\.? ?u)?|sp\.? ?z ?o\.? ?o|aps|a/s|oyj?|ab|stichting)(?![a-z])"
)
# Words beside those for own machines that are no name: what the machines are and who runs them.
_MACHINE_WORDS = re.compile(
    word_pattern(
        r"laptops?|notebooks?|workstations?|pcs?|desktops?|servers?|serveurs?|servidor\w*|serwer\w*|"
        r"gpus?|cpus?|vms?|docker|kubernetes|k8s|openshift|racks?|nodes?|machines?|maschine\w*|"
        r"hardware|infra\w*|data ?cent(?:er|re|rum)s?|dcs?|cpd|rechenzentr\w*|rekencentrum|"
        r"networks?|"
        r"netz\w*|netwerk|reseau|edge|box(?:es)?|it|mac|install\w*|deploy\w*|betrieb\w*|"
        r"beheer\w*|firewall|clusters?|only|nur|alleen|eigen\w*|intern\w*|own"
    )
)


def is_in_proper_name(folded: str, start: int, end: int) -> bool:
    """Return whether words for own machines are part of a longer name, such as a company's."""
    marks = ",;:()/+|"
    first = max(folded.rfind(mark, 0, start) for mark in marks) + 1
    last = min((at for mark in marks if (at := folded.find(mark, end)) >= 0), default=len(folded))
    beside = f"{folded[first:start]} ; {folded[end:last]}"
    if _LEGAL_FORMS.search(beside):
        return True
    if not _EVERYDAY_OWN.fullmatch(folded[start:end]):
        return False
    for first, last in reversed(find_regions(beside)):
        beside = f"{beside[:first]} {beside[last:]}"
    for pattern in (OWN_WORDS, HARDWARE, _MACHINE_WORDS):
        beside = pattern.sub(" ", beside)
    return any(word not in NOISE for word in re.findall(r"[a-z]+", beside))

"""Products with models inside, under the names that people write.

A product is no model: which models it calls is for its vendor to say. Facts about the models inside
are kept elsewhere; this table only recognises names. `everyday` names are common words, which name
the product only alone in a cell or beside its vendor.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """A product, its vendor, and its further names."""

    slug: str
    name: str
    vendor: str
    other_names: tuple[str, ...] = ()
    everyday: tuple[str, ...] = ()
    platform: bool = False


def _product(
    slug: str, name: str, vendor: str, other_names: str = "", everyday: str = ""
) -> Product:
    return Product(
        slug,
        name,
        vendor,
        tuple(part.strip() for part in other_names.split(";") if part.strip()),
        tuple(part.strip() for part in everyday.split(";") if part.strip()),
    )


PRODUCTS: tuple[Product, ...] = (
    _product(
        "adobe-acrobat-ai-assistant",
        "Adobe Acrobat AI Assistant",
        "Adobe",
        "Acrobat AI Assistant; Acrobat AI; PDF AI Assistant",
    ),
    _product(
        "adobe-firefly",
        "Adobe Firefly",
        "Adobe",
        "Firefly Creative Production; Photoshop Generative Fill",
        "Firefly",
    ),
    _product(
        "amazon-q-business",
        "Amazon Q Business",
        "Amazon Web Services",
        "Q Business; Amazon Q; AWS Q; AWS Q Business",
    ),
    _product(
        "amazon-q-developer",
        "Amazon Q Developer",
        "Amazon Web Services",
        "Q Developer; AWS Q Developer; CodeWhisperer; Q CLI",
    ),
    _product("appian-ai", "Appian AI", "Appian", "Appian AI skills; Appian Private AI; Appian"),
    _product(
        "atlassian-rovo",
        "Atlassian Rovo and Atlassian Intelligence",
        "Atlassian",
        "Atlassian Rovo; Atlassian Intelligence; Atlassian AI; Rovo; Jira AI; Confluence AI",
    ),
    _product("box-ai", "Box AI", "Box", "Box AI for Hubs; Box Agent"),
    _product(
        "canva-ai",
        "Canva AI (Magic Studio)",
        "Canva",
        "Canva AI; Canva Magic Studio; Magic Studio; Magic Write; Canva",
    ),
    _product(
        "chatgpt",
        "ChatGPT",
        "OpenAI",
        "Chat GPT; Custom GPT; Custom GPTs; GPTs; ChatGPT Plus; ChatGPT Pro; ChatGPT Free; "
        "ChatGPT app",
    ),
    _product(
        "chatgpt-enterprise",
        "ChatGPT Enterprise",
        "OpenAI",
        "Chat GPT Enterprise; ChatGPT Business; ChatGPT Team; ChatGPT Edu; ChatGPT Teams",
    ),
    _product(
        "claude-enterprise",
        "Claude for Work and Enterprise",
        "Anthropic",
        "Claude for Work; Claude for Enterprise; Claude Team; Claude Teams; Claude Enterprise",
    ),
    _product(
        "claude-app",
        "Claude (claude.ai)",
        "Anthropic",
        "Claude.ai; Claude Pro; Claude Max; Claude Desktop; Claude Cowork; Claude app",
    ),
    _product("claude-code", "Claude Code", "Anthropic", "ClaudeCode"),
    _product("cognigy", "Cognigy.AI", "Cognigy", "Cognigy"),
    _product("cursor", "Cursor", "Anysphere", "Cursor AI; Cursor IDE; Cursor Editor", "Cursor"),
    _product(
        "databricks-genie",
        "Databricks Genie",
        "Databricks",
        "AI/BI Genie; Genie One; Genie Agents; Databricks Assistant; DatabricksIQ; Genie spaces",
    ),
    _product("deepl", "DeepL", "DeepL", "DeepL Pro; DeepL Translator; DeepL Write"),
    _product("dropbox-dash", "Dropbox Dash", "Dropbox", "Dropbox AI", "Dash"),
    _product(
        "dynamics-365-copilot",
        "Dynamics 365 Copilot",
        "Microsoft",
        "Copilot in Dynamics 365; Copilot for Dynamics; Sales Copilot; Copilot for Sales; "
        "Copilot for Service; Copilot for Finance; Copilot in Business Central; Dynamics Copilot",
    ),
    _product(
        "gemini-enterprise",
        "Gemini Enterprise",
        "Google",
        "Gemini Enterprise app; Google Agentspace; Agentspace",
    ),
    _product("gemini-app", "Gemini app", "Google", "Gemini Advanced; Google Bard; Gemini App"),
    _product(
        "gemini-code-assist", "Gemini Code Assist", "Google", "Gemini CLI; Google Antigravity"
    ),
    _product(
        "genesys-cloud-ai",
        "Genesys Cloud AI",
        "Genesys",
        "Genesys Cloud; Genesys; Agent Copilot; PureCloud",
    ),
    _product(
        "github-copilot",
        "GitHub Copilot",
        "GitHub (Microsoft)",
        "GH Copilot; Github Co-Pilot; Copilot Enterprise; Copilot for Business; GitHub Copilot "
        "Business; GitHub Copilot Enterprise; GitHub Copilot Chat",
    ),
    _product(
        "gitlab-duo",
        "GitLab Duo",
        "GitLab",
        "GitLab AI; GitLab Duo Agent Platform; Duo Chat; GitLab Duo Chat",
        "Duo",
    ),
    _product("glean", "Glean", "Glean", "Glean Assistant; Glean Agents; Glean Search", "Glean"),
    _product(
        "google-workspace-gemini",
        "Google Workspace with Gemini",
        "Google",
        "Gemini for Google Workspace; Gemini for Workspace; Gemini in Workspace; Gemini in "
        "Google Workspace; Gemini in Gmail; Gemini in Docs; Gemini in Sheets; Gemini in Meet; "
        "Google Workspace; Workspace Gemini; Duet AI",
    ),
    _product("grammarly", "Grammarly", "Grammarly", "Grammarly Business; GrammarlyGO"),
    _product("harvey", "Harvey", "Harvey", "Harvey AI; Harvey Assistant; Harvey Vault", "Harvey"),
    _product(
        "hubspot-breeze",
        "HubSpot Breeze",
        "HubSpot",
        "HubSpot AI; Breeze Copilot; Breeze Assistant; HubSpot",
        "Breeze",
    ),
    _product(
        "intercom-fin",
        "Intercom Fin",
        "Intercom",
        "Fin AI Agent; Fin AI; Intercom AI; Fin Apex; Intercom",
        "Fin",
    ),
    _product(
        "jetbrains-ai",
        "JetBrains AI",
        "JetBrains",
        "JetBrains AI Assistant; JetBrains Air; JetBrains Junie; Junie",
    ),
    _product(
        "microsoft-365-copilot",
        "Microsoft 365 Copilot",
        "Microsoft",
        "MS 365 Copilot; M365 Copilot; M365 CoPilot; Office 365 Copilot; O365 Copilot; Office "
        "Copilot; Copilot for Microsoft 365; Copilot for M365; Copilot for Office; Copilot M365; "
        "Copilot 365; Copilot (M365); Copilot (Microsoft 365); Copilot Chat; Bing Chat "
        "Enterprise; Teams Copilot; Copilot in Teams; Copilot in Word; Copilot in Excel; Copilot "
        "in Outlook",
    ),
    _product(
        "microsoft-copilot-studio",
        "Microsoft Copilot Studio",
        "Microsoft",
        "Copilot Studio; MS Copilot Studio; Power Virtual Agents",
    ),
    _product(
        "microsoft-security-copilot",
        "Microsoft Security Copilot",
        "Microsoft",
        "Security Copilot; Copilot for Security; MS Security Copilot",
    ),
    _product(
        "power-bi-copilot",
        "Copilot in Power BI",
        "Microsoft",
        "Power BI Copilot; Copilot for Power BI; Fabric Copilot; Copilot in Fabric",
    ),
    _product("miro-ai", "Miro AI", "Miro", "Miro Sidekicks; Miro AI Workflows; Miro Assist"),
    _product("notion-ai", "Notion AI", "Notion Labs", "Notion Agent; Notion AI Agent; Notion"),
    _product(
        "oracle-fusion-ai",
        "Oracle Fusion AI (AI Agent Studio)",
        "Oracle",
        "Oracle Fusion AI; Oracle AI Agent Studio; Oracle Digital Assistant; Oracle Fusion",
    ),
    _product(
        "pega-genai",
        "Pega GenAI",
        "Pegasystems",
        "Pega Blueprint; Pega GenAI Connect; Pega Coach; Pega Gen AI; Pega AI",
    ),
    _product(
        "perplexity-enterprise",
        "Perplexity Enterprise",
        "Perplexity",
        "Perplexity Enterprise Pro; Perplexity Pro; Enterprise Max; Perplexity Max",
        "Perplexity; Perplexity AI",
    ),
    _product(
        "power-platform-ai-builder",
        "Power Platform AI Builder and prompts",
        "Microsoft",
        "AI Builder; Power Platform AI Builder; Power Platform; Power Automate; Power Apps",
    ),
    _product(
        "salesforce-agentforce",
        "Salesforce Agentforce and Einstein",
        "Salesforce",
        "Agentforce; Salesforce Agentforce; Salesforce Einstein GPT; Salesforce Einstein; "
        "Einstein GPT; Einstein Copilot; "
        "Einstein AI; Sales GPT; Service GPT; Salesforce AI; Salesforce",
        "Einstein",
    ),
    _product("sap-joule", "SAP Joule", "SAP", "SAP Business AI; Joule Studio; Joule"),
    _product(
        "servicenow-now-assist",
        "ServiceNow Now Assist",
        "ServiceNow",
        "Now Assist; Now LLM; ServiceNow Otto; ServiceNow AI; Service Now Assist; ServiceNow; "
        "Service-Now",
    ),
    _product("slack-ai", "Slack AI", "Slack (Salesforce)", "Slack recaps; Slackbot AI"),
    _product(
        "snowflake-intelligence",
        "Snowflake Cortex and Snowflake Intelligence",
        "Snowflake",
        "Snowflake Intelligence; Cortex Agents; Cortex Analyst; Snowflake Copilot",
    ),
    _product(
        "uipath",
        "UiPath (Agents, Autopilot, Delegate)",
        "UiPath",
        "UiPath Agents; UiPath Autopilot; UiPath Delegate; UiPath; UiPath Document Understanding",
    ),
    _product("workday-ai", "Workday Illuminate", "Workday", "Workday AI; Workday", "Illuminate"),
    _product("zendesk-ai", "Zendesk AI", "Zendesk", "Zendesk Copilot; Zendesk AI agents; Zendesk"),
    _product(
        "zoom-ai-companion", "Zoom AI Companion", "Zoom", "Zoom AI; Zoom IQ; AI Companion; Zoom"
    ),
    # --- services of cloud platforms --------------------------------------------------------------
    _product(
        "azure-ai-speech",
        "Azure AI Speech",
        "Microsoft",
        "Azure Speech; Azure Speech Service; Azure Speech Services; Azure Speech to Text; Azure "
        "Text to Speech; Azure Cognitive Services Speech; Microsoft Speech",
    ),
    _product(
        "azure-document-intelligence",
        "Azure AI Document Intelligence",
        "Microsoft",
        "Azure Document Intelligence; Document Intelligence; Azure Form Recognizer; Form "
        "Recognizer",
    ),
    _product("azure-ai-search", "Azure AI Search", "Microsoft", "Azure Cognitive Search"),
    _product("azure-ai-translator", "Azure AI Translator", "Microsoft", "Azure Translator"),
    _product("microsoft-translator", "Microsoft Translator", "Microsoft", "Bing Translator"),
    _product("gemini-cloud-assist", "Gemini for Google Cloud", "Google", "Gemini Cloud Assist"),
    _product(
        "azure-ai-vision",
        "Azure AI Vision",
        "Microsoft",
        "Azure Computer Vision; Azure Vision; Azure OCR",
    ),
    _product(
        "azure-ai-language",
        "Azure AI Language",
        "Microsoft",
        "Azure Language Service; Azure Text Analytics; Azure Cognitive Services; Microsoft LUIS; "
        "Azure AI Services; Azure Content Safety; Azure AI Content Safety",
    ),
    _product(
        "azure-bot-service", "Azure Bot Service", "Microsoft", "Microsoft Bot Framework; Azure Bot"
    ),
    _product("amazon-transcribe", "Amazon Transcribe", "Amazon Web Services", "AWS Transcribe"),
    _product("amazon-textract", "Amazon Textract", "Amazon Web Services", "AWS Textract; Textract"),
    _product("amazon-comprehend", "Amazon Comprehend", "Amazon Web Services", "AWS Comprehend"),
    _product(
        "amazon-rekognition",
        "Amazon Rekognition",
        "Amazon Web Services",
        "AWS Rekognition; Rekognition",
    ),
    _product("amazon-polly", "Amazon Polly", "Amazon Web Services", "AWS Polly"),
    _product("amazon-translate", "Amazon Translate", "Amazon Web Services", "AWS Translate"),
    _product("amazon-lex", "Amazon Lex", "Amazon Web Services", "AWS Lex"),
    _product("amazon-kendra", "Amazon Kendra", "Amazon Web Services", "AWS Kendra"),
    _product(
        "amazon-connect", "Amazon Connect", "Amazon Web Services", "AWS Connect; Contact Lens"
    ),
    _product("google-document-ai", "Google Document AI", "Google", "Document AI; GCP Document AI"),
    _product(
        "google-dialogflow",
        "Google Dialogflow",
        "Google",
        "Dialogflow; Dialogflow CX; Google CCAI; Contact Center AI",
    ),
    _product(
        "google-speech-to-text",
        "Google Speech-to-Text",
        "Google",
        "Google Speech; Google Cloud Speech; Google Cloud Speech-to-Text",
    ),
    _product(
        "google-translate",
        "Google Translate",
        "Google",
        "Google Translation; Google Cloud Translation; Cloud Translation API",
    ),
    _product(
        "google-vision",
        "Google Cloud Vision",
        "Google",
        "Google Vision; Cloud Vision API; Google Vision API",
    ),
    _product(
        "vertex-ai-search", "Vertex AI Search", "Google", "Vertex Search; Vertex AI Agent Builder"
    ),
    _product("notebooklm", "NotebookLM", "Google", "Notebook LM; Google NotebookLM"),
    _product(
        "watsonx-assistant",
        "IBM watsonx Assistant",
        "IBM",
        "watsonx Assistant; Watson Assistant; IBM Watson; watsonx Orchestrate; watsonx Code "
        "Assistant",
    ),
    # --- assistants and tools ---------------------------------------------------------------------
    _product("openai-codex", "OpenAI Codex", "OpenAI", "Codex CLI; Codex agent"),
    _product("chatgpt-agent", "ChatGPT agent", "OpenAI", "OpenAI Operator"),
    _product(
        "le-chat", "Le Chat", "Mistral AI", "Mistral Le Chat; Le Chat Enterprise; Le Chat Pro"
    ),
    _product("meta-ai", "Meta AI", "Meta", "Meta AI assistant"),
    _product("windsurf", "Windsurf", "Cognition", "Windsurf Editor; Windsurf IDE; Codeium"),
    _product("devin", "Devin", "Cognition", "Devin AI", "Devin"),
    _product("tabnine", "Tabnine", "Tabnine"),
    _product("replit", "Replit", "Replit", "Replit Agent; Replit AI"),
    _product("lovable", "Lovable", "Lovable", "Lovable.dev", "Lovable"),
    _product("sourcegraph-cody", "Sourcegraph Cody", "Sourcegraph", "Sourcegraph Amp", "Cody"),
    _product("midjourney", "Midjourney", "Midjourney", "Mid Journey"),
    _product("runway", "Runway", "Runway", "RunwayML; Runway Gen-3; Runway Gen-4", "Runway"),
    _product("synthesia", "Synthesia", "Synthesia"),
    _product("heygen", "HeyGen", "HeyGen"),
    _product("elevenlabs", "ElevenLabs", "ElevenLabs", "Eleven Labs"),
    _product("ideogram", "Ideogram", "Ideogram"),
    _product("suno", "Suno", "Suno", "Suno AI"),
    _product("jasper", "Jasper", "Jasper", "Jasper AI", "Jasper"),
    _product("copy-ai", "Copy.ai", "Copy.ai"),
    _product("otter", "Otter.ai", "Otter", "Otter AI"),
    _product("fireflies", "Fireflies.ai", "Fireflies", "Fireflies AI"),
    _product("gong", "Gong", "Gong", "Gong AI; Gong.io", "Gong"),
    _product(
        "nuance-dragon",
        "Nuance Dragon",
        "Microsoft",
        "Dragon Copilot; Dragon Medical; Dragon Medical One; Nuance DAX; DAX Copilot; Dragon "
        "NaturallySpeaking; Nuance Mix; Nuance",
    ),
    _product("kore-ai", "Kore.ai", "Kore.ai", "Kore AI"),
    _product("rasa", "Rasa", "Rasa", "Rasa Pro"),
    _product("parloa", "Parloa", "Parloa"),
    _product("moveworks", "Moveworks", "ServiceNow"),
    _product("liveperson", "LivePerson", "LivePerson"),
    _product("nice-enlighten", "NICE Enlighten", "NICE", "NICE CXone; CXone Mpower"),
    _product("five9", "Five9", "Five9", "Five9 Genius AI"),
    _product("verint", "Verint", "Verint", "Verint Da Vinci"),
    _product("luminance", "Luminance", "Luminance", "Luminance AI", "Luminance"),
    _product("kira", "Kira", "Litera", "Kira Systems; Litera Kira", "Kira"),
    _product("legora", "Legora", "Legora"),
    _product(
        "cocounsel",
        "CoCounsel",
        "Thomson Reuters",
        "Thomson Reuters CoCounsel; Westlaw AI; Westlaw Precision",
    ),
    _product("lexis-ai", "Lexis+ AI", "LexisNexis", "Lexis AI; Lexis Plus AI; Protege AI"),
    _product("alphasense", "AlphaSense", "AlphaSense"),
    _product("bloomberg-ai", "Bloomberg AI", "Bloomberg", "BloombergGPT"),
    _product("hyperscience", "Hyperscience", "Hyperscience"),
    _product("abbyy", "ABBYY Vantage", "ABBYY", "ABBYY FlexiCapture; ABBYY FineReader; ABBYY"),
    _product("trados", "Trados", "RWS", "SDL Trados; Language Weaver"),
    _product("quillbot", "QuillBot", "QuillBot"),
    _product("writesonic", "Writesonic", "Writesonic"),
    _product("you-com", "You.com", "You.com"),
    _product("poe", "Poe", "Quora", "", "Poe"),
)
BY_SLUG = {product.slug: product for product in PRODUCTS}
# The word alone names several products.
COPILOTS = (
    "microsoft-365-copilot",
    "github-copilot",
    "microsoft-copilot-studio",
    "microsoft-security-copilot",
)
_COPILOT_WORDS = {
    slug: re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
    for slug, words in (
        (
            "microsoft-365-copilot",
            "m ?365|microsoft 365|ms 365|office(?: 365)?|o365|word|outlook|teams|powerpoint",
        ),
        ("github-copilot", "github|vs ?code|visual studio|ide"),
        ("microsoft-copilot-studio", "studio|power platform"),
        ("microsoft-security-copilot", "security|sentinel|defender"),
        ("dynamics-365-copilot", "dynamics(?: 365)?|d365"),
        ("power-bi-copilot", "power ?bi|fabric"),
    )
}
_PART_OF_NAME = re.compile(
    r"(?<![a-z])(?!(?:edge|windows|bing|web|use|uses|using|via|with|and|or|the|our|von|mit|und|ohne"
    r"|no|not|kein|plus|per|su|con|avec|ms|of|in|for|fur|model|modell|tool|ai|ki|app)[ -])"
    r"[a-z]{2,}[ -]$"
)
_COPILOT = r"(?:microsoft |ms |windows |bing )?co-?pilots?"


def _compile(name: str) -> re.Pattern[str]:
    """Return the pattern of a name as a whole word; its blanks and hyphens may be missing."""
    body = re.escape(name.lower()).replace(r"\ ", "[ -]?").replace(r"\-", "[ -]?")
    return re.compile(rf"(?<![a-z0-9]){body}(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class _Name:
    """A name of a product, or of several (`product` is None)."""

    pattern: re.Pattern[str]
    product: Product | None
    is_everyday: bool = False


def _key(text: str) -> str:
    """Return the first two letters or digits of a text, by which names are looked up."""
    return "".join(letter for letter in text[:4] if letter.isalnum())[:2].lower()


def _index_names() -> dict[str, list[_Name]]:
    """Return the names by their first two letters, the longest first."""
    names = [
        (len(name), _key(name), _Name(_compile(name), product, name in product.everyday))
        for product in PRODUCTS
        for name in dict.fromkeys((product.name, *product.other_names, *product.everyday))
    ]
    for first in (
        "copilot",
        "co-pilot",
        "microsoft copilot",
        "ms copilot",
        "windows copilot",
        "bing copilot",
    ):
        pattern = re.compile(rf"(?<![a-z0-9]){_COPILOT}(?![a-z0-9])")
        names.append((len(first), _key(first), _Name(pattern, None)))
    index: dict[str, list[_Name]] = {}
    for _length, key, name in sorted(names, key=lambda entry: -entry[0]):
        index.setdefault(key, []).append(name)
    return index


_INDEX = _index_names()
_WORD_START = re.compile(r"(?<![a-z0-9])[a-z0-9]")
_REST = re.compile(
    r"[^a-z0-9]+|(?<![a-z0-9])(?:ai|app|tool|bot|assistant|agent|ide|editor|pro|enterprise|"
    r"licen[cs]es?)(?![a-z0-9])"
)


_LIST_SIGN = re.compile(r"[,;/+&|→]| and | und ")


@dataclass(frozen=True, slots=True)
class NamedProduct:
    """A product in a text; without `product`, one of `candidates`."""

    start: int
    end: int
    product: Product | None
    candidates: tuple[str, ...] = ()


def find_products(folded: str, host_cell: str) -> list[NamedProduct]:
    """Return the products in the text, the longest name at each place."""
    found: list[NamedProduct] = []
    position = 0
    for start in (match.start() for match in _WORD_START.finditer(folded)):
        if start < position:
            continue
        for name in _INDEX.get(_key(folded[start : start + 4]), ()):  # the longest first
            match = name.pattern.match(folded, start)
            if match is None or (
                name.is_everyday and not _is_meant(name.product, match, folded, host_cell)
            ):
                continue
            product = name.product or _choose_copilot(folded)
            if product is None and _PART_OF_NAME.search(folded[: match.start()]):
                break  # `claims-copilot`, `Underwriting Copilot` are systems
            candidates = COPILOTS if product is None else ()
            found.append(NamedProduct(match.start(), match.end(), product, candidates))
            position = match.end()
            break
    return found


def _choose_copilot(folded: str) -> Product | None:
    """Return the product that the words around "Copilot" name; None if none or several do."""
    slugs = {slug for slug, words in _COPILOT_WORDS.items() if words.search(folded)}
    return BY_SLUG[slugs.pop()] if len(slugs) == 1 else None


def _is_meant(product: Product | None, match: re.Match[str], folded: str, host_cell: str) -> bool:
    """Return whether an everyday word is a product here: its vendor is named, or this part of the
    text says nothing else."""
    assert product is not None
    vendor = product.vendor.lower().partition(" ")[0]
    before = _LIST_SIGN.split(folded[: match.start()])[-1]
    rest = re.sub(r"\([^)]*\)?", " ", folded[match.end() :])  # `Cursor (Claude Sonnet 4)`
    after = _LIST_SIGN.split(rest)[0]
    if vendor in host_cell or vendor in folded[: match.start()] + folded[match.end() :]:
        return True
    return not _REST.sub("", f"{before} {after}")

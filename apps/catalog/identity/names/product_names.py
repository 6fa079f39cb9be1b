"""Products for work with models inside, under the names that people write.

Facts about the models inside are kept elsewhere; this table only recognises names. `everyday` names
are common words, which name the product only alone in a cell or beside its vendor.
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


# vendors whose provider in the catalogue has another slug
_PROVIDERS = {"amazon-web-services": "amazon", "mistral-ai": "mistral"}


def vendor_slug(vendor: str) -> str:
    """Return the slug of the provider that a vendor is: `GitHub (Microsoft)` is github."""
    slug = re.sub(r"[^a-z0-9]+", "-", vendor.partition("(")[0].lower()).strip("-")
    return _PROVIDERS.get(slug, slug)


def define_product(
    slug: str, name: str, vendor: str, other_names: str = "", everyday: str = ""
) -> Product:
    return Product(
        slug,
        name,
        vendor,
        tuple(part.strip() for part in other_names.split(";") if part.strip()),
        tuple(part.strip() for part in everyday.split(";") if part.strip()),
    )


WORK_PRODUCTS: tuple[Product, ...] = (
    define_product(
        "adobe-acrobat-ai-assistant",
        "Adobe Acrobat AI Assistant",
        "Adobe",
        "Acrobat AI Assistant; Acrobat AI; PDF AI Assistant",
    ),
    define_product(
        "adobe-firefly",
        "Adobe Firefly",
        "Adobe",
        "Firefly Creative Production; Photoshop Generative Fill",
        "Firefly",
    ),
    define_product(
        "amazon-q-business",
        "Amazon Q Business",
        "Amazon Web Services",
        "Q Business; Amazon Q; AWS Q; AWS Q Business",
    ),
    define_product(
        "amazon-q-developer",
        "Amazon Q Developer",
        "Amazon Web Services",
        "Q Developer; AWS Q Developer; CodeWhisperer; Q CLI",
    ),
    define_product(
        "appian-ai", "Appian AI", "Appian", "Appian AI skills; Appian Private AI; Appian"
    ),
    define_product(
        "atlassian-rovo",
        "Atlassian Rovo and Atlassian Intelligence",
        "Atlassian",
        "Atlassian Rovo; Atlassian Intelligence; Atlassian AI; Rovo; Jira AI; Confluence AI",
    ),
    define_product("box-ai", "Box AI", "Box", "Box AI for Hubs; Box Agent"),
    define_product(
        "canva-ai",
        "Canva AI (Magic Studio)",
        "Canva",
        "Canva AI; Canva Magic Studio; Magic Studio; Magic Write; Canva",
    ),
    define_product(
        "chatgpt",
        "ChatGPT",
        "OpenAI",
        "Chat GPT; Custom GPT; Custom GPTs; GPTs; ChatGPT Plus; ChatGPT Pro; ChatGPT Free; "
        "ChatGPT app",
    ),
    define_product(
        "chatgpt-enterprise",
        "ChatGPT Enterprise",
        "OpenAI",
        "Chat GPT Enterprise; ChatGPT Business; ChatGPT Team; ChatGPT Edu; ChatGPT Teams",
    ),
    define_product(
        "claude-enterprise",
        "Claude for Work and Enterprise",
        "Anthropic",
        "Claude for Work; Claude for Enterprise; Claude Team; Claude Teams; Claude Enterprise",
    ),
    define_product(
        "claude-app",
        "Claude (claude.ai)",
        "Anthropic",
        "Claude.ai; Claude Pro; Claude Max; Claude Desktop; Claude Cowork; Claude app",
    ),
    define_product("claude-code", "Claude Code", "Anthropic", "ClaudeCode"),
    define_product("cognigy", "Cognigy.AI", "Cognigy", "Cognigy"),
    define_product(
        "cursor", "Cursor", "Anysphere", "Cursor AI; Cursor IDE; Cursor Editor", "Cursor"
    ),
    define_product(
        "databricks-genie",
        "Databricks Genie",
        "Databricks",
        "AI/BI Genie; Genie One; Genie Agents; Databricks Assistant; DatabricksIQ; Genie spaces",
    ),
    define_product("deepl", "DeepL", "DeepL", "DeepL Pro; DeepL Translator; DeepL Write"),
    define_product("dropbox-dash", "Dropbox Dash", "Dropbox", "Dropbox AI", "Dash"),
    define_product(
        "dynamics-365-copilot",
        "Dynamics 365 Copilot",
        "Microsoft",
        "Copilot in Dynamics 365; Copilot for Dynamics; Sales Copilot; Copilot for Sales; "
        "Copilot for Service; Copilot for Finance; Copilot in Business Central; Dynamics Copilot",
    ),
    define_product(
        "gemini-enterprise",
        "Gemini Enterprise",
        "Google",
        "Gemini Enterprise app; Google Agentspace; Agentspace",
    ),
    define_product(
        "gemini-app", "Gemini app", "Google", "Gemini Advanced; Google Bard; Gemini App"
    ),
    define_product(
        "gemini-code-assist", "Gemini Code Assist", "Google", "Gemini CLI; Google Antigravity"
    ),
    define_product(
        "genesys-cloud-ai",
        "Genesys Cloud AI",
        "Genesys",
        "Genesys Cloud; Genesys; Agent Copilot; PureCloud",
    ),
    define_product(
        "github-copilot",
        "GitHub Copilot",
        "GitHub (Microsoft)",
        "GH Copilot; Github Co-Pilot; Copilot Enterprise; Copilot for Business; GitHub Copilot "
        "Business; GitHub Copilot Enterprise; GitHub Copilot Chat",
    ),
    define_product(
        "gitlab-duo",
        "GitLab Duo",
        "GitLab",
        "GitLab AI; GitLab Duo Agent Platform; Duo Chat; GitLab Duo Chat",
        "Duo",
    ),
    define_product(
        "glean", "Glean", "Glean", "Glean Assistant; Glean Agents; Glean Search", "Glean"
    ),
    define_product(
        "google-workspace-gemini",
        "Google Workspace with Gemini",
        "Google",
        "Gemini for Google Workspace; Gemini for Workspace; Gemini in Workspace; Gemini in "
        "Google Workspace; Gemini in Gmail; Gemini in Docs; Gemini in Sheets; Gemini in Meet; "
        "Google Workspace; Workspace Gemini; Duet AI",
    ),
    define_product("grammarly", "Grammarly", "Grammarly", "Grammarly Business; GrammarlyGO"),
    define_product(
        "harvey", "Harvey", "Harvey", "Harvey AI; Harvey Assistant; Harvey Vault", "Harvey"
    ),
    define_product(
        "hubspot-breeze",
        "HubSpot Breeze",
        "HubSpot",
        "HubSpot AI; Breeze Copilot; Breeze Assistant; HubSpot",
        "Breeze",
    ),
    define_product(
        "intercom-fin",
        "Intercom Fin",
        "Intercom",
        "Fin AI Agent; Fin AI; Intercom AI; Fin Apex; Intercom",
        "Fin",
    ),
    define_product(
        "jetbrains-ai",
        "JetBrains AI",
        "JetBrains",
        "JetBrains AI Assistant; JetBrains Air; JetBrains Junie; Junie",
    ),
    define_product(
        "microsoft-365-copilot",
        "Microsoft 365 Copilot",
        "Microsoft",
        "MS 365 Copilot; M365 Copilot; M365 CoPilot; Office 365 Copilot; O365 Copilot; Office "
        "Copilot; Copilot for Microsoft 365; Copilot for M365; Copilot for Office; Copilot M365; "
        "Copilot 365; Copilot (M365); Copilot (Microsoft 365); Copilot Chat; Bing Chat "
        "Enterprise; Teams Copilot; Copilot in Teams; Copilot in Word; Copilot in Excel; Copilot "
        "in Outlook",
    ),
    define_product(
        "microsoft-copilot-studio",
        "Microsoft Copilot Studio",
        "Microsoft",
        "Copilot Studio; MS Copilot Studio; Power Virtual Agents",
    ),
    define_product(
        "microsoft-security-copilot",
        "Microsoft Security Copilot",
        "Microsoft",
        "Security Copilot; Copilot for Security; MS Security Copilot",
    ),
    define_product(
        "power-bi-copilot",
        "Copilot in Power BI",
        "Microsoft",
        "Power BI Copilot; Copilot for Power BI; Fabric Copilot; Copilot in Fabric",
    ),
    define_product("miro-ai", "Miro AI", "Miro", "Miro Sidekicks; Miro AI Workflows; Miro Assist"),
    define_product(
        "notion-ai", "Notion AI", "Notion Labs", "Notion Agent; Notion AI Agent; Notion"
    ),
    define_product(
        "oracle-fusion-ai",
        "Oracle Fusion AI (AI Agent Studio)",
        "Oracle",
        "Oracle Fusion AI; Oracle AI Agent Studio; Oracle Digital Assistant; Oracle Fusion",
    ),
    define_product(
        "pega-genai",
        "Pega GenAI",
        "Pegasystems",
        "Pega Blueprint; Pega GenAI Connect; Pega Coach; Pega Gen AI; Pega AI",
    ),
    define_product(
        "perplexity-enterprise",
        "Perplexity Enterprise",
        "Perplexity",
        "Perplexity Enterprise Pro; Perplexity Pro; Enterprise Max; Perplexity Max",
        "Perplexity; Perplexity AI",
    ),
    define_product(
        "power-platform-ai-builder",
        "Power Platform AI Builder and prompts",
        "Microsoft",
        "AI Builder; Power Platform AI Builder; Power Platform; Power Automate; Power Apps",
    ),
    define_product(
        "salesforce-agentforce",
        "Salesforce Agentforce and Einstein",
        "Salesforce",
        "Agentforce; Salesforce Agentforce; Salesforce Einstein GPT; Salesforce Einstein; "
        "Einstein GPT; Einstein Copilot; "
        "Einstein AI; Sales GPT; Service GPT; Salesforce AI; Salesforce",
        "Einstein",
    ),
    define_product("sap-joule", "SAP Joule", "SAP", "SAP Business AI; Joule Studio; Joule"),
    define_product(
        "servicenow-now-assist",
        "ServiceNow Now Assist",
        "ServiceNow",
        "Now Assist; Now LLM; ServiceNow Otto; ServiceNow AI; Service Now Assist; ServiceNow; "
        "Service-Now",
    ),
    define_product("slack-ai", "Slack AI", "Slack (Salesforce)", "Slack recaps; Slackbot AI"),
    define_product(
        "snowflake-intelligence",
        "Snowflake Cortex and Snowflake Intelligence",
        "Snowflake",
        "Snowflake Intelligence; Cortex Agents; Cortex Analyst; Snowflake Copilot",
    ),
    define_product(
        "uipath",
        "UiPath (Agents, Autopilot, Delegate)",
        "UiPath",
        "UiPath Agents; UiPath Autopilot; UiPath Delegate; UiPath; UiPath Document Understanding",
    ),
    define_product(
        "workday-ai", "Workday Illuminate", "Workday", "Workday AI; Workday", "Illuminate"
    ),
    define_product(
        "zendesk-ai", "Zendesk AI", "Zendesk", "Zendesk Copilot; Zendesk AI agents; Zendesk"
    ),
    define_product(
        "zoom-ai-companion", "Zoom AI Companion", "Zoom", "Zoom AI; Zoom IQ; AI Companion; Zoom"
    ),
)

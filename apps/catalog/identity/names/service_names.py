"""AI services of cloud platforms, assistants and tools, under the names that people write."""

from apps.catalog.identity.names.product_names import Product, define_product

SERVICES: tuple[Product, ...] = (
    define_product(
        "azure-ai-speech",
        "Azure AI Speech",
        "Microsoft",
        "Azure Speech; Azure Speech Service; Azure Speech Services; Azure Speech to Text; Azure "
        "Text to Speech; Azure Cognitive Services Speech; Microsoft Speech",
    ),
    define_product(
        "azure-document-intelligence",
        "Azure AI Document Intelligence",
        "Microsoft",
        "Azure Document Intelligence; Document Intelligence; Azure Form Recognizer; Form "
        "Recognizer",
    ),
    define_product("azure-ai-search", "Azure AI Search", "Microsoft", "Azure Cognitive Search"),
    define_product("azure-ai-translator", "Azure AI Translator", "Microsoft", "Azure Translator"),
    define_product("microsoft-translator", "Microsoft Translator", "Microsoft", "Bing Translator"),
    define_product(
        "gemini-cloud-assist", "Gemini for Google Cloud", "Google", "Gemini Cloud Assist"
    ),
    define_product(
        "azure-ai-vision",
        "Azure AI Vision",
        "Microsoft",
        "Azure Computer Vision; Azure Vision; Azure OCR",
    ),
    define_product(
        "azure-ai-language",
        "Azure AI Language",
        "Microsoft",
        "Azure Language Service; Azure Text Analytics; Azure Cognitive Services; Microsoft LUIS; "
        "Azure AI Services; Azure Content Safety; Azure AI Content Safety",
    ),
    define_product(
        "azure-bot-service", "Azure Bot Service", "Microsoft", "Microsoft Bot Framework; Azure Bot"
    ),
    define_product(
        "amazon-transcribe", "Amazon Transcribe", "Amazon Web Services", "AWS Transcribe"
    ),
    define_product(
        "amazon-textract", "Amazon Textract", "Amazon Web Services", "AWS Textract; Textract"
    ),
    define_product(
        "amazon-comprehend", "Amazon Comprehend", "Amazon Web Services", "AWS Comprehend"
    ),
    define_product(
        "amazon-rekognition",
        "Amazon Rekognition",
        "Amazon Web Services",
        "AWS Rekognition; Rekognition",
    ),
    define_product("amazon-polly", "Amazon Polly", "Amazon Web Services", "AWS Polly"),
    define_product("amazon-translate", "Amazon Translate", "Amazon Web Services", "AWS Translate"),
    define_product("amazon-lex", "Amazon Lex", "Amazon Web Services", "AWS Lex"),
    define_product("amazon-kendra", "Amazon Kendra", "Amazon Web Services", "AWS Kendra"),
    define_product(
        "amazon-connect", "Amazon Connect", "Amazon Web Services", "AWS Connect; Contact Lens"
    ),
    define_product(
        "google-document-ai", "Google Document AI", "Google", "Document AI; GCP Document AI"
    ),
    define_product(
        "google-dialogflow",
        "Google Dialogflow",
        "Google",
        "Dialogflow; Dialogflow CX; Google CCAI; Contact Center AI",
    ),
    define_product(
        "google-speech-to-text",
        "Google Speech-to-Text",
        "Google",
        "Google Speech; Google Cloud Speech; Google Cloud Speech-to-Text",
    ),
    define_product(
        "google-translate",
        "Google Translate",
        "Google",
        "Google Translation; Google Cloud Translation; Cloud Translation API",
    ),
    define_product(
        "google-vision",
        "Google Cloud Vision",
        "Google",
        "Google Vision; Cloud Vision API; Google Vision API",
    ),
    define_product(
        "vertex-ai-search", "Vertex AI Search", "Google", "Vertex Search; Vertex AI Agent Builder"
    ),
    define_product("notebooklm", "NotebookLM", "Google", "Notebook LM; Google NotebookLM"),
    define_product(
        "watsonx-assistant",
        "IBM watsonx Assistant",
        "IBM",
        "watsonx Assistant; Watson Assistant; IBM Watson; watsonx Orchestrate; watsonx Code "
        "Assistant",
    ),
    # --- assistants and tools ---------------------------------------------------------------------
    define_product("openai-codex", "OpenAI Codex", "OpenAI", "Codex CLI; Codex agent"),
    define_product("chatgpt-agent", "ChatGPT agent", "OpenAI", "OpenAI Operator"),
    define_product(
        "le-chat", "Le Chat", "Mistral AI", "Mistral Le Chat; Le Chat Enterprise; Le Chat Pro"
    ),
    define_product("meta-ai", "Meta AI", "Meta", "Meta AI assistant"),
    define_product("windsurf", "Windsurf", "Cognition", "Windsurf Editor; Windsurf IDE; Codeium"),
    define_product("devin", "Devin", "Cognition", "Devin AI", "Devin"),
    define_product("tabnine", "Tabnine", "Tabnine"),
    define_product("replit", "Replit", "Replit", "Replit Agent; Replit AI"),
    define_product("lovable", "Lovable", "Lovable", "Lovable.dev", "Lovable"),
    define_product(
        "sourcegraph-cody", "Sourcegraph Cody", "Sourcegraph", "Sourcegraph Amp", "Cody"
    ),
    define_product("midjourney", "Midjourney", "Midjourney", "Mid Journey"),
    define_product("runway", "Runway", "Runway", "RunwayML; Runway Gen-3; Runway Gen-4", "Runway"),
    define_product("synthesia", "Synthesia", "Synthesia"),
    define_product("heygen", "HeyGen", "HeyGen"),
    define_product("elevenlabs", "ElevenLabs", "ElevenLabs", "Eleven Labs"),
    define_product("ideogram", "Ideogram", "Ideogram"),
    define_product("suno", "Suno", "Suno", "Suno AI"),
    define_product("jasper", "Jasper", "Jasper", "Jasper AI", "Jasper"),
    define_product("copy-ai", "Copy.ai", "Copy.ai"),
    define_product("otter", "Otter.ai", "Otter", "Otter AI"),
    define_product("fireflies", "Fireflies.ai", "Fireflies", "Fireflies AI"),
    define_product("gong", "Gong", "Gong", "Gong AI; Gong.io", "Gong"),
    define_product(
        "microsoft-dragon-copilot",
        "Microsoft Dragon Copilot",
        "Microsoft",
        "Dragon Copilot; Nuance Dragon Copilot; DAX Copilot; Nuance DAX; Nuance DAX Copilot",
    ),
    define_product(
        "nuance-dragon",
        "Nuance Dragon",
        "Microsoft",
        "Dragon Medical; Dragon Medical One; Dragon NaturallySpeaking; Nuance Mix; Nuance",
    ),
    define_product("kore-ai", "Kore.ai", "Kore.ai", "Kore AI"),
    define_product("rasa", "Rasa", "Rasa", "Rasa Pro"),
    define_product("parloa", "Parloa", "Parloa"),
    define_product("moveworks", "Moveworks", "ServiceNow"),
    define_product("liveperson", "LivePerson", "LivePerson"),
    define_product("nice-enlighten", "NICE Enlighten", "NICE", "NICE CXone; CXone Mpower"),
    define_product("five9", "Five9", "Five9", "Five9 Genius AI"),
    define_product("verint", "Verint", "Verint", "Verint Da Vinci"),
    define_product("luminance", "Luminance", "Luminance", "Luminance AI", "Luminance"),
    define_product("kira", "Kira", "Litera", "Kira Systems; Litera Kira", "Kira"),
    define_product("legora", "Legora", "Legora"),
    define_product(
        "cocounsel",
        "CoCounsel",
        "Thomson Reuters",
        "Thomson Reuters CoCounsel; Westlaw AI; Westlaw Precision",
    ),
    define_product("lexis-ai", "Lexis+ AI", "LexisNexis", "Lexis AI; Lexis Plus AI; Protege AI"),
    define_product("alphasense", "AlphaSense", "AlphaSense"),
    define_product("bloomberg-ai", "Bloomberg AI", "Bloomberg", "BloombergGPT"),
    define_product("hyperscience", "Hyperscience", "Hyperscience"),
    define_product(
        "abbyy", "ABBYY Vantage", "ABBYY", "ABBYY FlexiCapture; ABBYY FineReader; ABBYY"
    ),
    define_product("trados", "Trados", "RWS", "SDL Trados; Language Weaver"),
    define_product("quillbot", "QuillBot", "QuillBot"),
    define_product("writesonic", "Writesonic", "Writesonic"),
    define_product("you-com", "You.com", "You.com"),
    define_product("poe", "Poe", "Quora", "", "Poe"),
)

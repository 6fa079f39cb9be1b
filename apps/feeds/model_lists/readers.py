"""Which providers' own model lists are readable, by host, and where their list is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apps.catalog.claims.feed_rows import ParsedFeed
from apps.feeds.model_lists import anthropic, azure, bedrock, google, mistral, openai, xai

# Kind of the sources that are a provider's own model list.
KIND = "model-list"


@dataclass(frozen=True, slots=True)
class ListReader:
    """The reader of one provider's list; `url` is the address of the list, which needs the access
    of a customer."""

    host: str
    url: str
    parse: Callable[[bytes], ParsedFeed]


LIST_READERS: Mapping[str, ListReader] = {
    reader.host: reader
    for reader in (
        ListReader(anthropic.HOST, "https://api.anthropic.com/v1/models", anthropic.parse),
        ListReader(
            google.HOST, "https://generativelanguage.googleapis.com/v1beta/models", google.parse
        ),
        ListReader(openai.HOST, "https://api.openai.com/v1/models", openai.parse),
        ListReader(xai.HOST, "https://api.x.ai/v1/models", xai.parse),
        ListReader(mistral.HOST, "https://api.mistral.ai/v1/models", mistral.parse),
        ListReader(
            azure.HOST,
            "https://learn.microsoft.com/rest/api/aiservices/accountmanagement/models/list",
            azure.parse,
        ),
        ListReader(
            bedrock.HOST,
            "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html",
            bedrock.parse,
        ),
    )
}

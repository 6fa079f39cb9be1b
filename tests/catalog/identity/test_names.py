"""The reader of names as people write them: what it answers, what it asks, what it never does."""

import pytest

from apps.catalog.identity.names.reader import NameReader
from apps.catalog.identity.names.reading import Certainty, Kind, Reading
from apps.catalog.identity.resolver.resolve import Resolver
from tests.catalog.name_labels import known_ids_of_the_build, reader


def read(text: str, host_cell: str = "") -> Reading:
    return reader().read_name(text, host_cell)


# --- one version, one line ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("gpt-4.1-2025-04-14", "openai/gpt-4.1-2025-04-14"),
        ("Llama 3.1 70B Instruct", "meta/llama-3.1-70b-instruct"),
        ("Claude Opus 4.8", "anthropic/claude-opus-4-8"),
        ("GLM-4.5 Air", "zhipuai/glm-4.5-air"),
        ("Mistral Large 2411", "mistral/mistral-large-2411"),
        ("Magistral Medium 1.2", "mistral/magistral-medium-2509"),
        ("Mistral Small 3.2 / 2506", "mistral/mistral-small-2506"),
        ("Claude 3.5 Sonnet v2", "anthropic/claude-3-5-sonnet-20241022"),
        ("Gemini 1.5 Pro 002", "google/gemini-1.5-pro-002"),
        ("ada-002", "openai/text-embedding-ada-002"),
        ("chatgpt-4o-latest", "openai/chatgpt-4o-latest"),
        ("o1-preview", "openai/o1-preview"),
    ],
)
def test_a_name_with_all_its_facts_is_a_version(text: str, version: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.version) == (Kind.RESOLVED, version), reading.why


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("GPT-4o", "openai/gpt-4o"),
        ("gpt4omini", "openai/gpt-4o-mini"),
        ("GPT 4 Turbo", "openai/gpt-4-turbo"),
        ("claude3.5sonnet", "anthropic/claude-3-5-sonnet"),
        ("Opus 4.1", "anthropic/claude-opus-4-1"),
        ("Gemini-Pro-2.5", "google/gemini-2.5-pro"),
        ("Command R+", "cohere/command-r-plus"),
        ("DALL·E 3", "openai/dall-e-3"),
        ("Llama 3 8B", "meta/llama-3-8b-instruct"),
        ("DeepSeek V3", "deepseek/deepseek-v3"),
        ("embedding-3-small", "openai/text-embedding-3-small"),
        ("GPT o3 mini", "openai/o3-mini"),
    ],
)
def test_a_name_without_a_release_asks_for_the_version_of_its_line(text: str, line: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.line, reading.version) == (Kind.CHOOSE, line, "")
    assert reading.candidates


def test_the_id_to_the_letter_is_exact() -> None:
    assert read("gpt-4o-2024-11-20").certainty is Certainty.EXACT
    assert read("GPT-4o (2024-11-20)").certainty is Certainty.CERTAIN


@pytest.mark.parametrize(
    "text",
    [
        "eu.anthropic.claude-3-haiku-20240307-v1:0",
        "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
        "claude-3-haiku@20240307 in production",
    ],
)
def test_an_id_in_the_form_of_a_host_is_read_by_the_resolver(text: str) -> None:
    assert read(text).version == "anthropic/claude-3-haiku-20240307"


def test_the_decision_of_a_user_comes_first() -> None:
    decisions = {("", "our gpt"): "openai/gpt-4o-2024-08-06", ("azure", "gpt-4o"): None}
    decided = NameReader(Resolver(known_ids_of_the_build(), decisions))

    assert decided.read_name("Our GPT").version == "openai/gpt-4o-2024-08-06"
    assert decided.read_name("GPT-4o", "Azure OpenAI").kind is Kind.NOT_A_MODEL
    assert decided.read_name("GPT-4o").line == "openai/gpt-4o"


# --- families -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("Claude Opus", "anthropic/claude-opus-4-5"),
        ("Claude 3.5", "anthropic/claude-3-5-haiku"),
        ("Gemini Flash", "google/gemini-2.5-flash"),
        ("Phi-3", "microsoft/phi-3-mini-4k-instruct"),
        ("GPT-4 family", "openai/gpt-4.1-mini"),
        ("Claude Instant", "anthropic/claude-instant-1.2"),
        ("GPT-3", "openai/gpt-3.5-turbo"),
        ("Qwen3 Coder", "alibaba/qwen3-coder-30b-a3b-instruct"),
        ("Qwen3 Next 80B", "alibaba/qwen3-next-80b-a3b-thinking"),
        ("Claude 1", "anthropic/claude-1.3"),
        ("ChatGPT 4o", "openai/gpt-4o"),
    ],
)
def test_a_name_that_leaves_the_model_open_is_a_family(text: str, some: str) -> None:
    reading = read(text)

    assert reading.kind is Kind.FAMILY
    assert some in reading.candidates
    assert reading.line == reading.version == ""


def test_a_family_lists_its_newest_lines_first_and_leaves_out_other_uses() -> None:
    candidates = read("Gemini").candidates

    assert candidates.index("google/gemini-2.5-pro") < candidates.index("google/gemini-1.5-pro")
    assert not [line for line in candidates if "image" in line or "tts" in line]


def test_a_developer_alone_is_a_family_of_everything_it_makes() -> None:
    reading = read("Anthropic, whichever is current")

    assert (reading.kind, reading.developer) == (Kind.FAMILY, "anthropic")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("GPT-40", "openai/gpt-4o"),
        ("03-mini", "openai/o3-mini"),
        ("Gemini 3 27B", "google/gemma-3-27b-it"),
    ],
)
def test_a_slip_in_a_number_or_a_family_is_a_candidate_to_confirm(text: str, line: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.candidates) == (Kind.FAMILY, (line,))
    assert reading.certainty is Certainty.LIKELY


# --- never the nearest neighbour ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("GPT-4.3", "openai/gpt-4.1"),
        ("GPT-5 Turbo", ""),
        ("gpt-4o-2024-08-07", "openai/gpt-4o"),
        ("GPT-4o (21.11.2024)", "openai/gpt-4o"),
        ("Claude 3.7 Opus", ""),
        ("Claude Haiku 4", "anthropic/claude-haiku-4-5"),
        ("Gemini 2.5 Ultra", ""),
        ("Llama 3.1 72B", ""),
        ("Mistral-7B-Instruct-v0.2", ""),
        ("mistral large 2410", "mistral/mistral-large"),
        ("Nova Ultra (Bedrock)", ""),
        ("gpt-4o-nano", ""),
    ],
)
def test_a_number_date_size_or_tier_that_does_not_exist_is_unknown(text: str, hint: str) -> None:
    reading = read(text)

    assert reading.kind is Kind.UNKNOWN, reading.why
    assert reading.version == reading.line == ""
    assert not hint or reading.hint == hint


@pytest.mark.parametrize(
    "text", ["gpt-4o-contracts-prod", "my-gpt-4o", "chat-prod-01", "llm-eu-gateway"]
)
def test_the_name_of_a_deployment_is_unknown(text: str) -> None:
    assert read(text, "Azure OpenAI").kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    "text", ["Customer portal Titan", "Hermes parcel tracking", "Project Gemini", "Voyage expenses"]
)
def test_the_name_of_a_system_is_not_a_family(text: str) -> None:
    assert read(text).kind is Kind.UNKNOWN


def test_a_developer_that_does_not_make_the_model_makes_it_unknown() -> None:
    assert read("Anthropic GPT-4").kind is Kind.UNKNOWN


def test_a_tier_apart_from_the_name_is_asked() -> None:
    reading = read("GPT-4o for the service desk, mini")

    assert reading.kind in (Kind.FAMILY, Kind.SEVERAL)


# --- spelling -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Calude 3.7 Sonnet", "anthropic/claude-3-7-sonnet"),
        ("Claude 3.5 Sonet", "anthropic/claude-3-5-sonnet"),
        ("Gemni 1.5 Pro", "google/gemini-1.5-pro"),
        ("Llamma 3 70B", "meta/llama-3-70b-instruct"),
        ("Mistrall Large", "mistral/mistral-large"),
        ("GPT-4 Trubo", "openai/gpt-4-turbo"),
        ("Lamma 3.3 70B", "meta/llama-3.3-70b-instruct"),
    ],
)
def test_one_slip_in_a_word_is_corrected_and_the_version_is_asked(text: str, line: str) -> None:
    assert (read(text).kind, read(text).line) == (Kind.CHOOSE, line)


def test_a_slip_beside_the_full_code_of_a_release_is_still_that_release() -> None:
    reading = read("Mistal Large 2411")

    assert reading.version == "mistral/mistral-large-2411"
    assert reading.certainty is Certainty.LIKELY


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Whisper groß v3", "openai/whisper-large-v3"),
        ("Jurassic-2 Ultra", "ai21/j2-ultra"),
        ("Nemotron Ultra 253B (Llama 3.1)", "nvidia/llama-3.1-nemotron-ultra-253b"),
        ("Chat GPT 3.5 Turbo", "openai/gpt-3.5-turbo"),
        ("GPT-4o, deployment gpt4o-prd", "openai/gpt-4o"),
    ],
)
def test_other_words_for_the_same_line_are_understood(text: str, line: str) -> None:
    assert read(text).line == line


@pytest.mark.parametrize("text", ["ChatGTP", "Chat GTP", "ChatGBT"])
def test_a_slip_in_the_name_of_the_app_is_the_app(text: str) -> None:
    assert read(text).product == "chatgpt"


def test_a_code_that_a_name_leaves_out_is_asked() -> None:
    assert read("OpenAI embeddings (ada v2)").kind is Kind.FAMILY


# --- dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "GPT-4o (20.11.2024)",
        "GPT-4o 11/20/2024",
        "GPT-4o v. 2024-11-20",
        "GPT-4o vom 20. November 2024",
        "GPT-4o du 20 novembre 2024",
        "GPT-4o del 20 de noviembre de 2024",
        "GPT-4o 20 listopada 2024",
        "GPT-4o (Nov 2024)",
        "gpt-4o 1120",
        "GPT-4o (20.11.24)",
        "GPT-4o 20-Nov-24",
        "GPT-4o (Nov '24)",
        "GPT-4o (Nov 24)",
        "GPT-4o 11/24",
    ],
)
def test_a_date_names_the_release_of_that_day(text: str) -> None:
    assert read(text).version == "openai/gpt-4o-2024-11-20"


@pytest.mark.parametrize(
    "text",
    [
        "GPT-4o, live since 11/2024",
        "GPT-4o seit November 2024 im Einsatz",
        "GPT-4o (go-live 20.11.2024)",
        "GPT-4o, review 03/2026",
        "GPT-4o, live since 11/24",
        "GPT-4o seit 20.11.24",
    ],
)
def test_a_date_of_use_is_not_the_date_of_a_release(text: str) -> None:
    assert (read(text).kind, read(text).line) == (Kind.CHOOSE, "openai/gpt-4o")


def test_a_month_with_two_releases_names_none() -> None:
    assert read("Qwen Plus (July 2025)").kind is not Kind.RESOLVED


# --- hosts and regions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell", "host"),
    [
        ("GPT-4o (Azure)", "", "azure"),
        ("GPT-4o", "Microsoft", "azure"),
        ("Claude Sonnet 4 via Bedrock", "Azure", "amazon-bedrock"),
        ("Claude Sonnet 4", "AWS", "amazon-bedrock"),
        ("Claude Sonnet 4", "Google", "google-vertex"),
        ("Gemini 2.0 Flash", "GCP", "google-vertex"),
        ("Gemini 2.0 Flash (AI Studio)", "", "google"),
        ("Mistral Large", "La Plateforme", "mistral"),
        ("Llama 3.3 70B @ Groq", "", "groq"),
        ("Llama 3.3 70B", "own DC", "own"),
        ("Llama 3.3 70B, self-hosted", "AWS", "own"),
        ("Llama 3.3 70B", "Rechenzentrum intern", "own"),
        ("Llama 3.3 70B hébergé en interne", "", "own"),
        ("Llama 3.3 70B en servidores propios", "", "own"),
        ("Llama 3.3 70B su server aziendali", "", "own"),
        ("Llama 3.3 70B na własnych serwerach", "", "own"),
        ("Llama 3.3 70B", "vLLM", "own"),
        ("GPT-4o", "LiteLLM", None),
        ("Llama 3.3 70B", "Some Hoster GmbH", None),
        ("OpenAI GPT-4o", "", None),
    ],
)
def test_the_host_is_the_one_in_the_text_else_in_the_cell(
    text: str, cell: str, host: str | None
) -> None:
    assert read(text, cell).host == host


def test_regions_are_kept_as_written() -> None:
    assert read("GPT-4o (Azure, Sweden Central)").regions == ("Sweden Central",)
    assert read("Claude 3 Haiku", "Bedrock eu-west-1").regions == ("eu-west-1",)
    assert read("GPT-4o EU Data Zone, Global Standard, PTU").regions == ("EU Data Zone",)
    assert read("they told us GPT-4o").regions == ()


# --- products and platforms -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("M365 Copilot", "microsoft-365-copilot"),
        ("GitHub Copilot Business", "github-copilot"),
        ("ServiceNow Now Assist", "servicenow-now-assist"),
        ("Gemini for Workspace", "google-workspace-gemini"),
        ("Claude Code", "claude-code"),
        ("DeepL, kein LLM", "deepl"),
    ],
)
def test_a_product_is_no_model(text: str, slug: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.product) == (Kind.PRODUCT, slug)
    assert reading.host is None


def test_a_name_of_several_products_asks_which() -> None:
    reading = read("Copilot", "Microsoft")

    assert (reading.kind, reading.product) == (Kind.PRODUCT, "")
    assert {"microsoft-365-copilot", "github-copilot"} <= set(reading.candidates)


def test_a_model_named_with_a_product_is_inside_it() -> None:
    reading = read("Cognigy (GPT-4o)")

    assert reading.product == "cognigy"
    assert reading.inside is not None
    assert reading.inside.line == "openai/gpt-4o"


def test_a_system_called_copilot_is_no_product_of_that_name() -> None:
    assert read("claims-copilot").kind is Kind.UNKNOWN
    assert read("Underwriting Copilot").kind is Kind.UNKNOWN


def test_an_everyday_word_is_a_product_only_alone_or_beside_its_vendor() -> None:
    assert read("Einstein").product == "salesforce-agentforce"
    assert read("Dash", "Dropbox").product == "dropbox-dash"
    assert read("the fin team decides").kind is not Kind.PRODUCT


def test_a_platform_alone_asks_for_its_model() -> None:
    reading = read("AWS Bedrock (various models)")

    assert (reading.kind, reading.product_name) == (Kind.PRODUCT, "Amazon Bedrock")
    assert reading.host == "amazon-bedrock"


# --- several --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("GPT-4o / Claude Sonnet 4", ["openai/gpt-4o", "anthropic/claude-sonnet-4-0"]),
        ("GPT-4.1 & mini", ["openai/gpt-4.1", "openai/gpt-4.1-mini"]),
        ("Llama 3.1 8B/70B", ["meta/llama-3.1-8b-instruct", "meta/llama-3.1-70b-instruct"]),
        ("Gemini 2.5 Pro und Flash", ["google/gemini-2.5-pro", "google/gemini-2.5-flash"]),
        ("1) o1 2) Claude 3 Haiku", ["openai/o1", "anthropic/claude-3-haiku"]),
        ("Claude 3 Haiku/Sonnet", ["anthropic/claude-3-haiku", "anthropic/claude-3-sonnet"]),
        ("Claude Sonnet 4 / 4.5", ["anthropic/claude-sonnet-4-0", "anthropic/claude-sonnet-4-5"]),
        ("Nova Lite, Micro, Pro", ["amazon/nova-lite", "amazon/nova-micro", "amazon/nova-pro"]),
    ],
)
def test_a_list_is_read_part_by_part(text: str, lines: list[str]) -> None:
    reading = read(text)

    assert reading.kind is Kind.SEVERAL
    assert [part.line for part in reading.parts] == lines


def test_two_developers_or_platforms_without_a_model_are_asked_one_by_one() -> None:
    developers = read("OpenAI and Anthropic")
    platforms = read("Azure OpenAI + Bedrock")

    assert [part.developer for part in developers.parts] == ["openai", "anthropic"]
    assert [part.host for part in platforms.parts] == ["azure", "amazon-bedrock"]


def test_tools_in_a_list_are_no_parts_and_unknown_models_are() -> None:
    assert read("Python + LangChain + GPT-4o + Neo4j").line == "openai/gpt-4o"
    parts = read("GPT-4o + nomic-embed-text").parts
    assert [part.kind for part in parts] == [Kind.CHOOSE, Kind.UNKNOWN]


def test_each_part_has_its_own_host_or_the_shared_one() -> None:
    own = read("GPT-4o on Azure, Claude 3.5 Sonnet on Bedrock")
    shared = read("GPT-4o and GPT-4o mini (Azure)")

    assert [part.host for part in own.parts] == ["azure", "amazon-bedrock"]
    assert [part.host for part in shared.parts] == ["azure", "azure"]


def test_a_fallback_says_so() -> None:
    assert [part.role for part in read("GPT-4o (fallback: GPT-4.1)").parts] == ["", "fallback"]
    assert [part.role for part in read("GPT-4o → GPT-4.1").parts] == ["old", ""]


# --- what is not in use ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "moved from GPT-4 to GPT-4o",
        "GPT-4 replaced by GPT-4o",
        "formerly GPT-4, now GPT-4o",
        "früher GPT-4, jetzt GPT-4o",
        "planned: GPT-5, today: GPT-4o",
        "GPT-4o, GPT-5 planned",
        "GPT-4o instead of GPT-4",
    ],
)
def test_the_model_in_use_is_taken(text: str) -> None:
    assert (read(text).kind, read(text).line) == (Kind.CHOOSE, "openai/gpt-4o")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("GPT-4.1 (bis Ende 2025: GPT-3.5 Turbo)", "openai/gpt-4.1"),
        (
            "Claude Sonnet 4.5 (fino al 31/03/2026: Claude 3.7 Sonnet)",
            "anthropic/claude-sonnet-4-5",
        ),
        ("until Q1 2026 gpt-4o, now gpt-4.1", "openai/gpt-4.1"),
        ("GPT-4 (tot 2024), GPT-4o (nu)", "openai/gpt-4o"),
        ("o3 (vroeger o1)", "openai/o3"),
        ("GPT-4o niet meer, nu Gemini 2.5 Flash", "google/gemini-2.5-flash"),
        ("Claude 3.5 Haiku (al posto di GPT-4)", "anthropic/claude-3-5-haiku"),
        ("Command R (formerly GPT-4)", "cohere/command-r"),
    ],
)
def test_the_end_of_its_time_makes_a_model_a_former_one(text: str, line: str) -> None:
    assert read(text).line == line


def test_a_time_that_ends_says_nothing_of_the_model_after_it() -> None:
    assert [part.line for part in read("GPT-4o bis 2027, danach GPT-5").parts] == [
        "openai/gpt-4o",
        "openai/gpt-5",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "voyage 3 large, embeddings for RAG",
        "voyage-3-large; embedding i wyszukiwanie",
        "voyage-3-large, voor de embeddings",
        "voyage-3-large; embeddings para buscar",
    ],
)
def test_what_a_model_is_for_is_no_part_of_its_own(text: str) -> None:
    assert read(text).line == "voyage/voyage-3-large"


def test_another_kind_of_model_in_a_list_is_a_part() -> None:
    assert [part.text for part in read("GPT-4o + embeddings").parts] == ["GPT-4o", "embeddings"]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Sonar Pro (Perplexity API)", "perplexity"),
        ("Sonar Pro (API di Perplexity)", "perplexity"),
        ("Claude Opus 4.8 (API Anthropic)", "anthropic"),
        ("command-r-plus-08-2024 chez Cohere", "cohere"),
        ("Mixtral 8x7B zelf gehost", "own"),
        ("Mistral, hébergé chez nous", "own"),
    ],
)
def test_the_api_of_a_developer_and_own_machines_are_hosts(text: str, host: str) -> None:
    reading = read(text)

    assert reading.host == host
    assert reading.kind is not Kind.PRODUCT


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("zorgbot-v2 (basis Llama 3.1 8B)", "meta/llama-3.1-8b-instruct"),
        ("assureur-v1 (modèle de base : Mistral Nemo)", "mistral/mistral-nemo"),
        ("support-ft-v4 (Basis: gpt-4o-mini)", "openai/gpt-4o-mini"),
    ],
)
def test_a_name_with_its_base_in_brackets_is_a_model_of_its_own(text: str, base: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.derived_from, reading.line) == (Kind.UNKNOWN, base, "")


def test_an_application_beside_a_closed_model_uses_that_model() -> None:
    assert read("HR-Bot v2 (Basis GPT-4o)").line == "openai/gpt-4o"


def test_a_family_is_narrowed_to_the_facts_stated() -> None:
    languages = read("Cohere embeddings, multilingual").candidates
    own = read("Mistral hosted by us").candidates

    assert "cohere/embed-multilingual-v3.0" in languages
    assert not [line for line in languages if "english" in line]
    assert "mistral/mistral-7b-instruct-v0.3" in own
    assert "mistral/mistral-code" not in own


def test_the_reason_counts_versions_and_aliases_apart() -> None:
    assert read("gpt-4.1").why.endswith("The catalogue has one version and one alias.")
    assert read("Claude 3.5 Sonnet").why.endswith("The catalogue has 2 versions.")


def test_the_size_that_a_release_has_is_no_other_model() -> None:
    assert read("Mistral Small 3.1 (24B)").version == "mistral/mistral-small-2503"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("R1 Distill Qwen 32B", "deepseek/deepseek-r1-distill-qwen-32b"),
        ("Claude 3,5 Sonnet", "anthropic/claude-3-5-sonnet"),
        ("Ministral 8B 24.10 - Edge-Box", "mistral/ministral-3-8b"),
    ],
)
def test_a_number_of_the_name_is_read_where_it_stands(text: str, line: str) -> None:
    assert read(text).line == line


def test_what_is_not_used_says_nothing_of_what_is() -> None:
    assert read("not GPT-4").kind is Kind.UNKNOWN
    assert read("no longer uses GPT-4, rules only").kind is Kind.NOT_A_MODEL


# --- no model -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "none",
        "n/a",
        "keine KI",
        "sans IA",
        "no usa IA",
        "nie używa AI",
        "nessuno",
        "nie dotyczy",
        "XGBoost",
        "Excel macro",
        "RPA bot (UiPath)",
        "vector database (Qdrant)",
        "NVIDIA A100",
        "2x NVIDIA H100",
        "GPT partition table",
    ],
)
def test_a_cell_without_a_model_says_so(text: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.not_stated) == (Kind.NOT_A_MODEL, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "TBD",
        "t.b.c.",
        "noch offen",
        "à définir",
        "por confirmar",
        "do ustalenia",
        "-- none --",
        "- keine -",
        "<please select>",
        "see architecture page",
        "siehe Anhang 3",
        "voir fiche technique",
        "confidential – ask legal",
        "Vendor does not disclose",
        "wird nachgereicht",
    ],
)
def test_a_cell_that_is_not_filled_in_yet_is_not_stated(text: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.not_stated) == (Kind.NOT_A_MODEL, True)


# --- adaptations and derivatives ------------------------------------------------------------------


def test_an_own_fine_tune_keeps_its_base_and_says_so() -> None:
    reading = read("GPT-3.5 Turbo fine-tuned on tickets", "Azure")

    assert (reading.line, reading.adaptation) == ("openai/gpt-3.5-turbo", "fine-tune")
    assert read("Llama 3.1 8B Instruct + LoRA").adaptation == "adapter"


@pytest.mark.parametrize(
    "text",
    [
        'Llama 3.1 8B finetune "ClaimBot"',
        "ClaimLM-13B (based on Llama 3.1 8B)",
        "Llama 3.1 8B abliterated",
        "own model based on Llama 3.1 8B",
    ],
)
def test_a_model_built_on_another_is_unknown_and_names_its_base(text: str) -> None:
    reading = read(text)

    assert reading.kind is Kind.UNKNOWN
    assert reading.derived_from == "meta/llama-3.1-8b-instruct"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("ft:gpt-4o-mini-2024-07-18:nord::Ab12", "openai/gpt-4o-mini"),
        ("davinci:ft-nord-2023-02-11", "openai/davinci"),
    ],
)
def test_the_id_of_a_fine_tune_is_unknown_and_names_its_base(text: str, base: str) -> None:
    reading = read(text)

    assert (reading.kind, reading.derived_from) == (Kind.UNKNOWN, base)


def test_a_model_of_a_vendor_is_not_its_product() -> None:
    assert read("ElevenLabs Multilingual v2", "ElevenLabs").kind is Kind.UNKNOWN
    assert read("ElevenLabs").product == "elevenlabs"


@pytest.mark.parametrize("written", ["-AWQ", " Q4_K_M", " (fp8)", " 8-bit", "-GPTQ-Int4", ".gguf"])
def test_number_formats_are_no_part_of_the_name(written: str) -> None:
    reading = read(f"Llama-3.1-70B-Instruct{written}")

    assert reading.version == "meta/llama-3.1-70b-instruct"


def test_a_context_length_counts_only_where_the_family_is_sold_by_it() -> None:
    assert read("GPT-4 32k").line == "openai/gpt-4-32k"
    assert read("GPT-4 Turbo 128k").line == "openai/gpt-4-turbo"
    assert read("GPT-4 8k").kind is Kind.UNKNOWN


def test_a_name_of_base_weights_and_of_the_tuned_model_is_asked() -> None:
    assert read("qwen2.5-coder:7b").kind is Kind.FAMILY
    assert read("Llama 3.1 8B base").kind is Kind.UNKNOWN


# --- numbers and tiers alone ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell", "line"),
    [
        ("4o mini", "Azure OpenAI", "openai/gpt-4o-mini"),
        ("2.0 Flash", "Vertex AI", "google/gemini-2.0-flash"),
        ("V3", "DeepSeek", "deepseek/deepseek-v3"),
        ("Large 2411", "Mistral", "mistral/mistral-large"),
    ],
)
def test_numbers_alone_take_their_family_from_the_cell(text: str, cell: str, line: str) -> None:
    reading = read(text, cell)

    assert (reading.line, reading.certainty) == (line, Certainty.LIKELY)


@pytest.mark.parametrize(
    "text", ["70B", "v2.1", "large", "latest", "Model 4", "10k / 39k", "4 to 1"]
)
def test_numbers_alone_without_a_family_are_unknown(text: str) -> None:
    assert read(text).kind is Kind.UNKNOWN


# --- the words around a name ----------------------------------------------------------------------


def lines_of(reading: Reading) -> list[tuple[str, str]]:
    return [(part.line or part.candidates[0], part.role) for part in reading.parts or (reading,)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("o3 main / 4.1 backup", [("openai/o3", ""), ("openai/gpt-4.1", "fallback")]),
        ("4.1 main / o3 backup", [("openai/gpt-4.1", ""), ("openai/o3", "fallback")]),
        ("o4-mini / 4o", [("openai/o4-mini", ""), ("openai/gpt-4o", "")]),
        (
            "Claude Sonnet 4 main / 4.1 backup",
            [("anthropic/claude-sonnet-4-0", ""), ("anthropic/claude-opus-4-1", "fallback")],
        ),
        ("GPT-4o / API 2.1", [("openai/gpt-4o", "")]),
    ],
)
def test_a_generation_beside_a_model_is_never_dropped(text, lines) -> None:
    assert lines_of(read(text)) == lines


def test_a_number_that_no_model_has_is_asked() -> None:
    assert [part.kind for part in read("o3 / 7.3").parts] == [Kind.CHOOSE, Kind.UNKNOWN]


@pytest.mark.parametrize(
    "text",
    [
        "GPT-4o, seit Herbst GPT-4.1",
        "GPT-4o, since autumn 4.1",
        "GPT-4o (from September: GPT-4.1)",
        "GPT-4o, depuis l'automne GPT-4.1",
        "GPT-4o, da settembre GPT-4.1",
        "GPT-4o, sinds het najaar GPT-4.1",
    ],
)
def test_a_model_in_use_since_a_day_follows_the_one_before(text: str) -> None:
    assert (read(text).kind, read(text).line) == (Kind.CHOOSE, "openai/gpt-4.1")


@pytest.mark.parametrize(
    "text",
    ["GPT-4o since 2024, Claude Sonnet 4 since 2025", "GPT-4o, seit Herbst auch Claude Sonnet 4"],
)
def test_two_models_that_are_both_in_use_stay_two(text: str) -> None:
    assert len(read(text).parts) == 2


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("Azure OpenAI, no further details", "platform:azure"),
        ("Bedrock (no details)", "platform:amazon-bedrock"),
        ("Azure OpenAI, keine näheren Angaben", "platform:azure"),
    ],
)
def test_a_remark_that_nothing_follows_leaves_the_platform_alone(text: str, platform: str) -> None:
    assert (read(text).kind, read(text).product) == (Kind.PRODUCT, platform)


def test_a_remark_alone_states_no_model_yet() -> None:
    assert read("no further details").not_stated


@pytest.mark.parametrize(
    "text",
    ["flow without AI", "Power Automate flow without AI", "UiPath ohne KI", "Copilot, sans IA"],
)
def test_what_is_used_without_ai_is_no_model(text: str) -> None:
    assert read(text).kind is Kind.NOT_A_MODEL


def test_the_version_of_an_embedding_in_brackets_is_a_release_only_if_the_catalogue_has_it() -> (
    None
):
    ada = read("text-embedding-ada-002 (Version 2)")

    assert (ada.kind, len(ada.candidates)) == (Kind.FAMILY, 2)
    assert read("text-embedding-3-large (Version 1)").line == "openai/text-embedding-3-large"
    assert read("Cohere Embed (v4)").line == "cohere/embed-v4.0"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Command R+ 08-2024", ["cohere/command-r-plus"]),
        ("Command_R+_(08_2024)", ["cohere/command-r-plus"]),
        ("Command R + 08-2024", ["cohere/command-r-plus"]),
        ("Command R+ and GPT-4o", ["cohere/command-r-plus", "openai/gpt-4o"]),
        ("Command R + GPT-4o", ["cohere/command-r", "openai/gpt-4o"]),
        ("Command A+", ["cohere/command-a-plus"]),
    ],
)
def test_a_plus_is_never_lost(text: str, lines: list[str]) -> None:
    assert [line for line, _role in lines_of(read(text))] == lines

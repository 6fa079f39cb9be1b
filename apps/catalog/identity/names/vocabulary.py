"""The words of names: which tell lines apart, which say nothing, and the facts in tokens."""

import re
from collections.abc import Iterable
from functools import lru_cache

from apps.catalog.identity.resolver.facts import FORMAT, NAMES, RESTATED_SIZES, words
from apps.catalog.identity.resolver.tokens import (
    ACTIVE,
    CODE,
    NUMBER,
    REVISION,
    SIZE,
    tokens_of,
)

Facts = frozenset[str]


# Several spellings of one word in names.
SYNONYMS = {
    "embedding": "embed",
    "embeddings": "embed",
    "reranker": "rerank",
    "lightweight": "lite",
    "multilingue": "multilingual",
    "multilingua": "multilingual",
    "mehrsprachig": "multilingual",
    "meertalig": "multilingual",
    "wielojezyczny": "multilingual",
    "gros": "large",
    "gross": "large",
    "klein": "small",
    "mittel": "medium",
}


# Words of an ID that people leave out, or add, without meaning another line.
SILENT = frozenset(
    {
        "instruct",
        "chat",
        "hf",
        "preview",
        "generate",
        "text",
        "open",
        "labs",
        "latest",
        "completions",
        "model",
    }
)


# Words that tell lines of one generation apart; such a word that no line has makes a name unknown.
TIERS = words(
    """
    mini nano micro small medium large xl xxl xs tiny big huge pro max ultra plus premium
    premier lite light flash turbo fast express air base instruct chat thinking reasoning
    reasoner think instant sonnet opus haiku fable mythos vision audio realtime transcribe tts
    image embed embedding embeddings coder code codex guard distill preview scout maverick
    nemo multilingual english speciale terminus exp experimental astra luna sol terra cyber
    canvas reel sonic diarize search research omni live multimodal vl math moe mamba edge
    creative video
    """
)


# Claude's tiers name the family by themselves.
IMPLIED = dict.fromkeys(("sonnet", "opus", "haiku"), "claude")


# Words for the languages of a line, which exclude each other.
LANGUAGES = words("multilingual english arabic")


# The families that people leave out of a name.
MAIN_FAMILIES = (
    "gpt",
    "gemini",
    "gemma",
    "claude",
    "mistral",
    "llama",
    "nova",
    "deepseek",
    "grok",
    "qwen",
    "command",
)


# Words of other uses; without them a name means the general lines of a family.
SPECIAL = words(
    """
    rerank
    image tts audio live embed robotics computer customtools cyber realtime transcribe
    translate vision search research moderation guard ocr video safeguard safety multimodal
    exp completions omni native streaming extended diarize law rosalind whisper experimental
    gemma nano generate clip deep custom livetranslate asr mt vl math character
    """
)


# Families whose name is also an everyday word, a system or a company: they need their developer, or
# a cell that says nothing else.
EVERYDAY = words(
    """
    nova mistral command embed rerank sonar mercury titan flux step seed north beam hermes
    spotlight weaver voyage trinity solar ring ling fugu inkling laguna parse pegasus marengo
    magnum dolphin sam muse sora wan aion morph relace intellect ada curie babbage davinci o1
    granite music speech coder cogito lyria veo imagen pixtral tts virtuoso maestro dash
    daybreak medlm ornith perceptron rnj skyfall cydonia rocinante palmyra reka swe hy3 chat
    devstral kat learnlm lfm2 multimodalembedding olmo remm sarvam stable whisper fable mythos
    """
)


# Of these, the ones that a number or a cell of their own makes a family.
DISTINCTIVE = words(
    """
    mistral nova titan whisper sora voyage o1 devstral imagen granite hermes sd veo pixtral
    """
)


# Families that are hardly ever the name of anything else.
UNMISTAKABLE = frozenset({"claude", "gpt", "qwen", "deepseek", "chatgpt"})


# First words that name no family without the second one.
FIRST_OF_TWO = words(
    """
    text image speech music chat deep computer stable code omni nano open labs coder ui tiny
    north multimodal multilingual
    """
)


# Developers whose models are built on those of others.
TUNERS = frozenset(
    {
        "nousresearch",
        "cognitivecomputations",
        "thedrummer",
        "sao10k",
        "anthracite-org",
        "undi95",
        "gryphe",
        "nex-agi",
    }
)


# First words that several developers use for a kind of model.
SHARED_ANCHORS = frozenset({"embed", "rerank", "text", "image", "speech", "moderation"})


DEVELOPER_WORDS = frozenset(
    {
        "amazon",
        "meta",
        "nvidia",
        "openai",
        "google",
        "ai",
        "21",
        "c4ai",
        "anthropic",
        "labs",
        "open",
        "perplexity",
    }
)


# Models of a generation under names without its number: `GPT-3` was offered as these four.
OLDER_NAMES: dict[Facts, tuple[str, ...]] = {
    frozenset({"gpt", "3"}): ("davinci", "curie", "babbage", "ada"),
}


def facts_of(tokens: Iterable[str]) -> Facts:
    """Return the facts of tokens: words in one spelling, without number formats."""
    return frozenset(fact for token in tokens if (fact := _fact_of(token)))


@lru_cache(maxsize=32768)
def _fact_of(token: str) -> str:
    """Return the one spelling of a token; empty for a number format."""
    return "" if FORMAT.fullmatch(token) else SYNONYMS.get(token, token)


@lru_cache(maxsize=32768)
def is_stamp(token: str) -> bool:
    """Return whether a token is a date, a four-digit code or a revision."""
    return token[0] == "=" or bool(CODE.fullmatch(token) or REVISION.fullmatch(token))


@lru_cache(maxsize=32768)
def is_telling(token: str) -> bool:
    """Return whether a number with a letter says enough without a family: `4o`, `r1`."""
    return bool(re.fullmatch(r"\d+o|[a-z]\d", token))


@lru_cache(maxsize=32768)
def is_number(token: str) -> bool:
    """Return whether a token is a version number, size, context length or code."""
    return bool(
        NUMBER.fullmatch(token)
        or SIZE.fullmatch(token)
        or ACTIVE.fullmatch(token)
        or re.fullmatch(r"\d+[a-z]|\d+(?:\.\d+)?[km]|=\d+|\d+x\d+b", token)
    )


# Names that mean no single version, by the facts that the resolver documents.
SHARED_NAMES = frozenset(
    facts_of(tokens_of(text)) for host, text, target in NAMES if target is None and not host
)


def has_restated_size(identifier: str, sizes: set[str]) -> bool:
    """Return whether an ID whose name has no size is documented to have one of these."""
    return any(
        pattern.fullmatch(identifier) and any(sizes <= set(tokens_of(size)) for size in restated)
        for pattern, restated in RESTATED_SIZES
    )


def reduce_facts(facts: Facts) -> Facts:
    return frozenset(fact for fact in facts if fact not in SILENT and not ACTIVE.fullmatch(fact))


def gap_between(missing: Iterable[str], numbers: Iterable[str]) -> tuple[float, bool]:
    """Return how far the closest version number is from a missing one, below 1, and whether it is
    above it; another generation counts as far."""
    wanted = [value_of(token) for token in missing if NUMBER.fullmatch(token)]
    values = [value_of(token) for token in numbers if NUMBER.fullmatch(token)]
    if not wanted:
        return 0.0, False
    if not values:
        return 0.9, False
    gap, number = min((abs(value - wanted[0]), value) for value in values)
    far = 0.0 if int(number) == int(wanted[0]) else 0.3
    return min(0.9, far + gap / 20), number > wanted[0]


def value_of(token: str) -> float:
    match = re.search(r"\d+(?:\.\d+)?", token)
    return float(match[0]) if match else 0.0

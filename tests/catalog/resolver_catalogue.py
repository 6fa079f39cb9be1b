"""The recorded catalogue, and a resolver over a few models of it."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from apps.catalog.identity.resolver.index import KnownId
from apps.catalog.identity.resolver.resolve import Resolver

SHARED = Path(os.environ.get("SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
CATALOGUE = SHARED / "resolver" / "catalogue.jsonl"
LABELS = SHARED / "resolver" / "labels_dev.jsonl"
needs_shared = pytest.mark.skipif(not CATALOGUE.exists(), reason="the shared folder is not here")


def known(
    id: str,
    kind: str = "pinned",
    *,
    line: str = "",
    entity: str = "",
    same_as: str = "",
    names: Sequence[str] = (),
    repositories: Sequence[str] = (),
) -> KnownId:
    developer = id.partition("/")[0]
    return KnownId(
        id=id,
        developer=developer,
        line=line or id,
        kind=kind,
        entity=entity or id,
        same_as=same_as or id,
        names=tuple(names),
        repositories=tuple(repositories),
    )


SONNET_45 = "anthropic/claude-sonnet-4-5-20250929"


A_FEW = (
    known("anthropic/claude-3-5-sonnet", "family"),
    known("anthropic/claude-3-5-sonnet-20240620", line="anthropic/claude-3-5-sonnet"),
    known("anthropic/claude-3-5-sonnet-20241022", line="anthropic/claude-3-5-sonnet"),
    known("anthropic/claude-3-5-haiku", "alias", entity="anthropic/claude-3-5-haiku-20241022"),
    known("anthropic/claude-3-5-haiku-20241022", line="anthropic/claude-3-5-haiku"),
    known("anthropic/claude-3-opus-20240229", line="anthropic/claude-3-opus"),
    known("anthropic/claude-2.0", "alias"),
    known("anthropic/claude-2.1", "alias"),
    known("anthropic/claude-haiku-4-5", "alias", entity="anthropic/claude-haiku-4-5-20251001"),
    known("anthropic/claude-haiku-4-5-20251001", line="anthropic/claude-haiku-4-5"),
    known("anthropic/claude-sonnet-4-0", "alias", entity="anthropic/claude-sonnet-4-20250514"),
    known("anthropic/claude-sonnet-4-20250514", line="anthropic/claude-sonnet-4-0"),
    known("anthropic/claude-sonnet-4-5", "alias", entity=SONNET_45),
    known(SONNET_45, line="anthropic/claude-sonnet-4-5"),
    known("anthropic/claude-opus-4-8"),
    known("openai/gpt-4", "alias"),
    known("openai/gpt-4-0613", line="openai/gpt-4"),
    known("openai/gpt-4-32k", "alias"),
    known("openai/gpt-4-turbo", "alias"),
    known("openai/gpt-4.1", "alias"),
    known("openai/gpt-4o", "alias"),
    known("openai/gpt-4o-2024-08-06", line="openai/gpt-4o"),
    known("openai/gpt-4o-mini", "alias"),
    known("openai/gpt-4o-mini-tts", "alias"),
    known("openai/gpt-3.5-turbo", "alias"),
    known("openai/gpt-5.1", "alias"),
    known("openai/gpt-5.1-chat", "alias"),
    known("openai/gpt-5.1-codex", "alias"),
    known("openai/gpt-5.4", "alias", entity="openai/gpt-5.4-2026-03-05"),
    known("openai/gpt-5.4-2026-03-05", line="openai/gpt-5.4"),
    known("openai/gpt-image-1-mini", "alias"),
    known("openai/o3-mini", "alias"),
    known("openai/o4-mini", "alias"),
    known("openai/gpt-oss-120b", repositories=["openai/gpt-oss-120b"]),
    known("google/gemini-1.5-pro", "alias", entity="google/gemini-1.5-pro-002"),
    known("google/gemini-1.5-pro-002", line="google/gemini-1.5-pro"),
    known("google/gemini-2.0-flash", "alias"),
    known("google/gemini-2.5-pro", "alias"),
    known("google/gemini-2.5-pro-preview-05-06", line="google/gemini-2.5-pro"),
    known("google/gemini-3-pro-preview", "alias", line="google/gemini-3-pro"),
    known("google/gemma-3-27b-it", repositories=["google/gemma-3-27b-it"]),
    known("google/imagen-4.0-generate-001", line="google/imagen-4-0-generate", names=["Imagen 4"]),
    known("meta/llama-2-7b-chat-hf", repositories=["meta-llama/Llama-2-7b-chat-hf"]),
    known("meta/llama-3-70b-instruct", repositories=["meta-llama/Meta-Llama-3-70B-Instruct"]),
    known("meta/llama-3.1-8b-instruct", repositories=["meta-llama/Llama-3.1-8B-Instruct"]),
    known("meta/llama-3.1-70b-instruct", repositories=["meta-llama/Llama-3.1-70B-Instruct"]),
    known("meta/llama-3.3-70b-instruct", repositories=["meta-llama/Llama-3.3-70B-Instruct"]),
    known(
        "meta/llama-4-scout-17b-instruct",
        repositories=["meta-llama/Llama-4-Scout-17B-16E-Instruct"],
    ),
    known("mistral/mistral-large", "alias"),
    known("mistral/mistral-large-2407", line="mistral/mistral-large"),
    known("mistral/mistral-large-2411", line="mistral/mistral-large"),
    known("mistral/mistral-medium", "alias"),
    known(
        "mistral/mistral-medium-2508", line="mistral/mistral-medium", names=["Mistral Medium 3.1"]
    ),
    known("mistral/codestral-latest", "alias", line="mistral/codestral"),
    known(
        "mistral/mixtral-8x7b-instruct-v0.1", repositories=["mistralai/Mixtral-8x7B-Instruct-v0.1"]
    ),
    known("deepseek/deepseek-chat", "alias"),
    known("deepseek/deepseek-v3", repositories=["deepseek-ai/DeepSeek-V3"]),
    known(
        "deepseek/deepseek-v3-0324",
        line="deepseek/deepseek-v3",
        repositories=["deepseek-ai/DeepSeek-V3-0324"],
    ),
    known("deepseek/deepseek-v3.1", repositories=["deepseek-ai/DeepSeek-V3.1"]),
    known("deepseek/deepseek-v3.2", repositories=["deepseek-ai/DeepSeek-V3.2"]),
    known("deepseek/deepseek-v4.1-flash", repositories=["deepseek-ai/DeepSeek-V4.1-Flash"]),
    known("deepseek/deepseek-r1", repositories=["deepseek-ai/DeepSeek-R1"]),
    known(
        "deepseek/deepseek-r1-0528",
        line="deepseek/deepseek-r1",
        repositories=["deepseek-ai/DeepSeek-R1-0528"],
    ),
    known(
        "deepseek/deepseek-r1-distill-llama-70b",
        repositories=["deepseek-ai/DeepSeek-R1-Distill-Llama-70B"],
    ),
    known(
        "deepseek/deepseek-r1-distill-qwen-32b",
        repositories=["deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"],
    ),
    known("alibaba/qwen2-5-72b-instruct", repositories=["Qwen/Qwen2.5-72B-Instruct"]),
    known("alibaba/qwen2-5-vl-72b-instruct", repositories=["Qwen/Qwen2.5-VL-72B-Instruct"]),
    known("alibaba/qwen3-4b", repositories=["Qwen/Qwen3-4B"]),
    known("alibaba/qwen3-32b", repositories=["Qwen/Qwen3-32B"]),
    known("alibaba/qwen3-30b-a3b", repositories=["Qwen/Qwen3-30B-A3B"]),
    known("alibaba/qwen3-235b-a22b", repositories=["Qwen/Qwen3-235B-A22B"]),
    known(
        "alibaba/qwen3-235b-a22b-instruct-2507",
        line="alibaba/qwen3-235b-a22b-instruct",
        repositories=["Qwen/Qwen3-235B-A22B-Instruct-2507"],
    ),
    known(
        "alibaba/qwen3-235b-a22b-thinking-2507",
        line="alibaba/qwen3-235b-a22b-thinking",
        repositories=["Qwen/Qwen3-235B-A22B-Thinking-2507"],
    ),
    known(
        "alibaba/qwen3-coder-480b-a35b-instruct",
        repositories=["Qwen/Qwen3-Coder-480B-A35B-Instruct"],
    ),
    known(
        "alibaba/qwen3-coder-30b-a3b-instruct", repositories=["Qwen/Qwen3-Coder-30B-A3B-Instruct"]
    ),
    known("alibaba/qwen-turbo", "alias"),
    known("moonshotai/kimi-k2", "family", entity="moonshotai/kimi-k2-0711-preview"),
    known("moonshotai/kimi-k2-0711-preview", line="moonshotai/kimi-k2"),
    known("moonshotai/kimi-k2-0905-preview", line="moonshotai/kimi-k2"),
    known("moonshotai/kimi-k2-turbo-preview", line="moonshotai/kimi-k2-turbo"),
    known("moonshotai/kimi-k2-thinking", repositories=["moonshotai/Kimi-K2-Thinking"]),
    known("moonshotai/kimi-k2.5", repositories=["moonshotai/Kimi-K2.5"]),
    known("minimax/minimax-m2", repositories=["MiniMaxAI/MiniMax-M2"]),
    known("minimax/minimax-m2.5", repositories=["MiniMaxAI/MiniMax-M2.5"]),
    known("minimax/minimax-m2.5-highspeed"),
    known("zhipuai/glm-4.5", repositories=["zai-org/GLM-4.5"]),
    known("zhipuai/glm-4.5-air", repositories=["zai-org/GLM-4.5-Air"]),
    known("zhipuai/glm-4.7", repositories=["zai-org/GLM-4.7"]),
    known("zhipuai/glm-5.1", repositories=["zai-org/GLM-5.1"]),
    known("xai/grok-3", "alias"),
    known("xai/grok-4-0709", line="xai/grok-4"),
    known("xai/grok-4-fast", "alias"),
    known("xai/grok-4.3", "alias"),
    known("amazon/nova-lite", "alias"),
    known("amazon/nova-lite-v1", "alias", entity="amazon/nova-lite", same_as="amazon/nova-lite"),
    known("amazon/nova-reel-1-0", "alias"),
    known("amazon/nova-reel-1-1", "alias"),
    known("amazon/titan-embed-text", "alias"),
    known("cohere/command", "alias"),
    known("cohere/embed-english-v3.0", "alias"),
    known("ai21/jamba-1.5-large", "alias"),
    known("bytedance/doubao-seed-2-0-pro-260215", line="bytedance/doubao-seed-2-0-pro"),
    known(
        "nvidia/nemotron-3-nano-30b-a3b",
        repositories=["nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"],
    ),
)


@cache
def resolver() -> Resolver:
    return Resolver(A_FEW)

"""Providers and offerings as an import holds them, and the model that a name stands for."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.catalog.identity.named_models import NamedModel
from apps.catalog.models import ProviderRole


@dataclass(frozen=True, slots=True)
class KnownProvider:
    id: int
    slug: str
    name: str
    roles: tuple[str, ...]

    @property
    def is_gateway(self) -> bool:
        return ProviderRole.GATEWAY in self.roles


@dataclass(frozen=True, slots=True)
class CandidateOffering:
    """Candidate offering: one of several of a model at one host."""

    id: int
    api_id: str
    region: str
    tier: str


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """Model that a row names: either `offering` (its id), or `new` (host slug, api id, region,
    tier), or a `refusal` about `column`.

    `role` is the purpose that the catalogue knows, empty for a plain model."""

    offering: int | None = None
    new: tuple[str, str, str, str] | None = None
    host: str = ""
    api_id: str = ""
    confidence: float = 0.0
    why: str = ""
    resolved: bool = True
    role: str = ""
    refusal: str = ""
    problem: str = ""  # of a refusal: its text without the instruction
    column: str = "use.model"
    canonical: str = ""  # of a new id: the known model that it names
    among: tuple[CandidateOffering, ...] = ()  # of a refusal: what the name can be
    named: NamedModel | None = None  # a name or product without a model ID

    @property
    def key(self) -> Any:
        if self.offering is not None:
            return self.offering
        return self.named.key if self.named is not None else self.new


@dataclass(frozen=True, slots=True)
class KnownOffering:
    id: int
    host: int
    api_id: str
    region: str
    tier: str
    version: int | None
    alias: int | None
    category: str
    lifecycle: str = ""
    retires_on: date | None = None


def role_of_category(category: str) -> str:
    if category.startswith("embed"):
        return "embedding"
    if category.startswith("rerank"):
        return "reranker"
    return "guardrail" if category.startswith("moderation") else ""

"""The identity resolver: which known model a raw string names.

Plain Python over a list of known ids: no database, no clock, no settings. `Resolver.resolve` answers with
steps in words; `Resolver.suggest` offers look-alikes to a person and is never used by `resolve`.
"""

from apps.catalog.resolver.index import KnownId, known_ids
from apps.catalog.resolver.resolve import UNKNOWN, Resolution, Resolver
from apps.catalog.resolver.suggest import Suggestion

RULES_VERSION = 1

__all__ = ["RULES_VERSION", "UNKNOWN", "KnownId", "Resolution", "Resolver", "Suggestion", "known_ids"]

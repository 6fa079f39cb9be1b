"""Sources that are read by a mapping: a governance team says where things lie in a JSON document,
without code."""

from apps.feeds.mapping.paths import BadPath
from apps.feeds.mapping.reading import Reading, read
from apps.feeds.mapping.settings import KIND, BadMapping, Mapping, read_mapping

__all__ = ["KIND", "BadMapping", "BadPath", "Mapping", "Reading", "read", "read_mapping"]

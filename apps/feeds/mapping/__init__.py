"""Sources that are read by a mapping: a governance team says where things lie in a JSON document,
without code."""

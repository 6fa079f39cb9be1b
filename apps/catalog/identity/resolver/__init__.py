"""The identity resolver: finds the known model that a raw string names.

Plain Python over a list of known IDs: no database, no clock, no settings. `Resolver.resolve`
returns the model with an explanation; `Resolver.suggest` offers similar IDs to a user and is never
used by `resolve`.
"""

RULES_VERSION = 1

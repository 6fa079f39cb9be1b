"""The identity resolver: which known model a raw string names.

Plain Python over a list of known ids: no database, no clock, no settings. `Resolver.resolve`
answers with steps in words; `Resolver.suggest` offers look-alikes to a person and is never used by
`resolve`.
"""

RULES_VERSION = 1

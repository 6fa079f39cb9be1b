"""Lifecycle pages: from the bytes of a provider's page to rows and claims, by a mapping."""

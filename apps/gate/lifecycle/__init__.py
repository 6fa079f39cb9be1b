"""Lifecycle of the models that gateways call, by the model IDs of their configurations."""

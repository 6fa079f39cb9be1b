"""Lifecycle of models for gateways, as JSON and as a fragment for LiteLLM."""

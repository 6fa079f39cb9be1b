"""Telemetry of calls at run time: what traces, metrics and gateways report of models in use,
counted by name and day; calls are never stored."""

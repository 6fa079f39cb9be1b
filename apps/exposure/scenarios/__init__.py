"""Scenarios outside the engine: `operation_parser` reads their operations, `serialization` writes
their answers, `removals` answers scenarios that only remove nodes."""

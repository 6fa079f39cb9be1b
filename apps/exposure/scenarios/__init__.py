"""What-if scenarios outside the engine: `operation_parser` reads their operations, `serialization`
writes their answers, `removals` answers those that only remove nodes."""

"""An alert from its creation to its end: responses, escalation, reassignment, resolution."""

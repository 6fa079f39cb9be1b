"""Alert lifecycle, from creation to resolution: responses, escalation, reassignment."""

"""A body with everything in it that any form or resource asks for, so that a refusal is about who asks."""

from typing import Any

from tests.access.walking import WalkedRows


def everything_asked(world: WalkedRows) -> dict[str, Any]:
    keys = world.addresses
    return {
        "action": "acknowledge", "address": "https://example.org/x", "answer": "acknowledge", "api_id": "claude-x",
        "application": keys["applications"], "applications": [keys["applications"]], "basis": "count",
        "criticality": "critical", "decided_on": "2026-11-01", "decision": "approved", "due_on": "2027-01-01",
        "email": "new@example.org", "enabled": "on", "ended_on": "2026-11-01", "environment": "production",
        "foundation": keys["foundations"], "grant": "on", "ids": [keys["alerts"]], "impact": 3, "into": "x",
        "kind": "evaluation", "likelihood": 3, "limit": "0.5", "milestones": [30, 7], "name": "New name",
        "note": "A note", "offering": keys["offerings"], "on": "2026-11-01", "ops": "[]", "party": keys["providers"],
        "person": "user9", "price_percent": 5, "product": "x", "provider": keys["providers"],
        "reason": "Because of the test", "ref": "C-9", "result": "passed", "retires_on": "2027-01-01", "role": "3",
        "run_on": "2026-11-01", "scope": "alert", "scopes": ["read"], "since": "2026-01-01", "slug": "new-slug",
        "status": "production", "target": keys["offerings"], "team": keys["teams"], "tested_on": "2026-11-01",
        "text": "text", "title": "New title", "until": "2027-03-01", "url": "https://example.org/hook",
        "username": "newcomer", "version": keys["versions"], "why": "Because of the test",
    }  # fmt: skip

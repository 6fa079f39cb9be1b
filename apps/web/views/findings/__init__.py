"""Findings: what looks wrong or unfinished, by kind."""

from apps.web.views.findings.lists import finding_csv, finding_list

__all__ = ["finding_csv", "finding_list"]

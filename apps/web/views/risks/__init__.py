"""The pages of risks, one module per subject."""

from apps.web.views.risks.bulk import assess_several, undo_several
from apps.web.views.risks.crosswalk import crosswalk, crosswalk_csv, template
from apps.web.views.risks.evidence import add as add_evidence
from apps.web.views.risks.evidence import evidence_csv, evidence_list
from apps.web.views.risks.evidence import one as one_evidence
from apps.web.views.risks.figures import heat_csv, team_csv
from apps.web.views.risks.foundation_risks import (
    change_risk,
    end_risk,
    foundation_risk,
    foundation_risk_csv,
    foundation_risk_list,
    raise_risk,
)
from apps.web.views.risks.one import decide, inherited
from apps.web.views.risks.register import register_csv, risk_list
from apps.web.views.risks.results import upload as upload_results

__all__ = [
    "add_evidence",
    "assess_several",
    "change_risk",
    "crosswalk",
    "crosswalk_csv",
    "decide",
    "end_risk",
    "evidence_csv",
    "evidence_list",
    "foundation_risk",
    "foundation_risk_csv",
    "foundation_risk_list",
    "heat_csv",
    "inherited",
    "one_evidence",
    "raise_risk",
    "register_csv",
    "risk_list",
    "team_csv",
    "template",
    "undo_several",
    "upload_results",
]

"""Results of evaluation tools: parsed, matched to the tested models, stored as evidence."""

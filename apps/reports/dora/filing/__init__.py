"""DORA register in the form in which it is filed: an xBRL-CSV report package of the published
templates, and its check list. No authority has accepted a package made here."""

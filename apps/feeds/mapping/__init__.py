"""JSON feeds by mapping: a governance team defines paths to the fields of a JSON document, without
code."""

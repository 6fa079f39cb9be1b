"""Home: what to decide today, for the organisation and for an owner."""

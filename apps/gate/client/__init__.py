"""The command-line client: one file of the standard library alone, handed out as it is."""

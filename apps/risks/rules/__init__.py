"""Rules that raise foundation risks automatically from facts of the catalogue, and close them when
the facts no longer hold."""

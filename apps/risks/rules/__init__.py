"""Rules that raise foundation risks by themselves from facts of the catalogue, and close them when
the facts go."""

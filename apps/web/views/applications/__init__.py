"""Applications: what each stands on, what it inherits, what must be done."""

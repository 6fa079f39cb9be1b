"""Application pages: what each depends on, what it inherits, its action items."""

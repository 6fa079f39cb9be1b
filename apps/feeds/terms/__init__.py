"""Terms pages of providers: their visible text, and its differences."""

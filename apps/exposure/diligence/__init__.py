"""Due diligence of a provider or a foundation: known facts with their sources, and gaps. No
grades."""

"""The doors of the intake: documents and sheets, Dependency-Track's shape of them, and what became
of each."""

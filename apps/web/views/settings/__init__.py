"""Settings: teams, people, programs, keys; and where everything else is set."""

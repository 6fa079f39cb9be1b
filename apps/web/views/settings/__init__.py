"""Settings pages: teams, users, service accounts, API tokens; and links to all other settings."""

"""Django's PostgreSQL backend, with an end to everything that it waits for."""

"""Django's PostgreSQL backend with a time limit on everything that it waits for."""

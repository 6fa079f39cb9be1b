"""Changes of the exposure app: handling of events, evaluation of flags and decisions on them,
policies and settings."""

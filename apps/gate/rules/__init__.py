"""Gate rules FR001 to FR012: definitions, input, engine, and the preview of a policy."""

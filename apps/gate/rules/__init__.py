"""Gate rules FR001 to FR010: definitions, input, engine, and the preview of a policy."""

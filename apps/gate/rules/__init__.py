"""Gate rules FR001 to FR011: definitions, input, engine, and the preview of a policy."""

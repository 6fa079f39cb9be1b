"""The rules FR001 to FR010: definitions, what they look at, what they find, a policy's preview."""

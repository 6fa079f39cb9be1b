"""The one outbound HTTP client: every outbound call of the product uses `fetch`.

HTTP, TLS and tunnels are urllib3's. Ours is the policy: the connection is opened to the very
address that was checked, each redirect is checked again, and one deadline and one byte count apply
to everything that is read, headers included.

The caller passes a `Policy`; `installation_policy` makes one from the settings. Errors are one of
three exceptions, each with a sentence for users.
"""

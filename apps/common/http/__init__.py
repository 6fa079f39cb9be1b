"""The only outbound HTTP client: all outbound calls of the product use `fetch`.

HTTP, TLS and tunnels are implemented by urllib3. This package adds the policy: the connection is
opened to exactly the address that was checked, each redirect is checked again, and one deadline and
one byte limit apply to everything that is read, headers included.

The caller passes a `Policy`; `installation_policy` builds one from the settings. Each error is one
of three exceptions, with a sentence for users.
"""

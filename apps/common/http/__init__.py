"""The one outbound HTTP client: every call the product makes to the outside goes through `fetch`.

HTTP, TLS and tunnels are urllib3's. Ours is the policy: the connection is opened to the very
address that was checked, each redirect is checked again, and one deadline and one byte count hold
for everything that is read, headers included.

The caller passes a `Policy`; `installation_policy` makes one of the settings. What goes wrong is
one of three exceptions, each with a sentence for people.
"""

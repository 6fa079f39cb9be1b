"""User provisioning by SCIM 2.0 (RFC 7643 and RFC 7644): people and groups as an identity provider
manages them."""

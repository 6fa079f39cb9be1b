"""Sign-on by OpenID Connect: who comes with which groups, and what they may do for it."""

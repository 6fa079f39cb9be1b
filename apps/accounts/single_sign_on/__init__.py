"""Single sign-on by OpenID Connect: groups and the roles they give."""

"""Single sign-on by OpenID Connect: verification, groups and the roles they give."""

"""Headers of responses that are made before the middleware that normally adds them: of probes, and
of refusals by the web server."""

# browsers must not render, load or frame such a response, whatever type they detect
BARE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}

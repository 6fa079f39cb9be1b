"""Headers of answers that are made before the middleware which adds them elsewhere: of probes, and
of refusals by the web server."""

# nothing in such an answer is shown, loaded or framed, whatever a browser takes it for
BARE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
}

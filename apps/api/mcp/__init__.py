"""Model Context Protocol: read-only tools for programs that answer questions of people."""

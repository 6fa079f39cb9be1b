"""Output formats of a decided run (JSON, SARIF, JUnit), and snippets for pipeline files."""

"""Change detection: the rules by which one observation of a feed changes the stored claims of its
source. Plain Python.

Input: the stored claims of the source, and the rows of a payload. Output: the columns to store and
the resulting facts. No database, no clock: the time of the observation is an argument. Section 2 of
domain.md is the requirement, docs/feeds.md describes it for users. `comparison` walks the rows,
`guards` detects doubtful payloads and re-keyed rows, `dates` and `prices` hold the rules of their
topics, and all write into one `ResultBuilder`.
"""

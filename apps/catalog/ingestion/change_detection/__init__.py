"""The rules by which one observation of one feed changes what its source is known to say. Plain
Python.

Input: what the source is known to say, and the rows of a payload. Output: what to store and which
facts follow. No database, no clock: the moment of the observation is an argument. domain.md section
2 is the requirement, docs/feeds.md tells users about it. `comparison` walks the rows, `guards`
doubts payloads and finds re-keyed rows, `dates` and `prices` hold the rules of their topics, and
all write into one `ledger`.
"""

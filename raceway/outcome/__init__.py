"""What a session tells: the findings so far or since a mark, files of reports, and who waits for which lock.

Serves the session, which hands in what is needed: `found` has the findings, `files` writes and reads files, `locks`
tells of hangs and contention.
"""

"""Git, by its command line: clones, and checkouts that are read without running anything of theirs.

A repository's own configuration can name programs: hooks, filters, file system monitors, pagers, signature checkers,
transports. So nothing here has a work tree to fill, refreshes an index, shows a log or fetches what is missing. A
commit's tree is listed (`ls-tree`) and its objects are read (`cat-file`), in an environment that switches the rest off.
"""

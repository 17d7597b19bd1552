"""Jobs: what may happen to one, what it prints, who may start one, and how it is brought to an end.

Start reading in `lifecycle`: every rule that changes a status is in that file.
"""

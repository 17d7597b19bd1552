"""What gitoma is, on the standard library alone: no I/O, no event loop, no framework."""

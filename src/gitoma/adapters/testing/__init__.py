"""The property-based harness, ours and our users': strategies, fakes, and a `check_*` function for each port.

Needs the extra `testing`. Nothing in the product imports it.
"""

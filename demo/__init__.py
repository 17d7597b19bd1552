"""A whole run without network, token or model: see `python -m demo`."""

"""The `gitoma` command: settings, wiring, and the commands themselves."""

"""The subcommands of `gitoma`, a file each, imported only when asked for."""

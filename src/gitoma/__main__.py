"""`python -m gitoma`: the same as the `gitoma` command."""

import sys

from gitoma.app.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""The health of a repository: the checks, and the score they add up to."""

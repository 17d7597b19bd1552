"""POSIX: the processes of jobs."""

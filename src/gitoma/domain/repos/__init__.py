"""Repositories: their names, and the state that an agent keeps of each."""

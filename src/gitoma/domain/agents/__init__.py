"""The agents: rules and flows, straight-line code over ports. No agent runs code of a repository."""

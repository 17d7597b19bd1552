"""The technologies: each module or folder connects the domain to one of them, and none knows another."""

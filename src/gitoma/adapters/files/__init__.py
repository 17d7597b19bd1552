"""What is kept in files under `GITOMA_HOME`."""

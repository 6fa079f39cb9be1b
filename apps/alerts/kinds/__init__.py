"""What alerts are about: when each kind is raised and resolved, how severe it is, how it reads."""

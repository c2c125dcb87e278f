"""What people did: the log, the state of films that follows from it, and how an act becomes an edit."""

"""What is proposed: by a model, to each person, and which films are left blind."""

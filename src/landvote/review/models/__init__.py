"""The model at work: it proposes, finds points again about those that are held, and says which film teaches most."""

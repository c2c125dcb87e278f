"""Runtime: what landvote needs of a computer, and nothing of landmarks. Settings, families, events, stop tokens."""

"""The landmarks: how a scheme is made and changed, what landvote suggests, mean pictures."""

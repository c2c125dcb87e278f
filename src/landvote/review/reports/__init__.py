"""What comes out: comparisons of people and models, agreement and time, files of points."""

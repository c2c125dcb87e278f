"""Datasets: a DATA folder becomes samples, divided by subject, and is checked."""

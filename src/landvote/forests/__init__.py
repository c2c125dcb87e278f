"""Forests: rival two. Haar-like features, patches, regression forests that vote. The only home of scikit-learn.

Import what you need from its module: ``forests.settings`` costs nothing, ``forests.voter`` brings scikit-learn.
"""

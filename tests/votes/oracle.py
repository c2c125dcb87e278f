"""Casting in plain NumPy: the oracle for the compiled kernel and for the GPU path."""

import numpy as np

from landvote.votes.cast import accumulator_shape


def cast_reference(dx, dy, weight, size, stride, cell):
    """Do what :func:`landvote.votes.cast` does, with ``numpy.add.at``."""
    rows, columns = weight.shape[1:]
    shape = accumulator_shape(size, cell)
    out = np.zeros((len(weight), *shape))
    x = (stride * (np.arange(columns) + 0.5) + dx.astype(float)) / cell - 0.5
    y = (stride * (np.arange(rows)[:, None] + 0.5) + dy.astype(float)) / cell - 0.5
    votes = np.where(weight > 0, weight, 0).astype(float)
    p = np.broadcast_to(np.arange(len(weight))[:, None, None], weight.shape)
    for u, share_x in ((np.floor(x), 1 - (x - np.floor(x))), (np.floor(x) + 1, x - np.floor(x))):
        for v, share_y in ((np.floor(y), 1 - (y - np.floor(y))), (np.floor(y) + 1, y - np.floor(y))):
            inside = (u >= 0) & (u < shape[1]) & (v >= 0) & (v < shape[0])
            target = (p[inside], v[inside].astype(int), u[inside].astype(int))
            np.add.at(out, target, (votes * share_x * share_y)[inside])
    return out.astype(np.float32)

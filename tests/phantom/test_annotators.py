import numpy as np

from landvote.data.points import Points
from landvote.phantom.anatomy import Child, draw_femur
from landvote.phantom.annotators import annotate, annotator_name
from landvote.phantom.curves import normals, tangents
from landvote.phantom.disease import Perthes
from landvote.phantom.femur import build_femur
from landvote.phantom.settings import PhantomSettings

SPACING = 0.4
SIZE = (1000, 1000)
SETTINGS = PhantomSettings()


def truth() -> Points:
    size = draw_femur(np.random.default_rng(0), Child(6.0, "F", 1.0, 70.0, 120.0))
    return build_femur(size, Perthes(), np.random.default_rng(0)).points / SPACING + 500.0


def errors(films: int) -> tuple[dict[str, list[np.ndarray]], Points]:
    points, found = truth(), {}
    for index in range(films):
        for name, drawn in annotate(points, SIZE, SPACING, 0, SETTINGS, np.random.default_rng([0, index])).items():
            found.setdefault(name, []).append((drawn - points) * SPACING)
    return found, points


def test_errors_are_larger_along_the_contour_than_across_it() -> None:
    found, points = errors(300)
    every = np.concatenate([np.stack(e) for e in found.values()])
    along = float(np.std((every * tangents(points)).sum(axis=2)))
    across = float(np.std((every * normals(points)).sum(axis=2)))
    assert abs(along - SETTINGS.along_sd) < 0.25
    assert abs(across - SETTINGS.across_sd) < 0.1


def test_two_of_a_pool_of_ten_draw_each_film() -> None:
    found, points = errors(100)
    assert set(found) == {annotator_name(k) for k in range(10)}
    assert all(len(annotate(points, SIZE, 1.0, 0, SETTINGS, np.random.default_rng(i))) == 2 for i in range(5))


def test_everybody_has_a_bias_of_their_own() -> None:
    """The mean error of one annotator does not fade with the number of films, and differs between annotators."""
    found, _ = errors(400)
    means = [np.mean(e, axis=0) for e in found.values()]
    sizes = [float(np.sqrt(np.mean(m**2))) for m in means]
    noise = SETTINGS.along_sd / np.sqrt(2 * 80)  # of a mean over about 80 films, x and y together
    assert min(sizes) > 1.5 * noise
    assert np.linalg.norm(means[0] - means[1]) > 0.5 * np.linalg.norm(means[0])

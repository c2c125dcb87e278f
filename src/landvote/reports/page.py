"""Pages of HTML that need no file beside them, from the templates in this folder."""

import jinja2

from landvote.evaluation.statistics import LEVEL, RESAMPLES
from landvote.reports.tables import number


def page(name: str, **values: object) -> str:
    """Return the page of the template ``NAME.html.j2``.

    All pages extend ``page.html.j2``, which has the style and says how errors were measured; it needs ``title``, and,
    unless a page leaves out that block, ``metrics`` (kind of error -> how it is called) and ``annotators`` (whether
    several of them marked a film).
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("landvote.reports", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"level": f"{LEVEL:.0%}".replace("%", " %"), "resamples": RESAMPLES}
    environment.filters["number"] = number
    return environment.get_template(f"{name}.html.j2").render(**values)

"""Pages of HTML that need no file beside them, from the templates in this folder."""

from __future__ import annotations

import jinja2

from landvote.evaluation.statistics import LEVEL, RESAMPLES


def page(name: str, **values: object) -> str:
    """Return a page.

    All pages extend ``page.html.j2``, which has the style (``page.css``) and says how errors were measured; the marks
    they share are in ``kit.html.j2``.

    Args:
        name: of the template ``NAME.html.j2``.
        values: of its variables. Every page needs ``title``, ``unit``, ``metrics`` (kind of error -> how it is called)
            and ``annotators``, whether several annotators marked a film.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("landvote.reports", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"level": f"{LEVEL:.0%}".replace("%", " %"), "resamples": RESAMPLES}
    return environment.get_template(f"{name}.html.j2").render(**values)

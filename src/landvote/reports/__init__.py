"""Numbers in, charts, overlays and pages out: the only home of matplotlib and of templates.

Nothing is imported here: a program that draws one overlay does not wait for the pages.
"""

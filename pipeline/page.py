"""Pages to be read offline and without scripts: one file each, with its style and its pictures in it.

Texts come from strangers and from models: templates escape whatever they are given, and page.html's own policy forbids
a page to run or load anything.
"""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).with_name("templates")


def page_environment() -> Environment:
    """Where the templates are found; a name that a template uses and is not given is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return environment

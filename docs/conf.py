"""How Sphinx makes a site of these pages. They are written for GitHub, and read there as well.

https://www.sphinx-doc.org/en/master/usage/configuration.html
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from r2d_action import HOME, __version__  # noqa: E402

project = "r2d-action"
author = "The r2d-action developers"
version = release = __version__

extensions = ["myst_parser", "sphinx_copybutton", "sphinxcontrib.mermaid"]
exclude_patterns = ["**/.*"]
nitpicky = True

# What GitHub does with Markdown: anchors of headings, drawings.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

html_theme = "pydata_sphinx_theme"
html_title = project
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_theme_options = {
    "github_url": f"https://github.com/{HOME}",
    "use_edit_page_button": True,
    "show_toc_level": 2,
}
owner, _, repository = HOME.partition("/")
html_context = {
    "github_user": owner,
    "github_repo": repository,
    "github_version": "main",
    "doc_path": "docs",
}

# Files of the repository are seen to by tests/unit/test_docs_links.py, which needs no network.
linkcheck_ignore = [rf"https://github\.com/{HOME}/(blob|tree|edit)/"]
# GitHub makes its anchors in the browser, and refuses who asks much.
linkcheck_anchors_ignore_for_url = [r"https://github\.com/"]
linkcheck_rate_limit_timeout = 60
linkcheck_retries = 3


# Links to what is no page --------------------------------------------------------------------

COMMIT = os.environ.get("READTHEDOCS_GIT_COMMIT_HASH") or "main"
PATH_OF_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)[^)\s#]+")


def shown_at_github(app: Sphinx, page: str, source: list[str]) -> None:
    """Code, examples and what lies beside docs/ are at GitHub."""
    folder = Path(app.srcdir, page).parent

    def address(link: re.Match[str]) -> str:
        target = (folder / link[0]).resolve()
        if target.suffix == ".md" and target.is_relative_to(app.srcdir):
            return link[0]
        kind = "tree" if target.is_dir() else "blob"
        path = target.relative_to(ROOT).as_posix()
        return f"https://github.com/{HOME}/{kind}/{COMMIT}/{path}"

    source[0] = PATH_OF_LINK.sub(address, source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", shown_at_github)

"""A Sphinx extension: what the theme and myst-nb leave that is no good HTML is mended in the finished pages."""

import re
from pathlib import Path

VIEWPORT = re.compile(r'\s*<meta (?=[^>]*name="viewport")[^>]*>')
MENDS = (
    # A summary holds words, not paragraphs, and its name is what it shows.
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    (re.compile(r'<p class="((?:collapsed|expanded) admonition-title)">(.*?)</p>'), r'<span class="\1">\2</span>'),
    # A button's name has to hold the words that are seen: those who speak to their computer say them.
    (re.compile(r'(<button [^>]*search-button-field[^>]*?) aria-label="Search"'), r'\1 aria-label="Search Ctrl+K"'),
    # Nobody can be told which column an empty header heads.
    (re.compile(r'<th class="head"><p></p></th>'), "<td></td>"),
    # A formula's "less than" would begin a tag.
    (
        re.compile(r'(?<=<div class="math">\n)\\\[.*?\\\](?=</div>)', re.DOTALL),
        lambda formula: re.sub(r"<(?![a-zA-Z/!])", "&lt;", formula[0]),
    ),
)
SOURCE_MAP = re.compile(r"\n?(?://|/\*)# sourceMappingURL=\S+(?: \*/)?\s*$")


def tidy_page(page: str) -> str:
    """Return a page with one viewport, and mended."""
    seen = VIEWPORT.findall(page)
    if len(seen) > 1:
        head, rest = page.split(seen[0], 1)
        page = head + seen[0] + VIEWPORT.sub("", rest)
    for pattern, replacement in MENDS:
        page = pattern.sub(replacement, page)
    return page


def tidy(app, exception):
    """Mend every page, and drop the source maps of the theme's scripts: 2 MB that only its authors need."""
    if exception or app.builder.name != "html":
        return
    for path in Path(app.outdir).glob("*.html"):
        page = path.read_text("utf-8")
        if (mended := tidy_page(page)) != page:
            path.write_text(mended, "utf-8")
    for path in Path(app.outdir, "_static").rglob("*.map"):
        source = path.with_suffix("")
        if source.exists():
            source.write_text(SOURCE_MAP.sub("\n", source.read_text("utf-8")), "utf-8")
        path.unlink()


def setup(app):
    app.connect("build-finished", tidy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

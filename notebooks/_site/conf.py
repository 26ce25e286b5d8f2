"""The site: the lessons, executed, as pages that ask nothing of the network. `make site` builds it."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from execution import execute_lesson, is_cached
from lessons import FRONT_PAGE, LESSONS, execution_cache

project = "supsup-lite"
author = "The supsup-lite authors"
project_copyright = "the supsup-lite authors. Code: MIT. Text and figures: CC BY 4.0"

# Where the course lives decides all links to the outside: what is not set is left out.
REPOSITORY = os.environ.get("SUPSUP_REPOSITORY", "")  # OWNER/NAME on GitHub
html_baseurl = os.environ.get("SUPSUP_SITE", "")  # where these pages are published, with a / at the end
course_links = {"article": "https://arxiv.org/abs/2006.14769"}
if REPOSITORY:
    course_links |= {
        "repository": f"https://github.com/{REPOSITORY}",
        "binder": f"https://mybinder.org/v2/gh/{REPOSITORY}/HEAD?labpath=notebooks/{{notebook}}",
        "colab": f"https://colab.research.google.com/github/{REPOSITORY}/blob/HEAD/notebooks/{{notebook}}",
    }

extensions = [
    "myst_nb",
    "sphinxcontrib.katex",
    "sphinx_copybutton",
    "explorers",
    "glossary",
    "front",
    "teaching",
    "tidy",
]
exclude_patterns = ["_site", "*.ipynb", ".ipynb_checkpoints"]  # .md and .ipynb are one lesson
templates_path = ["templates"]

# Lessons: executed once for each state of the package, and shared with the tests. `execute_lessons` fills the cache.
nb_execution_mode = "cache"
nb_execution_cache_path = str(execution_cache())
nb_execution_raise_on_error = True
nb_output_stderr = "remove"  # progress bars; test_lessons.py looks for warnings there
nb_render_markdown_format = "myst"  # what a cell computes as Markdown may hold tables; CommonMark has none
nb_merge_streams = True  # one print may arrive in several pieces
nb_ipywidgets_js = {
    name: {"defer": "defer"} for name in ("predictions.js", "widgets.js", "explorers.js", "sliding.js")
}  # in place of scripts from elsewhere
nb_code_prompt_show = "Show the solution"  # nothing else is folded by a tag
nb_code_prompt_hide = "Hide the solution"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3

# Maths: rendered in the page. (The prerendering server hangs when two processes read.)
katex_prerender = False
katex_css_path = "katex/katex.min.css"

LOGO = "_site/static/logo.svg"
html_theme = "pydata_sphinx_theme"
html_title = "supsup-lite"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_favicon = "static/logo.svg"
html_extra_path = [f"../{lesson.stem}.ipynb" for lesson in LESSONS if lesson.with_suffix(".ipynb").exists()]
html_additional_pages = {"404": "404.html"}
html_copy_source = False
html_use_index = False
html_show_search_summary = False  # fetching the found pages is not allowed from file://
html_show_sourcelink = False
html_context = {"default_mode": "auto", "lessons": [lesson.stem for lesson in LESSONS]}
html_sidebars = {"**": ["course.html"]}
html_theme_options = {
    "logo": {"image_light": LOGO, "image_dark": LOGO, "text": "supsup-lite", "alt_text": ""},
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "article_header_start": [],
    "article_header_end": ["download.html"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["footer_links.html"],
    "search_bar_text": "Search the course",
    "back_to_top_button": False,  # it would lie on the chart that one moves
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def adapt_source(app, docname, source):
    """Let links between notebooks lead to pages here."""
    source[0] = re.sub(r"\]\((\d\d\w*_\w+)\.ipynb", r"](\1.md", source[0])


def execute_lessons(app):
    """Fill the cache, so that myst-nb finds every lesson in it, and the home page, which has an explorer."""
    for page in (*LESSONS, FRONT_PAGE):
        if not is_cached(page):
            execute_lesson(page)


def setup(app):
    app.connect("builder-inited", execute_lessons)
    app.connect("source-read", adapt_source)
    return {"parallel_read_safe": True}

"""Slides of each lesson, made of the lesson: `make slides`. Static pages; reveal.js and all else lies beside them.

What a class looks at is on the slides: headings, the first paragraph below each, equations, lists, tables, pictures,
explorers, predictions, exercises, and code with what it prints. All other prose is in the speaker's notes (key S).
"""

import ast
import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
import sphinxcontrib
from execution import execute_lesson
from explorers import VIEW, Files, lighten, reachable, room_of, still_of
from jupyter_cache import get_cache
from lessons import LESSONS, ROOT, execution_cache, goals, title_and_promise
from nbconvert import SlidesExporter
from nbformat.v4 import new_markdown_cell

SITE, FOLDER = ROOT / "notebooks" / "_site", ROOT / "build" / "slides"
REVEAL = ROOT / "node_modules" / "reveal.js"  # `make slides` fetches it
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SHOWN = (WIDGET_VIEW, "text/html", "text/markdown", "image/svg+xml", "image/png")
BLOCK = re.compile(r"<details>.*?</details>|```.*?\n```|\$\$.*?\$\$(?:\n(?!\n).+)*|[^\n](?:(?!\n\n).)*", re.DOTALL)
CODE_OR_MATHS = re.compile(r"(```.*?```|`[^`]+`)|\$\$(.+?)\$\$|(?<![\\\w$])\$(?!\s)([^$]+?)(?<!\s)\$(?!\w)", re.DOTALL)
LESSON_LINK = re.compile(r"\]\((\d\d\w*_\w+)\.ipynb")
PAGE_LINK = re.compile(r"\[([^\]]+)\]\((?:glossary|notation)\.md[^)]*\)")


# --- a lesson as slides ---------------------------------------------------------------------------------------------


def slides_of(notebook):
    """Return an executed lesson as a notebook of slides: cells that say in their metadata where a slide begins."""
    deck = Deck()
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")  # it says on which machine
    for cell in notebook.cells:
        if cell is setup:
            continue
        if cell.cell_type == "markdown":
            for block in BLOCK.findall(cell.source):
                deck.add_prose(block.strip())
        elif cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", []):
            deck.add_code(cell, notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {}))
    return nbformat.from_dict({**notebook, "cells": deck.cells})


class Deck:
    """The slides so far, and where in the lesson they are."""

    def __init__(self):
        self.cells = []
        self.heading = ""
        self.fresh = True  # nothing stands below the heading yet
        self.after_output = False
        self.waiting = ""  # a paragraph that leads to what comes next: it ends with a colon

    def add_prose(self, block: str) -> None:
        """Add a heading, a paragraph, an equation, a list or a table."""
        if not block or block.startswith("<details>"):
            return
        if block.startswith("#"):
            marks, _, self.heading = block.partition(" ")
            self._flush_to_notes()
            self._add(new_markdown_cell(block), "slide" if len(marks) < 3 else "subslide")
            self.fresh, self.after_output = True, False
            return
        if block.endswith(":") and not block.startswith("|"):
            self._flush_to_notes()
            self.waiting = block
            return
        looked_at = block.startswith(("|", "- ", "1. ", "$$", ">", "```", "**After"))
        if looked_at or self.fresh or self._is_exercise:
            self._show(new_markdown_cell(block), apart=self.after_output or block.startswith("**After"))
        elif block.startswith("**"):  # "What you just saw": first the picture alone
            self._flush_to_notes()
            self._add(new_markdown_cell(block), "fragment" if self.after_output else "-")
        else:
            self._flush_to_notes()
            self._add(new_markdown_cell(block), "notes")

    def add_code(self, cell, models: dict) -> None:
        """Add what a cell shows; its code, where it shows nothing but text."""
        if re.search(r"^(\w+\.)*check_\w+\(", cell.source, re.MULTILINE):  # "not done yet", to a class that looks on
            return
        outputs = [output for output in cell.outputs if _is_seen(output, models)]
        if not outputs and _imports_only(cell.source):
            return
        shown = nbformat.from_dict({**cell, "outputs": outputs, "metadata": {}})
        if any("data" in output and set(SHOWN) & set(output.data) for output in outputs):
            shown.metadata["picture"] = True  # the template leaves its code out
            self._show(shown, apart=True)
            self.after_output = True
        else:
            self._show(shown, apart=not self._is_exercise)
            self.after_output = not self._is_exercise

    @property
    def _is_exercise(self) -> bool:
        return self.heading.startswith(("Exercise", "Project"))

    def _show(self, cell, apart: bool) -> None:
        """Add a cell with what leads to it, `apart` on a slide of its own unless only a heading is on the last one."""
        if apart and not self.fresh:
            where = new_markdown_cell(f'<p class="where">{html.escape(self.heading)}</p>')
            self._add(where, "subslide")
        if self.waiting:
            self._add(new_markdown_cell(self.waiting), "-")
            self.waiting = ""
        self._add(cell, "-")
        self.fresh = self.after_output = False

    def _flush_to_notes(self) -> None:
        if self.waiting:
            self._add(new_markdown_cell(self.waiting), "notes")
            self.waiting = ""

    def _add(self, cell, kind: str) -> None:
        if cell.cell_type == "markdown":
            cell.source = plain_links(cell.source)
            cell.source = with_maths(cell.source)
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output.data["text/markdown"] = with_maths(plain_links(output.data["text/markdown"]))
        cell.metadata["slideshow"] = {"slide_type": kind}
        self.cells.append(cell)


def with_maths(markdown: str) -> str:
    """Return Markdown with each formula in an attribute, where no rule of Markdown touches it; slides.js draws it."""

    def marked(found: re.Match) -> str:
        code, display, inline = found.groups()
        if code:
            return code
        tag, tex = ("div", display) if display else ("span", inline)
        return f'<{tag} class="tex" data-tex="{html.escape(" ".join(tex.split()))}"></{tag}>'

    return CODE_OR_MATHS.sub(marked, markdown)


def plain_links(markdown: str) -> str:
    """Return Markdown in which lessons link to each other's slides, and words to nothing."""
    return LESSON_LINK.sub(r"](\1.html", PAGE_LINK.sub(r"\1", markdown))


def _is_seen(output, models: dict) -> bool:
    """Whether an output is for the class: no warning, and no progress bar."""
    view = output.get("data", {}).get(WIDGET_VIEW)
    if view is None:
        return output.get("name") != "stderr"
    model = models.get(view["model_id"], {})
    children = [child.removeprefix("IPY_MODEL_") for child in model.get("state", {}).get("children", [])]
    return bool(model) and not any(models.get(name, {}).get("model_name") == "FloatProgressModel" for name in children)


def _imports_only(source: str) -> bool:
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(source).body)


# --- pages ---------------------------------------------------------------------------------------------------------


def page_of(notebook, title: str, files: Files) -> str:
    """Return the page of a lesson's slides, with its explorers alive as on the site."""
    exporter = SlidesExporter(extra_template_basedirs=[str(SITE / "templates")], template_name="slides")
    body, _ = exporter.from_notebook_node(slides_of(notebook), {"metadata": {"name": title}})
    models = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    shown, stills = json.loads(json.dumps(reachable(models, body))), {}
    for name, model in shown.items():
        if model["model_module"] == "anywidget":
            stills[name] = (model["state"].pop("still", ""), room_of(model["state"].pop("room", [])))
            shown[name] = lighten(model, files)
    state = json.dumps({"state": shown}, separators=(",", ":")).replace("<", "\\u003c")
    body = VIEW.sub(lambda view: view[0] + still_of(view[1], stills), body)
    return body.replace("</main>", f'</main>\n<script type="{WIDGET_STATE}">{state}</script>', 1)


def index_of(lessons: list[Path]) -> str:
    """Return the page that lists the slides."""
    rows = "\n".join(
        f'<li><a href="{lesson.stem}.html">{html.escape(title_and_promise(lesson)[0])}</a>: '
        f"{html.escape(goals(lesson)[0].replace('*', ''))}.</li>"
        for lesson in lessons
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Slides</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<link rel="stylesheet" href="_static/slides.css"></head>\n'
        f'<body class="index"><main><h1>Slides of the lessons</h1>\n<ul>\n{rows}\n</ul>\n'
        "<p>Arrow keys go on, S opens the speaker’s notes, O shows all slides, F fills the screen.</p></main></body>\n"
        "</html>\n"
    )


def executed(lesson: Path):
    """Return a lesson's executed notebook: from the cache that site and tests share, or run now."""
    try:
        return get_cache(execution_cache()).merge_match_into_notebook(jupytext.read(lesson))[1]
    except KeyError:
        return execute_lesson(lesson)[0]


def static_files() -> Iterator[tuple[Path, str]]:
    """Yield what the pages use, and where it goes below _static."""
    for part in ("dist/reveal.css", "dist/reset.css", "dist/reveal.js", "plugin/notes/notes.js", "LICENSE"):
        yield REVEAL / part, f"reveal/{part}"
    yield Path(sphinxcontrib.__path__[0]) / "katex.min.js", "katex/katex.min.js"
    for name in ("slides.css", "slides.js", "explorers.js", "widgets.js", "katex"):
        yield SITE / "static" / name, name


def write(folder: Path, lessons: list[Path] = LESSONS) -> None:
    """Write the slides into a folder, which is made anew."""
    if not REVEAL.exists():
        raise SystemExit(f"slides: {REVEAL.relative_to(ROOT)} is missing: `make slides` fetches it with npm")
    shutil.rmtree(folder, ignore_errors=True)
    for source, name in static_files():
        target = folder / "_static" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, target)
    files = Files(folder / "_static" / "explorers")
    for lesson in lessons:
        title = title_and_promise(lesson)[0]
        (folder / f"{lesson.stem}.html").write_text(page_of(executed(lesson), title, files), "utf-8")
    (folder / "index.html").write_text(index_of(lessons), "utf-8")


if __name__ == "__main__":
    try:
        write(FOLDER)
    except OSError as error:
        raise SystemExit(f"slides: they cannot be written to {FOLDER} ({error}).") from error
    print(f"slides: open {(FOLDER / 'index.html').relative_to(ROOT)}")

"""Slides are made of the lessons, and in a browser they ask for nothing from anywhere: from file://, keys and all."""

import re

import jupytext
import nbformat
import pytest
import slides
from execution import execute
from explorers import Files
from lessons import ROOT, title_and_promise
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.everybody import tool, violations
from tests.pages import opened_page

SVG = {"text/html": '<figure class="supsup-figure"><svg role="img" aria-label="a line"></svg></figure>'}
SOLUTION = {"tags": ["hide-cell", "solution"]}


def types(notebook):
    return [(cell.metadata.slideshow.slide_type, cell.source.split("\n")[0]) for cell in notebook.cells]


def test_what_a_class_looks_at_is_on_slides_and_the_rest_in_notes():
    lesson = new_notebook(
        cells=[
            new_markdown_cell("# 07 · Title\n\nPromise."),
            new_code_cell("print(sl.about())", outputs=[new_output("stream", text="torch 2")]),
            new_markdown_cell("## Question\n\nWhy?\n\nAn aside.\n\nIt leads to:\n\n$$\nx_1\n$$\n\nMore words."),
            new_code_cell("show(f)", outputs=[new_output("display_data", data=SVG)]),
            new_markdown_cell("**What you just saw.** A line of slope $a_1$."),
            new_code_cell("import os\nfrom a import b"),
            new_code_cell("x = 1\nprint(x)", outputs=[new_output("stream", text="1")]),
            new_markdown_cell("### Exercise 1: do\n\nTask.\n\nMore of it."),
            new_code_cell("def do(x):\n    raise NotImplementedError"),
            new_code_cell("check_do(do)", outputs=[new_output("stream", text="not done yet")]),
            new_markdown_cell(
                "<details><summary>Hint 1</summary>\n\nA hint.\n\n</details>\n\n<details>\n\nB\n\n</details>"
            ),
            new_code_cell("def solution_do(x): pass\ncheck_do()", metadata=SOLUTION),
        ]
    )
    deck = slides.slides_of(lesson)
    assert types(deck) == [
        ("slide", "# 07 · Title"),
        ("-", "Promise."),
        ("slide", "## Question"),
        ("-", "Why?"),
        ("notes", "An aside."),
        ("-", "It leads to:"),
        ("-", '<div class="tex" data-tex="x_1"></div>'),
        ("notes", "More words."),
        ("subslide", '<p class="where">Question</p>'),
        ("-", "show(f)"),
        ("fragment", '**What you just saw.** A line of slope <span class="tex" data-tex="a_1"></span>.'),
        ("subslide", '<p class="where">Question</p>'),
        ("-", "x = 1"),
        ("subslide", "### Exercise 1: do"),
        ("-", "Task."),
        ("-", "More of it."),
        ("-", "def do(x):"),
    ]
    assert [cell.source for cell in deck.cells if cell.metadata.get("picture")] == ["show(f)"]


def test_maths_is_kept_from_markdown_and_code_from_maths():
    assert slides.with_maths("`$a$` costs \\$5, $a_1 < b_1$") == (
        '`$a$` costs \\$5, <span class="tex" data-tex="a_1 &lt; b_1"></span>'
    )


def test_links_lead_to_slides():
    text = "[lesson 03](03_forgetting.ipynb) has [masks](glossary.md#term-mask)"
    assert slides.plain_links(text) == "[lesson 03](03_forgetting.html) has masks"


def test_nothing_of_a_lesson_is_lost_but_hints_and_solutions(lesson):
    notebook = jupytext.read(lesson)
    deck = slides.slides_of(notebook)
    text = "\n".join(cell.source for cell in deck.cells)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.DOTALL)
            for word in re.findall(r"(?<![\w$`\\(\[#./-])[a-z]{7,}(?![\w$`\\)\]#./-])", prose):
                assert word in text
    assert "def solution_" not in text
    assert "<details>" not in text
    assert "Hint 1" not in text
    predictions = lesson.read_text("utf-8").count("\nPrediction(")
    assert sum("Prediction(" in cell.source for cell in deck.cells if cell.cell_type == "code") >= predictions


def test_sections_are_slides(lesson):
    text = re.sub(r"```.*?```", "", lesson.read_text("utf-8"), flags=re.DOTALL)
    sections = [slides.with_maths(line) for line in re.findall(r"^##? .+$", text, re.MULTILINE)]
    assert sections == [source for kind, source in types(slides.slides_of(jupytext.read(lesson))) if kind == "slide"]


TALK = """# 99 · A talk

About $x_1$.

## A picture

Look at it. $$E = m c^2$$
"""


@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    """Slides of a tiny lesson with a formula, a figure and an explorer."""
    tool("node_modules/reveal.js/dist/reveal.js")
    folder = tmp_path_factory.mktemp("slides")
    cells = [
        new_code_cell("import supsup_lite as sl"),
        *jupytext.reads(TALK, "md").cells,
        new_markdown_cell("Said, not shown."),
        new_code_cell("from supsup_lite.explorers import Prediction\nPrediction('00', 'controls')"),
        new_code_cell("print('1 < 2')"),
    ]
    notebook = execute(new_notebook(cells=cells), folder).nb
    slides.write(folder / "deck", [])
    files = Files(folder / "deck" / "_static" / "explorers")
    (folder / "deck" / "99.html").write_text(slides.page_of(notebook, "A talk", files), "utf-8")
    return folder / "deck"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_slides_in_a_browser(deck, browser, scheme):
    with opened_page(browser, (deck / "99.html").as_uri(), scheme=scheme) as (page, complaints):
        assert page.locator("h1:visible").inner_text() == "99 · A talk"
        assert page.locator(".tex .katex").count() == page.locator(".tex").count() == 2
        assert page.locator("aside.notes").inner_text(timeout=1000) is not None
        assert "Said, not shown." in page.locator("aside.notes").text_content()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.locator(".explorer-alive .prediction").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        page.keyboard.press("ArrowDown")
        assert page.locator("section.present section.present pre:visible").last.inner_text().strip() == "1 < 2"
        assert complaints == []
        assert violations(page) == []  # last: axe-core reads style sheets in a way that file:// does not allow


def test_index_lists_lessons(lesson, browser, deck):
    title = title_and_promise(lesson)[0]
    assert f'<a href="{lesson.stem}.html">{title}</a>' in slides.index_of([lesson])


def test_without_reveal_the_way_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(slides, "REVEAL", ROOT / "node_modules" / "nothing")
    with pytest.raises(SystemExit, match="`make slides` fetches it with npm"):
        slides.write(tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_slides_are_a_valid_notebook(lesson):
    nbformat.validate(slides.slides_of(jupytext.read(lesson)))

"""What the site's extensions make of lessons and results: the front door, ways out, and mended pages."""

import runpy

import front
import pytest
from lessons import LESSONS, ROOT, goals, times
from tidy import tidy_page

CONF = str(ROOT / "notebooks" / "_site" / "conf.py")


def test_map_says_of_each_lesson_what_it_takes_and_gives(lesson):
    (card,) = [card for card in front.lesson_map().split("\n- [") if f"({lesson.name})" in card]
    read, do, run = times(lesson)
    assert f"{read} to read, {do} to do, runs in {run}" in card
    assert len(goals(lesson)) >= 3
    assert goals(lesson)[0] in card


@pytest.mark.parametrize("reader", [goals, times])
def test_a_lesson_without_goals_or_times_is_refused(tmp_path, reader):
    (tmp_path / "05_x.md").write_text("# A lesson\n\nIts promise.\n", "utf-8")
    with pytest.raises(ValueError, match=r"05_x\.md: expected .* found none"):
        reader(tmp_path / "05_x.md")


def test_readme_shows_the_same_results():
    assert front.results_table() in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("repository", ["", "someone/course"])
def test_ways_out_come_from_one_setting(monkeypatch, repository):
    monkeypatch.setenv("SUPSUP_REPOSITORY", repository)
    links = runpy.run_path(CONF)["course_links"]
    of_repository = {name for name, link in links.items() if "someone/course" in link}
    assert of_repository == ({"repository", "binder", "colab"} if repository else set())
    assert set(links) == {"article"} | of_repository, "what is not set is left out"


def test_descriptions_are_plain():
    for lesson in LESSONS:
        assert not set("*`$[]<>") & set(front.description_of(lesson.stem)), lesson.stem


def test_pages_are_mended():
    viewport = '<meta content="width=device-width" name="viewport" />'
    page = tidy_page(
        f"<head>\n{viewport}\n{viewport}\n<meta name='color-scheme' />\n{viewport}</head>"
        '<summary aria-label="Toggle hidden content">\n<p class="collapsed admonition-title">Show</p></summary>'
        '<p class="other">kept</p><button class="search-button-field" title="Search" aria-label="Search"></button>'
        '<button class="search-button" aria-label="Search"></button>'
        '<th class="head"><p></p></th><th class="head"><p>word</p></th>'
        '<div class="math">\n\\[a < b \\;<\\; c\\]</div>'
    )
    assert page.count("viewport") == 1
    assert "<meta name='color-scheme' />" in page
    assert '<summary>\n<span class="collapsed admonition-title">Show</span></summary><p class="other">kept</p>' in page
    assert '<button class="search-button-field" title="Search" aria-label="Search Ctrl+K">' in page
    assert '<button class="search-button" aria-label="Search">' in page
    assert '<td></td><th class="head"><p>word</p></th>' in page
    assert "\\[a &lt; b \\;&lt;\\; c\\]" in page
    assert tidy_page(page) == page

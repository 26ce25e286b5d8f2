"""The site builds without a warning, and in a browser it is whole and quiet: from file://, on a phone, in the dark."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from lessons import LESSONS, ROOT

from supsup_lite.explorers.scale import NETWORKS
from supsup_lite.explorers.stored.streams import PLANS, WORDS
from supsup_lite.plots.forgetting import METHODS
from tests.everybody import faults, heights, jumped_while_reading, violations, wake_explorers
from tests.pages import bring_near, opened_page
from tests.waiting import built_once

PAGES = ["index", "notation", "glossary", "findings", "teaching", *(lesson.stem for lesson in LESSONS)]
NO_EXPLORER = ("04b_similar_tasks", "10_open_questions")
PAGE_BYTES = 1_500_000
COUNT_WIDGETS = """() => {  // those that stand on the page, but for progress bars
    const read = (kind) => [...document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${kind}+json"]`)]
        .map((script) => JSON.parse(script.textContent));
    const models = Object.assign({}, ...read("state").map((saved) => saved.state));
    const name = (child) => models[child.replace("IPY_MODEL_", "")].model_name;
    const children = (view) => (models[view.model_id]?.state.children ?? []).map(name);
    const still = (view) => models[view.model_id]?.model_module !== "anywidget";  // explorers live
    return read("view").filter((view) => still(view) && !children(view).includes("FloatProgressModel")).length;
}"""

COUNT_EXPLORERS = """() => [...document.querySelectorAll('script[type="application/vnd.jupyter.widget-state+json"]')]
    .flatMap((script) => Object.values(JSON.parse(script.textContent).state))
    .filter((model) => model.model_module === "anywidget").length"""
EXPLORER_BYTES = 10_000_000
PICTURE = """(explorer) => [...explorer.querySelectorAll("svg, canvas, p, .big")]
    .map((part) => (part.matches("canvas") ? part.toDataURL() : part.outerHTML)).join()"""
# Quizzes and predictions have pictures of nothing: test_quiz.py answers them. A page that learns shows what it is set
# to when it learns: test_explorers_learning.py presses its buttons.
EXPLORER = ".supsup-explorer:not(.quiz, .prediction, .learns)"
STILL = '.explorer-still:not(:has(.question), :has([aria-label*="the mask of task 0"]))'
NOW = f"({PICTURE})(document.querySelector('{EXPLORER}'))"
IT_STANDS_STILL = f"() => {{ const last = window.last; return (window.last = {NOW}) === last; }}"


@pytest.fixture(scope="session")
def site(tmp_path_factory, lessons_ready):
    """The folder of the built site. Lessons that this test run has executed are not executed again."""
    return built_once(tmp_path_factory, "site", build_site)


def build_site(out):
    flags = ["-E", "-W", "-n", "--keep-going", "-q", "-c", "notebooks/_site", "-d", str(out / "doctrees")]
    build = subprocess.run(
        [sys.executable, "-m", "sphinx", *flags, "notebooks", str(out)], cwd=ROOT, capture_output=True, text=True
    )
    assert build.returncode == 0, build.stderr


class Links(HTMLParser):
    """The addresses that a page points to, and the ids that others can point to."""

    def __init__(self, page):
        super().__init__()
        self.targets, self.ids = [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self.targets += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def test_internal_links_resolve(site):
    links = {page: Links(page) for page in site.glob("*.html")}
    assert len(links) > len(LESSONS)
    for page, found in links.items():
        for target in map(urlsplit, found.targets):
            if target.scheme:
                continue
            path = (page.parent / unquote(target.path)).resolve() if target.path else page
            assert path.exists(), f"{page.name} points to {target.geturl()}"
            if target.fragment and path in links:
                assert unquote(target.fragment) in links[path].ids, f"{page.name} points to {target.geturl()}"


def test_landing_page_lists_every_lesson(site):
    assert {f"{lesson.stem}.html" for lesson in LESSONS} <= set(Links(site / "index.html").targets)


def test_page_hands_out_its_notebook(site, lesson):
    page, notebook = site / f"{lesson.stem}.html", lesson.with_suffix(".ipynb")
    assert notebook.name in Links(page).targets
    assert (site / notebook.name).read_bytes() == notebook.read_bytes()


def test_landing_page_opens_with_an_explorer_and_a_way_to_start(site):
    page = (site / "index.html").read_text("utf-8")
    first_screen = page[page.index("<h1>") : page.index("<h2>")]
    assert 'class="explorer-still"' in first_screen
    assert first_screen.index(f'href="{LESSONS[0].stem}.html"') < first_screen.index('class="explorer-still"')
    assert "{{" not in page


def test_page_says_what_it_is(site):
    pages = [*PAGES, "search", "404"]
    heads = {name: (site / f"{name}.html").read_text("utf-8").split("</head>")[0] for name in pages}
    for name, head in heads.items():
        assert head.count('name="viewport"') == 1, name
        assert '<html lang="en"' in head, name
        assert 'rel="icon"' in head, name
        picture = re.search('<meta property="og:image" content="(.+?)" />', head)[1]
        assert (site / picture).exists(), name
    abouts = [re.search('<meta name="description" content="(.{15,}?)" />', head)[1] for head in heads.values()]
    assert len(set(abouts)) == len(abouts), "each page has a description of its own"


def test_tables_that_cells_compute_are_tables(site, lesson):
    page = (site / f"{lesson.stem}.html").read_text("utf-8")
    assert "<p>| " not in page
    assert "<table" in page.split('<section id="the-paper-and-us">')[1], "The paper and us"


def test_pages_are_as_the_standard_has_it(site):
    assert faults(site) == ""


def test_no_page_brings_what_only_the_theme_s_authors_need(site):
    assert not list(site.rglob("*.map"))
    assert not [path for path in site.rglob("_static/**/*.js") if "sourceMappingURL=" in path.read_text("utf-8")]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(site, name):
    assert (site / f"{name}.html").stat().st_size <= PAGE_BYTES


def test_data_of_all_explorers_is_light(site):
    assert sum(path.stat().st_size for path in (site / "_static" / "explorers").glob("*.js")) <= EXPLORER_BYTES


@pytest.fixture
def opened(site, browser, name, width, scheme):
    """A page in the browser, and what it complained about or asked the outside for."""
    with opened_page(browser, (site / f"{name}.html").as_uri(), width, scheme) as found:
        yield found


@pytest.mark.parametrize("name", [*PAGES, "search", "404"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_page_in_a_browser(opened, width, scheme):
    page, complaints = opened
    assert complaints == []
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    assert page.locator("img:not([alt])").count() == 0
    assert page.evaluate("[...document.images].filter(image => !image.naturalWidth).map(image => image.src)") == []

    maths = page.locator(".bd-article .math")
    assert page.locator(".bd-article .math .katex").count() >= maths.count()
    assert page.locator(".katex-error").count() == 0
    if maths.count():
        assert page.evaluate("document.fonts.check('1em KaTeX_Main')"), "KaTeX's fonts lie beside it"

    show_what_waits_for_predictions(page)
    wake_explorers(page)
    assert complaints == []
    assert page.locator(".supsup-explorer").count() == page.evaluate(COUNT_EXPLORERS)

    shown = page.evaluate(
        """[...document.querySelectorAll(".supsup-figure:has(> svg.narrow)")].map(({ children }) =>
            [...children].map((drawing) => getComputedStyle(drawing).display !== "none"))"""
    )
    assert all(pair == [width > 600, width <= 600] for pair in shown), "a figure is drawn once: for a desk or a phone"

    stills = page.locator(".widget-still")
    assert stills.count() == page.evaluate(COUNT_WIDGETS)
    for still in stills.all():
        assert still.locator("img[alt], svg[aria-label], .widget-output > *").count(), "a widget shows a picture"
        assert not still.locator(":is(input, select, button):enabled").count()
    by_colour = ("color-contrast",) if scheme == "dark" else ()  # nothing else differs from the page by daylight
    assert violations(page, *by_colour) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light")], ids=["desk", "phone"])
@pytest.mark.parametrize("name", ["index", *(lesson.stem for lesson in LESSONS)])
def test_page_does_not_jump_when_explorers_wake(site, browser, name, width, scheme):
    """An explorer takes the room that its still picture kept for it, a finger's breadth more or less."""
    address = (site / f"{name}.html").as_uri()
    with opened_page(browser, address, width, scheme, without="**/explorers.js*") as (page, _):
        show_what_waits_for_predictions(page)
        reserved = heights(page, ".explorer-still")
    with opened_page(browser, address, width, scheme) as (page, _):
        assert jumped_while_reading(page) < 0.1
        show_what_waits_for_predictions(page)
        wake_explorers(page)
        needed = heights(page, ".explorer-alive > *")
    assert needed == pytest.approx(reserved, abs=40)


def test_paper_is_light_and_whole(site, browser):
    """Printed from a dark screen: dark ink, no code that is cut, nothing hidden behind a prediction."""
    with opened_page(browser, (site / f"{LESSONS[0].stem}.html").as_uri(), 800, "dark") as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        parts = page.locator(".bd-article :is(p, pre, pre span, td, .supsup-explorer, summary)")
        for what, fits in (("color", lambda darkest: darkest < 140), ("backgroundColor", lambda least: least > 220)):
            found = parts.evaluate_all(f"els => [...new Set(els.map(el => getComputedStyle(el).{what}))]")
            painted = [re.findall(r"\d+", colour)[:3] for colour in found if colour != "rgba(0, 0, 0, 0)"]
            assert all(fits(sorted(map(int, channels))[1]) for channels in painted), found
        cut = "els => els.filter(el => el.scrollWidth > el.clientWidth + 1).map(el => el.textContent)"
        assert page.locator(".bd-article pre").evaluate_all(cut) == []
        assert page.locator(".veil:visible").count() == 0
        assert page.locator(".tag_predicted").first.is_visible()


def show_what_waits_for_predictions(page):
    while page.locator(".veil").count():
        page.get_by_role("button", name="Just show it").first.click()


def first_explorer(page):
    bring_near(page.locator(f"{STILL}, {EXPLORER}").first)
    explorer = page.locator(EXPLORER).first
    explorer.wait_for()
    return explorer


def is_list(control):
    return control.evaluate("el => el.matches('select')")


def by_keyboard(page, control):
    last = "el => el.matches('select') ? el.selectedIndex === el.options.length - 1 : el.value === el.max"
    back = control.evaluate(last)
    control.focus()
    page.keyboard.press(f"Arrow{('Up' if back else 'Down') if is_list(control) else ('Left' if back else 'Right')}")


def by_mouse(page, control):
    if is_list(control):  # it opens outside of the page, where no test can click
        control.select_option(index=control.evaluate("el => el.selectedIndex ? 0 : el.options.length - 1"))
    else:
        bring_near(control)  # not below the header, nor out of sight
        box = control.bounding_box()
        other_end = control.evaluate("el => 2 * el.value > +el.max + +el.min ? 0.02 : 0.98")
        page.mouse.click(box["x"] + other_end * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize("move", [by_keyboard, by_mouse])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light")])
@pytest.mark.parametrize("name", [lesson.stem for lesson in LESSONS if lesson.stem not in NO_EXPLORER])
def test_every_slider_and_list_of_an_explorer_moves_its_picture(opened, move):
    page, complaints = opened
    show_what_waits_for_predictions(page)
    explorer = first_explorer(page)
    moved = 0
    for control in explorer.locator("input[type=range], select").all():
        offered = control.locator("option:enabled").count() if is_list(control) else 2
        if not (control.is_visible() and control.is_enabled() and offered > 1):  # that depends on other controls
            continue
        page.wait_for_function(IT_STANDS_STILL, polling=300)  # some count on by themselves for a while
        before, place = explorer.evaluate(PICTURE), control.input_value()
        move(page, control)
        page.wait_for_function(f"before => {NOW} !== before", arg=before)
        control.select_option(place) if is_list(control) else control.fill(place)
        moved += 1
    assert moved >= 2
    assert complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light")])
@pytest.mark.parametrize(
    ("name", "control", "order"),
    [
        ("03_catastrophic_forgetting", "method", METHODS),
        ("07_unannounced_tasks", "stream", [WORDS[plan] for plan in PLANS]),
        ("08_thousands_of_tasks", "network", [words for words, _ in NETWORKS.values()]),
    ],
)
def test_lists_keep_the_order_that_python_gave(opened, control, order):
    """And so, in lesson 03, the lines of the explorer keep the colours of the figures."""
    page, _ = opened
    show_what_waits_for_predictions(page)
    assert first_explorer(page).locator(f"[name={control}] option").all_inner_texts() == list(order)


@pytest.mark.parametrize(("name", "width", "scheme"), [("index", 360, "light")])
def test_search_works_from_a_file(opened, site):
    page, complaints = opened
    page.goto((site / "search.html").as_uri() + "?q=mask", wait_until="networkidle")
    page.wait_for_selector("#search-results li")
    assert complaints == []

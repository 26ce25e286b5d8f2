"""A Sphinx extension: the front door. The map of lessons, results beside the paper's, ways out, and what links show.

The map is read from the lessons, the results from `data/results/` and from the paper's numbers, the ways out from the
setting `course_links` in conf.py.
"""

import html
import re

from lessons import LESSONS, goals, times, title_and_promise

from supsup_lite.results import load, published

PICTURE = "_static/explorer.png"
SEEN = "A digit, shuffled by task 23, and fifty bars, one for each mask; that of mask 23 is tallest."
OTHERS = {  # what pages are about that are no lessons
    "index": "An interactive course on Supermasks in Superposition: one random network learns thousands of tasks by "
    "choosing weights, never changing one. Real digits, real training, explorers that move in the page.",
    "notation": "Every symbol of the course on Supermasks in Superposition, with its shape and the lesson it is from.",
    "glossary": "Every term of the course on Supermasks in Superposition, in a sentence or two.",
    "findings": "What rebuilding Supermasks in Superposition has shown that the paper does not say, and where.",
    "teaching": "For teachers of the course on Supermasks in Superposition: plans, questions, what goes wrong.",
    "search": "Search the course on Supermasks in Superposition.",
    "404": "This page is not here.",
}


def lesson_map() -> str:
    """Return the list of lessons: title, time, and the first two things that one can do afterwards."""
    cards = []
    for lesson in LESSONS:
        title, _ = title_and_promise(lesson)
        read, do, run = times(lesson)
        first = "\n  ".join(f"- {goal}" for goal in goals(lesson)[:2])
        cards.append(f"- [{title}]({lesson.name})\n\n  {read} to read, {do} to do, runs in {run}\n\n  {first}\n")
    return "\n".join(cards)


def results_table() -> str:
    """Return what was measured, beside the paper's numbers, as a table in Markdown."""
    many, some = (load(f"permuted_mnist_{k}_default") for k in (2500, 250))
    stream, memory = load("permuted_mnist_nns_100")["figures"]["record"], load("split_mnist_hopfield_0")["figures"]
    (wide,) = published(experiment="PermutedMNIST", method="SupSup")
    (ewc,) = published(experiment="PermutedMNIST", method="Online EWC")
    rows = [
        (
            f"digits read under {wide.tasks} shuffles, nobody says which (GNu)",
            f"{wide.accuracy:.1%}, FC 1024-1024, s = {wide.outputs}",
            f"{_accuracy(some)}, LeNet 300-100, s = {some['setting']['outputs']}",
        ),
        (
            f"digits read under {many['setting']['tasks']:,} shuffles, nobody says which (GNu)",
            "a curve, not read as a number",
            f"{_accuracy(many)}; the task is found in {many['figures']['GNu']['task_accuracy']:.1%}",
        ),
        (
            "a stream of 100 shuffles, nobody says when the task changes (NNs)",
            "a curve, not read as a number",
            f"{stream['accuracy']:.1%} with {stream['masks']} masks; {stream['recognised']} of {stream['returns']} "
            "returns recognised",
        ),
        (
            "masks recalled from one Hopfield matrix, bit for bit",
            "not claimed",
            f"{memory['exact']} of {memory['recalls']}",
        ),
        (f"to compare: Online EWC on {ewc.tasks} shuffles (GNu)", f"{ewc.accuracy:.1%}", "not run in GNu"),
    ]
    lines = [f"| {experiment} | {paper} | {ours} |" for experiment, paper, ours in rows]
    return "\n".join(["| experiment | paper | ours |", "|---|---|---|", *lines])


def _accuracy(run: dict) -> str:
    return f"{run['figures']['GNu']['accuracy']:.1%}"


def fill_front_page(app, docname, source):
    """Put the map, the results and the way to a copy into the home page."""
    if docname != "index":
        return
    for lesson in LESSONS:
        app.env.note_dependency(lesson)
    repository = app.config.course_links.get("repository")
    fillings = {
        "lessons": lesson_map(),
        "results": results_table(),
        "copy": f"a copy of [the repository]({repository})" if repository else "a copy of the course's repository",
    }
    for name, filling in fillings.items():
        source[0] = source[0].replace(f"{{{{{name}}}}}", filling)


def plain(markdown: str) -> str:
    """Return a sentence without its marks of Markdown."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown).replace("*", "").replace("`", "").replace("$", "")


def description_of(pagename: str) -> str:
    """Return what a page is about, for search engines and for those who get its link."""
    for lesson in LESSONS:
        if lesson.stem == pagename:
            return plain(title_and_promise(lesson)[1])
    return OTHERS.get(pagename, OTHERS["index"])


def describe(app, pagename, templatename, context, doctree):
    """Give a page its description, its picture where a link to it is shown, and its ways out."""
    address = app.config.html_baseurl
    name = plain(re.sub(r"<[^>]+>", "", context.get("title") or app.config.html_title))
    about = {"og:type": "website", "og:site_name": app.config.html_title, "og:title": html.unescape(name)}
    description = description_of(pagename)
    about |= {"og:description": description, "og:image": address + PICTURE, "og:image:alt": SEEN}
    about |= {"og:url": f"{address}{pagename}.html"} if address else {}
    tags = [f'<meta name="description" content="{html.escape(description)}" />']
    tags += [f'<meta property="{key}" content="{html.escape(value)}" />' for key, value in about.items()]
    tags += [f'<base href="{html.escape(address)}" />'] if address and pagename == "404" else []
    context["metatags"] = context.get("metatags", "") + "\n    " + "\n    ".join(tags)
    context["links"] = {key: link.format(notebook=f"{pagename}.ipynb") for key, link in app.config.course_links.items()}


def setup(app):
    app.add_config_value("course_links", {}, "html", dict)
    app.connect("source-read", fill_front_page)
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A Sphinx extension: explorers on pages without a kernel. Each text and each file of theirs is stored once a site.

myst-nb leaves the saved state of all widgets in a page. Here the page keeps what its views show and little else:
modules, style sheets and large buffers become files beside the site's other static files, named by their content, and
so do the files that an explorer would ask Python for. `static/explorers.js` loads them when they come into view.
"""

import base64
import hashlib
import html
import json
import re
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector

from supsup_lite.explorers.stored import masks as stored

FOLDER = "explorers"  # below _static
LARGE = 4096  # bytes of base64 from which on a buffer becomes a file
VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL)
MODEL_ID = re.compile(r'"(?:IPY_MODEL_|anywidget:)?([0-9a-f]{32})"')
STILL = "Here it stands still. It answers in a browser with JavaScript, and in a running notebook."


def place_explorers(app, pagename, templatename, context, doctree):
    """Replace the state in a page by what its views need, and put each explorer's still picture where its view is."""
    scripts = NbMetadataCollector.get_doc_data(app.env)[pagename].get("js_files", {})
    if "ipywidgets_state" not in scripts:
        return
    path, attributes = scripts["ipywidgets_state"]
    models = json.loads(attributes["body"])["state"]
    shown = reachable(models, context["body"])
    files = Files(Path(app.outdir, "_static", FOLDER))
    stills = {}
    for name, model in shown.items():
        if model["model_module"] == "anywidget":
            stills[name] = (model["state"].pop("still", ""), room_of(model["state"].pop("room", [])))
            shown[name] = lighten(model, files)
    body = json.dumps({"state": shown}, separators=(",", ":")).replace("<", "\\u003c")
    # A page's context is made anew each time, and the environment stays as it is for the next build.
    scripts["ipywidgets_state"] = (path, {**attributes, "body": body})
    context["body"] = VIEW.sub(lambda view: view[0] + still_of(view[1], stills), context["body"])


def reachable(models: dict, body: str) -> dict:
    """Return the models that a page's views show, and those that these refer to."""
    kept, todo = {}, [name for view in VIEW.findall(body) for name in MODEL_ID.findall(view)]
    while todo:
        name = todo.pop()
        if name in models and name not in kept:
            kept[name] = models[name]
            todo += MODEL_ID.findall(json.dumps(models[name]["state"]))
    return kept


def lighten(model: dict, files: "Files") -> dict:
    """Return an explorer's model with the names of files in place of what is large."""
    state = {name: value for name, value in model["state"].items() if not name.startswith("_") and name != "layout"}
    module = {"esm": model["state"]["_esm"], "css": model["state"].get("_css", "")}
    buffers = [
        {"path": buffer["path"], "file": files.add(buffer["data"])} if len(buffer["data"]) >= LARGE else buffer
        for buffer in model.get("buffers", [])
    ]
    assets = {name: files.add(base64.b64encode(stored.asset(name)).decode()) for name in state.get("assets", [])}
    return {
        "model_name": model["model_name"],
        "model_module": "anywidget",
        "state": {**state, "assets": assets},
        "buffers": buffers,
        "module": files.add(module),
    }


def room_of(heights: list[int]) -> str:
    """Return the style that reserves an explorer's heights, which site.css chooses among by the width there is."""
    named = zip(("phone", "tablet", "desk"), heights, strict=False)
    return "; ".join(f"--{name}: {height}px" for name, height in named)


def still_of(view: str, stills: dict[str, tuple[str, str]]) -> str:
    """Return the still picture of a view, to stand there until the explorer has started."""
    (name,) = MODEL_ID.findall(view)
    if name not in stills:
        return ""
    caption = f"<figcaption>{html.escape(STILL)}</figcaption>"
    still, room = stills[name]
    style = f' style="{room}"' if room else ""
    return f'<figure class="explorer-still" data-model="{name}"{style}>{still}{caption}</figure>'


class Files:
    """The site's explorer files: classic scripts, because a page opened from a disk may read nothing else."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, content: dict | str) -> str:
        """Write a file, unless it is there, and return its name."""
        text = json.dumps(content, separators=(",", ":"))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        path = self.folder / f"{name}.js"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(f'(window.explorerFiles = window.explorerFiles || {{}})["{name}"] = {text};\n', "utf-8")
        return name


def setup(app):
    """Come before myst-nb puts the state into the page."""
    app.connect("html-page-context", place_explorers, priority=300)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""A site of a few tiny pages, built with the settings of the real one: for tests that no lesson needs to run for."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SITE = ROOT / "notebooks" / "_site"
HEADER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3 (ipykernel), language: python, name: python3}
---
"""
CONF = f"""
import runpy
real = runpy.run_path({str(SITE / "conf.py")!r})
globals().update({{name: value for name, value in real.items() if not name.startswith("__") and name != "setup"}})
nb_execution_mode, nb_execution_timeout = "force", 300  # seconds a cell: a busy machine takes its time
exclude_patterns, html_extra_path, html_favicon = [], [], None
html_static_path, templates_path = [{str(SITE / "static")!r}], [{str(SITE / "templates")!r}]
html_context["lessons"] = []
del html_theme_options["logo"]
"""


def build(folder: Path, pages: dict[str, list[str]]) -> Path:
    """Build pages, each a list of prose and code ("# ..." is prose), and return the folder of their HTML."""
    source = folder / "source"
    source.mkdir()
    (source / "conf.py").write_text(CONF, "utf-8")
    for name, cells in pages.items():
        texts = [cell if cell.startswith("# ") else f"```{{code-cell}}\n{cell}\n```" for cell in cells]
        (source / f"{name}.md").write_text(HEADER + "\n\n".join(texts), "utf-8")
    command = [sys.executable, "-m", "sphinx", "-E", "-W", "-q", "-d", str(folder / "doctrees")]
    done = subprocess.run([*command, str(source), str(folder / "html")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"

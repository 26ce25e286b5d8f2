"""Whether a page is for everybody: asked of axe-core, of html-validate, and of the browser's count of jumps."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
AXE = "node_modules/axe-core/axe.min.js"
HTML_VALIDATE = "node_modules/.bin/html-validate"
# A moment's jump is the share of the window that moved times how far; the browser adds up what nobody asked for.
COUNT_JUMPS = """() => {
    window.jumped = 0;
    new PerformanceObserver((list) => { for (const { value } of list.getEntries()) window.jumped += value; })
        .observe({ type: "layout-shift", buffered: true });
}"""
VIOLATIONS = """(options) => axe.run(document, { resultTypes: ["violations"], preload: false, ...options })
    .then(({ violations }) => violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(" ")).join(", ")})`))"""


def tool(path: str) -> Path:
    """Return a tool that `make lint` fetches. Without it a learner's run skips the test, and CI fails."""
    if not (ROOT / path).exists():
        reason = f"{path} is missing: `make lint` fetches it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return ROOT / path


def violations(page, *rules: str) -> list[str]:
    """What axe-core finds on a page that is serious or critical: by all of its rules, or by those named."""
    page.evaluate(tool(AXE).read_text("utf-8"))
    return page.evaluate(VIOLATIONS, {"runOnly": rules} if rules else {})


def faults(folder: Path) -> str:
    """What html-validate says about the pages of a folder: nothing where all are as the standard has it."""
    command = [str(tool(HTML_VALIDATE)), "--config", str(ROOT / ".htmlvalidate.json"), f"{folder}/*.html"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def wake_explorers(page) -> None:
    """Scroll to one explorer after another until all of them live."""
    for still in page.locator(".explorer-still").element_handles():
        still.evaluate("still => still.scrollIntoView()")
        still.wait_for_element_state("hidden")


def heights(page, explorers: str) -> list[int]:
    """The px that each explorer takes, or its still, with the paper around it."""
    return page.locator(f"{explorers}").evaluate_all("els => els.map(el => Math.round(el.offsetHeight))")


def jumped_while_reading(page) -> float:
    """Read a page from top to bottom, a good half of a window at a time, and return by how much it jumped."""
    page.evaluate(COUNT_JUMPS)
    at_the_end = "() => scrollY + innerHeight >= document.documentElement.scrollHeight - 1"
    while not page.evaluate(at_the_end):
        page.evaluate("scrollBy(0, 0.6 * innerHeight)")
        page.wait_for_timeout(50)
        page.wait_for_function("!document.querySelector('[data-explorer=starting]')")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("jumped")

"""How long the task inference explorer takes from an input to its answer, in a browser, with 50 LeNet 300-100 masks."""

import tempfile
from pathlib import Path
from statistics import median

from tests import small_site
from tests.pages import chromium, opened_page

INPUTS = 40
METHODS = ("One-Shot: 1 gradient", "Binary: halving", "every mask: k passes")

# Each input is another image: the worst case, since nothing can be kept. Two frames later the answer has been painted.
MEASURE = """async ({method, inputs}) => {
    const named = (name) => document.querySelector(`[name=${name}]`);
    const move = (control, value) => {
        control.value = value;
        control.dispatchEvent(new Event("input"));
    };
    move(named("num_tasks"), 50);
    move(named("method"), method);
    const frame = () => new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    const answered = [], painted = [];
    for (let i = 0; i < inputs; i++) {
        await frame();
        const began = performance.now();
        move(named("task"), (7 * i) % 50);
        answered.push(performance.now() - began);
        await frame();
        painted.push(performance.now() - began);
    }
    return { answered: answered.slice(inputs / 4), painted: painted.slice(inputs / 4) };
}"""


def run() -> list[dict]:
    """Return ms from an input to the changed page, and to the painted one: median and worst, for each method."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        pages = small_site.build(Path(folder), {"index": ["# Explorer", "import supsup_lite as sl\nsl.demo()"]})
        with opened_page(browser, (pages / "index.html").as_uri()) as (page, _):
            page.wait_for_selector(".supsup-explorer")
            for method in METHODS:
                times = page.evaluate(MEASURE, {"method": method, "inputs": INPUTS})
                rows.append({"ask by": method, "ms to the answer": median(times["answered"])})
                rows[-1] |= {"at worst": max(times["answered"]), "ms until painted": median(times["painted"])}
    return rows

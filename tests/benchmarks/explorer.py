"""How long explorers take from an input to its answer, in a browser: 50 LeNet masks, and 20 digits in 784 spins."""

import tempfile
from pathlib import Path
from statistics import median

from tests import small_site
from tests.pages import chromium, opened_page

INPUTS = 40
TOC = "```{toctree}\n:hidden:\nhopfield\n```"
PAGES = {
    "index": [f"# Explorer\n\n{TOC}", "from supsup_lite.explorers import TaskInference\nTaskInference()"],
    "hopfield": ["# Spins", "from supsup_lite.explorers import Hopfield\nHopfield(stored=20, rule='storkey')"],
}
METHODS = ("One-Shot: 1 gradient", "Binary: halving", "every mask: k passes")

# Each input is another image: the worst case, since nothing can be kept. Two frames later the answer has been painted.
MEASURE = """async ({start, name, values}) => {
    const named = (name) => document.querySelector(`[name=${name}]`);
    const move = (control, value) => {
        control.value = value;
        control.dispatchEvent(new Event("input"));
    };
    for (const [control, value] of Object.entries(start)) move(named(control), value);
    const frame = () => new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    const answered = [], painted = [];
    for (const value of values) {
        await frame();
        const began = performance.now();
        move(named(name), value);
        answered.push(performance.now() - began);
        await frame();
        painted.push(performance.now() - began);
    }
    const first = values.length / 4;
    return { answered: answered.slice(first), painted: painted.slice(first) };
}"""


def run() -> list[dict]:
    """Return ms from an input to the changed page, and to the painted one: median and worst, for each question."""
    tasks = [(7 * i) % 50 for i in range(INPUTS)]
    questions = [
        ("index", f"task inference, {method}", {"num_tasks": 50, "method": method}, "task", tasks) for method in METHODS
    ]
    noises = [10 + i for i in range(INPUTS)]
    questions.append(("hopfield", "Hopfield, 20 digits by Storkey", {}, "noise", noises))
    rows = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        pages = small_site.build(Path(folder), PAGES)
        for name, words, start, control, values in questions:
            with opened_page(browser, (pages / f"{name}.html").as_uri()) as (page, _):
                page.wait_for_selector(".supsup-explorer")
                times = page.evaluate(MEASURE, {"start": start, "name": control, "values": values})
            rows.append({"explorer": words, "ms to the answer": median(times["answered"])})
            rows[-1] |= {"at worst": max(times["answered"]), "ms until painted": median(times["painted"])}
    return rows

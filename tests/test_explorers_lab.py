"""Explorers in a real JupyterLab on this machine's own address: Python and the browser see each other's moves."""

import ast
import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import nbformat
import pytest
from jupyter_client import BlockingKernelClient
from lessons import LESSONS

from tests.pages import patient
from tests.waiting import PATIENCE, wait_until

TOKEN = secrets.token_hex()
OWN_FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
)
# All cells stay on the page: otherwise JupyterLab takes those out of sight off it.
SETTINGS = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"}}
EVERY_CELL_HAS_RUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .every((prompt) => /\\d/.test(prompt.textContent) || !prompt.textContent)"""  # a folded cell has no number

CELLS = {
    "hopfield": "Hopfield()",
    "stream": "Stream()",
    "scale": "Scale()",
    "rivals": "Rivals()",
    "random_masks": "RandomMasks(sl.lenet_300_100(10), sl.permuted_mnist(1), (0, 50, 90))",
    "masks": "Masks(sl.lenet_300_100(), sl.rotated_mnist(1), sl.Recipe(20, 100, 'adam', 4e-3), (50, 90))",
    "learning": "Learning(rule='edge-popup')",
    "forgetting": "Forgetting({'one': torch.eye(3)}, lambda method, k, on_step: torch.eye(k), most_tasks=8)",
}
LEARNING = {"learning": "Learning(seed=2)"}
QUESTIONS = {"quiz": "Quiz('06')", "prediction": "Prediction('06', 'digits')"}
IMPORTS = "import torch\nimport supsup_lite as sl\nfrom supsup_lite.explorers import *"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address and the folder of a JupyterLab with the first lesson, the other explorers, and some questions."""
    folder = tmp_path_factory.mktemp("lab")
    nbformat.write(nbformat.read(LESSONS[0].with_suffix(".ipynb"), as_version=4), folder / "lesson.ipynb")
    for stem, shown in {"explorers": CELLS, "questions": QUESTIONS, "learning": LEARNING}.items():
        cells = [IMPORTS, *(f"{name} = {code}\n{name}" for name, code in shown.items())]
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, folder / f"{stem}.ipynb")
    for name, values in SETTINGS.items():
        path = folder / "jupyterlab_settings_dir" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    flags += [
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (folder / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *flags]
        # PyTorch's threads sleep while they wait: spinning, they bring a busy machine to a halt.
        folders = {name: str(folder / name.lower()) for name in OWN_FOLDERS}
        environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ | folders
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(address), lambda: (folder / "log.txt").read_text())
        yield address, folder
    finally:
        server.terminate()
        server.wait(PATIENCE)


def ask(url):
    request = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        return json.load(reply)


def answers(address):
    try:
        return ask(f"{address}/api")
    except OSError:
        return False


def what_it_shows(page, folder):
    page.screenshot(path=folder / "page.png")
    return f"{folder / 'page.png'}: {page.locator('body').inner_text()[-3000:]}"


@contextmanager
def opened(lab, browser, notebook):
    """Yield the page of a notebook whose cells have all run, and a function for the values of its Python names."""
    address, folder = lab
    context = patient(browser.new_context(viewport={"width": 1280, "height": 900}))
    client = BlockingKernelClient()
    try:
        page = context.new_page()
        workspace = notebook.removesuffix(".ipynb")  # of its own, where no other notebook is open
        page.goto(f"{address}/lab/workspaces/{workspace}/tree/{notebook}?token={TOKEN}")
        # The bar at the bottom knows. The ring at the top says idle when there is no kernel yet, and JupyterLab 4.6
        # starts a second one for a cell that is run then: the two race, and no widget of the page hears of Python.
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        wait_until(lambda: page.evaluate(EVERY_CELL_HAS_RUN), lambda: what_it_shows(page, folder))
        (kernel,) = (
            session["kernel"]["id"] for session in ask(f"{address}/api/sessions") if session["path"] == notebook
        )
        client.load_connection_file(str(folder / "jupyter_runtime_dir" / f"kernel-{kernel}.json"))
        client.start_channels()
        client.wait_for_ready(PATIENCE)

        def python(expression):
            reply = client.execute("", silent=True, user_expressions={"it": expression}, reply=True, timeout=PATIENCE)
            value = reply["content"]["user_expressions"]["it"]
            assert value["status"] == "ok", value
            return ast.literal_eval(value["data"]["text/plain"])

        yield page, python
    finally:
        context.close()
        client.stop_channels()


def test_in_a_lesson_python_and_the_browser_see_each_other_s_moves(lab, browser):
    with opened(lab, browser, "lesson.ipynb") as (page, python):
        explorer = page.locator("section.supsup-explorer").first

        def sees(**expected):
            def seen():
                return {name: python(f"Out[2].{name}") for name in expected}

            wait_until(lambda: seen() == expected, seen)

        explorer.wait_for()
        sees(num_tasks=20, task=7, chosen=7, answer=4)
        slider = explorer.locator("[name=num_tasks]")
        slider.focus()
        page.keyboard.press("ArrowRight")
        sees(num_tasks=21)
        python("setattr(Out[2], 'task', 3)")
        sees(chosen=3)
        assert explorer.locator("[name=task]").input_value() == "3"

        # What is not stored, Python learns on the side.
        slider.fill("3")
        explorer.locator("[name=task]").fill("1")
        explorer.locator("[name=outputs]").select_option("25")
        assert explorer.locator(".offer").inner_text().startswith("Nobody has learned masks with 25 outputs")
        explorer.get_by_role("button", name="Learn 3 masks").click()
        explorer.get_by_role("button", name="Cancel").click()
        sees(progress=-1.0, outputs=25)
        assert "s25-sparsity50" not in python("[row['name'] for row in Out[2].learned]")
        explorer.get_by_role("button", name="Learn 3 masks").click()
        explorer.locator(".offer").wait_for(state="hidden")
        sees(outputs=25, chosen=1)


def test_python_sees_the_moves_of_every_explorer(lab, browser):
    with opened(lab, browser, "explorers.ipynb") as (page, python):
        cells = page.locator(".jp-CodeCell")
        for place, name in enumerate(CELLS, 1):
            explorer = cells.nth(place).locator("section.supsup-explorer")
            explorer.wait_for()
            sliders = explorer.locator("input[type=range]").all()
            assert sliders, name
            for slider in sliders:
                python_sees_it_move(python, name, page, slider)


def python_sees_it_move(python, name, page, slider):
    value = f"{name}.{slider.get_attribute('name')}"
    before = python(value)
    slider.focus()
    page.keyboard.press("ArrowLeft" if slider.input_value() == slider.get_attribute("max") else "ArrowRight")
    wait_until(lambda: python(value) != before, lambda: f"{value} is still {before}")


def test_python_has_the_masks_that_the_page_has_learned(lab, browser):
    with opened(lab, browser, "learning.ipynb") as (page, python):
        page.locator("section.supsup-explorer").wait_for()
        for count, words in enumerate(("Learn", "Next task"), 1):
            page.locator("section.supsup-explorer").get_by_role("button", name=words, exact=True).click()
            wait_until(lambda count=count: python("len(learning.masks)") == count, lambda: python("learning.trouble"))
        wait_until(lambda: python("len(learning.accuracy)") == 2)
        assert len(page.workers) >= 1
        evaluate = "sl.evaluate(learning.net, learning.masks, learning.tasks[:2], 'GG').per_task.tolist()"
        assert python(evaluate) == pytest.approx(python("learning.accuracy"), abs=1e-6)
        assert python("learning.net.seed") == 2
        assert min(python("learning.accuracy")) > 0.8


def test_python_sees_the_answers(lab, browser):
    with opened(lab, browser, "questions.ipynb") as (page, python):
        quiz, prediction = page.locator("section.quiz"), page.locator("section.prediction")
        prediction.wait_for(timeout=60_000)
        quiz.locator("input").first.focus()
        page.keyboard.press("ArrowDown")  # a cell of the notebook would be left by it
        assert quiz.locator("input").nth(1).evaluate("input => input === document.activeElement")
        assert python("quiz.answers") == [None] * 5
        page.keyboard.press("Enter")
        quiz.locator(".feedback").wait_for()
        wait_until(lambda: python("quiz.answers") == [1, *[None] * 4], lambda: python("quiz.answers"))
        python("setattr(quiz, 'answers', [None] * 4 + [0])")
        quiz.locator(".question").nth(4).locator(".feedback").wait_for()
        assert quiz.locator(".feedback").count() == 1

        prediction.locator("label").nth(2).click()
        wait_until(lambda: python("prediction.answer") == 2, lambda: python("prediction.answer"))
        assert prediction.locator(".said").inner_text().endswith("Now run the next cell.")

"""Explorers in a real JupyterLab on this machine's own address: Python and the browser see each other's moves."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from playwright.sync_api import TimeoutError

TOKEN = secrets.token_hex()
CELL = """
import json, pathlib
import supsup_lite as sl
explorer = sl.demo()
names = ["num_tasks", "task", "chosen", "answer", "outputs"]
def write(change):
    pathlib.Path("seen.json").write_text(json.dumps({name: getattr(explorer, name) for name in names}))
    if explorer.num_tasks == 22 and explorer.task != 3:
        explorer.task = 3
explorer.observe(write, names)
explorer
"""


@pytest.fixture
def lab(tmp_path):
    """The address of a JupyterLab whose folder is tmp_path, with one notebook in it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.strip())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "explorer.ipynb")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    settings = {name: str(tmp_path / name.lower()) for name in (*own, "JUPYTERLAB_SETTINGS_DIR")}
    # No question which kernel, when the notebook's own does not start at once.
    tracker = tmp_path / "jupyterlab_settings_dir/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"autoStartDefaultKernel": true}')
    flags = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    flags += [
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    with (tmp_path / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *flags]
        server = subprocess.Popen(command, cwd=tmp_path, env=os.environ | settings, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(address), tmp_path / "log.txt")
        yield address
    finally:
        server.terminate()
        server.wait(30)


def answers(address):
    try:
        with urllib.request.urlopen(f"{address}/api", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def wait_until(true, log, seconds=60):
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.1)


def run_first_cell(page):
    """Press Shift+Enter in it until it runs: on a first start JupyterLab may be busy, not listen yet, or ask back."""
    for _ in range(20):
        try:
            for dialog in page.locator(".jp-Dialog").all():
                dialog.locator(".jp-mod-accept").click(timeout=5000)
            page.locator(".jp-Cell .cm-content").first.click(timeout=5000)
        except TimeoutError:  # a dialog came in between
            continue
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(3000)
        if page.locator(".jp-Cell .jp-InputPrompt").first.inner_text() != "[ ]:":
            return
    pytest.fail(f"the cell never ran: {page.locator('.jp-Cell').first.inner_text()}")


def test_python_and_the_browser_see_each_other_s_moves(lab, browser, tmp_path):
    def seen(**expected):
        path = tmp_path / "seen.json"

        def true():
            try:
                return json.loads(path.read_text()).items() >= expected.items()
            except (OSError, ValueError):  # not written yet, or half
                return False

        wait_until(true, tmp_path / "log.txt")

    page = browser.new_page()
    page.goto(f"{lab}/lab/tree/explorer.ipynb?reset&token={TOKEN}")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=90_000)
    run_first_cell(page)
    page.wait_for_selector("section.supsup-explorer", timeout=90_000)
    seen(num_tasks=20, chosen=7, answer=7)

    slider = page.locator("[name=num_tasks]")
    slider.focus()
    page.keyboard.press("ArrowRight")
    seen(num_tasks=21)
    page.keyboard.press("ArrowRight")
    seen(num_tasks=22, task=3, chosen=3)  # and Python moved the task
    assert page.locator("[name=task]").input_value() == "3"

    # What is not stored, Python learns on the side.
    slider.fill("3")
    page.locator("[name=task]").fill("1")
    page.locator("[name=outputs]").select_option(label="25 (15 superfluous)")
    assert page.locator(".offer").inner_text().startswith("Nobody has learned masks with 25 outputs")
    page.get_by_role("button", name="Learn 3 masks").click()
    page.wait_for_selector(".supsup-explorer:not(.waiting)", timeout=90_000)
    seen(outputs=25, chosen=1)
    assert not page.locator(".offer").is_visible()
    page.close()

"""Pages in a browser: opened from a disk, at some width, and listened to."""

import json
import os
import shutil
from contextlib import contextmanager

from tests.waiting import PATIENCE

LOCAL = ("file:", "data:", "blob:")
# No sandbox: CI runs as root. The rest keeps Chromium from calling home.
QUIET = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The Chromium of this machine, or the one that SUPSUP_CHROMIUM names."""
    names = (os.environ.get("SUPSUP_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


@contextmanager
def chromium():
    """A started Chromium, driven by playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=list(QUIET))
        yield started
        started.close()


def patient(place):
    """A browser's context or page that waits for what is to come, however busy the machine is."""
    place.set_default_timeout(1000 * PATIENCE)
    return place


@contextmanager
def opened_page(browser, url: str, width: int = 1280, scheme: str = "light", without: str | None = None, **options):
    """Open a page, without some of its files, and yield it with what it complains about or asks the outside for."""
    context = patient(browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **options))
    page, complaints = context.new_page(), []
    page.on("request", lambda request: request.url.startswith(LOCAL) or complaints.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if without:
        page.route(without, lambda route: route.abort())
    page.goto(url)
    page.wait_for_load_state("networkidle")  # a busy machine may be quiet for a while before the page is loaded
    yield page, complaints
    context.close()


def bring_near(place) -> None:
    """Scroll to something that may wake and go meanwhile: playwright's own way waits for it to be visible."""
    place.evaluate("place => place.scrollIntoView({ block: 'center' })")


def fits_and_takes_the_ink(page, scope, width: int, parts: str, words: str):
    """Nothing reaches beyond the page, an explorer's `parts` lie on it, and its chart's `words` have its colour."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in scope.locator(parts).all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    ink = scope.evaluate("el => getComputedStyle(el).color")
    assert scope.locator(words).first.evaluate("el => getComputedStyle(el).fill") == ink


def heap(page) -> float:
    """The megabytes that a page's JavaScript holds on to, after everything was swept."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    session.detach()
    return used


def move_slider(page, slider, times: int) -> None:
    """Move a slider to and fro by keyboard, so many moves."""
    slider.focus()
    for i in range(times):
        page.keyboard.press("ArrowRight" if i // 5 % 2 else "ArrowLeft")


def growth_of_heap(page, slider) -> float:
    """By how many megabytes the heap is larger after 200 moves of a slider than after the first 20."""
    move_slider(page, slider, 20)
    before = heap(page)
    move_slider(page, slider, 200)
    return heap(page) - before


def work_of_each_task(browser, page, do) -> list[float]:
    """What each task of the page's main thread takes while it does something: ms of the processor's own time.

    That is the same on a busy machine. A task above 50 ms is one that a hand on a slider feels.
    """
    browser.start_tracing(page=page, categories=["toplevel"])
    do(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    return [
        e["tdur"] / 1000
        for e in events
        if "RunTask" in e["name"] and "tdur" in e and names.get((e["pid"], e["tid"])) == "CrRendererMain"
    ]


LISTEN = """(explorer) => {
    const live = '[role=status], [aria-live]:not([aria-live=off]), output:not([aria-hidden=true])';
    window.spoken = new Set();
    for (const region of explorer.querySelectorAll(live))
        new MutationObserver(() => region.textContent && window.spoken.add(region)).observe(
            region, { childList: true, characterData: true, subtree: true });
}"""


def regions_that_speak(page, explorer, name: str, key: str) -> int:
    """Move a slider by a key, and return how many live regions have news besides the slider's own value."""
    explorer.evaluate(LISTEN)
    slider = explorer.locator(f"[name={name}]")
    before = slider.get_attribute("aria-valuetext")
    slider.press(key)
    assert slider.get_attribute("aria-valuetext") != before
    return page.evaluate("new Promise((done) => setTimeout(() => done(window.spoken.size)))")


def draw_upright_stroke(page, by: str):
    """Draw a stroke down the middle of the pad by "mouse", "finger" or "keyboard", and move on with the pen up."""
    pad = page.locator(".pad")
    pad.wait_for()
    box = pad.bounding_box()
    x, top, bottom = box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"], box["y"] + 0.8 * box["height"]
    if by == "mouse":
        page.mouse.move(x, top)
        page.mouse.down()
        page.mouse.move(x, bottom, steps=4)
        page.mouse.up()
        page.mouse.move(box["x"], top)
    elif by == "finger":
        touch = page.context.new_cdp_session(page).send
        for kind, y in (("touchStart", top), ("touchMove", (top + bottom) / 2), ("touchMove", bottom)):
            touch("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    else:
        pad.focus()
        for key in ["ArrowUp"] * 8 + [" "] + ["ArrowDown"] * 16 + [" "] + ["ArrowRight"] * 9:
            page.keyboard.press(key)

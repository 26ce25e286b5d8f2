"""The stream explorer: stored runs that are what they say, learning on the side, and the page without a kernel."""

import base64
import json
import math
from itertools import islice

import pytest
import torch
import traitlets

from supsup_lite.explorers import Stream
from supsup_lite.explorers.base import Explorer
from supsup_lite.explorers.stored import streams as stored_streams
from supsup_lite.unannounced.novelty import known_by_nu, nu
from tests.pages import fits_and_takes_the_ink, growth_of_heap, opened_page, patient, regions_that_speak
from tests.waiting import wait_until

TITLE = "When is a new mask needed?"


@pytest.fixture(scope="module")
def explorer():
    return Stream()


def each(pairs):
    return [number for number, count in pairs for _ in range(count)]


# --- stored runs -------------------------------------------------------------------------------------------------


def test_the_command_reads_the_same_again():
    """The first decisions, up to the second task's. On another machine sums are rounded in another order."""
    source = stored_streams.stream("even")
    learner = stored_streams.learner_for(source, 0.125)
    for x, y in islice(source, 61):
        learner.feed(x, y)
    kept = stored_streams.stored_runs()["even, 0.125"]["decisions"][: len(learner.decisions)]
    assert len(kept) == 4
    for new, old in zip(learner.decisions, kept, strict=True):
        assert (new.step, new.mask, new.new) == (old["step"], old["mask"], old["new"])
        torch.testing.assert_close(new.gradient, torch.tensor(old["gradient"]), rtol=0.1, atol=0.02)


@pytest.mark.parametrize("stream", stored_streams.PLANS)
def test_runs_hold_together(explorer, stream):
    """Each decision of the paper's rule follows from its gradient, and the errors add up to the masks."""
    truth = each(stored_streams.PLANS[stream])
    tasks = len(set(truth) - {-1})
    for eps in (*stored_streams.EPSILONS, None):
        run = explorer.runs[stored_streams.name_of(stream, eps)]
        used = each(run["used"])
        assert len(used) == len(truth)
        assert stored_streams.errors(truth, used) == (run["false_alarms"], run["misses"])
        assert run["masks"] == tasks + run["false_alarms"] - run["misses"]
        assert {d["mask"] for d in run["decisions"] if d["new"]} == set(range(run["masks"]))
        for decision in run["decisions"]:
            says = known_by_nu(torch.tensor(decision["gradient"]), eps or 1)
            if eps is not None:
                assert decision["counts"] == (truth[decision["step"]] >= 0)
                assert says == (None if decision["new"] else decision["mask"])


def test_known_is_what_was_learned_before(explorer):
    """On the even stream a task is known after its first block: where each decision stands says it all."""
    run, seen = explorer.runs["even, 0.125"], set()
    truth = each(stored_streams.PLANS["even"])
    for decision in run["decisions"]:
        task = truth[decision["step"]]
        assert decision["known"] == (task in seen)
        seen.add(task)


@pytest.mark.parametrize(
    ("truth", "used", "expected"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], (0, 0)),
        ([0, 0, 1, 1], [0, 0, 0, 0], (0, 1)),  # one mask took both
        ([0, 0, 1, 0], [0, 0, 1, 2], (1, 0)),  # the return was not recognised
        ([0, -1, -1, 1], [0, -1, -1, 1], (0, 0)),  # noise set aside
        ([0, -1, -1, 0], [0, 1, 1, 0], (1, 0)),  # a mask for noise alone
        ([0, -1, -1, 1], [0, 1, 1, 1], (0, 0)),  # begun in noise, and the next task's from then on
        ([-1, 0, 1], [0, 0, -1], (0, 0)),
    ],
)
def test_false_alarms_and_misses(truth, used, expected):
    assert stored_streams.errors(truth, used) == expected


@pytest.mark.parametrize("harm", ["missing", "truncated", "without a run", "no runs at all", "nested", "half a run"])
def test_a_bad_file_is_refused_with_the_command_that_mends_it(tmp_path, harm):
    path, text = tmp_path / "streams.json", stored_streams.FILE.read_text("utf-8")
    if harm != "missing":
        shorter = json.dumps({name: run for name, run in json.loads(text).items() if name != "ragged, evidence"})
        half = json.dumps({name: run | {"used": run["used"][:1]} for name, run in json.loads(text).items()})
        others = {"truncated": text[:-100], "no runs at all": "null", "nested": "[" * 10**5, "half a run": half}
        path.write_text((others | {"without a run": shorter})[harm], "utf-8")
    with pytest.raises((FileNotFoundError, ValueError), match=r"python -m supsup_lite\.explorers\.stored\.?$"):
        stored_streams.stored_runs(path)


def test_stored_runs_are_small():
    assert stored_streams.FILE.stat().st_size < 150_000


# --- the widget --------------------------------------------------------------------------------------------------


def test_the_still_picture_says_what_came_out(explorer):
    assert "5 masks for the 5 tasks of the stream even, 0.125; purity 100.0%" in explorer.still


@pytest.mark.parametrize("wrong", [{"eps": 0.13}, {"batch": -1}, {"stream": "odd"}, {"rule": "chance"}])
def test_what_is_not_there_is_refused(wrong):
    with pytest.raises((ValueError, traitlets.TraitError), match=next(iter(wrong))):
        Stream(**wrong)


def test_it_reads_another_epsilon(monkeypatch):
    monkeypatch.setattr(Explorer, "send", lambda self, message, buffers=(): None)
    monkeypatch.setitem(stored_streams.PLANS, "even", [(0, 21), (1, 19)])
    explorer, shares = Stream(eps=0.16), []
    explorer.observe(lambda change: shares.append(change.new), "progress")
    explorer.reply({"learn": {"stream": "even", "eps": 0.16}})
    wait_until(lambda: explorer.progress < 0)
    assert explorer.trouble == ""
    assert max(shares) == 1
    assert [d["step"] for d in explorer.runs["even, 0.16"]["decisions"]] == [0, 20]


# --- on a page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(stream_and_scale, browser):
    with opened_page(browser, (stream_and_scale / "index.html").as_uri()) as (page, complaints):
        page.get_by_label(TITLE).wait_for()
        yield page
        assert complaints == []


def words(locator):
    return locator.inner_text().replace("\u00a0", " ")


def nearest(run, batch):
    return min((decision["step"] for decision in run["decisions"]), key=lambda step: abs(step - batch))


def shows(page, explorer, stream, rule, eps, batch):
    """The page says what Python knows of this state."""
    run = explorer.runs[stored_streams.name_of(stream, eps if rule == "paper" else None)]
    scope = page.get_by_label(TITLE)
    tasks = len({task for task, _ in stored_streams.PLANS[stream] if task >= 0})
    masks = f"{run['masks']} mask{'s' * (run['masks'] > 1)}"
    assert words(scope.locator(".big").first) == f"{masks} for {tasks} tasks"
    assert words(scope.locator(".big").last) == f"purity {100 * run['purity']:.1f} %"
    said = words(scope.locator(".verdict [role=status]"))
    assert f"plus {run['false_alarms']} false alarm" in said
    assert f"minus {run['misses']} miss" in said
    assert scope.locator(".stream rect.box").count() == len(stored_streams.PLANS[stream]) + len(run["used"])
    decision = next(d for d in run["decisions"] if d["step"] == batch)
    heights = nu(torch.tensor(decision["gradient"])) * len(decision["gradient"])
    titles = scope.locator("rect.bar title").all_text_contents()
    shown = torch.tensor([float(title.split(": ")[1]) for title in titles], dtype=torch.float64)
    torch.testing.assert_close(shown, heights, rtol=1e-4, atol=1e-4)
    known = known_by_nu(torch.tensor(decision["gradient"]), eps)
    test = "a new mask" if known is None else f"mask {known}"
    assert f"so {test}." in words(scope.locator(".finding"))


@pytest.mark.parametrize(("name", "key"), [("batch", "ArrowRight"), ("eps", "End")])
def test_a_move_is_spoken_once(opened, name, key):
    assert regions_that_speak(opened, opened.get_by_label(TITLE), name, key) == 1


def test_controls_by_keyboard(opened, explorer):
    scope = opened.get_by_label(TITLE)
    shows(opened, explorer, "even", "paper", 0.125, 60)
    scope.locator("[name=eps]").focus()
    opened.keyboard.press("End")
    shows(opened, explorer, "even", "paper", 1.2, 60)
    opened.keyboard.press("ArrowLeft")
    shows(opened, explorer, "even", "paper", 0.8, 60)
    assert scope.locator("[name=eps]").get_attribute("aria-valuetext") == "0.8"
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    shows(opened, explorer, "even", "paper", 0.8, 80)
    scope.locator("[name=rule]").focus()
    opened.keyboard.press("ArrowDown")
    shows(opened, explorer, "even", "evidence", 0.8, nearest(explorer.runs["even, evidence"], 80))
    scope.locator("[name=stream]").focus()
    opened.keyboard.press("ArrowDown")
    scope.locator("[name=batch]").focus()
    opened.keyboard.press("Home")
    shows(opened, explorer, "ragged", "evidence", 0.8, 0)


def test_controls_by_mouse(opened, explorer):
    scope = opened.get_by_label(TITLE)

    def click(target, share):
        box = target.bounding_box()
        opened.mouse.click(box["x"] + share * (box["width"] - 6) + 3, box["y"] + box["height"] / 2)

    scope.locator("[name=stream]").select_option(index=2)
    shows(opened, explorer, "creeping", "paper", 0.125, 60)
    click(scope.locator("[name=eps]"), 1)
    shows(opened, explorer, "creeping", "paper", 1.2, 60)
    click(scope.locator("[name=batch]"), 1)
    shows(opened, explorer, "creeping", "paper", 1.2, 380)
    click(scope.locator("svg.stream"), 0.5)
    batch = int(scope.locator("[name=batch]").get_attribute("aria-valuetext"))
    assert 160 <= batch <= 200
    shows(opened, explorer, "creeping", "paper", 1.2, batch)
    scope.locator("[name=rule]").select_option(index=1)
    shows(opened, explorer, "creeping", "evidence", 1.2, nearest(explorer.runs["creeping, evidence"], batch))


@pytest.mark.parametrize("by", ["mouse", "finger"])
def test_epsilon_is_a_line_to_drag(stream_and_scale, browser, explorer, by):
    """It snaps to the epsilons of the slider, and leaves the batch alone. A click on it is one on the chart."""
    address = (stream_and_scale / "index.html").as_uri()
    with opened_page(browser, address, has_touch=by == "finger") as (page, complaints):
        scope = page.get_by_label(TITLE)
        scope.wait_for()

        def place(eps):
            """The middle of the line, or where it would be: 140 of the chart's 234 units are from 0.001 to 20."""
            box = scope.locator("svg.stream").bounding_box()
            up = 214 - 140 * math.log(eps / 1e-3) / math.log(20 / 1e-3)
            return box["x"] + 0.6 * box["width"], box["y"] + up / 234 * box["height"]

        def drag(start, *stops):
            if by == "mouse":
                page.mouse.move(*place(start))
                page.mouse.down()
                for stop in stops:
                    page.mouse.move(*place(stop))
                page.mouse.up()
                return
            touch = page.context.new_cdp_session(page).send
            for i, eps in enumerate((start, *stops)):
                x, y = place(eps)
                kind = "touchMove" if i else "touchStart"
                touch("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
            touch("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scope.locator("svg.stream").scroll_into_view_if_needed()
        drag(0.125, 0.3, 1.1)
        scope.locator("[name=eps][aria-valuetext='1.2']").wait_for()  # a finger's moves come at the next frame
        shows(page, explorer, "even", "paper", 1.2, 60)
        drag(1.2, 0.1, 0.001)
        scope.locator(f"[name=eps][aria-valuetext='{min(explorer.epsilons)}']").wait_for()
        shows(page, explorer, "even", "paper", min(explorer.epsilons), 60)
        if by == "mouse":
            page.mouse.click(*place(min(explorer.epsilons)))
            assert int(scope.locator("[name=batch]").get_attribute("aria-valuetext")) > 160
        assert complaints == []


@pytest.mark.parametrize(("name", "slider"), [("index", "batch"), ("scale", "num_tasks"), ("rivals", "budget")])
def test_two_hundred_moves_leave_nothing(stream_and_scale, browser, name, slider):
    with opened_page(browser, (stream_and_scale / f"{name}.html").as_uri()) as (page, _):
        page.wait_for_selector(".supsup-explorer")
        assert growth_of_heap(page, page.locator(f"[name={slider}]")) < 20  # MB


def test_the_numbers_are_torch_s_to_1e_4(opened, explorer):
    scope = opened.get_by_label(TITLE)
    scope.locator("[name=stream]").select_option(index=1)
    scope.locator("[name=rule]").select_option(index=1)
    scope.locator("summary").click()
    scope.locator(".numbers td").first.wait_for()
    cells = scope.locator(".numbers td").all_text_contents()
    shown = torch.tensor([float(cell) for cell in cells[2::5]], dtype=torch.float64)
    decisions = explorer.runs["ragged, evidence"]["decisions"]
    gradients = [torch.tensor(d["gradient"]) for d in decisions]
    expected = torch.stack([nu(gradient).max() * len(gradient) for gradient in gradients])
    torch.testing.assert_close(shown, expected, rtol=1e-4, atol=1e-4)
    known = [known_by_nu(gradient, 0.125) for gradient in gradients]
    assert cells[3::5] == ["new" if mask is None else f"mask {mask}" for mask in known]
    counted = [(d, mask is not None) for d, mask in zip(decisions, known, strict=True) if d["counts"]]
    splits = sum(d["known"] and not yes for d, yes in counted)
    merges = sum(yes and not d["known"] for d, yes in counted)
    said = words(scope.locator(".verdict .scale"))
    assert f"split a task {splits} times and merge two {merges} times, in {len(counted)} decisions" in said
    assert scope.locator(".stream .ring").count() == splits + merges


LIVE = """async ([esm, state, stored]) => {
    const bytes = Uint8Array.from(atob(stored), (char) => char.charCodeAt(0)), listeners = [];
    Object.assign(state, { stored: new DataView(bytes.buffer), has_kernel: true });
    window.sent = [];
    window.model = {
        get: (name) => state[name], save_changes: () => {}, off: () => {}, send: (message) => window.sent.push(message),
        on: (event, callback) => listeners.push([event, callback]),
        set: (name, value) => {
            state[name] = value;
            for (const [event, callback] of listeners) if (event === `change:${name}`) callback();
        },
    };
    const { default: widget } = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
    await widget.render({ model: window.model, el: document.body, signal: new AbortController().signal });
}"""


def test_a_running_notebook_offers_the_epsilons_between(browser, explorer):
    """The front end with a model of the test's own, as if Python were there: it starts where nobody has been."""
    names = ("stream", "rule", "batch", "streams", "stream_names", "epsilons", "more_epsilons")
    names += ("progress", "trouble", "learned")
    state = {name: getattr(explorer, name) for name in names} | {"eps": 0.16}
    page = patient(browser.new_page())
    page.evaluate(LIVE, [explorer._esm, state, base64.b64encode(explorer.stored).decode()])
    assert page.locator(".supsup-explorer.waiting").count() == 1
    assert "No learner has read this stream with ε = 0.16 yet" in page.locator(".offer").inner_text()
    assert page.locator(".verdict .big").first.inner_text().endswith("for 5 tasks"), "a run that there is"
    page.get_by_role("button", name="Read it").click()
    assert page.evaluate("window.sent") == [{"learn": {"stream": "even", "eps": 0.16}}]
    page.evaluate("model.set('progress', 0.5)")
    assert "Python is learning: 50" in page.locator(".offer").inner_text()
    assert page.get_by_role("button", name="Read it").is_disabled()
    page.evaluate("model.set('trouble', 'Python is learning already.')")
    assert page.locator(".offer").inner_text().startswith("Python is learning: 50\u00a0%. Python is learning already.")
    page.get_by_role("button", name="Cancel").click()
    assert page.evaluate("window.sent.at(-1)") == {"cancel": True}
    page.evaluate("model.set('progress', -1), model.set('trouble', '')")
    assert "No learner has read this stream with ε = 0.16 yet" in page.locator(".offer").inner_text()
    assert page.evaluate("document.activeElement.textContent").startswith("Read it")
    assert not page.get_by_role("button", name="Cancel").is_visible()
    run = explorer.runs["even, 1.2"]
    page.evaluate("([run]) => (model.set('progress', -1), model.set('learned', { 'even, 0.16': run }))", [run])
    assert not page.locator(".offer").is_visible()
    assert page.locator(".supsup-explorer.waiting").count() == 0
    assert page.locator(".verdict .big").first.inner_text() == "19 masks for 5 tasks"
    page.locator("[name=eps]").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("[name=eps]").get_attribute("aria-valuetext") == "0.125"
    page.close()


def test_a_wrong_decision_is_ringed(opened, explorer):
    scope = opened.get_by_label(TITLE)
    assert scope.locator(".stream .ring").count() == 0
    scope.locator("[name=eps]").focus()
    opened.keyboard.press("End")
    assert scope.locator(".stream .ring").count() == explorer.runs["even, 1.2"]["false_alarms"] == 14
    opened.keyboard.press("Home")
    assert scope.locator(".stream .ring").count() == explorer.runs["even, 0.02"]["misses"] == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_it_fits_and_takes_the_page_s_ink(stream_and_scale, browser, width, scheme):
    with opened_page(browser, (stream_and_scale / "index.html").as_uri(), width, scheme) as (page, complaints):
        scope = page.get_by_label(TITLE)
        scope.wait_for()
        fits_and_takes_the_ink(page, scope, width, "input:visible, select, svg, figure", "svg text.tick")
        assert scope.get_by_role("img", name="With ε = 0.125 the learner ends with 5 masks").count() == 1
        assert complaints == []


def test_a_half_written_state_leaves_the_picture_and_a_sentence(stream_and_scale, browser):
    head, state = (stream_and_scale / "index.html").read_text("utf-8").split('widget-state+json">', 1)
    saved = json.loads(state[: state.index("</script>")])
    (model,) = (model for model in saved["state"].values() if "learned" in model["state"])
    model["buffers"] = []
    path = stream_and_scale / "spoiled.html"
    path.write_text(f'{head}widget-state+json">{json.dumps(saved)}{state[state.index("</script>") :]}', "utf-8")
    with opened_page(browser, path.as_uri()) as (page, _):
        page.wait_for_selector("[data-explorer=failed]")
        assert "the stored runs are missing" in page.locator(".explorer-still figcaption").inner_text()
        assert page.locator(".explorer-still svg[aria-label]").is_visible()
    path.unlink()


def test_the_page_stays_small(stream_and_scale):
    assert (stream_and_scale / "index.html").stat().st_size < 100_000
    files = list((stream_and_scale / "_static" / "explorers").glob("*.js"))
    assert sum(path.stat().st_size for path in files) < 210_000, "the modules of three explorers, and the stored runs"

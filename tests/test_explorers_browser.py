"""Explorers on a page without a kernel: each control by mouse and by keyboard, numbers as torch's, and bad states."""

import base64
import json
import math
import re
import shutil
import zlib

import numpy as np
import pytest
import torch

import supsup_lite as sl
from supsup_lite import evaluation
from supsup_lite.explorers import Masks
from supsup_lite.explorers.base import COLOURS, module
from supsup_lite.explorers.masks import kept_share
from supsup_lite.explorers.stored import masks as stored
from supsup_lite.inference import objective_of
from supsup_lite.inference.methods import entropies, halvings
from supsup_lite.networks import run
from supsup_lite.seeding import generator
from tests import small_site
from tests.pages import (
    bring_near,
    draw_upright_stroke,
    growth_of_heap,
    opened_page,
    patient,
    regions_that_speak,
    work_of_each_task,
)
from tests.waiting import wait_until

# Values are of the order of 1 to 10; the browser sums in float64, torch in float32.
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}
FINER = {"rtol": 1e-4, "atol": 1e-7}  # of small values, beside sums in float64
FAR = "<div style='height: 3000px'></div>"
TOC = "```{toctree}\n:hidden:\nfar\ngrids\nshort\n```"
# What the page `grids` shows, and the tests compute again.
GRIDS = """
import torch
import supsup_lite as sl
from supsup_lite.explorers import Forgetting, Masks

learned = torch.ones(4, 4, dtype=torch.bool).tril()
falling = 0.95 - 0.1 * (torch.arange(4.0)[:, None] - torch.arange(4.0))
matrices = {"fine-tuning": falling, "masks": torch.full((4, 4), 0.9)}
matrices = {name: matrix.where(learned, torch.nan) for name, matrix in matrices.items()}
small = {"recipe": sl.Recipe(steps=20, batch=64, optimizer="adam", lr=3e-3, one_cycle=True), "sparsities": (10, 50, 90)}
"""


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The folder of a small site: `index` has the centrepiece, `short` its short form, `far` another one far below."""
    cells = {
        "index": [f"# Task inference\n\n{TOC}", "from supsup_lite.explorers import TaskInference\nTaskInference()"],
        "short": ["# A first look", "import supsup_lite as sl\nsl.demo()"],
        "grids": ["# Grids", GRIDS, "Forgetting(matrices)", "Masks(sl.lenet_300_100(), sl.rotated_mnist(1), **small)"],
        "far": [
            f"# Far below\n\n{FAR}",
            "import supsup_lite as sl\nunseen = sl.demo()\nsl.demo()",
            "from ipywidgets import IntSlider, interact\ninteract(lambda n: print('n is', n), n=IntSlider(3));",
        ],
    }
    return small_site.build(tmp_path_factory.mktemp("explorers"), cells)


@pytest.fixture
def opened(pages, browser):
    with opened_page(browser, (pages / "index.html").as_uri()) as (page, complaints):
        page.wait_for_selector(".supsup-explorer")
        yield page
        assert complaints == []


# --- numbers ---------------------------------------------------------------------------------------------------

RUN = """async ({module, bits, outputs, images, k}) => {
    const text = `${module}\\nexport default { ...supsup.network, ...supsup.superposition, ...supsup.mnist,
        ...supsup.units };`;
    const { default: js } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    const bytes = Uint8Array.from(atob(bits), (char) => char.charCodeAt(0));
    const network = js.unpackNetwork(bytes, [784, 300, 100, outputs]), every = [...Array(k).keys()];
    return images.map((grey) => {
        const first = js.firstLayer(network, js.normalise(grey));
        const superposed = js.superpose(network, first, every, "entropy"), { logits, gradient } = superposed;
        const alone = every.map((mask) => js.logitsAlone(network, first, mask));
        return {
            units: js.votesByUnit(superposed, first, k - 1),
            logits: [...logits], H: [...gradient], alone: alone.map((logits) => [...logits]),
            G: [...js.superpose(network, first, every, "superfluous").gradient],
            entropies: alone.map((logits) => js.entropy(js.softmax(logits))),
            halvings: js.halvings(network, first, k, "entropy").map(({ masks, gradient }) => [masks, [...gradient]]),
        };
    });
}"""


def some_images():
    """Test images as three tasks shuffle them, and one with no black pixel at all: uint8 [n, 784]."""
    pixels = sl.mnist()[1].pixels[:3].flatten(1)
    shuffles = stored.tasks(3).test_view.permutations
    return torch.cat([pixels.gather(1, shuffles), (torch.arange(784) % 255 + 1)[None].to(torch.uint8)])


def votes_through_units(net, masks, image):
    """What each mask gets of -dH/dalpha through each unit of the first layer, by autograd at its weights: [k, 300]."""
    weights = {name: weight.double() for name, weight in net.weights().items()}
    mixed = {name: weight * sum(mask[name] for mask in masks) / len(masks) for name, weight in weights.items()}
    first = mixed["fc1.weight"].requires_grad_()
    (slope,) = torch.autograd.grad(objective_of(run(net, mixed, image[None].double()), "entropy").sum(), first)
    votes = -slope * weights["fc1.weight"]
    return torch.stack([(mask["fc1.weight"] * votes).sum(1) for mask in masks])


@pytest.mark.parametrize("k", [1, 7, 50])
@pytest.mark.parametrize(
    "setting", [stored.STORED[1], stored.STORED[2], stored.Setting(25, 70)], ids=lambda setting: setting.name
)
def test_the_browser_computes_what_torch_computes(browser, setting, k):
    net = setting.net()
    masks = sl.MaskStore(net, learned=sl.Learned(num_classes=10))
    learned = stored.stored_masks(setting)[:k] if setting in stored.STORED else ()
    for i in range(k):  # the bits of 25 outputs end within a byte; random masks will do there
        masks.append(learned[i] if learned else sl.random_mask(net, 0.3, seed=0, task=i))
    images = some_images()
    given = {
        "bits": base64.b64encode(stored.bits_of(masks)).decode(),
        "images": images.tolist(),
        "outputs": setting.outputs,
        "k": k,
    }
    page = patient(browser.new_page())
    answers = page.evaluate(RUN, {"module": module("superposition", "mnist", "units"), **given})
    page.close()

    x = (images / 255 - 0.1307) / 0.3081
    values = {
        name: torch.tensor([answer[name] for answer in answers]) for name in ("logits", "H", "G", "alone", "entropies")
    }
    check = {"logits": sl.superpose(net, masks, torch.full((k,), 1 / k), x), "H": sl.alpha_gradient(net, masks, x)}
    check |= {
        "alone": torch.stack([sl.apply_mask(net, mask, x) for mask in masks], 1),
        "entropies": entropies(net, masks, x),
    }
    if setting.outputs > 10:
        check["G"] = sl.alpha_gradient(net, masks, x, "superfluous")
    for name, expected in check.items():
        torch.testing.assert_close(values[name], expected, **TOLERANCE)
    for image, answer in zip(x, answers, strict=True):
        votes = votes_through_units(net, masks, image)
        variance = votes.var(0, correction=0)
        units, ahead, loud = zip(*(vote.values() for vote in answer["units"]), strict=True)
        assert sorted(units) == list(range(300))
        torch.testing.assert_close(torch.tensor(ahead).double(), (votes[-1] - votes.mean(0))[[*units]], **FINER)
        torch.testing.assert_close(torch.tensor(loud).double(), variance[[*units]], **FINER)
        assert [*loud] == sorted(loud, reverse=True)
    steps = list(halvings(net, masks, x))
    for i, answer in enumerate(answers):
        assert [remaining for remaining, _ in answer["halvings"]] == [
            inside[i].nonzero().flatten().tolist() for inside, _ in steps
        ]
        for (_, gradient), (inside, expected) in zip(answer["halvings"], steps, strict=True):
            torch.testing.assert_close(torch.tensor(gradient), expected[i][inside[i]], **TOLERANCE)


SPEAK = """async ({module, bits, outputs, image, state}) => {
    const text = `${module}\\nexport default { ...supsup.network, ...supsup.inference, ...supsup.mnist,
        ...supsup.unitChart };`;
    const { default: js } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    const bytes = Uint8Array.from(atob(bits), (char) => char.charCodeAt(0));
    const network = js.unpackNetwork(bytes, [784, 300, 100, outputs]), chart = js.unitChart();
    document.body.append(chart);
    chart.show(js.infer(network, js.normalise(image), state));
}"""


@pytest.mark.parametrize("method", ["one_shot", "binary", "exhaustive"])
def test_loud_units_speak_for_the_chosen_mask(browser, method):
    """Folded until it is asked for. The bars are those of the loudest units, the alt text says what they weigh."""
    net, masks = stored.STORED[1].net(), stored.stored_masks(stored.STORED[1])[:20]
    image = some_images()[2]
    x = (image / 255 - 0.1307) / 0.3081
    through = votes_through_units(net, masks, x)
    variance = through.var(0, correction=0)
    order = variance.argsort(descending=True)[:60]
    chosen = sl.infer_task(net, masks, x[None], method).item()
    state = {"num_tasks": 20, "method": method, "objective": "entropy", "step": 0}
    bits = base64.b64encode(stored.bits_of(masks)).decode()
    given = {"bits": bits, "outputs": net.outputs, "image": image.tolist(), "state": state}
    page = patient(browser.new_page())
    page.evaluate(SPEAK, {"module": module("inference", "mnist", "unitChart"), **given})
    assert not page.locator("svg").is_visible()
    page.get_by_text("Which units speak").click()
    alt = page.locator("svg").get_attribute("aria-label").replace("\u00a0", " ")
    bars = [float(title.split(": ")[1]) for title in page.locator("rect.bar title").all_text_contents()]
    page.close()

    share = variance[order[:30]].sum() / variance.sum()
    assert alt == (
        f"The votes for mask {chosen} through the 60 loudest of 300 units. "
        f"The loudest 30 have {100 * share:.0f} % of the variance of votes over masks."
    )
    ahead = (through[chosen] - through.mean(0))[order]
    torch.testing.assert_close(torch.tensor(bars).double(), ahead, rtol=0, atol=6e-5)  # four digits are shown
    assert ahead.abs().max() > 0.005  # far above what is rounded away


# --- task inference, on a page -----------------------------------------------------------------------------------


def numbers(page):
    """The values that the charts show, from the folded table: one for each mask."""
    page.evaluate("document.querySelector('.numbers:has(table)').open = true")
    page.wait_for_selector(".numbers td")
    cells = page.locator(".numbers td").all_text_contents()
    return torch.tensor([float(cell) for cell in cells[1::2]])


def said(page):
    return page.locator(".verdict p").inner_text().replace("\u00a0", " ")


def named(page, name):
    return page.locator(f"[name={name}]")


LABELS = "els => els.map((el) => el.getAttribute('aria-label'))"


def slide(page, name, key, times=1):
    named(page, name).focus()
    for _ in range(times):
        page.keyboard.press(key)


def gradient(outputs=100, sparsity=50, k=20, task=7, digit=8, objective="entropy"):
    masks = stored.stored_masks(stored.Setting(outputs, sparsity))[:k]
    x, y = stored.tasks(task + 1)[task].test.batch([stored.digit_positions()[digit]])
    return masks, x, y.item(), -sl.alpha_gradient(masks.net, masks, x, objective)[0]


def test_at_first_it_finds_the_task(opened):
    *_, expected = gradient()
    torch.testing.assert_close(numbers(opened), expected, **TOLERANCE)
    assert said(opened).startswith("One-Shot chooses mask 7: right. Under it the network reads a 4 (93 %): right.")
    assert opened.locator(".verdict .big").all_text_contents() == ["mask 7 ✓", "digit 4 ✓"]
    assert opened.get_by_role("img", name="Of 20 masks, mask 7 has the largest −∂H/∂α.").count() == 1


def test_sliders_by_keyboard(opened):
    slide(opened, "task", "ArrowRight", 2)
    torch.testing.assert_close(numbers(opened), gradient(task=9)[3], **TOLERANCE)
    slide(opened, "num_tasks", "End")
    torch.testing.assert_close(numbers(opened), gradient(task=9, k=50)[3], **TOLERANCE)
    slide(opened, "num_tasks", "Home")
    assert len(numbers(opened)) == 1
    assert "chooses mask 0: wrong, since task 9 is not among the 1 it knows" in said(opened)
    assert named(opened, "num_tasks").get_attribute("aria-valuetext") == "1"


def test_sliders_by_mouse(opened):
    box = named(opened, "task").bounding_box()
    opened.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    task = int(named(opened, "task").input_value())
    assert 25 < task < 35
    named(opened, "num_tasks").focus()
    box = named(opened, "num_tasks").bounding_box()
    opened.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] + 20, box["y"] + box["height"] / 2)
    opened.mouse.up()
    torch.testing.assert_close(numbers(opened), gradient(task=task, k=50)[3], **TOLERANCE)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_choices(opened, by):
    def choose(name, index):
        if by == "mouse":  # a native list opens outside of the page, where no test can click
            named(opened, name).select_option(index=index)
        else:
            now = named(opened, name).evaluate("select => select.selectedIndex")
            slide(opened, name, "ArrowDown" if index > now else "ArrowUp", abs(index - now))

    choose("objective", 1)
    torch.testing.assert_close(numbers(opened), gradient(objective="superfluous")[3], **TOLERANCE)
    choose("sparsity", 1)
    opened.wait_for_selector(".supsup-explorer:not(.waiting)")
    torch.testing.assert_close(numbers(opened), gradient(objective="superfluous", sparsity=90)[3], **TOLERANCE)
    choose("outputs", 0)  # no superfluous output, so no G
    opened.wait_for_selector(".supsup-explorer:not(.waiting)")
    assert named(opened, "objective").evaluate("select => select.value") == "H: entropy"
    torch.testing.assert_close(numbers(opened), gradient(outputs=10, sparsity=90)[3], **TOLERANCE)
    choose("method", 2)
    masks, x, _, _ = gradient(outputs=10, sparsity=90)
    torch.testing.assert_close(numbers(opened), entropies(masks.net, masks, x)[0], **TOLERANCE)
    assert named(opened, "objective").is_disabled()
    assert "The lowest entropy chooses mask 7: right." in said(opened)


def test_binary_step_by_step(opened):
    masks, x, _, _ = gradient()
    steps = list(halvings(masks.net, masks, x))
    assert not named(opened, "step").is_visible()
    named(opened, "method").select_option(index=1)
    assert "Binary, in 5 halvings, chooses mask 7: right." in said(opened)
    for step, (inside, slopes) in enumerate(steps):
        assert named(opened, "step").input_value() == str(step)
        expected = torch.where(inside[0], -slopes[0], 0)
        torch.testing.assert_close(numbers(opened), expected, **TOLERANCE)
        assert opened.locator(".bars").first.locator(".dropped").count() == (~inside).sum().item()
        slide(opened, "step", "ArrowRight")
    box = named(opened, "step").bounding_box()
    opened.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    assert named(opened, "step").input_value() == "0"


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_first_look_has_no_symbols(pages, browser, by):
    later = ["sparsity", "method", "objective"]
    with opened_page(browser, (pages / "short.html").as_uri()) as (page, complaints):
        explorer, summary = page.locator(".supsup-explorer"), page.locator(".more > summary")
        summary.wait_for()
        seen = explorer.inner_text() + "".join(explorer.locator("[aria-label]:visible").evaluate_all(LABELS))
        assert [word for word in ("∂", "superfluous", "objective", "entropy", "One-Shot") if word in seen] == []
        assert [name for name in later if named(page, name).is_visible()] == []
        assert said(page).startswith("The network chooses mask 7: right.")
        slide(page, "num_tasks", "End")
        named(page, "outputs").select_option(index=0)
        page.wait_for_selector(".supsup-explorer:not(.waiting)")
        says = gradient(outputs=10, k=50)[3].argmax()
        assert said(page).startswith(f"The network chooses mask {says}: ")

        if by == "mouse":
            summary.click()
        else:
            summary.focus()
            page.keyboard.press("Enter")
        wait_until(lambda: "−∂H/∂αᵢ" in explorer.inner_text())  # the page hears of the unfolding a moment later
        assert [name for name in later if not named(page, name).is_visible()] == []
        assert said(page).startswith("One-Shot chooses mask")
        torch.testing.assert_close(numbers(page), gradient(outputs=10, k=50)[3], **TOLERANCE)
        if by == "keyboard":
            summary.focus()
            page.keyboard.press("Tab")
        else:
            named(page, "sparsity").focus()
        page.keyboard.press("ArrowDown")
        page.wait_for_selector(".supsup-explorer:not(.waiting)")
        torch.testing.assert_close(numbers(page), gradient(outputs=10, sparsity=90, k=50)[3], **TOLERANCE)
        assert complaints == []


def test_test_images(opened):
    opened.locator(".digits label").nth(4).click()
    torch.testing.assert_close(numbers(opened), gradient(digit=4)[3], **TOLERANCE)
    opened.keyboard.press("ArrowLeft")
    torch.testing.assert_close(numbers(opened), gradient(digit=3)[3], **TOLERANCE)
    assert "reads a 1" in said(opened)


INK = """() => {
    const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
    copy.drawImage(document.querySelector(".pad canvas"), 0, 0);
    return [...copy.getImageData(0, 0, 28, 28).data].filter((value, i) => i % 4 === 0);
}"""


@pytest.mark.parametrize("by", ["mouse", "finger", "keyboard"])
def test_drawing_a_one(pages, browser, by):
    with opened_page(browser, (pages / "index.html").as_uri(), has_touch=by == "finger") as (page, complaints):
        draw_upright_stroke(page, by)
        page.wait_for_function("document.querySelector('.verdict').textContent.includes('reads a 1')")
        ink = torch.tensor(page.evaluate(INK)).view(28, 28)
        assert (ink[8:20, 13:15] > 200).all()
        assert (ink[:, :10] == 0).all()
        assert (ink[:, 19:] == 0).all()
        assert page.locator(".verdict .big").first.inner_text() == "mask 7 ✓"
        assert page.locator(".digits input:checked").count() == 0

        if by == "keyboard":
            page.keyboard.press("Delete")
        else:
            page.get_by_role("button", name="Wipe").click()
        assert max(page.evaluate(INK)) == 0
        assert "The pad is empty" in said(page)
        assert complaints == []


def test_a_drawing_is_made_like_mnist(browser):
    """A small digit in a corner is enlarged to 20 pixels, and its centre of mass moved to the middle."""
    text = module("mnist") + "\nexport default supsup.mnist;"
    ink = torch.zeros(28, 28)
    ink[2:12, 3:5] = 255
    page = patient(browser.new_page())
    run = """async ([text, ink]) => {
        const { default: js } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
        return [...js.asInMnist(Float64Array.from(ink))];
    }"""
    drawn = torch.tensor(page.evaluate(run, [text, ink.flatten().tolist()])).view(28, 28)
    empty = page.evaluate(run, [text, [0] * 784])
    page.close()
    rows, columns = (drawn.sum(1) > 255).nonzero().flatten(), (drawn.sum(0) > 255).nonzero().flatten()
    assert 18 <= rows.max() - rows.min() + 1 <= 21
    assert 3 <= columns.max() - columns.min() + 1 <= 6
    place = torch.arange(28) + 0.5
    for axis in (0, 1):
        assert (drawn.sum(axis) @ place / drawn.sum()).item() == pytest.approx(14, abs=0.1)
    assert max(empty) == 0


def score_of(setting, k, method, rounds):
    """How many of a hundred images a round torch finds the task of, and reads rightly, too."""
    masks, found, read = stored.stored_masks(setting)[:k], 0, 0
    shuffles = stored.tasks(k).test_view.permutations
    for number in range(rounds):
        random = generator("questions", 0, number)
        images = torch.from_numpy(random.permutation(stored.TEST_IMAGES)[:100])
        tasks = torch.from_numpy((random.random(100, dtype=np.float32) * k).astype(np.int64))
        test = sl.mnist("cpu")[1]
        x = (test.pixels[images].flatten(1).gather(1, shuffles[tasks]) / 255 - 0.1307) / 0.3081
        right = sl.infer_task(masks.net, masks, x, method=method) == tasks
        digits = torch.stack([sl.apply_mask(masks.net, masks[t], x[i : i + 1])[0] for i, t in enumerate(tasks)])
        found += int(right.sum())
        read += int((right & (digits.argmax(1) == test.labels[images])).sum())
    return [found, 100 * rounds, k, read]


def ask(page, times=1):
    """Press the button, wait for the end, and return the numbers that are spoken."""
    for _ in range(times):
        page.evaluate("document.querySelector('.asking .spoken').textContent = ''")
        page.get_by_role("button", name="Ask 100 random images").click()
        page.wait_for_function("document.querySelector('.asking .spoken').textContent")
    words = page.locator(".asking .spoken").inner_text()
    return [int(number) for number in re.findall(r"\d+", words)], words


def test_a_hundred_images_are_told_apart_as_torch_does(opened):
    assert ask(opened, 2)[0] == score_of(stored.STORED[0], 20, "one_shot", 2)
    named(opened, "outputs").select_option(index=0)
    assert opened.locator(".asking p").all_text_contents() == ["", ""], "another network, another score"
    opened.wait_for_function("!document.querySelector('.supsup-explorer').classList.contains('waiting')")
    numbers, words = ask(opened)
    assert numbers == score_of(stored.Setting(10, 50), 20, "one_shot", 1)
    assert numbers[0] < 90, "without superfluous outputs"
    assert words.startswith("One-Shot finds the task of")
    named(opened, "method").select_option("Binary: halving")
    numbers, words = ask(opened)
    assert numbers == score_of(stored.Setting(10, 50), 20, "binary", 1)
    assert words.startswith("Binary finds the task of")


def test_asking_can_be_stopped_and_goes_on(opened):
    slide(opened, "num_tasks", "End")
    named(opened, "method").select_option("every mask: k passes")
    button = opened.locator(".asking button")
    button.focus()
    opened.keyboard.press("Enter")
    opened.wait_for_function("document.querySelector('.asking p').textContent")
    opened.keyboard.press("Enter")
    assert button.inner_text() == "Ask 100 random images"
    shown = opened.locator(".asking p").first.inner_text()
    opened.wait_for_timeout(100)
    assert opened.locator(".asking p").first.inner_text() == shown
    assert opened.locator(".asking .spoken").inner_text() == ""
    (_, asked, *_), _ = ask(opened)
    assert asked == 100 + int(re.findall(r"\d+", shown)[1])


def test_the_page_never_works_long_while_it_asks(opened, browser):
    slide(opened, "num_tasks", "End")
    named(opened, "method").select_option("every mask: k passes")
    tasks = work_of_each_task(browser, opened, ask)
    assert len(tasks) > 100
    assert max(tasks) < 50  # ms


def test_two_hundred_moves_leave_nothing(opened):
    slider = named(opened, "num_tasks")
    assert growth_of_heap(opened, slider) < 20  # MB
    assert opened.workers == []


# --- forgetting and masks ------------------------------------------------------------------------------------------


@pytest.fixture
def grids(pages, browser):
    """The page that shows both."""
    with opened_page(browser, (pages / "grids.html").as_uri()) as (page, complaints):
        page.get_by_label("What does a method forget?").wait_for()
        page.mouse.wheel(0, 1000)
        page.get_by_label("How does a mask look?").wait_for()
        yield page
        assert complaints == []


@pytest.fixture(scope="module")
def computed():
    """The same explorers, made here."""
    names = {}
    exec(GRIDS, names)
    masks = Masks(sl.lenet_300_100(), sl.rotated_mnist(1), **names["small"])
    return names["matrices"], masks


def table(scope):
    """The rows of the folded table, which stays open once it is."""
    if not scope.locator("details[open]").count():
        scope.locator("summary").click()
        scope.locator(".numbers td").first.wait_for()
    return [row.locator("td").all_text_contents() for row in scope.locator(".numbers tr").all()[1:]]


def test_forgetting_by_keyboard_and_mouse(grids, computed):
    scope = grids.get_by_label("What does a method forget?")
    matrix = computed[0]["fine-tuning"]

    def shows(name, tasks, beside="masks"):
        cells, big = [], []
        for method in (name, beside):
            rows = computed[0][method][:tasks, :tasks]
            cells += [[method, str(t), *(f"{v:.6f}" for v in row[: t + 1])] for t, row in enumerate(rows.tolist())]
            big += [f"average {100 * evaluation.average_accuracy(rows):.1f} %"]
            big += [f"forgotten {100 * evaluation.forgetting(rows):.1f} %"]
        assert table(scope) == cells[: len(cells) // (1 + (name == beside))]
        assert [text.replace("\u00a0", " ") for text in scope.locator(".big").all_text_contents()] == big
        assert scope.locator("svg.matrix").count() == 2
        assert scope.locator("svg.matrix rect").count() == tasks * (tasks + 1)
        counts = scope.locator("svg.chart text.tick[text-anchor=middle]").all_text_contents()
        assert counts == [str(t) for t in range(1, tasks + 1)], "nobody learns half a task"

    shows("fine-tuning", 4)
    scope.locator("[name=num_tasks]").focus()
    grids.keyboard.press("ArrowLeft")
    shows("fine-tuning", 3)
    box = scope.locator("[name=num_tasks]").bounding_box()
    grids.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    shows("fine-tuning", 2)
    scope.locator("[name=method]").select_option("masks")
    shows("masks", 2)
    scope.locator("[name=beside]").focus()
    grids.keyboard.press("ArrowUp")
    shows("masks", 2, "fine-tuning")
    grids.keyboard.press("Tab")
    grids.keyboard.press("End")
    shows("masks", 4, "fine-tuning")
    assert f"and at {100 * matrix[3, 0]:.1f} % after 4 tasks" in scope.get_by_role("status").last.inner_text().replace(
        "\u00a0", " "
    )


@pytest.mark.parametrize(("title", "slider"), [("What does a method", "num_tasks"), ("How does a mask", "sparsity")])
def test_two_hundred_moves_of_a_grid_leave_nothing(grids, title, slider):
    moved = grids.get_by_label(title).locator(f"[name={slider}]")
    assert growth_of_heap(grids, moved) < 20  # MB


def brightness(scope):
    canvas = scope.locator("canvas")
    rows = canvas.evaluate("""canvas => {
        const READ = { willReadFrequently: true };
        const { width, height } = canvas, copy = new OffscreenCanvas(width, height).getContext("2d", READ);
        copy.drawImage(canvas, 0, 0);
        return [width, ...copy.getImageData(0, 0, width, height).data];
    }""")
    return torch.tensor(rows[1:]).view(-1, rows[0], 4)[..., :3].float() @ torch.tensor([0.3, 0.59, 0.11])


def test_masks_by_keyboard_and_mouse(grids, computed):
    scope = grids.get_by_label("How does a mask look?")
    masks = computed[1]

    def reads(sparsity, step):
        share = masks.learned[str(sparsity)]["accuracy"][step]
        big = [text.replace("\u00a0", " ") for text in scope.locator(".big").all_text_contents()]
        assert big == [f"sparsity {sparsity} %", f"reads {100 * share:.1f} %"]
        kept = kept_share(zlib.decompress(masks.pictures[str(sparsity)]), step, len(masks.steps))
        if scope.locator("[name=layer]").evaluate("select => select.selectedIndex") == 0:
            seen, expected = brightness(scope), (kept / kept.mean() / 2.5).clamp(max=1)
            assert torch.corrcoef(torch.stack([seen.flatten(), expected.flatten()]))[0, 1] > 0.98

    last = len(masks.steps) - 1
    reads(90, last)
    scope.locator("[name=sparsity]").focus()
    grids.keyboard.press("ArrowLeft")
    reads(50, last)
    box = scope.locator("[name=sparsity]").bounding_box()
    grids.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
    reads(10, last)
    grids.keyboard.press("Tab")  # the layer
    grids.keyboard.press("Tab")
    grids.keyboard.press("Home")
    reads(10, 0)
    box = scope.locator("[name=step]").bounding_box()
    grids.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
    reads(10, last)
    scope.locator("[name=layer]").select_option(index=1)
    assert brightness(scope).shape == (100, 300)
    bright = (brightness(scope) > 100).float().mean().item()
    assert bright == pytest.approx(0.9, abs=1e-4)
    scope.locator("[name=layer]").focus()
    grids.keyboard.press("ArrowDown")
    assert brightness(scope).shape == (100, 100)
    assert len(table(scope)) == 3
    bound = 275_200 / 8 * (-0.9 * math.log2(0.9) - 0.1 * math.log2(0.1))
    said = scope.get_by_role("status").last.inner_text()
    assert f"34,400 bytes at one bit a weight, at least {round(bound):,} by entropy" in said


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_masks_play_while_they_are_learned(pages, browser, computed, motion):
    """One step after another from the first to the last, at the same slow pace for everybody; the end is spoken."""
    steps = [str(step) for step in computed[1].steps]
    with opened_page(browser, (pages / "grids.html").as_uri(), reduced_motion=motion) as (page, complaints):
        page.mouse.wheel(0, 1000)
        scope = page.get_by_label("How does a mask look?")
        scope.wait_for()
        scope.evaluate("""explorer => {
            const status = explorer.querySelector('.verdict [role=status]');
            window.seen = [];
            new MutationObserver(() => window.seen.push([/\\d+/.exec(status.textContent)[0], status.ariaLive]))
                .observe(status, { childList: true });
        }""")
        scope.get_by_role("button", name="Play").focus()
        page.keyboard.press("Enter")
        assert scope.get_by_role("button", name="Pause").count() == 1
        scope.get_by_role("button", name="Play").wait_for()
        page.wait_for_function("count => window.seen.length === count", arg=len(steps))
        assert page.evaluate("seen") == [[step, "off"] for step in steps[:-1]] + [[steps[-1], "polite"]]
        assert scope.locator("[name=step]").get_attribute("aria-valuetext") == steps[-1]
        assert complaints == []


# --- looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ["index", "short", "grids"])
def test_it_fits_and_takes_the_page_s_ink(pages, browser, name, width, scheme):
    with opened_page(browser, (pages / f"{name}.html").as_uri(), width, scheme) as (page, complaints):
        explorer = page.locator(".supsup-explorer").last
        explorer.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in explorer.locator("input:visible, select, .pad, svg, figure").all():
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        ink, paper = explorer.evaluate(
            "el => [getComputedStyle(el).color, getComputedStyle(document.body).backgroundColor]"
        )
        assert contrast(ink, paper) > 7
        text = explorer.locator("svg text").first.evaluate("el => getComputedStyle(el).fill")
        assert text == ink
        unnamed = (
            "els => els.filter(el => !(el.labels?.length || el.getAttribute('aria-label'))).map(el => el.outerHTML)"
        )
        assert (
            explorer.locator("input, select, progress, canvas:not([aria-hidden]):not(.pad *)").evaluate_all(unnamed)
            == []
        )
        assert explorer.locator("[role=status]").count()
        for name in COLOURS:
            colour = explorer.evaluate(COLOUR, name)
            assert contrast(colour, paper) >= 3, f"{name}: {colour} on {paper}"
        assert complaints == []


@pytest.mark.parametrize(("name", "key"), [("task", "ArrowRight"), ("num_tasks", "ArrowRight"), ("task", "End")])
def test_a_move_is_spoken_once(opened, name, key):
    assert regions_that_speak(opened, opened.locator(".supsup-explorer"), name, key) == 1


COLOUR = """(explorer, name) => {
    const patch = explorer.appendChild(document.createElement("i"));
    patch.style.color = `var(--${name})`;
    const { color } = getComputedStyle(patch);
    patch.remove();
    return color;
}"""


def contrast(*colours):
    """The WCAG contrast of two colours as a browser writes them."""

    def luminance(colour):
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


# --- the page as host --------------------------------------------------------------------------------------------


def explorer_files(pages):
    return list((pages / "_static" / "explorers").glob("*.js"))


def test_everything_is_stored_once_and_is_small(pages):
    kinds = len(stored.STORED) + 3 + 3 + 3  # masks; digits, permutations, test images; modules; pictures of masks
    assert len(explorer_files(pages)) == kinds
    assert sum(path.stat().st_size for path in explorer_files(pages)) <= 8e6
    for page in ("index", "far"):
        assert (pages / f"{page}.html").stat().st_size < 100_000


def test_models_that_no_view_shows_are_dropped(pages):
    text = (pages / "far.html").read_text("utf-8")
    state = json.loads(re.search(r'widget-state\+json">(.*?)</script>', text, re.DOTALL)[1])["state"]
    names = [model["model_name"] for model in state.values()]
    assert names.count("AnyModel") == 1
    assert "IntSliderModel" in names
    assert "_esm" not in text


def test_nothing_is_loaded_before_it_is_seen(pages, browser):
    with opened_page(browser, (pages / "far.html").as_uri()) as (page, complaints):
        assert page.evaluate("window.explorerFiles") is None
        assert page.locator(".explorer-still svg").count() == 1
        bring_near(page.locator(".explorer-still"))
        page.wait_for_selector(".supsup-explorer")
        loaded = page.evaluate("Object.keys(window.explorerFiles).length")
        assert loaded == 4, "module, digits, permutations, and the masks of one setting"
        assert page.locator(".widget-still").count() == 1, "a plain widget stands still beside it"
        assert complaints == []


# --- bad states --------------------------------------------------------------------------------------------------


def remains(page, reason):
    """The still picture is there, and a sentence says why."""
    caption = page.locator(".explorer-still figcaption")
    page.wait_for_selector("[data-explorer=failed], .supsup-explorer")
    assert reason in caption.inner_text()
    assert page.locator(".explorer-still svg[aria-label]").is_visible()
    assert page.locator(".supsup-explorer").count() == 0


def test_without_javascript(pages, browser):
    with opened_page(browser, (pages / "index.html").as_uri(), java_script_enabled=False) as (page, _):
        assert page.locator(".explorer-still svg[aria-label]").is_visible()
        assert "It answers in a browser with JavaScript" in page.locator(".explorer-still figcaption").inner_text()


def test_without_modules(pages, browser):
    context = patient(browser.new_context())
    context.add_init_script("URL.createObjectURL = () => 'blob:null/refused'")
    page = context.new_page()
    page.goto((pages / "index.html").as_uri())
    remains(page, "This explorer could not start: ")
    context.close()


@pytest.fixture
def spoiled(pages, tmp_path, browser):
    """Call it with a function that spoils a copy of the site; it returns the opened page."""
    contexts = []

    def spoil(harm, name="index"):
        copy = shutil.copytree(pages, tmp_path / "copy")
        harm(copy)
        contexts.append(patient(browser.new_context()))
        page = contexts[-1].new_page()
        page.goto((copy / f"{name}.html").as_uri())
        return page

    yield spoil
    for context in contexts:
        context.close()


def masks_file(site):
    return max(explorer_files(site), key=lambda path: path.stat().st_size)


def test_missing_data(spoiled):
    page = spoiled(lambda site: masks_file(site).unlink())
    remains(page, ".js is missing")


def test_half_written_data(spoiled):
    page = spoiled(lambda site: masks_file(site).write_text(masks_file(site).read_text("utf-8")[:-1000], "utf-8"))
    remains(page, ".js is damaged")


def test_missing_module(spoiled):
    def harm(site):
        for path in explorer_files(site):
            if '"esm"' in path.read_text("utf-8"):
                path.unlink()

    remains(spoiled(harm), ".js is missing")


def test_half_written_state(spoiled):
    def harm(site):
        path = site / "index.html"
        head, state = path.read_text("utf-8").split('widget-state+json">', 1)
        path.write_text(
            f'{head}widget-state+json">{state[:200]}</script>{state[state.index("</script>") + 9 :]}', "utf-8"
        )

    remains(spoiled(harm), "its saved state is damaged")


def test_missing_state(spoiled):
    def harm(site):
        path = site / "index.html"
        path.write_text(re.sub(r'data-model="\w+"', 'data-model="0"', path.read_text("utf-8")), "utf-8")

    remains(spoiled(harm), "its saved state is not in this page")


def test_missing_pictures_of_masks(spoiled):
    """A state that knows what was learned, but lost the pictures: it once asked for them for ever."""

    def harm(site):
        path = site / "grids.html"
        head, state = path.read_text("utf-8").split('widget-state+json">', 1)
        saved = json.loads(state[: state.index("</script>")])
        (masks,) = (model for model in saved["state"].values() if "pictures" in model["state"])
        masks["buffers"] = [buffer for buffer in masks["buffers"] if buffer["path"][0] != "pictures"]
        masks["state"]["pictures"] = {}
        path.write_text(f'{head}widget-state+json">{json.dumps(saved)}{state[state.index("</script>") :]}', "utf-8")

    page = spoiled(harm, "grids")
    bring_near(page.locator(".explorer-still").last)
    failed = page.locator(".explorer-still[data-explorer=failed]")
    failed.wait_for()
    assert failed.locator("figcaption").inner_text().endswith("are missing. In a running notebook it moves.")
    assert failed.locator("svg[aria-label]").is_visible()


BUSY = """async ([esm]) => {
    const listeners = new Set();
    const model = {
        get: (name) => ({ has_kernel: true, still: "<svg></svg>" })[name], send: () => {},
        on: (event, callback) => event === "msg:custom" && listeners.add(callback),
        off: (event, callback) => listeners.delete(callback),
    };
    const stream = new Blob([new Uint8Array(7)]).stream().pipeThrough(new CompressionStream("deflate"));
    const packed = await new Response(stream).arrayBuffer();
    window.answer = () => listeners.forEach((callback) => callback({ name: "file" }, [new DataView(packed)]));
    const { default: widget } = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
    widget.render({ model, el: document.body, signal: new AbortController().signal });
}"""


def test_why_there_is_no_file_is_said_with_one_full_stop(browser):
    """Python's reason is a sentence, and becomes part of one."""
    text = (
        f"{module('assets', 'explorer')}\n"
        "export default supsup.explorer.explorer('None', ({ model }) => supsup.assets.fetchAsset(model, 'file'));"
    )
    answers = BUSY.replace('callback({ name: "file" }', 'callback({ name: "file", trouble: "It is damaged." }')
    page = patient(browser.new_page())
    page.evaluate(answers, [text])
    page.evaluate("window.answer()")
    caption = page.locator("figure.supsup-explorer figcaption")
    caption.filter(has_text="could not start").wait_for()
    assert caption.inner_text() == "This explorer could not start: It is damaged."
    page.close()


def test_a_busy_kernel_is_waited_for(browser):
    """A lesson run as a whole keeps Python busy for a minute. An explorer once gave up after twenty seconds."""
    counts = "async ({ model, root }) => root.append((await supsup.assets.fetchAsset(model, 'file')).length)"
    text = f"{module('assets', 'explorer')}\nexport default supsup.explorer.explorer('Busy', {counts});"
    page = patient(browser.new_page())
    page.clock.install()
    page.evaluate(BUSY, [text])
    page.clock.run_for(300_000)
    assert page.locator("figure.supsup-explorer figcaption").inner_text().startswith("This picture stands still until")
    page.evaluate("window.answer()")
    page.locator("section.supsup-explorer").wait_for()
    assert page.locator("section.supsup-explorer").inner_text() == "7"
    page.clock.run_for(10_000)
    assert page.locator("figure").count() == 0
    page.close()

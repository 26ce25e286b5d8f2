"""The explorers of spins and of random masks: numbers as torch's, and each control on a page."""

import base64
import json
import re

import pytest
import torch

import supsup_lite as sl
from supsup_lite.explorers import Hopfield, RandomMasks, hopfield
from supsup_lite.explorers.base import module
from supsup_lite.explorers.random_masks import ranks_of, removed_at
from supsup_lite.explorers.stored import asset
from supsup_lite.hopfield.store import ORDERS, RULES
from tests import small_site
from tests.pages import bring_near, draw_upright_stroke, growth_of_heap, opened_page, patient, regions_that_speak
from tests.waiting import wait_until

# --- Python ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return hopfield.patterns()


def test_patterns_are_test_images_of_each_class(digits):
    test = sl.mnist()[1]
    for digit in range(10):
        first, second = test.pixels[test.labels == digit][:2].flatten(1)
        assert torch.equal(digits[digit] > 0, (first > 72).cpu())
        assert torch.equal(digits[10 + digit] > 0, (second > 72).cpu())


def test_noise_turns_as_many_as_it_says_and_others_each_time(digits):
    z = digits[4]
    sets = []
    for place, draw in ((4, 0), (4, 1), (5, 0)):
        spoiled = hopfield.corrupt(z, 0.25, "turned", place, draw)
        assert (spoiled != z).sum() == 196
        sets.append(spoiled)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 230 < (sets[one] != sets[other]).sum() < 360, "two times 196 of 784, by chance 98 of them shared"
    assert (hopfield.corrupt(z, 0.1, "turned", 4, 0) != hopfield.corrupt(z, 0.2, "turned", 4, 0)).sum() == 157 - 78


def test_covering_hides_the_lower_rows(digits):
    spoiled = hopfield.corrupt(digits[0], 0.5, "covered", 0, 0).view(28, 28)
    assert torch.equal(spoiled[:14], digits[0].view(28, 28)[:14])
    assert (spoiled[14:] == -1).all()


def test_the_still_picture_says_what_comes_back():
    assert "answers with a state 0 pixels away from a stored 3" in Hopfield().still
    assert "20 digits stored by hebb" in Hopfield(stored=20, rule="hebb").still
    drawn = bytes(int(v) for v in (255 * (hopfield.patterns()[7] > 0)).tolist())
    assert "0 pixels away from a stored 7" in Hopfield(digit=-1, ink=drawn, noise=10).still


@pytest.mark.parametrize("wrong", [{"stored": 0}, {"stored": 21}, {"digit": 20}, {"noise": 51}, {"draw": -1}])
def test_numbers_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be in"):
        Hopfield(**wrong)


# --- numbers -----------------------------------------------------------------------------------------------------

RUN = """async ({module, patterns, states, rule, spoiled}) => {
    const text = `${module}\\nexport default { ...supsup.spins, ...supsup.recall, ...supsup.noise };`;
    const { default: js } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    const memory = js.store(patterns.map((z) => Float64Array.from(z)), rule);
    const spins = states.map((z) => Float64Array.from(z));
    const sweeps = (z, order) => js.recall(memory, z, order).states.map((state) => [...state]);
    return {
        energies: spins.map((z) => js.energy(memory, z)), spreads: spins.map((z) => js.spread(memory, z)),
        fields: spins.map((z) => [...js.fields(memory, z)]),
        asynchronous: spins.map((z) => sweeps(z, "asynchronous")),
        synchronous: spins.map((z) => sweeps(z, "synchronous")),
        turns: spins.map((z) => js.recall(memory, z, "synchronous").cycles),
        byRow: spins.map((z) => [...js.recall(memory, z, "asynchronous", 28).states.at(-1)]),
        spoiled: spoiled.map(([share, damage, place, draw]) => [...js.corrupt(spins[0], share, damage, place, draw)]),
    };
}"""


@pytest.mark.parametrize("k", [1, 5, 20])
@pytest.mark.parametrize("rule", RULES)
def test_the_browser_computes_what_torch_computes(browser, digits, rule, k):
    store = sl.HopfieldStore(784, rule, "cpu")
    for z in digits[:k]:
        store.store(z)
    states = torch.cat([digits[:6], *(hopfield.corrupt(z, 0.3, "turned", 2, 1)[None] for z in digits[:6]), -digits[:1]])
    if rule == "centred" and k == 1:
        states = states[:-1]  # nothing pulls on the mirror image, and torch's float32 leaves a thousandth of that
    spoiled = [[0.25, "turned", 3, 7], [0.5, "turned", 19, 999], [0.37, "covered", 0, 0], [0, "turned", 0, 0]]
    text = module("recall", "noise")
    given = {"module": text, "patterns": digits[:k].tolist(), "states": states.tolist(), "rule": rule}
    page = patient(browser.new_page())
    answers = page.evaluate(RUN, given | {"spoiled": spoiled})
    page.close()
    # An energy is a sum of 784 terms of the order of 10, of which torch keeps float32 only.
    torch.testing.assert_close(torch.tensor(answers["energies"]).float(), store.energy(states), rtol=1e-4, atol=2e-2)
    torch.testing.assert_close(torch.tensor(answers["fields"]).float(), store.fields(states), rtol=1e-4, atol=1e-4)
    if not (rule == "centred" and k == 1):  # nothing is held there, and the spread of nothing is no number
        held = store.spread(states) < 100  # a mirror image may be held by nothing
        assert held[:12].all()
        torch.testing.assert_close(
            torch.tensor(answers["spreads"])[held], store.spread(states)[held], rtol=1e-3, atol=1e-5
        )
    for order in ORDERS:
        for z, seen, turns in zip(states, answers[order], answers["turns"], strict=True):
            for spins in seen[1:]:
                z = store.step(z, order)
                assert spins == z.tolist()
            assert (order == "synchronous" and turns) or torch.equal(store.step(z, order), z), "it ends at rest"
    assert answers["byRow"] == [seen[-1] for seen in answers["asynchronous"]]
    for arguments, spins in zip(spoiled, answers["spoiled"], strict=True):
        assert spins == hopfield.corrupt(states[0], *arguments).tolist()


TOC = "```{toctree}\n:hidden:\nrandom\nfar\n```"
RANDOM = """
import supsup_lite as sl
from supsup_lite.explorers import RandomMasks
net, tasks = sl.lenet_300_100(10, seed=0), sl.permuted_mnist(1, seed=0)
"""


# --- on a page ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of a small site with both explorers."""
    cells = [f"# Spins\n\n{TOC}", "from supsup_lite.explorers import Hopfield\nHopfield()"]
    random = ["# Random masks", f"{RANDOM}\nRandomMasks(net, tasks, (0, 50, 90))"]
    far = ["# Far below\n\n<div style='height: 3000px'></div>", *cells[1:]]
    return small_site.build(tmp_path_factory.mktemp("hopfield"), {"index": cells, "random": random, "far": far})


@pytest.fixture
def opened(pages, browser):
    """Where motion is reduced: the last state is shown at once."""
    with opened_page(browser, (pages / "index.html").as_uri(), reduced_motion="reduce") as (page, complaints):
        page.wait_for_selector(".supsup-explorer")
        yield page
        assert complaints == []


READ = """index => {
    const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
    copy.drawImage(document.querySelectorAll(".strip canvas")[index], 0, 0);
    return [...copy.getImageData(0, 0, 28, 28).data].filter((value, i) => i % 4 === 0);
}"""


def picture(page, index):
    return torch.tensor(page.evaluate(READ, index))


def shows(page, **traits):
    """Check the pictures and words against Python's, for these traits."""
    explorer = Hopfield(**traits)
    memory, probe = explorer.memory(), explorer.probe()
    answer = memory.recall(probe, explorer.order)
    assert torch.equal(picture(page, 1) > 128, probe > 0)
    assert torch.equal(picture(page, 2) > 128, answer > 0)
    stored = hopfield.patterns()[: explorer.stored]
    stand = int((memory.recall(stored, explorer.order) == stored).all(1).sum())
    assert page.locator(".big").nth(1).inner_text() == f"{stand} of {explorer.stored} stand"
    page.evaluate("document.querySelector('.numbers').open = true")
    page.wait_for_selector(".numbers td")
    cells = page.locator(".numbers td").all_text_contents()
    overlaps = torch.tensor([float(cell) for cell in cells[4::5]])
    torch.testing.assert_close(overlaps, stored @ answer / 784, rtol=0, atol=1e-4)
    return page.locator("[role=status]").inner_text().replace("\u00a0", " ")


def slide(page, name, key, times=1):
    page.locator(f"[name={name}]").focus()
    for _ in range(times):
        page.keyboard.press(key)


def click_at(page, name, share):
    box = page.locator(f"[name={name}]").bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    return int(page.locator(f"[name={name}]").input_value())


def test_at_first_the_digit_comes_back(opened):
    said = shows(opened)
    assert said.startswith("Asked with the 3, 196 pixels spoiled. After 1 sweep nothing turns any more: ")
    assert said.endswith("it is the stored 3, bit for bit.")
    assert opened.locator(".big").first.inner_text() == "the 3 ✓"


def test_sliders_by_keyboard(opened):
    slide(opened, "stored", "ArrowRight", 5)
    shows(opened, stored=15)
    slide(opened, "stored", "End")
    assert "nobody stored this. Nearest is the" in shows(opened, stored=20)
    slide(opened, "noise", "Home")
    said = shows(opened, stored=20, noise=0)
    assert "The 3 itself does not stand: there is no valley to roll into." in said
    slide(opened, "stored", "Home")
    said = shows(opened, stored=1, noise=0)
    assert "nothing to tell apart" in said
    assert "NaN" not in said


def test_sliders_by_mouse(opened):
    k = click_at(opened, "stored", 0.3)
    noise = click_at(opened, "noise", 0.8)
    assert 5 < k < 8
    assert 38 < noise < 44
    shows(opened, stored=k, noise=noise)


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_choices(opened, by):
    def choose(name, index):
        if by == "mouse":  # a native list opens outside of the page, where no test can click
            opened.locator(f"[name={name}]").select_option(index=index)
        else:
            now = opened.locator(f"[name={name}]").evaluate("select => select.selectedIndex")
            slide(opened, name, "ArrowDown" if index > now else "ArrowUp", abs(index - now))

    choose("rule", 1)
    shows(opened, rule="storkey")
    choose("rule", 0)
    shows(opened, rule="hebb")
    choose("order", 1)
    shows(opened, rule="hebb", order="synchronous")
    choose("rule", 2)
    choose("damage", 1)
    shows(opened, order="synchronous", damage="covered")
    assert not opened.get_by_role("button", name="Again").is_visible()


def test_digits_and_other_noise(opened):
    opened.locator(".digits label").nth(8).click()
    shows(opened, digit=8)
    opened.keyboard.press("ArrowRight")
    shows(opened, digit=9)
    opened.keyboard.press("ArrowRight")
    assert "the second 0, which is not stored" in shows(opened, digit=10)
    opened.get_by_role("button", name="Again").click()
    shows(opened, digit=10, draw=1)
    opened.get_by_role("button", name="Again").focus()
    opened.keyboard.press("Enter")
    shows(opened, digit=10, draw=2)


def test_step_by_step(opened):
    """One row of 28 units a step, by keyboard, mouse and the button; the energy never rises."""
    explorer = Hopfield()
    memory, z = explorer.memory(), explorer.probe()
    slide(opened, "step", "Home")
    for row in range(3):
        assert torch.equal(picture(opened, 2) > 128, z > 0)
        opened.keyboard.press("ArrowRight")
        for unit in range(28 * row, 28 * row + 28):
            z[unit] = memory.fields(z)[unit].sign()
    assert torch.equal(picture(opened, 2) > 128, z > 0)
    assert opened.locator(".strip figcaption").nth(2).inner_text() == "after 0.1 sweeps"
    nearest = hopfield.patterns()[:10] @ z
    off = int((784 - nearest.max()) / 2)
    assert opened.locator(".strip figcaption").nth(3).inner_text() == f"nearest: {nearest.argmax()}, {off} off"
    assert click_at(opened, "step", 0.5) in (13, 14, 15)
    opened.emulate_media(reduced_motion="no-preference")
    opened.get_by_role("button", name="Play").click()
    opened.wait_for_function("document.querySelector('[name=step]').value === '28'")
    opened.get_by_role("button", name="Play").wait_for()
    assert opened.locator(".strip figcaption").nth(2).inner_text() == "answer"
    opened.get_by_role("button", name="Play").focus()
    opened.keyboard.press("Enter")  # again from the start
    opened.get_by_role("button", name="Pause").click()
    assert int(opened.locator("[name=step]").input_value()) < 28
    slide(opened, "noise", "ArrowRight")
    shows(opened, noise=26)


RECORD = """() => {
    const slider = document.querySelector("[name=step]");
    window.steps = [];
    new MutationObserver(() => window.steps.push(slider.valueAsNumber)).observe(slider, { attributes: true });
}"""


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_it_plays_once_when_it_is_first_seen(pages, browser, motion):
    with opened_page(browser, (pages / "far.html").as_uri(), reduced_motion=motion) as (page, complaints):
        page.evaluate("scrollTo(0, document.querySelector('.explorer-still').getBoundingClientRect().top - 780)")
        page.wait_for_selector(".supsup-explorer")  # it lives, and its player is below the window still
        page.evaluate(RECORD)
        for _ in range(2):
            bring_near(page.locator("[name=step]"))
            page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 200)))")
            if motion == "no-preference":
                page.wait_for_function("window.steps.at(-1) === 28")
                page.get_by_role("button", name="Play").wait_for()
            page.evaluate("scrollTo(0, 0)")
        assert page.evaluate("window.steps") == ([] if motion == "reduce" else [*range(29)])
        assert complaints == []


def test_controls_and_curves_are_on_one_screen_of_a_desk(opened):
    boxes = [part.bounding_box() for part in opened.locator(".pad, .controls, .course, .bars").all()]
    assert len(boxes) == 6
    assert max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes) <= 800


@pytest.mark.parametrize("by", ["mouse", "finger", "keyboard"])
def test_drawing(pages, browser, by):
    options = {"has_touch": by == "finger", "reduced_motion": "reduce"}
    with opened_page(browser, (pages / "index.html").as_uri(), **options) as (page, complaints):
        page.wait_for_selector(".pad")
        slide(page, "noise", "Home")
        draw_upright_stroke(page, by)
        page.wait_for_function("document.querySelector('.status').textContent.includes('your drawing')")
        drawing = picture(page, 1).view(28, 28) > 128
        assert drawing[8:20, 13:15].all()
        assert page.locator(".digits input:checked").count() == 0
        drawing = torch.where(drawing.flatten(), 1.0, -1.0)
        assert torch.equal(picture(page, 2) > 128, Hopfield(noise=0).memory().recall(drawing) > 0)
        page.get_by_role("button", name="Wipe").click()
        assert not (picture(page, 1) > 128).any()
        assert complaints == []


def test_the_basin_is_counted(opened):
    """All twenty tries, each level, as torch counts them: for one digit and for all."""
    slide(opened, "stored", "Home")
    slide(opened, "stored", "ArrowRight", 11)
    opened.wait_for_function("document.querySelectorAll('.bars figcaption')[2].textContent.includes('20 of 20')")
    memory, stored = Hopfield(stored=12).memory(), hopfield.patterns()[:12]
    probes = torch.stack([hopfield.corrupt(stored[3], 0.2, "turned", 3, 1000 + draw) for draw in range(20)])
    share = (memory.recall(probes) == stored[3]).all(1).float().mean().item()
    heights = (
        opened.locator(".bars")
        .nth(2)
        .locator("circle.series-0")
        .evaluate_all("dots => dots.map(dot => +dot.getAttribute('cy'))")
    )
    top, bottom = 8, 170 - 18
    assert (bottom - heights[4]) / (bottom - top) == pytest.approx(share, abs=1e-6)


def test_an_input_is_answered_at_once(opened):
    """The page has the answer when the input event returns. In how many ms, `make bench ARGS=explorer` measures."""
    opened.locator("[name=rule]").select_option(index=1)
    answers = opened.evaluate("""() => [14, 17, 20].map((value) => {
        const k = document.querySelector("[name=stored]");
        Object.assign(k, { value }).dispatchEvent(new Event("input", { bubbles: true }));
        return document.querySelectorAll(".big")[1].textContent.replaceAll("\u00a0", " ");
    })""")
    for k, words in zip((14, 17, 20), answers, strict=True):
        memory, digits = Hopfield(stored=k, rule="storkey").memory(), hopfield.patterns()[:k]
        assert words == f"{int((memory.recall(digits) == digits).all(1).sum())} of {k} stand"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ["index", "random"])
def test_it_fits_and_every_control_has_a_name(pages, browser, name, width, scheme):
    with opened_page(browser, (pages / f"{name}.html").as_uri(), width, scheme) as (page, complaints):
        explorer = page.locator(".supsup-explorer")
        explorer.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in explorer.locator("input:visible, select, .pad, svg, figure, button:visible").all():
            box = part.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        unnamed = (
            "els => els.filter(el => !(el.labels?.length || el.getAttribute('aria-label'))).map(el => el.outerHTML)"
        )
        named = explorer.locator("input, select, canvas:not([aria-hidden]):not(.pad *)")
        assert named.evaluate_all(unnamed) == []
        ink = explorer.evaluate("el => getComputedStyle(el).color")
        assert explorer.locator("svg text").first.evaluate("el => getComputedStyle(el).fill") == ink
        assert complaints == []


def test_without_its_digits_the_still_picture_remains(pages, browser, tmp_path):
    page = patient(browser.new_page())
    page.route("**/_static/explorers/*.js", lambda route: route.abort() if is_data(pages, route) else route.continue_())
    page.goto((pages / "index.html").as_uri())
    failed = page.locator(".explorer-still[data-explorer=failed]")
    failed.wait_for()
    assert ".js is missing" in failed.locator("figcaption").inner_text()
    assert failed.locator("svg[aria-label]").is_visible()
    page.close()


def is_data(pages, route):
    """Whether a request is for the digits, not for the module."""
    text = (pages / "_static" / "explorers" / route.request.url.rsplit("/", 1)[1]).read_text("utf-8")
    return '"esm"' not in text


def shipped(path):
    """What a file of the site's explorers holds: a module as a dict, or data as base64."""
    return json.loads(path.read_text("utf-8").partition("] = ")[2].removesuffix(";\n"))


def test_a_site_holds_each_module_and_each_file_of_data_once_and_no_page_holds_any(pages, masks):
    """So a site grows by what is new in an explorer alone. How long comments are, nobody has to count."""
    contents = [shipped(path) for path in (pages / "_static" / "explorers").glob("*.js")]
    modules = [content["esm"] for content in contents if isinstance(content, dict)]
    data = [base64.b64decode(content) for content in contents if isinstance(content, str)]
    assert sorted(modules) == sorted([Hopfield._esm, RandomMasks._esm])
    assert sorted(data) == sorted([asset("digits"), masks.removed_at])
    for page, assets in (("index", {"digits"}), ("random", set())):
        text = (pages / f"{page}.html").read_text("utf-8")
        state = json.loads(re.search(r'widget-state\+json">(.*?)</script>', text, re.DOTALL)[1])["state"]
        (model,) = (model for model in state.values() if "module" in model)
        assert model["state"]["assets"].keys() == assets
        assert "supsup." not in text, "its module"
        assert not any(base64.b64encode(content).decode() in text for content in data)


# --- random masks --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def masks():
    return RandomMasks(sl.lenet_300_100(10, seed=0), sl.permuted_mnist(1, seed=0), (0, 50, 90))


def test_a_try_holds_the_random_masks_of_all_densities():
    net = sl.lenet_300_100(10, seed=0)
    ranks = ranks_of(net, 3)
    least = removed_at(ranks)
    for sparsity in (0, 1, 33, 50, 90, 99, 100):
        mask = sl.random_mask(net, (100 - sparsity) / 100, seed=0, task=3)
        first, *_, final = (mask[name].cpu() for name in mask)
        assert torch.equal(least > sparsity, torch.cat([first[0], final.flatten()]))
        for name, rank in ranks.items():
            assert torch.equal(rank < round((100 - sparsity) / 100 * rank.numel()), mask[name].cpu())


def test_accuracies_are_those_of_the_masks(masks):
    net, task = sl.lenet_300_100(10, seed=0), sl.permuted_mnist(1, seed=0)[0]
    x, y = task.test.batch(range(500))
    for sparsity in (0, 50, 90):
        mask = sl.random_mask(net, (100 - sparsity) / 100, seed=0, task=4)
        right = (sl.apply_mask(net, mask, x).argmax(1) == y).float().mean().item()
        assert masks.accuracies[str(sparsity)][4] == pytest.approx(right, abs=1e-6)
    assert "mean accuracy of" in masks.still


def test_another_sparsity_is_tried_on_demand(masks):
    masks.reply({"learn": {"sparsity": 72}})
    wait_until(lambda: masks.progress < 0)
    assert (masks.trouble, len(masks.accuracies["72"])) == ("", 20)
    for wrong in ({"sparsity": 101}, {"attempt": 20}, {"layer": 2}):
        with pytest.raises(ValueError, match="must be in"):
            masks.set_trait(*next(iter(wrong.items())))
    with pytest.raises(ValueError, match="whole percentage"):
        RandomMasks(sl.lenet_300_100(10, seed=0), sl.permuted_mnist(1, seed=0), (0.5,))


COLOURS = """canvas => {
    const { width, height } = canvas, READ = { willReadFrequently: true };
    const copy = new OffscreenCanvas(width, height).getContext("2d", READ);
    copy.drawImage(canvas, 0, 0);
    return [width, ...copy.getImageData(0, 0, width, height).data];
}"""


def test_random_masks_by_keyboard_and_mouse(pages, browser, masks):
    net = sl.lenet_300_100(10, seed=0)
    with opened_page(browser, (pages / "random.html").as_uri()) as (page, complaints):
        page.wait_for_selector(".supsup-explorer")

        def shows(sparsity, attempt, layer=0):
            width, *data = page.locator("figure.mask canvas").evaluate(COLOURS)
            seen = torch.tensor(data).view(-1, width, 4)
            name = ["fc1.weight", "fc3.weight"][layer]
            kept = sl.random_mask(net, (100 - sparsity) / 100, seed=0, task=attempt)[name].cpu()
            blue, kept = (net.weights()[name] > 0).cpu(), kept if layer else kept[0].view(28, 28)
            blue = blue if layer else blue[0].view(28, 28)
            assert torch.equal(seen[..., 3] > 200, kept)
            assert torch.equal((seen[..., 2] > seen[..., 0])[kept], blue[kept])
            share = masks.accuracies[str(sparsity)][attempt]
            big = [text.replace("\u00a0", " ") for text in page.locator(".big").all_text_contents()]
            assert big == [f"sparsity {sparsity} %", f"reads {100 * share:.1f} %"]

        shows(50, 0)
        slide(page, "sparsity", "ArrowRight")
        shows(90, 0)
        click_at(page, "sparsity", 0.01)
        shows(0, 0)
        slide(page, "attempt", "ArrowRight", 2)
        shows(0, 2)
        slide(page, "sparsity", "End")
        attempt = click_at(page, "attempt", 0.7)
        shows(90, attempt)
        page.locator("[name=layer]").select_option(index=1)
        shows(90, attempt, 1)
        page.locator("[name=layer]").focus()
        page.keyboard.press("ArrowUp")
        shows(90, attempt)
        assert "33,275 bytes at one bit a weight" in page.locator("[role=status]").last.inner_text()
        assert complaints == []


def test_drawing_another_keeps_the_record(pages, browser, masks):
    """From the try shown to the next that nobody has seen: how many, their mean and the luckiest, spoken once."""
    shares = masks.accuracies["50"]
    with opened_page(browser, (pages / "random.html").as_uri()) as (page, complaints):
        page.wait_for_selector(".supsup-explorer")
        button = page.get_by_role("button", name="Draw another")

        def shows(drawn):
            record = [100 * shares[attempt] for attempt in drawn]
            masks = f"{len(drawn)} mask{'s' * (len(drawn) > 1)} drawn so far"
            told = f"{masks}: mean {sum(record) / len(record):.1f} %, luckiest {max(record):.1f} %"
            assert page.locator(".flag", has_text="luckiest").count() == (len(drawn) > 1)
            if len(drawn) == 1:  # of one mask there is neither mean nor luck
                told = f"{masks}; chance"
            assert told in page.locator("[role=status]").last.inner_text().replace("\u00a0", " ")
            pale = [name.endswith("undrawn") for name in page.locator("rect.bar").evaluate_all(CLASSES)]
            assert pale == [attempt not in drawn for attempt in range(20)]

        shows([0])
        assert regions_that_speak(page, page.locator(".supsup-explorer"), "attempt", "ArrowRight") == 1
        shows([0, 1])
        slide(page, "attempt", "ArrowRight", 2)
        slide(page, "attempt", "ArrowLeft", 2)
        button.click()  # from try 1, past 2 and 3
        assert page.locator("[name=attempt]").input_value() == "4"
        shows([0, 1, 2, 3, 4])
        slide(page, "attempt", "End")
        button.focus()
        for _ in range(14):  # 5 to 18, from the start again
            page.keyboard.press("Enter")
        shows(range(20))
        assert page.get_by_role("button", name="All 20 tries are drawn").is_disabled()
        assert complaints == []


CLASSES = "bars => bars.map((bar) => bar.getAttribute('class'))"


@pytest.mark.parametrize(("name", "slider"), [("index", "noise"), ("random", "attempt")])
def test_two_hundred_moves_leave_nothing(pages, browser, name, slider):
    with opened_page(browser, (pages / f"{name}.html").as_uri(), reduced_motion="reduce") as (page, _):
        page.wait_for_selector(".supsup-explorer")
        assert growth_of_heap(page, page.locator(f"[name={slider}]")) < 20  # MB

"""The explorer that learns on its page: numbers as torch's, masks that stand still, weights that forget."""

import base64

import pytest
import torch
import traitlets

import supsup_lite as sl
from supsup_lite.baselines import fine_tune
from supsup_lite.evaluation.accuracy import accuracy
from supsup_lite.explorers import Learning, learning
from supsup_lite.explorers.base import module
from supsup_lite.explorers.stored import asset
from supsup_lite.explorers.stored.small import small_digits, small_images, small_tasks
from supsup_lite.inference.methods import alpha_gradient, infer_task
from supsup_lite.masks.edge_popup import masks_of
from supsup_lite.seeding import generator
from tests import small_site
from tests.pages import heap, opened_page, patient, work_of_each_task

STEPS = 20  # that are compared with torch
PARTS = ("generator", "learnerJobs", "oneShot")
IMPORT = """async ({module, names}) => {
    const text = `${module}\\nexport default { ${names.map((name) => `...supsup.${name}`)} };`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    window.js = (await import(url)).default;
    window.finish = (job) => {
        let next = job.next();
        while (!next.done) next = job.next();
        return next.value;
    };
}"""


@pytest.fixture(scope="module")
def bare(browser):
    """A page with nothing but the functions that learn, as `js`."""
    page = patient(browser.new_page())
    names = ["generator", "training", "learner", "learnerJobs", "oneShot"]
    page.evaluate(IMPORT, {"module": module(*PARTS), "names": names})
    page.evaluate(
        "(base64) => { window.bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)); }",
        base64.b64encode(small_digits()).decode(),
    )
    yield page
    page.close()


# --- numbers -----------------------------------------------------------------------------------------------------

DRAW = """([purpose, seed, task]) => {
    const draw = () => js.generator(purpose, seed, task);
    return {
        floats: [...draw().floats(1001)], coins: [...draw().coins(1001)],
        orders: [2, 196, 3000].map((size) => [...draw().permutation(size)]),
    };
}"""


@pytest.mark.parametrize("purpose", ["batches", "scores of fc1.weight, with more than one block of letters: äöü"])
@pytest.mark.parametrize(("seed", "task"), [(0, 0), (99, 9), (2**40, 123_456)])
def test_the_page_draws_python_s_random_numbers(bare, purpose, seed, task):
    drawn = bare.evaluate(DRAW, [purpose, seed, task])
    assert drawn["floats"] == generator(purpose, seed, task).random(1001, dtype="float32").tolist()
    assert drawn["coins"] == generator(purpose, seed, task).integers(0, 2, 1001, dtype="int8").tolist()
    for size, order in zip((2, 196, 3000), drawn["orders"], strict=True):
        assert order == generator(purpose, seed, task).permutation(size).tolist()


LEARN = """({settings, tasks, steps}) => {
    const learner = js.makeLearner(finish(js.readDigits(bytes)), settings), losses = [], right = [], flips = [];
    for (let task = 0; task < tasks; task++) {
        finish(js.beginTask(learner));
        while (learner.step < steps) {
            const news = js.learnStep(learner);
            losses.push(news.loss);
            flips.push(news.flips);
        }
        right.push([...Array(task + 1).keys()].map((old) => finish(js.readTest(learner, old)).right));
    }
    window.learner = learner;
    const flat = (kind) => learner.layers.flatMap((layer) => [...layer[kind]]);
    return {
        losses, flips, right, parameters: flat("parameters"), mask: flat("mask"),
        masks: learner.masks.map((mask) => mask.flatMap((bits) => [...bits])),
    };
}"""


def flat(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(("way", "keep"), [("threshold", None), ("edge-popup", 0.7), ("edge-popup", 0.2)])
def test_masks_are_learned_as_torch_learns_them(bare, way, keep, seed):
    losses, scores = [], {}

    def watch(step, now, loss):  # before each update
        losses.append(loss.item())
        scores.update({name: values[0].detach().clone() for name, values in now.items()})

    recipe = sl.Recipe(STEPS + 1, learning.BATCH, "adam", 0.003)
    tasks = small_tasks(1, seed)
    sl.learn_masks(learning.network(seed), tasks, keep, seed, recipe=recipe, progress=False, on_step=watch)
    settings = {"way": way, "keep": keep or 0, "rate": 0.003, "seed": seed}
    found = bare.evaluate(LEARN, {"settings": settings, "tasks": 1, "steps": STEPS})
    torch.testing.assert_close(torch.tensor(found["losses"]), torch.tensor(losses[:STEPS]), rtol=0, atol=1e-4)
    assert losses[STEPS - 1] < losses[0] / 1.5, "it has learned something"
    torch.testing.assert_close(torch.tensor(found["parameters"]), flat(scores.values()), rtol=0, atol=1e-4)
    kept = {name: masks_of(values[None], keep)[0] for name, values in scores.items()}
    sizes = flat(
        values if keep is None else values.abs() - values.abs()[kept[name]].min() for name, values in scores.items()
    )
    differ = flat(kept.values()) != torch.tensor(found["mask"], dtype=torch.bool)
    assert (sizes[differ].abs() < 1e-6).all(), "on the border alone"
    assert differ.sum() <= 4
    assert sum(found["flips"]) > 1000


STEP_BY_STEP = """({settings, base64}) => {
    const bytesOfAll = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const scores = new Float32Array(bytesOfAll.buffer), losses = [], gradients = [];
    const learner = js.makeLearner(finish(js.readDigits(bytes)), settings);
    finish(js.beginTask(learner));
    for (let at = 0; at < scores.length; ) {
        for (const { parameters } of learner.layers) {
            parameters.set(scores.subarray(at, at + parameters.length));
            at += parameters.length;
        }
        js.applyParameters(learner.layers, settings.way, settings.keep);
        losses.push(js.learnStep(learner).loss);
        gradients.push([...learner.layers[0].gradient]);
    }
    return { losses, gradients };
}"""


@pytest.mark.parametrize("keep", [0.1, 0.05])
def test_each_step_of_a_sparse_network_is_torch_s(bare, keep):
    """With so few edges, +c and -c of a unit's black pixels often cancel out: its ReLU opens by the rounding of sums.

    From there on two runs differ, also two of torch. So each step begins from torch's scores.
    """
    losses, scores, gradients = [], [], []

    def watch(step, now, loss):
        losses.append(loss.item())
        scores.append(flat(now.values()).detach().clone())
        gradients.append(now["fc1.weight"].grad[0].clone())

    recipe = sl.Recipe(STEPS, learning.BATCH, "adam", 0.003)
    net, tasks = learning.network(0), small_tasks(1, 0)
    sl.learn_masks(net, tasks, keep, 0, recipe=recipe, progress=False, on_step=watch)
    settings = {"way": "edge-popup", "keep": keep, "rate": 0.003, "seed": 0}
    given = base64.b64encode(torch.cat(scores).numpy().tobytes()).decode()
    found = bare.evaluate(STEP_BY_STEP, {"settings": settings, "base64": given})
    torch.testing.assert_close(torch.tensor(found["losses"]), torch.tensor(losses), rtol=0, atol=1e-4)
    ours, theirs = torch.tensor(found["gradients"]).view(STEPS, 160, 196), torch.stack(gradients)
    differing = ((ours - theirs).abs() > 1e-6).any(2)  # units of a step
    assert differing.float().mean() < 0.05
    assert theirs.abs().mean() > 1e-5


@pytest.mark.parametrize("seed", [0, 7])
def test_weights_are_trained_as_torch_trains_them(bare, seed):
    losses, tasks = [], small_tasks(2, seed)
    recipe = sl.Recipe(learning.STEPS, learning.BATCH, "adam", 0.003)
    net = learning.network(seed)
    history = fine_tune(net, tasks, seed, recipe, on_step=lambda step, weights, loss: losses.append(loss.item()))
    settings = {"way": "weights", "keep": 0, "rate": 0.003, "seed": seed}
    found = bare.evaluate(LEARN, {"settings": settings, "tasks": 2, "steps": learning.STEPS})
    torch.testing.assert_close(torch.tensor(found["losses"][:STEPS]), torch.tensor(losses[:STEPS]), rtol=0, atol=1e-4)
    right = [
        [500 * accuracy(net, weights, tasks[i : i + 1]).item() for i in range(t + 1)]
        for t, weights in enumerate(history)
    ]
    for ours, torchs in zip(found["right"], right, strict=True):
        assert ours == pytest.approx(torchs, abs=2)  # images, after 300 steps
    assert found["right"][1][0] < found["right"][0][0] - 30, "it forgets"
    assert found["masks"] == []


def masks_from(found, net, keep):
    """The masks that the page learned, as a store."""
    store = sl.MaskStore(net, learned=sl.Learned(10, keep, sl.Recipe(150, 64, "adam", 0.003), 0))
    for bits, identity in zip(found["masks"], small_tasks(len(found["masks"]), 0).identities, strict=True):
        parts = torch.tensor(bits, dtype=torch.bool).split([weight.numel() for weight in net.weights().values()])
        named = zip(net.weights().items(), parts, strict=True)
        store.append({name: part.view(weight.shape) for (name, weight), part in named}, identity)
    return store


ONE_SHOT = """(count) => {
    const { layers, masks, digits, shuffles } = learner, x = new Float32Array(count * 196);
    js.gather(learner, 1, [...Array(count).keys()].map((i) => digits.train + i), x);
    return { gradient: [...js.alphaGradient(layers, masks, x, count)], right: finish(js.recognised(learner)) };
}"""


@pytest.mark.parametrize(("way", "keep"), [("threshold", None), ("edge-popup", 0.1)])
def test_what_was_learned_stands_still_and_one_shot_finds_it(bare, way, keep):
    settings = {"way": way, "keep": keep or 0, "rate": 0.003, "seed": 0}
    found = bare.evaluate(LEARN, {"settings": settings, "tasks": 3, "steps": learning.STEPS})
    assert [row[0] for row in found["right"]] == [found["right"][0][0]] * 3
    assert found["right"][2][1] == found["right"][1][1]
    net, tasks = learning.network(0), small_tasks(3, 0)
    masks = masks_from(found, net, keep)
    evaluation = sl.evaluate(net, masks, tasks, "GG")
    assert (500 * evaluation.per_task).tolist() == pytest.approx(found["right"][2], abs=1e-6)
    assert evaluation.accuracy > (0.86 if keep is None else 0.6)
    one_shot = bare.evaluate(ONE_SHOT, 8)
    x, _ = tasks[1].test.batch(range(8))
    expected = alpha_gradient(net, masks, x)
    torch.testing.assert_close(torch.tensor(one_shot["gradient"]).view(8, 3), expected, rtol=1e-4, atol=1e-4)
    right = [int((infer_task(net, masks, task.test.all()[0]) == i).sum()) for i, task in enumerate(tasks)]
    assert one_shot["right"] == pytest.approx(right, abs=1)


# --- Python ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explorer():
    return Learning()


def offered(**changes):
    return {"mask": {"rule": "threshold", "sparsity": 50, "rate": 0.003, "seed": 3, "task": 0} | changes}


BITS = [bytes(range(256)) * 20 + bytes(240)]  # 5,360 bytes of a mask, for 42,880 weights


def test_small_digits_are_the_first_of_mnist_at_half_the_size():
    (x, y), (x_test, y_test) = small_images()
    assert (x.shape, x_test.shape) == ((3000, 14, 14), (500, 14, 14))
    pixels = sl.mnist("cpu")[0].pixels[7].float()
    assert x[7, 5, 6] == round(pixels[10:12, 12:14].mean().item())
    assert len(small_digits()) == 3500 * 197
    assert small_digits()[-500:] == bytes(y_test.tolist())
    assert sorted(set(y.tolist())) == list(range(10))
    assert len(asset("small-digits")) < 500_000


def test_python_takes_the_masks_of_the_page(explorer):
    explorer.reply(offered(), BITS)
    explorer.reply(offered(task=1), [memoryview(BITS[0])])
    assert (explorer.trouble, len(explorer.masks)) == ("", 2)
    assert explorer.net.seed == explorer.masks.learned.seed == 3
    assert explorer.masks.packed("fc1.weight")[0].tolist() == list(BITS[0][: 160 * 196 // 8])
    assert explorer.masks.identities == explorer.tasks[:2].identities
    assert 0 <= sl.evaluate(explorer.net, explorer.masks, explorer.tasks[:2], "GG").accuracy <= 1
    more = sl.learn_masks(
        explorer.net, explorer.tasks[:3], seed=3, recipe=explorer.recipe, masks=explorer.masks[:], progress=False
    )
    assert len(more) == 3, "Python can go on"
    explorer.reply(offered(seed=4), BITS)
    assert (len(explorer.masks), explorer.net.seed) == (1, 4), "task 0 begins anew"


@pytest.mark.parametrize(
    ("changes", "bits", "words"),
    [
        ({"task": 1, "seed": 5}, BITS, "does not go on"),
        ({"task": 3}, BITS, "does not go on"),
        ({}, [], "5,360 bytes, got \\[\\]"),
        ({}, [b"short"], "5,360 bytes, got \\[5\\]"),
        ({}, BITS * 2, "5,360 bytes, got \\[5360, 5360\\]"),
        ({"rule": "edge-popup"}, BITS, "Edge-popup keeps 15,680 edges of fc1.weight"),
        ({"rule": "luck"}, BITS, "rule must be one of"),
        ({"sparsity": 51}, BITS, "sparsity must be in"),
        ({"rate": 1}, BITS, "rate must be one of"),
        ({"seed": -1}, BITS, "seed must be in"),
        ({"task": 10}, BITS, "task must be in"),
        ({"more": 1}, BITS, "A mask must have the fields"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(explorer, changes, bits, words):
    explorer.reply(offered(), BITS)
    explorer.trouble = ""
    explorer.reply(offered(**changes), bits)
    with pytest.raises(AssertionError, match=words):
        assert not explorer.trouble, explorer.trouble
    assert len(explorer.masks) == 1


@pytest.mark.parametrize("wrong", [{"sparsity": 52}, {"sparsity": 0}, {"rate": 0.02}, {"seed": 100}, {"rule": "none"}])
def test_settings_that_are_not_offered_are_refused(wrong):
    with pytest.raises((ValueError, traitlets.TraitError)):
        Learning(**wrong)


def test_the_still_picture_says_what_a_mask_can_read(explorer):
    assert "After 150 steps the network under the mask of task 0 reads 8" in explorer.still


# --- a page ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    cells = {
        "index": [
            "# It learns\n\n```{toctree}\n:hidden:\nshort\n```",
            "from supsup_lite.explorers import Learning\nLearning()",
        ],
        "short": ["# At once", "from supsup_lite.explorers import Learning\nLearning(short=True)"],
    }
    return small_site.build(tmp_path_factory.mktemp("learning"), cells)


@pytest.fixture
def opened(site, browser):
    with opened_page(browser, (site / "index.html").as_uri()) as (page, complaints):
        page.wait_for_selector(".supsup-explorer .main")
        yield page
        assert complaints == []


def press(page, words):
    page.get_by_role("button", name=words, exact=True).click()


def main_says(page, words):
    page.wait_for_function("(words) => document.querySelector('.main').textContent === words", arg=words)


def learn(page, words="Learn"):
    press(page, words)
    main_says(page, "Next task")


def said(page):
    return page.locator("[role=status]").inner_text().replace("\u00a0", " ")


def rows(page):
    """The folded table: for each task its accuracy when learned, its accuracy now, and One-Shot's share."""
    page.evaluate("document.querySelector('.numbers').open = true")
    page.wait_for_selector(".numbers td")
    return page.evaluate(
        "[...document.querySelectorAll('.numbers tr')].slice(1)"
        ".map((row) => [...row.cells].slice(1).map((cell) => Number(cell.textContent)))"
    )


def test_a_page_learns_masks_and_forgets_nothing(opened):
    assert said(opened).startswith("Press Learn")
    learn(opened)
    (first,) = rows(opened)
    assert first[0] > 0.8
    assert said(opened).endswith("No weight has changed.")
    learn(opened, "Next task")
    (before, now, found), (second, *_) = rows(opened)
    assert [before, now] == first[:2]
    assert second > 0.8
    assert found > 0.9
    assert "Task 0, asked again, still reads 8" in said(opened)
    assert "not one answer changed. Not told the task, One-Shot names the right mask for 9" in said(opened)
    alt = opened.locator(".chart[aria-label^='Task 0']").last.get_attribute("aria-label").replace("\u00a0", " ")
    assert f"Task 0: {100 * now:.0f} %. Task 1: {100 * second:.0f} %." in alt
    assert len(opened.workers) == 1


def test_weights_forget(opened):
    opened.locator("[name=trained]").select_option(label="weights, as usual")
    assert opened.locator("[name=rule]").is_disabled()
    learn(opened)
    learn(opened, "Next task")
    (before, now, _), _ = rows(opened)
    assert now < before - 0.05
    assert "Task 0 fell from 9" in said(opened)
    assert said(opened).endswith("the weights were overwritten.")


def steps(page):
    return page.locator(".big").nth(1).inner_text()


def test_step_pause_and_reset(opened):
    for count in (1, 2, 3):
        press(opened, "Step")
        opened.wait_for_function(
            "(words) => document.querySelectorAll('.big')[1].textContent === words", arg=f"step {count} of 150"
        )
    press(opened, "Go on")
    opened.wait_for_function("parseInt(document.querySelectorAll('.big')[1].textContent.slice(5)) > 10")
    press(opened, "Pause")
    opened.wait_for_function("document.querySelector('[role=status]').textContent.startsWith('Paused at step')")
    where = steps(opened)
    assert where.split()[1] in said(opened)
    opened.wait_for_timeout(100)
    assert steps(opened) == where
    press(opened, "Reset")
    assert steps(opened) == "not learned yet"
    main_says(opened, "Learn")
    assert opened.get_by_role("button", name="Reset").is_disabled()
    learn(opened)
    (whole,) = rows(opened)
    press(opened, "Reset")
    press(opened, "Learn")
    opened.wait_for_function("document.querySelectorAll('.big')[1].textContent.startsWith('step ')")
    press(opened, "Reset")  # amid a step
    learn(opened)
    assert rows(opened) == [whole], "the same again, from the same seed"
    assert len(opened.workers) == 1


def test_twenty_rounds_leave_nothing(opened):
    def learn_and_reset():
        press(opened, "Learn")
        opened.wait_for_function("document.querySelectorAll('.big')[1].textContent.startsWith('step ')")
        press(opened, "Reset")

    learn_and_reset()
    before = heap(opened)
    for _ in range(20):
        learn_and_reset()
    assert heap(opened) < before + 20  # MB
    assert len(opened.workers) == 1


def test_by_keyboard_alone(opened):
    opened.locator("[name=rule]").focus()
    opened.keyboard.press("ArrowDown")
    opened.locator("[name=sparsity]").focus()
    opened.keyboard.press("End")
    opened.keyboard.press("ArrowLeft")
    assert opened.locator("[name=sparsity]").get_attribute("aria-valuetext") == "90\u00a0%"
    opened.locator(".main").focus()
    opened.keyboard.press("Enter")
    main_says(opened, "Pause")
    main_says(opened, "Next task")
    opened.keyboard.press("Enter")
    main_says(opened, "Pause")
    main_says(opened, "Next task")
    assert "around 10\u00a0%" in opened.locator(".pictures").inner_text()
    assert opened.evaluate("document.activeElement.className") == "main"
    assert len(rows(opened)) == 2


@pytest.mark.parametrize("worker", [True, False])
def test_the_page_itself_never_works_long(site, browser, worker):
    with opened_page(browser, (site / "short.html").as_uri()) as (page, complaints):
        if not worker:
            page.evaluate("() => { window.Worker = function () { throw new Error('refused'); }; }")
        page.wait_for_selector(".supsup-explorer .main")
        tasks = work_of_each_task(browser, page, lambda page: (learn(page), learn(page, "Next task")))
        assert "not one answer changed" in said(page)
        assert (len(page.workers), complaints) == (int(worker), [])
    assert len(tasks) > 100
    assert max(tasks) < 50  # ms


RENDER = """async ({esm, state, base64, broken}) => {
    const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
    const { default: widget } = await import(url);
    const listeners = [], values = { ...state, _esm: broken ? "throw new Error('refused')" : esm };
    const model = {
        get: (name) => values[name],
        set(name, value) { values[name] = value; },
        save_changes() {},
        on: (event, callback) => listeners.push({ event, callback }),
        off(event, callback) {
            const at = listeners.findIndex((entry) => entry.event === event && entry.callback === callback);
            if (at >= 0) listeners.splice(at, 1);
        },
        send({ want: name }) {
            const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
            for (const { callback } of [...listeners]) callback({ name }, [new DataView(bytes.buffer)]);
        },
    };
    window.controller = new AbortController();
    window.listeners = listeners;
    const el = document.createElement("div");
    document.body.replaceChildren(el);
    await widget.render({ model, el, signal: controller.signal });
}"""


@pytest.mark.parametrize("broken", [False, True])
def test_nothing_is_left_of_an_explorer_that_is_taken_away(browser, broken):
    """Nor where a worker starts, and fails: then the page does the work."""
    state = {"trained": "masks", "rule": "threshold", "sparsity": 50, "rate": 0.003, "seed": 1, "short": True}
    given = {"esm": Learning._esm, "state": state, "base64": base64.b64encode(asset("small-digits")).decode()}
    page = patient(browser.new_page())
    page.evaluate(RENDER, given | {"broken": broken})
    press(page, "Learn")
    page.wait_for_function("parseInt(document.querySelectorAll('.big')[1].textContent.slice(5)) > 20")
    assert len(page.workers) == (0 if broken else 1)
    page.evaluate("controller.abort()")
    where = steps(page)
    page.wait_for_timeout(300)
    assert steps(page) == where
    assert len(page.workers) == 0
    assert page.evaluate("listeners.length") == 0
    page.close()


def test_where_motion_is_reduced_little_moves(site, browser):
    watch = """() => {
        window.seen = new Set();
        const watch = () => window.seen.add(document.querySelectorAll('.big')[1].textContent);
        new MutationObserver(watch).observe(document.querySelectorAll('.big')[1], { childList: true });
    }"""
    with opened_page(browser, (site / "short.html").as_uri(), reduced_motion="reduce") as (page, _):
        page.wait_for_selector(".supsup-explorer .main")
        page.evaluate(watch)
        learn(page)
        assert page.evaluate("[...window.seen].filter((words) => words.startsWith('step'))") == [
            f"step {count} of 150" for count in (0, 50, 100, 150)
        ]


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_page_in_any_light(site, browser, width, scheme):
    with opened_page(browser, (site / "index.html").as_uri(), width, scheme) as (page, complaints):
        explorer = page.locator(".supsup-explorer")
        explorer.wait_for()
        press(page, "Step")
        page.wait_for_function("document.querySelectorAll('.big')[1].textContent === 'step 1 of 150'")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in explorer.locator("button, select, input, canvas, svg").all():
            box = part.bounding_box()
            assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= width)
        assert complaints == []

"""The scale explorer: stored results as they are, bytes as stores count them, and the page without a kernel."""

import json
import math
import re
from collections import Counter

import pytest
import traitlets

import supsup_lite as sl
from supsup_lite.data.folders import data_folder
from supsup_lite.explorers import Scale
from supsup_lite.explorers.base import module
from supsup_lite.explorers.scale import measured
from supsup_lite.results.published import PUBLISHED, published
from tests.pages import fits_and_takes_the_ink, opened_page, patient

TITLE = "What does a task cost?"


@pytest.fixture(scope="module")
def explorer():
    return Scale()


# --- what was measured -------------------------------------------------------------------------------------------


def result(**changed):
    """A stored result of one k."""
    setting = {"network": "lenet_300_100", "outputs": 500, "keep": None, "recipe": "paper", "tasks": 250}
    one = {
        "accuracy": 0.9,
        "interval_95": [0.8, 1.0],
        "task_accuracy": 0.95,
        "task_interval_95": [0.9, 1],
        "inferences": 9,
    }
    return {
        "experiment": "permuted-mnist",
        "setting": setting,
        "figures": {"GG": {"accuracy": 0.92}, "GNu": one},
    } | changed


def write(folder, name, content):
    (folder / name).write_text(json.dumps(content), "utf-8")


def test_every_stored_row_is_there(explorer):
    folder = data_folder() / "results"
    stored = json.loads((folder / "scale.json").read_text("utf-8"))["figures"]
    rows = [row for row in explorer.rows if row["result"].startswith("scale,")]
    assert len(rows) == len(stored)
    for row in stored:
        density = 50 if row["keep"] is None else round(100 * row["keep"])
        about = {"network": row["network"], "recipe": row["recipe"], "density": density}
        keys = ("tasks", "GG", "GNu", "GNu_interval_95", "task_accuracy", "task_interval_95", "inferences")
        assert any(about | {key: row[key] for key in keys} == {k: shown[k] for k in (*about, *keys)} for shown in rows)
        assert row["bytes"] == row["tasks"] * (34_400 if row["network"] == "lenet_300_100" else 244_224)
    hundred = json.loads((folder / "permuted_mnist_100_default.json").read_text("utf-8"))["figures"]["GNu"]
    (row,) = (row for row in explorer.rows if row["result"].startswith("permuted_mnist_100_default"))
    assert (row["tasks"], row["GNu"], row["inferences"]) == (100, hundred["accuracy"], hundred["inferences"])
    assert [row["tasks"] for row in explorer.rows] == sorted(row["tasks"] for row in explorer.rows)


def test_runs_of_one_k_and_of_many(tmp_path):
    write(tmp_path, "permuted_mnist_250_paper.json", result())
    row = {"tasks": 10, "GG": 0.93, "GNs": 0.92, "GNu": 0.91, "GNu_interval_95": [0.9, 0.92], "task_accuracy": 1.0}
    row |= {"task_interval_95": [0.9, 1.0], "inferences": 5, "bytes": 1, "entropy_bytes": 1}
    write(tmp_path, "permuted_mnist_2500_default.json", result(figures={"by_tasks": [row, row | {"tasks": 2500}]}))
    write(tmp_path, "permuted_mnist_nns_0.json", result(experiment="permuted-mnist-nns"))
    rows = measured(tmp_path)
    assert [row["tasks"] for row in rows] == [10, 250, 2500]
    assert [row["GNu"] for row in rows] == [0.91, 0.9, 0.91]
    assert {row["density"] for row in rows} == {50}
    assert rows[1]["result"] == "permuted_mnist_250_paper, s = 500"


def test_without_results_it_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no stored results in .*python -m tests\.benchmarks\.scale"):
        Scale(tmp_path)


@pytest.mark.parametrize("content", ['{"experiment": "scale"', "[]", "[" * 10**5, '{"experiment": "scale"}'])
def test_a_damaged_result_is_named(tmp_path, content):
    (tmp_path / "scale.json").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"scale\.json is damaged"):
        Scale(tmp_path)


def test_the_paper_s_number_stands_beside_ours(explorer):
    assert explorer.paper == [{"network": "fc_1024", "outputs": 500, "tasks": 250, "GNu": 0.9491}]
    assert len(published(experiment="SplitImageNet", method="SupSup")) == 3
    assert all(0 < number.accuracy < 1 and number.tasks > 0 for number in PUBLISHED)


@pytest.mark.parametrize("wrong", [{"num_tasks": 3}, {"density": 51}, {"network": "resnet50"}])
def test_what_is_not_offered_is_refused(wrong):
    with pytest.raises(traitlets.TraitError, match=next(iter(wrong))):
        Scale(**wrong)


def test_the_still_picture_says_what_was_measured(explorer):
    assert "LeNet 300-100, density 50 %: " in explorer.still
    assert "nothing was measured at this density" in Scale(density=2).still


# --- bytes, in a browser -----------------------------------------------------------------------------------------

RUN = """async ([module, shapes, density, tasks, training]) => {
    const text = `${module}\\nexport default supsup.costs;`;
    const { default: js } = await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    return [js.bytesOfTask(shapes, density), js.operations(shapes, tasks, training)];
}"""


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9])
def test_bytes_are_those_of_a_store(browser, explorer, keep):
    """An odd network too, whose layers end within a byte. CSC is counted column by column."""
    page = patient(browser.new_page())
    for net in (sl.lenet_300_100(100, device="cpu"), sl.networks.MLP("odd", (9, 7, 3), seed=0)):
        masks = sl.MaskStore(net)
        masks.append(sl.random_mask(net, keep, seed=0))
        kept = sum(int(bits.sum()) for bits in masks[0].values())
        shapes = [list(weight.shape) for weight in net.weights().values()]
        training = {"steps": 300, "batch": 128}
        sizes, work = page.evaluate(RUN, [module("costs"), shapes, kept / net.num_weights, 7, training])
        columns = [[column.nonzero() for column in bits.T] for bits in masks[0].values()]
        csc = sum(2 * sum(map(len, rows)) + 4 * (len(rows) + 1) for rows in columns)
        expected = {
            "float32": sum(weight.numel() * weight.element_size() for weight in net.weights().values()),
            "bool": net.num_weights,
            "bits": masks.nbytes,
            "csc": csc,
        }
        bound = sizes.pop("bound")
        assert sizes == pytest.approx(expected)
        assert bound >= masks.entropy_bytes - 1e-6  # which knows the density of each layer
        assert bound == pytest.approx(masks.entropy_bytes, rel=1e-4 if net.name != "odd" else 0.3)
        n = net.num_weights
        expected = {"learning": 3 * n * 300 * 128 * 7, "given": n, "oneShot": 10 * n, "exhaustive": 7 * n}
        assert work == expected
    page.close()


# --- on a page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(stream_and_scale, browser):
    with opened_page(browser, (stream_and_scale / "scale.html").as_uri()) as (page, complaints):
        page.get_by_label(TITLE).wait_for()
        yield page
        assert complaints == []


def words(locator):
    return locator.inner_text().replace("\u00a0", " ")


def shows(page, explorer, k, network, density):
    """The page says what Python knows of this state."""
    scope = page.get_by_label(TITLE)
    net = {"lenet_300_100": sl.lenet_300_100, "fc_1024": sl.fc_1024}[network](100, device="cpu")
    n, p = net.num_weights, density / 100
    bound = n / 8 * (-p * math.log2(p) - (1 - p) * math.log2(1 - p))
    starts = sum(4 * (weight.shape[1] + 1) for weight in net.weights().values())
    expected = [4 * n * k, n * k, k * (2 * p * n + starts), k * n / 8, k * bound]
    titles = scope.locator(".sizes .value").evaluate_all("values => values.map((value) => value.title)")
    sizes = [float(title.removesuffix(" bytes").replace(",", "")) for title in titles]
    assert sizes == pytest.approx(expected, rel=1e-4, abs=1)
    work = scope.locator(".sums .value").evaluate_all("values => values.map((value) => value.title)")
    assert [int(number.replace(",", "")) for number in work] == [3 * n * 300 * 128 * k, n, (3 + k) * n, k * n]
    rows = [row for row in explorer.rows if (row["network"], row["density"]) == (network, density)]
    best = {}  # of each setting and k the result of most inferences
    for row in sorted(rows, key=lambda row: row["inferences"]):
        best[row["tasks"], row["outputs"], row["recipe"]] = row
    exact = max((row for row in best.values() if row["tasks"] == k), key=lambda row: row["GNu"], default=None)
    assert words(scope.locator(".big").last) == (f"{100 * exact['GNu']:.1f} % right" if exact else "not measured")
    said = words(scope.locator("p[role=status]"))
    if exact:
        share = 100 * exact["task_accuracy"]
        assert f"measured with s = {exact['outputs']}, {exact['recipe']} recipe: task found {share:.1f} %" in said
    else:
        assert ("not measured. Nearest" if rows else "nobody has measured this density") in said
    lines = scope.locator("figure.bars").filter(has=page.locator("svg")).first
    paper = [row for row in explorer.paper if row["network"] == network]
    assert lines.locator(".dot.paper").count() == len(paper)
    sizes = Counter(row["outputs"] for row in best.values())  # one recipe each
    assert lines.locator(".dot:not(.paper)").count() == 2 * sum(size for _, size in sizes.most_common(3))
    more = [s for s, _ in sizes.most_common()[3:]]
    assert all(f"s = {s}" in words(lines.locator("figcaption")) for s in more)


def test_controls_by_keyboard(opened, explorer):
    scope = opened.get_by_label(TITLE)
    shows(opened, explorer, 100, "lenet_300_100", 50)
    scope.locator("[name=num_tasks]").focus()
    opened.keyboard.press("ArrowLeft")
    shows(opened, explorer, 50, "lenet_300_100", 50)
    opened.keyboard.press("End")
    shows(opened, explorer, 2500, "lenet_300_100", 50)
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")
    shows(opened, explorer, 2500, "lenet_300_100", 70)
    assert scope.locator("[name=density]").get_attribute("aria-valuetext").replace("\u00a0", " ") == "70 %"
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowDown")
    shows(opened, explorer, 2500, "fc_1024", 70)


def test_controls_by_mouse(opened, explorer):
    scope = opened.get_by_label(TITLE)

    def click(name, share):
        box = scope.locator(f"[name={name}]").bounding_box()
        opened.mouse.click(box["x"] + share * (box["width"] - 6) + 3, box["y"] + box["height"] / 2)

    click("num_tasks", 0)
    shows(opened, explorer, 1, "lenet_300_100", 50)
    click("num_tasks", 0.3)
    shows(opened, explorer, 10, "lenet_300_100", 50)
    scope.locator("[name=network]").select_option("FC 1024-1024")
    shows(opened, explorer, 10, "fc_1024", 50)
    click("density", 0)
    shows(opened, explorer, 10, "fc_1024", 1)
    assert "shorter as CSC" in scope.inner_text()


def test_the_table_holds_the_measured_rows(opened, explorer):
    scope = opened.get_by_label(TITLE)
    scope.locator("summary").click()
    scope.locator(".numbers td").first.wait_for()
    rows = [row.locator("td").all_text_contents() for row in scope.locator(".numbers tr").all()[1:]]
    expected = [row for row in explorer.rows if (row["network"], row["density"]) == ("lenet_300_100", 50)]
    assert [[int(cells[0]), float(cells[4]), float(cells[5]), int(cells[7])] for cells in rows] == [
        pytest.approx([row["tasks"], row["task_accuracy"], row["GNu"], row["inferences"]], abs=1e-4) for row in expected
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_it_fits_and_takes_the_page_s_ink(stream_and_scale, browser, width, scheme):
    with opened_page(browser, (stream_and_scale / "scale.html").as_uri(), width, scheme) as (page, complaints):
        scope = page.get_by_label(TITLE)
        scope.wait_for()
        fits_and_takes_the_ink(page, scope, width, "input:visible, select, svg, figure, .value", "svg text")
        assert complaints == []


def test_a_half_written_state_leaves_the_picture_and_a_sentence(stream_and_scale, browser):
    text = (stream_and_scale / "scale.html").read_text("utf-8")
    path = stream_and_scale / "spoiled.html"
    path.write_text(re.sub(r'"rows":\s*\[.*?\}\]', '"rows": []', text, flags=re.DOTALL), "utf-8")
    with opened_page(browser, path.as_uri()) as (page, _):
        page.wait_for_selector("[data-explorer=failed]")
        assert "the stored results are missing" in page.locator(".explorer-still figcaption").inner_text()
        assert page.locator(".explorer-still svg[aria-label]").is_visible()
    path.unlink()

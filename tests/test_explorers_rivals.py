"""The rivals explorer: stored races as they are, the best within a budget, and the page without a kernel."""

import json

import pytest
import traitlets

from supsup_lite.data.folders import data_folder
from supsup_lite.explorers import Rivals
from supsup_lite.explorers.rivals import BUDGETS, METHODS, RACES, measured
from tests.pages import fits_and_takes_the_ink, opened_page

TITLE = "Which method, for so many bytes?"


@pytest.fixture(scope="module")
def explorer():
    return Rivals()


def result(*figures, keep=None):
    return json.dumps({"experiment": "rivals", "setting": {"keep": keep}, "figures": figures})


def figure(method="supsup", seed=0, search=({"lr": 1, "accuracy": 0.9},), **by_tasks):
    rows = [{"tasks": int(k[1:]), "GG": share, "bytes": 1000} for k, share in by_tasks.items()]
    return {"method": method, "seed": seed, "lr": 0.01, "search": list(search), "by_tasks": rows}


def write_races(folder, **files):
    for race in RACES:
        (folder / f"rivals_{race}_250.json").write_text(files.get(race) or result(figure(k10=0.5)), "utf-8")


def test_every_stored_figure_is_there(explorer):
    seen = 0
    for race, (_, files, _) in RACES.items():
        for path in (data_folder() / "results").glob(files):
            for figures in json.loads(path.read_text("utf-8"))["figures"]:
                for stored in figures["by_tasks"]:
                    here = [
                        row
                        for row in explorer.rows
                        if row["race"] == race
                        and row["tasks"] == stored["tasks"]
                        and row["method"].startswith(METHODS[figures["method"]])
                        and row["low"] <= stored["GG"] <= row["high"]
                        and row["lr"] == figures["lr"]
                    ]
                    assert here, (path.name, stored)
                    assert any(row["bytes"] <= stored["bytes"] for row in here)
                    seen += 1
    assert seen >= len(explorer.rows) > 20


def test_seeds_of_one_file_are_one_row_and_variants_stand_apart(tmp_path):
    write_races(
        tmp_path,
        split_rotated=result(figure(k10=0.8, k20=0.9), figure(seed=1, k10=0.6, k20=0.7)),
        permuted_mnist=result(figure(k10=0.5), figure("psp", search=(), k10=0.4), figure("psp", k10=0.3)),
    )
    (tmp_path / "rivals_split_rotated_er.json").write_text(result(figure(k10=0.1), keep="er:0.1"), "utf-8")
    rows = measured(tmp_path)
    about = [(row["method"], row["tasks"], round(row["accuracy"], 9), row["seeds"]) for row in rows]
    assert about == [
        ("masks", 10, 0.5, 1),
        ("PSP, rotations", 10, 0.3, 1),
        ("PSP, rotations, rate 0.01", 10, 0.4, 1),
        ("masks", 10, 0.7, 2),
        ("masks", 20, 0.8, 2),
        ("masks, er:0.1", 10, 0.1, 1),
    ]
    (two,) = (row for row in rows if row["seeds"] == 2 and row["tasks"] == 20)
    assert (two["low"], two["high"]) == (0.7, 0.9)


def test_without_results_it_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no stored results .*python -m supsup_lite\.paper rivals --suite"):
        Rivals(tmp_path)


@pytest.mark.parametrize("content", ['{"figures": [', "[]", "[" * 10**5, '{"figures": [{}], "setting": {}}'])
def test_a_damaged_result_is_named(tmp_path, content):
    write_races(tmp_path, permuted_mnist=content)
    with pytest.raises(ValueError, match=r"rivals_permuted_mnist_250\.json is damaged"):
        Rivals(tmp_path)


@pytest.mark.parametrize("wrong", [{"num_tasks": 3}, {"race": "imagenet"}, {"budget": 1}])
def test_what_is_not_offered_is_refused(wrong):
    with pytest.raises(traitlets.TraitError):
        Rivals(**wrong)


def test_another_race_moves_to_a_number_of_tasks_that_it_has():
    explorer = Rivals()
    explorer.race = "permuted_mnist"
    assert explorer.num_tasks in explorer.counts()
    explorer.num_tasks = 250
    explorer.race = "split_rotated"
    assert explorer.num_tasks == 20


# --- on a page ---------------------------------------------------------------------------------------------------


def words(locator):
    return locator.inner_text().replace("\u00a0", " ")


def shows(page, explorer, race, k, budget):
    """The page says who is best of those that fit, as Python knows."""
    scope = page.get_by_label(TITLE)
    rows = [row for row in explorer.rows if (row["race"], row["tasks"]) == (race, k)]
    fits = [row for row in rows if row["bytes"] <= budget]
    said = words(scope.locator("p[role=status]"))
    if not fits:
        assert words(scope.locator(".big").first) == "nothing fits"
        assert said.startswith("Nothing fits into ")
        assert f"The smallest, {min(rows, key=lambda row: row['bytes'])['method']}," in said
        return
    best = max(fits, key=lambda row: row["accuracy"])
    assert words(scope.locator(".big").first) == best["method"]
    assert words(scope.locator(".big").last) == f"{100 * best['accuracy']:.1f} % right"
    assert f"{best['method']} read most: {100 * best['accuracy']:.1f} %" in said
    top = max(rows, key=lambda row: row["accuracy"])
    assert ("Nobody reads more." if top == best else f"Most of all: {top['method']},") in said
    methods = {row["method"] for row in explorer.rows if row["race"] == race}
    drawn = sum(row["race"] == race and row["tasks"] <= k for row in explorer.rows)
    charts = scope.locator("figure.bars").filter(has=page.locator("svg"))
    assert charts.first.locator(".dot").count() == drawn
    assert charts.first.locator(".legend .stroke").count() == len(methods)


def test_each_control_is_answered_as_python_would(stream_and_scale, browser, explorer):
    with opened_page(browser, (stream_and_scale / "rivals.html").as_uri()) as (page, complaints):
        scope = page.get_by_label(TITLE)
        scope.wait_for()
        shows(page, explorer, "split_rotated", 20, 200_000)
        scope.locator("[name=budget]").focus()
        page.keyboard.press("Home")
        shows(page, explorer, "split_rotated", 20, BUDGETS[0])
        page.keyboard.press("End")
        shows(page, explorer, "split_rotated", 20, BUDGETS[-1])
        scope.locator("[name=num_tasks]").focus()
        page.keyboard.press("ArrowLeft")
        shows(page, explorer, "split_rotated", 10, BUDGETS[-1])
        scope.locator("[name=race]").select_option(index=1)
        shows(page, explorer, "permuted_mnist", 10, BUDGETS[-1])
        scope.locator("[name=num_tasks]").focus()
        page.keyboard.press("End")
        shows(page, explorer, "permuted_mnist", 250, BUDGETS[-1])
        scope.locator("[name=race]").select_option(index=0)
        shows(page, explorer, "split_rotated", 20, BUDGETS[-1])
        assert scope.locator("[name=num_tasks]").get_attribute("aria-valuetext") == "20"
        assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits(stream_and_scale, browser, width, scheme):
    with opened_page(browser, (stream_and_scale / "rivals.html").as_uri(), width, scheme) as (page, complaints):
        scope = page.get_by_label(TITLE)
        scope.wait_for()
        fits_and_takes_the_ink(page, scope, width, "input:visible, select, svg, figure", "svg text")
        assert complaints == []

"""The look of figures: SVG that speaks, takes its ink from the page, and is the same every time."""

import importlib
import re
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from supsup_lite.plots import luck, masks
from supsup_lite.plots.narrow import WIDTH, narrow
from supsup_lite.plots.style import GREY, INK, MARKERS, PALETTE, figure, show, style, svg_of
from tests.small_site import SITE

ALT = "Accuracy rises with density up to one half and falls after it."


@style()
def an_elaborate_figure():
    """Something of everything that the lessons draw."""
    fig, (left, middle, right) = figure(ncols=3)
    left.plot([0, 1, 2], [1, 3, 2], marker="o", label="ours")
    left.plot([0, 1, 2], [2, 2, 2], "--", label="chance")
    left.fill_between([0, 1, 2], [0, 1, 1], [2, 4, 3], alpha=0.2)
    left.errorbar([0, 1], [1, 2], yerr=[0.1, 0.2], label="error")
    left.axhline(1)
    left.annotate("here", (1, 3), xytext=(0.5, 2), arrowprops={"arrowstyle": "->"})
    left.set(title="Accuracy", xlabel="density", ylabel="accuracy (%)")
    left.legend(title="who")
    middle.bar([0, 1, 2], [3, 2, 1], hatch="//")
    middle.set_xticks([0, 1, 2], ["a", "b", "c"])
    middle.text(0, 1, "β < γ & δ")
    fig.colorbar(right.imshow(np.arange(16).reshape(4, 4)), ax=right, label="weights")
    fig.suptitle("Everything")
    return fig


def test_svg_is_an_image_with_a_description():
    root = ElementTree.fromstring(svg_of(an_elaborate_figure(), ALT))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == ALT


def test_the_description_is_escaped():
    alt = 'Masks with a density of <5 % & "random" ones fail.'
    svg = svg_of(figure()[0], alt)
    assert ElementTree.fromstring(svg).get("aria-label") == alt
    assert "<5" not in svg


def test_ink_is_that_of_the_page():
    svg = svg_of(an_elaborate_figure(), ALT).lower()
    assert svg.count("currentcolor") > 20
    for colour in (INK, "#000000", "#000", "black", "rgb(0,0,0)"):
        assert not re.search(rf"{re.escape(colour)}\b", svg), colour


def test_nothing_is_drawn_in_the_svg_s_own_black():
    """A shape without any fill or stroke would be black, which the dark page swallows."""
    root = ElementTree.fromstring(svg_of(an_elaborate_figure(), ALT))
    parents = {child: parent for parent in root.iter() for child in parent}

    def inherited(element, what):
        while element is not None:
            found = re.search(rf"(?:^|[\s;]){what}:\s*([^;]+)", element.get("style", ""))
            if found or element.get(what):
                return found.group(1) if found else element.get(what)
            element = parents.get(element)
        return None

    drawn = [element for element in root.iter() if element.tag.rpartition("}")[2] in ("text", "path", "use")]
    outside_defs = [element for element in drawn if not within(element, parents, ("defs", "clipPath"))]
    assert len(outside_defs) > 50
    for element in outside_defs:
        assert inherited(element, "fill") or inherited(element, "stroke"), ElementTree.tostring(element)


def within(element, parents, tags):
    while element is not None:
        if element.tag.rpartition("}")[2] in tags:
            return True
        element = parents.get(element)
    return False


def test_the_page_shows_through_and_sets_the_size():
    fig, _ = figure(width=5, height=2)
    svg = svg_of(fig, ALT)
    root = ElementTree.fromstring(svg)
    assert root.get("width") is None
    assert root.get("height") is None
    assert root.get("viewBox") == "0 0 360 144"
    assert "max-width: 480px" in root.get("style")
    assert not re.search(r"#fff(fff)?\b|white", svg)


def test_no_style_sheet_and_no_metadata_leak_into_the_page():
    svg = svg_of(an_elaborate_figure(), ALT)
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert "<?xml" not in svg
    assert "<!DOCTYPE" not in svg
    assert "dc:date" not in svg


def test_the_same_figure_gives_the_same_bytes():
    assert svg_of(an_elaborate_figure(), ALT) == svg_of(an_elaborate_figure(), ALT)


def test_text_stays_text():
    assert "accuracy (%)" in svg_of(an_elaborate_figure(), ALT)
    assert "β &lt; γ &amp; δ" in svg_of(an_elaborate_figure(), ALT)


@pytest.mark.parametrize("alt", ["", "   ", "figure", "Accuracy by density"])
def test_a_description_that_says_nothing_is_refused(alt):
    with pytest.raises(ValueError, match="alt must be a sentence that states what the figure shows, got"):
        svg_of(figure()[0], alt)


def test_show_displays_html(monkeypatch):
    outputs = []
    monkeypatch.setattr(importlib.import_module("supsup_lite.plots.style"), "display", outputs.append)
    show(figure()[0], ALT)
    (output,) = outputs
    shown = output._repr_html_()
    assert shown.startswith('<figure class="supsup-figure"')
    assert shown.endswith("</svg>\n</figure>")
    assert f'aria-label="{ALT}"' in shown


def test_nothing_global_changes():
    before = dict(mpl.rcParams)
    figures = plt.get_fignums()
    svg_of(an_elaborate_figure(), ALT)
    with style():
        assert mpl.rcParams["text.color"] == INK
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures


def test_style_ends_after_an_error():
    before = dict(mpl.rcParams)

    def fail():
        with style():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert dict(mpl.rcParams) == before


def test_density_and_sparsity_are_the_two_names_of_one_axis():
    """Where an explorer's slider says sparsity 90 %, the figure beside it has its mark under 90 %, and over 10 %."""
    accuracies = torch.linspace(0, 1, 15).view(3, 5)
    for fig in (
        luck.accuracy_by_density([0.1, 0.5, 0.9], accuracies, [(0.5, 0.4, 0.6)] * 3),
        masks.hill([0.1, 0.5, 0.9], [0.5, 0.9, 0.5], [0.1, 0.1, 0.1]),
        masks.bytes_by_density([0.1, 0.5, 0.9], [400.0, 900.0, 400.0], 1000),
    ):
        svg_of(fig, ALT)  # which places the axes
        (axes,) = fig.axes
        (top,) = axes.child_axes
        assert axes.get_xlabel().startswith("density")
        assert top.get_xlabel().startswith("sparsity")
        place = axes.transData.transform((0.1, axes.get_ylim()[0]))[0]
        assert top.transData.transform((0.9, 0))[0] == pytest.approx(place)


def test_no_two_colours_are_one():
    assert len({colour.lower() for colour in PALETTE}) == len(PALETTE) == len(MARKERS)
    for colour in PALETTE:
        assert re.fullmatch(r"#[0-9a-f]{6}", colour)
        assert colour != INK


def linear(colour):
    """The light of a colour such as "#0072b2": red, green and blue, linear, in 0..1."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """The contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def papers():
    """What figures lie on: the site's pages, light and dark, and JupyterLab's."""
    dark = re.findall(r"--pst-color-(?:on-)?background: (#\w{6});", (SITE / "static" / "site.css").read_text("utf-8"))
    assert len(dark) == 2
    return ["#ffffff", "#111111", *dark]


def test_every_colour_stands_out_on_light_and_on_dark():
    assert contrast("#56b4e9", "#ffffff") == pytest.approx(2.31, abs=0.01)  # Okabe and Ito's own sky
    for colour in (*PALETTE, GREY):
        for paper in papers():
            assert contrast(colour, paper) >= 3, f"{colour} on {paper}"


# What is left of red, green and blue in the light that colour-blind eyes see (Machado, Oliveira and Fernandes 2009).
SIGHT = {
    "full": np.eye(3),
    "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no blue": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(light):
    """Where eyes place a light, in CIELAB: two places 2.3 apart can just be told apart."""
    values = XYZ @ np.clip(light, 0, 1) / XYZ.sum(1)
    x, y, z = np.where(values > 216 / 24389, np.cbrt(values), (24389 / 27 * values + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stay_apart_for_every_eye(sight):
    places = [lab(SIGHT[sight] @ linear(colour)) for colour in PALETTE]
    apart = {
        (PALETTE[i], PALETTE[j]): np.linalg.norm(places[i] - places[j]) for i in range(len(PALETTE)) for j in range(i)
    }
    assert min(apart.values()) >= 12, min(apart, key=apart.get)


# --- on a phone --------------------------------------------------------------------------------------------------


def upright(fig):
    with style():
        return narrow(fig)


def a_row_of_panels(columns, **subplots):
    fig, axes = figure(7, 2.5, ncols=columns, squeeze=False, **subplots)
    for i, panel in enumerate(axes[0]):
        panel.plot([0, 1], [0, i + 1])
        panel.set(title=f"panel {i}", xlabel="tasks", ylabel="accuracy" if i == 0 else "")
    return fig


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_panels_of_a_row_stand_below_one_another(columns):
    fig = a_row_of_panels(columns, sharey=True)
    made = upright(fig)
    assert made.get_figwidth() == WIDTH
    assert made.get_figheight() == pytest.approx(2.5 * columns)
    boxes = [axes.bbox for axes in made.axes]
    assert all(box.width > WIDTH * 50 for box in boxes)  # half of its width at 100 dots an inch
    assert all(above.y0 > below.y1 for above, below in pairwise(boxes))
    for axes in made.axes:  # each has its own scale, where the row had one for all
        assert any(label.get_visible() and label.get_text() for label in axes.get_yticklabels())
    assert fig.get_figwidth() == 7, "the figure itself stays as it is"
    assert [axes.get_subplotspec().colspan.start for axes in fig.axes] == list(range(columns))


def test_a_legend_beside_its_panel_comes_above_it():
    fig, axes = figure(7, 3)
    for i in range(4):
        axes.plot([0, 1], [0, i], label=f"a method with a long name, number {i}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    made = upright(fig)
    assert made.get_figheight() > 3.5
    assert made.axes[0].get_legend().get_window_extent().y0 > made.axes[0].bbox.y1 - 1


def test_what_would_be_cut_or_collide_keeps_its_size():
    fig, axes = figure(7, 3)
    axes.set_xticks(range(12), labels=[f"method {i}" for i in range(12)])
    assert upright(fig) is None
    fig, axes = figure(7, 3)
    axes.set_title("a title that is as wide as the page, and so wider than any phone that we know of")
    assert upright(fig) is None
    fig, axes = figure(7, 3)
    axes.set_yticks([0, 1], labels=["a label that leaves little of the width", "to the panel"])
    assert upright(fig) is None


def test_where_no_room_is_left_for_a_panel_it_stays_and_nobody_is_warned(recwarn):
    fig, axes = figure(7, 1.2)
    for i in range(9):
        axes.plot([0, 1], [0, i], label=f"a method with a name that is rather long, and a number, {i}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    assert upright(fig) is None
    assert [str(warning.message) for warning in recwarn] == []


def test_grids_colour_bars_and_what_is_narrow_stay():
    grid, _ = figure(7, 5, nrows=2, ncols=3)
    bar, axes = figure(7, 3)
    bar.colorbar(axes.imshow([[0, 1]]), ax=axes)
    small, _ = figure(3.9, 3)
    assert [upright(fig) for fig in (grid, bar, small)] == [None] * 3


def test_a_page_holds_both_and_shows_one(monkeypatch):
    outputs = []
    monkeypatch.setattr(importlib.import_module("supsup_lite.plots.style"), "display", outputs.append)
    show(a_row_of_panels(2), ALT)
    show(figure(3, 2)[0], ALT)
    two, one = (output._repr_html_() for output in outputs)
    assert (two.count("<svg"), one.count("<svg")) == (2, 1)
    wide, tall = two.split("</svg>")[:2]
    assert 'class="narrow" style="display: none; ' in tall
    assert "display: none" not in wide
    named = [set(re.findall(r' id="([^"]+)"', part)) - {"figure_1"} for part in (wide, tall)]
    paths = [{name for name in part if re.search(r"[0-9a-f]{10}", name)} for part in named]
    assert all(paths)
    assert not paths[0] & paths[1], "a mark in what is hidden would be hidden, too"

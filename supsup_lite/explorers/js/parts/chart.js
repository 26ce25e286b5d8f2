// What charts have in common: a caption, a drawing as wide as the page lets it be, the name of the
// axis. Uses elements.
// @ts-check

supsup.chart = (() => {
  const { element, svgElement } = supsup.elements;

  /**
   * @template {{ alt: string }} Data
   * @param {object} how
   * @param {string} how.caption
   * @param {string} how.axis the name of the horizontal axis
   * @param {number} how.height
   * @param {(data: Data, width: number) => SVGElement[]} how.draw
   * @param {string} [how.kind] a class of the style sheet
   * @param {number} [how.narrowest] width
   */
  function chart({ caption, axis, height, draw, kind = "", narrowest = 200 }) {
    const svg = svgElement("svg", { class: `chart ${kind}`.trim(), role: "img" });
    const title = element("figcaption", {}, caption);
    const below = element("div", { className: "axis" }, axis);
    const figure = element("figure", { className: "bars" }, title, svg, below);
    /** @type {Data | null} */
    let shown = null;
    const redraw = () => {
      if (!shown) return;
      const width = Math.max(narrowest, figure.clientWidth || 640);
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.setAttribute("aria-label", shown.alt);
      svg.replaceChildren(...draw(shown, width));
    };
    /** @param {Data} data */
    const update = (data) => {
      shown = data;
      redraw();
    };
    new ResizeObserver(redraw).observe(figure);
    return Object.assign(figure, { svg, caption: title, update });
  }

  return { chart };
})();

// A chart of lines over a horizontal axis. Uses elements, axis and chart.
// @ts-check

/**
 * @typedef {object} Series
 * @property {number[][]} points pairs of x and y
 * @property {string} kind classes of the style sheet
 * @property {string} label in the key below; "" for none
 * @property {boolean} [dots] false: no dot at each point
 */

/**
 * @typedef {object} LineData
 * @property {Series[]} series
 * @property {number[]} xs both ends of the horizontal axis
 * @property {number[]} ys both ends of the vertical axis
 * @property {number[]} [marker] the point that is looked at
 * @property {(value: number) => string} [format] of the vertical axis
 * @property {(value: number) => string} [formatX] of the horizontal one; "" leaves a tick out
 * @property {string} alt
 */

supsup.lines = (() => {
  const { svgElement, legend } = supsup.elements;
  const { ticks, text, gridLines } = supsup.axis;
  const { chart } = supsup.chart;

  const LEFT = 44;
  const RIGHT = 10;
  const TOP = 8;
  const BOTTOM = 18;

  /**
   * @param {{ height?: number, x: string, y: string }} how the names of the axes
   */
  function lineChart({ height = 170, x, y }) {
    const key = legend([]);
    /**
     * @param {LineData} data
     * @param {number} width
     */
    const draw = ({ series, xs, ys, marker, format = String, formatX = String }, width) => {
      const [first, final] = xs;
      const [low, high] = ys;
      const inner = width - LEFT - RIGHT;
      /** @param {number} value */
      const across = (value) => LEFT + ((value - first) / (final - first || 1)) * inner;
      /** @param {number} value */
      const up = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM);
      const scale = { left: LEFT, right: width - RIGHT, y: up };
      /** @type {SVGElement[]} */
      const nodes = gridLines(ticks(low, high), scale, format);
      for (const tick of ticks(first, final, 5).filter((value) => formatX(value)))
        nodes.push(text("tick", across(tick), height - 4, formatX(tick)));
      for (const { points, kind, dots = true } of series) {
        const places = points.map(([px, py]) => [across(px), up(py)]);
        const d = places.map(([cx, cy], i) => `${i ? "L" : "M"}${cx} ${cy}`).join("");
        nodes.push(svgElement("path", { class: `line ${kind}`, d }));
        for (const [cx, cy] of dots ? places : [])
          nodes.push(svgElement("circle", { class: `dot ${kind}`, cx, cy, r: 2.5 }));
      }
      if (marker) {
        const d = `M${across(marker[0])} ${up(marker[1])}m0 -7l7 7l-7 7l-7 -7z`;
        nodes.push(svgElement("path", { class: "marker", d }));
      }
      key.replaceChildren(
        ...legend(
          series.filter(({ label }) => label).map(({ kind, label }) => [`stroke ${kind}`, label]),
        ).children,
      );
      return nodes;
    };
    const figure = chart({ caption: y, axis: x, height, draw });
    figure.append(key);
    return figure;
  }

  return { lineChart };
})();

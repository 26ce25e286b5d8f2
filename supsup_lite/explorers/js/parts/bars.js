// A chart of bars with a scale. Uses elements, axis and chart.
// @ts-check

/**
 * @typedef {object} BarData
 * @property {number[]} values
 * @property {string[]} [kinds] classes of the style sheet, one a bar; "true" is hatched
 * @property {(string | number)[]} [labels] one a bar, in place of its number
 * @property {[bar: number, words: string, kind: string][]} [marks] words above a bar
 * @property {{ at: number, words: string }} [threshold] a dashed line
 * @property {number} [low] end of the scale
 * @property {number} high end of the scale
 * @property {(value: number) => string} [format] of the scale
 * @property {string} alt
 */

supsup.bars = (() => {
  const { svgElement } = supsup.elements;
  const { ticks, text, horizontal, gridLines } = supsup.axis;
  const { chart } = supsup.chart;

  let hatches = 0; // made so far: an id for each chart

  /** @param {string} id */
  function hatch(id) {
    const size = { width: 5, height: 5 };
    const turned = { patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
    const ground = svgElement("rect", { ...size, class: "red" });
    const stripe = svgElement("rect", { ...size, width: 1.5, class: "ink" });
    const pattern = svgElement("pattern", { id, ...size, ...turned }, ground, stripe);
    return svgElement("defs", {}, pattern);
  }

  /**
   * @param {{ height?: number, x: string, y: string }} how the names of the axes
   */
  function barChart({ height = 150, x, y }) {
    const hatchId = `hatch-${++hatches}`;
    /**
     * @param {BarData} data
     * @param {number} width
     */
    const draw = (data, width) => {
      const { values, kinds = [], marks = [], labels, threshold, low = 0, high } = data;
      const { format = (tick) => String(+tick.toPrecision(6)) } = data;
      const left = 38;
      const top = marks.length ? 16 : 6;
      const bottom = 18;
      const step = (width - left) / values.length;
      const thickness = Math.min(0.8 * step, 40);
      const every = Math.ceil(values.length / Math.floor((width - left) / 22));
      const labelled = every > 1 ? Math.ceil(every / 5) * 5 : 1;
      /** @param {number} value */
      const place = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
      const scale = { left, right: width, y: place };
      const nodes = [hatch(hatchId), ...gridLines(ticks(low, high), scale, format)];
      values.forEach((value, i) => {
        const middle = left + (i + 0.5) * step;
        const upper = place(Math.max(value, 0, low));
        const lower = place(Math.min(value, Math.max(0, low)));
        const kind = kinds[i] ?? "";
        const label = labels?.[i] ?? i;
        const bar = svgElement(
          "rect",
          {
            class: `bar ${kind}`,
            x: middle - thickness / 2,
            y: upper,
            width: thickness,
            height: Math.max(0.5, lower - upper),
            ...(kind.includes("true") ? { style: `fill: url(#${hatchId})` } : {}),
          },
          svgElement("title", {}, `${label}: ${value.toFixed(4)}`),
        );
        nodes.push(bar);
        if (i % labelled === 0) nodes.push(text("tick", middle, height - 4, label));
        const mark = marks.find(([at]) => at === i);
        if (!mark) return;
        const [, words, markKind] = mark;
        const room = 3.8 * words.length; // about half of its width: it stays off the axis
        nodes.push(text(`flag ${markKind}`, Math.max(middle, left + room), upper - 4, words));
      });
      nodes.push(horizontal("zero", left, width, place(Math.max(0, low))));
      if (threshold) {
        const level = place(threshold.at);
        nodes.push(horizontal("threshold", left, width, level));
        nodes.push(text("threshold", width, level - 4, threshold.words, "end"));
      }
      return nodes;
    };
    return chart({ caption: y, axis: x, height, draw });
  }

  return { barChart };
})();

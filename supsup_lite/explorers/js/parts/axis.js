// Ticks, grid lines and words of a chart. Uses elements.
// @ts-check

supsup.axis = (() => {
  const { svgElement } = supsup.elements;

  /**
   * Round numbers from low to high.
   * @param {number} low
   * @param {number} high
   * @param {number} [count] about so many
   */
  function ticks(low, high, count = 4) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
    const step = power * factor;
    const first = Math.ceil(low / step - 1e-9);
    const length = Math.floor(high / step + 1e-9) - first + 1;
    return Array.from({ length }, (_, i) => (first + i) * step);
  }

  /**
   * @param {string} className
   * @param {number} x
   * @param {number} y
   * @param {string | number} words
   * @param {"start" | "middle" | "end"} [anchor]
   */
  const text = (className, x, y, words, anchor = "middle") =>
    svgElement("text", { class: className, x, y, "text-anchor": anchor }, words);

  /**
   * @param {string} className
   * @param {number} x1
   * @param {number} x2
   * @param {number} y
   */
  const horizontal = (className, x1, x2, y) =>
    svgElement("line", { class: className, x1, x2, y1: y, y2: y });

  /**
   * Lines over a chart's whole width, each with its number on the left.
   * @param {number[]} values
   * @param {{ left: number, right: number, y: (value: number) => number }} place
   * @param {(value: number) => string} format
   */
  const gridLines = (values, { left, right, y }, format) =>
    values.flatMap((value) => [
      horizontal("grid", left, right, y(value)),
      text("tick", left - 6, y(value) + 4, format(value), "end"),
    ]);

  return { ticks, text, horizontal, gridLines };
})();

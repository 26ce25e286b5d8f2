// An accuracy matrix: rows are moments, columns tasks. Uses elements, axis, format and images.
// @ts-check

supsup.matrix = (() => {
  const { svgElement } = supsup.elements;
  const { text } = supsup.axis;
  const { percent } = supsup.format;
  const { viridis } = supsup.images;

  const CELL = 40;
  const LEFT = 34;
  const TOP = 24;

  /**
   * The colour of a cell is its accuracy, and its number says it too.
   * @param {number[][]} rows
   * @param {string} alt
   */
  function accuracyMatrix(rows, alt) {
    const width = LEFT + rows.length * CELL;
    const height = TOP + rows.length * CELL;
    const viewBox = `0 0 ${width} ${height}`;
    const svg = svgElement("svg", { class: "chart matrix", role: "img", viewBox });
    svg.setAttribute("aria-label", alt);
    rows.forEach((row, t) => {
      const y = TOP + t * CELL;
      const middle = y + 0.6 * CELL;
      svg.append(text("", LEFT - 6, middle, t, "end"));
      svg.append(text("", LEFT + (t + 0.5) * CELL, TOP - 8, t));
      row.forEach((value, i) => {
        const x = LEFT + i * CELL;
        const colour = viridis(value);
        const [red, green, blue] = colour;
        const bright = 0.3 * red + 0.59 * green + 0.11 * blue > 120;
        const style = `fill: rgb(${colour.map(Math.round)})`;
        const title = svgElement("title", {}, `task ${i} after task ${t}: ${percent(value, 2)}`);
        const place = { x, y, width: CELL - 1, height: CELL - 1 };
        const number = text("", x + 0.5 * CELL, middle, Math.round(100 * value));
        number.setAttribute("style", `fill: ${bright ? "#000" : "#fff"}`);
        svg.append(svgElement("rect", { ...place, style }, title), number);
      });
    });
    return svg;
  }

  return { accuracyMatrix };
})();

// A part of a network while it learns: for some units the pixels whose edges are kept, and behind
// them the edges to some units more and to the ten digits. Uses elements, axis, chart, images and
// learnerPicture.
// @ts-check

supsup.networkDrawing = (() => {
  const { element, svgElement, legend } = supsup.elements;
  const { text } = supsup.axis;
  const { chart } = supsup.chart;
  const { BLUE, ORANGE, paint } = supsup.images;
  const { FIRST, SECOND, DIGITS } = supsup.learnerPicture;

  const SIDE = 14;
  const GAP = 2; // pixels between two fields
  const ZOOM = 3; // as in the style sheet
  const HEIGHT = ZOOM * (FIRST.length * (SIDE + GAP) - GAP);
  const LEFT = ZOOM * SIDE + 8;
  const SIGNS = [
    ["plus", "weight +"],
    ["minus", "weight −"],
    ["popped", "an edge that just came in"],
  ];

  /** The middle of node i of so many, from top to bottom. @param {number} i @param {number} of */
  const heightOf = (i, of) => ((i + 0.5) * HEIGHT) / of;

  /** @param {number} value -1..1; 0 is nothing */
  const colour = (value) =>
    value ? [...(value > 0 ? BLUE : ORANGE), 255 * Math.min(1, Math.abs(value))] : [0, 0, 0, 0];

  /** All fields, one below the other. @param {Float32Array[]} fields */
  function stacked(fields) {
    const most = Math.max(...fields.map((field) => Math.max(...field.map(Math.abs)))) || 1;
    const values = new Float32Array(SIDE * (fields.length * (SIDE + GAP) - GAP));
    fields.forEach((field, i) =>
      values.set(
        field.map((value) => value / most),
        i * SIDE * (SIDE + GAP),
      ),
    );
    return values;
  }

  /**
   * Edges between two columns of nodes, the strongest of them the thickest.
   * @param {Float32Array} edges
   * @param {Float32Array | undefined} before the same edges a moment ago
   * @param {{ from: number, to: number, x1: number, x2: number }} place
   */
  function lines(edges, before, { from, to, x1, x2 }) {
    const most = Math.max(...edges.map(Math.abs)) || 1;
    const nodes = [];
    for (let at = 0; at < edges.length; at++) {
      if (!edges[at]) continue;
      const isNew = before && !before[at];
      const kind = `edge ${edges[at] > 0 ? "plus" : "minus"} ${isNew ? "popped" : ""}`;
      const y1 = heightOf(at % from, from);
      const y2 = heightOf(Math.floor(at / from), to);
      const width = (0.4 + 2.6 * Math.abs(edges[at] / most)).toFixed(2);
      const style = `stroke-width: ${isNew ? 3 : width}`;
      nodes.push(svgElement("line", { class: kind, x1, x2, y1, y2, style }));
    }
    return nodes;
  }

  function networkDrawing() {
    /** @type {LearnerPicture | null} */
    let before = null;
    /** @type {HTMLCanvasElement} */
    const canvas = element("canvas", { ariaHidden: "true", className: "fields" });
    /** @param {{ picture: LearnerPicture, alt: string }} data @param {number} width */
    const draw = ({ picture }, width) => {
      const middle = LEFT + 0.52 * (width - LEFT);
      const right = width - 22;
      const [first, second, third] = [FIRST, SECOND, DIGITS].map(({ length }) => length);
      return [
        ...lines(picture.second, before?.second, { from: first, to: second, x1: LEFT, x2: middle }),
        ...lines(picture.third, before?.third, { from: second, to: third, x1: middle, x2: right }),
        ...SECOND.map((_, i) =>
          svgElement("circle", { class: "unit", cx: middle, cy: heightOf(i, second), r: 5 }),
        ),
        ...DIGITS.map((digit, i) => text("digit", width - 8, heightOf(i, third) + 4, digit)),
      ];
    };
    const caption = `${FIRST.length} of 160 units, ${SECOND.length} of 64, and the ten digits`;
    const figure = chart({ caption, axis: "", height: HEIGHT, kind: "network", draw });
    const drawing = element("div", { className: "drawing" });
    figure.svg.replaceWith(drawing);
    drawing.append(canvas, figure.svg);
    figure.append(legend(SIGNS));
    /**
     * @param {LearnerPicture} picture
     * @param {string} alt
     * @param {boolean} isFresh nothing popped
     */
    const show = (picture, alt, isFresh) => {
      if (isFresh) before = picture;
      paint(canvas, stacked(picture.fields), SIDE, colour);
      figure.update({ picture, alt });
      before = picture;
    };
    return Object.assign(figure, { show });
  }

  return { networkDrawing };
})();

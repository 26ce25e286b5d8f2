// Masks that nobody chose, over weights of +c and -c: what a mask removes, what is left, and how
// little luck helps. Uses many parts, numbers, bits, mnist and aboutMasks.
// @ts-check

export default (() => {
  const { element, legend } = supsup.elements;
  const { onChange, change } = supsup.model;
  const { explorer } = supsup.explorer;
  const { slider } = supsup.sliders;
  const { sparsitiesOf, sparsitySlider } = supsup.sparsity;
  const { select } = supsup.selects;
  const { learningOffer } = supsup.offer;
  const { headline } = supsup.headline;
  const { barChart } = supsup.bars;
  const { lineChart } = supsup.lines;
  const { BLUE, ORANGE, paint } = supsup.images;
  const { numbersTable } = supsup.table;
  const { percent, percentSign, plural } = supsup.format;
  const { bytesOf, last, mean, range, sum } = supsup.numbers;
  const { bitAt } = supsup.bits;
  const { SIDE, PIXELS } = supsup.mnist;
  const { bytesOfMask } = supsup.aboutMasks;

  const REMOVED = [128, 128, 128, 30]; // the page shines through

  /** An edge is 1 or -1 by its weight's sign, 0 where the mask removes it. @type {Colour} */
  const colourOf = (edge) => (edge > 0 ? BLUE : edge < 0 ? ORANGE : REMOVED);

  return explorer("What does a random mask do?", (host) => {
    const { model, root } = host;
    /** @type {[name: string, outputs: number, inputs: number][]} */
    const shapes = model.get("shapes");
    const sizes = shapes.map(([, outputs, inputs]) => outputs * inputs);
    const [end, outputs, inputs] = last(shapes);
    // What is shown whole: a unit of the first layer, and the last layer.
    const parts = [
      { start: 0, edges: PIXELS, width: SIDE, signs: bytesOf(model.get("signs")) },
      {
        start: PIXELS,
        edges: outputs * inputs,
        width: inputs,
        signs: bytesOf(model.get("signs")).subarray(Math.ceil(PIXELS / 8)),
      },
    ];
    const edgesOfTry = sum(parts.map(({ edges }) => edges));
    const removedAt = bytesOf(model.get("removed_at")); // the sparsity that removes each edge
    const tries = removedAt.length / edgesOfTry;
    if (!Number.isInteger(tries) || tries < 1) throw new Error("the masks are missing");
    /** @returns {Record<string, number[]>} of each try, by sparsity */
    const accuracies = () => model.get("accuracies");
    const sparsities = () => sparsitiesOf(accuracies());
    let measured = model.get("sparsity"); // the last one that there are accuracies for
    /** @type {Set<number>} */
    const drawn = new Set(); // the tries that somebody has looked at

    const control = sparsitySlider(host, sparsities);
    /** The next try that nobody has looked at. */
    const undrawn = () =>
      range(tries)
        .map((i) => (model.get("attempt") + i) % tries)
        .find((attempt) => !drawn.has(attempt));
    const draw = element("button", {
      type: "button",
      onclick: () => change(model, { attempt: undrawn() }),
    });
    const controls = element(
      "div",
      { className: "controls" },
      control,
      select(host, "layer", "look at", () => [
        [0, `${shapes[0][0]}, a unit`],
        [1, `${end}: ${inputs} × ${outputs}`],
      ]),
      slider(host, "attempt", "try", {
        min: 0,
        max: tries - 1,
        format: (attempt) => `${attempt + 1}/${tries}`,
      }),
      draw,
    );
    const offer = learningOffer(host, () => {
      const sparsity = model.get("sparsity");
      if (accuracies()[sparsity]) return null;
      return {
        wanted: { sparsity },
        words:
          `Nobody has tried sparsity ${sparsity} % yet. ` + `The numbers are of ${measured} %.`,
        button: `Try ${tries} masks`,
      };
    });
    const canvas = element("canvas", { role: "img" });
    const caption = element("figcaption");
    const colours = legend([
      ["plus", "+c"],
      ["minus", "\u2212c"],
      ["removed", "removed"],
    ]);
    const headlines = [headline(), headline()];
    const status = element("p", { role: "status" });
    const luck = barChart({ height: 160, x: "try", y: "accuracy of each try" });
    const bySparsity = lineChart({
      height: 160,
      x: "sparsity: % of weights removed",
      y: "accuracy by sparsity",
    });
    const numbers = numbersTable("The numbers");

    /**
     * @param {number} sparsity
     * @param {number} attempt
     * @param {0 | 1} layer
     */
    function paintEdges(sparsity, attempt, layer) {
      const { start, edges, width, signs } = parts[layer];
      const first = attempt * edgesOfTry + start;
      const removed = removedAt.subarray(first, first + edges);
      const values = Array.from(removed, (at, edge) =>
        at > sparsity ? 2 * bitAt(signs, edge) - 1 : 0,
      );
      paint(canvas, values, width, colourOf);
      const kept = values.filter(Boolean).length;
      const what = layer ? `${end}, a row for each output` : `${shapes[0][0]}, its first unit`;
      caption.textContent = `${what}: ${kept} of ${edges} edges kept`;
      canvas.setAttribute("aria-label", caption.textContent);
    }

    function update() {
      offer.refresh();
      const sparsity = model.get("sparsity");
      const attempt = model.get("attempt");
      const known = accuracies()[sparsity];
      root.classList.toggle("waiting", !known);
      if (known) measured = sparsity;
      paintEdges(sparsity, attempt, model.get("layer"));
      drawn.add(attempt);
      draw.disabled = drawn.size === tries;
      draw.textContent = draw.disabled ? `All ${tries} tries are drawn` : "Draw another";
      const shares = accuracies()[measured];
      const record = [...drawn];
      const best = record.reduce((a, b) => (shares[b] > shares[a] ? b : a));
      const average = percent(mean(record.map((i) => shares[i])), 1);
      const [share, luckiest] = [attempt, best].map((i) => percent(shares[i], 1));
      headlines[0].show(`sparsity ${percentSign(measured)}`);
      headlines[1].show(`reads ${share}`);
      const kept = sizes.map((size) => (1 - measured / 100) * size);
      const soFar = `${plural(drawn.size, "mask")} drawn so far`;
      const compared = drawn.size > 1; // of one mask there is neither mean nor luck
      status.textContent =
        `Try ${attempt + 1} keeps ${percentSign(100 - measured)} of the weights and reads ` +
        `${share} of the digits. ${bytesOfMask(sizes, kept)} ${soFar}` +
        `${compared ? `: mean ${average}, luckiest ${luckiest}` : ""}; chance is ${percent(0.1)}.`;
      luck.update({
        values: shares,
        labels: shares.map((_, i) => i + 1),
        kinds: shares.map((_, i) => (i === attempt ? "true" : drawn.has(i) ? "" : "undrawn")),
        marks: compared ? [[best, "luckiest", ""]] : [],
        high: 0.3,
        format: percent,
        alt: `${soFar} at sparsity ${measured} %: mean accuracy ${average}.`,
      });
      /** @param {(shares: number[]) => number} value */
      const points = (value) => sparsities().map((at) => [at, value(accuracies()[at])]);
      bySparsity.update({
        series: [
          { points: points(mean), kind: "series-0 chosen", label: `mean of all ${tries} tries` },
          {
            points: points((list) => Math.max(...list)),
            kind: "series-1",
            label: "luckiest of them",
          },
        ],
        xs: [0, 100],
        ys: [0, 0.3],
        marker: [measured, shares[attempt]],
        format: percent,
        alt:
          "At every sparsity random masks read about a tenth of the digits; " +
          `this one reads ${share}.`,
      });
      numbers.update(
        ["try", "accuracy"],
        shares.map((value, i) => [i + 1, value.toFixed(3)]),
      );
    }

    const figure = element("figure", { className: "mask" }, canvas, caption, colours);
    const verdict = element("div", { className: "verdict" }, ...headlines, status);
    const right = element("div", {}, verdict, luck);
    const halves = element("div", { className: "halves" }, figure, right);
    root.append(controls, offer, halves, bySparsity, numbers);
    onChange(host, ["sparsity", "attempt", "layer", "accuracies"], update);
    onChange(host, ["accuracies"], control.refresh);
    update();
  });
})();

// Masks of one task at many sparsities, while they are learned: how they look, how well they read,
// what they cost. Uses many parts, numbers, bits, mnist and aboutMasks.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange } = supsup.model;
  const { inflate } = supsup.assets;
  const { explorer } = supsup.explorer;
  const { player } = supsup.player;
  const { sparsitiesOf, sparsitySlider } = supsup.sparsity;
  const { select } = supsup.selects;
  const { learningOffer } = supsup.offer;
  const { headline } = supsup.headline;
  const { lineChart } = supsup.lines;
  const { paint, viridis } = supsup.images;
  const { numbersTable } = supsup.table;
  const { percent, percentSign } = supsup.format;
  const { bytesOf, last, mean, sum } = supsup.numbers;
  const { bitAt } = supsup.bits;
  const { SIDE } = supsup.mnist;
  const { bytesOfMask } = supsup.aboutMasks;

  /** @typedef {[name: string, outputs: number, inputs: number]} LayerShape */

  /**
   * What is known of a sparsity: at each step accuracy and kept weights of each layer.
   * @typedef {{ accuracy: number[], kept: number[][], random: number }} Learned
   */

  return explorer("How does a mask look?", async (host) => {
    const { model, root } = host;
    /** @type {number[]} */
    const steps = model.get("steps");
    /** @type {LayerShape[]} */
    const shapes = model.get("shapes");
    const sizes = shapes.map(([, outputs, inputs]) => outputs * inputs);
    // In a step's picture: a byte for each pixel of the first layer, a bit for each later weight.
    const lengths = sizes.map((size, layer) => (layer ? Math.ceil(size / 8) : shapes[0][2]));
    /** @returns {Record<string, Learned>} by sparsity */
    const learned = () => model.get("learned");
    /** @type {Map<string, Uint8Array>} */
    const pictures = new Map(); // by sparsity
    const readPictures = async () => {
      for (const [name, packed] of Object.entries(model.get("pictures")))
        if (!pictures.has(name)) pictures.set(name, await inflate(bytesOf(packed)));
    };
    const sparsities = () =>
      sparsitiesOf(learned()).filter((value) => String(value) in model.get("pictures"));
    let shown = model.get("sparsity"); // the last one that there are masks for

    const sparsity = sparsitySlider(host, sparsities);
    const controls = element(
      "div",
      { className: "controls" },
      sparsity,
      select(host, "layer", "layer", () =>
        shapes.map(([name, outputs, inputs], layer) => [
          layer,
          `${name.split(".")[0]}: ${inputs} × ${outputs}`,
        ]),
      ),
    );
    const course = player(host, {
      final: () => steps.length - 1,
      sweep: () => 1,
      label: "training step",
      format: (step) => String(steps[step]),
    });
    const offer = learningOffer(host, () => {
      const wanted = model.get("sparsity");
      if (sparsities().includes(wanted)) return null;
      return {
        wanted: { sparsity: wanted },
        words:
          `Nobody has learned a mask of sparsity ${wanted} % yet. ` +
          `The picture shows ${shown} %.`,
        button: `Learn it (about ${Math.ceil(model.get("seconds"))} s)`,
      };
    });
    const canvas = element("canvas", { role: "img" });
    const caption = element("figcaption");
    const scale = element("p", { className: "scale" });
    const headlines = [headline(), headline()];
    const status = element("p", { role: "status" });
    const learning = lineChart({
      height: 160,
      x: "training step",
      y: "accuracy while it is learned",
    });
    const bySparsity = lineChart({
      height: 160,
      x: "sparsity: % of weights removed",
      y: "accuracy at this step, by sparsity",
    });
    const numbers = numbersTable("The numbers");

    /**
     * @param {Uint8Array} bytes of all steps
     * @param {number} layer
     */
    function paintLayer(bytes, layer) {
      const start = model.get("step") * sum(lengths) + sum(lengths.slice(0, layer));
      const part = bytes.subarray(start, start + lengths[layer]);
      const [name, outputs, inputs] = shapes[layer];
      if (layer) {
        const bits = Array.from({ length: sizes[layer] }, (_, at) => bitAt(part, at));
        paint(canvas, bits, inputs, (kept) => viridis(0.15 + 0.8 * kept));
        const rows = "a row for each unit, bright where the edge to an input is kept";
        caption.textContent = `${name}: ${rows}`;
        scale.textContent = "";
      } else {
        const usual = mean(part) || 1;
        const shares = Array.from(part, (share) => share / usual / 2.5);
        paint(canvas, shares, SIDE, viridis);
        caption.textContent = `${name}: how many of its ${outputs} edges each pixel keeps`;
        scale.textContent = `dark: none; bright: 2.5 times the mean of ${percent(usual / 255)}`;
      }
      canvas.setAttribute("aria-label", caption.textContent);
    }

    function showCharts() {
      const step = model.get("step");
      const { accuracy, random } = learned()[shown];
      const end = last(steps);
      const flat = [0, end].map((at) => [at, random]);
      const [from, to] = [accuracy[0], last(accuracy)].map((share) => percent(share));
      learning.update({
        series: [
          {
            points: accuracy.map((share, i) => [steps[i], share]),
            kind: "series-0",
            label: "learned",
          },
          { points: flat, kind: "series-1", label: "random mask" },
        ],
        xs: [0, end],
        ys: [0, 1],
        marker: [steps[step], accuracy[step]],
        format: percent,
        alt: `Accuracy by training step at sparsity ${shown} %: from ${from} to ${to}.`,
      });
      const known = sparsities();
      bySparsity.update({
        series: [
          {
            points: known.map((at) => [at, learned()[at].accuracy[step]]),
            kind: "series-0",
            label: "learned",
          },
          {
            points: known.map((at) => [at, learned()[at].random]),
            kind: "series-1",
            label: "random masks",
          },
        ],
        xs: [0, 100],
        ys: [0, 1],
        marker: [shown, accuracy[step]],
        format: percent,
        alt:
          `Accuracy by sparsity after step ${steps[step]}; ` +
          `this mask reads ${percent(accuracy[step])}.`,
      });
    }

    function update() {
      offer.refresh();
      const wanted = model.get("sparsity");
      const known = sparsities().includes(wanted);
      root.classList.toggle("waiting", !known);
      if (known) shown = wanted;
      const bytes = pictures.get(String(shown));
      if (!bytes) {
        readPictures().then(update);
        return;
      }
      const step = model.get("step");
      const { accuracy, kept, random } = learned()[shown];
      paintLayer(bytes, model.get("layer"));
      headlines[0].show(`sparsity ${percentSign(shown)}`);
      headlines[1].show(`reads ${percent(accuracy[step], 1)}`);
      status.ariaLive = course.isPlaying() ? "off" : "polite"; // of a play, the end is spoken
      status.textContent =
        `After step ${steps[step]} a mask that keeps ${percentSign(100 - shown)} reads ` +
        `${percent(accuracy[step], 1)} of the digits; a random one, ${percent(random, 1)}. ` +
        bytesOfMask(sizes, kept[step]);
      showCharts();
      numbers.update(
        ["sparsity (%)", ...steps.map((at) => `step ${at}`)],
        sparsities().map((row) => [
          row,
          ...learned()[row].accuracy.map((share) => share.toFixed(3)),
        ]),
      );
    }

    const figure = element("figure", { className: "mask" }, canvas, caption, scale);
    const verdict = element("div", { className: "verdict" }, ...headlines, status);
    const right = element("div", {}, verdict, learning);
    const halves = element("div", { className: "halves" }, figure, right);
    root.append(controls, course, offer, halves, bySparsity, numbers);
    onChange(host, ["sparsity", "step", "layer", "learned"], update);
    onChange(host, ["learned"], sparsity.refresh);
    await readPictures();
    if (!pictures.has(String(shown)))
      throw new Error(`the pictures of sparsity ${shown} % are missing`);
    update();
  });
})();

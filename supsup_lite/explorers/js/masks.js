// Masks of one task at many sparsities, while they are learned: how they look, how well they read, what they cost.

const SIDE = 28;

export default explorer("How does a mask look?", async ({ model, root, signal }) => {
  const live = model.get("has_kernel");
  const steps = model.get("steps"), shapes = model.get("shapes"), sizes = shapes.map(([, out, inputs]) => out * inputs);
  const lengths = sizes.map((size, layer) => (layer ? Math.ceil(size / 8) : shapes[0][2])), stride = lengths.reduce((a, b) => a + b);
  const unpacked = new Map(); // by sparsity
  const read = async () => {
    for (const [name, packed] of Object.entries(model.get("pictures")))
      if (!unpacked.has(name)) unpacked.set(name, await inflate(bytesOf(packed)));
  };
  const sparsities = () => Object.keys(model.get("learned")).filter((name) => name in model.get("pictures")).map(Number).sort((a, b) => a - b);
  let shown = model.get("sparsity"); // the last one that there are masks for

  const every = [...Array(101).keys()];
  const controls = element("div", { className: "controls" },
    steppedSlider(model, signal, "sparsity", "sparsity", { values: () => (live ? every : sparsities()), show: (own) => `${own}\u00a0%` }),
    steppedSlider(model, signal, "step", "training step", { values: () => [...steps.keys()], show: (own) => String(steps[own]) }),
    choice(model, signal, "layer", "layer", shapes.map(([name, out, inputs], layer) => [layer, `${name.split(".")[0]}: ${inputs} × ${out}`])));
  const offer = learningOffer(model, signal, () => {
    const sparsity = model.get("sparsity");
    return sparsities().includes(sparsity) ? null : {
      wanted: { sparsity },
      words: `Nobody has learned a mask of sparsity ${sparsity} % yet. The picture shows ${shown} %.`,
      button: `Learn it (about ${Math.ceil(model.get("seconds"))} s)`,
    };
  });
  const canvas = element("canvas", { role: "img" }), caption = element("figcaption"), scale = element("p", { className: "scale" });
  const big = [0, 1].map(() => element("div", { className: "big open" })), said = element("p", { role: "status" });
  const course = lineChart({ height: 160, x: "training step", y: "accuracy while it is learned" });
  const hill = lineChart({ height: 160, x: "density: % of weights kept", y: "accuracy at this step, by density" });
  const numbers = numbersTable("The numbers");

  function paintLayer(bytes, layer) {
    const start = model.get("step") * stride + lengths.slice(0, layer).reduce((a, b) => a + b, 0);
    const part = bytes.subarray(start, start + lengths[layer]), [name, out, inputs] = shapes[layer];
    if (layer) {
      paint(canvas, Array.from({ length: sizes[layer] }, (_, at) => bitAt(part, at)), inputs, (kept) => viridis(0.15 + 0.8 * kept));
      caption.textContent = `${name}: a row for each unit, bright where the edge to an input is kept`;
      scale.textContent = "";
    } else {
      const usual = part.reduce((a, b) => a + b, 0) / part.length || 1;
      paint(canvas, Array.from(part, (share) => share / usual / 2.5), SIDE, viridis);
      caption.textContent = `${name}: how many of its ${out} edges each pixel keeps`;
      scale.textContent = `dark: none; bright: 2.5 times the mean of ${percent(usual / 255)}`;
    }
    canvas.setAttribute("aria-label", caption.textContent);
  }

  function update() {
    offer.tell();
    const wanted = model.get("sparsity"), there = sparsities().includes(wanted);
    root.classList.toggle("waiting", !there);
    if (there) shown = wanted;
    const bytes = unpacked.get(String(shown));
    if (!bytes) return read().then(update);
    const step = model.get("step"), layer = model.get("layer"), learned = model.get("learned"), { accuracy, kept, random } = learned[shown];
    paintLayer(bytes, layer);
    big[0].textContent = `sparsity ${shown}\u00a0%`;
    big[1].textContent = `reads ${percent(accuracy[step], 1)}`;
    said.textContent = `After step ${steps[step]} a mask that keeps ${100 - shown}\u00a0% reads ${percent(accuracy[step], 1)} of the digits; a random one, ${percent(random, 1)}. `
      + bytesOfMask(sizes, kept[step]);
    course.update({
      series: [{ points: accuracy.map((share, i) => [steps[i], share]), kind: "series-0", label: "learned" }, { points: [[0, random], [last(steps), random]], kind: "series-1", label: "random mask" }],
      xs: [0, last(steps)], ys: [0, 1], marker: [steps[step], accuracy[step]], format: percent,
      alt: `Accuracy by training step at sparsity ${shown} %: from ${percent(accuracy[0])} to ${percent(last(accuracy))}.`,
    });
    const across = sparsities().map((own) => [100 - own, learned[own]]).reverse();
    hill.update({
      series: [{ points: across.map(([density, own]) => [density, own.accuracy[step]]), kind: "series-0", label: "learned" }, { points: across.map(([density, own]) => [density, own.random]), kind: "series-1", label: "random masks" }],
      xs: [0, 100], ys: [0, 1], marker: [100 - shown, accuracy[step]], format: percent,
      alt: `Accuracy by density after step ${steps[step]}; this mask reads ${percent(accuracy[step])}.`,
    });
    numbers.update(["sparsity (%)", ...steps.map((own) => `step ${own}`)], sparsities().map((own) => [own, ...learned[own].accuracy.map((share) => share.toFixed(3))]));
  }

  root.append(controls, offer,
    element("div", { className: "halves" },
      element("figure", { className: "mask" }, canvas, caption, scale),
      element("div", {}, element("div", { className: "verdict" }, ...big, said), course)),
    hill, numbers);
  listen(model, signal, ["sparsity", "step", "layer", "learned"], update);
  listen(model, signal, ["learned"], controls.firstChild.tell);
  await read();
  if (!unpacked.has(String(shown))) throw new Error(`the pictures of sparsity ${shown} % are missing`);
  update();
});

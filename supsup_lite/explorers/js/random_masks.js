// Masks that nobody chose, over weights of +c and -c: what a mask removes, what is left, and how little luck helps.

const SIDE = 28;
const PLUS = [0, 114, 178], MINUS = [230, 159, 0], REMOVED = [128, 128, 128, 30]; // blue, orange, and the page shining through
const mean = (values) => sum(values) / values.length;

export default explorer("What does a random mask do?", async ({ model, root, signal }) => {
  const live = model.get("has_kernel");
  const shapes = model.get("shapes"), sizes = shapes.map(([, out, inputs]) => out * inputs), [end, outputs, inputs] = last(shapes);
  const parts = [[SIDE * SIDE, SIDE], [outputs * inputs, inputs]]; // what is shown whole: its edges, and its width
  const shown = sum(parts.map(([edges]) => edges)), removedAt = bytesOf(model.get("removed_at")), tries = removedAt.length / shown;
  const signs = bytesOf(model.get("signs")), found = () => model.get("accuracies");
  if (!Number.isInteger(tries) || tries < 1) throw new Error("the masks are missing");
  const sparsities = () => Object.keys(found()).map(Number).sort((a, b) => a - b), every = [...Array(101).keys()];
  let measured = model.get("sparsity"); // the last one that there are accuracies for

  const controls = element("div", { className: "controls" },
    steppedSlider(model, signal, "sparsity", "sparsity", { values: () => (live ? every : sparsities()), show: (own) => `${own}\u00a0%` }),
    slider(model, signal, "attempt", "try", { min: 0, max: tries - 1, show: (own) => `${own + 1}/${tries}` }),
    choice(model, signal, "layer", "look at", [[0, `${shapes[0][0]}, a unit`], [1, `${end}: ${inputs} × ${outputs}`]]));
  const offer = learningOffer(model, signal, () => {
    const sparsity = model.get("sparsity");
    return found()[sparsity] ? null : { wanted: { sparsity }, words: `Nobody has tried sparsity ${sparsity} % yet. The numbers are of ${measured} %.`, button: `Try ${tries} masks` };
  });
  const canvas = element("canvas", { role: "img" }), caption = element("figcaption"), legend = element("div", { className: "legend" },
    ...[["plus", "+c"], ["minus", "\u2212c"], ["removed", "removed"]].map(([kind, words]) => element("span", { className: kind }, words)));
  const big = [0, 1].map(() => element("div", { className: "big open" })), said = element("p", { role: "status" });
  const luck = barChart({ height: 160, x: "try", y: "accuracy of each try" });
  const flat = lineChart({ height: 160, x: "density: % of weights kept", y: "accuracy by density" });
  const numbers = numbersTable("The numbers");

  // The edges shown: 1 and -1 by the weight's sign, 0 where the mask removes it.
  function paintPart(sparsity, attempt, layer) {
    const [edges, width] = parts[layer], from = layer ? parts[0][0] : 0, bits = layer ? Math.ceil(parts[0][0] / 8) : 0;
    const rows = removedAt.subarray(attempt * shown + from, attempt * shown + from + edges), own = signs.subarray(bits);
    const values = Array.from(rows, (at, edge) => (at > sparsity ? 2 * bitAt(own, edge) - 1 : 0)), kept = values.filter(Boolean).length;
    paint(canvas, values, width, (v) => (v > 0 ? PLUS : v < 0 ? MINUS : REMOVED));
    caption.textContent = `${shapes[layer ? shapes.length - 1 : 0][0]}, ${layer ? "a row for each output" : "its first unit"}: ${kept} of ${edges} edges kept`;
    canvas.setAttribute("aria-label", caption.textContent);
  }

  function update() {
    offer.tell();
    const sparsity = model.get("sparsity"), attempt = model.get("attempt");
    root.classList.toggle("waiting", !found()[sparsity]);
    if (found()[sparsity]) measured = sparsity;
    paintPart(sparsity, attempt, model.get("layer"));
    const rows = found()[measured], best = rows.indexOf(Math.max(...rows)), all = mean(rows);
    big[0].textContent = `sparsity ${measured}\u00a0%`;
    big[1].textContent = `reads ${percent(rows[attempt], 1)}`;
    said.textContent = `Try ${attempt + 1} keeps ${100 - measured}\u00a0% of the weights and reads ${percent(rows[attempt], 1)} of the digits. `
      + `The mean of ${tries} tries is ${percent(all, 1)}, the luckiest ${percent(rows[best], 1)}; chance is ${percent(0.1)}. ${bytesOfMask(sizes, sizes.map((own) => (1 - measured / 100) * own))}`;
    luck.update({
      values: rows, labels: rows.map((_, i) => i + 1), kinds: rows.map((_, i) => (i === attempt ? "true" : "")), marks: [[best, "luckiest", ""]],
      high: 0.3, format: percent, alt: `${tries} random masks of sparsity ${measured} % read ${percent(Math.min(...rows), 1)} to ${percent(rows[best], 1)}.`,
    });
    const across = sparsities().map((own) => [100 - own, found()[own]]).reverse(), line = (value, kind, label) => ({ points: across.map(([density, own]) => [density, value(own)]), kind, label });
    flat.update({
      series: [line(mean, "series-0 chosen", "mean of the tries"), line((own) => Math.max(...own), "series-1", "luckiest of them")],
      xs: [0, 100], ys: [0, 0.3], marker: [100 - measured, rows[attempt]], format: percent,
      alt: `At every density random masks read about a tenth of the digits; this one reads ${percent(rows[attempt], 1)}.`,
    });
    numbers.update(["try", "accuracy"], rows.map((own, i) => [i + 1, own.toFixed(3)]));
  }

  root.append(controls, offer,
    element("div", { className: "halves" },
      element("figure", { className: "mask" }, canvas, caption, legend),
      element("div", {}, element("div", { className: "verdict" }, ...big, said), luck)),
    flat, numbers);
  listen(model, signal, ["sparsity", "attempt", "layer", "accuracies"], update);
  listen(model, signal, ["accuracies"], controls.firstChild.tell);
  update();
});

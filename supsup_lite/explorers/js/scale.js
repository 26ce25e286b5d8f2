// What k tasks cost: bytes in five ways of writing them, operations, and accuracies where they were measured.

const counted = (number) => Math.round(number).toLocaleString("en");

function bytesInWords(bytes) {
  const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${power ? +(bytes / 1000 ** power).toPrecision(3) : Math.round(bytes)}\u00a0${["bytes", "kB", "MB", "GB"][power]}`;
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function scientific(number) {
  if (number < 1e4) return counted(number);
  const [digits, power] = number.toExponential(1).split("e");
  return `${digits}\u00a0·\u00a010${[...String(+power)].map((digit) => SUPERSCRIPT[digit]).join("")}`;
}

const binaryEntropy = (p) => (p > 0 && p < 1 ? -p * Math.log2(p) - (1 - p) * Math.log2(1 - p) : 0);
const sizesOf = (shapes) => shapes.map(([out, inputs]) => out * inputs);
const all = (numbers) => numbers.reduce((a, b) => a + b, 0);

// Bytes of one task, by the way it is written; `density` is a share.
function bytesOfTask(shapes, density) {
  const sizes = sizesOf(shapes), n = all(sizes);
  return {
    float32: 4 * n, // a network for each task
    bool: n, // how torch holds a bool tensor
    bits: all(sizes.map((size) => Math.ceil(size / 8))), // each layer starts on a byte of its own
    csc: 2 * density * n + 4 * all(shapes.map(([, inputs]) => inputs + 1)), // a row of 2 bytes for each kept weight; where columns start
    bound: (n * binaryEntropy(density)) / 8,
  };
}

// Multiply-adds: a pass forward takes one a weight, and each half of the way back another one.
function operations(shapes, tasks, { steps, batch }) {
  const n = all(sizesOf(shapes));
  return { learning: 3 * n * steps * batch * tasks, given: n, oneShot: (3 + tasks) * n, exhaustive: tasks * n };
}

const WAYS = [
  ["float32", "a network for each task, float32"],
  ["bool", "a mask, a byte a weight (torch.bool)"],
  ["csc", "a mask, CSC with 16-bit indices"],
  ["bits", "a mask, a bit a weight"],
  ["bound", "the entropy bound"],
];

// Bytes in things that people know.
function compared(bytes) {
  const things = [[7e8, "CDs"], [1.44e6, "floppy disks"]];
  const [size, name] = things.find(([one]) => bytes >= one) ?? [];
  return size ? `${+(bytes / size).toPrecision(2)} ${name}` : `${percent(bytes / 1.44e6)} of a floppy disk`;
}

export default explorer("What does a task cost?", async ({ model, root, signal }) => {
  const networks = model.get("networks"), rows = model.get("rows"), paper = model.get("paper"), training = model.get("training");
  if (!rows?.length) throw new Error("the stored results are missing");
  const state = () => Object.fromEntries(["num_tasks", "network", "density"].map((name) => [name, model.get(name)]));
  const of = (network, density) => rows.filter((row) => row.network === network && row.density === density);

  const controls = element("div", { className: "controls" },
    steppedSlider(model, signal, "num_tasks", "tasks k", { values: () => model.get("task_counts") }),
    steppedSlider(model, signal, "density", "density", { values: () => model.get("densities"), show: (own) => `${own}\u00a0%` }),
    choice(model, signal, "network", "network", model.get("network_names").map((name) => [name, networks[name].words])));
  const big = [0, 1].map(() => element("div", { className: "big open" })), said = element("p", { role: "status" });
  const sizes = element("div", { className: "sizes" }), sums = element("div", { className: "sums" }), human = element("p", { className: "scale" });
  const course = lineChart({ height: 230, x: "tasks k", y: "" });
  const hill = lineChart({ height: 190, x: "density: % of weights kept", y: "" });
  const numbers = numbersTable("The measured numbers");

  const told = (row) => `s = ${row.outputs}, ${row.recipe} recipe: task found ${percent(row.task_accuracy, 1)} (95 %: ${percent(row.task_interval_95[0], 1)} to ${percent(row.task_interval_95[1], 1)}, ${counted(row.inferences)} inferences), task and digit right ${percent(row.GNu, 1)}`;
  const settingOf = (row) => `${row.outputs}, ${row.recipe}`;

  // Of several results with one setting and one k, the one from most inferences; by setting and k.
  const surest = (own) => [...own.reduce((best, row) => {
    const key = `${settingOf(row)}, ${row.tasks}`;
    return (best.get(key)?.inferences ?? 0) < row.inferences ? best.set(key, row) : best;
  }, new Map()).values()];
  const nearest = (counts, k) => counts.reduce((a, b) => (Math.abs(Math.log(b / k)) < Math.abs(Math.log(a / k)) ? b : a), counts[0]);

  function update() {
    const { num_tasks: k, network, density } = state(), { words, shapes } = networks[network];
    const one = bytesOfTask(shapes, density / 100), n = all(sizesOf(shapes));
    const own = surest(of(network, density)), at = (count) => own.filter((row) => row.tasks === count).sort((a, b) => b.GNu - a.GNu);
    const [exact] = at(k), near = nearest(own.map((row) => row.tasks), k);
    big[0].textContent = `${bytesInWords(k * one.bits)} of masks`;
    big[1].textContent = exact ? `${percent(exact.GNu, 1)} right` : "not measured";
    const kind = density === 50 ? "Threshold masks" : `Masks of density ${density}\u00a0%`;
    const found = own.length ? at(near).map(told).join("; ") : "";
    said.textContent = `${kind} of ${words}, ${k} task${k === 1 ? "" : "s"}: ${exact ? `measured with ${found}.` : own.length ? `not measured. Nearest, ${near} tasks with ${found}.` : "nobody has measured this density with this network."}`;

    const most = k * one.float32;
    sizes.replaceChildren(...WAYS.map(([way, label]) => {
      const bytes = k * one[way], bar = element("div", { className: `size ${way}` });
      bar.style.width = `${Math.max(0.15, (100 * bytes) / most)}%`;
      return element("div", { className: "entry" }, element("span", { className: "what", textContent: label }), element("div", { className: "track" }, bar), element("span", { className: "value", textContent: bytesInWords(bytes), title: `${counted(bytes)} bytes` }));
    }));
    const least = one.csc < one.bits ? "csc" : "bits";
    human.textContent = `In bits: ${counted(one.bits)} bytes a task, together ${compared(k * one.bits)}; as networks, ${compared(most)}. `
      + `${least === "csc" ? "So sparse a mask is shorter as CSC." : `CSC is ${+(one.csc / one.bits).toPrecision(2)} times longer than plain bits here.`} The base network itself is a seed.`;
    const work = operations(shapes, k, training);
    sums.replaceChildren(...[
      ["to learn all tasks", work.learning, `${training.steps} steps of ${training.batch} images a task, forward and back`],
      ["to read an image, task given", work.given, `one for each of ${counted(n)} weights`],
      ["to find its task by One-Shot", work.oneShot, `one pass forward and back, and ${counted(k)} inner product${k === 1 ? "" : "s"}`],
      ["to find it by trying every mask", work.exhaustive, `${counted(k)} pass${k === 1 ? "" : "es"}`],
    ].flatMap(([what, number, why]) => [element("span", { className: "what", textContent: what }), element("span", { className: "value", textContent: scientific(number), title: counted(number) }), element("span", { className: "why", textContent: why })]));

    const settings = [...new Set(own.map(settingOf))].slice(0, 3), across = (power) => counted(10 ** power);
    const lines = settings.flatMap((setting, i) => [["task_accuracy", "task found"], ["GNu", "task and digit (GNu)"]].map(([key, label], j) => {
      const [outputs, recipe] = setting.split(", "), points = own.filter((row) => settingOf(row) === setting);
      return { kind: `series-${2 * i + j}`, label: `${label}, s = ${outputs}, ${recipe} recipe`, points: points.map((row) => [Math.log10(row.tasks), row[key]]) };
    }));
    const theirs = paper.filter((row) => row.network === network).map((row) => ({ kind: "paper", label: `the paper, s = ${row.outputs}: ${percent(row.GNu, 2)} (GNu)`, points: [[Math.log10(row.tasks), row.GNu]] }));
    const shares = [...lines, ...theirs].flatMap(({ points }) => points.map(([, share]) => share)), lowest = Math.floor(10 * Math.min(0.9, ...shares)) / 10;
    course.hidden = !lines.length && !theirs.length;
    const other = theirs.length ? "The paper has more outputs and another recipe" : "The paper shows a curve, and gives no number, for this network";
    course.firstChild.textContent = `measured by number of tasks: ${words}, density ${density}\u00a0%${lines.length ? "" : ": nothing"}. ${other}.`;
    course.update({ series: [...lines, ...theirs], xs: [0, Math.log10(2500)], ys: [lowest, 1], format: percent, across, marker: exact && [Math.log10(k), exact.GNu], alt: said.textContent });

    const swept = rows.filter((row) => row.network === network && row.recipe === "default" && row.result.startsWith("scale,"));
    const size = nearest(swept.map((row) => row.tasks), k), slice = swept.filter((row) => row.tasks === size).sort((a, b) => a.density - b.density);
    const here = slice.find((row) => row.density === density);
    hill.hidden = !slice.length;
    hill.firstChild.textContent = `measured by density, at ${size} tasks${size === k ? "" : " (the nearest number measured)"}, default recipe`;
    hill.update({
      series: [["task_accuracy", "task found"], ["GG", "digit right, task given (GG)"], ["GNu", "task and digit (GNu)"]].map(([key, label], i) => ({ kind: `series-${[0, 2, 1][i]}`, label, points: slice.map((row) => [row.density, row[key]]) })),
      xs: [0, 100], ys: [Math.floor(10 * Math.min(0.9, ...slice.flatMap((row) => [row.task_accuracy, row.GNu]))) / 10, 1], format: percent, marker: here && [density, here.GNu],
      alt: `${words}, ${size} tasks, by density: ${slice.map((row) => `${row.density} %: ${percent(row.GNu, 1)}`).join("; ")}.`,
    });
    numbers.update(["k", "s", "recipe", "GG", "task found", "GNu", "95 %", "inferences", "result"], of(network, density).map((row) => [row.tasks, row.outputs, row.recipe, row.GG.toFixed(4), row.task_accuracy.toFixed(4), row.GNu.toFixed(4), row.GNu_interval_95.map((end) => end.toFixed(4)).join(" to "), row.inferences, row.result]));
  }

  root.append(controls,
    element("div", { className: "verdict" }, ...big, said),
    element("figure", { className: "bars" }, element("figcaption", {}, "bytes of all tasks together"), sizes, human),
    element("figure", { className: "bars" }, element("figcaption", {}, "operations: multiply-adds"), sums),
    course, hill, numbers);
  listen(model, signal, ["num_tasks", "network", "density"], update);
  update();
});

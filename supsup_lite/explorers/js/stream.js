// A stream whose tasks nobody announces: true tasks above, the masks they got below, and every decision of the learner.

const NEW = -1; // in place of a mask: nobody knows the batch
const RULES = [["paper", "the paper's, with ε"], ["evidence", "evidence"]];
const decimals = (value) => String(+value.toPrecision(4));

// nu = softmax(-dH/dalpha) of the masks and, last, of an untrained one.
function nuOf(gradient) {
  const highest = Math.max(...gradient.map((slope) => -slope)), powers = gradient.map((slope) => Math.exp(-slope - highest));
  const all = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / all);
}

const heightOf = (gradient) => gradient.length * Math.max(...nuOf(gradient)); // k max nu

// The paper's choice: argmax nu, or NEW where all are about equal, or where the untrained mask wins.
function knownByNu(gradient, eps) {
  const nu = nuOf(gradient), best = nu.indexOf(Math.max(...nu));
  return nu.length * nu[best] < 1 + eps || best === nu.length - 1 ? NEW : best;
}

// What the paper's test, with an epsilon, says wrongly to the decisions that count.
function replay(decisions, eps) {
  const counted = decisions.filter((own) => own.counts), says = ({ gradient }) => knownByNu(gradient, eps) !== NEW;
  return { of: counted.length, splits: counted.filter((own) => own.known && !says(own)).length, merges: counted.filter((own) => !own.known && says(own)).length };
}

const total = (pairs) => pairs.reduce((all, [, batches]) => all + batches, 0);

function numberAt(pairs, step) {
  for (const [number, batches] of pairs) {
    if (step < batches) return number;
    step -= batches;
  }
}

// Strips and decisions over one axis of batches. `update({truth, run, eps, batch, alt})`; `pick` hears which batch is wanted.
function streamChart(pick) {
  const svg = drawn("svg", { class: "chart stream", role: "img" });
  const legend = element("div", { className: "legend" }, ...[["known", "it knew the task"], ["new", "new to it"], ["wrong", "decided wrongly"], ["faint", "asked amid a block, not counted"]].map(([kind, words]) => element("span", { className: `sign ${kind}` }, words)));
  const box = element("figure", { className: "bars" }, svg, element("div", { className: "axis" }, "batch"), legend);
  const left = 52, right = 8, strip = 26, rows = { truth: 2, masks: 34 }, chart = { top: 74, bottom: 214 }, height = 234;
  const floor = 1e-3, roof = 20;
  let given = null, width = 640;
  const draw = () => {
    if (!given) return;
    const { truth, run, eps, batch, errs, alt } = given, batches = total(truth);
    width = Math.max(260, box.clientWidth || 640);
    const at = (step) => left + (step / batches) * (width - left - right);
    const up = (value) => chart.bottom - (Math.log(Math.min(roof, Math.max(floor, value)) / floor) / Math.log(roof / floor)) * (chart.bottom - chart.top);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", alt);
    const parts = [];
    for (const [what, pairs, y, words] of [["task", truth, rows.truth, "true task"], ["mask", run.used, rows.masks, "mask"]]) {
      parts.push(drawn("text", { x: left - 6, y: y + 0.65 * strip, "text-anchor": "end" }, words));
      let start = 0;
      for (const [number, length] of pairs) {
        const x = at(start), wide = at(start + length) - x, none = number < 0;
        const title = none ? (what === "task" ? "noise" : "nothing was learned") : `${what} ${number}`;
        parts.push(drawn("rect", { class: none ? "box none" : `box series-${number % 6}`, x, y, width: wide, height: strip }, drawn("title", {}, `${title}: batches ${start} to ${start + length - 1}`)));
        if (!none && wide > 8 * String(number).length + 4) parts.push(drawn("text", { class: "number", x: x + wide / 2, y: y + 0.65 * strip, "text-anchor": "middle" }, number));
        start += length;
      }
    }
    for (const tick of [0.001, 0.01, 0.1, 1, 10]) {
      parts.push(drawn("line", { class: "grid", x1: left, x2: width - right, y1: up(tick), y2: up(tick) }));
      parts.push(drawn("text", { class: "tick", x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, tick));
    }
    parts.push(drawn("line", { class: "threshold", x1: left, x2: width - right, y1: up(eps), y2: up(eps) }));
    for (const tick of ticks(0, batches, width < 420 ? 3 : 6)) parts.push(drawn("text", { class: "tick", x: at(tick), y: height - 4, "text-anchor": "middle" }, tick));
    const cursor = at(batch + 0.5);
    parts.push(drawn("line", { class: "cursor", x1: cursor, x2: cursor, y1: rows.truth, y2: chart.bottom }));
    for (const own of run.decisions) {
      const x = at(own.step + 0.5), y = up(heightOf(own.gradient) - 1), faint = own.counts ? "" : "faint";
      if (errs(own)) parts.push(drawn("circle", { class: "ring", cx: x, cy: y, r: 7 }));
      parts.push(own.known ? drawn("circle", { class: `known ${faint}`, cx: x, cy: y, r: own.counts ? 3.5 : 2 }) : drawn("rect", { class: `new ${faint}`, x: x - 3.5, y: y - 3.5, width: 7, height: 7 }));
    }
    parts.push(drawn("text", { class: "threshold", x: width - right, y: up(eps) - 4, "text-anchor": "end" }, `ε = ${eps}`));
    svg.replaceChildren(...parts);
  };
  svg.addEventListener("click", (event) => {
    const inside = svg.getBoundingClientRect(), x = ((event.clientX - inside.left) / inside.width) * width;
    pick(((x - left) / (width - left - right)) * total(given.truth));
  });
  new ResizeObserver(draw).observe(box);
  return Object.assign(box, { update: (data) => ((given = data), draw()) });
}

export default explorer("When is a new mask needed?", async ({ model, root, signal }) => {
  const live = model.get("has_kernel");
  const streams = model.get("streams"), packed = model.get("stored");
  if (!packed?.byteLength) throw new Error("the stored runs are missing");
  const stored = JSON.parse(new TextDecoder().decode(await inflate(bytesOf(packed))));
  const runs = () => ({ ...stored, ...model.get("learned") });
  const state = () => Object.fromEntries(["stream", "rule", "eps", "batch"].map((name) => [name, model.get(name)]));
  const nameOf = ({ stream, rule, eps }) => `${stream}, ${rule === "paper" ? eps : "evidence"}`;
  let shown = nameOf(state()) in runs() ? nameOf(state()) : `${model.get("stream")}, evidence`; // the last one that there is
  if (!runs()[shown]) throw new Error(`the run “${shown}” is missing`);
  const steps = () => runs()[shown].decisions.map((own) => own.step);
  const nearest = (values, wanted) => values.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));

  const reachable = (eps) => live || Object.keys(streams).some((stream) => nameOf({ stream, rule: "paper", eps }) in runs());
  const epsilons = [...model.get("epsilons"), ...model.get("more_epsilons").filter(reachable)].sort((a, b) => a - b);
  const asked = steppedSlider(model, signal, "batch", "decision at batch", { values: steps });
  const controls = element("div", { className: "controls" },
    choice(model, signal, "stream", "stream", model.get("stream_names").map((name) => [name, streams[name].words])),
    choice(model, signal, "rule", "rule", RULES),
    steppedSlider(model, signal, "eps", "threshold ε", { values: () => epsilons }),
    asked);
  const offer = learningOffer(model, signal, () => {
    const now = state(), { stream, eps } = now, batches = total(streams[stream].truth);
    return nameOf(now) in runs() ? null : {
      wanted: { stream, eps },
      words: `No learner has read this stream with ε = ${eps} yet. The picture shows the run before.`,
      button: `Read it (about ${Math.ceil(batches / 100)} s)`,
    };
  });
  const big = [0, 1].map(() => element("div", { className: "big" })), said = element("p", { role: "status" }), note = element("p", { className: "scale" });
  const picture = streamChart((wanted) => put(model, { batch: nearest(steps(), wanted) }));
  const heading = element("figcaption", {}, "the true tasks, the masks they got, and k max ν − 1 of each decision: above the dashed line the paper's test says known, below it new");
  picture.prepend(heading);
  const bars = barChart({ height: 150, x: "mask i (new: an untrained one)", y: "" });
  const decided = element("p", { className: "finding", role: "status" });
  const numbers = numbersTable("The numbers");

  function update() {
    const now = state();
    offer.tell();
    const there = nameOf(now) in runs();
    root.classList.toggle("waiting", !there);
    if (!there) return;
    shown = nameOf(now);
    if (!steps().includes(now.batch)) return put(model, { batch: nearest(steps(), now.batch) }); // which comes back here
    asked.tell();
    show(now, runs()[shown], streams[now.stream].truth);
  }

  function show({ stream, rule, eps, batch }, run, truth) {
    const tasks = new Set(truth.map(([task]) => task).filter((task) => task >= 0)).size, paper = rule === "paper";
    const choose = (own) => (paper ? (own.new ? NEW : own.mask) : knownByNu(own.gradient, eps));
    const errs = (own) => own.counts && own.known === (choose(own) === NEW);
    const counts = run.masks === tasks && !run.misses && !run.false_alarms;
    big[0].textContent = `${run.masks} mask${run.masks === 1 ? "" : "s"} for ${tasks} tasks`;
    big[0].className = counts ? "big right" : "big";
    big[1].textContent = `purity ${percent(run.purity, 1)}`;
    big[1].className = run.purity > 0.99 ? "big right" : "big";
    const plural = (count, word) => `${count} ${word}${count === 1 ? "" : word.endsWith("s") ? "es" : "s"}`;
    said.textContent = `${paper ? `With ε = ${eps}` : "By evidence"} the learner ends with ${plural(run.masks, "mask")}: ${tasks} tasks, plus ${plural(run.false_alarms, "false alarm")}, minus ${plural(run.misses, "miss")}. `
      + `Of ${plural(run.returns, "return")}, ${run.recognised} found the old mask.`;
    const { of, splits, merges } = replay(run.decisions, eps);
    note.textContent = paper
      ? "This is a whole run with this ε: what was decided early shaped all masks that came later."
      : `Here ε decides nothing. The paper's test with ε = ${eps}, put to each gradient of this run by itself, would split a task ${splits} times and merge two ${merges} times, in ${of} decisions. A run that followed it would have got other masks.`;
    picture.update({ truth, run, eps, batch, errs, alt: `${said.textContent} ${run.decisions.filter(errs).length} decisions are on the wrong side of ε = ${eps}.` });

    const own = run.decisions.find(({ step }) => step === batch), k = own.gradient.length, heights = nuOf(own.gradient).map((share) => k * share);
    const highest = Math.max(...heights), best = heights.indexOf(highest), test = knownByNu(own.gradient, eps);
    const task = numberAt(truth, batch), which = task < 0 ? "noise" : `task ${task}, ${own.known ? "which it knew" : "new to it"}`;
    bars.firstChild.textContent = `k νᵢ at batch ${batch} (${which}): one bar for each of k = ${k} candidates`;
    const kinds = heights.map((_, i) => (i === k - 1 ? "extra" : i === test ? "chosen" : ""));
    const labels = heights.map((_, i) => (i === k - 1 ? "new" : i)), high = 1.2 * Math.max(highest, 1 + eps);
    bars.update({ values: heights, kinds, labels, high, threshold: { at: 1 + eps, words: `1 + ε = ${decimals(1 + eps)}` }, alt: `k nu of ${k} candidates at batch ${batch}; the largest, ${decimals(highest)}, is ${best === k - 1 ? "the untrained mask's" : `mask ${best}'s`}.` });
    const reason = best === k - 1 ? "the untrained mask has the largest bar" : `the largest bar is ${highest.toFixed(3)}, ${highest < 1 + eps ? "below" : "not below"} ${decimals(1 + eps)}`;
    const says = `The paper's test: ${reason}, so ${test === NEW ? "a new mask" : `mask ${test}`}.`;
    const right = (known) => (task < 0 ? "" : known === own.known ? " Right." : own.known ? " A false alarm: it had learned this task." : " A miss: it had never seen this task.");
    const went = own.new ? `It allocated mask ${own.mask}.` : own.mask < 0 ? "It set the batch aside for now." : `It went on with mask ${own.mask}.`;
    decided.textContent = paper ? `${says} ${went}${right(!own.new)}` : `${says}${right(test !== NEW)} Evidence: ${went[0].toLowerCase()}${went.slice(1)}`;
    numbers.update(["batch", "task", "k max ν", "the test says", "decided"], run.decisions.map((each) => {
      const choice = knownByNu(each.gradient, eps), truly = numberAt(truth, each.step);
      return [each.step, truly < 0 ? "noise" : truly, heightOf(each.gradient).toFixed(6), choice === NEW ? "new" : `mask ${choice}`, each.new ? `new mask ${each.mask}` : each.mask < 0 ? "set aside" : `mask ${each.mask}`];
    }));
  }

  root.append(controls, offer,
    element("div", { className: "halves" }, element("div", { className: "verdict" }, ...big), element("div", { className: "verdict" }, said, note)),
    picture, bars, decided, numbers);
  listen(model, signal, ["stream", "rule", "eps", "batch", "learned"], update);
  update();
  if (root.classList.contains("waiting")) (asked.tell(), show({ ...state(), rule: "evidence" }, runs()[shown], streams[model.get("stream")].truth));
});

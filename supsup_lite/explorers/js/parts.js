// What all explorers share: controls that move the model's traits, charts, pictures, and the way to Python or its stand-in.
// Python puts this text in front of each explorer's own, so that a module needs nothing from elsewhere.

const element = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    name in made ? (made[name] = value) : made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const drawn = (tag, attributes = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;
const last = (values) => values[values.length - 1];
const sum = (values) => values.reduce((a, b) => a + b, 0);
const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

// --- the model ---------------------------------------------------------------------------------------------------

const listen = (model, signal, names, callback) => {
  for (const name of names) {
    model.on(`change:${name}`, callback);
    signal?.addEventListener("abort", () => model.off(`change:${name}`, callback));
  }
};

const put = (model, changes) => {
  for (const [name, value] of Object.entries(changes)) model.set(name, value);
  model.save_changes();
};

// Python answers when the cells that were started before are done: a whole lesson takes a minute, an experiment more.
const PATIENCE = { page: 20_000, kernel: 1_200_000 }; // ms
const WAITING = "This picture stands still until Python answers, which it does when no cell is running.";

// Ask Python, or the page that stands in for it, for a file of the explorer: Promise<Uint8Array>.
async function fetchAsset(model, name) {
  const packed = await new Promise((resolve, reject) => {
    const answered = (message, buffers) => {
      if (message.name !== name) return;
      finish();
      message.trouble ? reject(new Error(message.trouble)) : resolve(bytesOf(buffers[0]));
    };
    const finish = () => (clearTimeout(timer), model.off("msg:custom", answered));
    const timer = setTimeout(() => {
      finish();
      reject(new Error("nobody answers: is the kernel running? Run the cell again"));
    }, model.get("has_kernel") ? PATIENCE.kernel : PATIENCE.page);
    model.on("msg:custom", answered);
    model.send({ want: name });
  });
  return inflate(packed);
}

async function inflate(packed) {
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

// Make an explorer's module of the function that fills `root`. Where it fails, a sentence and the still picture remain.
const explorer = (title, fill) => ({
  async render({ model, el, signal }) {
    const root = element("section", { className: "supsup-explorer", "aria-label": title });
    const standIn = (words) => {
      const figure = element("figure", { className: "supsup-explorer", innerHTML: model.get("still") });
      figure.append(element("figcaption", { textContent: words }));
      el.replaceChildren(figure);
    };
    const slow = setTimeout(() => model.get("has_kernel") && standIn(WAITING), 1000);
    try {
      await fill({ model, root, signal });
      for (const own of root.querySelectorAll("input, select, button, summary, [tabindex]"))
        own.dataset.lmSuppressShortcuts = true; // else JupyterLab takes the arrow keys away from sliders
      el.replaceChildren(root);
    } catch (error) {
      if (!model.get("still")) throw error; // on a page, the host shows it
      standIn(`This explorer could not start: ${error.message}.`);
    } finally {
      clearTimeout(slow);
    }
  },
});

// --- controls ----------------------------------------------------------------------------------------------------

// A control keeps its trait and itself in step, whoever moves first. `show` says a value in words, with its unit.
function control(model, signal, name, label, input, { read, write, show }) {
  const output = element("output");
  const tell = () => {
    write(model.get(name));
    output.textContent = show ? show(model.get(name)) : "";
    if (show) input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => put(model, { [name]: read() }));
  listen(model, signal, [name], tell);
  const made = element("label", { className: "control" }, element("span", { className: "label", textContent: label }), input);
  if (show) made.append(output);
  tell();
  return Object.assign(made, { input, tell });
}

function slider(model, signal, name, label, { min, max, show }) {
  const input = element("input", { type: "range", min, max, step: 1, name });
  return control(model, signal, name, label, input, {
    read: () => input.valueAsNumber,
    write: (value) => (input.value = value),
    show: show ?? String,
  });
}

// A slider over values that need not be evenly spaced; `values` is a function, and `tell` asks it anew.
function steppedSlider(model, signal, name, label, { values, show }) {
  const input = element("input", { type: "range", min: 0, step: 1, name });
  return control(model, signal, name, label, input, {
    read: () => values()[input.valueAsNumber],
    write: (value) => Object.assign(input, { max: values().length - 1, value: values().indexOf(value) }),
    show: show ?? String,
  });
}

// `options` are [value, words] pairs, or a function that returns them; `tell` reads them anew.
function choice(model, signal, name, label, options) {
  const input = element("select", { name });
  const pairs = () => (typeof options === "function" ? options() : options);
  return control(model, signal, name, label, input, {
    read: () => pairs()[input.selectedIndex][0],
    write: (value) => {
      input.replaceChildren(...pairs().map(([, words, disabled]) => element("option", { textContent: words, disabled: !!disabled })));
      input.selectedIndex = pairs().findIndex(([own]) => own === value);
    },
  });
}

// What is not there yet, Python can learn. `missing` returns nothing, or {wanted, words, button}; it is asked at each change.
function learningOffer(model, signal, missing) {
  const words = element("p", { role: "status" }), progress = element("progress", { max: 1, "aria-label": "learning" });
  const learn = element("button", { type: "button", onclick: () => model.send({ learn: missing().wanted }) });
  const offer = element("div", { className: "offer", hidden: true }, words, learn, progress);
  const tell = () => {
    const found = missing(), share = model.get("progress"), busy = share >= 0;
    offer.hidden = !found;
    if (!found) return;
    words.textContent = model.get("trouble") || (busy ? `Python is learning: ${percent(share)}.` : found.words);
    Object.assign(learn, { textContent: found.button, disabled: busy });
    progress.hidden = !busy;
    share > 0 ? (progress.value = share) : progress.removeAttribute("value"); // without a value it just moves
  };
  listen(model, signal, ["progress", "trouble"], tell);
  return Object.assign(offer, { tell });
}

// --- charts ------------------------------------------------------------------------------------------------------

// About `wanted` round numbers from low to high.
function ticks(low, high, wanted = 4) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

let patterns = 0;

// Bars with a scale. `update({values, kinds, low, high, ...})` draws them; a kind is a class of the style sheet.
function barChart({ height = 150, x, y }) {
  const svg = drawn("svg", { class: "chart", role: "img" });
  const box = element("figure", { className: "bars" }, element("figcaption", {}, y), svg, element("div", { className: "axis" }, x));
  const hatch = `hatch-${++patterns}`;
  let given = null;
  const draw = () => {
    if (!given) return;
    const { values, kinds = [], marks = [], labels, threshold, low = 0, high, format = (tick) => String(+tick.toPrecision(6)), alt } = given;
    const width = Math.max(200, box.clientWidth || 640), left = 38, top = marks.length ? 16 : 6, bottom = 18;
    const step = (width - left) / values.length, thick = Math.min(0.8 * step, 40);
    const place = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", alt);
    const stripes = drawn("pattern", { id: hatch, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      drawn("rect", { width: 5, height: 5, class: "red" }), drawn("rect", { width: 1.5, height: 5, class: "ink" }));
    const parts = [drawn("defs", {}, stripes)];
    for (const tick of ticks(low, high)) {
      parts.push(drawn("line", { class: "grid", x1: left, x2: width, y1: place(tick), y2: place(tick) }));
      parts.push(drawn("text", { class: "tick", x: left - 6, y: place(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    values.forEach((value, i) => {
      const middle = left + (i + 0.5) * step, [upper, lower] = [place(Math.max(value, 0, low)), place(Math.min(value, Math.max(0, low)))];
      const look = { class: `bar ${kinds[i] ?? ""}`, x: middle - thick / 2, width: thick, y: upper, height: Math.max(0.5, lower - upper) };
      if (kinds[i]?.includes("true")) look.style = `fill: url(#${hatch})`;
      parts.push(drawn("rect", look, drawn("title", {}, `${labels?.[i] ?? i}: ${value.toFixed(4)}`)));
      const every = Math.ceil(values.length / Math.floor((width - left) / 22));
      if (i % (every > 1 ? Math.ceil(every / 5) * 5 : 1) === 0)
        parts.push(drawn("text", { class: "tick", x: middle, y: height - 4, "text-anchor": "middle" }, labels?.[i] ?? i));
      const mark = marks.find(([at]) => at === i);
      if (!mark) return;
      const room = 3.8 * mark[1].length; // about half of its width: it stays off the axis
      parts.push(drawn("text", { class: `flag ${mark[2]}`, x: Math.max(middle, left + room), y: upper - 4, "text-anchor": "middle" }, mark[1]));
    });
    parts.push(drawn("line", { class: "zero", x1: left, x2: width, y1: place(Math.max(0, low)), y2: place(Math.max(0, low)) }));
    if (threshold) parts.push(
      drawn("line", { class: "threshold", x1: left, x2: width, y1: place(threshold.at), y2: place(threshold.at) }),
      drawn("text", { class: "threshold", x: width, y: place(threshold.at) - 4, "text-anchor": "end" }, threshold.words));
    svg.replaceChildren(...parts);
  };
  new ResizeObserver(draw).observe(box);
  return Object.assign(box, { update: (data) => ((given = data), draw()) });
}

// Lines over a horizontal axis. `update({series, xs, ys, ...})`: a series is {points: [[x, y]], kind, label, dots}.
function lineChart({ height = 170, x, y }) {
  const svg = drawn("svg", { class: "chart", role: "img" });
  const legend = element("div", { className: "legend" });
  const box = element("figure", { className: "bars" }, element("figcaption", {}, y), svg, element("div", { className: "axis" }, x), legend);
  let given = null;
  const draw = () => {
    if (!given) return;
    const { series, xs: [first, final], ys: [low, high], marker, alt, format = String, across = String } = given;
    const width = Math.max(200, box.clientWidth || 640), left = 44, top = 8, bottom = 18, right = 10;
    const at = (value) => left + ((value - first) / (final - first || 1)) * (width - left - right);
    const up = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", alt);
    const parts = [];
    for (const tick of ticks(low, high)) {
      parts.push(drawn("line", { class: "grid", x1: left, x2: width - right, y1: up(tick), y2: up(tick) }));
      parts.push(drawn("text", { class: "tick", x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    for (const tick of ticks(first, final, 5).filter(across)) // one without words is left out
      parts.push(drawn("text", { class: "tick", x: at(tick), y: height - 4, "text-anchor": "middle" }, across(tick)));
    for (const { points, kind, dots = true } of series) {
      const path = points.map(([px, py], i) => `${i ? "L" : "M"}${at(px)} ${up(py)}`).join("");
      parts.push(drawn("path", { class: `line ${kind}`, d: path }));
      for (const [px, py] of dots ? points : []) parts.push(drawn("circle", { class: `dot ${kind}`, cx: at(px), cy: up(py), r: 2.5 }));
    }
    if (marker) parts.push(drawn("path", { class: "marker", d: `M${at(marker[0])} ${up(marker[1])}m0 -7l7 7l-7 7l-7 -7z` }));
    svg.replaceChildren(...parts);
    legend.replaceChildren(...series.map(({ kind, label }) => element("span", { className: `stroke ${kind}` }, label)));
  };
  new ResizeObserver(draw).observe(box);
  return Object.assign(box, { update: (data) => ((given = data), draw()) });
}

// --- pictures ----------------------------------------------------------------------------------------------------

// A picture of width x height numbers in 0..1, one square pixel each; `colour` gives [r, g, b], or alpha besides.
function paint(canvas, values, width, colour = (v) => [255 * v, 255 * v, 255 * v]) {
  const height = values.length / width;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  values.forEach((value, i) => {
    const [r, g, b, alpha = 255] = colour(value);
    image.data.set([r, g, b, alpha], 4 * i);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

// The colour of a share in 0..1, as the figures have it.
function viridis(share) {
  const place = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1), i = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return VIRIDIS[i].map((value, channel) => value + (place - i) * (VIRIDIS[i + 1][channel] - value));
}

// A folded table of what the charts show, for ears and for copying.
function numbersTable(summary) {
  const table = element("table");
  const box = element("details", { className: "numbers" }, element("summary", { textContent: summary }), table);
  const row = (tag, cells) => element("tr", {}, ...cells.map((cell) => element(tag, { textContent: cell })));
  let given = null;
  const fill = () => box.open && given && table.replaceChildren(row("th", given.head), ...given.rows.map((cells) => row("td", cells)));
  box.addEventListener("toggle", fill);
  return Object.assign(box, { update: (head, rows) => ((given = { head, rows }), fill()) });
}

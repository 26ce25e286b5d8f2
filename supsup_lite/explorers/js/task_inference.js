// The centrepiece: an image comes without the name of its task, and the superposed network says which mask fits.
// `superposed.js` does the sums; here are the picture and its controls.

const METHODS = { one_shot: "One-Shot: 1 gradient", binary: "Binary: halving", exhaustive: "every mask: k passes" };
const OBJECTIVES = { entropy: "H", superfluous: "G" };
const CLASSES = 10;
const PIXELS = SIDE * SIDE;

// All that the picture shows, from the image as its task shuffles it.
function infer(network, x, { num_tasks: k, method, objective, step }) {
  const first = firstLayer(network, x), every = [...Array(k).keys()];
  const answer = { first, steps: [], step: 0 };
  if (method === "exhaustive") {
    answer.values = every.map((mask) => entropy(softmax(alone(network, first, mask))));
    answer.chosen = answer.values.indexOf(Math.min(...answer.values));
    answer.shown = superpose(network, first, every, "entropy");
  } else {
    answer.steps = method === "binary" ? halvings(network, first, k, objective) : [superpose(network, first, every, objective)];
    answer.step = Math.min(step, answer.steps.length - 1);
    answer.shown = answer.steps[answer.step];
    const { masks, gradient } = answer.steps.at(-1);
    answer.chosen = masks[gradient.indexOf(Math.min(...gradient))];
    answer.values = every.map((mask) => (answer.shown.masks.includes(mask) ? -answer.shown.gradient[answer.shown.masks.indexOf(mask)] : 0));
  }
  answer.superposed = softmax(answer.shown.logits);
  answer.alone = softmax(alone(network, first, answer.chosen));
  answer.digit = answer.alone.indexOf(Math.max(...answer.alone));
  return answer;
}

function chartOf({ values, shown, chosen, steps, step }, { task, method, objective }) {
  const inside = (mask) => method === "exhaustive" || shown.masks.includes(mask);
  const settled = step === steps.length - 1 || method === "exhaustive";
  const kinds = values.map((_, mask) => `${mask === task ? "true" : ""} ${inside(mask) ? "" : "dropped"}`);
  const marks = [];
  if (settled) marks.push([chosen, task === chosen ? "✓" : "?", task === chosen ? "" : "wrong"]);
  if (task < values.length && !(settled && task === chosen)) marks.push([task, "▼", "red"]);
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-6);
  const what = method === "exhaustive" ? "lowest entropy" : `largest −∂${OBJECTIVES[objective]}/∂α`;
  return { values, kinds, marks, low, high: high + 0.1 * (high - low), alt: `Of ${values.length} masks, mask ${chosen} has the ${what}.` };
}

// The finding in words, said to everybody.
function findingOf({ chosen, digit, alone, steps }, { num_tasks: k, task, method, objective }, label) {
  const by = method === "one_shot" ? "One-Shot" : method === "binary" ? `Binary, in ${steps.length - 1} halvings,` : "The lowest entropy";
  const right = chosen === task;
  const verdict = task >= k ? `wrong, since task ${task} is not among the ${k} it knows` : right ? "right" : `wrong, it is task ${task}`;
  const reads = digit < CLASSES ? `a ${digit}` : `output ${digit}, which is no digit`;
  const compared = label === null ? "" : label === digit ? ": right" : `: wrong, it is a ${label}`;
  return {
    mask: { words: `mask ${chosen}`, right },
    class: { words: digit < CLASSES ? `digit ${digit}` : `output ${digit}`, right: label === null ? null : label === digit },
    said: `${by} chooses mask ${chosen}: ${verdict}.`,
    read: `Under it the network reads ${reads} (${percent(Math.max(...alone))})${compared}.`,
  };
}

export default explorer("Which task is this image from?", async ({ model, root, signal }) => {
  const live = model.get("has_kernel");
  const [digits, permutationBytes] = await Promise.all([fetchAsset(model, "digits"), fetchAsset(model, "permutations")]);
  const count = digits.length / (PIXELS + 1), labels = digits.subarray(count * PIXELS); // images, then labels
  const permutations = new Uint16Array(permutationBytes.buffer);
  const networks = new Map(); // by name of a setting

  const state = () => Object.fromEntries(["num_tasks", "task", "method", "objective", "step", "outputs", "sparsity", "digit"].map((name) => [name, model.get(name)]));
  const ink = () => (model.get("digit") < 0 ? bytesOf(model.get("ink")).slice() : digits.slice(PIXELS * model.get("digit"), PIXELS * (model.get("digit") + 1)));
  const settings = () => model.get("learned");
  const settingNow = () => settings().find((own) => own.outputs === model.get("outputs") && own.sparsity === model.get("sparsity"));

  // --- the image, and what its task makes of it
  const pad = drawingPad({ read: () => (model.get("digit") < 0 ? ink() : new Uint8Array(PIXELS)), drew: (own) => put(model, { digit: -1, ink: new DataView(own.buffer) }) });
  const shuffled = element("canvas", { role: "img" });
  const shuffledBy = element("figcaption");
  const wipe = element("button", { type: "button", textContent: "Wipe", onclick: () => put(model, { digit: -1, ink: new DataView(new ArrayBuffer(PIXELS)) }) });
  const verdict = element("div", { className: "verdict" });
  const big = [0, 1].map(() => element("div", { className: "big", ariaHidden: "true" })), said = element("p", { role: "status" });
  verdict.append(...big, said);
  const picker = element("fieldset", { className: "digits" }, element("legend", { textContent: "or take a test image" }));
  const group = `digit-${Math.random()}`;
  for (let i = 0; i < count; i++) {
    const thumb = element("canvas", { ariaHidden: "true" });
    paint(thumb, Array.from(digits.subarray(PIXELS * i, PIXELS * (i + 1)), (v) => v / 255), SIDE);
    const input = element("input", { type: "radio", name: group, value: i, "aria-label": `test image ${i}, a ${labels[i]}`, oninput: () => put(model, { digit: i }) });
    picker.append(element("label", {}, input, thumb));
  }

  // --- the controls
  const most = live ? model.get("most_tasks") : Math.max(...settings().map((own) => own.tasks));
  const among = (name) => [...new Set([...settings().map((own) => own[name]), ...(live ? model.get(`more_${name}`) : [])])].sort((a, b) => a - b);
  const controls = element("div", { className: "controls" },
    slider(model, signal, "task", "shuffled by task", { min: 0, max: most - 1 }),
    slider(model, signal, "num_tasks", "tasks it knows, k", { min: 1, max: most }),
    choice(model, signal, "outputs", "outputs s", () => among("outputs").map((s) => [s, s > CLASSES ? `${s} (${s - CLASSES} superfluous)` : `${s} (none superfluous)`])),
    choice(model, signal, "sparsity", "sparsity", () => among("sparsity").map((s) => [s, `${s} % (density ${100 - s} %)`])),
    choice(model, signal, "method", "ask by", Object.entries(METHODS)),
    choice(model, signal, "objective", "objective", () => [["entropy", "H: entropy"], ["superfluous", "G: superfluous", model.get("outputs") <= CLASSES]]),
  );
  const objective = controls.lastChild;
  const halving = slider(model, signal, "step", "halving", { min: 0, max: 1 });

  const offer = learningOffer(model, signal, () => {
    const { outputs, sparsity, num_tasks } = state(), have = settingNow()?.tasks ?? 0;
    if (have >= num_tasks) return null;
    const what = have ? `It knows ${have} tasks so far.` : `Nobody has learned masks with ${outputs} outputs and a sparsity of ${sparsity} % yet.`;
    const seconds = (num_tasks - have) * model.get("seconds"); // 0 until Python has learned some here
    return {
      wanted: { outputs, sparsity, tasks: num_tasks },
      words: `${what} The picture still shows the setting before.`,
      button: `Learn ${num_tasks - have} masks` + (seconds ? ` (about ${Math.ceil(seconds)} s)` : ""),
    };
  });

  // --- the charts
  const votes = barChart({ height: 190, x: "mask i", y: "" });
  const superposed = barChart({ height: 120, x: "output", y: "superposed network: softmax of its outputs" });
  const classes = barChart({ height: 120, x: "output", y: "" });
  const numbers = numbersTable("The numbers");

  function update() {
    const now = state(), setting = settingNow(), known = setting && setting.tasks >= now.num_tasks;
    picker.querySelectorAll("input").forEach((input, i) => (input.checked = i === now.digit));
    offer.tell();
    root.classList.toggle("waiting", !known);
    if (!known) return;
    if (networks.get(setting.name)?.k >= now.num_tasks) return show(now, networks.get(setting.name));
    root.classList.add("waiting");
    load(setting).then(update, (error) => {
      said.textContent = `These masks could not be read: ${error.message}. The picture shows the setting before.`;
    });
  }

  async function load(setting) {
    const widths = [PIXELS, 300, 100, setting.outputs];
    networks.set(setting.name, unpackNetwork(await fetchAsset(model, setting.name), widths));
  }

  function show(now, network) {
    root.classList.remove("waiting");
    if (now.outputs <= CLASSES && now.objective === "superfluous") return put(model, { objective: "entropy" });
    const drawing = now.digit < 0, grey = drawing ? asInMnist(Float64Array.from(ink())) : ink();
    const permutation = permutations.subarray(PIXELS * now.task, PIXELS * (now.task + 1));
    const seen = Float64Array.from(permutation, (from) => grey[from]);
    const answer = infer(network, normalise(seen), now);
    const label = drawing ? null : labels[now.digit];

    pad.show(ink());
    paint(shuffled, Array.from(seen, (v) => v / 255), SIDE);
    shuffled.setAttribute("aria-label", `The image as task ${now.task} shuffles it: noise to our eyes.`);
    shuffledBy.textContent = `shuffled by task ${now.task}`;
    const finding = findingOf(answer, now, label);
    [finding.mask, finding.class].forEach(({ words, right }, i) => {
      big[i].textContent = `${words}${right === null ? "" : right ? " ✓" : " ✗"}`;
      big[i].className = right === null ? "big open" : right ? "big right" : "big";
    });
    said.textContent = `${finding.said} ${drawing && !ink().some(Boolean) ? "The pad is empty: draw a digit." : finding.read}`;

    halving.hidden = now.method !== "binary";
    Object.assign(halving.input, { max: Math.max(0, answer.steps.length - 1) });
    halving.tell();
    halving.querySelector(".label").textContent = `halving: ${answer.shown.masks.length} left`;
    objective.input.disabled = now.method === "exhaustive";

    votes.firstChild.textContent = now.method === "exhaustive" ? "entropy H under each mask by itself (nats): the lowest wins" : `−∂${OBJECTIVES[now.objective]}/∂αᵢ (nats), one for each mask: the largest wins`;
    votes.update(chartOf(answer, now));
    const extra = sum(answer.superposed.slice(CLASSES)), digitsOnly = answer.alone.slice(0, CLASSES);
    superposed.update({
      values: [...answer.superposed], high: 1.05 * Math.max(...answer.superposed), format: percent,
      kinds: [...answer.superposed].map((_, j) => (j < CLASSES ? "" : "extra")),
      alt: `Superposed, the network gives ${percent(extra)} to superfluous outputs, and its likeliest output ${percent(Math.max(...answer.superposed))}.`,
    });
    classes.firstChild.textContent = `mask ${answer.chosen} by itself: softmax of its outputs`;
    classes.update({
      values: [...digitsOnly, 1 - sum(digitsOnly)].slice(0, Math.min(now.outputs, CLASSES + 1)), high: 1, format: percent, alt: finding.read,
      kinds: now.outputs > CLASSES ? [...Array(CLASSES).fill(""), "extra"] : [], labels: [...Array(CLASSES).keys(), "rest"],
    });
    numbers.update(["mask", now.method === "exhaustive" ? "entropy" : "−gradient"], answer.values.map((value, mask) => [mask, value.toPrecision(8)]));
    if (model.get("chosen") !== answer.chosen || model.get("answer") !== answer.digit) put(model, { chosen: answer.chosen, answer: answer.digit });
  }

  root.append(
    element("div", { className: "stage" },
      element("figure", {}, pad, element("figcaption", {}, "draw a digit ", wipe)),
      element("figure", {}, shuffled, shuffledBy),
      verdict),
    picker, controls, offer, halving, votes,
    element("div", { className: "legend" }, ...[["", "a mask"], ["true", "the mask of the true task"], ["extra", "superfluous output"]].map(([kind, words]) => element("span", { className: kind }, words))),
    element("div", { className: "pair" }, superposed, classes), numbers);
  listen(model, signal, ["task", "num_tasks", "outputs", "sparsity", "method", "objective", "step", "digit", "ink", "learned"], update);
  listen(model, signal, ["outputs"], objective.tell);
  listen(model, signal, ["learned"], () => controls.querySelectorAll("label").forEach((own) => own.tell()));
  await load(settingNow());
  update();
});

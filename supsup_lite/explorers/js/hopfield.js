// Digits in a Hopfield memory: what is asked, how it rolls into a valley, and whose valley it is. `spins.js` does the sums.

const PIXELS = SIDE * SIDE;
const INK = 72.6; // of 255: what is brighter is ink
const LEVELS = Array.from({ length: 11 }, (_, i) => 0.05 * i); // of noise
const TRIES = 20;
const SLICE = 8; // ms of work at a time for the basin, so that every input is answered at once
const ORANGE = [230, 159, 0];
const DAMAGES = { turned: "turned at random", covered: "covered from below" };
const RULES = { hebb: "Hebb", storkey: "Storkey", centred: "centred Hebb" };
const ORDERS = { asynchronous: "one after the other", synchronous: "all at once" };

const spinsOf = (grey) => Float64Array.from(grey, (value) => (value > INK ? 1 : -1));
const signed = (value) => String(+value.toPrecision(4)).replace("-", "\u2212");
const differ = (v, w) => v.reduce((total, own, j) => total + (own !== w[j]), 0);

// A memory, and what is true of it whatever it is asked.
function remembered(patterns, rule, order) {
  const memory = remember(patterns, rule);
  const stand = patterns.map((z) => recall(memory, z, order).states.length === 1);
  return { memory, patterns, order, stand, spreads: patterns.map((z) => spread(memory, z)) };
}

// All that the picture shows of one question.
function ask({ memory, patterns, order }, asked) {
  const { states, turns } = recall(memory, asked, order, order === "synchronous" ? PIXELS : SIDE);
  const end = last(states), overlaps = (z) => patterns.map((own) => inner(own, z) / PIXELS);
  const exact = patterns.findIndex((z) => same(z, end));
  return { states, turns, end, exact, overlaps, mirror: patterns.some((z) => inner(z, end) === -PIXELS), energies: states.map((z) => energy(memory, z) / PIXELS) };
}

// The finding in words, said to everybody. `names` are those of all digits, `place` is -1 for a drawing.
function findingOf(held, answer, names, place, { rule, wrong }) {
  const { exact, turns, mirror, end, states } = answer, k = held.patterns.length, isStored = place >= 0 && place < k;
  const near = indexOfMost(answer.overlaps(end)), sweeps = (states.length - 1) / (held.order === "synchronous" ? 1 : SIDE);
  const asked = place < 0 ? "your drawing" : `the ${names[place]}${isStored ? "" : ", which is not stored"}`;
  const course = states.length === 1 ? "Nothing turns" : `After ${sweeps} sweep${sweeps === 1 ? "" : "s"} nothing turns any more`;
  const [words, right, told] = turns
    ? ["no rest", false, "It finds no rest: two states take turns for ever"]
    : exact >= 0
      ? [`the ${names[exact]}`, isStored ? exact === place : null, `${course}: it is the stored ${names[exact]}, bit for bit`]
      : mirror
        ? ["a mirror image", false, `${course}: it is a stored digit with every pixel turned`]
        : ["a spurious state", isStored ? false : null, `${course}: nobody stored this. Nearest is the ${names[near]}, ${differ(end, held.patterns[near])} pixels away${uneven(held, end)}`];
  const count = held.stand.filter(Boolean).length;
  const own = isStored && !held.stand[place] ? ` The ${names[place]} itself does not stand: there is no valley to roll into.` : "";
  const alone = rule === "centred" && k === 1 ? " One digit is its own mean: there is nothing to tell apart, and no unit feels anything." : "";
  return {
    words: right === null ? words : `${words} ${right ? "✓" : "✗"}`, right, count,
    said: `Asked with ${asked}, ${wrong} pixels spoiled. ${told}.${own}${alone}`,
  };
}

// What tells a memory from a mixture, if anything is held at all.
const uneven = ({ memory, spreads }, end) => (spreads.some(Number.isNaN) ? "" : `; its spread is ${spread(memory, end).toFixed(2)}, of stored digits ${range(spreads)}`);
const indexOfMost = (values) => values.indexOf(Math.max(...values));
const range = (values) => `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;

// How often each stored digit comes back, bit for bit, at each level of noise: counted in slices, told after each try.
// Returns a function that stops it.
function measureBasin({ memory, patterns, order }, damage, tell) {
  const back = patterns.map(() => LEVELS.map(() => 0)), most = damage === "covered" ? 1 : TRIES;
  let tries = 0, at = 0, timer = 0, shares = null;
  const one = () => {
    const i = at % patterns.length, level = Math.floor(at / patterns.length);
    const { states, turns } = recall(memory, spoil(patterns[i], LEVELS[level], damage, i, 1000 + tries), order);
    if (!turns && same(last(states), patterns[i])) back[i][level]++;
    if (++at < patterns.length * LEVELS.length) return;
    [at, tries] = [0, tries + 1];
    shares = back.map((counts) => counts.map((count) => count / tries));
  };
  const slice = () => {
    const until = performance.now() + SLICE, before = tries;
    while (tries < most && performance.now() < until) one();
    if (tries > before) tell(shares, tries);
    if (tries < most) timer = setTimeout(slice, 4);
  };
  timer = setTimeout(slice, 60);
  return () => clearTimeout(timer);
}

export default explorer("What does the memory answer?", async ({ model, root, signal }) => {
  const digits = await fetchAsset(model, "digits"), count = digits.length / (PIXELS + 1), labels = digits.subarray(count * PIXELS);
  const each = count / 10, places = Array.from({ length: count }, (_, i) => each * (i % 10) + Math.floor(i / 10)); // first one of each class
  const greys = places.map((own) => digits.subarray(PIXELS * own, PIXELS * (own + 1))), all = greys.map(spinsOf);
  const names = places.map((own, i) => (i < 10 ? String(labels[own]) : `second ${labels[own]}`));
  const state = () => Object.fromEntries(["stored", "rule", "order", "digit", "noise", "damage", "toss", "step"].map((name) => [name, model.get(name)]));
  const ink = () => (model.get("digit") < 0 ? bytesOf(model.get("ink")).slice() : greys[model.get("digit")].slice());

  // --- the pictures
  const draw = (own) => put(model, { digit: -1, ink: new DataView(own.buffer), step: -1 });
  const pad = drawingPad({ read: () => (model.get("digit") < 0 ? ink() : new Uint8Array(PIXELS)), drew: draw });
  const wipe = element("button", { type: "button", textContent: "Wipe", onclick: () => draw(new Uint8Array(PIXELS)) });
  const again = element("button", { type: "button", textContent: "Again", title: "turn other pixels", onclick: () => put(model, { toss: (model.get("toss") + 1) % 1000, step: -1 }) });
  const [asks, now, nearest] = [0, 1, 2].map(() => ({ canvas: element("canvas", { role: "img" }), words: element("span") }));
  const framed = ({ canvas, words }, ...more) => element("figure", {}, canvas, element("figcaption", {}, words, ...more));
  const big = [0, 1].map(() => element("div", { className: "big", ariaHidden: "true" })), said = element("p", { role: "status" });

  // --- which digit
  const group = `digit-${Math.random()}`;
  const picker = element("fieldset", { className: "digits" }, element("legend", { textContent: "ask for a digit; pale ones are not stored" }));
  greys.forEach((grey, i) => {
    const thumb = element("canvas", { ariaHidden: "true" });
    paint(thumb, Array.from(grey, (v) => v / 255), SIDE);
    picker.append(element("label", {}, element("input", { type: "radio", name: group, value: i, "aria-label": `ask for the ${names[i]}`, oninput: () => put(model, { digit: i, step: -1 }) }), thumb));
  });

  // --- the controls: whatever else moves, the last state is shown again
  const controls = element("div", { className: "controls" },
    slider(model, signal, "stored", "digits stored, k", { min: 1, max: count }),
    slider(model, signal, "noise", "pixels spoiled", { min: 0, max: 50, show: (own) => `${own}\u00a0%` }),
    choice(model, signal, "rule", "rule", Object.entries(RULES)),
    choice(model, signal, "damage", "spoiled how", Object.entries(DAMAGES)),
    choice(model, signal, "order", "units turn", Object.entries(ORDERS)));
  controls.addEventListener("input", () => put(model, { step: -1 }));
  let answer = null, held = null, heldKey = "", basinKey = "", basin = null, stop = () => {};
  const final = () => (answer ? answer.states.length - 1 : 0);
  const shownStep = () => (model.get("step") < 0 ? final() : Math.min(model.get("step"), final()));
  const sweepsAt = (step) => (model.get("order") === "synchronous" ? step : step / SIDE);
  const range = element("input", { type: "range", min: 0, step: 1, name: "step" });
  const step = control(model, signal, "step", "step", range, {
    read: () => range.valueAsNumber,
    write: () => Object.assign(range, { max: final(), value: shownStep() }),
    show: () => `${shownStep()}/${final()}`,
  });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let playing = 0;
  const pause = () => (clearInterval(playing), (playing = 0), (play.textContent = "Play"));
  const play = element("button", { type: "button", textContent: "Play", onclick: () => {
    if (playing) return pause();
    const stride = calm.matches && model.get("order") === "asynchronous" ? SIDE : 1; // a sweep at a time, where nothing should rush
    if (shownStep() === final()) put(model, { step: 0 });
    play.textContent = "Pause";
    playing = setInterval(() => {
      put(model, { step: Math.min(final(), shownStep() + stride) });
      if (shownStep() === final()) pause();
    }, stride > 1 || model.get("order") === "synchronous" ? 700 : 40);
  } });
  range.addEventListener("input", pause);
  signal?.addEventListener("abort", () => (pause(), stop()));

  // --- the charts
  const course = lineChart({ height: 170, x: "sweeps over all units", y: "energy E / d" });
  const alike = barChart({ height: 170, x: "stored digit", y: "overlap z\u00b7\u03be / d with each stored digit" });
  const basinChart = lineChart({ height: 170, x: "pixels spoiled", y: "share that comes back, bit for bit" });
  const numbers = numbersTable("The numbers");

  function update() {
    const { stored: k, rule, order, digit, noise, damage, toss } = state(), key = [k, rule, order].join();
    if (key !== heldKey) [held, heldKey] = [remembered(all.slice(0, k), rule, order), key];
    const clean = spinsOf(digit < 0 ? asInMnist(Float64Array.from(ink())) : ink());
    const asked = spoil(clean, noise / 100, damage, digit < 0 ? count : digit, toss);
    answer = ask(held, asked);
    step.tell();
    const finding = findingOf(held, answer, names, digit, { rule, wrong: Math.round((PIXELS * noise) / 100) });
    big[0].textContent = finding.words;
    big[0].className = finding.right === null ? "big open" : finding.right ? "big right" : "big";
    big[1].textContent = `${finding.count} of ${k} stand`;
    big[1].className = finding.count === k ? "big right" : finding.count ? "big open" : "big";
    said.textContent = finding.said;
    pad.show(ink());
    paint(asks.canvas, Array.from(asked, (v) => (v + 1) / 2), SIDE);
    asks.words.textContent = "asked";
    asks.canvas.setAttribute("aria-label", `What the memory is asked: ${differ(asked, clean)} pixels differ from the picture.`);
    again.hidden = damage === "covered";
    picker.querySelectorAll("label").forEach((own, i) => {
      own.classList.toggle("pale", i >= k);
      own.firstChild.checked = i === digit;
    });
    numbers.update(["stored digit", "stands", "spread", "overlap, asked", "overlap, end"], held.patterns.map((_, i) => [names[i], held.stand[i] ? "yes" : "no", held.spreads[i].toFixed(4), answer.overlaps(asked)[i].toFixed(4), answer.overlaps(answer.end)[i].toFixed(4)]));
    showStep();
    showBasin();
    if (model.get("answer") !== answer.exact) put(model, { answer: answer.exact });
  }

  function showStep() {
    const at = shownStep(), z = answer.states[at], overlaps = answer.overlaps(z), near = indexOfMost(overlaps), close = held.patterns[near], wrong = differ(z, close);
    const { digit, stored: k } = state(), level = energy(held.memory, held.patterns[digit >= 0 && digit < k ? digit : near]) / PIXELS;
    paint(now.canvas, Array.from(z, (v) => (v + 1) / 2), SIDE);
    now.words.textContent = at === final() ? "answer" : `after ${sweepsAt(at).toFixed(answer.states.length > 1 && state().order === "asynchronous" ? 1 : 0)} sweeps`;
    now.canvas.setAttribute("aria-label", `The state at step ${at} of ${final()}.`);
    paint(nearest.canvas, Array.from(close, (v, j) => (v === z[j] ? (v + 1) / 2 : 0.5)), SIDE, (v) => (v === 0.5 ? ORANGE : [255 * v, 255 * v, 255 * v]));
    nearest.words.textContent = `nearest: ${names[near]}, ${wrong} off`;
    nearest.canvas.setAttribute("aria-label", `The nearest stored digit, the ${names[near]}: ${wrong} pixels differ.`);
    const { energies } = answer, low = Math.min(level, ...energies), high = Math.max(level, ...energies), room = 0.08 * (high - low) || 0.1;
    course.update({
      series: [{ points: energies.map((own, i) => [sweepsAt(i), own]), kind: "series-0 chosen", label: "this state", dots: false },
        { points: [[0, level], [Math.max(1, sweepsAt(final())), level]], kind: "series-1", label: "the stored digit", dots: false }],
      xs: [0, Math.max(1, sweepsAt(final()))], ys: [low - room, high + room], marker: [sweepsAt(at), energies[at]], format: signed, across: signed,
      alt: `The energy goes from ${signed(energies[0])} to ${signed(last(energies))}; the stored digit's is ${signed(level)}.`,
    });
    alike.update({
      values: overlaps, kinds: overlaps.map((_, i) => (i === digit ? "true" : "")), labels: overlaps.map((_, i) => names[i].slice(-1)),
      marks: [[near, wrong ? "?" : "✓", wrong ? "wrong" : ""]], low: Math.min(0, ...overlaps), high: 1.05,
      alt: `The state overlaps most with the stored ${names[near]}: ${overlaps[near].toFixed(2)}.`,
    });
  }

  function showBasin() {
    const { damage, digit, stored: k, noise } = state(), key = `${heldKey},${damage}`;
    if (key !== basinKey) {
      [basinKey, basin] = [key, null];
      stop();
      stop = measureBasin(held, damage, (shares, tries) => ((basin = { shares, tries }), showBasin()));
    }
    basinChart.classList.toggle("stale", !basin);
    if (!basin) return;
    const mean = LEVELS.map((_, level) => sum(basin.shares.map((own) => own[level])) / k), own = basin.shares[digit];
    const shown = own ?? mean, at = Math.min(LEVELS.length - 2, Math.floor(noise / 5)), part = noise / 5 - at;
    basinChart.update({
      series: [...(own ? [{ points: LEVELS.map((level, i) => [level, own[i]]), kind: "series-0 chosen", label: `the ${names[digit]}` }] : []),
        { points: LEVELS.map((level, i) => [level, mean[i]]), kind: "series-1", label: `all ${k} stored digits` }],
      xs: [0, 0.5], ys: [0, 1], marker: [noise / 100, shown[at] + part * (shown[at + 1] - shown[at])], format: percent, across: percent,
      alt: `Of all stored digits ${percent(mean[0])} come back without noise, ${percent(mean[4])} at 20 %, ${percent(mean[8])} at 40 %.`,
    });
    basinChart.firstChild.textContent = `share that comes back, bit for bit, ${damage === "covered" ? "one try" : `${basin.tries} of ${TRIES} tries`} each`;
  }

  root.append(
    element("div", { className: "stage strip" }, element("figure", {}, pad, element("figcaption", {}, "draw, or pick ", wipe)), framed(asks, again), framed(now), framed(nearest)),
    element("div", { className: "verdict beside" }, element("div", {}, ...big), said),
    element("div", { className: "course" }, step, play), picker, controls,
    element("div", { className: "pair" }, course, alike), basinChart,
    numbers);
  listen(model, signal, ["stored", "rule", "order", "digit", "ink", "noise", "damage", "toss"], update);
  listen(model, signal, ["step"], () => showStep());
  update();
});

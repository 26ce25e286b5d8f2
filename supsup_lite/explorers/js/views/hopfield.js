// Digits in a Hopfield memory: what is asked, how it rolls into a valley, and whose valley it is.
// Uses many parts, numbers, mnist, noise, retrieval, basin and aboutRecall.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, change, traits } = supsup.model;
  const { fetchAsset } = supsup.assets;
  const { explorer } = supsup.explorer;
  const { slider } = supsup.sliders;
  const { select } = supsup.selects;
  const { headline } = supsup.headline;
  const { imageChoice } = supsup.imageChoice;
  const { player } = supsup.player;
  const { numbersTable } = supsup.table;
  const { ORANGE, grey, paint, paintSpins } = supsup.images;
  const { indexOfMax, range } = supsup.numbers;
  const { percentSign } = supsup.format;
  const { SIDE, PIXELS } = supsup.mnist;
  const { corrupt } = supsup.noise;
  const { spinsOf, distance, overlaps, memorise, retrieve } = supsup.retrieval;
  const { measureBasin } = supsup.basin;
  const { findingOf } = supsup.aboutRecall;
  const { energyChart, overlapChart, basinChart } = supsup.recallCharts;

  /**
   * @typedef {object} State
   * @property {number} stored
   * @property {Rule} rule
   * @property {Order} order
   * @property {number} digit that is asked for, -1 for a drawing
   * @property {number} noise in percent
   * @property {Damage} damage
   * @property {number} draw
   */

  const STATE = ["stored", "rule", "order", "digit", "noise", "damage", "draw"];
  const DAMAGES = { turned: "turned at random", covered: "covered from below" };
  const RULES = { hebb: "Hebb", storkey: "Storkey", centred: "centred Hebb" };
  const ORDERS = { asynchronous: "one after the other", synchronous: "all at once" };

  /** @param {number} value */
  const colourOfDifference = (value) => (value === 0.5 ? ORANGE : grey(value));

  /** A picture with a caption. @param {HTMLElement[]} more beside the caption */
  function framed(...more) {
    const canvas = element("canvas", { role: "img" });
    const words = element("span");
    const figure = element("figure", {}, canvas, element("figcaption", {}, words, ...more));
    /** @param {string} caption @param {string} alt */
    const describe = (caption, alt) => {
      words.textContent = caption;
      canvas.setAttribute("aria-label", alt);
    };
    return Object.assign(figure, { canvas, describe });
  }

  return explorer("What does the memory answer?", async (host) => {
    const { model, root, signal } = host;
    const digits = await fetchAsset(model, "digits");
    const count = digits.length / (PIXELS + 1);
    const labels = digits.subarray(count * PIXELS);
    // The file has a class's digits together; here the first of each class come, then the second.
    const places = range(count).map((i) => (count / 10) * (i % 10) + Math.floor(i / 10));
    const images = places.map((at) => digits.subarray(PIXELS * at, PIXELS * (at + 1)));
    const names = places.map((at, i) => (i < 10 ? `${labels[at]}` : `second ${labels[at]}`));
    const patterns = images.map(spinsOf);
    /** @returns {State} */
    const state = () => /** @type {any} */ (traits(model, STATE));
    const sweep = () => (model.get("order") === "synchronous" ? 1 : SIDE); // steps of it

    // --- the pictures
    const choice = imageChoice(host, images, {
      title: "ask for a digit; pale ones are not stored",
      label: (i) => `ask for the ${names[i]}`,
      hint: "draw, or pick",
      reset: { step: -1 },
    });
    const again = element("button", {
      type: "button",
      textContent: "Again",
      title: "turn other pixels",
      onclick: () => change(model, { draw: (model.get("draw") + 1) % 1000, step: -1 }),
    });
    const [asked, now, nearest] = [framed(again), framed(), framed()];
    const headlines = [headline({ ariaHidden: "true" }), headline({ ariaHidden: "true" })];
    const status = element("p", { className: "status", role: "status" });

    // --- the controls: whatever else moves, the last state is shown again
    const controls = element(
      "div",
      { className: "controls" },
      slider(host, "stored", "digits stored, k", { min: 1, max: count }),
      slider(host, "noise", "pixels spoiled", { min: 0, max: 50, format: percentSign }),
      select(host, "rule", "rule", () => Object.entries(RULES)),
      select(host, "damage", "spoiled how", () => Object.entries(DAMAGES)),
      select(host, "order", "units turn", () => Object.entries(ORDERS)),
    );
    controls.addEventListener("input", () => change(model, { step: -1 }));
    const key = () => [model.get("stored"), model.get("rule"), model.get("order")].join();
    const memoryNow = () => {
      const { stored, rule, order } = state();
      return memorise(patterns.slice(0, stored), rule, order);
    };
    let memory = memoryNow();
    let memoryKey = key();
    /** @type {Answer | null} */
    let answer = null;
    const steps = player(host, { final: () => (answer ? answer.states.length - 1 : 0), sweep });

    // --- the charts
    const energies = energyChart();
    const alike = overlapChart();
    const basins = basinChart();
    const numbers = numbersTable("The numbers");
    let basinKey = "";
    let stopBasin = () => {};
    signal?.addEventListener("abort", () => stopBasin());

    function update() {
      const { rule, digit, noise, damage, draw } = state();
      if (key() !== memoryKey) [memory, memoryKey] = [memoryNow(), key()];
      const clean = spinsOf(choice.image());
      const probe = corrupt(clean, noise / 100, damage, choice.isDrawing() ? count : digit, draw);
      const found = retrieve(memory, probe);
      answer = found;
      steps.refresh();
      const wrong = Math.round((PIXELS * noise) / 100);
      const finding = findingOf(memory, found, names, digit, { rule, wrong });
      headlines[0].show(finding.words, finding.right);
      headlines[1].show(finding.stable, finding.stableRight);
      status.textContent = finding.sentence;
      paintSpins(asked.canvas, probe, SIDE);
      const differ = `${distance(probe, clean)} pixels differ from the picture`;
      asked.describe("asked", `What the memory is asked: ${differ}.`);
      again.hidden = damage === "covered";
      choice.show(memory.patterns.length);
      const [before, after] = [overlaps(memory, probe), overlaps(memory, found.end)];
      numbers.update(
        ["stored digit", "stands", "spread", "overlap, asked", "overlap, end"],
        memory.patterns.map((_, i) => [
          names[i],
          memory.stable[i] ? "yes" : "no",
          memory.spreads[i].toFixed(4),
          before[i].toFixed(4),
          after[i].toFixed(4),
        ]),
      );
      showStep();
      showBasin();
      if (model.get("answer") !== found.exact) change(model, { answer: found.exact });
    }

    function showStep() {
      if (!answer) return;
      const { states } = answer;
      const final = states.length - 1;
      const step = steps.shown();
      const z = states[step];
      const alikeNow = overlaps(memory, z);
      const near = indexOfMax(alikeNow);
      const nearPattern = memory.patterns[near];
      const wrong = distance(z, nearPattern);
      const { digit } = state();
      const digitsAfterPoint = states.length > 1 && sweep() > 1 ? 1 : 0;
      const after = `after ${(step / sweep()).toFixed(digitsAfterPoint)} sweeps`;
      paintSpins(now.canvas, z, SIDE);
      now.describe(step === final ? "answer" : after, `The state at step ${step} of ${final}.`);
      const difference = Array.from(nearPattern, (v, j) => (v === z[j] ? (v + 1) / 2 : 0.5));
      paint(nearest.canvas, difference, SIDE, colourOfDifference);
      nearest.describe(
        `nearest: ${names[near]}, ${wrong} off`,
        `The nearest stored digit, the ${names[near]}: ${wrong} pixels differ.`,
      );
      const stored = memory.patterns[digit] ?? nearPattern;
      energies.show(memory, answer.energies, stored, step, sweep());
      alike.show(alikeNow, names, digit, { near, wrong });
    }

    function showBasin() {
      const { damage, digit, noise } = state();
      const newKey = `${memoryKey},${damage}`;
      if (newKey !== basinKey) {
        basinKey = newKey;
        basins.forget();
        stopBasin();
        stopBasin = measureBasin(memory, damage, (shares, tries) => {
          basins.learn(shares, tries);
          showBasin();
        });
      }
      basins.show(names, digit, { noise, damage });
    }

    const verdict = element("div", { className: "verdict" }, ...headlines);
    root.append(
      element("div", { className: "stage strip" }, choice.figure, asked, now, nearest, verdict),
      status,
      steps,
      choice.picker,
      controls,
      element("div", { className: "curves" }, energies, alike, basins),
      numbers,
    );
    onChange(host, [...STATE, "ink"], update);
    onChange(host, ["step"], showStep);
    update();
    steps.playWhenSeen();
  });
})();

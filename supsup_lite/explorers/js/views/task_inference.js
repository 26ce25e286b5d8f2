// The centrepiece: an image comes without the name of its task, and the superposed network says
// which mask fits. Uses many parts, numbers, mnist, network, inference and aboutInference.
// @ts-check

export default (() => {
  const { element, legend } = supsup.elements;
  const { onChange, change, traits } = supsup.model;
  const { fetchAsset } = supsup.assets;
  const { explorer } = supsup.explorer;
  const { slider } = supsup.sliders;
  const { select } = supsup.selects;
  const { learningOffer } = supsup.offer;
  const { headline } = supsup.headline;
  const { imageChoice } = supsup.imageChoice;
  const { barChart } = supsup.bars;
  const { outputCharts } = supsup.outputCharts;
  const { unitChart } = supsup.unitChart;
  const { asking } = supsup.asking;
  const { numbersTable } = supsup.table;
  const { paintBytes } = supsup.images;
  const { range } = supsup.numbers;
  const { SIDE, PIXELS, normalise } = supsup.mnist;
  const { unpackNetwork } = supsup.network;
  const { infer } = supsup.inference;
  const { CLASSES, METHODS, outputsInWords } = supsup.aboutInference;
  const { votesOf, captionOfVotes, findingOf } = supsup.aboutInference;

  /** @typedef {{ name: string, outputs: number, sparsity: number, tasks: number }} Setting */

  const STATE = [
    "num_tasks",
    "task",
    "method",
    "objective",
    "step",
    "outputs",
    "sparsity",
    "digit",
  ];

  return explorer("Which task is this image from?", async (host) => {
    const { model, root } = host;
    const [digits, permutationBytes] = await Promise.all([
      fetchAsset(model, "digits"),
      fetchAsset(model, "permutations"),
    ]);
    const count = digits.length / (PIXELS + 1);
    const images = range(count).map((i) => digits.subarray(PIXELS * i, PIXELS * (i + 1)));
    const labels = digits.subarray(count * PIXELS);
    const permutations = new Uint16Array(permutationBytes.buffer);
    /** @type {Map<string, Network>} */
    const networks = new Map(); // by name of a setting

    // For a first look: what lesson 04 explains is folded, and words stand for symbols meanwhile.
    const short = model.get("short");
    const more = element("details", { className: "more" }, element("summary", {}, "More"));

    /** @returns {InferenceState} */
    const state = () =>
      /** @type {any} */ ({ ...traits(model, STATE), plain: short && !more.open });
    /** @returns {Setting[]} */
    const settings = () => model.get("learned");
    const settingNow = () => {
      const { outputs, sparsity } = state();
      return settings().find(
        (setting) => setting.outputs === outputs && setting.sparsity === sparsity,
      );
    };

    // --- the image, and what its task makes of it
    const choice = imageChoice(host, images, {
      title: "or take a test image",
      label: (i) => `test image ${i}, a ${labels[i]}`,
      hint: "draw a digit",
    });
    const shuffled = element("canvas", { role: "img" });
    const shuffledCaption = element("figcaption");
    const headlines = [headline({ ariaHidden: "true" }), headline({ ariaHidden: "true" })];
    const status = element("p", { role: "status" });

    // --- the controls
    const live = model.get("has_kernel");
    const most = live ? model.get("most_tasks") : Math.max(...settings().map(({ tasks }) => tasks));
    /** The values there are, from low to high. @param {"outputs" | "sparsity"} name */
    const valuesOf = (name) => {
      const offered = live ? model.get(`more_${name}`) : [];
      const all = new Set([...settings().map((setting) => setting[name]), ...offered]);
      return [...all].sort((a, b) => a - b);
    };
    const objective = select(host, "objective", "objective", () => [
      ["entropy", "H: entropy"],
      ["superfluous", "G: superfluous", model.get("outputs") <= CLASSES],
    ]);
    const controls = [
      slider(host, "task", "shuffled by task", { min: 0, max: most - 1 }),
      slider(host, "num_tasks", "tasks it knows, k", { min: 1, max: most }),
      select(host, "outputs", "outputs s", () =>
        valuesOf("outputs").map((s) => [s, short ? `${s}` : outputsInWords(s)]),
      ),
      select(host, "sparsity", "sparsity", () =>
        valuesOf("sparsity").map((value) => [value, `${value} % (density ${100 - value} %)`]),
      ),
      select(host, "method", "ask by", () => Object.entries(METHODS)),
      objective,
    ];
    const halving = slider(host, "step", "halving", { min: 0, max: 1 });
    const offer = learningOffer(host, () => {
      const { outputs, sparsity, num_tasks: tasks } = state();
      const known = settingNow()?.tasks ?? 0;
      if (known >= tasks) return null;
      const what = known
        ? `It knows ${known} tasks so far.`
        : `Nobody has learned masks with ${outputs} outputs and a sparsity of ${sparsity} % yet.`;
      const seconds = (tasks - known) * model.get("seconds"); // 0 until Python has learned some
      const time = seconds ? ` (about ${Math.ceil(seconds)} s)` : "";
      return {
        wanted: { outputs, sparsity, tasks },
        words: `${what} The picture still shows the setting before.`,
        button: `Learn ${tasks - known} masks${time}`,
      };
    });

    // --- the charts
    const votes = barChart({ height: 190, x: "mask i", y: "" });
    const outputs = outputCharts();
    const units = unitChart();
    const numbers = numbersTable("The numbers");
    const many = asking(host, () => {
      const network = networks.get(settingNow()?.name ?? "");
      const now = state();
      return network && network.k >= now.num_tasks ? { network, permutations, state: now } : null;
    });

    /** @param {Setting} setting */
    async function load(setting) {
      const widths = [PIXELS, 300, 100, setting.outputs];
      const bytes = await fetchAsset(model, setting.name);
      networks.set(setting.name, unpackNetwork(bytes, widths));
    }

    function update() {
      const now = state();
      const setting = settingNow();
      choice.show();
      offer.refresh();
      const known = setting && setting.tasks >= now.num_tasks;
      root.classList.toggle("waiting", !known);
      if (!known) return;
      const network = networks.get(setting.name);
      if (network && network.k >= now.num_tasks) {
        show(now, network);
        return;
      }
      root.classList.add("waiting");
      load(setting).then(update, (error) => {
        status.textContent =
          `These masks could not be read: ${error.message}. ` +
          "The picture shows the setting before.";
      });
    }

    /**
     * @param {InferenceState} now
     * @param {Network} network
     */
    function show(now, network) {
      root.classList.remove("waiting");
      if (now.outputs <= CLASSES && now.objective === "superfluous") {
        change(model, { objective: "entropy" }); // which comes back here
        return;
      }
      const grey = choice.image();
      const permutation = permutations.subarray(PIXELS * now.task, PIXELS * (now.task + 1));
      const seen = Float64Array.from(permutation, (from) => grey[from]);
      const inference = infer(network, normalise(seen), now);
      const finding = findingOf(inference, now, choice.isDrawing() ? null : labels[now.digit]);

      paintBytes(shuffled, seen, SIDE);
      const alt = `The image as task ${now.task} shuffles it: noise to our eyes.`;
      shuffled.setAttribute("aria-label", alt);
      shuffledCaption.textContent = `shuffled by task ${now.task}`;
      [finding.mask, finding.class].forEach(({ words, right }, i) => {
        const sign = right === null ? "" : right ? " ✓" : " ✗";
        headlines[i].show(`${words}${sign}`, right);
      });
      const empty = choice.isDrawing() && !choice.ink().some(Boolean);
      const reading = empty ? "The pad is empty: draw a digit." : finding.reading;
      status.textContent = `${finding.choice} ${reading}`;

      halving.hidden = now.method !== "binary";
      halving.input.max = `${Math.max(0, inference.steps.length - 1)}`;
      halving.refresh();
      halving.words.textContent = `halving: ${inference.shown.masks.length} left`;
      objective.input.disabled = now.method === "exhaustive";

      votes.caption.textContent = captionOfVotes(now);
      votes.update(votesOf(inference, now));
      outputs.show(inference, now.outputs, finding.reading);
      units.show(inference);
      numbers.update(
        ["mask", now.method === "exhaustive" ? "entropy" : "−gradient"],
        inference.values.map((value, mask) => [mask, value.toPrecision(8)]),
      );
      const { chosen, digit: answer } = inference;
      if (model.get("chosen") !== chosen || model.get("answer") !== answer)
        change(model, { chosen, answer });
    }

    const mainly = short ? 3 : controls.length; // of the controls; the rest is folded
    const inARow = element("div", { className: "controls" }, ...controls.slice(0, mainly));
    const masks = [
      ["", "a mask"],
      ["true", "the mask of the true task"],
    ];
    const extra = ["extra", "superfluous output"];
    const folded = element("div", { className: "controls" }, ...controls.slice(mainly));
    more.append(folded, halving, many, outputs, legend([extra]), units, numbers);

    root.append(
      element(
        "div",
        { className: "stage" },
        choice.figure,
        element("figure", {}, shuffled, shuffledCaption),
        element("div", { className: "verdict" }, ...headlines, status),
      ),
      choice.picker,
      inARow,
      offer,
    );
    if (short) root.append(votes, legend(masks), more);
    else root.append(halving, votes, legend([...masks, extra]), many, outputs, units, numbers);
    more.addEventListener("toggle", update);
    onChange(host, [...STATE, "ink", "learned"], update);
    onChange(host, ["outputs"], objective.refresh);
    onChange(host, ["learned"], () => controls.forEach((control) => control.refresh()));
    const setting = settingNow();
    if (!setting) throw new Error("nobody has learned masks of this setting");
    await load(setting);
    update();
  });
})();

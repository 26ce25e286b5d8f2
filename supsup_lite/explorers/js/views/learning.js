// The page learns: masks of a small network, or its weights, task after task. Uses many parts,
// numbers, learner, learnerPicture and aboutLearning.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, change, traits } = supsup.model;
  const { fetchAsset } = supsup.assets;
  const { explorer } = supsup.explorer;
  const { slider, steppedSlider } = supsup.sliders;
  const { select } = supsup.selects;
  const { headline } = supsup.headline;
  const { paint, paintBytes, viridis } = supsup.images;
  const { networkDrawing } = supsup.networkDrawing;
  const { learningCharts } = supsup.learningCharts;
  const { learningRun, SETTINGS } = supsup.learningRun;
  const { numbersTable } = supsup.table;
  const { percent, percentSign } = supsup.format;
  const { mean } = supsup.numbers;
  const { SIDE, PIXELS, TEST } = supsup.learner;
  const { NOTHING } = supsup.learnerPicture;
  const { emptyRecord, isDone, headlinesOf, findingOf, pausedOf, tableOf } = supsup.aboutLearning;

  const READY = "Press Learn: the digits are here, and this page does the rest.";
  const SPARSITIES = Array.from({ length: 19 }, (_, i) => 5 * (i + 1)); // percent
  const RATES = [0.001, 0.003, 0.01, 0.03];

  /** A small picture with a caption. @param {string} caption */
  function small(caption) {
    const canvas = element("canvas", { role: "img" });
    const words = element("figcaption", { textContent: caption });
    return Object.assign(element("figure", {}, canvas, words), { canvas, words });
  }

  return explorer("The page learns", async (host) => {
    const { model, root } = host;
    const isShort = model.get("short");
    const digits = await fetchAsset(model, "small-digits");
    const firstTest = (digits.length / (PIXELS + 1) - TEST) * PIXELS;
    const image = digits.subarray(firstTest, firstTest + PIXELS);

    // --- what is seen
    const headlines = [headline(), headline()];
    const status = element("p", { role: "status", textContent: READY });
    const drawing = networkDrawing();
    const [upright, shuffled] = [small("a digit"), small("as the task sees it")];
    const kept = small("");
    paintBytes(upright.canvas, image, SIDE);
    upright.canvas.setAttribute("aria-label", "A test image, upright.");
    const charts = learningCharts(isShort);
    const numbers = numbersTable("The numbers");

    /** @param {LearningRecord} record @param {SeenTask} seen */
    function showTask({ tasks, isTrained }, { shuffle, picture, isFresh }) {
      const task = tasks - 1;
      const what = isTrained ? "weights" : "edges that the mask keeps";
      drawing.show(picture, `Some ${what} while task ${task} is learned.`, isFresh);
      paintBytes(
        shuffled.canvas,
        Uint8Array.from(shuffle, (pixel) => image[pixel]),
        SIDE,
      );
      shuffled.canvas.setAttribute("aria-label", `The same pixels in the order of task ${task}.`);
      const usual = mean(picture.kept);
      const spread = Math.sqrt(mean(picture.kept.map((share) => (share - usual) ** 2))) || 1;
      paint(
        kept.canvas,
        picture.kept.map((share) => 0.5 + (share - usual) / (5 * spread)), // 2.5 on either side
        SIDE,
        viridis,
      );
      kept.words.textContent = `edges kept at each pixel, around ${percent(usual)}: bright is more`;
      kept.canvas.setAttribute("aria-label", kept.words.textContent);
    }

    /** @param {LearningRecord} record @param {SeenTask | null} seen */
    function show(record, seen) {
      const lines = headlinesOf(record);
      headlines.forEach((line, i) =>
        line.show(lines[i], record.tasks && isDone(record) ? true : null),
      );
      stage.classList.toggle("empty", !seen);
      kept.hidden = record.isTrained;
      if (seen) showTask(record, seen);
      else drawing.show(NOTHING, "Nothing is learned yet.", true);
      charts.show(record);
      numbers.update(...tableOf(record));
      refreshButtons(record);
    }

    /** @param {LearningRecord} record @param {Uint8Array | null} bits of its mask */
    function finish(record, bits) {
      status.textContent = findingOf(record);
      change(model, { accuracy: [...record.now] });
      if (!bits || !model.get("has_kernel")) return;
      const { rule, sparsity, rate, seed } = traits(model, SETTINGS);
      const mask = { rule, sparsity, rate, seed, task: record.tasks - 1 };
      model.send({ mask }, undefined, [new DataView(bits.buffer)]);
    }

    /** @param {LearningRecord} record */
    const pause = (record) => (status.textContent = pausedOf(record));

    /** @param {Error} error */
    const fail = (error) => (status.textContent = `The learner stopped: ${error.message}.`);

    const run = learningRun(host, digits, { show, pause, finish, fail });

    // --- what can be done
    const button = (/** @type {string} */ textContent, /** @type {() => void} */ onclick) =>
      element("button", { type: "button", textContent, onclick });
    const learn = button("Learn", () => {
      if (!run.isPlaying()) return run.play();
      run.stop();
      refreshButtons(shown);
    });
    learn.classList.add("main");
    const step = button("Step", run.oneStep);
    const reset = button("Reset", () => {
      run.reset();
      status.textContent = READY;
      if (document.activeElement === document.body) learn.focus();
    });
    let shown = emptyRecord();

    /** @param {LearningRecord} record */
    function refreshButtons(record) {
      shown = record;
      const going = isDone(record) ? "Next task" : "Go on";
      learn.textContent = run.isPlaying() ? "Pause" : record.tasks ? going : "Learn";
      learn.disabled = !run.canGoOn();
      step.disabled = run.isPlaying() || !run.canGoOn();
      reset.disabled = !record.tasks && !run.isPlaying();
    }

    const sparsity = steppedSlider(host, "sparsity", "sparsity", {
      values: () => SPARSITIES,
      format: percentSign,
    });
    const rule = select(host, "rule", "rule", () => [
      ["threshold", "threshold at 0"],
      ["edge-popup", "edge-popup"],
    ]);
    const trained = select(host, "trained", "what is learned", () => [
      ["masks", "masks, one a task"],
      ["weights", "weights, as usual"],
    ]);
    const fine = [
      rule,
      sparsity,
      select(host, "rate", "rate", () => RATES.map((rate) => [rate, String(rate)])),
      slider(host, "seed", "seed", { min: 0, max: 99 }),
    ];
    function refreshControls() {
      const isMasks = model.get("trained") === "masks";
      rule.input.disabled = !isMasks;
      sparsity.input.disabled = !isMasks || model.get("rule") !== "edge-popup";
    }

    const actions = element("div", { className: "actions" }, learn, step, reset);
    const controls = element("div", { className: "controls" }, trained, ...(isShort ? [] : fine));
    const pictures = element("div", { className: "pictures" }, upright, shuffled, kept);
    const stage = element("div", { className: "stage learning" }, drawing, pictures);
    const verdict = element("div", { className: "verdict beside" });
    verdict.append(element("div", {}, ...headlines), status);
    root.classList.add("learns");
    root.append(actions, controls, verdict, stage, charts);
    if (!isShort) root.append(numbers);
    onChange(host, SETTINGS, () => {
      refreshControls();
      run.reset();
      status.textContent = READY;
    });
    onChange(host, ["trouble"], () => {
      if (model.get("trouble")) status.textContent = model.get("trouble");
    });
    refreshControls();
    run.reset();
  });
})();

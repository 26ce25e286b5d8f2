// A stream whose tasks nobody announces: true tasks above, the masks they got below, and every
// decision of the learner. Uses many parts, numbers, nu, runs and aboutStream.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, change, traits } = supsup.model;
  const { inflate } = supsup.assets;
  const { explorer } = supsup.explorer;
  const { steppedSlider } = supsup.sliders;
  const { select } = supsup.selects;
  const { learningOffer } = supsup.offer;
  const { headline } = supsup.headline;
  const { barChart } = supsup.bars;
  const { streamChart } = supsup.streamChart;
  const { numbersTable } = supsup.table;
  const { percent, plural } = supsup.format;
  const { bytesOf } = supsup.numbers;
  const { NEW, knownByNu } = supsup.nu;
  const { batchesOf, numberAt } = supsup.runs;
  const { summaryOf, noteOf, decisionOf, rowOf } = supsup.aboutStream;

  /**
   * @typedef {object} State
   * @property {string} stream
   * @property {"paper" | "evidence"} rule
   * @property {number} eps
   * @property {number} batch
   */

  /** @type {SelectOption[]} */
  const RULES = [
    ["paper", "the paper's, with ε"],
    ["evidence", "evidence"],
  ];

  /** The name of a run. @param {{ stream: string, rule: string, eps: number }} state */
  const nameOf = ({ stream, rule, eps }) => `${stream}, ${rule === "paper" ? eps : "evidence"}`;

  /**
   * @param {number[]} values
   * @param {number} wanted
   * @param {(value: number) => number} [scale] on which they are near
   */
  const nearest = (values, wanted, scale = Number) => {
    /** @param {number} value */
    const away = (value) => Math.abs(scale(value) - scale(wanted));
    return values.reduce((a, b) => (away(b) < away(a) ? b : a));
  };

  return explorer("When is a new mask needed?", async (host) => {
    const { model, root } = host;
    /** @type {Record<string, { words: string, truth: Runs }>} */
    const streams = model.get("streams");
    const packed = model.get("stored");
    if (!packed?.byteLength) throw new Error("the stored runs are missing");
    const stored = JSON.parse(new TextDecoder().decode(await inflate(bytesOf(packed))));
    /** @returns {Record<string, StreamRun>} by name */
    const runs = () => ({ ...stored, ...model.get("learned") });
    /** @returns {State} */
    const state = () => /** @type {any} */ (traits(model, ["stream", "rule", "eps", "batch"]));
    const evidence = nameOf({ ...state(), rule: "evidence" });
    let shown = nameOf(state()) in runs() ? nameOf(state()) : evidence; // the last run there is
    if (!runs()[shown]) throw new Error(`the run “${shown}” is missing`);
    const batches = () => runs()[shown].decisions.map(({ step }) => step);

    /** @param {number} eps */
    const reachable = (eps) =>
      model.get("has_kernel") ||
      Object.keys(streams).some((stream) => nameOf({ stream, rule: "paper", eps }) in runs());
    /** @type {number[]} */
    const epsilons = [
      ...model.get("epsilons"),
      ...model.get("more_epsilons").filter(reachable),
    ].sort((a, b) => a - b);
    const batchSlider = steppedSlider(host, "batch", "decision at batch", { values: batches });
    /** @type {string[]} */
    const names = model.get("stream_names");
    const controls = element(
      "div",
      { className: "controls" },
      select(host, "stream", "stream", () => names.map((name) => [name, streams[name].words])),
      select(host, "rule", "rule", () => RULES),
      steppedSlider(host, "eps", "threshold ε", { values: () => epsilons }),
      batchSlider,
    );
    const offer = learningOffer(host, () => {
      const now = state();
      if (nameOf(now) in runs()) return null;
      const { stream, eps } = now;
      const seconds = Math.ceil(batchesOf(streams[stream].truth) / 100);
      return {
        wanted: { stream, eps },
        words:
          `No learner has read this stream with ε = ${eps} yet. ` +
          "The picture shows the run before.",
        button: `Read it (about ${seconds} s)`,
      };
    });
    const headlines = [headline(), headline()];
    const summary = element("p", { role: "status" });
    const note = element("p", { className: "scale" });
    const picture = streamChart(
      (batch) => change(model, { batch: nearest(batches(), batch) }),
      (wanted) => {
        const eps = nearest(epsilons, wanted, Math.log); // as the chart's scale is
        if (eps !== model.get("eps")) change(model, { eps });
      },
    );
    const bars = barChart({ height: 150, x: "mask i (new: an untrained one)", y: "" });
    const finding = element("p", { className: "finding" });
    const spoken = element("p", { className: "spoken", role: "status" }); // the finding, if news
    const numbers = numbersTable("The numbers");

    function update() {
      const now = state();
      offer.refresh();
      const known = nameOf(now) in runs();
      root.classList.toggle("waiting", !known);
      if (!known) return;
      shown = nameOf(now);
      if (!batches().includes(now.batch)) {
        change(model, { batch: nearest(batches(), now.batch) }); // which comes back here
        return;
      }
      batchSlider.refresh();
      show(now);
    }

    /** @param {State} now */
    function show({ stream, rule, eps, batch }) {
      const run = runs()[shown];
      const { truth } = streams[stream];
      const byPaper = rule === "paper";
      const tasks = new Set(truth.map(([task]) => task).filter((task) => task >= 0)).size;
      const right = run.masks === tasks && !run.misses && !run.false_alarms;
      headlines[0].show(`${plural(run.masks, "mask")} for ${tasks} tasks`, right);
      headlines[1].show(`purity ${percent(run.purity, 1)}`, run.purity > 0.99);
      const news = summaryOf(run, tasks, eps, byPaper);
      const isNews = summary.textContent !== news;
      if (isNews) summary.textContent = news; // written again, the same words might be spoken again
      note.textContent = noteOf(run, eps, byPaper);

      /** @param {Decision} decision */
      const isWrong = (decision) => {
        const choice = byPaper ? decision.mask : knownByNu(decision.gradient, eps);
        const isNew = choice === NEW || (byPaper && decision.new);
        return decision.counts && decision.known === isNew;
      };
      const wrong = `${run.decisions.filter(isWrong).length} decisions are on the wrong side`;
      const alt = `${summary.textContent} ${wrong} of ε = ${eps}.`;
      picture.update({ truth, run, eps, batch, isWrong, alt });

      const decision = run.decisions.find(({ step }) => step === batch) ?? run.decisions[0];
      const seen = decisionOf(decision, numberAt(truth, decision.step), eps, byPaper);
      bars.caption.textContent = seen.caption;
      bars.update(seen.bars);
      finding.textContent = seen.sentence;
      spoken.textContent = isNews ? "" : seen.sentence;
      numbers.update(
        ["batch", "task", "k max ν", "the test says", "decided"],
        run.decisions.map((each) => rowOf(each, truth, eps)),
      );
    }

    const verdict = element("div", { className: "verdict" }, ...headlines);
    const words = element("div", { className: "verdict" }, summary, note);
    const halves = element("div", { className: "halves" }, verdict, words);
    root.append(controls, offer, halves, picture, bars, finding, spoken, numbers);
    onChange(host, ["stream", "rule", "eps", "batch", "learned"], update);
    update();
    if (!root.classList.contains("waiting")) return;
    batchSlider.refresh();
    show({ ...state(), rule: "evidence" });
  });
})();

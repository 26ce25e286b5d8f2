// Masks and their rivals by bytes: who reads most within a budget, for so many tasks. Uses many
// parts, aboutCosts and aboutRivals.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { change, onChange, traits } = supsup.model;
  const { explorer } = supsup.explorer;
  const { steppedSlider } = supsup.sliders;
  const { select } = supsup.selects;
  const { headline } = supsup.headline;
  const { lineChart } = supsup.lines;
  const { numbersTable } = supsup.table;
  const { percent, thousands } = supsup.format;
  const { bytesInWords } = supsup.aboutCosts;
  const { bestWithin, findingOf } = supsup.aboutRivals;

  const HEAD = ["k", "method", "bytes", "accuracy", "least to most", "seeds", "rate"];

  /** @param {Contestant} row */
  const cellsOf = (row) => [
    row.tasks,
    row.method,
    thousands(row.bytes),
    row.accuracy.toFixed(4),
    `${row.low.toFixed(4)} to ${row.high.toFixed(4)}`,
    row.seeds,
    row.lr,
  ];

  return explorer("Which method, for so many bytes?", (host) => {
    const { model, root } = host;
    /** @type {Record<string, { words: string, chance: number }>} */
    const races = model.get("races");
    /** @type {Contestant[]} */
    const rows = model.get("rows");
    if (!rows?.length) throw new Error("the stored results are missing");
    /** @type {string[]} */
    const names = model.get("race_names");

    const inRace = () => rows.filter(({ race }) => race === model.get("race"));
    const counts = () => [...new Set(inRace().map(({ tasks }) => tasks))].sort((a, b) => a - b);
    const methods = () => [...new Set(inRace().map(({ method }) => method))];

    const tasks = steppedSlider(host, "num_tasks", "tasks k", { values: counts });
    const budget = steppedSlider(host, "budget", "bytes that you have", {
      values: () => model.get("budgets"),
      format: bytesInWords,
    });
    const race = select(host, "race", "race", () => names.map((name) => [name, races[name].words]));
    const controls = element("div", { className: "controls" }, budget, tasks, race);
    const headlines = [headline(), headline()];
    const status = element("p", { className: "finding", role: "status" });
    const byBytes = lineChart({ height: 260, x: "bytes of all tasks together", y: "" });
    const byTasks = lineChart({ height: 200, x: "tasks k", y: "accuracy by number of tasks" });
    const numbers = numbersTable("The measured numbers");

    /** Those of one method, by k. @param {string} method */
    const runOf = (method) => inRace().filter((row) => row.method === method);

    /** Each race was measured at numbers of tasks of its own: move to the nearest. */
    function keepToCounts() {
      const k = model.get("num_tasks");
      const nearest = counts().reduce((a, b) => (Math.abs(b - k) < Math.abs(a - k) ? b : a));
      if (nearest !== k) change(model, { num_tasks: nearest });
      tasks.refresh();
    }

    function update() {
      const { num_tasks: k, budget: limit } = traits(model, ["num_tasks", "budget"]);
      const here = inRace().filter((row) => row.tasks === k);
      const best = bestWithin(here, limit);
      headlines[0].show(best ? best.method : "nothing fits");
      headlines[1].show(best ? `${percent(best.accuracy, 1)} right` : bytesInWords(limit));
      status.textContent = findingOf(here, limit);
      const { words, chance } = races[model.get("race")];
      const floor = Math.floor(10 * Math.min(...inRace().map((row) => row.accuracy))) / 10;
      const low = Math.max(chance, floor);
      const sizes = inRace().map((row) => Math.log10(row.bytes));
      const ends = [Math.min(...sizes, 4.5), Math.max(...sizes)];
      byBytes.caption.textContent =
        `accuracy by bytes: ${words}. A line leads from ${counts()[0]} tasks to ${k}; ` +
        "beyond the upright line is more than you have";
      const lines = methods().map((method, i) => ({
        kind: `series-${i}`,
        label: method,
        points: runOf(method)
          .filter((row) => row.tasks <= k)
          .map((row) => [Math.log10(row.bytes), row.accuracy]),
      }));
      const end = Math.min(Math.max(Math.log10(limit), ends[0]), ends[1]);
      const limitAt = [low, 1].map((share) => [end, share]);
      const upright = { kind: "limit", label: "", dots: false, points: limitAt };
      byBytes.update({
        series: [...lines, upright],
        xs: ends,
        ys: [low, 1],
        format: percent,
        formatX: (power) => (Number.isInteger(power) ? bytesInWords(10 ** power) : ""),
        marker: best ? [Math.log10(best.bytes), best.accuracy] : undefined,
        alt: status.textContent ?? "",
      });
      const last = methods().map((method) => `${method} ${percent(runOf(method)[0].accuracy)}`);
      byTasks.update({
        series: methods().map((method, i) => ({
          kind: `series-${i}`,
          label: "", // the key stands above
          points: runOf(method).map((row) => [Math.log10(row.tasks), row.accuracy]),
        })),
        xs: [Math.log10(counts()[0]), Math.log10(counts()[counts().length - 1])],
        ys: [low, 1],
        format: percent,
        formatX: (power) => thousands(Math.round(10 ** power)),
        marker: best ? [Math.log10(k), best.accuracy] : undefined,
        alt: `At ${counts()[0]} tasks: ${last.join("; ")}.`,
      });
      numbers.update(HEAD, inRace().map(cellsOf));
    }

    const verdict = element("div", { className: "verdict" }, ...headlines);
    root.append(verdict, controls, byBytes, status, byTasks, numbers);
    onChange(host, ["race"], keepToCounts);
    onChange(host, ["num_tasks", "race", "budget"], update);
    update();
  });
})();

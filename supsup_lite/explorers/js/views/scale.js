// What k tasks cost: bytes in five ways of writing them, operations, and accuracies where they were
// measured. Uses many parts, costs and aboutCosts.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange, traits } = supsup.model;
  const { explorer } = supsup.explorer;
  const { steppedSlider } = supsup.sliders;
  const { select } = supsup.selects;
  const { headline } = supsup.headline;
  const { lineChart } = supsup.lines;
  const { numbersTable } = supsup.table;
  const { percent, percentSign, thousands } = supsup.format;
  const { bytesOfTask } = supsup.costs;
  const { bytesInWords, findingOf } = supsup.aboutCosts;
  const { bytesTable, operationsTable } = supsup.costTables;

  /** @type {["task_accuracy" | "GNu", string][]} */
  const SHARES = [
    ["task_accuracy", "task found"],
    ["GNu", "task and digit (GNu)"],
  ];

  /** @param {Result} row */
  const settingOf = ({ outputs, recipe }) => `s = ${outputs}, ${recipe} recipe`;

  /**
   * Of several results with one setting and one k, the one from most inferences.
   * @param {Result[]} rows
   */
  function surest(rows) {
    /** @type {Map<string, Result>} */
    const best = new Map(); // by setting and k
    for (const row of rows) {
      const key = `${settingOf(row)}, ${row.tasks}`;
      if ((best.get(key)?.inferences ?? 0) < row.inferences) best.set(key, row);
    }
    return [...best.values()];
  }

  /**
   * The nearest number of tasks, by ratio.
   * @param {number[]} counts
   * @param {number} k
   */
  function nearest(counts, k) {
    /** @param {number} count */
    const ratio = (count) => Math.abs(Math.log(count / k));
    return counts.reduce((a, b) => (ratio(b) < ratio(a) ? b : a), counts[0]);
  }

  const MOST_DRAWN = 3; // settings: two lines each, and no more colours

  /** Where an axis of shares starts. @param {number[]} shares */
  const floorOf = (shares) => Math.floor(10 * Math.min(0.9, ...shares)) / 10;

  /** @param {Result} row */
  const cellsOf = (row) => [
    row.tasks,
    row.outputs,
    row.recipe,
    row.GG.toFixed(4),
    row.task_accuracy.toFixed(4),
    row.GNu.toFixed(4),
    row.GNu_interval_95.map((end) => end.toFixed(4)).join(" to "),
    row.inferences,
    row.result,
  ];
  const HEAD = ["k", "s", "recipe", "GG", "task found", "GNu", "95 %", "inferences", "result"];

  return explorer("What does a task cost?", (host) => {
    const { model, root } = host;
    /** @type {Record<string, { words: string, shapes: Shapes }>} */
    const networks = model.get("networks");
    /** @type {Result[]} */
    const rows = model.get("rows");
    /** @type {{ network: string, outputs: number, tasks: number, GNu: number }[]} */
    const paper = model.get("paper");
    if (!rows?.length) throw new Error("the stored results are missing");

    /** @type {string[]} */
    const names = model.get("network_names");
    const controls = element(
      "div",
      { className: "controls" },
      steppedSlider(host, "num_tasks", "tasks k", { values: () => model.get("task_counts") }),
      steppedSlider(host, "density", "density", {
        values: () => model.get("densities"),
        format: percentSign,
      }),
      select(host, "network", "network", () => names.map((name) => [name, networks[name].words])),
    );
    const headlines = [headline(), headline()];
    const status = element("p", { className: "finding", role: "status" });
    const bytes = bytesTable();
    const operations = operationsTable(model.get("training"));
    const byTasks = lineChart({ height: 230, x: "tasks k", y: "" });
    const byDensity = lineChart({ height: 190, x: "density: % of weights kept", y: "" });
    const numbers = numbersTable("The measured numbers");

    function update() {
      const { num_tasks: k, network, density } = traits(model, ["num_tasks", "network", "density"]);
      const { words, shapes } = networks[network];
      const measured = rows.filter((row) => row.network === network && row.density === density);
      const results = surest(measured);
      const near = nearest(
        results.map((row) => row.tasks),
        k,
      );
      const nearResults = results.filter((row) => row.tasks === near).sort((a, b) => b.GNu - a.GNu);
      const exact = near === k ? nearResults[0] : undefined;
      headlines[0].show(`${bytesInWords(k * bytesOfTask(shapes, density / 100).bits)} of masks`);
      headlines[1].show(exact ? `${percent(exact.GNu, 1)} right` : "not measured");
      status.textContent = findingOf(words, density, k, nearResults, near);
      bytes.update(shapes, density / 100, k);
      operations.update(shapes, k);
      showByTasks(network, density, results, exact);
      showByDensity(network, density, k);
      numbers.update(HEAD, measured.map(cellsOf));
    }

    /**
     * @param {string} network
     * @param {number} density
     * @param {Result[]} results
     * @param {Result} [exact]
     */
    function showByTasks(network, density, results, exact) {
      const settings = [...new Set(results.map(settingOf))];
      /** @param {string} setting */
      const sizeOf = (setting) => results.filter((row) => settingOf(row) === setting).length;
      const drawn = settings.sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, MOST_DRAWN);
      const ours = drawn.flatMap((setting, i) => {
        const found = results.filter((row) => settingOf(row) === setting);
        return SHARES.map(([key, label], j) => ({
          kind: `series-${2 * i + j}`,
          label: `${label}, ${setting}`,
          points: found.map((row) => [Math.log10(row.tasks), row[key]]),
        }));
      });
      const theirs = paper
        .filter((row) => row.network === network)
        .map((row) => ({
          kind: "paper",
          label: `the paper, s = ${row.outputs}: ${percent(row.GNu, 2)} (GNu)`,
          points: [[Math.log10(row.tasks), row.GNu]],
        }));
      const series = [...ours, ...theirs];
      byTasks.hidden = !series.length;
      const where = `${networks[network].words}, density ${percentSign(density)}`;
      const other = theirs.length
        ? "The paper has more outputs and another recipe"
        : "The paper shows a curve, and gives no number, for this network";
      const nothing = ours.length ? "" : ": nothing";
      const rest = settings.slice(MOST_DRAWN).map((setting) => setting.replace(/,.*/, ""));
      const more = rest.length ? ` The table also has ${rest.join(" and ")}.` : "";
      const what = `measured by number of tasks: ${where}${nothing}`;
      byTasks.caption.textContent = `${what}. ${other}.${more}`;
      byTasks.update({
        series,
        xs: [0, Math.log10(2500)],
        ys: [floorOf(series.flatMap(({ points }) => points.map(([, share]) => share))), 1],
        format: percent,
        formatX: (power) => thousands(10 ** power),
        marker: exact && [Math.log10(exact.tasks), exact.GNu],
        alt: status.textContent ?? "",
      });
    }

    /**
     * @param {string} network
     * @param {number} density
     * @param {number} k
     */
    function showByDensity(network, density, k) {
      const swept = rows.filter(
        (row) =>
          row.network === network && row.recipe === "default" && row.result.startsWith("scale,"),
      );
      const size = nearest(
        swept.map((row) => row.tasks),
        k,
      );
      const slice = swept.filter((row) => row.tasks === size).sort((a, b) => a.density - b.density);
      const here = slice.find((row) => row.density === density);
      /** @type {["task_accuracy" | "GG" | "GNu", string, string][]} */
      const lines = [
        ["task_accuracy", "series-0", "task found"],
        ["GG", "series-2", "digit right, task given (GG)"],
        ["GNu", "series-1", "task and digit (GNu)"],
      ];
      const far = size === k ? "" : " (the nearest number measured)";
      const shares = slice.map((row) => `${row.density} %: ${percent(row.GNu, 1)}`).join("; ");
      byDensity.hidden = !slice.length;
      byDensity.caption.textContent = `measured by density, at ${size} tasks${far}, default recipe`;
      byDensity.update({
        series: lines.map(([key, kind, label]) => ({
          kind,
          label,
          points: slice.map((row) => [row.density, row[key]]),
        })),
        xs: [0, 100],
        ys: [floorOf(slice.flatMap((row) => [row.task_accuracy, row.GNu])), 1],
        format: percent,
        marker: here && [density, here.GNu],
        alt: `${networks[network].words}, ${size} tasks, by density: ${shares}.`,
      });
    }

    // The answer first. Words whose length changes stand below the controls, which stay in place.
    const verdict = element("div", { className: "verdict" }, ...headlines);
    root.append(verdict, controls, bytes, status, operations, byTasks, byDensity, numbers);
    onChange(host, ["num_tasks", "network", "density"], update);
    update();
  });
})();

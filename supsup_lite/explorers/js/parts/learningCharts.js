// The learning explorer's charts: accuracy of all tasks, each task now, loss, and flipped bits.
// Uses elements, bars, lines, format and numbers.
// @ts-check

supsup.learningCharts = (() => {
  const { element } = supsup.elements;
  const { barChart } = supsup.bars;
  const { lineChart } = supsup.lines;
  const { percent, thousands } = supsup.format;
  const { last } = supsup.numbers;

  const HEIGHT = 150;

  /** Steps of the run up to the end of the task that is learned. @param {LearningRecord} record */
  const endOf = ({ tasks, steps }) => Math.max(1, tasks) * steps;

  function tasksChart() {
    const y = "accuracy of each task, now";
    const chart = barChart({ height: HEIGHT, x: "task", y });
    /** @param {LearningRecord} record */
    const show = ({ now, learned, tasks }) => {
      /** @type {[number, string, string][]} */
      const marks = now.map((share, task) => {
        const change = Math.round(100 * (share - (learned[task] ?? share)));
        if (!change || task === tasks - 1) return [task, percent(share), ""];
        return [task, `${change > 0 ? "+" : "\u2212"}${Math.abs(change)}`, "red"];
      });
      chart.update({
        values: now.length ? now : [0],
        kinds: now.map((_, task) => (task === tasks - 1 ? "chosen" : "")),
        marks,
        high: 1,
        format: percent,
        alt:
          now.map((share, task) => `Task ${task}: ${percent(share)}.`).join(" ") ||
          "No task is learned yet.",
      });
    };
    return Object.assign(chart, { show });
  }

  function accuracyChart() {
    const y = "accuracy of each task, while others are learned";
    const chart = lineChart({ height: HEIGHT, x: "training step, over all tasks", y });
    /** @param {LearningRecord} record */
    const show = (record) =>
      chart.update({
        series: record.curves.map((points, task) => ({
          points,
          kind: `series-${task % 7}${task === record.tasks - 1 ? " chosen" : ""}`,
          label: `task ${task}`,
          dots: false,
        })),
        xs: [0, endOf(record)],
        ys: [0, 1],
        format: percent,
        alt:
          record.curves
            .filter(({ length }) => length)
            .map((points, task) => `Task ${task} is at ${percent(last(points)[1])}.`)
            .join(" ") || "No task is learned yet.",
      });
    return Object.assign(chart, { show });
  }

  /**
   * One number for each step.
   * @param {string} y
   * @param {(record: LearningRecord) => number[]} values
   * @param {(value: number) => string} format
   * @param {(record: LearningRecord) => string} describe
   * @param {number} least upper end of the scale
   */
  function stepsChart(y, values, format, describe, least) {
    const chart = lineChart({ height: 120, x: "training step, over all tasks", y });
    /** @param {LearningRecord} record */
    const show = (record) => {
      const numbers = values(record);
      chart.update({
        series: [
          {
            points: numbers.map((value, i) => [i + 1, value]),
            kind: "series-0",
            label: "",
            dots: false,
          },
        ],
        xs: [0, endOf(record)],
        ys: [0, 1.05 * Math.max(...numbers, least)],
        format,
        alt: numbers.length ? describe(record) : `No ${y} yet.`,
      });
    };
    return Object.assign(chart, { show });
  }

  const lossChart = () =>
    stepsChart(
      "loss of each batch (nats)",
      ({ losses }) => losses,
      String,
      ({ losses }) => `The loss went from ${losses[0].toFixed(2)} to ${last(losses).toFixed(2)}.`,
      1,
    );

  const flipsChart = () =>
    stepsChart(
      "bits of the mask that a step flips",
      ({ flips }) => flips,
      thousands,
      ({ flips }) => `The last step flipped ${thousands(last(flips))} bits of the mask.`,
      100,
    );

  /** @param {boolean} isShort the bars alone */
  function learningCharts(isShort) {
    const tasks = tasksChart();
    const flips = flipsChart();
    const more = isShort ? [] : [accuracyChart(), lossChart(), flips];
    const pair = element("div", { className: "pair" }, ...more.slice(1));
    const node = element("div", {}, ...more.slice(0, 1), tasks, pair);
    /** @param {LearningRecord} record */
    const show = (record) => {
      flips.hidden = record.isTrained;
      for (const chart of [tasks, ...more]) chart.show(record);
    };
    return Object.assign(node, { show });
  }

  return { learningCharts };
})();

// Accuracy matrices as tasks are learned one after the other: what a method keeps, and what it
// forgets. Uses many parts, numbers and accuracy.
// @ts-check

export default (() => {
  const { element } = supsup.elements;
  const { onChange } = supsup.model;
  const { explorer } = supsup.explorer;
  const { slider } = supsup.sliders;
  const { select } = supsup.selects;
  const { learningOffer } = supsup.offer;
  const { headline } = supsup.headline;
  const { lineChart } = supsup.lines;
  const { accuracyMatrix } = supsup.matrix;
  const { numbersTable } = supsup.table;
  const { percent } = supsup.format;
  const { last, mean } = supsup.numbers;
  const { averageAccuracy, forgetting } = supsup.accuracy;

  /** @typedef {Record<string, number[][]>} Matrices rows by method */

  /** @param {number} tasks */
  const wholeNumber = (tasks) => (Number.isInteger(tasks) ? String(tasks) : "");

  return explorer("What does a method forget?", (host) => {
    const { model, root } = host;
    /** @type {string[]} */
    const methods = model.get("methods");
    /** @returns {Matrices} */
    const matrices = () => model.get("matrices");
    const learned = Math.min(...Object.values(matrices()).map((rows) => rows.length));
    const max = model.get("has_kernel") ? Math.max(learned, model.get("most_tasks")) : learned;
    /** @param {string} method */
    const rowsOf = (method) => matrices()[method].slice(0, model.get("num_tasks"));

    const controls = element(
      "div",
      { className: "controls" },
      select(host, "method", "method", () => methods.map((name) => [name, name])),
      slider(host, "num_tasks", "tasks", { min: 2, max }),
    );
    const offer = learningOffer(host, () => {
      const method = model.get("method");
      const tasks = model.get("num_tasks");
      const known = matrices()[method].length;
      if (known >= tasks) return null;
      return {
        wanted: { method, tasks },
        words:
          `${method} has learned ${known} tasks so far. It learns all of them again, from the ` +
          `first on; the picture shows ${known}.`,
        button: `Learn ${tasks} tasks by ${method}`,
      };
    });
    const headlines = [headline(), headline()];
    const status = element("p", { role: "status" });
    const caption = "accuracy (%): rows, after task; columns, on task";
    const picture = element("figure", {}, element("figcaption", {}, caption));
    const averages = lineChart({
      height: 220,
      x: "tasks learned",
      y: "average accuracy on all tasks so far",
    });
    const numbers = numbersTable("The numbers");

    function update() {
      const chosen = model.get("method");
      const rows = rowsOf(chosen);
      const k = rows.length;
      offer.refresh();
      const kept = averageAccuracy(rows);
      const lost = k > 1 ? forgetting(rows) : 0;
      const right = lost < 0.005 ? true : lost < 0.05 ? null : false;
      headlines[0].show(`average ${percent(kept, 1)}`, right);
      headlines[1].show(`forgotten ${percent(lost, 1)}`, right);
      status.textContent =
        `${chosen}, ${k} tasks: task 0 was read at ${percent(rows[0][0], 1)} when it was ` +
        `learned, and is read at ${percent(last(rows)[0], 1)} now.`;
      picture.querySelector("svg")?.remove();
      const alt = `Accuracy matrix of ${k} tasks, ${chosen}: ${status.textContent}`;
      picture.append(accuracyMatrix(rows, alt));
      const series = methods.map((label, i) => ({
        label,
        kind: `series-${i} ${label === chosen ? "chosen" : ""}`,
        points: rowsOf(label).map((row, t) => [t + 1, mean(row)]),
      }));
      const shares = series.flatMap(({ points }) => points.map(([, share]) => share));
      averages.update({
        series,
        xs: [1, model.get("num_tasks")],
        ys: [Math.floor(10 * Math.min(...shares)) / 10, 1],
        format: percent,
        formatX: wholeNumber,
        alt: `Average accuracy by number of tasks; ${chosen} ends at ${percent(kept, 1)}.`,
      });
      numbers.update(
        ["after task", ...rows.map((_, i) => `task ${i}`)],
        rows.map((row, t) => [t, ...row.map((value) => value.toFixed(6))]),
      );
    }

    const verdict = element("div", { className: "verdict" }, ...headlines, status);
    const right = element("div", {}, verdict, averages);
    const halves = element("div", { className: "halves" }, picture, right);
    root.append(controls, offer, halves, numbers);
    onChange(host, ["method", "num_tasks", "matrices"], update);
    update();
  });
})();

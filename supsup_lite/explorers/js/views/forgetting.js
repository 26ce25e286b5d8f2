// Accuracy matrices as tasks are learned one after the other: what a method keeps and forgets, and
// another beside it. Uses many parts, numbers and accuracy.
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
  const { last, mean, range } = supsup.numbers;
  const { averageAccuracy, forgetting } = supsup.accuracy;

  /** @type {Record<string, string>} */
  const WORDS = { method: "method", beside: "beside it" };

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

    const choices = methods.length > 1 ? ["method", "beside"] : ["method"];
    /** The methods shown, each once. @returns {string[]} */
    const chosen = () => [...new Set(choices.map((choice) => model.get(choice)))];

    const controls = element(
      "div",
      { className: "controls" },
      ...choices.map((choice) =>
        select(host, choice, WORDS[choice], () => methods.map((name) => [name, name])),
      ),
      slider(host, "num_tasks", "tasks", { min: 2, max }),
    );
    const offer = learningOffer(host, () => {
      const tasks = model.get("num_tasks");
      const method = chosen().find((name) => matrices()[name].length < tasks);
      if (!method) return null;
      const known = matrices()[method].length;
      return {
        wanted: { method, tasks },
        words:
          `${method} has learned ${known} tasks so far. It learns all of them again, from the ` +
          `first on; the picture shows ${known}.`,
        button: `Learn ${tasks} tasks by ${method}`,
      };
    });
    const sides = choices.map(side);
    const legend = element("p", { className: "scale" }, "Rows: after a task. Columns: on a task.");
    const status = element("p", { className: "finding", role: "status" });
    const averages = lineChart({
      height: 220,
      x: "tasks learned",
      y: "average accuracy on all tasks so far",
    });
    const numbers = numbersTable("The numbers");

    /** One method: its two numbers, and its matrix. @param {string} choice */
    function side(choice) {
      const headlines = [headline(), headline()];
      const caption = element("figcaption");
      const verdict = element("div", { className: "verdict" }, ...headlines);
      const picture = element("figure", {}, caption, verdict);
      const show = () => {
        const name = model.get(choice);
        const rows = rowsOf(name);
        const kept = averageAccuracy(rows);
        const lost = rows.length > 1 ? forgetting(rows) : 0;
        const right = lost < 0.005 ? true : lost < 0.05 ? null : false;
        headlines[0].show(`average ${percent(kept, 1)}`, right);
        headlines[1].show(`forgotten ${percent(lost, 1)}`, right);
        caption.textContent = `${name}: accuracy in %`;
        picture.querySelector("svg")?.remove();
        picture.append(accuracyMatrix(rows, `Accuracy matrix: ${findingOf(name)}.`));
      };
      return Object.assign(picture, { show });
    }

    /** @param {string} name of a method */
    function findingOf(name) {
      const rows = rowsOf(name);
      const [before, after] = [rows[0][0], last(rows)[0]].map((share) => percent(share, 1));
      const tasks = rows.length;
      return `${name} reads task 0 at ${before} at first, and at ${after} after ${tasks} tasks`;
    }

    function update() {
      offer.refresh();
      const names = chosen();
      for (const { show } of sides) show();
      status.textContent = `${names.map(findingOf).join("; ")}.`;
      const series = methods.map((label, i) => ({
        label,
        kind: `series-${i} ${names.includes(label) ? "chosen" : ""}`,
        points: rowsOf(label).map((row, t) => [t + 1, mean(row)]),
      }));
      const shares = series.flatMap(({ points }) => points.map(([, share]) => share));
      averages.update({
        series,
        xs: [1, model.get("num_tasks")],
        ys: [Math.floor(10 * Math.min(...shares)) / 10, 1],
        format: percent,
        formatX: wholeNumber,
        alt: `Average accuracy by number of tasks; ${names.map(endOf).join(", ")}.`,
      });
      numbers.update(
        ["method", "after task", ...range(model.get("num_tasks")).map((i) => `task ${i}`)],
        names.flatMap((name) =>
          rowsOf(name).map((row, t) => [name, t, ...row.map((value) => value.toFixed(6))]),
        ),
      );
    }

    /** @param {string} name of a method */
    const endOf = (name) => `${name} ends at ${percent(averageAccuracy(rowsOf(name)), 1)}`;

    root.append(
      controls,
      offer,
      element("div", { className: "halves" }, ...sides),
      legend,
      status,
      averages,
      numbers,
    );
    onChange(host, [...choices, "num_tasks", "matrices"], update);
    update();
  });
})();

// Accuracy matrices as tasks are learned one after the other: what a method keeps, and what it forgets.

const mean = (values) => values.reduce((all, value) => all + value, 0) / values.length;

// How much was lost of the best that was known, on average over all tasks but the last (Chaudhry et al. 2018).
function forgettingOf(rows) {
  const old = last(rows).slice(0, -1);
  return mean(old.map((now, task) => Math.max(...rows.slice(task, -1).map((row) => row[task])) - now));
}

const counted = (tasks) => (Number.isInteger(tasks) ? String(tasks) : "");
const average = (rows) => mean(last(rows));

// Rows are moments, columns tasks; the colour of a cell is its accuracy, and its number says it too.
function matrixPicture(rows) {
  const k = rows.length, cell = 40, left = 34, top = 24;
  const svg = drawn("svg", { class: "chart matrix", role: "img", viewBox: `0 0 ${left + k * cell} ${top + k * cell}` });
  rows.forEach((row, t) => {
    svg.append(drawn("text", { x: left - 6, y: top + (t + 0.6) * cell, "text-anchor": "end" }, t), drawn("text", { x: left + (t + 0.5) * cell, y: top - 8, "text-anchor": "middle" }, t));
    row.forEach((value, i) => {
      const colour = viridis(value), bright = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] > 120;
      svg.append(
        drawn("rect", { x: left + i * cell, y: top + t * cell, width: cell - 1, height: cell - 1, style: `fill: rgb(${colour.map(Math.round)})` }, drawn("title", {}, `task ${i} after task ${t}: ${percent(value, 2)}`)),
        drawn("text", { x: left + (i + 0.5) * cell, y: top + (t + 0.6) * cell, "text-anchor": "middle", style: `fill: ${bright ? "#000" : "#fff"}` }, Math.round(100 * value)),
      );
    });
  });
  return svg;
}

export default explorer("What does a method forget?", async ({ model, root, signal }) => {
  const live = model.get("has_kernel");
  const matrices = () => model.get("matrices"), names = model.get("methods");
  const there = Math.min(...Object.values(matrices()).map((rows) => rows.length));
  const most = live ? Math.max(there, model.get("most_tasks")) : there;
  const rowsNow = (name = model.get("method")) => matrices()[name].slice(0, model.get("num_tasks"));

  const controls = element("div", { className: "controls" },
    choice(model, signal, "method", "method", names.map((name) => [name, name])),
    slider(model, signal, "num_tasks", "tasks", { min: 2, max: most }));
  const offer = learningOffer(model, signal, () => {
    const method = model.get("method"), tasks = model.get("num_tasks"), have = matrices()[method].length;
    return have >= tasks ? null : {
      wanted: { method, tasks },
      words: `${method} has learned ${have} tasks so far. It learns all of them again, from the first on; the picture shows ${have}.`,
      button: `Learn ${tasks} tasks by ${method}`,
    };
  });
  const big = [0, 1].map(() => element("div", { className: "big" })), said = element("p", { role: "status" });
  const picture = element("figure", {}, element("figcaption", {}, "accuracy (%): rows, after task; columns, on task"));
  const averages = lineChart({ height: 220, x: "tasks learned", y: "average accuracy on all tasks so far" });
  const numbers = numbersTable("The numbers");

  function update() {
    const method = model.get("method"), rows = rowsNow(), k = rows.length;
    offer.tell();
    const kept = average(rows), lost = k > 1 ? forgettingOf(rows) : 0;
    big[0].textContent = `average ${percent(kept, 1)}`;
    big[1].textContent = `forgotten ${percent(lost, 1)}`;
    big.forEach((own) => (own.className = lost < 0.005 ? "big right" : lost < 0.05 ? "big open" : "big"));
    const first = rows[0][0], now = last(rows)[0];
    said.textContent = `${method}, ${k} tasks: task 0 was read at ${percent(first, 1)} when it was learned, and is read at ${percent(now, 1)} now.`;
    picture.querySelector("svg")?.remove();
    const svg = matrixPicture(rows);
    svg.setAttribute("aria-label", `Accuracy matrix of ${k} tasks, ${method}: ${said.textContent}`);
    picture.append(svg);
    const series = names.map((name, i) => ({ label: name, kind: `series-${i} ${name === method ? "chosen" : ""}`, points: rowsNow(name).map((row, t) => [t + 1, mean(row)]) }));
    const lowest = Math.min(...series.flatMap(({ points }) => points.map(([, share]) => share)));
    averages.update({ series, xs: [1, model.get("num_tasks")], ys: [Math.floor(10 * lowest) / 10, 1], format: percent, across: counted, alt: `Average accuracy by number of tasks; ${method} ends at ${percent(kept, 1)}.` });
    numbers.update(["after task", ...rows.map((_, i) => `task ${i}`)], rows.map((row, t) => [t, ...row.map((value) => value.toFixed(6))]));
  }

  root.append(controls, offer,
    element("div", { className: "halves" }, picture, element("div", {}, element("div", { className: "verdict" }, ...big, said), averages)), numbers);
  listen(model, signal, ["method", "num_tasks", "matrices"], update);
  update();
});

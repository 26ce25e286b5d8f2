// What an accuracy matrix says: rows are moments, columns tasks. Uses numbers.
// @ts-check

supsup.accuracy = (() => {
  const { last, mean } = supsup.numbers;

  /** Over all tasks, after the last one. @param {number[][]} rows */
  const averageAccuracy = (rows) => mean(last(rows));

  /**
   * How much was lost of the best that was known, on average over all tasks but the last (Chaudhry
   * et al. 2018).
   * @param {number[][]} rows
   */
  function forgetting(rows) {
    const old = last(rows).slice(0, -1);
    const best = old.map((_, task) => Math.max(...rows.slice(task, -1).map((row) => row[task])));
    return mean(old.map((now, task) => best[task] - now));
  }

  return { averageAccuracy, forgetting };
})();

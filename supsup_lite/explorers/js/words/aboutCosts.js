// What the scale explorer says: bytes and large numbers in words, and stored results. Uses format.
// @ts-check

/**
 * A stored result, of one number of tasks.
 * @typedef {object} Result
 * @property {string} network
 * @property {number} density in percent
 * @property {number} tasks
 * @property {number} outputs
 * @property {string} recipe
 * @property {number} GG
 * @property {number} GNu
 * @property {number[]} GNu_interval_95
 * @property {number} task_accuracy
 * @property {number[]} task_interval_95
 * @property {number} inferences
 * @property {string} result where it is stored
 */

supsup.aboutCosts = (() => {
  const { percent, percentSign, plural, thousands } = supsup.format;

  const UNITS = ["bytes", "kB", "MB", "GB"];
  const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const FLOPPY_DISK = 1.44e6;
  const CD = 7e8;

  /** @param {number} bytes */
  function bytesInWords(bytes) {
    const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
    const number = power ? +(bytes / 1000 ** power).toPrecision(3) : Math.round(bytes);
    return `${number}\u00a0${UNITS[power]}`;
  }

  /** @param {number} number */
  function scientific(number) {
    if (number < 1e4) return thousands(number);
    const [digits, power] = number.toExponential(1).split("e");
    const raised = [...String(+power)].map((digit) => SUPERSCRIPTS[+digit]).join("");
    return `${digits}\u00a0·\u00a010${raised}`;
  }

  /** Bytes in things that people know. @param {number} bytes */
  function compared(bytes) {
    if (bytes >= CD) return `${+(bytes / CD).toPrecision(2)} CDs`;
    if (bytes >= FLOPPY_DISK) return `${+(bytes / FLOPPY_DISK).toPrecision(2)} floppy disks`;
    return `${percent(bytes / FLOPPY_DISK)} of a floppy disk`;
  }

  /** @param {Result} row */
  function resultInWords(row) {
    const [low, high] = row.task_interval_95.map((end) => percent(end, 1));
    return (
      `s = ${row.outputs}, ${row.recipe} recipe: task found ${percent(row.task_accuracy, 1)} ` +
      `(95 %: ${low} to ${high}, ${thousands(row.inferences)} inferences), ` +
      `task and digit right ${percent(row.GNu, 1)}`
    );
  }

  /**
   * What was measured at k tasks, or next to them.
   * @param {string} network in words
   * @param {number} density
   * @param {number} k
   * @param {Result[]} results
   * @param {number} nearest number of tasks that was measured
   */
  function findingOf(network, density, k, results, nearest) {
    const kind = density === 50 ? "Threshold masks" : `Masks of density ${percentSign(density)}`;
    const found = results.map(resultInWords).join("; ");
    const what = !results.length
      ? "nobody has measured this density with this network."
      : nearest === k
        ? `measured with ${found}.`
        : `not measured. Nearest, ${nearest} tasks with ${found}.`;
    return `${kind} of ${network}, ${plural(k, "task")}: ${what}`;
  }

  return { bytesInWords, scientific, compared, findingOf };
})();

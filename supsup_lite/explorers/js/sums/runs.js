// Streams and masks as runs of batches: pairs of a number and how many batches have it. Uses
// numbers.
// @ts-check

/** @typedef {[number: number, batches: number][]} Runs below 0: noise, or nothing learned */

supsup.runs = (() => {
  const { sum } = supsup.numbers;

  /** @param {Runs} runs */
  const batchesOf = (runs) => sum(runs.map(([, batches]) => batches));

  /**
   * The number that a batch has.
   * @param {Runs} runs
   * @param {number} step
   */
  function numberAt(runs, step) {
    let start = 0;
    for (const [number, batches] of runs) {
      start += batches;
      if (step < start) return number;
    }
    throw new RangeError(`the stream has no batch ${step}`);
  }

  return { batchesOf, numberAt };
})();

// How often each stored digit comes back, bit for bit, at each level of noise. Uses numbers,
// recall, noise and slices.
// @ts-check

supsup.basin = (() => {
  const { last } = supsup.numbers;
  const { recall, same } = supsup.recall;
  const { corrupt } = supsup.noise;
  const { inSlices } = supsup.slices;

  const LEVELS = Array.from({ length: 11 }, (_, i) => 0.05 * i); // of noise
  const TRIES = 20;
  const DELAY = 60; // ms, in which whoever moves a slider moves on

  /**
   * Count in slices, and report the shares after each try.
   * @param {DigitMemory} memory
   * @param {Damage} damage
   * @param {(shares: number[][], tries: number) => void} report shares by digit and level
   * @returns {() => void} a function that stops it
   */
  function measureBasin({ spins, patterns, order }, damage, report) {
    const counts = patterns.map(() => LEVELS.map(() => 0));
    const most = damage === "covered" ? 1 : TRIES;
    let tries = 0;
    let at = 0; // of all digits and levels
    let reported = 0;
    /** @type {number[][]} */
    let shares = [];
    const countOne = () => {
      const i = at % patterns.length;
      const level = Math.floor(at / patterns.length);
      const probe = corrupt(patterns[i], LEVELS[level], damage, i, 1000 + tries);
      const { states, cycles } = recall(spins, probe, order);
      if (!cycles && same(last(states), patterns[i])) counts[i][level]++;
      if (++at < patterns.length * LEVELS.length) return true;
      [at, tries] = [0, tries + 1];
      shares = counts.map((row) => row.map((count) => count / tries));
      return tries < most;
    };
    const tell = () => {
      if (tries > reported) report(shares, (reported = tries));
    };
    return inSlices(countOne, tell, DELAY);
  }

  return { LEVELS, TRIES, measureBasin };
})();

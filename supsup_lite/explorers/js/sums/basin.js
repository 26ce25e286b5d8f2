// How often each stored digit comes back, bit for bit, at each level of noise. Uses numbers, recall
// and noise.
// @ts-check

supsup.basin = (() => {
  const { last } = supsup.numbers;
  const { recall, same } = supsup.recall;
  const { spoil } = supsup.noise;

  const LEVELS = Array.from({ length: 11 }, (_, i) => 0.05 * i); // of noise
  const TRIES = 20;
  const SLICE = 8; // ms of work at a time, so that every input is answered at once
  const PAUSE = 4; // ms between them

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
    let timer = 0;
    /** @type {number[][]} */
    let shares = [];
    const countOne = () => {
      const i = at % patterns.length;
      const level = Math.floor(at / patterns.length);
      const probe = spoil(patterns[i], LEVELS[level], damage, i, 1000 + tries);
      const { states, cycles } = recall(spins, probe, order);
      if (!cycles && same(last(states), patterns[i])) counts[i][level]++;
      if (++at < patterns.length * LEVELS.length) return;
      [at, tries] = [0, tries + 1];
      shares = counts.map((row) => row.map((count) => count / tries));
    };
    const countSlice = () => {
      const until = performance.now() + SLICE;
      const before = tries;
      while (tries < most && performance.now() < until) countOne();
      if (tries > before) report(shares, tries);
      if (tries < most) timer = setTimeout(countSlice, PAUSE);
    };
    timer = setTimeout(countSlice, 60);
    return () => clearTimeout(timer);
  }

  return { LEVELS, TRIES, measureBasin };
})();

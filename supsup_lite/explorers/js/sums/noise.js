// Corrupted patterns: the same ones as in Python.
// @ts-check

/** @typedef {"turned" | "covered"} Damage */

supsup.noise = (() => {
  /**
   * A number below 2^32 that looks random, for each number (the last step of MurmurHash3).
   * @param {number} n
   */
  function scramble(n) {
    n = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
    n = Math.imul(n ^ (n >>> 13), 0xc2b2ae35);
    return (n ^ (n >>> 16)) >>> 0;
  }

  /**
   * All units in some order: noise turns the first ones.
   * @param {number} d units
   * @param {number} place of the digit
   * @param {number} draw another one is another order
   */
  function noiseOrder(d, place, draw) {
    const seed = 1024 * (place + 64 * draw);
    const keys = Float64Array.from({ length: d }, (_, j) => scramble(j + seed) * 1024 + j);
    return keys.sort().map((key) => key % 1024);
  }

  /**
   * A pattern with a share of its units turned, or covered from below with -1.
   * @param {Float64Array} z
   * @param {number} share
   * @param {Damage} damage
   * @param {number} place of the digit
   * @param {number} draw
   */
  function corrupt(z, share, damage, place, draw) {
    const d = z.length;
    const count = Math.round(share * d);
    const corrupted = z.slice();
    if (damage === "covered") return corrupted.fill(-1, d - count);
    for (const j of noiseOrder(d, place, draw).subarray(0, count)) corrupted[j] *= -1;
    return corrupted;
  }

  return { corrupt };
})();

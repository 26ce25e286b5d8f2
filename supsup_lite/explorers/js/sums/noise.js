// Spoiled patterns: the same ones in Python.
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
   * @param {number} toss another one is another order
   */
  function noiseOrder(d, place, toss) {
    const seed = 1024 * (place + 64 * toss);
    const keys = Float64Array.from({ length: d }, (_, j) => scramble(j + seed) * 1024 + j);
    return keys.sort().map((key) => key % 1024);
  }

  /**
   * A pattern with a share of its units turned, or covered from below with -1.
   * @param {Float64Array} z
   * @param {number} share
   * @param {Damage} damage
   * @param {number} place of the digit
   * @param {number} toss
   */
  function spoil(z, share, damage, place, toss) {
    const d = z.length;
    const count = Math.round(share * d);
    const spoiled = z.slice();
    if (damage === "covered") return spoiled.fill(-1, d - count);
    for (const j of noiseOrder(d, place, toss).subarray(0, count)) spoiled[j] *= -1;
    return spoiled;
  }

  return { spoil };
})();

// A memory of digits, what is true of it whatever it is asked, and what it answers. Uses numbers,
// mnist, spins and recall.
// @ts-check

/**
 * @typedef {object} DigitMemory
 * @property {Spins} spins
 * @property {Float64Array[]} patterns that are stored
 * @property {Order} order in which units are updated
 * @property {boolean[]} stable of each pattern: no unit of it flips
 * @property {number[]} spreads of each pattern
 */

/**
 * @typedef {object} Answer
 * @property {Float64Array[]} states on the way
 * @property {boolean} cycles
 * @property {Float64Array} end the last state
 * @property {number} exact the stored pattern that the end is, or -1
 * @property {boolean} mirror the end is a stored pattern with every unit turned
 * @property {number[]} energies of the states, over d
 */

supsup.retrieval = (() => {
  const { last, dot } = supsup.numbers;
  const { SIDE, PIXELS } = supsup.mnist;
  const { store, energy, spread } = supsup.spins;
  const { recall, same } = supsup.recall;

  const INK = 72.6; // of 255: what is brighter is ink

  /** @param {Uint8Array | Float64Array} grey */
  const spinsOf = (grey) => Float64Array.from(grey, (value) => (value > INK ? 1 : -1));

  /**
   * How many units differ.
   * @param {Float64Array} v
   * @param {Float64Array} w
   */
  const distance = (v, w) => v.reduce((total, spin, j) => total + Number(spin !== w[j]), 0);

  /**
   * The overlap of a state with each stored pattern.
   * @param {DigitMemory} memory
   * @param {Float64Array} z
   */
  const overlaps = ({ patterns }, z) => patterns.map((pattern) => dot(pattern, z) / PIXELS);

  /**
   * @param {Float64Array[]} patterns
   * @param {Rule} rule
   * @param {Order} order
   * @returns {DigitMemory}
   */
  function memorise(patterns, rule, order) {
    const spins = store(patterns, rule);
    const stable = patterns.map((z) => recall(spins, z, order).states.length === 1);
    const spreads = patterns.map((z) => spread(spins, z));
    return { spins, patterns, order, stable, spreads };
  }

  /**
   * @param {DigitMemory} memory
   * @param {Float64Array} probe
   * @returns {Answer}
   */
  function retrieve({ spins, patterns, order }, probe) {
    const { states, cycles } = recall(spins, probe, order, SIDE);
    const end = last(states);
    const exact = patterns.findIndex((z) => same(z, end));
    const mirror = patterns.some((z) => dot(z, end) === -PIXELS);
    const energies = states.map((z) => energy(spins, z) / PIXELS);
    return { states, cycles, end, exact, mirror, energies };
  }

  return { spinsOf, distance, overlaps, memorise, retrieve };
})();

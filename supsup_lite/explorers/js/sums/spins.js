// A Hopfield network of d spins, -1 or 1, that is never written down as a matrix: Psi = sum_i
// p_i q_i' + q_i p_i', its diagonal set to 0. Uses numbers.
//
// Hebb: q = p / 2d. Storkey: q = (p / 2 - h) / d, with h what the memory makes of p before it comes
// in. Centred: Hebb, and one more pair for the mean m, with q = -k m / 2d, so that the deviations
// from m are left.
//
// A state meets the patterns only in the sums a_i = p_i . z and b_i = q_i . z. The field of unit j
// is sum_i p_ij b_i + q_ij a_i - D_j z_j, where D is the diagonal, and a unit that flips moves each
// sum by one product. So a sweep over all units takes some 4 d k operations; the matrix, d^2.
// @ts-check

/** @typedef {"hebb" | "storkey" | "centred"} Rule */

/** @typedef {{ a: Float64Array, b: Float64Array }} Sums of a state or direction */

/**
 * @typedef {object} Spins
 * @property {number} d units
 * @property {number} r pairs of p and q
 * @property {Float64Array} p of each pair, unit by unit
 * @property {Float64Array} q of each pair, unit by unit
 * @property {Float64Array} diagonal that the couplings do not have
 * @property {Float64Array} centre what deviations are taken from
 * @property {number} pull towards the centre
 */

supsup.spins = (() => {
  const { sum, dot } = supsup.numbers;

  /**
   * @param {Float64Array[]} patterns of -1 and 1, [d] each
   * @param {Rule} rule
   * @returns {Spins}
   */
  function store(patterns, rule) {
    const d = patterns[0].length;
    const k = patterns.length;
    const r = k + (rule === "centred" ? 1 : 0);
    const [p, q] = [new Float64Array(d * r), new Float64Array(d * r)];
    const [diagonal, centre] = [new Float64Array(d), new Float64Array(d)];
    const spins = { d, r, p, q, diagonal, centre, pull: 0 };
    /**
     * @param {number} i which pair
     * @param {Float64Array} pattern
     * @param {Float64Array} half
     */
    const add = (i, pattern, half) => {
      for (let j = 0; j < d; j++) {
        p[j * r + i] = pattern[j];
        q[j * r + i] = half[j] / d;
        diagonal[j] += (2 * pattern[j] * half[j]) / d;
      }
    };
    patterns.forEach((z, i) => {
      const known = rule === "storkey" ? couple(spins, z) : null;
      add(
        i,
        z,
        z.map((spin, j) => spin / 2 - (known ? known[j] : 0)),
      );
    });
    if (rule !== "centred") return spins;
    const mean = centre.map((_, j) => sum(patterns.map((z) => z[j])) / k);
    add(
      k,
      mean,
      mean.map((value) => (-k * value) / 2),
    );
    const pull = sum(mean.map((value) => 1 - value * value)) / d;
    return { ...spins, centre: mean, pull };
  }

  /**
   * The sums a and b of a direction v.
   * @param {Spins} spins
   * @param {Float64Array} v
   * @returns {Sums}
   */
  function sumsOf({ d, r, p, q }, v) {
    const [a, b] = [new Float64Array(r), new Float64Array(r)];
    for (let j = 0, at = 0; j < d; j++)
      for (let i = 0; i < r; i++, at++) {
        a[i] += p[at] * v[j];
        b[i] += q[at] * v[j];
      }
    return { a, b };
  }

  /**
   * Unit j of Psi v.
   * @param {Spins} spins
   * @param {Sums} sums of v
   * @param {number} value v_j
   * @param {number} j
   */
  function coupledAt({ r, p, q, diagonal }, { a, b }, value, j) {
    let total = -diagonal[j] * value;
    for (let i = 0, at = j * r; i < r; i++, at++) total += p[at] * b[i] + q[at] * a[i];
    return total;
  }

  /**
   * What the couplings make of a direction: Psi v.
   * @param {Spins} spins
   * @param {Float64Array} v
   */
  function couple(spins, v) {
    const sums = sumsOf(spins, v);
    return v.map((value, j) => coupledAt(spins, sums, value, j));
  }

  /**
   * @param {Spins} spins
   * @param {Float64Array} z
   */
  const deviation = ({ centre }, z) => z.map((spin, j) => spin - centre[j]);

  /**
   * The field of each unit.
   * @param {Spins} spins
   * @param {Float64Array} z
   */
  const fields = (spins, z) =>
    couple(spins, deviation(spins, z)).map((field, j) => field + spins.centre[j] * spins.pull);

  /**
   * @param {Spins} spins
   * @param {Float64Array} z
   */
  function energy(spins, z) {
    const v = deviation(spins, z);
    return -dot(v, couple(spins, v)) / 2 - spins.pull * dot(z, spins.centre);
  }

  /**
   * How unevenly the units of a state are held: deviation over mean of z_j h_j. Small for a memory,
   * larger for a mixture, NaN where nothing is held.
   * @param {Spins} spins
   * @param {Float64Array} z
   */
  function spread(spins, z) {
    const stability = fields(spins, z).map((field, j) => field * z[j]);
    const mean = sum(stability) / stability.length;
    const variance = sum(stability.map((value) => (value - mean) ** 2)) / stability.length;
    return Math.sqrt(variance) / mean;
  }

  return { store, sumsOf, coupledAt, deviation, fields, energy, spread };
})();

// What each unit of the first layer says of which mask it is: its votes (lesson 08). Uses numbers.
//
// With delta the gradient of the objective at the units, and z_i what mask i alone puts into them,
// mask i gets -delta_u z_iu through unit u. Whether a unit has a say is how much that varies.
// @ts-check

/**
 * @typedef {object} UnitVote
 * @property {number} unit
 * @property {number} ahead the votes of one mask through it, less those of the mean mask
 * @property {number} variance of its votes over the masks
 */

supsup.units = (() => {
  const { mean } = supsup.numbers;

  /**
   * The votes for one mask through each unit, loudest first.
   * @param {Superposition} superposition
   * @param {Float64Array[]} first what each mask alone puts into the first layer's units
   * @param {number} chosen mask
   * @returns {UnitVote[]}
   */
  function votesByUnit({ masks, delta }, first, chosen) {
    const votes = [...delta].map((slope, unit) => {
      const middle = mean(masks.map((mask) => first[mask][unit]));
      const spread = mean(masks.map((mask) => (first[mask][unit] - middle) ** 2));
      const ahead = slope * (middle - first[chosen][unit]);
      return { unit, ahead, variance: slope ** 2 * spread };
    });
    return votes.sort((a, b) => b.variance - a.variance);
  }

  return { votesByUnit };
})();

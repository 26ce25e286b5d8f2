// Masks as bits, and the least that a bit of some density takes.
// @ts-check

supsup.bits = (() => {
  /**
   * @param {Uint8Array} bytes each with its first bit lowest
   * @param {number} at
   */
  const bitAt = (bytes, at) => (bytes[at >> 3] >> (at & 7)) & 1;

  /** H2, in bits, 0 at both ends. @param {number} rho the density */
  const binaryEntropy = (rho) =>
    rho > 0 && rho < 1 ? -rho * Math.log2(rho) - (1 - rho) * Math.log2(1 - rho) : 0;

  return { bitAt, binaryEntropy };
})();

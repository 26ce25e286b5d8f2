// Masks as bits, and the least that a bit of some density takes.
// @ts-check

supsup.bits = (() => {
  /**
   * @param {Uint8Array} bytes each with its first bit lowest
   * @param {number} at
   */
  const bitAt = (bytes, at) => (bytes[at >> 3] >> (at & 7)) & 1;

  /**
   * A mask as a store has it: bit j of byte i is weight 8 i + j; each layer fills whole bytes.
   * @param {Uint8Array[]} layers
   */
  function packBits(layers) {
    const bytes = layers.map((mask) => {
      const packed = new Uint8Array(Math.ceil(mask.length / 8));
      mask.forEach((bit, at) => (packed[at >> 3] |= bit << (at & 7)));
      return [...packed];
    });
    return Uint8Array.from(bytes.flat());
  }

  /** H2, in bits, 0 at both ends. @param {number} rho the density */
  const binaryEntropy = (rho) =>
    rho > 0 && rho < 1 ? -rho * Math.log2(rho) - (1 - rho) * Math.log2(1 - rho) : 0;

  return { bitAt, packBits, binaryEntropy };
})();

// Numbers as readers see them.
// @ts-check

supsup.format = (() => {
  /**
   * @param {number} share in 0..1
   * @param {number} [digits] after the point
   */
  const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}\u00a0%`;

  /** @param {number} value already in percent */
  const percentSign = (value) => `${value}\u00a0%`;

  /** @param {number} number */
  const thousands = (number) => Math.round(number).toLocaleString("en");

  /** @param {number} value */
  const fourDigits = (value) => String(+value.toPrecision(4));

  /** With a minus sign in place of a hyphen. @param {number} value */
  const signed = (value) => fourDigits(value).replace("-", "\u2212");

  /**
   * @param {number} count
   * @param {string} word
   * @param {(count: number) => string} [format]
   */
  const plural = (count, word, format = String) => {
    const ending = count === 1 ? "" : word.endsWith("s") ? "es" : "s";
    return `${format(count)} ${word}${ending}`;
  };

  return { percent, percentSign, thousands, fourDigits, signed, plural };
})();

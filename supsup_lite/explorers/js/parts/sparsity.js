// The sparsities of an explorer of masks, and their slider. Uses sliders, format and numbers.
// @ts-check

supsup.sparsity = (() => {
  const { steppedSlider } = supsup.sliders;
  const { percentSign } = supsup.format;
  const { range } = supsup.numbers;

  /** The sparsities of a record, from low to high. @param {Record<string, unknown>} record */
  const sparsitiesOf = (record) =>
    Object.keys(record)
      .map(Number)
      .sort((a, b) => a - b);

  /**
   * A slider of every sparsity where Python can learn the rest, else of the known ones.
   * @param {Host} host
   * @param {() => number[]} known
   */
  const sparsitySlider = (host, known) =>
    steppedSlider(host, "sparsity", "sparsity", {
      values: () => (host.model.get("has_kernel") ? range(101) : known()),
      format: percentSign,
    });

  return { sparsitiesOf, sparsitySlider };
})();

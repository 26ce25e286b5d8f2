// Bars of bytes, one for each way of writing masks, and a list of operations. Uses elements,
// format, numbers, costs and aboutCosts.
// @ts-check

supsup.costTables = (() => {
  const { element } = supsup.elements;
  const { thousands, plural } = supsup.format;
  const { sum } = supsup.numbers;
  const { bytesOfTask, operations, sizesOf } = supsup.costs;
  const { bytesInWords, compared, scientific } = supsup.aboutCosts;

  /** @type {["float32" | "bool" | "csc" | "bits" | "bound", string][]} */
  const WAYS = [
    ["float32", "a network for each task, float32"],
    ["bool", "a mask, a byte a weight (torch.bool)"],
    ["csc", "a mask, CSC with 16-bit indices"],
    ["bits", "a mask, a bit a weight"],
    ["bound", "the entropy bound"],
  ];

  /**
   * @param {string} className
   * @param {string} textContent
   * @param {string} [title]
   */
  const span = (className, textContent, title = "") =>
    element("span", title ? { className, textContent, title } : { className, textContent });

  function bytesTable() {
    const bars = element("div", { className: "sizes" });
    const note = element("p", { className: "scale" });
    const caption = element("figcaption", {}, "bytes of all tasks together");
    const figure = element("figure", { className: "bars" }, caption, bars, note);
    /** @param {Shapes} shapes @param {number} density a share @param {number} k tasks */
    const update = (shapes, density, k) => {
      const one = bytesOfTask(shapes, density);
      const networks = k * one.float32;
      const entries = WAYS.map(([way, label]) => {
        const bytes = k * one[way];
        const bar = element("div", { className: `size ${way}` });
        bar.style.width = `${Math.max(0.15, (100 * bytes) / networks)}%`;
        const track = element("div", { className: "track" }, bar);
        const value = span("value", bytesInWords(bytes), `${thousands(bytes)} bytes`);
        return element("div", { className: "entry" }, span("what", label), track, value);
      });
      bars.replaceChildren(...entries);
      const longer = `${+(one.csc / one.bits).toPrecision(2)} times longer than plain bits`;
      note.textContent =
        `In bits: ${thousands(one.bits)} bytes a task, together ${compared(k * one.bits)}; ` +
        `as networks, ${compared(networks)}. ` +
        (one.csc < one.bits ? "So sparse a mask is shorter as CSC." : `CSC is ${longer} here.`) +
        " The base network itself is a seed.";
    };
    return Object.assign(figure, { update });
  }

  /** @param {{ steps: number, batch: number }} training */
  function operationsTable(training) {
    const list = element("div", { className: "sums" });
    const caption = element("figcaption", {}, "operations: multiply-adds");
    const figure = element("figure", { className: "bars" }, caption, list);
    const { steps, batch } = training;
    /** @param {Shapes} shapes @param {number} k tasks */
    const update = (shapes, k) => {
      const work = operations(shapes, k, training);
      const weights = thousands(sum(sizesOf(shapes)));
      const products = plural(k, "inner product", thousands);
      /** @type {[string, number, string][]} */
      const rows = [
        [
          "to learn all tasks",
          work.learning,
          `${steps} steps of ${batch} images a task, forward and back`,
        ],
        ["to read an image, task given", work.given, `one for each of ${weights} weights`],
        [
          "to find its task by One-Shot",
          work.oneShot,
          `one pass forward and back, and ${products}`,
        ],
        ["to find it by trying every mask", work.exhaustive, plural(k, "pass", thousands)],
      ];
      const cells = rows.flatMap(([what, number, why]) => [
        span("what", what),
        span("value", scientific(number), thousands(number)),
        span("why", why),
      ]);
      list.replaceChildren(...cells);
    };
    return Object.assign(figure, { update });
  }

  return { bytesTable, operationsTable };
})();

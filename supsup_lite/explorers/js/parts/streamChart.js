// True tasks, the masks they got, and every decision, over one axis of batches. Uses elements,
// axis, chart, nu and runs.
// @ts-check

/**
 * @typedef {object} StreamData
 * @property {Runs} truth true tasks
 * @property {StreamRun} run
 * @property {number} eps
 * @property {number} batch that is looked at
 * @property {(decision: Decision) => boolean} isWrong
 * @property {string} alt
 */

supsup.streamChart = (() => {
  const { svgElement, legend } = supsup.elements;
  const { ticks, text, horizontal, gridLines } = supsup.axis;
  const { chart } = supsup.chart;
  const { heightOf } = supsup.nu;
  const { batchesOf } = supsup.runs;

  const HEIGHT = 234;
  const LEFT = 52;
  const RIGHT = 8;
  const STRIP = { height: 26, truth: 2, masks: 34 };
  const SCALE = { low: 1e-3, high: 20, top: 74, bottom: 214 };
  const CAPTION =
    "the true tasks, the masks they got, and k max ν − 1 of each decision: above the dashed " +
    "line, which can be dragged, the paper's test says known, below it new";
  const SIGNS = [
    ["known", "it knew the task"],
    ["new", "new to it"],
    ["wrong", "decided wrongly"],
    ["faint", "asked amid a block, not counted"],
  ];

  /** The height of a value on the logarithmic scale. @param {number} value */
  function up(value) {
    const { low, high, top, bottom } = SCALE;
    const clamped = Math.min(high, Math.max(low, value));
    return bottom - (Math.log(clamped / low) / Math.log(high / low)) * (bottom - top);
  }

  /** The value at a height. @param {number} y */
  function valueAt(y) {
    const { low, high, top, bottom } = SCALE;
    return low * (high / low) ** ((bottom - y) / (bottom - top));
  }

  /**
   * @param {string} words
   * @param {Runs} runs
   * @param {number} y
   * @param {(number: number) => string} nameOf
   * @param {(step: number) => number} across
   */
  function strip(words, runs, y, nameOf, across) {
    const baseline = y + 0.65 * STRIP.height;
    /** @type {SVGElement[]} */
    const nodes = [text("", LEFT - 6, baseline, words, "end")];
    let start = 0;
    for (const [number, length] of runs) {
      const end = start + length;
      const x = across(start);
      const width = across(end) - x;
      const kind = number < 0 ? "box none" : `box series-${number % 6}`;
      const batches = `batches ${start} to ${end - 1}`;
      const title = svgElement("title", {}, `${nameOf(number)}: ${batches}`);
      const place = { x, y, width, height: STRIP.height };
      nodes.push(svgElement("rect", { class: kind, ...place }, title));
      if (number >= 0 && width > 8 * String(number).length + 4)
        nodes.push(text("number", x + width / 2, baseline, number));
      start = end;
    }
    return nodes;
  }

  /**
   * @param {Decision} decision
   * @param {number} x
   * @param {boolean} wrong
   */
  function signOf({ gradient, known, counts }, x, wrong) {
    const y = up(heightOf(gradient) - 1);
    const faint = counts ? "" : "faint";
    const sign = known
      ? svgElement("circle", { class: `known ${faint}`, cx: x, cy: y, r: counts ? 3.5 : 2 })
      : svgElement("rect", { class: `new ${faint}`, x: x - 3.5, y: y - 3.5, width: 7, height: 7 });
    return wrong ? [svgElement("circle", { class: "ring", cx: x, cy: y, r: 7 }), sign] : [sign];
  }

  /**
   * @param {(batch: number) => void} pick hears where on the axis somebody clicks
   * @param {(eps: number) => void} drag hears to where somebody drags the dashed line
   */
  function streamChart(pick, drag) {
    let batches = 0;
    let shownWidth = 640;
    // What is grasped of the thin line: as high as a finger needs.
    const grip = svgElement("rect", { class: "grip", x: LEFT, height: 24 });
    // The page shall not scroll meanwhile. Chromium 156 heeds no touch-action of a part of a chart.
    grip.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });

    /** @param {StreamData} data @param {number} width */
    const draw = ({ truth, run, eps, batch, isWrong }, width) => {
      batches = batchesOf(truth);
      shownWidth = width;
      const right = width - RIGHT;
      /** @param {number} step */
      const across = (step) => LEFT + (step / batches) * (right - LEFT);
      /** @param {number} task */
      const taskName = (task) => (task < 0 ? "noise" : `task ${task}`);
      /** @param {number} mask */
      const maskName = (mask) => (mask < 0 ? "nothing was learned" : `mask ${mask}`);
      const scale = { left: LEFT, right, y: up };
      const cursor = across(batch + 0.5);
      const ends = { x1: cursor, x2: cursor, y1: STRIP.truth, y2: SCALE.bottom };
      grip.setAttribute("width", `${width - LEFT}`);
      grip.setAttribute("y", `${up(eps) - 12}`);
      return [
        ...strip("true task", truth, STRIP.truth, taskName, across),
        ...strip("mask", run.used, STRIP.masks, maskName, across),
        ...gridLines([0.001, 0.01, 0.1, 1, 10], scale, String),
        horizontal("threshold", LEFT, right, up(eps)),
        ...ticks(0, batches, width < 420 ? 3 : 6).map((tick) =>
          text("tick", across(tick), HEIGHT - 4, tick),
        ),
        svgElement("line", { class: "cursor", ...ends }),
        ...run.decisions.flatMap((decision) =>
          signOf(decision, across(decision.step + 0.5), isWrong(decision)),
        ),
        text("threshold", right - 8, up(eps) - 4, `ε = ${eps}`, "end"),
        svgElement("circle", { class: "knob", cx: right, cy: up(eps), r: 5 }),
        grip,
      ];
    };
    const how = { caption: CAPTION, axis: "batch", height: HEIGHT, kind: "stream" };
    const figure = chart({ ...how, narrowest: 260, draw });
    figure.append(legend(SIGNS.map(([kind, words]) => [`sign ${kind}`, words])));
    const { svg } = figure;
    /** Where the chart is pointed at, in its own units. @param {MouseEvent} event */
    const pointed = ({ clientX, clientY }) => {
      const { left, top, width } = svg.getBoundingClientRect();
      return [clientX - left, clientY - top].map((px) => (px / width) * shownWidth);
    };
    let dragged = false; // the click that ends a drag is none
    svg.addEventListener("pointerdown", (event) => {
      dragged = false;
      if (event.target === grip) svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (!svg.hasPointerCapture(event.pointerId)) return;
      dragged = true;
      drag(valueAt(pointed(event)[1]));
    });
    svg.addEventListener("click", (event) => {
      if (!dragged) pick(((pointed(event)[0] - LEFT) / (shownWidth - LEFT - RIGHT)) * batches);
    });
    return figure;
  }

  return { streamChart };
})();

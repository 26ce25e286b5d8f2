// A pad to draw a digit on: with mouse, finger, or the keyboard. Uses elements, images and mnist.
// @ts-check

/** @typedef {[x: number, y: number]} Point in pixels */

supsup.pad = (() => {
  const { element } = supsup.elements;
  const { paintBytes } = supsup.images;
  const { SIDE, PIXELS } = supsup.mnist;

  const HELP =
    "Draw a digit here. Arrow keys move the pen, space lowers and lifts it, delete wipes the pad.";
  /** @type {Record<string, Point>} */
  const MOVES = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };

  /**
   * A round brush: full ink in its middle, less towards its rim.
   * @param {Uint8Array} ink
   * @param {number} x
   * @param {number} y
   */
  function brush(ink, x, y) {
    for (let i = 0; i < ink.length; i++) {
      const distance = Math.hypot((i % SIDE) + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y);
      ink[i] = Math.max(ink[i], 255 * Math.min(1, Math.max(0, 1.9 - distance)));
    }
  }

  /**
   * @param {object} how
   * @param {() => Uint8Array} how.read the ink to start a stroke from, [784]
   * @param {(ink: Uint8Array<ArrayBuffer>) => void} how.write gets the new ink
   */
  function drawingPad({ read, write }) {
    const canvas = element("canvas", { width: SIDE, height: SIDE });
    const pen = element("span", { className: "pen" });
    const properties = { className: "pad", tabIndex: 0, role: "application", "aria-label": HELP };
    const pad = element("div", properties, canvas, pen);
    pad.setAttribute("aria-roledescription", "drawing pad");
    /** @type {Point | null} */
    let pointer = null; // while it is down
    /** @type {Point} */
    let position = [14, 14]; // of the keyboard's pen
    let lowered = false;

    /**
     * @param {Point} from
     * @param {Point} to
     */
    const stroke = ([x0, y0], [x1, y1]) => {
      const ink = Uint8Array.from(read());
      const steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
      for (let i = 0; i <= steps; i++)
        brush(ink, x0 + ((x1 - x0) * i) / steps, y0 + ((y1 - y0) * i) / steps);
      write(ink);
    };

    /** @param {PointerEvent} event @returns {Point} */
    const pointOf = (event) => {
      const box = canvas.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      return [x * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    };
    pad.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      pad.setPointerCapture(event.pointerId);
      pointer = pointOf(event);
      stroke(pointer, pointer);
    });
    pad.addEventListener("pointermove", (event) => {
      if (!pointer) return;
      const now = pointOf(event);
      stroke(pointer, now);
      pointer = now;
    });
    const lift = () => (pointer = null);
    pad.addEventListener("pointerup", lift);
    pad.addEventListener("pointercancel", lift);

    const showPen = () => {
      const [left, top] = position.map((value) => `${(100 * value) / SIDE}%`);
      Object.assign(pen.style, { left, top });
      pen.classList.toggle("down", lowered);
    };
    /** @param {number} value */
    const inside = (value) => Math.min(SIDE - 0.5, Math.max(0.5, value));
    pad.addEventListener("keydown", (event) => {
      if (MOVES[event.key]) {
        const before = position;
        const [dx, dy] = MOVES[event.key];
        position = [inside(before[0] + dx), inside(before[1] + dy)];
        if (lowered) stroke(before, position);
      } else if (event.key === " ") {
        lowered = !lowered;
        if (lowered) stroke(position, position);
      } else if (event.key === "Delete" || event.key === "Backspace") write(new Uint8Array(PIXELS));
      else return;
      event.preventDefault();
      showPen();
    });
    pad.addEventListener("blur", () => {
      lowered = false;
      showPen();
    });
    showPen();
    /** @param {Uint8Array} ink */
    const show = (ink) => paintBytes(canvas, ink, SIDE);
    return Object.assign(pad, { show });
  }

  return { drawingPad };
})();

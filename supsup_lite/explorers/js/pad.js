// A pad of 28 x 28 pixels to draw a digit on: with mouse, finger, or the keyboard.

const SIDE = 28;

const centreOf = (ink) => {
  const total = sum(ink);
  const mean = (coordinate) => ink.reduce((all, value, i) => all + value * (coordinate(i) + 0.5), 0) / total;
  return [mean((i) => i % SIDE), mean((i) => Math.floor(i / SIDE))];
};

// As MNIST was made: the digit fills 20 x 20 pixels, and its centre of mass stands in the middle of the picture.
function asInMnist(ink) {
  const lit = [...ink.keys()].filter((i) => ink[i] > 20);
  if (!lit.length) return ink.map(() => 0);
  const extent = (values) => Math.max(...values) - Math.min(...values) + 1;
  const size = Math.max(extent(lit.map((i) => i % SIDE)), extent(lit.map((i) => Math.floor(i / SIDE))));
  const scale = Math.min(3, 20 / size), [cx, cy] = centreOf(ink);
  const at = (x, y) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : ink[y * SIDE + x]);
  return ink.map((_, i) => {
    const x = cx + ((i % SIDE) + 0.5 - SIDE / 2) / scale - 0.5, y = cy + (Math.floor(i / SIDE) + 0.5 - SIDE / 2) / scale - 0.5;
    const [left, up] = [Math.floor(x), Math.floor(y)], [dx, dy] = [x - left, y - up];
    const above = at(left, up) * (1 - dx) + at(left + 1, up) * dx, below = at(left, up + 1) * (1 - dx) + at(left + 1, up + 1) * dx;
    return above * (1 - dy) + below * dy;
  });
}

// A round brush: full ink in its middle, less towards its rim.
function dab(ink, x, y) {
  for (let i = 0; i < ink.length; i++) {
    const distance = Math.hypot((i % SIDE) + 0.5 - x, Math.floor(i / SIDE) + 0.5 - y);
    ink[i] = Math.max(ink[i], 255 * Math.min(1, Math.max(0, 1.9 - distance)));
  }
}

// `read` gives the ink to start a stroke from, `drew` gets the new ink, both uint8 [784].
function drawingPad({ read, drew }) {
  const canvas = element("canvas", { width: SIDE, height: SIDE }), pen = element("span", { className: "pen" });
  const pad = element("div", { className: "pad", tabIndex: 0, role: "application", "aria-roledescription": "drawing pad" }, canvas, pen);
  pad.setAttribute("aria-label", "Draw a digit here. Arrow keys move the pen, space lowers and lifts it, delete wipes the pad.");
  let last = null, spot = [14, 14], down = false;
  const stroke = ([x0, y0], [x1, y1]) => {
    const ink = read(), steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
    for (let i = 0; i <= steps; i++) dab(ink, x0 + ((x1 - x0) * i) / steps, y0 + ((y1 - y0) * i) / steps);
    drew(ink);
  };
  const where = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    last = where(event);
    stroke(last, last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (!last) return;
    const now = where(event);
    stroke(last, now);
    last = now;
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (last = null));
  const show = () => {
    Object.assign(pen.style, { left: `${(100 * spot[0]) / SIDE}%`, top: `${(100 * spot[1]) / SIDE}%` });
    pen.classList.toggle("down", down);
  };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    if (moves[event.key]) {
      const before = spot;
      spot = spot.map((value, axis) => Math.min(SIDE - 0.5, Math.max(0.5, value + moves[event.key][axis])));
      if (down) stroke(before, spot);
    } else if (event.key === " ") {
      down = !down;
      if (down) stroke(spot, spot);
    } else if (event.key === "Delete" || event.key === "Backspace") drew(new Uint8Array(SIDE * SIDE));
    else return;
    event.preventDefault();
    show();
  });
  pad.addEventListener("blur", () => ((down = false), show()));
  show();
  return Object.assign(pad, { show: (ink) => paint(canvas, Array.from(ink, (v) => v / 255), SIDE) });
}

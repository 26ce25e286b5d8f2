// A network under a superposition of masks, for one image: W * sum_i alpha_i M_i (SupSup, "Scenarios GNs & GNu").
//
// A layer is linear in its weights. So `own`, what each mask alone would put into its units, is all there is to know:
// a superposition puts sum_i alpha_i own_i, and with delta the slope of the objective at the units, a layer's part of
// the gradient in alpha_i is the inner product of delta and own_i. The first layer's `own` depends on the image
// alone. It is computed once, and of its pixels only those that are not black are visited one by one.

const BLACK = -0.1307 / 0.3081; // a black pixel, normalised as MNIST is
const normalise = (grey) => Float64Array.from(grey, (value) => (value / 255 - 0.1307) / 0.3081);

const bit = (bytes, start, at) => (bytes[start + (at >> 3)] >> (at & 7)) & 1;
const dot = (a, b) => a.reduce((total, value, at) => total + value * b[at], 0);
const relu = (values) => values.map((value) => Math.max(0, value));
const activeUnits = (h) => [...h.keys()].filter((j) => h[j] !== 0);

// From signs and masks as bits: for each layer and mask the weights in units of c, an int8 [out * inputs] of -1, 0, 1.
function unpackNetwork(bytes, widths) {
  const layers = widths.slice(1).map((out, depth) => {
    const inputs = widths[depth];
    return { inputs, out, c: Math.fround(Math.sqrt(2 / inputs)), bytes: Math.ceil((inputs * out) / 8) };
  });
  const each = sum(layers.map((layer) => layer.bytes)); // of all signs, and of one mask
  const k = bytes.length / each - 1;
  if (!Number.isInteger(k) || k < 1) throw new Error(`the masks have ${bytes.length} bytes, which fit no network`);
  let start = 0;
  for (const layer of layers) {
    const n = layer.inputs * layer.out, signs = new Int8Array(n);
    for (let at = 0; at < n; at++) signs[at] = 2 * bit(bytes, start, at) - 1;
    layer.signed = Array.from({ length: k }, (_, mask) => {
      const own = new Int8Array(n), offset = (mask + 1) * each + start;
      for (let at = 0; at < n; at++) own[at] = signs[at] * bit(bytes, offset, at);
      return own;
    });
    start += layer.bytes;
  }
  const { signed, inputs, out } = layers[0];
  const row = (own, unit) => sum(own.subarray(unit * inputs, (unit + 1) * inputs));
  const allOnes = signed.map((own) => Float64Array.from({ length: out }, (_, unit) => row(own, unit)));
  return { layers, allOnes, k, outputs: widths.at(-1) }; // allOnes: what a unit gets, in c, if every pixel is 1
}

// What each mask alone puts into the first layer's units: k vectors.
function firstLayer({ layers: [{ signed, inputs, c }], allOnes }, x) {
  const lit = [...x.keys()].filter((j) => x[j] !== BLACK), extra = lit.map((j) => x[j] - BLACK);
  return allOnes.map((ones, mask) => {
    const weights = signed[mask];
    return ones.map((all, unit) => {
      let total = BLACK * all;
      for (let at = 0, start = unit * inputs; at < lit.length; at++) total += extra[at] * weights[start + lit[at]];
      return c * total;
    });
  });
}

// What one mask alone puts into a later layer's units, given its input h.
function laterLayer({ signed, inputs, out, c }, h, mask) {
  const active = activeUnits(h), weights = signed[mask], own = new Float64Array(out);
  for (let unit = 0; unit < out; unit++) {
    let total = 0;
    for (let at = 0, start = unit * inputs; at < active.length; at++)
      total += h[active[at]] * weights[start + active[at]];
    own[unit] = c * total;
  }
  return own;
}

// The slope at a layer's input, where that is active, under the mean of some masks, given the slope at its units.
function pullBack({ signed, inputs, out, c }, h, delta, masks) {
  const active = activeUnits(h), slope = new Float64Array(inputs);
  for (const weights of masks.map((mask) => signed[mask]))
    for (let unit = 0; unit < out; unit++)
      for (let at = 0, start = unit * inputs; at < active.length; at++)
        slope[active[at]] += delta[unit] * weights[start + active[at]];
  return slope.map((value) => (c * value) / masks.length);
}

function softmax(logits) {
  const top = Math.max(...logits), shifted = logits.map((value) => Math.exp(value - top)), total = sum(shifted);
  return shifted.map((value) => value / total);
}

const entropy = (pi) => pi.reduce((total, p) => (p > 0 ? total - p * Math.log(p) : total), 0);

// The slope at the logits: of H, or of G, which hears the superfluous outputs only, those from l on.
function slopeOf(objective, logits, l) {
  const pi = softmax(logits), H = entropy(pi);
  if (objective === "superfluous") return pi.map((p, j) => (j < l ? 0 : p));
  return pi.map((p) => (p > 0 ? -p * (Math.log(p) + H) : 0));
}

// At alpha = 1/n for each of n masks: the logits, and the gradient in the alpha of each.
function superpose({ layers }, first, masks, objective, l = 10) {
  const owns = [], inputs = [];
  let h = null;
  for (const layer of layers) {
    const own = masks.map((mask) => (h ? laterLayer(layer, h, mask) : first[mask]));
    const units = own[0].map((_, unit) => own.reduce((total, values) => total + values[unit], 0) / masks.length);
    owns.push(own);
    inputs.push(h);
    h = layer === layers.at(-1) ? units : relu(units);
  }
  let delta = slopeOf(objective, h, l);
  const gradient = new Float64Array(masks.length);
  for (let depth = layers.length - 1; depth >= 0; depth--) {
    owns[depth].forEach((own, at) => (gradient[at] += dot(delta, own)));
    if (depth) delta = pullBack(layers[depth], inputs[depth], delta, masks);
  }
  return { masks, logits: h, gradient };
}

// The logits of one mask alone.
const alone = ({ layers }, first, mask) =>
  layers.slice(1).reduce((units, layer) => laterLayer(layer, relu(units), mask), first[mask]);

// Binary: superpositions of k masks, of the better half of them, and so on to one. Of masks that tie, the first stay.
function halvings(network, first, k, objective, l = 10) {
  const steps = [superpose(network, first, [...Array(k).keys()], objective, l)];
  while (steps.at(-1).masks.length > 1) {
    const { masks, gradient } = steps.at(-1);
    const best = [...masks.keys()].sort((a, b) => gradient[a] - gradient[b]).slice(0, Math.ceil(masks.length / 2));
    steps.push(superpose(network, first, best.sort((a, b) => a - b).map((at) => masks[at]), objective, l));
  }
  return steps;
}

// The image that an explorer asks about: drawn on a pad, or picked from a row of test images. Uses
// elements, model, numbers, mnist, pad and digits.
// @ts-check

supsup.imageChoice = (() => {
  const { element } = supsup.elements;
  const { change } = supsup.model;
  const { bytesOf } = supsup.numbers;
  const { PIXELS, asInMnist } = supsup.mnist;
  const { drawingPad } = supsup.pad;
  const { digitPicker } = supsup.digits;

  /**
   * The traits are `digit`, the place of a test image or -1 for a drawing, and `ink`, the drawing.
   * @param {Host} host
   * @param {Uint8Array[]} images
   * @param {object} how
   * @param {string} how.title of the row of images
   * @param {(i: number) => string} how.label of an image
   * @param {string} how.hint beside the pad
   * @param {object} [how.reset] traits that another image sets, too
   */
  function imageChoice({ model }, images, { title, label, hint, reset = {} }) {
    const isDrawing = () => model.get("digit") < 0;
    /** What the pad shows, 0..255. @returns {Uint8Array} */
    const ink = () => (isDrawing() ? bytesOf(model.get("ink")) : images[model.get("digit")]);
    /** The image as MNIST would have it, 0..255. */
    const image = () => (isDrawing() ? asInMnist(Float64Array.from(ink())) : ink());
    /** @param {Uint8Array<ArrayBuffer>} drawing */
    const draw = (drawing) =>
      change(model, { digit: -1, ink: new DataView(drawing.buffer), ...reset });
    const pad = drawingPad({
      read: () => (isDrawing() ? ink() : new Uint8Array(PIXELS)),
      write: draw,
    });
    const wipe = element("button", {
      type: "button",
      textContent: "Wipe",
      onclick: () => draw(new Uint8Array(PIXELS)),
    });
    const picker = digitPicker({
      title,
      images,
      label,
      pick: (digit) => change(model, { digit, ...reset }),
    });
    const figure = element("figure", {}, pad, element("figcaption", {}, `${hint} `, wipe));
    /** @param {number} [bright] the images from here on are pale */
    const show = (bright) => {
      pad.show(ink());
      picker.show(model.get("digit"), bright);
    };
    return { figure, picker, isDrawing, ink, image, show };
  }

  return { imageChoice };
})();

// Files of an explorer: asked of Python, or of the page that stands in for it. Uses numbers.
// @ts-check

supsup.assets = (() => {
  const { bytesOf } = supsup.numbers;

  // Python answers when the cells that were started before are done: a whole lesson takes a
  // minute, an experiment more.
  const TIMEOUT = { page: 20_000, kernel: 1_200_000 }; // ms

  /**
   * Decompress (zlib).
   * @param {Uint8Array<ArrayBuffer>} packed
   */
  async function inflate(packed) {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /**
   * @param {Model} model
   * @param {string} name of the file
   * @returns {Promise<Uint8Array<ArrayBuffer>>} its content, decompressed
   */
  async function fetchAsset(model, name) {
    /** @type {Uint8Array<ArrayBuffer>} */
    const packed = await new Promise((resolve, reject) => {
      /**
       * @param {{ name: string, trouble?: string }} message
       * @param {DataView<ArrayBuffer>[]} buffers
       */
      const receive = (message, buffers) => {
        if (message.name !== name) return;
        stop();
        if (message.trouble) reject(new Error(message.trouble));
        else resolve(bytesOf(buffers[0]));
      };
      const giveUp = () => {
        stop();
        reject(new Error("nobody answers: is the kernel running? Run the cell again"));
      };
      const timer = setTimeout(giveUp, model.get("has_kernel") ? TIMEOUT.kernel : TIMEOUT.page);
      const stop = () => {
        clearTimeout(timer);
        model.off("msg:custom", receive);
      };
      model.on("msg:custom", receive);
      model.send({ want: name });
    });
    return inflate(packed);
  }

  return { inflate, fetchAsset };
})();

// The explorers of a lesson, on a page without a kernel: the same modules as in JupyterLab, alive.
// Uses what the Sphinx extension `explorers.py` leaves in the page: the state of each explorer, a
// still picture where it stands, and the names of the files that hold its module and its data. A
// classic script, so that it also runs from file://.
// @ts-check

/**
 * What the page knows of an explorer. A buffer is in the page, or in a file.
 * @typedef {object} SavedExplorer
 * @property {Record<string, any>} state
 * @property {{ path: string[], data?: string, file?: string }[]} buffers
 * @property {string} module name of the file with its module and style sheet
 */

(() => {
  "use strict";
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const { currentScript } = document;
  const base = currentScript instanceof HTMLScriptElement ? currentScript.src : document.baseURI;
  const FOLDER = new URL("explorers/", base);

  // --- files: classic scripts that set one property each, loaded once, when they are needed
  /** @type {Map<string, Promise<any>>} */
  const files = new Map();

  /** @param {string} name */
  const contentOf = (name) => /** @type {any} */ (window).explorerFiles?.[name];

  /** @param {string} name */
  const loadScript = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.onload = () => {
        const content = contentOf(name);
        if (content === undefined) reject(new Error(`the file ${name}.js is damaged`));
        else resolve(content);
      };
      script.onerror = () => reject(new Error(`the file ${name}.js is missing`));
      script.src = new URL(`${name}.js`, FOLDER).href;
      document.head.append(script);
    });

  /** @param {string} name */
  function load(name) {
    const file = files.get(name) ?? loadScript(name);
    files.set(name, file);
    return file;
  }

  /** @param {string} base64 */
  const decode = (base64) =>
    new DataView(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);

  // --- the model that a module sees: the state, and listeners to its changes
  class PageModel {
    /** @param {Record<string, any>} state */
    constructor(state) {
      /** @type {Record<string, any>} */
      this.state = { ...state, has_kernel: false };
      /** @type {{ event: string, callback: Function }[]} */
      this.listeners = [];
    }

    /** @param {string} name */
    get(name) {
      return this.state[name];
    }

    /** @param {string} name @param {unknown} value */
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      this.emit(`change:${name}`);
      this.emit("change");
    }

    save_changes() {} // to whom?

    /** @param {string} event @param {Function} callback */
    on(event, callback) {
      this.listeners.push({ event, callback });
    }

    /** @param {string} event @param {Function} [callback] without one, all of them */
    off(event, callback) {
      this.listeners = this.listeners.filter(
        (listener) => listener.event !== event || (callback && listener.callback !== callback),
      );
    }

    /** @param {string} event @param {unknown[]} news */
    emit(event, ...news) {
      const listeners = this.listeners.filter((listener) => listener.event === event);
      for (const { callback } of listeners) callback(...news);
    }

    /** What Python would answer, this page answers. @param {{ want: string }} message */
    send({ want: name }) {
      load(this.state.assets[name]).then(
        (base64) => this.emit("msg:custom", { name }, [decode(base64)]),
        (error) => this.emit("msg:custom", { name, trouble: error.message }, []),
      );
    }
  }

  /** @param {SavedExplorer} saved @param {HTMLElement} el */
  async function start({ state, buffers, module }, el) {
    const { esm, css } = await load(module);
    for (const { path, data, file } of buffers) {
      const owner = path.slice(0, -1).reduce((value, key) => value[key], state);
      owner[path[path.length - 1]] = decode(data ?? (await load(file ?? "")));
    }
    const styles = [...document.querySelectorAll("style")];
    if (!styles.some(({ textContent }) => textContent === css)) {
      const style = document.createElement("style");
      style.textContent = css;
      document.head.append(style);
    }
    const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
    const widget = (await import(url)).default;
    URL.revokeObjectURL(url);
    const model = new PageModel({ ...state, _esm: esm }); // a worker runs it, too
    const { signal } = new AbortController();
    await widget.initialize?.({ model, signal });
    await widget.render({ model, el, signal });
  }

  // --- the page
  /** @param {HTMLElement} still @param {string} words */
  const caption = (still, words) => {
    const figcaption = still.querySelector("figcaption");
    if (figcaption) figcaption.textContent = words;
  };

  /** @param {HTMLElement} still @param {unknown} error */
  const explain = (still, error) => {
    const reason = error instanceof Error ? error.message : error;
    still.dataset.explorer = "failed";
    caption(still, `This explorer could not start: ${reason}. In a running notebook it moves.`);
  };

  /** @param {HTMLElement} still @param {Record<string, SavedExplorer>} models */
  async function replace(still, models) {
    const el = document.createElement("div");
    still.dataset.explorer = "starting";
    caption(still, "Starting …");
    try {
      const saved = models[still.dataset.model ?? ""];
      if (!saved) throw new Error("its saved state is not in this page");
      await start(saved, el);
      el.className = "explorer-alive";
      el.style.cssText = still.style.cssText; // the room that it has, so that the page stays
      still.replaceWith(el);
    } catch (error) {
      explain(still, error);
    }
  }

  /** By the id of the model. @returns {Record<string, SavedExplorer>} */
  function readModels() {
    const states = [...document.querySelectorAll(STATE)];
    return Object.assign({}, ...states.map((script) => JSON.parse(script.textContent ?? "").state));
  }

  const stills = [...document.querySelectorAll(".explorer-still")].filter(
    (still) => still instanceof HTMLElement,
  );
  /** @type {Record<string, SavedExplorer>} */
  let models = {};
  try {
    models = readModels();
  } catch {
    for (const still of stills) explain(still, new Error("its saved state is damaged"));
    return;
  }
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting || !(target instanceof HTMLElement)) continue;
        watcher.unobserve(target);
        replace(target, models);
      }
    },
    { rootMargin: "300px" },
  );
  for (const still of stills) watcher.observe(still);
})();

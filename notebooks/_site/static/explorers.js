// The explorers of a lesson, on a page without a kernel: the same modules as in JupyterLab, alive. A classic script,
// so that it also runs from file://. It reads what the Sphinx extension `explorers.py` leaves in the page: the state
// of each explorer, a still picture where it stands, and the names of the files that hold its module and its data.
(() => {
  "use strict";
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const FOLDER = new URL("explorers/", document.currentScript.src);

  // --- files: classic scripts that set one property each, loaded once, when they are needed ------------------------
  const files = new Map();
  const load = (name) => {
    if (!files.has(name))
      files.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        const content = () => (window.explorerFiles || {})[name];
        script.onload = () => (content() === undefined ? reject(new Error(`the file ${name}.js is damaged`)) : resolve(content()));
        script.onerror = () => reject(new Error(`the file ${name}.js is missing`));
        script.src = new URL(`${name}.js`, FOLDER);
        document.head.append(script);
      }));
    return files.get(name);
  };
  const bytes = (base64) => new DataView(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);

  // --- the model that a module sees: the state, and listeners to its changes ----------------------------------------
  class Model {
    constructor(state) {
      this.state = { ...state, has_kernel: false };
      this.listeners = [];
    }
    get(name) {
      return this.state[name];
    }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      this.tell(`change:${name}`);
      this.tell("change");
    }
    save_changes() {} // to whom?
    on(event, callback) {
      this.listeners.push({ event, callback });
    }
    off(event, callback) {
      this.listeners = this.listeners.filter((own) => own.event !== event || (callback && own.callback !== callback));
    }
    tell(event, ...news) {
      for (const own of this.listeners.filter((listener) => listener.event === event)) own.callback(...news);
    }
    send({ want }) { // what Python would answer, this page answers
      const answer = (message, ...buffers) => this.tell("msg:custom", { name: want, ...message }, buffers);
      load(this.state.assets[want]).then((base64) => answer({}, bytes(base64)), (error) => answer({ trouble: error.message }));
    }
  }

  async function start({ state, buffers, module }, el) {
    const { esm, css } = await load(module);
    for (const { path, data, file } of buffers) {
      const owner = path.slice(0, -1).reduce((value, key) => value[key], state);
      owner[path.at(-1)] = bytes(data ?? (await load(file)));
    }
    const style = [...document.querySelectorAll("style")].find((own) => own.textContent === css);
    if (!style) document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
    const widget = (await import(url)).default;
    URL.revokeObjectURL(url);
    const model = new Model(state), signal = new AbortController().signal;
    await widget.initialize?.({ model, signal });
    await widget.render({ model, el, signal });
  }

  // --- the page ------------------------------------------------------------------------------------------------------
  const explain = (still, error) => {
    const words = `This explorer could not start: ${error.message}. In a running notebook it moves.`;
    still.dataset.explorer = "failed";
    still.querySelector("figcaption").textContent = words;
  };

  async function replace(still, models) {
    const el = document.createElement("div");
    still.dataset.explorer = "starting";
    still.querySelector("figcaption").textContent = "Starting …";
    try {
      const model = models[still.dataset.model];
      if (!model) throw new Error("its saved state is not in this page");
      await start(model, el);
      el.className = "explorer-alive";
      still.replaceWith(el);
    } catch (error) {
      explain(still, error);
    }
  }

  const stills = [...document.querySelectorAll(".explorer-still")];
  let models = {};
  try {
    for (const script of document.querySelectorAll(STATE)) Object.assign(models, JSON.parse(script.textContent).state);
  } catch (error) {
    models = null;
    for (const still of stills) explain(still, new Error("its saved state is damaged"));
  }
  if (!models) return;
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) {
        watcher.unobserve(target);
        replace(target, models);
      }
  }, { rootMargin: "300px" });
  for (const still of stills) watcher.observe(still);
})();

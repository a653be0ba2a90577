// Files for the message: picked, dropped or pasted, sent in slices before it is, three at a time, each again when the network was cut.
(() => {
  const AT_ONCE = 3; // slices of a file
  const PAUSES = [500, 1500, 4000, 8000]; // ms before a slice is tried again
  const coming = new Map(); // chips of files that are on their way: their uploads
  const find = (id) => document.getElementById(id);
  const here = () => find("composer-files").dataset;
  let words = document.createElement("div"); // what is said, and how a file looks that is on its way
  const ready = fetch(here().url).then(async (answer) => {
    words = document.createRange().createContextualFragment(await answer.text()).firstElementChild;
    const href = words.dataset.styles;
    if (!document.querySelector(`link[href="${href}"]`)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  });
  const say = (kind, name = "") => tell(words.dataset[kind].replace("%s", name));

  function tell(sentence) {
    Object.assign(find("files-error"), { textContent: sentence, hidden: !sentence });
  }

  function ask(method, url, body, { signal, onProgress } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader("X-CSRFToken", document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "");
      request.setRequestHeader("X-Requested-With", "files");
      if (onProgress) request.upload.onprogress = ({ loaded }) => onProgress(loaded);
      request.onload = () => (request.status < 300 && request.responseURL.endsWith(url) ? resolve(request) : reject(request));
      request.onerror = request.onabort = () => reject(request);
      signal?.addEventListener("abort", () => request.abort());
      request.send(body);
    });
  }

  // Why the server does not want it. Nothing of one that is away, or busy: that passes.
  function refusal(request) {
    if (!(request instanceof XMLHttpRequest)) throw request;
    if (request.status < 400 || request.status === 429 || request.status >= 500) return "";
    return request.getResponseHeader("Content-Type")?.includes("json") ? JSON.parse(request.responseText).error : request.statusText;
  }

  async function add(files, name) {
    files = [...files]; // the event's own are gone when it is over
    await ready;
    tell("");
    for (let file of files) {
      if (find("file-chips").children.length >= words.dataset.most) return say("tooMany");
      if (name && file.name === "image.png") file = new File([file], name(), { type: file.type });
      if (file.size > words.dataset.bytes) say("tooLarge", file.name);
      else if (!file.size) say("isEmpty", file.name);
      else start(chipOf(file), file);
    }
  }

  function chipOf(file) {
    const chip = words.firstElementChild.cloneNode(true);
    chip.querySelector(".file-name").textContent = file.name;
    if (/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) {
      const preview = Object.assign(new Image(), { className: "file-mark", alt: "", src: URL.createObjectURL(file) });
      preview.onload = () => URL.revokeObjectURL(preview.src);
      chip.querySelector(".file-mark").replaceWith(preview);
    }
    find("file-chips").append(chip);
    return chip;
  }

  async function start(chip, file) {
    const { url, place } = here();
    const upload = { file, ends: new AbortController(), sent: [] };
    coming.set(chip, upload);
    chip.classList.remove("failed");
    chip.querySelector("[data-again]").hidden = true;
    const post = (to, about) => ask("POST", to, new URLSearchParams({ place, ...about }), { signal: upload.ends.signal });
    try {
      Object.assign(upload, JSON.parse((await post(url, { name: file.name, size: file.size })).responseText));
      const numbers = Array(Math.ceil(file.size / upload.slice)).keys();
      const work = async () => {
        for (const number of numbers) await sendOne(chip, upload, number);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      const { responseText } = await post(`${upload.url}done/`);
      coming.delete(chip);
      chip.replaceWith(document.createRange().createContextualFragment(responseText));
    } catch (request) {
      if (upload.ends.signal.aborted) return;
      const why = refusal(request);
      if (why) return forget(chip), tell(why);
      upload.ends.abort();
      chip.classList.add("failed");
      chip.querySelector("[data-again]").hidden = false;
      say("broken", file.name);
    }
  }

  async function sendOne(chip, { file, ends, sent, slice, url }, number) {
    const whole = () => sent.reduce((sum, each) => sum + each, 0) / file.size;
    const onProgress = (loaded) => ((sent[number] = loaded), (chip.querySelector("progress").value = whole()));
    for (const pause of [...PAUSES, 0]) {
      try {
        const data = file.slice(number * slice, (number + 1) * slice);
        return await ask("PUT", `${url}${number}/`, data, { signal: ends.signal, onProgress });
      } catch (request) {
        if (!pause || ends.signal.aborted || refusal(request)) throw request;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  function forget(chip) {
    const upload = coming.get(chip);
    coming.delete(chip);
    chip.remove();
    upload.ends.abort();
    if (upload.url) ask("DELETE", upload.url).catch(() => {});
  }

  document.addEventListener("change", ({ target }) => target.id === "pick-files" && (add(target.files), (target.value = "")));
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("#file-chips button:not([data-write])");
    if (!button) return;
    event.preventDefault();
    const chip = button.closest("li");
    find("message").focus();
    tell("");
    if (coming.has(chip)) return "again" in button.dataset ? start(chip, coming.get(chip).file) : forget(chip);
    await ask("POST", button.getAttribute("formaction")).catch(() => {});
    chip.remove();
  });

  const brings = ({ dataTransfer }) => find("composer-files") && dataTransfer?.types.includes("Files");
  const mark = (takes) => find("composer")?.classList.toggle("takes", takes);
  document.addEventListener("dragover", (event) => brings(event) && (event.preventDefault(), mark(true)));
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false));
  document.addEventListener("drop", (event) => brings(event) && (event.preventDefault(), mark(false), add(event.dataTransfer.files)));
  document.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData ?? {};
    if (!find("composer-files") || !files?.length || types.includes("text/plain")) return;
    event.preventDefault();
    add(files, () => `${words.dataset.pasted} ${new Date().toTimeString().slice(0, 5).replace(":", ".")}.png`);
  });

  // Before all others: what is on its way would not go with the message.
  addEventListener("submit", (event) => {
    if (event.target.id === "composer" && coming.size) event.preventDefault(), event.stopImmediatePropagation(), say("wait");
  }, true);
  // Another composer has come in the place of this one.
  document.addEventListener("htmx:after:swap", () => {
    for (const chip of coming.keys()) if (!chip.isConnected) find("file-chips")?.append(chip);
  });
})();

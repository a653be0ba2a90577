// Files for a knowledge base: picked or dropped, also whole folders, sent in slices, two files at a time.
(() => {
  const AT_ONCE = 2;
  const PAUSES = [1000, 3000, 8000, 20000, 60000]; // ms before a request is tried again
  const form = document.getElementById("add-files");
  if (!form) return;
  const find = (id) => document.getElementById(id);
  const waiting = [];
  let total = 0;
  let arrived = 0;
  let working = 0;

  async function ask(method, url, body) {
    const headers = { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value, "X-Requested-With": "knowledge" };
    for (const pause of [...PAUSES, 0]) {
      const answer = await fetch(url, { method, headers, body, redirect: "error" }).catch(() => null);
      if (answer?.ok) return answer;
      // What the server does not want it says; one that is away or busy is asked again.
      const passes = !answer || answer.status === 429 || answer.status >= 500;
      if (!passes || !pause) throw new Error(answer ? ((await answer.json().catch(() => ({}))).error ?? answer.statusText) : "");
      const wait = Number(answer?.headers.get("Retry-After")) * 1000 || pause;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  function refuse(file, why) {
    const list = find("knowledge-refused");
    const line = document.createElement("li");
    line.textContent = why ? `${file.name}: ${why}` : form.dataset.broken.replace("%s", file.name);
    list.append(line);
    list.hidden = false;
  }

  function tell() {
    const line = find("knowledge-progress");
    line.hidden = !total;
    line.textContent = form.dataset.progress.replace("%s", arrived).replace("%t", total);
    htmx.trigger(document.body, "knowledge-added");
  }

  async function send(file) {
    const about = new URLSearchParams({ name: file.name, size: file.size });
    const { url, slice } = await (await ask("POST", form.dataset.url, about)).json();
    for (let number = 0; number * slice < file.size; number++) {
      await ask("PUT", `${url}${number}/`, file.slice(number * slice, (number + 1) * slice));
    }
    await ask("POST", url);
  }

  async function work() {
    working++;
    while (waiting.length) {
      const file = waiting.shift();
      await send(file).then(
        () => arrived++,
        (error) => (refuse(file, error.message), total--),
      );
      tell();
    }
    working--;
  }

  function add(files) {
    if (!working) total = arrived = 0;
    find("knowledge-refused").replaceChildren();
    find("knowledge-refused").hidden = true;
    for (const file of files) if (file.size && !file.name.startsWith(".")) waiting.push(file), total++;
    tell();
    while (working < AT_ONCE && waiting.length > working) work();
    if (!working && waiting.length) work();
  }

  async function inside(entry) {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const each of some) found.push(...(await inside(each)));
    }
  }

  form.addEventListener("change", ({ target }) => {
    if (target.type !== "file") return;
    add([...target.files]);
    target.value = "";
  });
  const brings = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => brings(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return add([...event.dataTransfer.files]);
    add((await Promise.all(entries.map(inside))).flat());
  });
  addEventListener("beforeunload", (event) => working && event.preventDefault());
})();

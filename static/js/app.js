// What holds for every swap: focus and opened folds stay, old news is dropped, failures are said, new parts get their buttons.
(() => {
  const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), textarea, [tabindex]";
  const all = (root, selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  let focusPath = [];
  let openFolds = [];
  const opened = new Set(); // by a click: also what goes away for a moment and comes again

  document.addEventListener("click", ({ target }) => {
    const fold = target.closest("#turns summary")?.parentElement;
    if (fold?.id && !fold.querySelector("form")) opened[fold.open ? "delete" : "add"](fold.id); // an edit is over once it is sent
  }, true);

  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    focusPath = [];
    for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) if (at.id) focusPath.push(at.id);
    openFolds = [...document.querySelectorAll("#turns details[open]")].map((fold) => fold.id);
    if (ctx.sourceElement?.id !== "live") tasks.forEach(dropOldNews);
  });

  // The stream may have been faster than the answer to the click: a turn never goes back to an earlier state.
  function dropOldNews({ fragment }) {
    for (const turn of [...(fragment?.children ?? [])].filter((part) => part.matches(".turn"))) {
      const shown = document.getElementById(turn.id);
      if (shown && Number(shown.dataset.revision) >= Number(turn.dataset.revision)) turn.remove();
    }
  }

  document.addEventListener("htmx:after:swap", () => {
    for (const id of new Set([...openFolds, ...opened])) document.getElementById(id)?.setAttribute("open", "");
    if (document.activeElement !== document.body) return;
    for (const id of focusPath) {
      const place = document.getElementById(id);
      const next = place && all(place, FOCUSABLE).find((part) => part.checkVisibility()); // not what a closed fold hides
      if (next) return next.focus({ preventScroll: true });
    }
  });

  // A refusal of ours names its place; anything else (a proxy's page, a lost line) must not replace what is there.
  document.addEventListener("htmx:after:request", (event) => {
    const { response, hx, sourceElement } = event.detail.ctx;
    if (response.status < 500) for (const notice of document.querySelectorAll("[data-lost]")) notice.remove();
    if (response.status < 400 || hx.retarget || hx.reswap || hx.redirect || sourceElement.id === "live") return;
    event.preventDefault();
    say("The server could not answer. What you wrote is still here. Try again in a moment.");
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx?.request && ctx.sourceElement?.id !== "live") say("The server cannot be reached. What you wrote is still here. Try again in a moment.");
  });

  function say(sentence) {
    const notice = document.getElementById("notice-template").content.firstElementChild.cloneNode(true);
    notice.querySelector("p").textContent = sentence;
    notice.dataset.lost = ""; // until the server answers again
    document.getElementById("notices").append(notice);
  }

  document.addEventListener("htmx:after:settle", ({ detail: { newContent } }) => {
    for (const part of newContent) if (part instanceof Element) dress(part);
  });
  dress(document.body);

  function dress(root) {
    for (const code of all(root, ".code")) if (!code.querySelector(":scope > .copy-code")) code.append(copyButton(code));
    for (const time of all(root, "time[datetime]")) localise(time);
    for (const notice of all(root, ".notice[data-seconds]")) dismissLater(notice, Number(notice.dataset.seconds));
    for (const error of all(root, ".error[data-seconds]")) setTimeout(() => error.remove(), error.dataset.seconds * 1000);
  }

  // Its name says which code: as the page calls it, or by the first line.
  function copyButton(code) {
    const button = document.getElementById("copy-template").content.firstElementChild.cloneNode(true);
    const line = code.dataset.called ?? code.querySelector("pre")?.textContent.trim().split("\n").find((words) => words.length > 2) ?? "";
    if (line) button.setAttribute("aria-label", `${button.title}: ${line.trim().slice(0, 60)}`);
    return button;
  }

  function localise(time) {
    const moment = new Date(time.dateTime);
    time.title = moment.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
    if (!time.classList.contains("clock")) return;
    const clock = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const isToday = moment.toDateString() === new Date().toDateString();
    time.textContent = isToday ? clock : `${moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${clock}`;
  }

  // The times of yesterday get their date in a page that stays open over midnight.
  let today = new Date().toDateString();
  setInterval(() => {
    if (today === new Date().toDateString()) return;
    today = new Date().toDateString();
    for (const time of document.querySelectorAll("time.clock")) localise(time);
  }, 1_000);

  // An error goes when its field is written in again; that a text is too long, when it is short enough.
  document.addEventListener("input", ({ target }) => {
    if (target.getAttribute("aria-invalid") !== "true") return;
    const described = (target.getAttribute("aria-describedby") ?? "").split(/\s+/).filter(Boolean);
    const errors = described.filter((id) => document.getElementById(id)?.matches(".error"));
    const longest = Math.min(...errors.map((id) => Number(document.getElementById(id).dataset.longest ?? Infinity)));
    if (longest < [...target.value.trimEnd()].length) return;
    target.removeAttribute("aria-invalid");
    for (const id of errors) document.getElementById(id).remove();
    target.setAttribute("aria-describedby", described.filter((id) => !errors.includes(id)).join(" "));
  });

  function dismissLater(notice, seconds) {
    setTimeout(() => {
      if (notice.matches(":hover, :focus-within")) dismissLater(notice, 2);
      else notice.remove();
    }, seconds * 1000);
  }

  document.addEventListener("click", ({ target }) => {
    target.closest("[data-dismiss]")?.closest(".notice").remove();
    const code = target.closest(".copy-code");
    if (code) copy(code, code.closest(".code").querySelector("pre").textContent);
    const button = target.closest("[data-copy]");
    if (button) copyAnswer(button, document.getElementById(button.dataset.copy));
  });

  // An answer is copied as its model wrote it, and beside that as it is shown, for programs that take rich text.
  function copyAnswer(button, answer) {
    const source = document.getElementById(button.dataset.source);
    if (source) copy(button, source.content.textContent, answerHtml(answer));
    else copy(button, [...answer.querySelectorAll(":scope > .prose")].map((part) => part.innerText.trim()).join("\n\n"));
  }

  function answerHtml(answer) {
    const parts = [...answer.querySelectorAll(":scope > .prose")].map((part) => part.cloneNode(true));
    for (const part of parts) {
      for (const control of part.querySelectorAll("button, .footnote-back")) control.remove();
      for (const element of part.querySelectorAll("[class], [id], [tabindex], [role]"))
        for (const name of ["class", "id", "tabindex", "role"]) element.removeAttribute(name);
    }
    return parts.map((part) => part.innerHTML.trim()).join("\n");
  }

  async function copy(button, text, html = "") {
    try {
      if (html) await navigator.clipboard.write([clipboardItem(text, html)]);
      else await navigator.clipboard.writeText(text);
    } catch {
      copyWithoutPermission(text, html);
      button.focus({ preventScroll: true });
    }
    button.querySelector("use").setAttribute("href", "#icon-check");
    const label = button.querySelector("span");
    if (label) label.textContent = "Copied";
    document.getElementById("status").textContent = "Copied.";
    setTimeout(() => {
      button.querySelector("use").setAttribute("href", "#icon-copy");
      if (label) label.textContent = "Copy";
    }, 2000);
  }

  function clipboardItem(text, html) {
    const forms = { "text/plain": text, "text/html": html };
    return new ClipboardItem(Object.fromEntries(Object.entries(forms).map(([type, form]) => [type, new Blob([form], { type })])));
  }

  // Over plain HTTP a browser has no clipboard but this one.
  function copyWithoutPermission(text, html) {
    const box = document.body.appendChild(document.createElement("textarea"));
    box.value = text;
    box.select();
    document.addEventListener("copy", (event) => {
      event.clipboardData.setData("text/plain", text);
      if (html) event.clipboardData.setData("text/html", html);
      event.preventDefault();
    }, { once: true });
    document.execCommand("copy");
    box.remove();
  }
})();

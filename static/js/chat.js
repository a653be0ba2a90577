// The chat: a composer that keeps its draft, a view that stays where its reader is, clocks of running answers.
(() => {
  const turns = document.getElementById("turns");
  const jump = document.getElementById("jump");
  const draftKey = `draft:${location.pathname}`;
  const placeKey = `place:${location.pathname}`;
  const NEAR = 80; // px from the end that still count as the end
  const box = () => document.getElementById("message");

  // --- Composer
  restoreDraft();
  grow();

  function restoreDraft() {
    const draft = box() && !box().value && sessionStorage.getItem(draftKey);
    if (!draft) return;
    box().value = draft;
    grow();
  }

  function grow() {
    if (!box() || CSS.supports("field-sizing", "content")) return;
    box().style.height = "auto";
    box().style.height = `${box().scrollHeight}px`;
  }

  function keepDraft() {
    grow();
    if (box()?.value) sessionStorage.setItem(draftKey, box().value);
    else sessionStorage.removeItem(draftKey);
  }

  document.addEventListener("input", ({ target }) => target === box() && keepDraft());

  document.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && event.target === box() && !event.shiftKey && !event.isComposing && !matchMedia("(hover: none)").matches;
    if (!sends) return;
    event.preventDefault();
    box().form.requestSubmit();
  });

  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-stop-answer]")) document.querySelector(".turn[data-status=running] [data-stop]")?.click();
  });

  // What was typed while the message was on its way stays in the box.
  let sent = "";
  let rest = null;
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id === "composer") sent = box().value;
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id === "composer" && ctx.response.status < 400) sessionStorage.removeItem(draftKey);
  });
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id !== "composer" || !box()) return;
    const isTaken = ctx.response.status < 400;
    rest = isTaken && box().value.startsWith(sent) ? box().value.slice(sent.length) : box().value;
    if (isTaken) follow(true);
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id === "live") return restoreDraft(); // the stream may have opened the composer again
    if (rest !== null && box()) box().value = rest;
    rest = null;
    keepDraft();
  });

  // --- The reader's place
  if (!turns) return;
  const page = document.documentElement;
  const isAtEnd = () => innerHeight + scrollY >= page.scrollHeight - NEAR;
  let follows = true;

  function follow(to) {
    follows = to;
    jump.hidden = to;
    if (to) scrollTo({ top: page.scrollHeight, behavior: "instant" });
  }

  // The turn in the address is for browsers without scripts; here it would pull the view away from the end.
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  const [visit] = performance.getEntriesByType("navigation");
  const place = visit?.type === "navigate" ? null : sessionStorage.getItem(placeKey);
  if (!document.querySelector("[data-past]")) {
    history.scrollRestoration = "manual";
    if (place === null || place === "end") follow(true);
    else scrollTo({ top: Number(place), behavior: "instant" });
  }
  addEventListener("pagehide", () => sessionStorage.setItem(placeKey, isAtEnd() ? "end" : String(scrollY)));
  addEventListener("scroll", () => {
    follows = isAtEnd();
    jump.hidden = follows;
  }, { passive: true });
  new ResizeObserver(() => follows && follow(true)).observe(turns);
  jump.addEventListener("click", () => follow(true));

  // Earlier turns come in above the line that is being read, which stays where it is.
  let reading = null;
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    const line = ctx.sourceElement?.id === "older-link" && turns.firstElementChild;
    reading = line ? { line, top: line.getBoundingClientRect().top } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (reading) scrollBy({ top: reading.line.getBoundingClientRect().top - reading.top, behavior: "instant" });
    reading = null;
  });

  // --- Clocks
  const skew = Date.now() / 1000 - Number(document.body.dataset.now);
  setInterval(() => {
    for (const clock of turns.querySelectorAll("[data-started]")) {
      const seconds = Math.max(0, Math.round(Date.now() / 1000 - skew - Number(clock.dataset.started)));
      const text = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
      if (seconds && clock.textContent !== text) clock.textContent = text;
    }
  }, 1000);
})();

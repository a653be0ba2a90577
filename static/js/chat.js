// The chat: a composer that keeps its draft, a view that stays where its reader is, clocks of running answers.
(() => {
  const END = 32; // px from the end that count as the end for who comes back to it: an answer may grow by a line meanwhile
  const LINE = 40; // px that an arrow key scrolls
  const page = document.documentElement;
  const isTouch = matchMedia("(hover: none)");
  const box = () => document.getElementById("message");
  const draftKey = (path = location.pathname) => `draft:${document.body.dataset.person}:${path}`;
  const placeKey = () => `place:${location.pathname}`;
  const isComposing = (event) => event.isComposing || event.keyCode === 229; // Safari sends Enter after the composition has ended

  // --- Composer
  restoreDraft();
  grow();
  if (isTouch.matches) box()?.matches(":focus:not([aria-invalid])") && box().blur(); // or a keyboard would cover what one came to read
  else if (document.activeElement === document.body) box()?.focus({ preventScroll: true });

  function restoreDraft() {
    const draft = box() && !box().value && sessionStorage.getItem(draftKey());
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
    if (box()?.value) sessionStorage.setItem(draftKey(), box().value);
    else sessionStorage.removeItem(draftKey());
  }

  document.addEventListener("input", ({ target }) => target === box() && keepDraft());

  // What was written to one agent is meant for the other one that is picked then.
  document.addEventListener("click", (event) => {
    const other = event.target.closest("#agent-picker a[data-agent]");
    if (!other || !box()?.value || event.ctrlKey || event.metaKey || event.shiftKey) return;
    sessionStorage.setItem(draftKey(other.pathname), box().value);
    sessionStorage.removeItem(draftKey());
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isComposing(event)) return;
    if (event.key === "Tab") return goToApproval(event);
    if (event.target !== box()) return;
    const plainSends = document.body.dataset.enter === "send" && !event.shiftKey && !isTouch.matches;
    if (event.key === "Enter" && (plainSends || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      box().form.requestSubmit();
    } else if (!box().value) scrollFromBox(event);
  });

  // The script of files comes with the first sign of a hand: most messages have none.
  const HANDS = ["pointermove", "pointerdown", "keydown", "dragenter", "click"]; // click: of what helps people to use a page
  function bringFiles() {
    for (const kind of HANDS) removeEventListener(kind, bringFiles, true);
    const src = document.getElementById("composer-files")?.dataset.script;
    if (src) document.head.append(Object.assign(document.createElement("script"), { src }));
  }
  for (const kind of HANDS) addEventListener(kind, bringFiles, true);

  // So do those of voices, with the first click on what needs them; at once where a recording was cut off.
  function bring(button) {
    const { brings: src } = button.dataset;
    if ([...document.scripts].some((script) => script.getAttribute("src") === src)) return false;
    const script = Object.assign(document.createElement("script"), { src });
    document.head.append(script);
    return script;
  }
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-brings]");
    const script = button && bring(button);
    if (script) script.onload = () => button.click();
  });
  const recording = document.getElementById("record");
  if (recording && localStorage.getItem(`recording:${document.body.dataset.person}`)) bring(recording);

  // How high the composer is: what floats above it, and what is scrolled to, stays clear of it.
  let measured = null;
  // --below: what of the screen's end is no place for the focus, a little more than a composer of one line.
  const height = new ResizeObserver(() => {
    const tall = measured?.offsetHeight ?? 0;
    page.style.setProperty("--composer", `${tall}px`);
    page.style.setProperty("--below", `${tall && Math.max(tall, 144)}px`);
  });

  function measure() {
    const composer = document.getElementById("composer");
    if (composer === measured) return;
    height.disconnect();
    measured = composer;
    if (composer) height.observe(composer);
  }
  measure();

  // The focus stays in the box: while that is empty, the keys that move in a text move the page.
  function scrollFromBox(event) {
    const by = { ArrowUp: -LINE, ArrowDown: LINE, PageUp: -0.8 * innerHeight, PageDown: 0.8 * innerHeight }[event.key];
    if (!by || !turns || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (by < 0) letGo();
    scrollBy({ top: by, behavior: "instant" });
  }

  // Who stops an answer goes on writing. The button goes with the answer, and would take the focus with it.
  document.addEventListener("click", ({ target }) => {
    if (target.closest("[data-stop]") && !isTouch.matches) box()?.focus({ preventScroll: true });
  });

  // A message is edited in its place: with the caret at its end, at once, and Escape takes one back.
  document.addEventListener("click", (event) => {
    const fold = event.target.closest(".edit > summary")?.parentElement;
    if (!fold || event.defaultPrevented) return;
    event.preventDefault();
    fold.open = !fold.open;
    const field = fold.open ? fold.querySelector("textarea") : null;
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  });
  document.addEventListener("keydown", (event) => {
    const fold = event.key === "Escape" && !event.isComposing && event.target.closest("textarea")?.closest(".edit[open]");
    if (!fold) return;
    event.preventDefault();
    fold.open = false;
    fold.querySelector("summary").focus();
  });

  // "Too many messages wait" goes when fewer of them wait.
  function forgetFullQueue() {
    const full = document.querySelector("#composer-error[data-until=fewer-wait]");
    if (!full) return;
    const waiting = document.querySelectorAll(".turn[data-status=queued]").length;
    full.dataset.waiting ??= waiting;
    if (waiting < Number(full.dataset.waiting)) full.remove();
  }

  // What was typed while the message was on its way stays in the box.
  let sent = "";
  let rest = null;
  let opening = false; // the first message was taken, and its chat is not shown yet
  let isSending = false;
  let sendsAgain = false;
  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.sourceElement.id !== "composer") return;
    if (opening) event.preventDefault(), (sendsAgain = true);
    else (sent = box().value), (isSending = true);
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id === "composer") isSending = false;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id !== "composer" || ctx.response.status >= 400) return;
    sessionStorage.removeItem(draftKey());
    if (!ctx.hx.redirect) return;
    event.preventDefault();
    openChat(ctx);
  });
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id !== "composer" || !box()) return;
    const isTaken = ctx.response.status < 400;
    rest = isTaken && box().value.startsWith(sent) ? box().value.slice(sent.length) : box().value;
    if (isTaken) follow(true);
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    watch();
    measure();
    forgetFullQueue();
    if (ctx.sourceElement?.id === "live") return restoreDraft(); // the stream may have opened the composer again
    if (rest !== null && box()) box().value = rest;
    rest = null;
    keepDraft();
  });

  // The first message opens its chat inside this page: a page that is loaded would lose the focus, and letters with it.
  async function openChat(ctx) {
    const address = ctx.hx.redirect;
    opening = true;
    try {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`The chat answered ${answer.status}.`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = (id) => fresh.getElementById(id);
      if (!part("turns")) throw new Error("That is no chat.");
      const stream = part("live").getAttribute("hx-sse:connect");
      sessionStorage.removeItem(draftKey());
      const wasWriting = !isTouch.matches || document.activeElement === box();
      history.pushState(null, "", answer.url.split("#")[0]);
      document.title = fresh.title;
      const text =
        `<hx-partial hx-target="#main" hx-swap="innerHTML">${part("main").innerHTML}</hx-partial>` +
        `<hx-partial hx-target="#sidebar-list" hx-swap="outerMorph">${part("sidebar-list").outerHTML}</hx-partial>`;
      await htmx.swap({ sourceElement: ctx.sourceElement, response: { status: 200 }, target: document.body, swap: "none", text });
      if (wasWriting) box()?.focus({ preventScroll: true });
      document.getElementById("live").dispatchEvent(new CustomEvent("move", { detail: stream }));
      opening = false;
      tellOutside();
      if (sendsAgain) box()?.form.requestSubmit();
      sendsAgain = false;
    } catch {
      location.assign(address);
    }
  }

  // Back and forth between a chat and the page that it began on.
  let shownPath = location.pathname;
  document.addEventListener("htmx:before:history:restore", (event) => event.preventDefault());
  addEventListener("popstate", () => location.pathname === shownPath || location.reload());

  // --- An approval is the next stop of Tab, wherever the focus was when it came.
  let approval = null;

  function noteApproval() {
    const asks = [...turns.querySelectorAll(".asks")].at(-1);
    if (asks && asks.id !== approval?.id) announce(asks);
    else if (!asks) approval = null;
  }

  // Also one that was there before the stream: then the stream has nothing to say.
  function announce(asks) {
    approval = { id: asks.id, isMet: asks.contains(document.activeElement) };
    const agent = asks.closest(".turn").querySelector(".answer .turn-head h2").textContent.trim();
    document.getElementById("status").textContent = `${agent} waits for your decision. Press Tab to get there.`;
  }

  document.addEventListener("focusin", ({ target }) => {
    if (approval && target.closest(".asks")) approval.isMet = true;
  });

  function goToApproval(event) {
    if (!approval || approval.isMet || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const asks = document.getElementById(approval.id);
    const fields = [...(asks?.querySelectorAll(".ask-field :is(input, textarea), input[type=radio]") ?? [])];
    const first = fields.find((field) => field.checkVisibility()) ?? asks?.querySelector("button"); // a fold that is closed has some, too
    if (!first || document.querySelector(":popover-open, dialog[open]")) return;
    event.preventDefault();
    first.focus();
  }

  // --- The reader's place
  let turns = null;
  let jump = null;
  let follows = true;
  let seen = { y: 0, height: 0, screen: 0 };
  const isAtEnd = () => innerHeight + scrollY >= page.scrollHeight - END;
  const keepUp = () => follows && !printing && follow(true);
  const growth = new ResizeObserver(keepUp);
  const news = new MutationObserver(keepUp);

  function follow(to) {
    if (!turns) return;
    follows = to;
    jump.hidden = to;
    if (to) scrollTo({ top: page.scrollHeight, behavior: "instant" });
    see();
  }

  function see() {
    seen = { y: scrollY, height: page.scrollHeight, screen: innerHeight };
  }

  // Whatever leads up lets go at once, and is told apart from a page that becomes shorter under its reader.
  function letGo() {
    if (follows && turns && scrollY > 0) follow(false);
  }

  addEventListener("wheel", ({ deltaY, ctrlKey, target }) => {
    if (deltaY < 0 && !ctrlKey && target.closest("#main") && !scrollsInside(target)) letGo();
  }, { passive: true });

  function scrollsInside(place) {
    for (let at = place; at && at.id !== "main"; at = at.parentElement) if (at.scrollTop > 0) return true;
    return false;
  }

  let finger = 0;
  addEventListener("touchstart", ({ touches }) => (finger = touches[0].clientY), { passive: true });
  addEventListener("touchmove", ({ touches, target }) => {
    if (touches[0].clientY > finger && target.closest("#transcript") && !scrollsInside(target)) letGo();
    finger = touches[0].clientY;
  }, { passive: true });

  addEventListener("keydown", (event) => {
    const leadsUp = ["ArrowUp", "PageUp", "Home"].includes(event.key) || (event.key === " " && event.shiftKey);
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable], .sidebar, dialog, [popover]");
    if (leadsUp && !event.defaultPrevented && !isTyping && !scrollsInside(event.target)) letGo();
  });

  addEventListener("scroll", () => {
    if (!turns || printing) return;
    const isShorter = page.scrollHeight < seen.height || innerHeight !== seen.screen;
    if (follows && scrollY < seen.y - 1 && !isShorter) follow(false);
    else if (!follows && scrollY > seen.y && isAtEnd()) follow(true);
    else if (follows && isShorter) follow(true);
    else see();
  }, { passive: true });

  function watch() {
    const found = document.getElementById("turns");
    if (found) shownPath = location.pathname;
    if (found && found !== turns) {
      turns = found;
      jump = document.getElementById("jump");
      jump.addEventListener("click", () => follow(true));
      growth.disconnect();
      news.disconnect();
      growth.observe(turns);
      growth.observe(document.getElementById("main"));
      news.observe(turns, { childList: true, characterData: true, subtree: true });
      follow(follows);
    }
    if (turns) noteApproval();
  }

  // The turn in the address is for browsers without scripts; here it would pull the view away from the end. A search leads to its turn once.
  const isPast = document.querySelector("[data-past]");
  const found = document.getElementById(document.getElementById("transcript")?.dataset.found);
  const query = found && !isPast ? "" : location.search;
  if ((location.hash || found) && document.getElementById("turns")) history.replaceState(history.state, "", location.pathname + query);
  const [visit] = performance.getEntriesByType("navigation");
  const place = visit?.type === "navigate" ? null : sessionStorage.getItem(placeKey());
  follows = !isPast && !found && (place === null || place === "end");
  if (!isPast) history.scrollRestoration = "manual";
  watch();
  if (turns && !follows && !isPast && !found) scrollTo({ top: Number(place), behavior: "instant" });
  if (found) goToFound();
  see();
  addEventListener("pagehide", () => turns && sessionStorage.setItem(placeKey(), follows || isAtEnd() ? "end" : String(scrollY)));

  // The turn that a search has led to: it is read from there, and marked for a moment.
  function goToFound() {
    found.scrollIntoView({ block: "start", behavior: "instant" });
    found.tabIndex = -1;
    found.focus({ preventScroll: true });
    found.classList.add("found");
    setTimeout(() => found.classList.remove("found"), 4_000);
    jump.hidden = Boolean(isPast) || isAtEnd();
  }

  // Earlier turns come in above the line that is being read, which stays where it is.
  let reading = null;
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    const line = ctx.sourceElement?.id === "older-link" && turns.firstElementChild;
    reading = line ? { line, top: line.getBoundingClientRect().top } : null;
  });
  document.addEventListener("htmx:after:swap", () => {
    if (reading) keepLine(reading);
    reading = null;
  });

  function keepLine({ line, top }) {
    scrollBy({ top: line.getBoundingClientRect().top - top, behavior: "instant" });
    see();
  }

  // --- Paper shows every turn, also those that were not loaded yet. There is no time to wait for them: the browser prints what is there.
  let printing = null; // where the reader was
  addEventListener("beforeprint", goToPaper);
  addEventListener("afterprint", comeBack);
  matchMedia("print").addEventListener("change", ({ matches }) => (matches ? goToPaper() : comeBack()));

  function goToPaper() {
    if (!turns || printing) return;
    const line = [...turns.children].find((turn) => turn.getBoundingClientRect().bottom > 0);
    printing = { follows, line, top: line?.getBoundingClientRect().top, folded: [] };
    if (!isPast) for (let link = olderLink(); link; link = olderLink()) if (!loadBefore(link)) break;
    printing.folded = [...turns.querySelectorAll(".said-more:not([open])")];
    for (const said of printing.folded) said.open = true;
  }

  function comeBack() {
    if (!printing) return;
    const was = printing;
    printing = null;
    for (const said of was.folded) said.open = false;
    if (was.follows) follow(true);
    else if (was.line) keepLine(was);
  }

  const olderLink = () => document.getElementById("older-link");

  function loadBefore(link) {
    const asked = new XMLHttpRequest();
    asked.open("GET", link.getAttribute("hx-get"), false);
    asked.setRequestHeader("HX-Request", "true");
    try {
      asked.send();
    } catch {
      return false;
    }
    const fresh = new DOMParser().parseFromString(asked.responseText, "text/html");
    const older = fresh.getElementById("older");
    if (asked.status !== 200 || !older) return false;
    const earlier = [...fresh.querySelectorAll(".turn")].filter((turn) => !document.getElementById(turn.id));
    turns.prepend(...earlier);
    document.getElementById("older").replaceWith(older);
    for (const part of [older, ...earlier]) htmx.process(part);
    htmx.trigger(document, "htmx:after:settle", { newContent: earlier });
    return true;
  }

  // --- A tab in the background says in its title that an answer has come, or that one waits for a decision.
  let wasOpen = false; // when it was hidden

  // hx-sse lets the stream of a hidden tab go. Not while somebody waits for an answer in it: then it goes when that is there.
  document.addEventListener("visibilitychange", (event) => {
    wasOpen = document.hidden && (isSending || opening || Boolean(turns?.querySelector(".turn[data-status=running]")));
    if (wasOpen) event.stopImmediatePropagation();
    if (!document.hidden) mark("");
  });
  document.addEventListener("htmx:after:swap", tellOutside);

  function tellOutside() {
    if (!wasOpen || opening || !turns || turns.querySelector(".turn[data-status=running], .turn[data-status=queued]")) return;
    mark(turns.querySelector(".turn[data-status=waiting]") ? "Waits for you" : "Answered");
    document.dispatchEvent(new Event("visibilitychange"));
  }

  function mark(what) {
    const { news: before = "" } = page.dataset;
    if (what === before) return;
    if (what) page.dataset.news = what;
    else delete page.dataset.news;
    document.dispatchEvent(new Event("news"));
  }

  // --- Clocks
  const skew = Date.now() / 1000 - Number(document.body.dataset.now);
  setInterval(() => {
    for (const clock of turns?.querySelectorAll("[data-started]") ?? []) {
      const seconds = Math.max(0, Math.round(Date.now() / 1000 - skew - Number(clock.dataset.started)));
      const text = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
      if (seconds && clock.textContent !== text) clock.textContent = text;
    }
  }, 1000);
})();

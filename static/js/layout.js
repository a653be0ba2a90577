// What stands round every page: colours, sidebar and drawer, the menu of a chat, keys.
(() => {
  const root = document.documentElement;
  const sidebar = document.getElementById("sidebar");
  const main = document.getElementById("main");
  const menu = document.getElementById("menu");
  const overlay = document.getElementById("overlay");
  const narrow = matchMedia("(max-width: 49.9375em)"); // as in the stylesheets: with large letters a wide screen is narrow, too
  const THEMES = { system: "as the system", light: "light", dark: "dark" };
  let opener = null;

  const store = (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      // Not remembered, then.
    }
  };

  function showTheme() {
    const theme = root.dataset.theme ?? "system";
    const button = document.querySelector("[data-theme-switch]");
    if (!button) return;
    button.querySelector("use").setAttribute("href", `#icon-${theme}`);
    button.title = `Colours: ${THEMES[theme]}`;
    button.setAttribute("aria-label", button.title);
  }

  function nextTheme() {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(root.dataset.theme ?? "system") + 1) % names.length];
    root.dataset.theme = next;
    store("theme", next);
    showTheme();
    const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
    const url = document.querySelector("[data-theme-switch]").dataset.themeSwitch;
    fetch(url, { method: "POST", keepalive: true, headers, body: new URLSearchParams({ theme: next }) }).catch(() => {}); // this browser knows it
  }

  function fold(folded) {
    root.classList.toggle("folded", folded);
    store("sidebar", folded ? "folded" : "open");
    (folded ? document.getElementById("drawer-open") : sidebar.querySelector("[data-fold]"))?.focus();
  }

  // What is said in the corner can be heard and pressed beside the drawer.
  function setInert(inert) {
    for (const part of main.children) part.inert = inert && part.id !== "notices";
  }

  function openDrawer() {
    if (!narrow.matches) return fold(false);
    sidebar.classList.add("open");
    setInert(true);
    sidebar.querySelector(".drawer-close").focus();
  }

  function closeDrawer() {
    sidebar.classList.remove("open");
    setInert(false);
    document.getElementById("drawer-open")?.focus();
  }
  narrow.addEventListener("change", () => sidebar.classList.contains("open") && closeDrawer());

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-theme-switch]")) nextTheme();
    else if (on("[data-fold]")) fold(true);
    else if (on("[data-presses]")) event.preventDefault(), overlay.close(), document.getElementById(on("[data-presses]").dataset.presses).click();
    else if (event.target === overlay) overlay.close(); // beside what it holds
    else if (on("#filters-open")) on("#filters-open").setAttribute("aria-expanded", String(on("#filters-open").ariaExpanded !== "true"));
    else if (on(".drawer-open")) event.preventDefault(), openDrawer();
    else if (on(".drawer-close, .drawer-shade")) event.preventDefault(), closeDrawer();
  });

  // The menu of a chat opens beside what asked for it.
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    showTitle();
    showTheme();
    if (ctx.sourceElement?.id === "search") sayFound();
    if (ctx.target === menu && ctx.sourceElement?.matches("[aria-haspopup]")) openMenu(ctx.sourceElement);
    if (ctx.text?.includes('id="sidebar-list"') || ctx.target?.id === "sidebar-older") mendSidebar();
  });
  document.addEventListener("news", showTitle);
  document.addEventListener("chat-changed", () => menu.matches(":popover-open") && menu.hidePopover());

  // The tab says what waits: how many chats have something that was not seen, and what came into this one behind other tabs (chat.js).
  const page = document.title.replace(/^\(\d+\) /, "");
  function showTitle() {
    const chat = document.querySelector("#chat-header h1")?.textContent;
    const { news } = root.dataset;
    const unseen = document.querySelectorAll(":is(#sidebar-list, #sidebar-older) [data-unseen]").length;
    document.title = [unseen && `(${unseen}) `, news && `${news} · `, chat ? `${chat} · AgentOS` : page].filter(Boolean).join("");
    const icon = document.querySelector("link[rel=icon]");
    const shown = unseen || news ? icon.dataset.news : icon.dataset.plain;
    if (icon.getAttribute("href") !== shown) icon.href = shown;
  }

  // How many chats a search has found is said, and not all that it has found.
  function sayFound() {
    document.getElementById("status").textContent = document.querySelector("#sidebar-results > .found")?.textContent.trim() ?? "";
  }

  function openMenu(from) {
    opener = from;
    from.setAttribute("aria-expanded", "true");
    if (!menu.matches(":popover-open")) menu.showPopover();
    const beside = from.getBoundingClientRect();
    menu.style.top = `${Math.max(8, Math.min(beside.bottom + 4, innerHeight - menu.offsetHeight - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(beside.left, innerWidth - menu.offsetWidth - 8))}px`;
    menu.querySelector(narrow.matches ? "button.nav-link" : "input[type=text]")?.focus();
  }
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    menu.replaceChildren();
    opener?.setAttribute("aria-expanded", "false");
    if (document.activeElement !== document.body) return;
    // The button may have gone with its chat.
    const places = [opener, document.getElementById(opener?.id), document.getElementById("new-chat"), main];
    places.find((place) => place?.isConnected && place.checkVisibility({ visibilityProperty: true }))?.focus();
  });

  // The list is sent whole when something moves; what was loaded below it must neither repeat it nor leave a gap.
  function mendSidebar() {
    const list = document.getElementById("sidebar-list");
    const older = document.getElementById("sidebar-older");
    const seen = new Set([...list.querySelectorAll(".row")].map((row) => row.id));
    for (const row of older.querySelectorAll(".row")) seen.has(row.id) ? row.remove() : seen.add(row.id);
    for (const more of older.querySelectorAll(".more:not(:last-child)")) more.remove();
    if (older.dataset.from === list.dataset.next) return;
    older.dataset.from = list.dataset.next;
    if (!list.dataset.next) return;
    const url = `${sidebar.dataset.older}?before=${encodeURIComponent(list.dataset.next)}`;
    htmx.ajax("GET", url, { target: older, swap: older.querySelector(".row") ? "afterbegin" : "innerHTML" });
  }

  document.addEventListener("submit", ({ target }) => {
    if (!target.matches("[data-sign-out]")) return;
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("draft:")) sessionStorage.removeItem(key);
  });

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return; // keys of an input method
    if (event.target.id === "palette-text") return inPalette(event);
    const isTyping = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
    const withControl = event.ctrlKey || event.metaKey;
    if (event.key === "/" && !isTyping && !withControl) goToSearch(event);
    else if (withControl && event.key.toLowerCase() === "k" && !isTyping) event.preventDefault(), openOverlay("palette");
    else if (withControl && event.shiftKey && event.key.toLowerCase() === "o") event.preventDefault(), document.getElementById("new-chat").click();
    else if (event.key === "?" && !isTyping) openOverlay("shortcuts");
    else if (event.key === "Escape") escape(event);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") moveInList(event);
  });

  // The overlay: what Ctrl+K finds, as a combobox whose list the server draws, or the shortcuts.
  function openOverlay(what) {
    if (!overlay.open) htmx.ajax("GET", overlay.dataset[what], { target: overlay, swap: "innerHTML" });
  }

  let chosen = null;
  let isEntered = false; // before what was typed had been found
  const choices = () => [...overlay.querySelectorAll("[role=option]")];

  function choose(option) {
    chosen?.setAttribute("aria-selected", "false");
    chosen = option ?? null;
    chosen?.setAttribute("aria-selected", "true");
    chosen?.scrollIntoView({ block: "nearest" });
    document.getElementById("palette-text")?.setAttribute("aria-activedescendant", chosen?.id ?? "");
  }

  function inPalette(event) {
    const all = choices();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing || (!step && event.key !== "Enter")) return;
    if (event.key === "Enter" && !all.length && !isOld()) return; // the form searches in the chats
    event.preventDefault();
    if (step) choose(all[(all.indexOf(chosen) + step + all.length) % all.length]);
    else if (isOld()) isEntered = true;
    else chosen?.click();
  }

  // Whether what is listed belongs to what was typed before.
  function isOld() {
    const text = document.getElementById("palette-text").value.trim();
    return text !== (document.getElementById("palette-results").dataset.text ?? "");
  }

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target === overlay && !overlay.open) overlay.showModal();
    if (!overlay.open || !document.getElementById("palette-results")) return;
    if (ctx.target !== overlay && ctx.sourceElement?.id !== "palette-text") return;
    choose(choices()[0]);
    if (isEntered) isEntered = false, chosen ? chosen.click() : document.getElementById("palette-text").form.requestSubmit();
  });
  overlay.addEventListener("htmx:after:request", ({ detail: { ctx } }) => ctx.sourceElement.matches("form") && overlay.close());

  function goToSearch(event) {
    event.preventDefault();
    if (!sidebar.checkVisibility()) openDrawer();
    document.getElementById("search").focus();
  }

  function escape(event) {
    if (document.querySelector(":popover-open, dialog[open]") || event.target.closest(".edit.in-place[open]")) return;
    const fold = event.target.closest(":is(.account, .picker, .confirm, .edit, .retry-with)[open]");
    if (fold) return (fold.open = false), fold.querySelector("summary").focus();
    if (sidebar.classList.contains("open")) closeDrawer();
    else if (event.target.id !== "search" || !event.target.value) document.querySelector(".turn[data-status=running] [data-stop]")?.click();
  }

  // A list that lies over the page goes when one goes on.
  for (const moved of ["click", "focusin"])
    document.addEventListener(moved, ({ target }) => {
      for (const picker of document.querySelectorAll(".picker[open]")) if (!picker.contains(target)) picker.open = false;
    });

  function moveInList(event) {
    const list = event.target.closest(".sidebar-lists, #menu");
    const from = event.target.closest("a, button");
    if (!list || !from) return;
    const items = [...list.querySelectorAll(list === menu ? "button" : ".row > a:first-child, .more")].filter((item) => item.checkVisibility());
    const at = items.indexOf(from.closest(".row")?.querySelector("a") ?? from);
    const next = items[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) event.preventDefault(), next.focus();
  }

  showTheme();
})();

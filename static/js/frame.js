// What stands round every page: colours, sidebar and drawer, the menu of a chat, keys.
(() => {
  const root = document.documentElement;
  const sidebar = document.getElementById("sidebar");
  const main = document.getElementById("main");
  const menu = document.getElementById("menu");
  const narrow = matchMedia("(max-width: 799px)");
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
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    store("theme", next);
    showTheme();
  }

  function fold(folded) {
    root.classList.toggle("folded", folded);
    store("sidebar", folded ? "folded" : "open");
    (folded ? document.getElementById("drawer-open") : sidebar.querySelector("[data-fold]"))?.focus();
  }

  function openDrawer() {
    if (!narrow.matches) return fold(false);
    sidebar.classList.add("open");
    main.inert = true;
    sidebar.querySelector(".drawer-close").focus();
  }

  function closeDrawer() {
    sidebar.classList.remove("open");
    main.inert = false;
    document.getElementById("drawer-open")?.focus();
  }
  narrow.addEventListener("change", () => sidebar.classList.contains("open") && closeDrawer());

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    if (on("[data-theme-switch]")) nextTheme();
    else if (on("[data-fold]")) fold(true);
    else if (on("[data-keys]")) document.getElementById("keys").showModal();
    else if (on(".drawer-open")) event.preventDefault(), openDrawer();
    else if (on(".drawer-close, .drawer-shade")) event.preventDefault(), closeDrawer();
  });

  // The menu of a chat opens beside what asked for it.
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (document.querySelector("#chat-header")) document.title = `${document.querySelector("#chat-header h1").textContent} · AgentOS`;
    showTheme();
    if (ctx.target === menu && ctx.sourceElement?.matches("[aria-haspopup]")) openMenu(ctx.sourceElement);
    if (ctx.text?.includes('id="sidebar-list"') || ctx.target?.id === "sidebar-older") mendSidebar();
  });
  document.addEventListener("chat-changed", () => menu.matches(":popover-open") && menu.hidePopover());

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
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    const withControl = event.ctrlKey || event.metaKey;
    if ((event.key === "/" && !isTyping && !withControl) || (withControl && event.key.toLowerCase() === "k")) goToSearch(event);
    else if (withControl && event.shiftKey && event.key.toLowerCase() === "o") event.preventDefault(), document.getElementById("new-chat").click();
    else if (event.key === "?" && !isTyping) document.getElementById("keys").showModal();
    else if (event.key === "Escape") escape(event);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") moveInList(event);
  });

  function goToSearch(event) {
    event.preventDefault();
    if (!sidebar.checkVisibility()) openDrawer();
    document.getElementById("search").focus();
  }

  function escape(event) {
    if (document.querySelector(":popover-open, dialog[open]")) return;
    if (sidebar.classList.contains("open")) closeDrawer();
    else if (event.target.id !== "search" || !event.target.value) document.querySelector(".turn[data-status=running] [data-stop]")?.click();
  }

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

// Runs before the first paint: the colours and the sidebar as this browser left them.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    root.classList.toggle("folded", localStorage.getItem("sidebar") === "folded");
  } catch {
    // No storage in this browser: the system's colours, the sidebar open.
  }
})();

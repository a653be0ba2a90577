// Runs before the first paint: the colours as this person chose them, and the sidebar as this browser left it.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    // What the server says counts when it is news to this browser. Else this browser knows best: its last click may still be on its way.
    const given = root.dataset.theme;
    if (given && given !== localStorage.getItem("theme-given")) {
      localStorage.setItem("theme-given", given);
      localStorage.setItem("theme", given);
    }
    const theme = localStorage.getItem("theme");
    if (["system", "light", "dark"].includes(theme)) root.dataset.theme = theme;
    root.classList.toggle("folded", localStorage.getItem("sidebar") === "folded");
  } catch {
    // No storage in this browser: the system's colours, the sidebar open.
  }
})();

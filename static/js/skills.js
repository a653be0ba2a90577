// The skills of the agent, offered in the message box while a word that begins with / is typed.
(() => {
  const BEGUN = /(?:^|\s)\/([a-z0-9-]*)$/;
  const STEPS = { ArrowDown: 1, ArrowUp: -1 };
  const box = () => document.getElementById("message");
  const list = () => document.getElementById("composer-skills");
  const isOpen = () => Boolean(list() && !list().hidden);
  const chosen = () => list().querySelector("[aria-selected=true]");
  const found = () => [...list().children].filter((option) => !option.hidden);

  // What stands between the / and the caret; null where there is no such word.
  function begun() {
    const { value, selectionStart: at, selectionEnd: end } = box();
    return at === end ? (value.slice(0, at).match(BEGUN)?.[1] ?? null) : null;
  }

  function look() {
    const word = begun();
    for (const option of list().children) option.hidden = word === null || !option.dataset.name.includes(word);
    if (!found().length) return close();
    list().hidden = false;
    box().setAttribute("aria-controls", list().id);
    choose(found().includes(chosen()) ? chosen() : found()[0]);
  }

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box().setAttribute("aria-activedescendant", option.id);
  }

  function close() {
    list().hidden = true;
    box().removeAttribute("aria-activedescendant");
    box().removeAttribute("aria-controls");
  }

  function take(option) {
    const at = box().selectionStart;
    box().setRangeText(`${option.dataset.name} `, at - begun().length, at, "end");
    close();
    box().focus();
    box().dispatchEvent(new Event("input", { bubbles: true })); // the draft is kept, the box grows
  }

  document.addEventListener("input", ({ target }) => target === box() && list() && look());
  document.addEventListener("selectionchange", () => isOpen() && begun() === null && close());
  document.addEventListener("focusout", ({ target }) => target === box() && isOpen() && close());

  // Before all others, of whom some send by Enter and some stop by Escape.
  document.addEventListener("keydown", (event) => {
    if (event.target !== box() || !isOpen() || event.isComposing || event.keyCode === 229) return;
    const isTaken = event.key === "Enter" && begun() === chosen().dataset.name; // it is written out: Enter is for the message
    if (isTaken || !(event.key in STEPS || event.key === "Enter" || event.key === "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") close();
    else if (event.key === "Enter") take(chosen());
    else {
      const all = found();
      choose(all[(all.indexOf(chosen()) + STEPS[event.key] + all.length) % all.length]);
    }
  }, true);

  document.addEventListener("pointerdown", (event) => event.target.closest?.("#composer-skills") && event.preventDefault()); // the box keeps the focus
  document.addEventListener("click", (event) => {
    const option = event.target.closest?.("#composer-skills [role=option]");
    if (option) take(option);
  });
})();

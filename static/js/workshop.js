// The form of a draft, or of a skill: a list that is filtered as one types, a choice that is made by typing, and a word before typed things are lost.
(() => {
  const form = document.querySelector("#draft, #edit-skill, #make-skill");
  const search = document.querySelector("[data-filters]");
  search?.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of document.querySelectorAll(`#${search.dataset.filters} [data-words]`)) {
      card.hidden = !words.every((word) => card.dataset.words.includes(word)) && !card.querySelector(":checked");
    }
  });

  document.getElementById("other-model")?.addEventListener("input", () => {
    document.getElementById("model-other").checked = true;
  });

  document.getElementById("try-again")?.addEventListener("click", () => {
    for (const id of ["try-turns", "try-asks"]) document.getElementById(id).replaceChildren();
    document.getElementById("try-history").value = "[]";
    document.getElementById("try-box").focus();
  });

  // What grows stays in sight, and the box sends as it does in a chat.
  const turns = document.getElementById("try-turns");
  document.addEventListener("htmx:after:swap", () => turns?.scrollTo({ top: turns.scrollHeight }));
  document.getElementById("try-form")?.addEventListener("keydown", (event) => {
    const sends = document.body.dataset.enter === "send" ? !event.shiftKey : event.ctrlKey || event.metaKey;
    if (event.key !== "Enter" || !sends || event.isComposing || event.target.id !== "try-box") return;
    event.preventDefault();
    if (!event.currentTarget.matches(".htmx-request")) event.currentTarget.requestSubmit();
  });

  // A browser brings the caret into sight, and not the whole field.
  form?.addEventListener("focusin", ({ target }) => {
    if (target.matches("textarea")) target.scrollIntoView({ block: "nearest", behavior: "instant" });
  });

  let isChanged = Boolean(document.querySelector("#save-error, [data-unsaved]"));

  // A suggestion that is taken goes into its field, one that is dropped goes away.
  form?.addEventListener("click", (event) => {
    const button = event.target.closest("[data-take], [data-drop]");
    if (!button) return;
    event.preventDefault();
    const part = button.dataset.take ?? button.dataset.drop;
    const field = document.getElementById(`draft-${part}`);
    if (button.dataset.take) {
      field.value = document.getElementById(`suggested-${part}`).value;
      isChanged = true;
    }
    button.closest(".suggested").remove();
    field.focus();
  });
  form?.addEventListener("input", () => (isChanged = true));
  form?.addEventListener("click", ({ target }) => (isChanged ||= Boolean(target.closest("[name=arrange]"))));
  form?.addEventListener("submit", () => (isChanged = false));
  addEventListener("beforeunload", (event) => {
    if (isChanged) event.preventDefault();
  });
})();

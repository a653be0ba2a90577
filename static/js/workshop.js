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

  // Which parts of the form are open comes along, so that they stay so.
  form?.addEventListener("toggle", ({ target }) => {
    if (!target.matches("details.part")) return;
    form.querySelector(`input[name=open][value="${target.id}"]`)?.remove();
    if (!target.open) return;
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: "open", value: target.id });
    form.prepend(field);
  }, true);
  const unfold = () => {
    const part = location.hash.length > 1 && document.getElementById(location.hash.slice(1))?.closest("details.part");
    for (let fold = part; fold; fold = fold.parentElement.closest("details.part")) fold.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

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
  (form?.closest(".workbench") ?? form)?.addEventListener("focusin", ({ target }) => {
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
      later();
    }
    button.closest(".suggested").remove();
    field.focus();
  });
  form?.addEventListener("input", later);
  form?.addEventListener("click", ({ target }) => target.closest("[name=arrange]") && later());

  // A draft is saved when one pauses, never while another save is on its way, and not over what somebody else has saved.
  const PAUSE = 1500;
  let timer, waits, isSaving = false;

  function later() {
    isChanged = true;
    clearTimeout(timer);
    timer = setTimeout(save, PAUSE);
  }

  function save() {
    if (!document.getElementById("autosave") || document.querySelector("#draft-bar[data-stuck]")) return;
    if (isSaving || document.querySelector("#draft .htmx-request, #draft.htmx-request")) return later();
    isChanged = false;
    isSaving = true;
    form.dispatchEvent(new Event("autosave"));
  }

  function saved(isLost) {
    isSaving = false;
    isChanged ||= isLost;
    const button = waits;
    waits = undefined;
    if (button) form.requestSubmit(document.getElementById(button.id));
  }
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx?.sourceElement?.id === "autosave") saved(Boolean(document.querySelector("#draft-bar[data-unsaved]")));
    else if (ctx?.sourceElement === form) isChanged = Boolean(document.querySelector("#draft-bar[data-unsaved]"));
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx?.sourceElement?.id === "autosave" && ctx.response.status >= 400) saved(true);
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => ctx?.sourceElement?.id === "autosave" && saved(true));

  // What is saved by a button waits for what is being saved already: else it would be told that somebody has saved meanwhile.
  form?.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!isSaving) return (isChanged = false);
    event.preventDefault();
    event.stopImmediatePropagation();
    waits = event.submitter;
  }, true);
  addEventListener("beforeunload", (event) => {
    if (isChanged || isSaving) event.preventDefault();
  });
})();

// The form of a draft: a list that is filtered as one types, a choice that is made by typing, and a word before typed things are lost.
(() => {
  const form = document.getElementById("draft");
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

  let isChanged = Boolean(document.getElementById("save-error"));
  form?.addEventListener("input", () => (isChanged = true));
  form?.addEventListener("submit", () => (isChanged = false));
  addEventListener("beforeunload", (event) => {
    if (isChanged) event.preventDefault();
  });
})();

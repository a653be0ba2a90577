// Reads an answer to a screen reader sentence by sentence, as it grows. Only there for whoever has chosen that.
(() => {
  const main = document.getElementById("main"); // the first message of a chat brings its turns later
  const log = document.getElementById("sentences");
  const PAUSE = 300; // ms: often enough for an ear
  const KEPT = 50;
  const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });
  const said = new Map(); // how many sentences, by the id of the turn
  let timer = 0;

  const turns = () => [...(document.getElementById("turns")?.children ?? [])];
  const isGrowing = (turn) => turn.dataset.status === "running";
  const sent = location.hash.slice(1); // the turn that was sent from the page before, and may have been answered by now
  for (const turn of turns()) said.set(turn.id, isGrowing(turn) || turn.id === sent ? 0 : sentencesOf(turn).length);
  new MutationObserver(() => {
    timer ||= setTimeout(look, PAUSE);
  }).observe(main, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-status"] });
  look();

  function look() {
    timer = 0;
    for (const turn of turns()) {
      const found = sentencesOf(turn);
      const isEarlier = turn.nextElementSibling && !isGrowing(turn); // it was loaded above the others, to be read by hand
      const known = said.get(turn.id) ?? (isEarlier ? found.length : 0);
      const from = found.length < known ? 0 : known; // fewer than before: it is another answer
      const whole = isGrowing(turn) ? found.slice(0, -1) : found; // the last one may go on
      whole.slice(from).forEach(say);
      said.set(turn.id, Math.max(from, whole.length));
    }
  }

  function sentencesOf(turn) {
    const parts = [...turn.querySelectorAll(".answer-parts > .prose")].map((part) => part.innerText);
    return [...sentences.segment(parts.join("\n"))].map(({ segment }) => segment.trim()).filter(Boolean);
  }

  function say(sentence) {
    const line = document.createElement("p");
    line.textContent = sentence;
    log.append(line);
    while (log.children.length > KEPT) log.firstElementChild.remove();
  }
})();

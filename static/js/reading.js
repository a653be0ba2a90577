// Reads answers aloud, sentence by sentence: one that was asked for, or each as it comes. By a voice of the browser, or of the server.
(() => {
  const CODE = ".code, .open-code, pre";
  const SKIPPED = "button, svg, .sr-only, .footnote-back, .footnote-ref, script, template";
  const BLOCKS = "p, div, ul, ol, li, blockquote, h1, h2, h3, h4, h5, h6, section, dl, dt, dd, table, hr, details, math[display=block]";
  const PAUSE = 250; // ms between two looks at an answer that grows
  const WAIT = 1500; // ms until a browser has said which voices it has
  const find = (id) => document.getElementById(id);
  const sentences = new Intl.Segmenter(undefined, { granularity: "sentence" });
  const speech = window.speechSynthesis;
  const player = new Audio();
  const fetched = new Map(); // sounds that the server has made, by their sentence
  const done = new Map(); // how many sentences of a turn are read, or are not to be
  const { reads } = document.body.dataset; // answers as they come
  let words = null;
  let bar = null;
  let queue = [];
  let saying = ""; // the sentence
  let token = 0; // of what is being said: what comes later of something else does not count
  let timer = 0;
  let speed = 1;
  let isHeld = false;
  let recent = []; // the sentences that were said last

  const ready = fetch(document.body.dataset.voice).then(async (answer) => {
    words = document.createRange().createContextualFragment(await answer.text()).firstElementChild;
    const href = words.dataset.styles;
    if (!document.querySelector(`link[href="${href}"]`)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
    speed = Number(words.dataset.speed) / 100;
  });

  // --- What is read of an answer: words; of code, tables and formulas that they are there.
  function textOf(place) {
    if (place.nodeType === Node.TEXT_NODE) return place.data.replace(/\s+/g, " ");
    if (place.nodeType !== Node.ELEMENT_NODE || place.matches(SKIPPED)) return "";
    if (place.matches("br")) return " ";
    if (place.matches(CODE)) return `\n${words.dataset.code}\n`;
    if (place.matches("table")) return `\n${words.dataset.table}\n`;
    if (place.matches("math")) return ` ${words.dataset.formula} `;
    const text = [...place.childNodes].map(textOf).join("");
    return place.matches(BLOCKS) ? `\n${text}\n` : text;
  }

  function sentencesOf(turn) {
    const text = [...turn.querySelectorAll(".answer-parts > .prose")].filter((part) => !part.closest("details")).map(textOf).join("\n");
    return text.split(/\n+/).flatMap((line) => [...sentences.segment(line)].map(({ segment }) => segment.trim().replace(/ +/g, " "))).filter((each) => /[\p{L}\p{N}]/u.test(each));
  }

  // --- Voices
  async function voices() {
    if (!speech) return [];
    if (!speech.getVoices().length) {
      await Promise.race([
        new Promise((resolve) => speech.addEventListener("voiceschanged", resolve, { once: true })),
        new Promise((resolve) => setTimeout(resolve, WAIT)),
      ]);
    }
    return speech.getVoices();
  }

  // One of the person's language; before all, one that is on their own machine: others send the text away.
  async function voice() {
    const language = (words.dataset.language || navigator.language).slice(0, 2);
    const speaks = (each) => each.lang.toLowerCase().startsWith(language);
    const found = await voices();
    return [(each) => each.localService && speaks(each), (each) => each.localService, speaks, () => true].map((is) => found.find(is)).find(Boolean);
  }

  async function canSpeak() {
    await ready;
    return Boolean(words.dataset.speech || (await voice()));
  }

  async function sound(sentence) {
    if (!fetched.has(sentence)) {
      const headers = { "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "", "X-Requested-With": "voice" };
      const made = fetch(words.dataset.speech, { method: "POST", headers, body: new URLSearchParams({ text: sentence }) }).then(async (answer) => {
        if (answer.ok) return URL.createObjectURL(await answer.blob());
        const isJson = answer.headers.get("Content-Type")?.includes("json");
        throw Object.assign(new Error(), { sentence: isJson ? (await answer.json()).error : "" });
      });
      made.catch(() => fetched.delete(sentence));
      fetched.set(sentence, made);
    }
    return fetched.get(sentence);
  }

  async function say(sentence) {
    if (words.dataset.speech) {
      const made = sound(sentence);
      if (queue[0]) sound(queue[0]).catch(() => {}); // one ahead
      const mine = token;
      const src = await made;
      if (mine !== token) return;
      await new Promise((resolve, reject) => {
        Object.assign(player, { src, onended: resolve, onerror: () => reject(new Error()) });
        player.playbackRate = speed;
        if (!isHeld) player.play().catch(reject);
      });
    } else {
      const said = Object.assign(new SpeechSynthesisUtterance(sentence), { rate: speed, voice: await voice() });
      if (said.voice) said.lang = said.voice.lang;
      await new Promise((resolve, reject) => {
        Object.assign(said, { onend: resolve, onerror: ({ error }) => (error === "not-allowed" ? reject(new Error()) : resolve()) });
        speech.speak(said);
      });
    }
  }

  async function goOn() {
    if (saying || !queue.length) return;
    const mine = ++token;
    saying = queue.shift();
    recent = [...recent.slice(-3), saying];
    show();
    try {
      await say(saying);
    } catch ({ sentence }) {
      if (mine !== token) return;
      stop();
      if (sentence) tell(sentence);
      return;
    }
    if (mine !== token) return;
    saying = "";
    if (queue.length) goOn();
    else rest();
  }

  // Nothing more is there to be read, for now.
  function rest() {
    if (isGrowing()) return;
    bar?.remove();
    bar = null;
    forget();
  }

  const isGrowing = () => Boolean(document.querySelector("#turns .turn[data-status=running]"));

  function stop() {
    token += 1;
    queue = [];
    saying = "";
    isHeld = false;
    player.pause();
    speech?.cancel();
    speech?.resume(); // or what comes next would wait, too
    bar?.remove();
    bar = null;
    for (const turn of turns()) done.set(turn.id, Infinity); // also what of it is still to come
    forget();
  }

  function forget() {
    for (const made of fetched.values()) made.then(URL.revokeObjectURL, () => {});
    fetched.clear();
  }

  // Somebody speaks: the voice waits, and goes on, or is stopped.
  function hold(to) {
    isHeld = to;
    if (words?.dataset.speech) to ? player.pause() : player.src && saying && player.play().catch(() => {});
    else to ? speech?.pause() : speech?.resume();
  }

  function show() {
    if (bar || window.handsFree?.isOn) return;
    bar = words.querySelector("#reader").cloneNode(true);
    bar.querySelector("select").value = String(Math.round(speed * 100));
    place();
  }

  function place() {
    const box = document.querySelector("#composer .composer-box");
    if (bar && box && box.previousElementSibling !== bar) box.before(bar);
  }

  function tell(sentence) {
    const place = find("files-error");
    if (place) Object.assign(place, { textContent: sentence, hidden: !sentence });
    else find("status").textContent = sentence;
  }

  // --- An answer that is asked for
  document.addEventListener("click", async ({ target }) => {
    if (target.closest("#reader [data-stop-reading]")) return stop();
    const button = target.closest("[data-read]");
    if (!button) return;
    const isThis = queue.of === button.dataset.read && saying;
    stop();
    if (isThis) return;
    if (!(await canSpeak())) return tell(words.dataset.mute);
    queue = Object.assign(sentencesOf(button.closest(".turn")), { of: button.dataset.read });
    goOn();
  });
  document.addEventListener("change", ({ target }) => {
    if (target.closest("#reader select")) player.playbackRate = speed = Number(target.value) / 100; // of the next sentence, where the browser speaks
  });
  document.addEventListener("input", ({ target }) => target.id === "message" && target.value && saying && !window.handsFree?.isOn && stop());
  addEventListener("pagehide", () => speech?.cancel());
  document.addEventListener("htmx:after:swap", place);

  // --- Answers as they come
  const turns = () => [...(find("turns")?.children ?? [])];
  const follows = () => reads || window.handsFree?.isOn;
  const sent = location.hash.slice(1); // the turn that was sent from the page before, and may have been answered by now
  for (const turn of turns()) done.set(turn.id, turn.dataset.status === "running" || turn.id === sent ? 0 : Infinity);
  new MutationObserver(() => {
    timer ||= setTimeout(look, PAUSE);
  }).observe(find("main"), { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-status"] });
  look();

  async function look() {
    timer = 0;
    await ready;
    const isFree = follows() && (await canSpeak());
    for (const turn of turns()) {
      const known = done.get(turn.id) ?? (turn.nextElementSibling && turn.dataset.status !== "running" ? Infinity : 0);
      if (known === Infinity || !isFree) {
        done.set(turn.id, turn.dataset.status === "running" ? known : Infinity);
        continue;
      }
      const found = sentencesOf(turn);
      const whole = turn.dataset.status === "running" ? found.slice(0, -1) : found; // the last one may go on
      queue.push(...whole.slice(known));
      done.set(turn.id, turn.dataset.status === "running" || turn.dataset.status === "queued" ? Math.max(known, whole.length) : Infinity);
    }
    goOn();
    if (bar && !saying && !queue.length) rest();
  }

  // Whether this is what was just read aloud: a microphone may hear the voice.
  const wordsIn = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  function hasSaid(text) {
    const known = new Set(wordsIn(recent.join(" ")));
    const heard = wordsIn(text);
    return Boolean(saying) && heard.filter((word) => known.has(word)).length >= 0.8 * heard.length;
  }

  window.reading = { stop, hold, canSpeak, hasSaid, isBusy: () => Boolean(saying || queue.length) };
})();

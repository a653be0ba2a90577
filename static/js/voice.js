// Speaking in place of writing: what is said goes to the server a slice a second, is written down there, and its words come into the box.
(() => {
  const KINDS = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4", "audio/ogg;codecs=opus"];
  const LONGEST = 3600; // seconds
  const PAUSE = 3000; // ms before a slice is sent again
  const GONE = 5000; // ms after which a recording of another tab counts as cut off
  const MICROPHONE = { audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } };
  const find = (id) => document.getElementById(id);
  const kept = `recording:${document.body.dataset.person}`;
  let words = null;
  let now = null; // the recording that is made
  let bar = null;

  const ready = fetch(document.body.dataset.voice).then(async (answer) => {
    words = document.createRange().createContextualFragment(await answer.text()).firstElementChild;
    const href = words.dataset.styles;
    if (!document.querySelector(`link[href="${href}"]`)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
  });

  function tell(sentence) {
    Object.assign(find("files-error"), { textContent: sentence, hidden: !sentence });
  }

  async function ask(method, url, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
    const answer = await fetch(url, { method, body, headers: { "X-CSRFToken": token, "X-Requested-With": "files" } });
    if (answer.ok && !answer.redirected) return answer;
    const isJson = answer.headers.get("Content-Type")?.includes("json");
    throw Object.assign(new Error(), { status: answer.status, sentence: isJson ? (await answer.json()).error : words.dataset.broken });
  }

  // Why nobody can speak here; empty where one can.
  function obstacle() {
    if (!isSecureContext) return words.dataset.insecure;
    if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return words.dataset.unable;
    return words.dataset.missing;
  }

  async function open() {
    await ready;
    const why = obstacle();
    if (why) throw Object.assign(new Error(), { sentence: why });
    try {
      return await navigator.mediaDevices.getUserMedia(MICROPHONE);
    } catch ({ name }) {
      throw Object.assign(new Error(), { sentence: name === "NotAllowedError" ? words.dataset.denied : words.dataset.silent });
    }
  }

  // How loud it is, in the last moment.
  function ear(stream) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const level = () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length);
    };
    return { level, close: () => context.close() };
  }

  function recorderOf(stream) {
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    return new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32000 });
  }

  async function announce({ type, size }) {
    const clock = new Date().toTimeString().slice(0, 5).replace(":", ".");
    const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
    const { url, place } = find("composer-files").dataset;
    const about = { place, name: `${words.dataset.name.replace("%s", clock)}.${ending}`, ...(size ? { size } : {}) };
    return (await ask("POST", url, new URLSearchParams(about))).json();
  }

  // A recording that is whole already.
  async function send(blob, seconds) {
    const { url, slice } = await announce(blob);
    for (let number = 0; number * slice < blob.size; number += 1) await ask("PUT", `${url}${number}/`, blob.slice(number * slice, (number + 1) * slice));
    return written(url, seconds);
  }

  // An upload whose size nobody knows yet: every second of the recorder is a slice of it.
  async function upload(stream) {
    const recorder = recorderOf(stream);
    const made = await announce({ type: recorder.mimeType });
    let number = 0;
    let sending = Promise.resolve();
    const sent = { url: made.url, recorder, isGone: false, isFull: false };
    recorder.ondataavailable = ({ data }) => {
      if (data.size && !sent.isGone && !sent.isFull) sending = sending.then(() => put(sent, number++, data));
    };
    sent.end = async () => {
      const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
      if (recorder.state !== "inactive") recorder.stop(), await stopped;
      await sending;
    };
    recorder.start(1000);
    return sent;
  }

  async function put(sent, number, data) {
    while (!sent.isGone && !sent.isFull) {
      try {
        await ask("PUT", `${sent.url}${number}/`, data);
        if (sent.isAway) (sent.isAway = false), tell("");
        return;
      } catch ({ status, sentence }) {
        if (status === 413 && number) return (sent.isFull = true), finish(), tell(sentence); // what is there is good
        if (status < 500 && status !== 429) return stopFor(sent, sentence);
        sent.isAway = true;
        tell(words.dataset.away);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  }

  function stopFor(sent, sentence) {
    sent.isGone = true;
    if (now?.sent === sent) close();
    tell(sentence);
  }

  // All of it is there: what is said in it. Its chip is shown where it is kept, and where nobody could write it down.
  async function written(url, seconds) {
    const { place } = find("composer-files").dataset;
    const answer = await (await ask("POST", `${url}done/`, new URLSearchParams({ place, seconds }))).text();
    const chip = document.createRange().createContextualFragment(answer).firstElementChild;
    try {
      const { text } = await (await ask("POST", chip.dataset.words)).json();
      if (text && words.dataset.keeps) find("file-chips").append(chip);
      else await ask("POST", chip.querySelector("[data-remove]").getAttribute("formaction")).catch(() => {});
      return text;
    } catch (error) {
      find("file-chips").append(chip);
      throw error;
    }
  }

  function write(text) {
    const box = find("message");
    const before = box.value.slice(0, box.selectionStart);
    const glue = before && !/\s$/.test(before) ? " " : "";
    box.setRangeText(glue + text, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
  }

  // --- The bar
  const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  function show(state, ...classes) {
    bar.className = ["recorder", ...classes].join(" ");
    bar.querySelector(".recorder-state").textContent = words.dataset[state];
    find("status").textContent = words.dataset[state];
    place();
  }

  function place() {
    const box = document.querySelector("#composer .composer-box");
    if (bar && box && box.previousElementSibling !== bar) box.before(bar);
  }

  function close() {
    clearInterval(now?.ticking);
    now?.stream?.getTracks().forEach((track) => track.stop());
    now?.ear?.close();
    now?.lock?.release().catch(() => {});
    now = null;
    localStorage.removeItem(kept);
    bar?.remove();
    bar = null;
  }

  async function record() {
    tell("");
    if (now) return now.sent && finish(); // or one waits for the microphone
    window.reading?.stop(); // or the microphone would hear it
    now = { seconds: 0 };
    try {
      now.stream = await open();
      bar = words.querySelector("#recorder").cloneNode(true);
      now.sent = await upload(now.stream);
    } catch ({ sentence, status }) {
      close();
      return tell(sentence ?? (status ? "" : words?.dataset.broken ?? ""));
    }
    now.ear = ear(now.stream);
    now.at = Date.now();
    now.stream.getTracks()[0].onended = () => now && finish(); // it was pulled out
    now.ticking = setInterval(tick, 100);
    navigator.wakeLock?.request("screen").then((lock) => now && (now.lock = lock), () => {});
    show("recording");
    bar.querySelector("[data-done]").focus();
  }

  function tick() {
    bar.querySelector("meter").value = now.ear.level();
    const { at, seconds } = now;
    now.at = Date.now(); // a hidden tab has few ticks
    if (now.sent.recorder.state === "recording") now.seconds += (now.at - at) / 1000;
    localStorage.setItem(kept, JSON.stringify({ url: now.sent.url, seconds: now.seconds, at: now.at }));
    bar.querySelector(".recorder-time").textContent = minutes(now.seconds);
    if (now.seconds > LONGEST) finish();
    else if (seconds <= LONGEST - 60 && now.seconds > LONGEST - 60) show("last");
  }

  function pause() {
    const { recorder } = now.sent;
    const isOn = recorder.state === "recording";
    if (isOn) recorder.pause();
    else recorder.resume();
    show(isOn ? "paused" : "recording", ...(isOn ? ["off"] : []));
  }

  async function finish() {
    if (now.isEnding) return;
    const { sent, seconds } = now;
    now.isEnding = true;
    clearInterval(now.ticking);
    show("writing", "busy");
    try {
      if (sent.end) await sent.end();
      now?.stream?.getTracks().forEach((track) => track.stop());
      const text = sent.isGone ? null : await written(sent.url, seconds.toFixed(1));
      if (sent.isGone) return; // discarded meanwhile
      close();
      if (text) write(text);
      else if (text === "") tell(words.dataset.nothing), find("message").focus();
      if (text && words.dataset.sends) find("message").form.requestSubmit();
    } catch ({ sentence }) {
      close();
      tell(sentence ?? words.dataset.broken);
    }
    find("status").textContent = "";
  }

  // A recording that waits for the message, because nobody could write it down, or because it came as a file.
  async function writeChip(button) {
    const chip = button.closest("li");
    tell("");
    button.disabled = true;
    find("status").textContent = words.dataset.writing;
    try {
      const { text } = await (await ask("POST", chip.dataset.words)).json();
      if (text) write(text);
      else tell(words.dataset.nothing);
    } catch ({ sentence }) {
      tell(sentence ?? words.dataset.broken);
    }
    find("status").textContent = "";
    button.disabled = false;
  }

  function discard() {
    const { sent } = now;
    sent.isGone = true;
    close();
    ask("DELETE", sent.url).catch(() => {});
    find("message").focus();
  }

  // What a tab that was closed has left: all but its last second.
  async function offerCut() {
    await ready;
    const left = JSON.parse(localStorage.getItem(kept) ?? "null");
    if (!left || now || Date.now() - left.at < GONE) return;
    now = { sent: { url: left.url }, seconds: left.seconds };
    bar = words.querySelector("#recorder").cloneNode(true);
    bar.querySelector(".recorder-time").textContent = minutes(left.seconds);
    show("cut", "cut");
  }

  // Hands-free takes two scripts more.
  async function goHandsFree() {
    discard();
    for (const src of [words.dataset.reading, words.dataset.handsfree]) {
      if ([...document.scripts].some((script) => script.getAttribute("src") === src)) continue;
      const script = Object.assign(document.createElement("script"), { src });
      const isThere = new Promise((resolve, reject) => Object.assign(script, { onload: resolve, onerror: reject }));
      document.head.append(script);
      await isThere.catch(() => {});
    }
    if (window.handsFree) window.handsFree.begin();
    else tell(words.dataset.broken);
  }

  document.addEventListener("click", ({ target }) => {
    if (target.closest("#record")) window.handsFree?.isOn || record();
    else if (target.closest("#recorder [data-hands-free]")) goHandsFree();
    else if (target.closest("[data-write]")) ready.then(() => writeChip(target.closest("[data-write]")));
    else if (target.closest("#recorder [data-pause]")) pause();
    else if (target.closest("#recorder [data-cancel]")) discard();
    else if (target.closest("#recorder [data-done]")) finish();
  });
  // What is being said belongs to the message: it comes into the box first.
  addEventListener("submit", (event) => {
    if (event.target.id === "composer" && now?.sent) event.preventDefault(), event.stopImmediatePropagation(), finish();
  }, true);
  document.addEventListener("htmx:after:swap", place);
  offerCut();
  const part = (selector) => words.querySelector(selector).cloneNode(true);
  window.voice = { ready, open, ear, recorder: recorderOf, send, write, tell, part, words: () => words.dataset };
})();

// Speaking and being answered in turns, without a hand: what is said ends with a pause, is written down and sent, and its answer read aloud.
// Whoever speaks into an answer makes the voice wait; only words stop it, not a cough.
(() => {
  const TICK = 50; // ms
  const STARTS = { listening: 200, speaking: 400 }; // ms that are louder than the room, until somebody speaks
  const ENDS = 900; // ms of quiet, until they have spoken
  const GAP = 300; // ms of quiet between two noises, which are no speech then
  const ROOM = 3000; // ms in which the quietest moment says how loud the room is
  const FRESH = 5000; // ms of quiet that a recording begins with, at most
  const LOUDER = 3;
  const LEAST = 0.012; // of a level that can be speech
  const { voice, reading } = window;
  const find = (id) => document.getElementById(id);
  const handsFree = { isOn: false };
  let on = null;
  let bar = null;

  async function begin() {
    await voice.ready;
    if (on) return;
    voice.tell("");
    if (!(await reading.canSpeak())) return voice.tell(voice.words().mute);
    let stream = null;
    try {
      stream = await voice.open();
    } catch ({ sentence }) {
      return voice.tell(sentence ?? voice.words().broken);
    }
    on = { stream, ear: voice.ear(stream), levels: [], loud: 0, quiet: 0, isHearing: false, isWriting: false };
    stream.getTracks()[0].onended = leave; // it was pulled out
    handsFree.isOn = true;
    bar = voice.part("#handsfree");
    record();
    place();
    on.ticking = setInterval(tick, TICK);
    bar.querySelector("[data-leave]").focus();
  }

  function leave() {
    if (!on) return;
    clearInterval(on.ticking);
    on.stream.getTracks().forEach((track) => track.stop());
    on.ear.close();
    on = null;
    handsFree.isOn = false;
    bar.remove();
    reading.stop();
    find("status").textContent = "";
    find("message")?.focus();
  }

  function record() {
    if (on.recorder?.state === "recording") on.recorder.stop();
    on.recorder = voice.recorder(on.stream);
    on.since = Date.now();
    const pieces = [];
    on.recorder.ondataavailable = ({ data }) => pieces.push(data);
    on.recorder.whole = new Promise((resolve) => {
      on.recorder.onstop = ({ target }) => resolve(new Blob(pieces, { type: target.mimeType }));
    });
    on.recorder.start();
  }

  function tick() {
    const level = on.ear.level();
    bar.querySelector("meter").value = level;
    const room = Math.min(...on.levels);
    on.levels.push(level);
    if (on.levels.length > ROOM / TICK) on.levels.shift();
    if (!on.isWriting) listen(level > Math.max(LEAST, LOUDER * room));
    if (on) show(state());
  }

  function listen(isLoud) {
    on.loud += isLoud ? TICK : 0;
    on.quiet = isLoud ? 0 : on.quiet + TICK;
    if (on.isHearing) {
      if (on.quiet >= ENDS) heard();
      return;
    }
    if (on.quiet > GAP) on.loud = 0;
    if (on.loud >= (reading.isBusy() ? STARTS.speaking : STARTS.listening)) {
      on.isHearing = true;
      reading.hold(true);
    } else if (on.quiet > GAP && Date.now() - on.since > FRESH) record();
  }

  async function heard() {
    const { recorder, since } = on;
    Object.assign(on, { isHearing: false, isWriting: true, loud: 0 });
    const seconds = (Date.now() - since) / 1000;
    const mine = on;
    record(); // which stops the one that was
    let text = "";
    try {
      text = await voice.send(await recorder.whole, seconds);
      voice.tell("");
    } catch ({ sentence }) {
      voice.tell(sentence ?? voice.words().broken);
    }
    if (on !== mine) return;
    on.isWriting = false;
    if (!text || reading.hasSaid(text)) return reading.hold(false); // a cough, or its own voice
    reading.stop();
    document.querySelector("#turns .turn[data-status=running] [data-stop]")?.click();
    voice.write(text);
    find("message").form.requestSubmit();
  }

  function state() {
    if (on.isHearing) return "hearing";
    if (on.isWriting) return "writing";
    if (reading.isBusy()) return "speaking";
    const turn = [...document.querySelectorAll("#turns .turn")].at(-1);
    return { running: "thinking", queued: "thinking", waiting: "waits" }[turn?.dataset.status] ?? "listening";
  }

  function show(what) {
    if (bar.dataset.state === what) return;
    bar.dataset.state = what;
    bar.querySelector(".recorder-state").textContent = voice.words()[what];
  }

  function place() {
    const box = document.querySelector("#composer .composer-box");
    if (on && box && box.previousElementSibling !== bar) box.before(bar);
  }

  document.addEventListener("click", ({ target }) => target.closest("#handsfree [data-leave]") && leave());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && on && !event.defaultPrevented) event.preventDefault(), leave();
  });
  document.addEventListener("htmx:after:swap", place);
  window.handsFree = Object.assign(handsFree, { begin });
})();

// The tab's one stream (hx-sse) beyond what hx-sse does: a first connection that fails is tried again, a line that is silent is
// given up, and a strip says so when it takes long. Loaded before htmx, so that it hears of the first request.
(() => {
  const live = document.getElementById("live");
  const strip = document.getElementById("offline");
  const SILENCE = 40_000; // the server beats every 15 s
  const PATIENCE = 2_000; // before the strip shows
  const LONGEST = 10_000;
  let connection = null;
  let request = null; // of the connection, and of every one that hx-sse makes after it
  let isListOld = false;
  let isMoving = false;
  let heard = Date.now();
  let failures = 0;
  let stripTimer = 0;

  const hear = () => {
    heard = Date.now();
  };

  function lost() {
    stripTimer ||= setTimeout(() => {
      strip.textContent = "Reconnecting…";
      strip.hidden = false;
    }, PATIENCE);
  }

  function found() {
    hear();
    failures = 0;
    clearTimeout(stripTimer);
    stripTimer = 0;
    strip.hidden = true;
  }

  // htmx looks at the page in a task of its own, as soon as it is there itself: on a slow line that is before hx-sse has come,
  // and nobody has opened the stream. This task comes after that one.
  addEventListener("DOMContentLoaded", () => setTimeout(() => live._htmx || htmx.process(live)));

  live.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    request = ctx.request;
  });
  live.addEventListener("htmx:sse:before:connection", (event) => {
    connection = event.detail.connection;
    if (request) request.action = addressNow(request.action);
    lost();
    if (isMoving) setTimeout(() => connection.delayCanceller?.());
    isMoving = false;
  });
  live.addEventListener("htmx:sse:after:connection", found);
  live.addEventListener("htmx:sse:before:message", hear);
  live.addEventListener("beat", hear);
  live.addEventListener("agents", () => {
    isListOld = true;
  });
  live.addEventListener("closed", lookAgain);
  // `restart` needs nothing: the server ends the stream, and hx-sse comes back with the last id that it heard.

  // The address says what the page showed when it came. A stream that comes back is told what is shown by then: the composer as it
  // stands, and no digest of a list that was followed since.
  function addressNow(address) {
    const url = new URL(address, location.href);
    const composer = document.getElementById("composer");
    if (composer && url.searchParams.has("composer")) url.searchParams.set("composer", composer.matches(".closed") ? "closed" : "open");
    if (isListOld) ["rights", "digest"].forEach((name) => url.searchParams.delete(name));
    return url.pathname + url.search;
  }

  // The page shows something else now, which has a stream of its own.
  live.addEventListener("move", ({ detail }) => moveTo(detail));
  function moveTo(address) {
    live.setAttribute("hx-sse:connect", address);
    if (!connection || !(connection.reader || connection.delayCanceller)) return setTimeout(() => moveTo(address), 50);
    request.action = address;
    isListOld = false;
    isMoving = true;
    if (connection.reader) connection.reader.cancel();
    else connection.delayCanceller();
  }

  // A session that is gone or a person who may no longer read it: the page itself says so.
  live.addEventListener("htmx:sse:error", ({ detail: { status } }) => {
    if (status === 401 || status === 403 || status === 404) lookAgain();
  });

  // After a moment: the click that closed this chat may be about to lead somewhere else.
  function lookAgain() {
    setTimeout(() => location.reload(), 1_000);
  }

  // hx-sse only comes back after a first connection that worked.
  function tryAgain() {
    lost();
    const delay = Math.min(LONGEST, 500 * 2 ** failures++) * (0.7 + Math.random() * 0.6);
    setTimeout(() => htmx.process(live, true), delay);
  }
  live.addEventListener("htmx:error", () => connection || tryAgain());
  live.addEventListener("htmx:response:error", ({ detail: { ctx } }) => ctx.response.status === 401 || connection || tryAgain());

  function reconnect() {
    hear();
    if (!connection) return;
    if (connection.delayCanceller) connection.delayCanceller();
    else connection.reader?.cancel();
  }
  addEventListener("online", reconnect);
  addEventListener("offline", lost);
  document.addEventListener("visibilitychange", hear);
  setInterval(() => document.hidden || Date.now() - heard < SILENCE || reconnect(), 5_000);
})();

// The mirror's page: paints the kiosk's frames on a canvas and sends back what is done there.
// Wire protocol kioskd-mirror.1: text messages are JSON, binary messages are frames of dirty rectangles.

const VERSION = 1;
const ENC_RAW = 0, ENC_SOLID = 1, ENC_DEFLATE = 2;
// One try after this, then twice as long each time: a kiosk that restarts is back within seconds.
const RETRY_FIRST_MS = 500, RETRY_LAST_MS = 8000;
const STORE = "kioskd-mirror";
// Everything else types a character, or is nothing that a kiosk knows.
const NAMED_KEYS = new Set(["Enter", "Tab", "Backspace", "Delete", "ArrowUp", "ArrowDown", "ArrowLeft",
  "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

const at = (id) => document.getElementById(id);
const canvas = at("panel");
const paint = canvas.getContext("2d", { alpha: false });

let socket = null;
let role = null;
let scale = 1;
let lastInput = 0;          // n of the newest input
let pressed = null;         // { pointer, n, at } while the pointer is down
let awaited = null;         // the press whose first frame is not painted yet
let retryMs = RETRY_FIRST_MS;
let painting = Promise.resolve();

/* ---- who we are ------------------------------------------------------------------------------------------- */

// A token works once; after that the resume secret opens the same seat, until ten minutes after the last visit.
function credential() {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
  if (kept.resume && (!token || token === kept.token)) return { resume: kept.resume };
  return token ? { token } : null;
}

function remember(resume) {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
  localStorage.setItem(STORE, JSON.stringify({ resume, token: token ?? kept.token }));
}

/* ---- conversation ----------------------------------------------------------------------------------------- */

function connect() {
  const secret = credential();
  if (!secret) return end("An invitation is needed", "Open the address that the kiosk printed when it started, "
    + "with everything after the #.", false);
  show("connecting", "Connecting…");
  socket = new WebSocket(`ws://${location.host}/m`, "kioskd-mirror.1");
  socket.binaryType = "arraybuffer";
  let said = null;
  socket.onopen = () => send({ t: "hello", v: VERSION, ...secret });
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") {
      painting = painting.then(() => paintFrame(data));
      return;
    }
    const message = JSON.parse(data);
    if (message.t === "bye") said = message.why;
    else if (message.t === "welcome") welcome(message);
    else if (message.t === "screen") painting = painting.then(() => announce(message));
  };
  socket.onclose = () => {
    socket = null;
    role = null;
    pressed = awaited = null;
    const word = BYES[said];
    if (word) end(...word);
    else retry();
  };
}

const BYES = {
  token: ["This invitation is no longer valid", "Each address opens the mirror once. Ask the kiosk for a new one.",
    false],
  busy: ["All places are taken", "One person controls this kiosk and four are watching. Try again in a while.", true],
  version: ["The kiosk was updated", "Reload this page to talk to it again.", false],
  closed: ["The mirror has ended", "The kiosk ended it, or it was opened in another window.", true],
};

function welcome({ w, h, scale: factor, mm_per_px: mm, role: mine, resume }) {
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  document.documentElement.style.setProperty("--panel-w", w);
  document.documentElement.style.setProperty("--panel-h", h);
  scale = factor ?? 1;
  role = mine;
  retryMs = RETRY_FIRST_MS;
  remember(resume);
  at("facts").textContent = `${w} × ${h} px · ${Math.round(w * mm)} × ${Math.round(h * mm)} mm`;
  at("what").textContent = role === "control"
    ? "The live screen of this kiosk. A click is a touch on its panel."
    : "The live screen of this kiosk. You are watching; somebody else controls it.";
  show(role, role === "control" ? "Connected" : "Watching");
}

function announce({ id, rev, say }) {
  document.body.dataset.screen = id;
  document.body.dataset.rev = rev;
  at("page-name").textContent = `Page: ${id}`;
  at("say").textContent = say;
}

function show(state, words) {
  document.body.dataset.state = state;
  at("state").textContent = words;
  at("notice").hidden = true;
}

function end(title, text, mayRetry) {
  show("ended", "Not connected");
  at("notice-title").textContent = title;
  at("notice-text").textContent = text;
  at("again").hidden = !mayRetry;
  at("notice").hidden = false;
}

function retry() {
  show("connecting", "Connection lost, trying again…");
  setTimeout(connect, retryMs);
  retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/* ---- frames ----------------------------------------------------------------------------------------------- */

async function paintFrame(buffer) {
  const view = new DataView(buffer);
  if (view.getUint8(0) !== 1) return;
  const count = view.getUint16(2, true), seq = view.getUint32(4, true), applied = view.getUint32(16, true);
  const parts = [];
  for (let i = 0, off = 20; i < count; i += 1) {
    const [x, y, w, h] = [0, 2, 4, 6].map((o) => view.getUint16(off + o, true));
    const enc = view.getUint8(off + 8), length = view.getUint32(off + 12, true);
    const bytes = new Uint8ClampedArray(buffer, off + 16, length);
    parts.push({ x, y, w, h, enc, bytes: enc === ENC_DEFLATE ? await inflate(bytes) : bytes });
    off += 16 + length;
  }
  // A frame is atomic: all of it between two refreshes. A hidden page has none, but its scripts still look.
  if (!document.hidden) await new Promise(requestAnimationFrame);
  for (const { x, y, w, h, enc, bytes } of parts) {
    if (enc === ENC_SOLID) {
      paint.fillStyle = `rgb(${bytes[0]} ${bytes[1]} ${bytes[2]})`;
      paint.fillRect(x, y, w, h);
    } else if (enc === ENC_RAW || enc === ENC_DEFLATE) {
      paint.putImageData(new ImageData(bytes, w, h), x, y);
    }
  }
  send({ t: "ack", seq });
  if (awaited && applied >= awaited.n) {
    document.body.dataset.clickToPaintMs = (performance.now() - awaited.at).toFixed(1);
    awaited = null;
  }
  document.body.dataset.frames = Number(document.body.dataset.frames ?? 0) + 1;
}

async function inflate(bytes) {
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8ClampedArray(await new Response(plain).arrayBuffer());
}

/* ---- input ------------------------------------------------------------------------------------------------ */

function place(event) {
  const box = canvas.getBoundingClientRect();
  const logical = (offset, side, pixels) => Math.round(offset / side * pixels / scale * 10) / 10;
  return { x: logical(event.clientX - box.left, box.width, canvas.width),
    y: logical(event.clientY - box.top, box.height, canvas.height) };
}

function pointer(t, event) {
  lastInput += 1;
  send({ t, ...place(event), n: lastInput });
  return lastInput;
}

canvas.addEventListener("pointerdown", (event) => {
  if (role !== "control" || pressed || event.button !== 0) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  pressed = { pointer: event.pointerId };
  awaited = { at: performance.now(), n: pointer("down", event) };
});
canvas.addEventListener("pointermove", (event) => {
  if (pressed?.pointer === event.pointerId) pointer("move", event);
});
canvas.addEventListener("pointerup", (event) => {
  if (pressed?.pointer !== event.pointerId) return;
  pressed = null;
  pointer("up", event);
});
for (const lost of ["pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(lost, (event) => {
    if (pressed?.pointer !== event.pointerId) return;
    pressed = null;
    pointer("cancel", event);
  });
}
canvas.addEventListener("contextmenu", (event) => event.preventDefault());

function key(event) {
  if (role !== "control" || event.ctrlKey || event.metaKey || event.altKey) return;
  const down = event.type === "keydown";
  if (event.key === "Escape") {
    if (down) canvas.blur();
    return;
  }
  const k = event.key === "Tab" && event.shiftKey ? "Backtab" : event.key;
  if (!NAMED_KEYS.has(event.key) && [...event.key].length !== 1) return;
  event.preventDefault();
  lastInput += 1;
  send({ t: "key", k, down, n: lastInput });
}
canvas.addEventListener("keydown", key);
canvas.addEventListener("keyup", key);

at("again").addEventListener("click", connect);
connect();

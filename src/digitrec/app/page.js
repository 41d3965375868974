// Strokes are kept as data: undo, redrawing and the picture that is asked about all come from them.
const SIDE = 280;            // the sheet's height in the strokes' unit; the canvas on screen has twice the pixels
const WIDE = 700;            // its width where it is wide, else as the height
const MOST = 20_000_000;     // bytes of a picture; the server refuses more
const find = (name) => element.querySelector(`[data-${name}]`);
const findAll = (name) => element.querySelectorAll(`[data-${name}]`);
const canvas = find("canvas"), given = find("given"), video = find("video"), sheet = canvas.parentElement;

const frame = element.querySelector(".page"), numbers = "numbers" in frame.dataset;  // are they read, too?

let across = SIDE;           // the sheet's width
let strokes = [];            // each {width, points: [[x, y], …]}
let stroke = null;           // the one that grows
let picture = null;          // a data: URL where there is a picture instead of a drawing
let last = null;             // what was last read, to be kept as a sample
let camera = null;

// --- asking ----------------------------------------------------------------------------------------

let asked = 0, answered = 0, waiting = false, again = false;

async function call(name, ...data) {
  let reply;
  try {
    reply = await fetch(`gradio_api/run/${name}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({data}),
    });
  } catch {
    throw new Error("The page does not reach its program any more. Start it again: digitrec app");
  }
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(body.says || "Something went wrong here. The terminal may say more.");
  return body.data[0];
}

// Answers may overtake one another: only one that is newer than what is shown is shown, and returned. A final one, the
// pen being up, is also said to who cannot see it.
async function ask(final, explain = false) {
  const number = ++asked, image = picture ?? draw();
  try {
    const [answer, whole] = !image ? [] : await Promise.all(
      explain ? [call("read", image, true)] : [call("read", image, false, find("layers").open), readNumber(image)]);
    if (number < answered) return;
    answered = number;
    last = image;
    if (!explain) complain("");  // what was said since the answer itself stays
    const several = isNumber(answer, whole);
    show(answer, several ? whole : null);
    if (!explain) showLayers(answer?.layers);
    find("spoken").textContent = !final || !answer ? "" : several ? whole.says : answer.says;
    return {answer, several};
  } catch (error) {
    if (number >= answered) complain(error.message);
  }
}

// The digit never waits for want of a number.
const readNumber = (image) => numbers ? call("read_number", image).catch(() => null) : null;

// Two characters or more: where the reader of digits sees several, too, or else read so surely that no digit, half
// drawn, and hardly a letter passes for them.
const SURELY = 0.9;
const isNumber = (answer, number) => number?.characters.length > 1 && (answer.kind === "several digits"
  ? number.kind !== "not a number" : number.kind === "number" && number.confidence >= SURELY);

// While a stroke grows, one question at a time.
async function follow() {
  if (waiting) { again = true; return; }
  waiting = true;
  do { again = false; await ask(!stroke); } while (again && stroke);
  waiting = false;
}

// The answer first; where it looked costs ten times as much, and comes when the pen rests.
async function settle() {
  const number = asked + 1, reply = await ask(true);
  if (!empty(reply?.answer) && !reply.several) setTimeout(() => { if (number === asked) ask(true, true); }, 120);
  return reply?.answer;
}

// --- showing ---------------------------------------------------------------------------------------

const bars = [...Array(10).keys(), "not a digit"].map((label) => {
  const bar = document.createElement("li");
  bar.innerHTML = `<span>${label}</span><i aria-hidden="true"><b></b></i><span></span>`;
  find("bars").append(bar);
  return bar;
});
const empty = (answer) => !answer || answer.kind === "blank";

function show(answer, number) {
  frame.classList.toggle("number", Boolean(number));
  for (const part of findAll("of-number")) part.hidden = !number;
  for (const part of [...findAll("of-digit"), find("bars")]) part.hidden = Boolean(number);
  if (number) showNumber(number); else showDigit(answer);
  placeBoxes(number);
  renew();
}

function showDigit(answer) {
  const blank = empty(answer), best = blank ? -1 : answer.probabilities.indexOf(Math.max(...answer.probabilities));
  find("digit").textContent = blank ? "" : answer.digit ?? "–";
  find("digit").classList.toggle("none", answer?.kind !== "digit");
  find("says").textContent = !answer ? "Draw a digit, 0 to 9." : blank && picture ? "This page is blank. " + answer.says : answer.says;
  const likeliest = blank ? -1 : answer.shares.indexOf(Math.max(...answer.shares));
  bars.forEach((bar, place) => {
    bar.querySelector("b").style.width = `${blank ? 0 : answer.shares[place] * 100}%`;
    bar.lastChild.textContent = blank ? "" : answer.percent[place];
    bar.classList.toggle("best", place === (answer?.kind === "digit" ? best : likeliest < 10 ? -1 : likeliest));
  });
  find("bars-of").textContent = "How likely each digit is, and that it is none";
  const seen = find("seen").getContext("2d"), looked = find("looked").getContext("2d");
  paint(seen, blank ? null : answer.image);
  if (answer?.heat) paintHeat(looked, answer.image, answer.heat);
  else {
    looked.imageSmoothingEnabled = false;
    looked.drawImage(seen.canvas, 0, 0, looked.canvas.width, looked.canvas.height);
  }
  find("explained").textContent = blank ? "it" : `a ${best}`;
  if (blank) last = null;  // nothing to keep
}

function showNumber(number) {
  find("digit").textContent = number.best;
  find("digit").style.setProperty("--count", number.best.length);
  find("digit").classList.toggle("none", number.kind !== "number");
  find("says").textContent = number.says.replaceAll(" %", "\u00a0%");
  find("bars-of").textContent = "How sure each character is, and what else it could be";
  find("charts").replaceChildren(...weigh(number).map(([best, ...others]) => {
    const chart = build("li", doubtful(best) ? "doubtful" : "");
    chart.append(build("span", "of", best.text), build("span", "sure", best.percent));
    for (const {text, confidence} of [best, ...others]) {
      const row = build("span", "row"), bar = build("i");
      row.setAttribute("aria-hidden", "true");
      bar.append(build("b"));
      bar.firstChild.style.width = `${confidence * 100}%`;
      row.append(text, bar);
      chart.append(row);
    }
    return chart;
  }));
  const others = number.alternatives.filter(likely).slice(0, 3);
  find("others").textContent = others.length ? "Or as a whole: " + others.map(({text, percent}) => `${text} (${percent})`).join(", ") : "";
  paintStrip(number.image);
}

const build = (tag, name = "", text = "") => Object.assign(document.createElement(tag), {className: name, textContent: text});
const likely = ({confidence}) => confidence >= 0.001;
const doubtful = ({confidence}) => confidence < 0.8;

// Of each character itself, and the two next: what the other readings, those as long, have in its place.
const weigh = ({characters, alternatives}) => characters.map((character, place) => {
  const shares = {};
  for (const {text, confidence} of alternatives) {
    const other = text?.[place];
    if (text?.length === characters.length && other !== character.text) shares[other] = (shares[other] ?? 0) + confidence;
  }
  const others = Object.entries(shares).map(([text, confidence]) => ({text, confidence}));
  return [character, ...others.filter(likely).sort((a, b) => b.confidence - a.confidence).slice(0, 2)];
});

let boxed = null;            // the number whose characters are framed

// In shares of the sheet, in whose middle the picture lies, as large as it can be.
function placeBoxes(number) {
  boxed = number;
  const [wide, high] = picture ? [given.naturalWidth, given.naturalHeight] : [across, SIDE];
  find("boxes").hidden = !number || !wide;
  if (find("boxes").hidden) return;
  const scale = Math.min(across / wide, SIDE / high), x0 = (across - wide * scale) / 2, y0 = (SIDE - high * scale) / 2;
  find("boxes").replaceChildren(...number.characters.map((character) => {
    const [left, top, right, bottom] = character.box, box = build("i", doubtful(character) ? "doubtful" : "");
    box.append(build("b", y0 + top * scale < SIDE / 12 ? "below" : "", character.text));
    box.style.left = `${(x0 + left * scale) / across * 100}%`;
    box.style.top = `${(y0 + top * scale) / SIDE * 100}%`;
    box.style.width = `${(right - left) * scale / across * 100}%`;
    box.style.height = `${(bottom - top) * scale / SIDE * 100}%`;
    return box;
  }));
}

given.addEventListener("load", () => placeBoxes(boxed));

function paintStrip(image) {
  const strip = find("strip");
  [strip.width, strip.height] = [image[0].length, image.length];
  strip.style.width = `${2 * strip.width}px`;
  const context = strip.getContext("2d"), pixels = context.createImageData(strip.width, strip.height);
  image.flat().forEach((ink, i) => pixels.data.set([255 - ink, 255 - ink, 255 - ink, 255], i * 4));
  context.putImageData(pixels, 0, 0);
}

function paint(context, image) {
  const pixels = context.createImageData(28, 28);
  for (let i = 0; i < 784; i++) {
    const tone = image ? 255 - image[Math.floor(i / 28)][i % 28] : 255;
    pixels.data.set([tone, tone, tone, 255], i * 4);
  }
  context.putImageData(pixels, 0, 0);
}

// As the figures show it: orange speaks for the digit, blue and dotted against it, white for neither; ink is outlined.
const FOR = [230, 159, 0], AGAINST = [0, 114, 178], CELL = 10;

function paintHeat(context, image, heat) {
  const most = Math.max(0.5, ...heat.flat().map(Math.abs)), edge = Math.max(...image.flat()) / 4;
  const inked = (x, y) => (image[y]?.[x] ?? 0) > edge;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 28 * CELL, 28 * CELL);
  for (let y = 0; y < 28; y++) for (let x = 0; x < 28; x++) {
    const weight = heat[y][x] / most, full = weight > 0 ? FOR : AGAINST;
    context.fillStyle = `rgb(${full.map((level) => Math.round(255 + (level - 255) * Math.abs(weight)))})`;
    context.fillRect(x * CELL, y * CELL, CELL, CELL);
    context.fillStyle = "#000";
    if (weight < -1 / 4) context.fillRect((x + 0.7) * CELL, (y + 0.7) * CELL, CELL / 5, CELL / 5);
  }
  for (let y = 0; y <= 28; y++) for (let x = 0; x <= 28; x++) {
    if (inked(x, y) !== inked(x - 1, y)) context.fillRect(x * CELL - 1.5, y * CELL - 1.5, 3, CELL + 3);
    if (inked(x, y) !== inked(x, y - 1)) context.fillRect(x * CELL - 1.5, y * CELL - 1.5, CELL + 3, 3);
  }
}

function complain(message) { find("error").textContent = message; }

function renew() {
  find("hint").hidden = Boolean(strokes.length || stroke || picture || camera || cursor.shown);
  given.hidden = !picture || Boolean(camera);
  video.hidden = !camera;
  find("undo").disabled = !strokes.length && !picture;
  find("clear").disabled = !strokes.length && !picture && !camera;
  find("camera").textContent = camera ? "Take the picture" : "Camera";
  find("off").hidden = !camera;
  find("save").hidden = find("play").hidden = find("play").disabled = Boolean(camera);
  for (const button of [...keys, find("save")]) button.disabled = !last;
}

// --- drawing ---------------------------------------------------------------------------------------

const cursor = {x: SIDE / 2, y: SIDE / 2, shown: false};

function trace(context, scale) {
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#000";
  for (const {width, points} of stroke ? [...strokes, stroke] : strokes) {
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(...points[0]);
    // Through the midpoints, the points bending the line: corners of a fast hand come out round.
    for (let i = 1; i < points.length - 1; i++) {
      const [x, y] = points[i], [nextX, nextY] = points[i + 1];
      context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    context.lineTo(...points.at(-1));
    context.stroke();
  }
}

function redraw() {
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  trace(context, canvas.height / SIDE);
  if (cursor.shown) {
    context.strokeStyle = "#0067a3";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(cursor.x, cursor.y, Math.max(6, width() / 2), 0, 7);
    context.stroke();
  }
}

const copy = document.createElement("canvas");

function draw() {
  if (!strokes.length && !stroke) return null;
  [copy.width, copy.height] = [across, SIDE];
  const context = copy.getContext("2d", {willReadFrequently: true});
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, across, SIDE);
  trace(context, 1);
  return encode(context.getImageData(0, 0, across, SIDE));
}

// Plain grey levels: 80 KB, which stay on this machine, are sooner made, decoded and read than a PNG of 4 in colour.
function encode({data, width, height}) {
  const grey = new Uint8Array(width * height);
  for (let i = 0, at = 0; i < grey.length; i++, at += 4) grey[i] = 0.5 + 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  const rows = Array.from({length: height}, (_, y) => String.fromCharCode(...grey.subarray(y * width, (y + 1) * width)));
  return `data:image/x-portable-graymap;base64,${btoa(`P5 ${width} ${height} 255\n${rows.join("")}`)}`;
}

const width = () => Number(find("width").value);

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * across / box.width, (event.clientY - box.top) * SIDE / box.height];
}

function begin(point) {
  if (camera) closeCamera();
  picture = null;
  find("spoken").textContent = "";  // so that the same answer is said again
  stroke = {width: width(), points: [point]};
  changed();
}

function changed() { redraw(); renew(); follow(); }

function end() {
  if (!stroke) return;
  strokes.push(stroke);
  stroke = null;
  redraw();
  settle();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !event.isPrimary || stroke) return;
  canvas.setPointerCapture(event.pointerId);
  cursor.shown = false;
  begin(place(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (!stroke || !event.isPrimary) return;
  const moves = event.getCoalescedEvents?.() ?? [];
  stroke.points.push(...(moves.length ? moves : [event]).map(place));
  changed();
});
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(name, end);

canvas.addEventListener("keydown", (event) => {
  const step = {ArrowLeft: [-7, 0], ArrowRight: [7, 0], ArrowUp: [0, -7], ArrowDown: [0, 7]}[event.key];
  if (event.key === " ") {
    cursor.shown = true;
    if (stroke) end(); else begin([cursor.x, cursor.y]);
  } else if (step) {
    cursor.shown = true;
    cursor.x = Math.min(across, Math.max(0, cursor.x + step[0]));
    cursor.y = Math.min(SIDE, Math.max(0, cursor.y + step[1]));
    if (stroke) { stroke.points.push([cursor.x, cursor.y]); follow(); }
  } else return;
  event.preventDefault();
  redraw();
  renew();
});
canvas.addEventListener("blur", () => { end(); cursor.shown = false; redraw(); renew(); });

function undo() {
  if (picture) picture = null; else strokes.pop();
  redraw();
  settle();
}

function clear() {
  closeCamera();
  picture = null;
  strokes = [];
  redraw();
  settle();
}

// What stands on the sheet stays whole, and in the middle.
function widen() {
  const before = across;
  across = before === SIDE ? WIDE : SIDE;
  const ink = strokes.flatMap(({points}) => points.map(([x]) => x)), room = (before - across) / 2;
  const outside = Math.min(...ink) < room || Math.max(...ink) > before - room, scale = outside ? across / before : 1;
  const move = ([x, y]) => [across / 2 + (x - before / 2) * scale, SIDE / 2 + (y - SIDE / 2) * scale];
  strokes = strokes.map(({width, points}) => ({width: width * scale, points: points.map(move)}));
  cursor.x = across / 2;
  canvas.width = 2 * across;
  frame.classList.toggle("wide", across === WIDE);
  find("wide").setAttribute("aria-pressed", across === WIDE);
  redraw();
  settle();
}

find("wide").addEventListener("click", widen);
find("undo").addEventListener("click", undo);
find("clear").addEventListener("click", clear);
element.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !stroke) { event.preventDefault(); undo(); }
  else if (event.key === "Escape" || (event.key === "Delete" && event.target === canvas)) clear();
});

// --- pictures --------------------------------------------------------------------------------------

const load = (file) => new Promise((done, failed) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.onerror = () => failed(new Error("The file cannot be read."));
  reader.readAsDataURL(file);
});

async function take(file) {
  if (!file) return;
  if (file.size > MOST) {
    return complain(`The picture has ${Math.ceil(file.size / 1e6)} MB; at most ${MOST / 1e6} MB are read.`);
  }
  try { await use(await load(file), file.name); } catch (error) { complain(error.message); }
}

// Shown only once the server has read it: a hostile file is never decoded here.
async function use(image, name) {
  const before = [picture, strokes];
  closeCamera();
  [picture, strokes] = [image, []];
  if (await settle()) {
    given.alt = name || "your picture";
    given.src = image;
  } else if (picture === image) [picture, strokes] = before;
  redraw();
  renew();
}

find("open").addEventListener("click", () => find("file").click());
find("file").addEventListener("change", (event) => { take(event.target.files[0]); event.target.value = ""; });
for (const button of element.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", () => use(button.firstChild.src, button.title));
}
document.addEventListener("paste", (event) => take(event.clipboardData?.files[0]));
sheet.addEventListener("dragover", (event) => { event.preventDefault(); sheet.classList.add("over"); });
sheet.addEventListener("dragleave", () => sheet.classList.remove("over"));
sheet.addEventListener("drop", (event) => {
  event.preventDefault();
  sheet.classList.remove("over");
  take(event.dataTransfer.files[0]);
});

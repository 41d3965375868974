// --- samples of one's own --------------------------------------------------------------------------

const keys = Array.from({length: 10}, (_, digit) => {
  const key = document.createElement("button");
  key.type = "button";
  key.textContent = digit;
  key.setAttribute("aria-label", `keep as a ${digit}`);
  key.addEventListener("click", () => keep(digit));
  find("keys").append(key);
  return key;
});

async function keep(digit, image = last) {
  try {
    tell(await call("keep", image, digit), `Kept as a ${digit}. `);
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "Take it back";
    back.addEventListener("click", async () => {
      try { tell(await call("forget", image), "Taken back. "); } catch (error) { complain(error.message); }
    });
    find("kept").append(" ", back);
    return true;
  } catch (error) { complain(error.message); }
}

let counts = Array(10).fill(0);  // samples of each digit

function tell(state, done = "") {
  counts = state.counts;
  const all = counts.reduce((sum, count) => sum + count, 0);
  const few = counts.flatMap((count, digit) => count < 5 ? [digit] : []);
  find("kept").textContent = done + (all ? `${all} ${all === 1 ? "sample" : "samples"} so far` +
    (few.length ? `; fewer than five of ${few.join(", ")}.` : ": enough to teach.") : "No samples yet.");
  find("folder").textContent = state.folder;
  find("teach").disabled = !all;
}

// --- a game that fills the folder --------------------------------------------------------------------

let wanted = null, drawn = 0, right = 0;

// One of those digits of which there are fewest samples, and never twice the same.
function next() {
  const others = [...counts.keys()].filter((digit) => digit !== wanted), least = Math.min(...others.map((digit) => counts[digit]));
  const rare = others.filter((digit) => counts[digit] === least);
  wanted = rare[Math.floor(Math.random() * rare.length)];
  find("wanted").textContent = `Next: draw ${wanted === 8 ? "an" : "a"} ${wanted}`;
  clear();
}

function play() {
  [drawn, right] = [0, 0];
  find("score").textContent = "Each is kept as a sample.";
  find("game").hidden = false;
  next();
  canvas.focus();
}

async function finish() {
  const reply = await ask(true);
  if (wanted === null || empty(reply?.answer)) return;
  if (!await keep(wanted, last)) return;
  drawn++;
  right += reply.answer.digit === wanted && !reply.several;
  find("score").textContent = `${drawn} kept, ${right} of them read as meant.`;
  next();
}

function endGame() {
  wanted = null;
  find("game").hidden = true;
  clear();
}

let finishing = null;        // a second click waits for the first
find("play").addEventListener("click", play);
find("done").addEventListener("click", () => { finishing ??= finish().finally(() => { finishing = null; }); });
find("skip").addEventListener("click", next);
find("end").addEventListener("click", endGame);
canvas.addEventListener("keydown", (event) => { if (event.key === "Enter" && wanted !== null) find("done").click(); });

call("samples").then(tell).catch((error) => complain(error.message));
show(null);

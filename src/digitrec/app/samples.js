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

async function keep(digit) {
  const image = last;
  try {
    tell(await call("keep", image, digit), `Kept as a ${digit}. `);
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "Take it back";
    back.addEventListener("click", async () => {
      try { tell(await call("forget", image), "Taken back. "); } catch (error) { complain(error.message); }
    });
    find("kept").append(" ", back);
  } catch (error) { complain(error.message); }
}

function tell({folder, counts}, done = "") {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const few = counts.flatMap((count, digit) => count < 5 ? [digit] : []);
  find("kept").textContent = done + (all ? `${all} ${all === 1 ? "sample" : "samples"} so far` +
    (few.length ? `; fewer than five of ${few.join(", ")}.` : ": enough to teach.") : "No samples yet.");
  find("folder").textContent = folder;
  find("command").textContent = `digitrec train --data ${/^[\w.\/-]+$/.test(folder) ? folder : `"${folder}"`} --from cnn --name mine`;
}

call("samples").then(tell).catch((error) => complain(error.message));
show(null);

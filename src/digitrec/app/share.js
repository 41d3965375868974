// --- the picture with its answer, to save or to send -------------------------------------------------

const share = (file) => navigator.canShare?.({files: [file]});
find("save").textContent = share(new File([], "answer.png", {type: "image/png"})) ? "Share" : "Save";

find("save").addEventListener("click", async () => {
  const answer = find("digit").textContent.replace(/[^\d.,]/g, "") || "none";
  const file = new File([await compose().convertToBlob({type: "image/png"})], `digitrec_${answer}.png`, {type: "image/png"});
  if (share(file)) return navigator.share({files: [file]}).catch(() => {});  // whoever changes their mind needs no word
  const link = Object.assign(document.createElement("a"), {href: URL.createObjectURL(file), download: file.name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
});

// As it stands on the page, black on white in the dark as well.
function compose() {
  const side = 2 * SIDE, foot = 120, whole = new OffscreenCanvas(2 * across, side + foot), context = whole.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, whole.width, whole.height);
  if (picture) {
    const scale = Math.min(whole.width / given.naturalWidth, side / given.naturalHeight);
    const [wide, high] = [given.naturalWidth * scale, given.naturalHeight * scale];
    context.drawImage(given, (whole.width - wide) / 2, (side - high) / 2, wide, high);
  } else {
    trace(context, 2);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }
  context.fillStyle = "#f1f3f5";
  context.fillRect(0, side, whole.width, foot);
  context.textBaseline = "middle";
  context.fillStyle = "#0067a3";
  context.font = "700 84px system-ui, sans-serif";
  const digit = find("digit").textContent, wide = Math.min(context.measureText(digit).width, whole.width / 2);
  context.fillText(digit, 28, side + foot / 2 + 4, whole.width / 2);
  context.fillStyle = "#15191e";
  context.font = "26px system-ui, sans-serif";
  context.fillText(find("says").textContent, 56 + wide, side + foot / 2, whole.width - wide - 84);
  return whole;
}


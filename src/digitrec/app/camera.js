// --- the camera: read as long as it is on, one question at a time ------------------------------------

const PAUSE = 50;            // ms from one question to the next, at least: no more than twenty a second
const VOTERS = 7;            // last frames, of which most must agree: what one of them says is not worth a flicker
let votes = [];

let opening = false;         // a second click meanwhile would open a second stream, which nobody would close

find("camera").addEventListener("click", async () => {
  if (opening || (camera && !video.videoWidth)) return;
  if (camera) return take(await photograph());
  opening = true;
  try {
    camera = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment"}});
    video.srcObject = camera;
    [picture, strokes, last] = [null, [], null];
    redraw();
    await video.play();
  } catch {
    closeCamera();
    return complain("There is no camera, or the browser was not allowed to use it.");
  } finally { opening = false; }
  if (document.hidden) return clear();
  complain("");
  watch(camera);
});
find("off").addEventListener("click", clear);
document.addEventListener("visibilitychange", () => { if (document.hidden && camera) clear(); });

async function watch(stream) {
  votes = [];
  answered = ++asked;  // what was asked before is not shown any more
  while (camera === stream) {
    const start = performance.now();
    try {
      const reading = await readFrame();
      if (camera === stream) vote(reading);
    } catch (error) {
      if (camera !== stream) return;
      closeCamera();
      show(null);
      return complain(error.message);
    }
    await new Promise((done) => setTimeout(done, PAUSE - (performance.now() - start)));
  }
}

async function readFrame() {
  const context = capture(copy, SIDE).getContext("2d", {willReadFrequently: true});
  const image = encode(context.getImageData(0, 0, across, SIDE));
  const answer = await call("read", image, false, find("layers").open);
  const whole = answer.kind === "several digits" ? await readNumber(image) : null;
  return isNumber(answer, whole) ? {name: whole.best, answer, whole} : {name: answer.digit ?? answer.kind, answer, whole: null};
}

function vote(reading) {
  votes = [...votes, reading].slice(-VOTERS);
  const agreed = votes.findLast(({name}) => 2 * votes.filter((other) => other.name === name).length > VOTERS);
  if (!agreed) return;
  show(agreed.answer, agreed.whole);
  showLayers(agreed.answer.layers);
  const says = (agreed.whole ?? agreed.answer).says;
  if (find("spoken").textContent !== says) find("spoken").textContent = says;
}

// The middle of what the camera sees, in the shape of the sheet and as it is shown there.
function capture(onto, height) {
  const wide = Math.min(video.videoWidth, video.videoHeight * across / SIDE), high = wide * SIDE / across;
  [onto.width, onto.height] = [Math.round(height * across / SIDE), height];
  const context = onto.getContext("2d", {willReadFrequently: true});
  context.drawImage(video, (video.videoWidth - wide) / 2, (video.videoHeight - high) / 2, wide, high, 0, 0, onto.width, height);
  return onto;
}

async function photograph() {
  const height = Math.round(Math.min(video.videoWidth * SIDE / across, video.videoHeight));
  const blob = await capture(new OffscreenCanvas(1, 1), height).convertToBlob({type: "image/png"});
  return new File([blob], "photo from the camera");
}

function closeCamera() {
  camera?.getTracks().forEach((track) => track.stop());
  camera = video.srcObject = null;
  renew();
}

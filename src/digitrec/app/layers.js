// --- what each layer makes of the picture: asked for only while it is looked at -----------------------

const look = (image) => find("layers").open ? call("layers", image).catch((error) => { complain(error.message); }) : null;

find("layers").addEventListener("toggle", async () => { if (last) showLayers(await look(last)); });

function showLayers(layers) {
  const fresh = (layers ?? []).map((layer, place) => {
    const {channels, height, width} = layer, item = build("li");
    const single = height * width === 1, what = `${channels} ${single ? "units" : "maps"}`;
    item.append(build("span", "note", `Layer ${place + 1}: ${what}${single ? "" : ` of ${width} × ${height}`}`));
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `what layer ${place + 1} made of the picture`);
    paintMaps(canvas, layer, ...(single ? [32, 0] : [16, 1]));
    item.append(canvas);
    return item;
  });
  find("maps").replaceChildren(...fresh);
}

// Side by side, so many in a row, with a gap between; the darker, the more the layer answers there.
function paintMaps(canvas, {channels, height, width, maps}, across, gap) {
  const bytes = atob(maps), rows = Math.ceil(channels / across);
  [canvas.width, canvas.height] = [across * (width + gap) - gap, rows * (height + gap) - gap];
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < bytes.length; i++) {
    const channel = Math.floor(i / (height * width)), place = i % (height * width);
    const x = (channel % across) * (width + gap) + place % width;
    const y = Math.floor(channel / across) * (height + gap) + Math.floor(place / width);
    const tone = 255 - bytes.charCodeAt(i);
    pixels.data.set([tone, tone, tone, 255], 4 * (y * canvas.width + x));
  }
  context.putImageData(pixels, 0, 0);
}


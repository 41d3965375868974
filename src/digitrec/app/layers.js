// --- what each layer makes of the picture: asked for only while it is looked at -----------------------

find("layers").addEventListener("toggle", async () => {
  if (!last || !find("layers").open) return;
  try { showLayers(await call("layers", last)); } catch (error) {
    find("layers").open = false;  // else every answer would wait for what does not come
    complain(error.message);
  }
});

function showLayers(layers) {
  layers ??= [];
  const items = find("maps");
  while (items.childElementCount > layers.length) items.lastChild.remove();
  layers.forEach((layer, place) => {
    const item = items.children[place] ?? items.appendChild(startLayer(place));
    const {channels, height, width} = layer, single = height * width === 1;
    item.firstChild.textContent = `Layer ${place + 1}: ${channels} ${single ? "units" : `maps of ${width} × ${height}`}`;
    paintMaps(item.lastChild, layer, ...(single ? [32, 0] : [16, 1]));
  });
}

function startLayer(place) {
  const item = build("li"), canvas = build("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `what layer ${place + 1} made of the picture`);
  item.append(build("span", "note"), canvas);
  return item;
}

// Side by side, so many in a row, with a gap between; the darker, the more the layer answers there.
function paintMaps(canvas, {channels, height, width, maps}, across, gap) {
  const bytes = atob(maps), rows = Math.ceil(channels / across);
  [canvas.width, canvas.height] = [across * (width + gap) - gap, rows * (height + gap) - gap];
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  for (let channel = 0, i = 0; channel < channels; channel++) {
    const left = (channel % across) * (width + gap), top = Math.floor(channel / across) * (height + gap);
    for (let y = top; y < top + height; y++) for (let x = left; x < left + width; x++, i++) {
      const at = 4 * (y * canvas.width + x);
      pixels.data[at] = pixels.data[at + 1] = pixels.data[at + 2] = 255 - bytes.charCodeAt(i);
      pixels.data[at + 3] = 255;
    }
  }
  context.putImageData(pixels, 0, 0);
}


// --- teaching: in another process, asked after twice a second ------------------------------------------

async function teach(name) {
  try {
    let lesson = await call(name);
    for (; ; lesson = await call("lesson")) {
      showLesson(lesson);
      if (!lesson.running) break;
      await new Promise((done) => setTimeout(done, 500));
    }
    if (lesson.share === 1 && last) settle();  // as the network that was taught reads it
  } catch (error) {
    complain(error.message);
  }
}

function showLesson({running, share, says, failed}) {
  find("teach").hidden = running;
  find("stop").hidden = find("progress").hidden = !running;
  find("progress").value = share;
  find("lesson").textContent = !running && share === 1 ? `Done, and reading with it now: ${says}` : says;
  find("lesson").classList.toggle("error", failed);
}

find("teach").addEventListener("click", () => teach("teach"));
find("stop").addEventListener("click", () => call("stop_teaching").catch((error) => complain(error.message)));
call("lesson").then((lesson) => { if (lesson.running) teach("lesson"); }).catch(() => { find("teach").parentElement.hidden = true; });


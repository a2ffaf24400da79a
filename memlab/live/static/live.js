// Puts the page together, and tells it whether the browser asks for dark or for light.
"use strict";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const lost = document.getElementById("lost");

function tellScheme() {
  for (const one of Bokeh.documents) {
    const scheme = one.get_model_by_name("scheme");
    if (scheme != null) {
      scheme.value = dark.matches ? "dark" : "light";
    }
  }
}

// The page is old when its program has ended; when it is there again, the page is read anew.
async function ask() {
  try {
    const answer = await fetch("/live/live.js", {cache: "no-store"});
    if (answer.ok && !lost.hidden) {
      location.reload();
    }
    lost.hidden = answer.ok;
  } catch {
    lost.hidden = false;
  }
}

// Bokeh lays out the whole page, plots too, for each text that changes: put it into its place alone.
function changeTextsAlone() {
  const view = Bokeh.documents[0].get_model_by_name("head")?.default_view?.prototype;
  if (view == null) {
    return;
  }
  const whole = view.rerender;
  view.rerender = function () {
    if (this.markup_el != null && this.model.disable_math) {
      this.markup_el.innerHTML = this.model.text;
    } else {
      whole.call(this);
    }
  };
}

const page = JSON.parse(document.getElementById("memlab-page").textContent);
Bokeh.set_log_level("error");
Bokeh.embed.embed_items({}, [page]).then(() => {
  changeTextsAlone();
  tellScheme();
  dark.addEventListener("change", tellScheme);
  document.documentElement.dataset.ready = "yes";
  setInterval(ask, 3000);
});

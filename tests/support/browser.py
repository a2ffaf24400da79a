"""Debian's Chromium, driven by Selenium; who wants it is skipped, with a reason, where it is not.

apt-get install chromium chromium-driver
python -m pip install selenium
"""

import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

WAIT = 60.0
"""Seconds that a page may take on a busy machine."""

_DEEP = """
const texts = [], all = [];
(function walk(node) {
  for (const one of node.childNodes) {
    if (one.nodeType === 3) { texts.push(one.textContent); }
    if (one.nodeType !== 1 || ["STYLE", "SCRIPT"].includes(one.tagName)) { continue; }
    if (getComputedStyle(one).display === "none") { continue; }
    all.push(one);
    if (one.shadowRoot) { walk(one.shadowRoot); }
    walk(one);
  }
})(document.body);
"""
_HEAD = """
const [words] = arguments;
const find = (node) => [...node.querySelectorAll("*")].flatMap(
  (one) => one.shadowRoot ? [one.shadowRoot, ...find(one.shadowRoot)] : []);
const head = find(document).find((one) => one.querySelector("h1"));
window.headSeen = new Promise((done) => {
  const drawn = () => setTimeout(() => done(performance.timeOrigin + performance.now()));
  const look = () => {
    if (head.textContent.includes(words)) {
      observer.disconnect();
      requestAnimationFrame(drawn);
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(head, {childList: true, subtree: true, characterData: true});
});
"""
_FOCUS = """
let one = document.activeElement;
while (one && one.shadowRoot && one.shadowRoot.activeElement) {
  one = one.shadowRoot.activeElement;
}
const group = one.closest(".bk-input-group");
const words = (group || one).innerText || "";
return [one.tagName, words.trim().split("\\n")[0]];
"""


def missing() -> str:
    """Return why there is no browser, '' where there is one."""
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"there is no {name} here (apt-get install chromium chromium-driver)"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed (python -m pip install selenium)"
    return ""


class Browser:
    """A headless Chromium with a page of this width, in this scheme."""

    def __init__(self, width: int = 1280, scheme: str = "light", height: int = 900):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for word in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage"):
            options.add_argument(f"--{word}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
        self.width = width
        self._size(height)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def _size(self, height: int) -> None:
        size = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *exc: object) -> None:
        self.driver.quit()

    def open(self, url: str, words: str = "") -> None:
        """Open a page, and wait until it is put together and has these words."""
        self.driver.get(url)
        self.until(lambda: self.run("return document.documentElement.dataset.ready"))
        self.until(lambda: words in self.text)
        self.driver.set_script_timeout(WAIT)
        self.driver.execute_async_script("requestIdleCallback(arguments[0])")  # it is drawn

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    @property
    def text(self) -> str:
        """Everything that is to be read, in shadow trees too."""
        return " ".join(str(self.run(f"{_DEEP} return texts.join(' ')")).split())

    def until(
        self, found: Callable[[], object], seconds: float = WAIT, every: float = 0.05
    ) -> float:
        """Wait for something, and return the seconds that it took."""
        begun = time.monotonic()
        while not found():
            assert time.monotonic() - begun < seconds, self.text[:2000]
            time.sleep(every)
        return time.monotonic() - begun

    def watch_head(self, words: str) -> None:
        """Let the page note when its head has these words, drawn.

        To ask it from here, again and again, would keep the browser from drawing; and it answers
        when it has done everything else.
        """
        self.run(_HEAD, words)

    def head_seen(self, seconds: float = WAIT) -> float:
        """Return the moment (s, as `time.time`) when the head has had the words of `watch_head`."""
        self.driver.set_script_timeout(seconds)
        script = "headSeen.then(arguments[0])"
        milliseconds: float = self.driver.execute_async_script(script)
        return 1e-3 * milliseconds

    def keys(self, *keys: str) -> list[str]:
        """Press keys; return tag and words of what has the focus then."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()
        focus: list[str] = self.run(_FOCUS)
        return focus

    def picture(self, path: Path) -> tuple[int, int]:
        """Keep a picture of the whole page; return its width and height."""
        for _ in range(3):  # it grows and shrinks with the window
            self._size(int(self.run("return document.documentElement.scrollHeight")))
            time.sleep(0.4)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        path.write_bytes(b64decode(shot["data"]))
        root = "document.documentElement"
        width, height = self.run(f"return [{root}.scrollWidth, {root}.scrollHeight]")
        return width, height

    def misplaced(self) -> list[str]:
        """Return panels and tables that are cut off at the side, or lie on each other."""
        found: list[str] = self.run(
            _DEEP
            + """
            const bad = [], panels = all.filter((one) => one.classList.contains("panel"));
            const boxes = panels.map((one) => one.getBoundingClientRect());
            const kinds = ["TABLE", "CANVAS", "H1", "H2"];
            for (const one of all.filter((e) => kinds.includes(e.tagName))) {
              const box = one.getBoundingClientRect();
              if (box.width && (box.left < -1 || box.right > innerWidth + 1)) {
                bad.push(one.tagName + " " + one.innerText.slice(0, 40));
              }
            }
            boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
              if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1
                  && b.top < a.bottom - 1) { bad.push("two panels at " + a.left + ", " + a.top); }
            }));
            return bad;"""
        )
        return found

    def requests(self) -> list[str]:
        """Return the addresses of everything that was asked for since the last call."""
        found = []
        for line in self.driver.get_log("performance"):
            event = json.loads(line["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                found.append(event["params"]["request"]["url"])
            elif event["method"] == "Network.webSocketCreated":
                found.append(event["params"]["url"])
        return found

    def complaints(self) -> list[str]:
        """Return what the console holds of warnings and errors."""
        levels = ("WARNING", "SEVERE")
        return [one["message"] for one in self.driver.get_log("browser") if one["level"] in levels]


def hosts(addresses: list[str]) -> set[str]:
    """Return the hosts of addresses that leave the page."""
    return {urlsplit(one).netloc for one in addresses if not one.startswith(("data:", "blob:"))}


def axe_source(folder: Path) -> str:
    """Return the program axe-core, from the npm registry; skip where it cannot be had."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm here, from whose registry axe-core comes")
    command = ["npm", "pack", "--silent", "axe-core@4"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot get axe-core: {done.stderr.strip()[-200:]}")
    (packed,) = folder.glob("axe-core-*.tgz")
    shutil.unpack_archive(packed, folder, filter="data")
    return (folder / "package/axe.min.js").read_text()

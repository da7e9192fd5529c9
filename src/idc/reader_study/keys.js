// Keys go to the server with the case that is in sight, so that none is taken for the next case.
(() => {
  const ARROWS = ["arrowleft", "arrowright", "arrowup", "arrowdown"];
  const REPEAT = ["[", "]", "-", "+"];
  document.addEventListener("keydown", (event) => {
    const root = document.querySelector("[data-case]");
    if (!root || event.isComposing || document.querySelector(".q-dialog")) return;
    const key = event.key.toLowerCase();
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest("input, textarea, [contenteditable]")) {
      if (key === "escape") at.blur();
      return;
    }
    // AltGr, with which some keyboards type brackets, counts as Control and Alt.
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    if (modified && !event.getModifierState("AltGraph")) return;
    if (at.closest("select")) return;
    if (at.closest("[role=slider]") && ARROWS.includes(key)) return;
    if (event.repeat && !REPEAT.includes(key)) return;
    if (!root.dataset.keys.split(" ").includes(key)) return;
    event.preventDefault();
    // The cursor moves here at once: what is typed next must not be taken for keys.
    const remark = key === root.dataset.remark && root.querySelector(".remark textarea");
    if (remark) remark.focus();
    else emitEvent("review_key", { key: key, stamp: root.dataset.case });
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector(".alarm.shown")) event.preventDefault();
  });
})();

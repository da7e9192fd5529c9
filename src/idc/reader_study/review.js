// Keys go to the server with the case that is in sight, so that none is taken for the next case.
(() => {
  const ARROWS = ["arrowleft", "arrowright", "arrowup", "arrowdown"];
  const ZOOM = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 };

  // Zoom the surroundings about a point of the window, or about their centre.
  const zoom = (around, factor, at) => {
    const pane = around.querySelector(".pane"), box = pane.getBoundingClientRect();
    const before = parseFloat(around.style.getPropertyValue("--zoom")) || 1;
    const after = Math.min(8, Math.max(1, before * factor));
    const x = at ? at.clientX - box.left : box.width / 2;
    const y = at ? at.clientY - box.top : box.height / 2;
    const left = (pane.scrollLeft + x) * after / before - x;
    const top = (pane.scrollTop + y) * after / before - y;
    around.style.setProperty("--zoom", after);
    pane.scrollTo(left, top);
    return after !== before;
  };
  const around = (event) => event.target instanceof Element && event.target.closest(".around");
  document.addEventListener("wheel", (event) => {
    const box = around(event);
    if (box && zoom(box, event.deltaY < 0 ? 1.2 : 1 / 1.2, event)) event.preventDefault();
  }, { passive: false });
  document.addEventListener("click", (event) => {
    const button = around(event) && event.target.closest("[data-zoom]");
    if (button) zoom(around(event), parseFloat(button.dataset.zoom));
  });
  document.addEventListener("pointerdown", (event) => {
    const pane = event.pointerType === "mouse" && around(event) && event.target.closest(".pane");
    if (!pane) return;
    event.preventDefault();
    const move = (e) => pane.scrollBy(-e.movementX, -e.movementY);
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", () => document.removeEventListener("pointermove", move),
      { once: true });
  });

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
    if (at.closest("[role=slider]") && ARROWS.includes(key)) return;
    const box = root.querySelector(".around");
    if (box && key in ZOOM) {
      event.preventDefault();
      zoom(box, ZOOM[key]);
      return;
    }
    if (event.repeat && !["[", "]"].includes(key)) return;
    if (!root.dataset.keys.split(" ").includes(key)) return;
    event.preventDefault();
    // The cursor moves here at once: what is typed next must not be taken for keys.
    const remark = key === root.dataset.remark && root.querySelector(".remark textarea");
    if (remark) remark.focus();
    else emitEvent("review_key", { key: key, case: root.dataset.case });
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector(".alarm.shown")) event.preventDefault();
  });
})();

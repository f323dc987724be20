// Makes each preview as high as what it shows. Nothing of the preview runs: its sandbox allows no scripts.
"use strict";
const most = 4000;
function fit(frame) {
  const page = frame.contentDocument;
  if (!page || !page.documentElement) return;
  frame.style.height = "0";
  const bar = page.documentElement.scrollWidth > page.documentElement.clientWidth ? 18 : 2;
  frame.style.height = `${Math.min(most, page.documentElement.scrollHeight) + bar}px`;
}
for (const frame of document.querySelectorAll(".preview iframe")) {
  frame.addEventListener("load", () => fit(frame));
  fit(frame);
}
addEventListener("resize", () => document.querySelectorAll(".preview iframe").forEach(fit));

/* offerkit: fills the places of a page, <div id="i_SPACE">, with offers; one call for all of them.
   Parameters of this script's address: env, t (contact), c (categories), th (themes), gctx (call data), cb (callback).
   Globals of the page: interactionTarget, interactionGlobalCtx, interactionDivs. */
(function () {
  "use strict";

  var script = document.currentScript || document.getElementById("interactionProposalScript");
  if (!script || !script.src) { return; }
  var here = new URL(script.src, document.baseURI);
  var given = here.searchParams;
  var CALLBACK = /^[A-Za-z_$][\w$.]{0,63}$/;
  var STATUS = /^\/o\?a=UpdateStatus(?:&|$)/;
  var PROGRAM = /^(?:javascript|vbscript|data):/i;
  var PICTURE = /^data:image\/(?:png|gif|jpeg|webp|avif)[;,]/i;
  var WORDS = /^(?:title|alt|class|id|label|placeholder|value|aria-.+|data-.+)$/i;
  var FORBIDDEN = "script,iframe,frame,frameset,object,embed,applet,base,meta,link,template,portal,foreignObject," +
    "animate,animateMotion,animateTransform,set,use";

  function warn(text) {
    if (window.console) { window.console.warn("offerkit: " + text); }
  }

  /* The service says what is wrong with a call, without anything of the contact. */
  function refused(response) {
    return response.json().catch(function () { return {}; }).then(function (problem) {
      var errors = Array.isArray(problem.errors) ? problem.errors : [];
      throw new Error(["the service answered " + response.status].concat(errors.map(function (one) {
        return one.code + ": " + one.message;
      })).join("; "));
    });
  }

  function list(text) {
    return String(text || "").split(",").map(function (one) { return one.trim(); }).filter(Boolean);
  }

  /* <interaction navigationLanguage='fr'/>: the attributes are the call data. */
  function callData(text) {
    var data = {};
    if (!text) { return data; }
    var root = new DOMParser().parseFromString(String(text), "text/xml").documentElement;
    if (!root || root.nodeName !== "interaction" || root.querySelector("parsererror")) {
      warn("interactionGlobalCtx is not written as <interaction name='value'/>");
      return data;
    }
    Array.prototype.forEach.call(root.attributes, function (attribute) { data[attribute.name] = attribute.value; });
    return data;
  }

  function places() {
    var declared = Object(window.interactionDivs);
    var found = [];
    Object.keys(declared).forEach(function (id) {
      var own = Object(declared[id]);
      if (document.getElementById(id)) {
        found.push({ id: id, space: String(own.space || ""), categories: list(own.categories), themes: list(own.themes) });
      }
    });
    document.querySelectorAll('div[id^="i_"]').forEach(function (div) {
      if (!Object.prototype.hasOwnProperty.call(declared, div.id)) {
        found.push({ id: div.id, space: "", categories: [] });
      }
    });
    if (found.length > 50) { warn("a page has 50 places at most; the others stay as they are"); }
    return found.slice(0, 50);
  }

  /* Links that set a status are paths of the service, which the page need not be on. */
  function led(value) {
    return STATUS.test(value) ? new URL(value, here.origin).href : value;
  }

  function safe(node, name, value) {
    var plain = value.replace(/[\u0000-\u0020\u007f-\u00a0]+/g, "");
    if (/^on/i.test(name) || /^(?:srcdoc|ping)$/i.test(name)) { return false; }
    return WORDS.test(name) || !PROGRAM.test(plain) || (node.nodeName.toLowerCase() === "img" && PICTURE.test(plain));
  }

  /* Offers are content: whatever in them would run is taken away, before any of it is on the page. */
  function content(html) {
    var inert = new DOMParser().parseFromString(html, "text/html");
    inert.querySelectorAll(FORBIDDEN).forEach(function (node) { node.remove(); });
    inert.body.querySelectorAll("*").forEach(function (node) {
      Array.prototype.slice.call(node.attributes).forEach(function (attribute) {
        if (!safe(node, attribute.name, attribute.value)) {
          node.removeAttribute(attribute.name);
        } else if (attribute.name === "href") {
          node.setAttribute("href", led(attribute.value));
        }
      });
    });
    var fragment = document.createDocumentFragment();
    Array.prototype.slice.call(inert.body.childNodes).forEach(function (node) {
      fragment.appendChild(document.importNode(node, true));
    });
    return fragment;
  }

  function fill(divs) {
    Object.keys(divs).forEach(function (id) {
      var place = document.getElementById(id);
      if (place) { place.replaceChildren(content(divs[id])); }
    });
  }

  function handOver(text, name) {
    var root = new DOMParser().parseFromString(text, "application/xml").documentElement;
    root.querySelectorAll("*").forEach(function (node) {
      if (!node.firstElementChild && STATUS.test(node.textContent.trim())) {
        node.textContent = led(node.textContent.trim());
      }
      Array.prototype.forEach.call(node.attributes, function (attribute) { attribute.value = led(attribute.value); });
    });
    var owner = window;
    var called = name.split(".").reduce(function (object, part) { owner = object; return Object(object)[part]; }, window);
    if (typeof called !== "function") { warn("there is no function " + name); return; }
    called.call(owner, root);
  }

  function run() {
    var callback = given.get("cb") || "";
    if (callback && !CALLBACK.test(callback)) { warn("cb is not the name of a function"); return; }
    var divs = places();
    if (!divs.length) { return; }
    var target = given.get("t") || window.interactionTarget;
    var body = {
      divs: divs,
      target: target === undefined || target === null ? "" : String(target),
      categories: list(given.get("c")),
      themes: list(given.get("th")),
      data: callData(given.get("gctx") || window.interactionGlobalCtx),
      xml: callback !== ""
    };
    var address = new URL("propose", here);
    address.search = "?env=" + encodeURIComponent(given.get("env") || "");
    fetch(address.href, {
      method: "POST",
      mode: "cors",
      credentials: "include",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body)
    }).then(function (response) {
      if (!response.ok) { return refused(response); }
      return callback ? response.text() : response.json();
    }).then(function (answer) {
      if (callback) { handOver(answer, callback); } else { fill(Object(answer.divs)); }
    }).catch(function (error) { warn(error.message); });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", run);
  } else {
    run();
  }
})();

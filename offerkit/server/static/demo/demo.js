/* The bundled bank's page. What a site does itself: say who is logged in, and where on the site they are. */
(function () {
  "use strict";

  var here = new URLSearchParams(location.search);
  var who = "";
  try { who = sessionStorage.getItem("who") || ""; } catch (error) { who = ""; }
  if (who) { window.interactionTarget = who; }
  window.interactionGlobalCtx = "<interaction page='/' navigationLanguage='en'/>";

  function remember(name, value) {
    try { sessionStorage.setItem(name, value); } catch (error) { /* the page works without */ }
  }

  function byId(id) { return document.getElementById(id); }

  function statusLink(proposition, status, next) {
    return "/o?a=UpdateStatus&p=" + encodeURIComponent(proposition) + "&st=" + status + "&r=" + encodeURIComponent(next);
  }

  function offerPage(proposition, outcome) {
    return "/demo/offer.html?p=" + encodeURIComponent(proposition) + (outcome ? "&is=" + outcome : "");
  }

  /* A real site lets the link lead to the offer's own page; the demo has one page for all offers. */
  function follow(event) {
    var link = event.target.closest ? event.target.closest('a[href*="/o?a=UpdateStatus"]') : null;
    if (!link || !link.closest(".places")) { return; }
    event.preventDefault();
    var proposition = new URL(link.href).searchParams.get("p") || "";
    var title = (link.closest("article") || link).querySelector("h3, .picture, img[alt]");
    remember("title", title ? title.textContent.trim() || title.getAttribute("alt") || "" : "");
    location.assign(statusLink(proposition, 2, offerPage(proposition, "")));
  }

  function homePage() {
    byId("login").addEventListener("submit", function (event) {
      event.preventDefault();
      remember("who", byId("who").value);
      remember("name", byId("who").selectedOptions[0].textContent);
      location.reload();
    });
    byId("logout").addEventListener("submit", function (event) {
      event.preventDefault();
      sessionStorage.clear();
      location.reload();
    });
    if (!who) { return; }
    var name = sessionStorage.getItem("name") || who;
    byId("login").hidden = true;
    byId("logout").hidden = false;
    byId("hello").textContent = name;
    byId("greeting").textContent = "Good to see you, " + name.split(" ")[0];
    byId("explained").textContent = "You are logged in: these offers were chosen for you, by your profile and by what " +
      "you were offered before.";
  }

  function offerIs() {
    var proposition = here.get("p") || "";
    var outcome = here.get("is") || "interested";
    var title = "";
    try { title = sessionStorage.getItem("title") || ""; } catch (error) { title = ""; }
    if (title) { byId("title").textContent = title; }
    byId("proposition").textContent = proposition;
    byId("accept").href = statusLink(proposition, 3, offerPage(proposition, "accepted"));
    byId("reject").href = statusLink(proposition, 5, offerPage(proposition, "rejected"));
    if (outcome === "accepted" || outcome === "rejected") {
      byId("status").textContent = "Status: " + outcome;
      byId("status").classList.add(outcome);
      byId("words").textContent = outcome === "accepted"
        ? "Thank you. The proposition is accepted, and presentation rules count it from now on."
        : "Understood. The proposition is rejected; other offers take its place.";
      document.querySelector(".actions").remove();
    }
  }

  document.addEventListener("click", follow, true);
  /* Pictures of the bundled offers are on a site that does not exist; a drawn surface replaces them. */
  document.addEventListener("error", function (event) {
    if (event.target.nodeName !== "IMG" || event.target.classList.contains("drawn")) { return; }
    var picture = document.createElement("span");
    var text = (event.target.closest("article, a") || event.target).textContent;
    var tint = Array.prototype.reduce.call(text, function (sum, one) { return (sum * 31 + one.charCodeAt(0)) % 997; }, 7);
    picture.className = "picture tint-" + (tint % 4);
    event.target.replaceWith(picture);
    if (event.target.alt) { picture.textContent = event.target.alt; }
  }, true);
  document.addEventListener("DOMContentLoaded", function () {
    if (byId("login")) { homePage(); } else { offerIs(); }
  });
})();

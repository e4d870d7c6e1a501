// Sets light or dark before anything is painted. Unfold keeps the choice under "adminTheme" as JSON; so do we.
(function () {
  "use strict";
  var system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return JSON.parse(localStorage.getItem("adminTheme")) || "auto";
    } catch (error) {
      return "auto";
    }
  }

  function apply() {
    var dark = chosen() === "dark" || (chosen() === "auto" && system.matches);
    document.documentElement.classList.toggle("dark", dark);
    document.documentElement.classList.toggle("light", !dark);
  }

  window.dealopsTheme = {
    chosen: chosen,
    choose: function (theme) {
      try {
        localStorage.setItem("adminTheme", JSON.stringify(theme));
      } catch (error) {
        /* a private window: the choice lasts for this page */
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  apply();
})();

// Draws every canvas with data-chart from the figures beside it, in the colours of the theme. All words come ready from the server.
(function () {
  "use strict";
  const TONES = { base: "--do-chart-base", ok: "--do-chart-ok", cross: "--do-chart-cross", wait: "--do-chart-wait", info: "--do-chart-info", muted: "--do-line-strong" };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const drawn = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  // Canvas knows no custom properties and not every colour space: the browser resolves the colour first.
  function resolved(name) {
    const probe = document.createElement("span");
    probe.style.color = "var(" + name + ")";
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found || colour(name);
  }

  function draw(canvas) {
    const given = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const text = resolved("--do-muted");
    const line = resolved("--do-line");
    return new window.Chart(canvas, {
      type: "bar",
      data: {
        labels: given.labels,
        datasets: given.series.map((one) => ({
          label: one.name,
          data: one.values.map(Number),
          words: one.words,
          backgroundColor: resolved(TONES[one.tone]),
          borderRadius: 3,
          maxBarThickness: 34,
        })),
      },
      options: {
        animation: still ? false : { duration: 200 },
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: { stacked: given.stacked, grid: { display: false }, border: { color: line }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 } },
          y: { stacked: given.stacked, grid: { color: line }, border: { display: false }, ticks: { color: text, maxTicksLimit: 5 } },
        },
        plugins: {
          legend: { display: given.series.length > 1, position: "bottom", labels: { color: text, boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 } },
          tooltip: {
            filter: (item) => item.raw !== 0,
            callbacks: {
              label: (item) => item.dataset.label + ": " + item.dataset.words[item.dataIndex],
              footer: (items) => (given.totals.length && items.length ? "Together: " + given.totals[items[0].dataIndex] : ""),
            },
          },
        },
      },
    });
  }

  function all() {
    drawn.splice(0).forEach((chart) => chart.destroy());
    document.querySelectorAll("canvas[data-chart]").forEach((canvas) => drawn.push(draw(canvas)));
  }

  document.addEventListener("htmx:afterSwap", all);
  new MutationObserver(all).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  all();
})();

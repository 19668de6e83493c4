(() => {
  const form = document.querySelector("form.filters");
  if (!form) return;
  form.hidden = false;
  const items = [...document.querySelectorAll(".item")].map((node) => ({ node, id: node.dataset.id.toLowerCase(), facets: JSON.parse(node.dataset.facets) }));
  const choices = [...form.querySelectorAll("select")];
  const search = form.querySelector("[data-search]");
  const shown = form.querySelector("output");
  const apply = () => {
    const text = search.value.trim().toLowerCase();
    let count = 0;
    for (const item of items) {
      const fits = item.id.includes(text) && choices.every((c) => !c.value || item.facets[c.dataset.facet] === c.value);
      item.node.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} shown`;
    history.replaceState(null, "", "#" + new URLSearchParams([...choices.map((c) => [c.dataset.facet, c.value]), ["id", text]].filter((p) => p[1])));
  };
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const c of choices) c.value = [...c.options].some((o) => o.value === wanted.get(c.dataset.facet)) ? wanted.get(c.dataset.facet) : "";
  search.value = wanted.get("id") || "";
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();

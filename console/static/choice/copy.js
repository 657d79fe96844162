// Codes can be copied by a click where the browser lets a page do so; the button is not shown else.

function offer() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const said = button.parentElement.querySelector("[role=status]");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    said.textContent = button.dataset.done;
  } catch {
    said.textContent = "";
    getSelection().selectAllChildren(button.closest(".key").querySelector(".letters"));
  }
});
document.addEventListener("htmx:load", offer);
offer();

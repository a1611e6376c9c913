// Forms: the save bar counts unsaved changes, Ctrl-Enter saves, a name must be typed before a deletion.
import { say } from "./words.js";

function changed(form) {
  return [...form.elements].filter((field) => {
    if (!field.name || field.type === "hidden" || field.type === "submit") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return [...field.options].some((option) => option.selected !== option.defaultSelected);
    return field.value !== field.defaultValue;
  }).length;
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  const bar = form && document.querySelector(`[data-mc-save="${form.id}"]`);
  if (bar) {
    const count = changed(form);
    bar.toggleAttribute("data-changed", count > 0);
    bar.querySelector("[data-mc-save-words]").textContent = count ? say("unsaved") : "";
  }
  const name = form?.dataset.mcTypeName;
  if (name !== undefined && event.target.name === "confirm_name") {
    const button = document.querySelector(`[type=submit][form="${form.id}"]`);
    if (button) button.disabled = event.target.value.trim() !== name;
  }
});

for (const form of document.querySelectorAll("form[data-mc-type-name]")) {
  const button = document.querySelector(`[type=submit][form="${form.id}"]`);
  if (button) button.disabled = true;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.form ?? event.target.closest?.("form");
  if (!form || !form.matches("[data-mc-ctrl-enter], .mc-form")) return;
  event.preventDefault();
  form.requestSubmit();
});

// A choice that filters a list takes effect at once.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-mc-submit-on-change]")) event.target.form?.requestSubmit();
});

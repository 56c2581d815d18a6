export function mount(root) {
  const text = document.createElement("pre");
  root.append(text);
  return (state) => { text.textContent = JSON.stringify(state, null, 1); };
}

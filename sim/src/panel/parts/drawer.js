// The cash drawer, seen from the front: it slides out when it opens.

export function mount(root, api) {
  root.innerHTML = `
    <button type="button" class="cabinet">
      <span class="tray"><i></i><i></i><i></i><i></i><i></i></span><span class="front"><b></b></span>
    </button>
    <p class="words"></p>`;
  const cabinet = root.querySelector('.cabinet');
  cabinet.onclick = () => api.verb(root.classList.contains('open') ? 'close' : 'open');

  return (state) => {
    root.classList.toggle('open', state.open);
    cabinet.setAttribute('aria-label', state.open ? 'Push the drawer shut' : 'Open the drawer with the key');
    cabinet.title = cabinet.getAttribute('aria-label');
    const last = state.openings.at(-1);
    const by = last === undefined ? '' : ` The last time by ${last.cause === 'pulse' ? 'the printer' : 'hand'}.`;
    const times = state.openings_total === 1 ? 'once' : `${state.openings_total} times`;
    root.querySelector('.words').textContent =
      `${state.open ? 'Open' : 'Closed'}, pin 3 ${state.pin3}. Opened ${times}.${by}`;
  };
}

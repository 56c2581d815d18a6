// The cash drawer, seen from the front: it slides out when it opens.

export function mount(root, api) {
  root.innerHTML = `
    <div class="cabinet"><div class="tray"><i></i><i></i><i></i><i></i><i></i></div><div class="front"><b></b></div></div>
    <p class="words"></p>`;
  root.querySelector('.cabinet').onclick = () => api.verb(root.classList.contains('open') ? 'close' : 'open');

  return (state) => {
    root.classList.toggle('open', state.open);
    const last = state.openings.at(-1);
    const by = last === undefined ? '' : ` The last time by ${last.cause === 'pulse' ? 'the printer' : 'hand'}.`;
    const times = state.openings_total === 1 ? 'once' : `${state.openings_total} times`;
    root.querySelector('.words').textContent =
      `${state.open ? 'Open' : 'Closed'}, pin 3 ${state.pin3}. Opened ${times}.${by}`;
  };
}

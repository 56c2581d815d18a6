// The customer display: forty cells of a vacuum fluorescent tube.

const ROWS = 2;
const COLUMNS = 20;

export function mount(root) {
  root.innerHTML = '<div class="tube"><div class="glass"></div></div><div class="foot"></div><p class="words"></p>';
  const cells = Array.from({ length: ROWS * COLUMNS }, () => document.createElement('i'));
  root.querySelector('.glass').append(...cells);

  return (state) => {
    const { cursor } = state;
    root.dataset.brightness = state.brightness;
    root.classList.toggle('dark', state.faults.includes('unplug'));
    const text = state.lines.map((line) => [...line]).flat();
    cells.forEach((cell, index) => {
      cell.textContent = text[index];
      const here = index === (cursor.row - 1) * COLUMNS + cursor.column - 1;
      cell.classList.toggle('cursor', here && cursor.visible && !state.locked);
    });
    root.querySelector('.words').textContent = describe(state);
  };
}

function describe(state) {
  const parts = [state.dialect === 'epson' ? 'Epson commands.' : 'CD5220 commands.'];
  if (state.locked) parts.push('Shows whole lines; single characters are ignored until it is cleared.');
  if (!state.selected) parts.push('The printer has the line.');
  if (state.unknown > 0) parts.push(`${state.unknown} bytes made no sense.`);
  return parts.join(' ');
}

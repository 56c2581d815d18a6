// The scanner: a window whose red line reads what is held before it.

// Bar codes of the demo catalog; then what a shop also meets: a weighed loaf, a coupon, a code nobody knows.
const samples = [
  ['Still water', '2000000000015'],
  ['Sparkling water', '2000000000022'],
  ['Apple spritz', '2000000000039'],
  ['Ginger beer', '2000000000046'],
  ['Harbour lager', '2000000000053'],
  ['Chocolate bar', '2000000000114'],
  ['Popcorn', '2000000000121'],
  ['Loaf, 450 g', '2900001004503'],
  ['Coupon', 'WELCOME10'],
  ['Unknown', '4006381333931'],
];
const READINGS_SHOWN = 5;
const BEAM_MS = 450;

export function mount(root, api) {
  root.innerHTML = `
    <div class="gun"><div class="window"><i class="bars"></i><i class="beam"></i></div></div>
    <form class="entry">
      <input aria-label="Code" placeholder="code" spellcheck="false" autocomplete="off">
      <button>Scan</button>
    </form>
    <div class="samples"></div>
    <ol class="readings"></ol>`;
  const find = (selector) => root.querySelector(selector);
  const input = find('input');

  const scan = async (code) => {
    const answer = await api.verb('scan', code);
    if (answer.error !== undefined) return;
    root.classList.add('reading');
    setTimeout(() => root.classList.remove('reading'), BEAM_MS);
  };
  find('.entry').onsubmit = (event) => {
    event.preventDefault();
    if (input.value.trim() !== '') scan(input.value.trim());
  };
  find('.samples').append(...samples.map(([name, code]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.title = code;
    button.onclick = () => {
      input.value = code;
      scan(code);
    };
    return button;
  }));

  const update = (state) => {
    root.classList.toggle('waiting', !state.connected);
    const readings = state.scans.slice(-READINGS_SHOWN).reverse().map(({ code }) => {
      const line = document.createElement('li');
      const known = samples.find(([, sample]) => sample === code);
      const shown = code.replaceAll('\u001d', '␝');
      line.textContent = known === undefined ? shown : `${shown}  ${known[0]}`;
      return line;
    });
    find('.readings').replaceChildren(...readings);
  };
  update.draws = ['scan'];
  return update;
}

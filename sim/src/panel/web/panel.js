// The frame of the page: one card per device, switches from its list of verbs, live states from the event stream.
// What a device draws itself is a module of its own, /parts/<device>.js.

const cards = new Map();

// These need room; the others stand beside them.
const machines = ['printer', 'terminal'];

start();

async function start() {
  const response = await fetch('/api/devices');
  for (const device of await response.json()) {
    await addCard(device);
  }
  listen();
}

function listen() {
  const link = document.getElementById('link');
  const events = new EventSource('/api/events');
  let connectedBefore = false;
  events.onopen = async () => {
    link.textContent = 'live';
    link.classList.add('on');
    if (connectedBefore) {
      // Changes while the stream was down are not repeated: look at everything again.
      const devices = await (await fetch('/api/devices')).json();
      devices.forEach((device) => show(device.name, device.state));
    }
    connectedBefore = true;
  };
  events.onerror = () => {
    link.textContent = 'the devices are gone, waiting…';
    link.classList.remove('on');
  };
  events.onmessage = (message) => {
    const { name, state } = JSON.parse(message.data);
    show(name, state);
  };
}

async function addCard(device) {
  const card = element('section', `device device-${device.name}`);
  const badge = element('span', 'badge');
  const head = element('header');
  head.append(element('h2', '', device.title), badge);
  const part = element('div', `part ${device.name}`);
  card.append(head, part);
  document.getElementById(machines.includes(device.name) ? 'machines' : 'small').append(card);

  const api = {
    verb: (verb, ...args) => perform(device.name, verb, args),
    picture: (name) => `/api/devices/${device.name}/pictures/${encodeURIComponent(name)}`,
    show: openDialog,
  };
  const update = device.part ? await mountPart(device.name, part, api) : stateTable(part);
  const switches = verbList(device, api, update.draws ?? []);
  card.append(switches.root);
  cards.set(device.name, { badge, update, switches });
  show(device.name, device.state);
}

async function mountPart(name, root, api) {
  const style = element('link');
  style.rel = 'stylesheet';
  style.href = `/parts/${name}.css`;
  document.head.append(style);
  const { mount } = await import(`/parts/${name}.js`);
  return mount(root, api);
}

function show(name, state) {
  const { badge, update, switches } = cards.get(name);
  const faults = state.faults ?? [];
  if (faults.length > 0) {
    badge.textContent = faults.length === 1 ? faults[0].replaceAll('-', ' ') : `${faults.length} faults`;
    badge.className = 'badge bad';
  } else if (state.connected === undefined) {
    badge.textContent = 'ready';
    badge.className = 'badge';
  } else {
    badge.textContent = state.connected ? 'kiosk connected' : 'waiting for the kiosk';
    badge.className = state.connected ? 'badge good' : 'badge';
  }
  switches.update(faults, state.in_force ?? {});
  update(state);
}

function stateTable(root) {
  return (state) => {
    const table = element('table', 'state');
    for (const [key, value] of Object.entries(state)) {
      const row = table.insertRow();
      row.insertCell().textContent = key.replaceAll('_', ' ');
      row.insertCell().textContent = typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
    root.replaceChildren(table);
  };
}

const groups = [['action', 'Do'], ['fault', 'Break'], ['remedy', 'Mend']];

// Without the verbs that the device's own part draws as buttons.
function verbList(device, api, drawn) {
  const root = element('div', 'verbs');
  const chips = new Map();
  for (const [kind, title] of groups) {
    const verbs = device.verbs.filter((verb) => verb.kind === kind && !drawn.includes(verb.name));
    if (verbs.length === 0) continue;
    const list = element('div', 'chips');
    for (const verb of verbs) {
      const chip = verbChip(verb, api);
      chips.set(verb.name, chip);
      list.append(chip.root);
    }
    const group = element('div');
    group.append(element('h3', '', title), list);
    root.append(group);
  }
  root.append(helpLine(root));
  const update = (faults, inForce) => chips.forEach((chip, name) => chip.update(faults.includes(name), inForce[name]));
  return { root, update };
}

// What the verb under the pointer or the keyboard's focus does, in a sentence.
function helpLine(root) {
  const line = element('p', 'help');
  const explain = (event) => {
    const chip = event.target.closest('.chip');
    if (chip !== null) line.textContent = chip.dataset.help;
  };
  root.addEventListener('pointerover', explain);
  root.addEventListener('focusin', explain);
  root.addEventListener('pointerleave', () => { line.textContent = ''; });
  return line;
}

// The argument text is a small language: [optional], a|b alternatives, CAPITALS = to be filled in, off = switches off,
// N|always = how often, which is left to scripts: here everything happens once. What is in force is pressed, and shown
// as the arguments that brought it about.
function verbChip(verb, api) {
  const root = element('span', `chip ${verb.kind}`);
  root.dataset.help = verb.help;
  const words = verb.args.replace('N|always', '').replace(/[[\]]/g, '').split(/[|\s]/).filter((word) => word !== '');
  const blanks = words.filter((word) => word === word.toUpperCase());
  const choices = words.filter((word) => word !== word.toUpperCase() && (word !== 'off' || verb.kind !== 'fault'));
  // Without brackets around the first argument one of the alternatives has to be chosen.
  const mustChoose = choices.length > 0 && !verb.args.startsWith('[');
  const isSwitch = verb.kind === 'fault' && words.includes('off');
  const inputs = blanks.map((word) => {
    const input = element('input', blanks.length === 1 && verb.kind === 'action' ? 'wide' : '');
    input.placeholder = word.toLowerCase();
    input.setAttribute('aria-label', `${verb.name} ${word}`);
    return input;
  });
  const filled = () => inputs.map((input) => input.value.trim()).filter((text) => text !== '');
  const isOn = () => root.classList.contains('on');

  const name = verb.name.replaceAll('-', ' ');
  const main = mustChoose
    ? element('span', 'label', name)
    : button(name, () => (isSwitch && isOn() ? api.verb(verb.name, 'off') : api.verb(verb.name, ...filled())));
  const value = element('span', 'value');
  main.append(value);
  if (isSwitch && !mustChoose) main.setAttribute('aria-pressed', 'false');

  const buttons = choices.map((word) => {
    const choose = button(word, () => {
      const pressed = choose.getAttribute('aria-pressed') === 'true';
      return isSwitch && pressed ? api.verb(verb.name, 'off') : api.verb(verb.name, word, ...filled());
    });
    choose.className = 'choice';
    choose.setAttribute('aria-label', `${name} ${word}`);
    choose.setAttribute('aria-pressed', 'false');
    return choose;
  });
  inputs.forEach((input) => input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !mustChoose) api.verb(verb.name, ...filled());
  }));
  root.classList.toggle('must-choose', mustChoose);
  root.append(main, ...buttons, ...inputs);

  const update = (on, inForce = '') => {
    root.classList.toggle('on', on);
    if (main.hasAttribute('aria-pressed')) main.setAttribute('aria-pressed', String(on));
    const given = inForce.split(' ').filter((word) => word !== '');
    buttons.forEach((choose, index) => choose.setAttribute('aria-pressed', String(given.includes(choices[index]))));
    value.textContent = given.filter((word) => !choices.includes(word)).join(' ');
  };
  return { root, update };
}

async function perform(device, verb, args) {
  const response = await fetch(`/api/devices/${device}/verbs/${verb}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(args),
  });
  const answer = await response.json();
  if (answer.error !== undefined) {
    toast(answer.error);
  } else if (answer.ok !== null) {
    openDialog(element('pre', '', JSON.stringify(answer.ok, null, 2)));
  }
  return answer;
}

function openDialog(content) {
  const dialog = document.getElementById('dialog');
  dialog.querySelector('.content').replaceChildren(content);
  dialog.querySelector('.close').onclick = () => dialog.close();
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close();
  };
  if (!dialog.open) dialog.showModal();
}

let toastTimer = 0;

function toast(text) {
  const box = document.getElementById('toast');
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, 4000);
}

function button(text, onclick) {
  const made = element('button', '', text);
  made.type = 'button';
  made.onclick = onclick;
  return made;
}

function element(tag, className = '', text = '') {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

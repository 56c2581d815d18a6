// The frame of the page: one card per device, switches from its list of verbs, live states from the event stream.
// What a device draws itself is a module of its own, /parts/<device>.js.

const cards = new Map();

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
  document.getElementById('devices').append(card);

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
    badge.textContent = faults.length === 1 ? faults[0] : `${faults.length} faults`;
    badge.className = 'badge bad';
  } else if (state.connected === undefined) {
    badge.textContent = 'ready';
    badge.className = 'badge';
  } else {
    badge.textContent = state.connected ? 'kiosk connected' : 'waiting for the kiosk';
    badge.className = state.connected ? 'badge good' : 'badge';
  }
  switches.update(faults);
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
      list.append(chip);
    }
    const group = element('div');
    group.append(element('h3', '', title), list);
    root.append(group);
  }
  const update = (faults) => chips.forEach((chip, name) => chip.classList.toggle('on', faults.includes(name)));
  return { root, update };
}

// The argument text is a small language: [optional], a|b alternatives, CAPITALS = to be filled in, off = switches off,
// N|always = how often, which is left to scripts: here everything happens once.
function verbChip(verb, api) {
  const chip = element('span', `chip ${verb.kind}`);
  chip.title = verb.help;
  const words = verb.args.replace('N|always', '').replace(/[[\]]/g, '').split(/[|\s]/).filter((word) => word !== '');
  const blanks = words.filter((word) => word === word.toUpperCase());
  const inputs = blanks.map((word) => {
    const input = element('input', blanks.length === 1 && verb.kind === 'action' ? 'wide' : '');
    input.placeholder = word.toLowerCase();
    input.setAttribute('aria-label', `${verb.name} ${word}`);
    return input;
  });
  const main = button(verb.name.replaceAll('-', ' '), () => {
    if (chip.classList.contains('on') && words.includes('off')) {
      return api.verb(verb.name, 'off');
    }
    return api.verb(verb.name, ...inputs.map((input) => input.value.trim()).filter((text) => text !== ''));
  });
  inputs.forEach((input) => input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') main.click();
  }));
  chip.append(main);
  for (const word of words.filter((word) => word !== word.toUpperCase() && word !== 'off')) {
    chip.append(button(word, () => api.verb(verb.name, word)));
  }
  chip.append(...inputs);
  return chip;
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

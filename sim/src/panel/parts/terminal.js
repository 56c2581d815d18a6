// The card terminal: its display, its keys, the card in the customer's hand, and the ledger that knows the truth.

const LEDGER_ROWS = 6;
const PIN_DIGITS = 4;
const CARD_TRAVEL_MS = 700;

const cards = [
  ['girocard', 'girocard', 'Alder Bank'],
  ['mastercard', 'Mastercard', 'Rye & Sons'],
  ['visa', 'VISA', 'Harbour Bank'],
  ['amex', 'American Express', 'Blue'],
];

const phases = {
  off: 'Switched off.',
  idle: 'Waits for the kiosk to ask for money.',
  service: 'Talks to the kiosk.',
  starting: 'A payment begins.',
  card: 'Waits for the card.',
  pin: 'Waits for the PIN.',
  bank: 'Asks the bank.',
  result: 'Has told the kiosk the result and waits for its answer.',
  ending: 'Prints receipts and ends the payment.',
};

// While the bank has not been asked.
const stoppable = ['starting', 'card', 'pin'];

const waves = `
  <svg viewBox="0 0 48 48" aria-hidden="true">
    <path d="M14 17c3 4 3 10 0 14M21 13c5 6 5 16 0 22M28 9c7 9 7 21 0 30M35 5c9 11 9 27 0 38"/>
  </svg>`;

export function mount(root, api) {
  root.innerHTML = `
    <div class="counter">
      <div class="device-body">
        <button type="button" class="zone" title="Hold the card here">${waves}<i class="leds"><b></b><b></b><b></b><b></b></i></button>
        <div class="screen">
          <p class="amount"></p>
          <p class="text"></p>
          <p class="pin" aria-hidden="true"></p>
        </div>
        <div class="keys"></div>
        <button type="button" class="slot" title="Insert the card here"></button>
        <div class="card"><i class="chip"></i><span class="bank"></span><span class="brand"></span></div>
      </div>
      <div class="desk">
        <p class="now" role="status"></p>
        <div class="hands" role="group" aria-label="What the customer and the bank do"></div>
        <div class="choice" role="group" aria-label="Who presents the card"></div>
        <div class="choice wallet" role="group" aria-label="Card"></div>
        <p class="sum"></p>
        <table class="ledger">
          <thead><tr><th>No</th><th>What</th><th class="money">Amount</th><th>Ledger</th></tr></thead>
          <tbody></tbody>
        </table>
      </div>
    </div>`;
  const find = (selector) => root.querySelector(selector);
  const card = find('.card');
  let digits = 0;
  let phase = 'idle';
  let declining = false;

  const present = async (how) => {
    const answer = await api.verb('present-card', how);
    if (answer.error !== undefined) return;
    card.classList.add(how);
    setTimeout(() => card.classList.remove(how), CARD_TRAVEL_MS);
  };
  const typed = (change) => {
    digits = Math.max(0, Math.min(PIN_DIGITS, change));
    find('.pin').textContent = '●'.repeat(digits);
  };
  const enter = async () => {
    typed(PIN_DIGITS);
    await api.verb('pin-ok');
  };
  // Whatever the terminal waits for.
  const goOn = () => (phase === 'pin' ? enter() : present('hold'));
  const refuse = async () => {
    if (!declining) await api.verb('decline');
    await goOn();
  };

  find('.zone').onclick = () => present('hold');
  find('.slot').onclick = () => present('insert');
  const keys = drawKeys(find('.keys'), {
    digit: () => typed(digits + 1),
    stop: () => api.verb('stop'),
    correct: () => typed(0),
    confirm: enter,
  });
  // With a key of the terminal in focus, the keyboard is its keypad.
  find('.device-body').addEventListener('keydown', (event) => {
    if (phase !== 'pin') return;
    if (/^[0-9]$/.test(event.key)) typed(digits + 1);
    if (event.key === 'Backspace') typed(0);
  });

  const hands = {
    approve: hand('Approve', 'good', goOn),
    decline: hand('Decline', 'red', refuse),
    cancel: hand('Cancel', '', () => api.verb('stop')),
    insert: hand('Insert card', '', () => present('insert')),
  };
  hands.decline.title = 'The customer goes on, and the bank says no';
  hands.cancel.title = 'The customer presses the red key';
  find('.hands').append(...Object.values(hands));
  const modes = choice(find('.choice'), [['auto', 'Customer by itself'], ['manual', 'I am the customer']], (mode) => api.verb('mode', mode));
  const wallet = choice(find('.wallet'), cards.map(([word, name]) => [word, name]), (word) => api.verb('card', word));

  const update = (state) => {
    const { display } = state;
    phase = state.phase;
    declining = state.faults.includes('decline');
    root.dataset.tone = display.tone;
    root.dataset.phase = phase;
    find('.amount').textContent = display.amount ?? '';
    find('.text').replaceChildren(...display.lines.map((line) => Object.assign(document.createElement('span'), { textContent: line })));
    if (phase !== 'pin' && digits > 0) typed(0);
    card.dataset.kind = state.card;
    const [, name, bank] = cards.find(([word]) => word === state.card);
    find('.brand').textContent = name;
    find('.bank').textContent = bank;
    modes(state.mode);
    wallet(state.card);
    const waiting = phase === 'card' || phase === 'pin';
    hands.approve.disabled = !waiting;
    hands.approve.title = phase === 'pin' ? 'The right PIN is entered' : 'The card is held to the reader';
    hands.decline.disabled = !waiting;
    hands.insert.disabled = phase !== 'card';
    hands.cancel.disabled = !stoppable.includes(phase);
    find('.zone').disabled = phase !== 'card';
    find('.slot').disabled = phase !== 'card';
    keys.forEach((key) => { key.disabled = phase !== 'pin' && !(key.classList.contains('stop') && stoppable.includes(phase)); });
    find('.now').textContent = describe(state);
    showLedger(find('.sum'), find('tbody'), state.ledger);
  };
  update.draws = ['mode', 'present-card', 'pin-ok', 'stop', 'card'];
  return update;
}

function drawKeys(root, actions) {
  const digits = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'].map((digit) => key(digit, '', actions.digit));
  const keys = [
    ...digits,
    key('✕', 'stop', actions.stop, 'Stop'),
    key('‹', 'correct', actions.correct, 'Correct'),
    key('○', 'confirm', actions.confirm, 'Confirm the PIN'),
  ];
  root.append(...keys);
  return keys;
}

// What it is doing, for those who cannot see the leds.
function describe(state) {
  const alone = state.attended || ['idle', 'off'].includes(state.phase) ? '' : ' The kiosk has gone; it goes on alone.';
  return `${phases[state.phase]}${alone}`;
}

function key(text, className, onclick, label = text) {
  const made = hand(text, `key ${className}`, onclick);
  made.setAttribute('aria-label', label);
  return made;
}

function hand(text, className, onclick) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = className;
  made.textContent = text;
  made.onclick = onclick;
  return made;
}

// Buttons of which one is pressed; returns how to show which.
function choice(root, options, choose) {
  const buttons = options.map(([word, text]) => [word, hand(text, '', () => choose(word))]);
  root.append(...buttons.map(([, button]) => button));
  return (chosen) => buttons.forEach(([word, button]) => button.setAttribute('aria-pressed', String(word === chosen)));
}

function showLedger(sum, body, ledger) {
  const unanswered = ledger.unanswered_minor > 0 ? `, ${money(ledger.unanswered_minor)} not answered yet` : '';
  sum.textContent = ledger.transactions_total === 0
    ? 'No card has been charged yet.'
    : `${money(ledger.net_minor)} is in the shop’s account${unanswered}.`;
  const rows = ledger.transactions.slice(-LEDGER_ROWS).reverse().map((transaction) => {
    const row = document.createElement('tr');
    row.dataset.state = transaction.state;
    row.title = transaction.reversed_by === null ? '' : reversedBy(transaction.reversed_by);
    row.append(
      cell(transaction.receipt === null ? '–' : String(transaction.receipt.receipt).padStart(4, '0')),
      cell(transaction.kind),
      cell(money(transaction.amount_minor), 'money'),
      cell(transaction.state, 'state'),
    );
    return row;
  });
  body.replaceChildren(...rows);
}

function reversedBy(who) {
  return who === 'terminal' ? 'Taken back by the terminal itself' : `Reversed by receipt ${String(who.till).padStart(4, '0')}`;
}

function cell(text, className = '') {
  const made = document.createElement('td');
  made.className = className;
  made.textContent = text;
  return made;
}

function money(minor) {
  return (minor / 100).toFixed(2);
}

// The printer: paper rising out of its slot while it prints, lamps, and the receipts that were cut.

const RECEIPTS_SHOWN = 8;

export function mount(root, api) {
  root.innerHTML = `
    <div class="bench">
      <div class="machine">
        <div class="sky"><div class="sheet"><img class="paper" alt="Paper in the printer"></div></div>
        <div class="body">
          <div class="slot"></div>
          <div class="face">
            <span class="maker"></span>
            <span class="lamps">
              <i class="lamp power" title="Power"></i><i class="lamp paper-lamp" title="Paper"></i><i class="lamp error" title="Error"></i>
            </span>
          </div>
        </div>
        <p class="words"></p>
      </div>
      <div class="shelf">
        <div class="view">
          <div class="last"><p class="empty">Cut receipts appear here.</p></div>
          <button type="button" class="further" title="Further down" hidden></button>
        </div>
        <div class="older"></div>
      </div>
    </div>`;
  const find = (selector) => root.querySelector(selector);
  let shown = 0;
  let rows = -1;
  const last = find('.last');
  // A receipt that is longer than its place says so, where it is cut off.
  const showCut = () => {
    const below = last.scrollHeight - last.clientHeight - last.scrollTop;
    find('.view').classList.toggle('cut-above', last.scrollTop > 1);
    find('.further').hidden = below <= 1;
  };
  last.addEventListener('scroll', showCut, { passive: true });
  // Once the picture is there, and whenever there is more or less room.
  last.addEventListener('load', showCut, { capture: true });
  new ResizeObserver(showCut).observe(last);
  find('.further').onclick = () => last.scrollBy({ top: last.clientHeight * 0.8, behavior: 'smooth' });

  return (state) => {
    find('.maker').textContent = state.model;
    find('.power').classList.toggle('lit', state.powered);
    find('.paper-lamp').classList.toggle('lit', state.paper !== 'ok');
    find('.error').classList.toggle('lit', !state.online);
    root.classList.toggle('cover-open', state.cover === 'open');
    find('.words').textContent = describe(state);
    if (state.current.rows !== rows) {
      rows = state.current.rows;
      find('.paper').src = `${api.picture('current.png')}?rows=${rows}&cut=${state.receipts_total}`;
    }
    if (state.receipts_total !== shown) {
      shown = state.receipts_total;
      showReceipts(state.receipts.slice(-RECEIPTS_SHOWN).reverse());
    }
  };

  function showReceipts([newest, ...older]) {
    last.replaceChildren(receipt(newest));
    // From its beginning, wherever the one before was left.
    last.scrollTop = 0;
    find('.older').replaceChildren(...older.map(receipt));
  }

  function receipt({ number, image, end }) {
    const figure = document.createElement('figure');
    const enlarge = document.createElement('button');
    enlarge.type = 'button';
    enlarge.title = 'Enlarge';
    const picture = document.createElement('img');
    picture.src = api.picture(image);
    picture.alt = `Receipt ${number}`;
    const caption = document.createElement('figcaption');
    caption.textContent = end === 'torn' ? `${number}, torn off` : `${number}`;
    enlarge.append(picture);
    figure.append(enlarge, caption);
    enlarge.onclick = () => api.show(picture.cloneNode());
    return figure;
  }
}

function describe(state) {
  const parts = [];
  if (!state.powered) parts.push('Switched off.');
  if (state.paper === 'out') parts.push('Out of paper.');
  if (state.paper === 'near') parts.push('Paper nearly out.');
  if (state.cover === 'open') parts.push('The cover is open.');
  if (state.error === 'cutter') parts.push('The cutter is jammed.');
  if (state.error === 'head-hot') parts.push('The head is too hot.');
  if (state.error === 'unrecoverable') parts.push('Broken: switch it off and on.');
  if (parts.length === 0) parts.push(state.online ? 'Ready.' : 'Off line.');
  if (state.buffer.used > 0) parts.push(`${state.buffer.used} bytes are waiting.`);
  return parts.join(' ');
}

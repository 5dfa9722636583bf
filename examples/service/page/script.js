'use strict';

// Shows the progress of the imports as /events tells it. All text is set as text: nothing of it is taken for HTML.

const most = 200; // failures that are listed
const cards = new Map(); // by id of the import
const list = document.getElementById('imports');
const connection = document.getElementById('connection');

function percent(n, total) {
  return `${(100 * n) / Math.max(total, 1)}%`;
}

function cardOf(id) {
  let card = cards.get(id);
  if (!card) {
    card = document.getElementById('import').content.firstElementChild.cloneNode(true);
    card.querySelector('details').addEventListener('toggle', () => showFailures(card, id));
    list.prepend(card); // the newest first: they come in the order in which they were posted
    cards.set(id, card);
  }
  return card;
}

function show(p) {
  const card = cardOf(p.id);
  const set = (selector, text) => { card.querySelector(selector).textContent = text; };
  const state = document.createElement('span');
  state.className = 'state';
  state.textContent = p.state;
  card.className = p.state;
  card.querySelector('h2').replaceChildren(p.id, state);
  const time = (text) => new Date(text).toLocaleString();
  set('.where', `store ${p.store}, posted ${time(p.created)}${p.ended ? `, ended ${time(p.ended)}` : ''}`);
  card.querySelector('.in').style.width = percent(p.imported, p.total);
  card.querySelector('.bad').style.width = percent(p.failed, p.total);
  card.querySelector('.run').style.width = percent(p.running, p.total);
  const bar = card.querySelector('.bar');
  bar.setAttribute('aria-valuemax', p.total);
  bar.setAttribute('aria-valuenow', p.imported + p.failed);
  const counts = [`${p.imported} of ${p.total} in the store`];
  if (p.running > 0) counts.push(`${p.running} running`);
  if (p.failed > 0) counts.push(`${p.failed} failed`);
  set('.counts', counts.join(', '));
  const details = card.querySelector('details');
  details.hidden = p.failed === 0;
  set('summary', `${p.failed} not imported, and why`);
  if (details.open && p.failed > 0) showFailures(card, p.id);
}

async function showFailures(card, id) {
  const details = card.querySelector('details');
  if (!details.open) return;
  const answer = await fetch(`imports/${id}/failures`);
  if (!answer.ok) return;
  const failures = await answer.json();
  const lines = failures.slice(0, most).map((f) => {
    const line = document.createElement('li');
    line.textContent = `Source ${f.index}: ${f.reason}${f.job ? ` (job ${f.job})` : ''}`;
    return line;
  });
  if (failures.length > most) {
    const line = document.createElement('li');
    line.textContent = `and ${failures.length - most} more: imports/${id}/failures has them all`;
    lines.push(line);
  }
  details.querySelector('ol').replaceChildren(...lines);
}

const events = new EventSource('events');
events.onopen = () => {
  connection.textContent = 'live';
  document.getElementById('none').hidden = cards.size > 0;
};
events.onerror = () => { connection.textContent = 'not connected: what is shown is old'; };
events.onmessage = (event) => {
  document.getElementById('none').hidden = true;
  show(JSON.parse(event.data));
};

'use strict';
// The live page: three kinds of messages come, each a whole ("run", "now", "history": tools/live/live_state.h); what is
// shown is always the latest of each. Text from the run is put as text, never as HTML.

const $ = id => document.getElementById(id);
const state = {run: null, now: null, history: null, socket: null, connected: false, tries: 0, drawing: false};

// ---- small helpers -------------------------------------------------------------------------------------------------

const SVG = 'http://www.w3.org/2000/svg';
function svg(parent, name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}

function element(parent, name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return parent.appendChild(node);
}

// As many children as items: old ones are used again, so that pictures do not flicker.
function children(parent, items, make, fill) {
  while (parent.children.length > items.length) parent.lastChild.remove();
  while (parent.children.length < items.length) make(parent);
  items.forEach((item, i) => fill(parent.children[i], item));
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const whole = n => Math.round(n).toLocaleString('en');
const number = x => x === null || x === undefined ? '–' : Math.abs(x) >= 1000 ? whole(x) : String(Number(x.toPrecision(3)));
const seconds = x => x < 1 ? `${Math.round(x * 1000)} ms` : x < 120 ? `${number(x)} s` : `${number(x / 60)} min`;
const layerName = layer => layer < 0 ? 'all layers' : `layer ${layer}`;
const colour = layer => (layer < 0 ? 6 : layer) % 8;
const marginsOf = layer => state.run.run.layers[layer < 0 ? state.run.run.layers.length - 1 : layer].margins;

// Bytes of [height][width][channels] as base64; null where there is no picture.
function paint(canvas, picture) {
  if (canvas.picture === picture) return;
  canvas.picture = picture;
  const [height, width, channels] = state.run.run.view;
  canvas.width = width;
  canvas.height = height;
  if (picture === null) return;
  const bytes = atob(picture), image = new ImageData(width, height);
  for (let i = 0; i < width * height; ++i) {
    for (let c = 0; c < 3; ++c) image.data[4 * i + c] = bytes.charCodeAt(channels * i + Math.min(c, channels - 1));
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d').putImageData(image, 0, 0);
}

// An empty drawing as wide as its place, in pixels of the screen, so that text keeps its size.
function drawing(id, height) {
  const node = $(id), width = Math.max(240, node.clientWidth);
  node.replaceChildren();
  node.setAttribute('viewBox', `0 0 ${width} ${height}`);
  node.style.height = `${height}px`;
  return {node, width, height};
}

function legend(node, entries) {
  const key = JSON.stringify(entries.map(entry => entry.text));
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren();
  for (const {text, draw} of entries) {
    const item = element(node, 'span');
    draw(svg(item, 'svg', {viewBox: '0 0 14 10', 'aria-hidden': 'true'}));
    item.append(text);
  }
}

const dot = (className, x = 7, y = 5, r = 4) => node => svg(node, 'circle', {cx: x, cy: y, r, class: className});
const square = (className, x = 7, y = 5, r = 3.6) =>
  node => svg(node, 'rect', {x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: className});
const stroke = className => node => svg(node, 'path', {d: 'M0 5H14', class: `line ${className}`});

// Steps of 1, 2 or 5 that divide 0 .. top into three to six.
function ticks(top) {
  const size = 10 ** Math.floor(Math.log10(top / 3));
  const step = [1, 2, 5, 10].map(n => n * size).find(n => top / n <= 6);
  const values = [];
  for (let i = 0; i * step <= top * 1.0001; ++i) values.push(Number((i * step).toPrecision(3)));
  return values;
}

// ---- what is shown -------------------------------------------------------------------------------------------------

function showState() {
  const {run, now, connected} = state;
  let kind = 'lost', text = state.tries > 0 ? 'connection lost; trying again' : 'connecting';
  if (state.refused) text = state.refused;
  else if (run && run.phase === 'ended') {
    kind = 'ended';
    text = run.end.interrupted ? 'interrupted' : 'the run has ended';
  } else if (!connected && !state.tries) kind = 'connecting';
  else if (connected && run && run.phase !== 'learning') [kind, text] = ['busy', run.phase];
  else if (connected && now && now.paused) [kind, text] = ['paused', 'paused'];
  else if (connected && run) [kind, text] = ['learning', 'learning'];
  else if (connected) [kind, text] = ['connecting', 'waiting for the run'];
  $('state').dataset.state = kind;
  set($('state-text'), text);
  const controllable = connected && run && run.phase !== 'ended' && now;
  for (const id of ['pause', 'step', 'speed']) $(id).disabled = !controllable;
  set($('pause'), now && now.paused ? 'Resume' : 'Pause');
  if (now && document.activeElement !== $('speed')) {
    const value = now.speed === 0 ? 'max' : String(now.speed);
    if (![...$('speed').options].some(option => option.value === value))
      element($('speed'), 'option', '', `${value} views/s`).value = value;
    $('speed').value = value;
  }
}

function showRun() {
  const {run: {run, end, phase}} = state;
  set($('what'), `${run.command}: ${run.data}, ${run.network || `${run.layers.length} layers`}, ${run.schedule}, ` +
    `${run.rule}, ${run.negatives} negatives, seed ${run.seed}`);
  $('end').hidden = phase !== 'ended';
  if (end)
    set($('end'), `${whole(end.events)} views in ${seconds(end.seconds)} of learning (${whole(end.rate)} views/s), ` +
      `${whole(end.updates)} updates, loss ${number(end.loss)}. Fingerprint ${end.fingerprint}.` +
      (end.diverged ? ' The run has diverged: a distance or a loss was no finite number.' : '') +
      (end.collapse ? ` ${end.collapse}.` : '') +
      (end.interrupted ? ' A checkpoint is in its folder: saccade ' + run.command + ' --resume goes on.' : ''));
  showProbes();
}

function showNow() {
  const {now, run: {run}} = state;
  set($('events'), run.length ? `${whole(now.events)} / ${whole(run.length)}` : whole(now.events));
  set($('rate'), now.paused || state.run.phase !== 'learning' ? '–' : number(now.rate));
  set($('time'), now.time === undefined ? '–' : seconds(now.time));
  if (!now.view) set($('view-text'), 'no view yet');
  const done = run.length ? 100 * now.events / run.length : 0;
  $('progress').firstElementChild.style.width = `${done}%`;
  $('progress').setAttribute('aria-valuenow', done.toFixed(1));
  const shared = now.layers.filter(each => each.loss !== null);
  set($('loss'), shared.length ? number(shared.reduce((sum, each) => sum + each.loss, 0) / shared.length) : '–');
  if (!now.view) return;
  showView();
  showMemory();
  showPast();
  showMargins();
}

function showView() {
  const {now} = state;
  const view = now.view, present = $('view').closest('figure');
  paint($('view'), view.picture);
  present.dataset.role = view.role;
  const learned = now.comparisons.some(each => each.terms.some(term => term.active));
  const meaning = {
    anchor: 'first of its object: remembered as an anchor',
    learner: `${learned ? 'compared and learned from' : 'compared, nothing to change'}, ${view.layers.map(layerName).join(', ')}`,
    idle: 'nothing to compare it with'
  };
  set($('view-text'), `view ${whole(view.event)}, object ${whole(view.fixation)}: ${meaning[view.role]}`);
  set($('comparison-title'), view.role === 'anchor' ? 'An anchor is compared with nothing' :
    view.role === 'idle' ? 'Nothing to compare with' : 'Compared with remembered anchors');

  const pictures = new Map(now.memory.map(each => [each.slot, each.picture]));
  children($('comparisons'), now.comparisons, makePicture, (figure, each) => {
    const active = each.terms.some(term => term.active);
    figure.className = `${each.positive ? 'positive' : 'negative'}${active ? ' active' : ''}`;
    paint(figure.children[0], pictures.get(each.slot) ?? null);
    figure.children[1].firstChild.style.width = `${100 * Math.min(1, each.strength)}%`;
    const [title, distances, age] = figure.children[2].children;
    set(title, each.positive ? 'the same' : 'another');
    set(distances, each.terms.map(term => {
      const [m1, m2] = marginsOf(term.layer);
      return `${number(term.distance)} ${each.positive ? (term.active ? '>' : '≤') : term.active ? '<' : '≥'} ` +
        `${number(each.positive ? m1 : m2)}`;
    }).join(', '));
    set(age, `${seconds(each.age)} old`);
  });
}

function showMemory() {
  const {now} = state;
  set($('held'), `${whole(now.held)} ${now.held === 1 ? 'anchor' : 'anchors'}` +
    (now.held > now.memory.length ? `, the youngest ${now.memory.length} are shown` : ''));
  children($('memory'), [...now.memory].reverse(), makePicture, (figure, each) => {
    paint(figure.children[0], each.picture);
    figure.children[1].firstChild.style.width = `${100 * Math.min(1, each.strength)}%`;
    const [title, text] = figure.children[2].children;
    set(title, seconds(each.age));
    set(text, each.picture === null ? 'from before this page' : `strength ${number(each.strength)}`);
  });
}

function makePicture(parent) {
  const figure = element(parent, 'figure');
  element(figure, 'canvas');
  element(element(figure, 'span', 'strength'), 'span');
  const caption = element(figure, 'figcaption');
  element(caption, 'b');
  element(caption, 'span');
  element(caption, 'span');
}

const shownLayers = () => state.run.run.schedule === 'e2e' ? [-1] : state.run.run.layers.map((_, i) => i);

// The latest views from left to right, each in the row of the layers that were drawn.
function showPast() {
  legend($('past-legend'), [
    {text: 'anchor (remembered)', draw: square('anchor-fill')}, {text: 'learned', draw: dot('positive-fill')},
    {text: 'compared, nothing to change', draw: dot('hollow positive-stroke')}, {text: 'idle', draw: dot('idle-fill', 7, 5, 2)}
  ]);
  const layers = [...shownLayers()].reverse(), row = 18, left = 66;
  const {node, width, height} = drawing('past', row * (layers.length + 1) + 26);
  const most = Math.min(60, Math.floor((width - left - 8) / 10)), past = state.now.past.slice(-most);
  const slot = (width - left - 8) / most, offset = most - past.length;
  const x = i => left + slot * (i + offset + 0.5), y = layer => row * (layers.indexOf(layer) + 0.5) + 3;
  const bottom = row * (layers.length + 0.5) + 3;
  past.forEach(([, fixation], i) => {
    if (fixation % 2) svg(node, 'rect', {x: x(i) - slot / 2, y: 0, width: slot + 0.1, height: height - 22, class: 'band', opacity: 0.45});
  });
  for (const layer of layers) {
    svg(node, 'path', {d: `M${left} ${y(layer)}H${width - 8}`, class: 'grid'});
    svg(node, 'text', {x: left - 8, y: y(layer) + 4, class: 'right'}, layerName(layer));
  }
  svg(node, 'text', {x: left - 8, y: bottom + 4, class: 'right'}, 'memory');
  const r = Math.min(5, slot * 0.42);
  past.forEach(([, , role, drawn, active], i) => {
    if (role === 'anchor') square('anchor-fill', x(i), bottom, r)(node);
    else if (role === 'idle') dot('idle-fill', x(i), bottom, r / 2)(node);
    else for (const layer of drawn) dot(active ? 'positive-fill' : 'hollow positive-stroke', x(i), y(layer), r)(node);
  });
  if (!past.length) return;
  svg(node, 'text', {x: width - 8, y: height - 4, class: 'right'}, `view ${whole(past.at(-1)[0])}`);
  if (past.length > most / 3) svg(node, 'text', {x: x(0) - slot / 2, y: height - 4}, whole(past[0][0]));
}

// A row per layer, each with its own scale: mean distances beside the margins.
function showMargins() {
  legend($('margins-legend'), [
    {text: 'same object', draw: dot('positive-fill')}, {text: 'other objects', draw: square('negative-fill')},
    {text: 'between the margins m1 and m2', draw: node => svg(node, 'rect', {x: 0, y: 0, width: 14, height: 10, class: 'band'})}
  ]);
  const layers = [...shownLayers()].reverse(), row = 50, left = 66;
  const {node, width} = drawing('margins', row * layers.length + 4);
  layers.forEach((layer, i) => {
    const [m1, m2] = marginsOf(layer), mean = state.now.layers.find(each => each.layer === layer);
    const top = 1.25 * Math.max(m2, m1, mean?.positive ?? 0, mean?.negative ?? 0) || 1;
    const x = value => left + (width - left - 30) * value / top, y = row * i + 18;
    svg(node, 'text', {x: left - 8, y: y + 4, class: 'right'}, layerName(layer));
    svg(node, 'rect', {x: x(m1), y: y - 11, width: Math.max(1, x(m2) - x(m1)), height: 22, class: 'band'});
    svg(node, 'path', {d: `M${left} ${y}H${width - 30}`, class: 'grid'});
    svg(node, 'text', {x: x(m1), y: y + 22, class: 'middle'}, number(m1));
    svg(node, 'text', {x: x(m2), y: y + 22, class: 'middle'}, number(m2));
    if (mean && mean.negative !== null) square('negative-fill', x(mean.negative), y, 5)(node);
    if (mean && mean.positive !== null) dot('positive-fill', x(mean.positive), y, 5.5)(node);
  });
}

// Axes of a plot with room for its lines; returns where values lie.
function axes(node, box, top, format) {
  const y = value => box.bottom - (box.bottom - box.top) * value / top;
  for (const tick of ticks(top)) {
    svg(node, 'path', {d: `M${box.left} ${y(tick)}H${box.right}`, class: 'grid'});
    svg(node, 'text', {x: box.left - 6, y: y(tick) + 4, class: 'right'}, format(tick));
  }
  return y;
}

function showCurve(id, quantity, least, format) {
  const {node, width, height} = drawing(id, 190), history = state.history;
  const box = {left: 46, right: width - 10, top: 8, bottom: height - 24};
  const values = history ? history.layers.flatMap(row => row[quantity]).filter(value => value !== null) : [];
  const y = axes(node, box, Math.max(least, 1.05 * Math.max(0, ...values)), format);
  if (!history || !history.layers.length) return;
  const count = Math.max(...history.layers.map(row => row.loss.length));
  const last = Math.max(state.now ? state.now.events : 0, history.first + 1);
  const x = event => box.left + (box.right - box.left) * (event - history.first) / Math.max(1, last - history.first);
  for (const row of history.layers) {
    let path = '';
    row[quantity].forEach((value, i) => {
      if (value === null) return;  // no view of this layer came: the line goes on
      const begin = history.first + i * history.width, end = Math.min(last, begin + history.width);
      path += `${path ? 'L' : 'M'}${x((begin + end) / 2).toFixed(1)} ${y(value).toFixed(1)}`;
    });
    if (path) svg(node, 'path', {d: path, class: `line s${colour(row.layer)}`});
  }
  svg(node, 'text', {x: box.left, y: height - 6}, whole(history.first));
  svg(node, 'text', {x: box.right, y: height - 6, class: 'right'}, `${whole(last)} views`);
  node.dataset.points = count;
}

function showHistory() {
  for (const node of document.querySelectorAll('.layers-legend'))
    legend(node, shownLayers().map(layer => ({text: layerName(layer), draw: stroke(`s${colour(layer)}`)})));
  showCurve('loss-plot', 'loss', 0.01, number);
  showCurve('active-plot', 'active', 1, value => `${Math.round(100 * value)} %`);
}

// Accuracies over the run, a line per layer from the untrained network on, with the latest number at its end.
function showProbes() {
  const {run: {probes}} = state;
  const kinds = ['plain', 'deformed'].filter(kind => probes && ['learned', 'untrained', 'pixels'].some(of => probes[of][kind]));
  const {node, width, height} = drawing('probe', kinds.length ? 220 : 0);
  if (!kinds.length) return;
  const past = [{event: 0, ...probes.untrained}, ...probes.past];
  const layers = [...new Set(past.flatMap(each => kinds.flatMap(kind => (each[kind] ?? []).map(pair => pair[0]))))];
  legend($('probe-legend'), [
    ...layers.map(layer => ({text: layerName(layer), draw: stroke(`s${colour(layer)}`)})),
    {text: 'pixels', draw: node => svg(node, 'path', {d: 'M0 5H14', class: 'axis', 'stroke-dasharray': '3 2'})}
  ]);
  const panel = width / kinds.length, last = Math.max(1, past.at(-1).event);
  kinds.forEach((kind, k) => {
    const box = {left: k * panel + 42, right: (k + 1) * panel - 54, top: 26, bottom: height - 24};
    svg(node, 'text', {x: box.left, y: 12, class: 'strong'}, `${kind} test images`);
    const pixels = (probes.pixels[kind] ?? []).map(pair => pair[1]);
    const all = [...pixels, ...past.flatMap(each => (each[kind] ?? []).map(pair => pair[1]))];
    const low = Math.max(0, Math.floor(20 * Math.min(...all) - 0.4) / 20), high = Math.min(1, Math.ceil(20 * Math.max(...all) + 0.4) / 20);
    const y = value => box.bottom - (box.bottom - box.top) * (value - low) / (high - low);
    const x = event => box.left + (box.right - box.left) * event / last;
    for (let tick = low; tick < high + 0.001; tick += high - low > 0.3 ? 0.1 : 0.05) {
      svg(node, 'path', {d: `M${box.left} ${y(tick)}H${box.right}`, class: 'grid'});
      svg(node, 'text', {x: box.left - 6, y: y(tick) + 4, class: 'right'}, `${Math.round(100 * tick)} %`);
    }
    svg(node, 'text', {x: box.left, y: height - 6}, '0');
    svg(node, 'text', {x: box.right, y: height - 6, class: 'right'}, `${whole(last)} views`);
    for (const value of pixels)
      svg(node, 'path', {d: `M${box.left} ${y(value)}H${box.right}`, class: 'axis', 'stroke-dasharray': '5 4'});
    const ends = [];
    for (const layer of layers) {
      const points = past.flatMap(each => (each[kind] ?? []).filter(pair => pair[0] === layer).map(pair => [each.event, pair[1]]));
      if (!points.length) continue;
      svg(node, 'path', {d: 'M' + points.map(([event, value]) => `${x(event).toFixed(1)} ${y(value).toFixed(1)}`).join('L'), class: `line s${colour(layer)}`});
      for (const [event, value] of points.length < 40 ? points : points.slice(-1)) {
        const mark = svg(node, 'circle', {cx: x(event), cy: y(value), r: 3, class: `f${colour(layer)}`});
        svg(mark, 'title', {}, `${layerName(layer)}, ${event ? `after ${whole(event)} views` : 'untrained'}: ${(100 * value).toFixed(1)} %`);
      }
      ends.push({layer, x: x(points.at(-1)[0]), y: y(points.at(-1)[1]), value: points.at(-1)[1]});
    }
    // Numbers at the ends, apart from each other: up from the lowest as far as they have to, then down from the top.
    ends.sort((a, b) => b.y - a.y).forEach((end, i) => { end.y = i ? Math.min(end.y, ends[i - 1].y - 12) : end.y; });
    ends.reverse().forEach((end, i) => { end.y = Math.max(end.y, i ? ends[i - 1].y + 12 : 12); });
    for (const end of ends)
      svg(node, 'text', {x: end.x + 8, y: end.y + 4, class: `latest t${colour(end.layer)}`}, `${(100 * end.value).toFixed(1)} %`);
  });
  node.dataset.points = past.length;
  const when = probes.past.length ? `The latest after ${whole(probes.event)} views; at 0 the untrained network. ` : 'Before learning. ';
  set($('probe-note'), `${when}Linear probe of each layer: ${(probes.learned.protocol ?? probes.untrained.protocol ?? probes.pixels.protocol)}`);
}

function show() {
  state.drawing = false;
  showState();
  if (state.run && state.changed.run) showRun();
  if (state.run && state.now && state.changed.now) showNow();
  if (state.run && (state.changed.history || state.changed.run)) showHistory();
  state.changed = {};
}
state.changed = {};

function changed(kind) {
  state.changed[kind] = true;
  if (state.drawing) return;
  state.drawing = true;
  requestAnimationFrame(show);
}

// ---- connection and commands ---------------------------------------------------------------------------------------

function connect() {
  const socket = state.socket = new WebSocket(`ws://${location.host}/live`);
  let heard = false;
  socket.onopen = () => {
    socket.send(`token ${sessionStorage.getItem('token') ?? ''}`);  // where none is asked for, it is not looked at
    state.connected = true;
    changed('state');
  };
  socket.onmessage = event => {
    const message = JSON.parse(event.data);
    if (!heard) state.now = state.history = null; // perhaps of another run
    heard = true;
    state.tries = 0;
    state.refused = '';
    $('token-form').hidden = true;
    state[message.kind] = message;
    changed(message.kind);
  };
  socket.onclose = event => {
    state.connected = false;
    const noToken = event.code === 1008 && /token/.test(event.reason);
    if (noToken) {
      const told = sessionStorage.getItem('token');
      sessionStorage.removeItem('token');
      state.refused = told ? 'this is not the token' : 'a token is needed';
      $('token-form').hidden = false;
      $('token').focus();
      changed('state');
      return;
    }
    ++state.tries;
    changed('state');
    setTimeout(connect, Math.min(5000, 500 * 2 ** Math.min(state.tries, 5)));
  };
}

function command(text) {
  if (state.socket && state.socket.readyState === WebSocket.OPEN) state.socket.send(text);
}
const togglePause = () => command(state.now && state.now.paused ? 'resume' : 'pause');

$('pause').onclick = togglePause;
$('step').onclick = () => command('step');
$('speed').onchange = event => {
  command(`speed ${event.target.value}`);
  event.target.blur();
};
document.addEventListener('keydown', event => {
  if (event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey || $('pause').disabled) return;
  if (event.key === ' ') togglePause();
  else if (event.key === 's' || event.key === 'ArrowRight') command('step');
  else return;
  event.preventDefault();
});
$('token-form').onsubmit = event => {
  event.preventDefault();
  sessionStorage.setItem('token', $('token').value.trim());
  $('token').value = '';
  connect();
};
addEventListener('resize', () => ['run', 'now', 'history'].forEach(changed));
// A link may bring the token behind a #, which no browser sends.
if (location.hash.length > 1) {
  sessionStorage.setItem('token', decodeURIComponent(location.hash.slice(1)));
  history.replaceState(null, '', location.pathname);
}
connect();

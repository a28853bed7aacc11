// Buys tickets as a guest and as a customer, and meets refusals; `tsc --strict` checks it against the client.
import { connect } from 'cloudbash-client';
import type { AddItemError, Buyer, Cloudbash } from 'cloudbash-client';

const [baseUrl, name, customer, organiser] = process.argv.slice(2);
const buyer: Buyer = { name: 'Maria Silva', email: 'maria@example.org' };

function said(problem: AddItemError): string {
  switch (problem.code) {
    case 'sold_out':
      return `sold_out ${problem.available}`;
    case 'customer_limit_exceeded':
      return `limit ${problem.limit}`;
    case 'invalid_input':
      return `invalid ${problem.errors?.[0].pointer}`;
    default:
      return `refused ${problem.code}`;
  }
}

async function buy(shop: Cloudbash, who: string, ticketTypeId: string): Promise<void> {
  const cart = await shop.createCart();
  const path = { cart_id: cart.data.id };
  for (const quantity of [9, 0]) {
    const { error } = await shop.addItem({ path, body: { ticket_type_id: ticketTypeId, quantity }, throwOnError: false });
    if (error) console.log(said(error));
  }
  const two = { path, body: { ticket_type_id: ticketTypeId, quantity: 2 }, headers: { 'Idempotency-Key': 'two' } };
  await shop.addItem(two);
  const again = await shop.addItem(two);
  const headers = { 'Min-Version': `${cart.data.id}:${again.data.version}` };
  const seen = await shop.getCart({ path, headers });
  const held = seen.data.items.reduce((sum, item) => sum + item.quantity, 0);
  console.log(who, 'holds', held, seen.data.status);
  const placed = await shop.checkOut({ path, body: { buyer } });
  const order = { order_id: placed.data.order_id };
  const card = { provider: 'sandbox', token: 'tok_declined' };
  const declined = await shop.payOrder({ path: order, body: card, throwOnError: false });
  if (declined.error?.code === 'payment_declined') console.log(who, 'declined', declined.error.status, declined.error.payment_id !== '');
  const paid = await shop.payOrder({ path: order, body: { provider: 'sandbox', token: 'tok_visa' } });
  const since = { 'Min-Version': `${order.order_id}:${paid.data.version}` };
  const shown = await shop.getOrder({ path: order, headers: since });
  const tickets = await shop.listTickets({ path: order, headers: since });
  const statuses = [...new Set(tickets.data.items.map((ticket) => ticket.status))];
  console.log(who, 'has', shown.data.status, tickets.data.items.length, statuses.join());
  if (!tickets.data.items.every((ticket) => ticket.code)) throw new Error('a ticket has no code');
}

const visitor = connect(baseUrl);
const guest = await visitor.createGuest();
const found = await visitor.searchConcerts({ query: { q: name } });
const [concert] = found.data.items;
const [floor] = concert.ticket_types;
console.log('found', concert.name, floor.price.amount, floor.price.currency);
const refused = await visitor.createCart({ throwOnError: false });
if (refused.error?.code === 'unauthenticated') console.log('refused', refused.error.status, refused.error.code);
await buy(connect(baseUrl, guest.data.token), 'guest', floor.id);
await buy(connect(baseUrl, customer), 'customer', floor.id);
const csv = { path: { concert_id: concert.id }, query: { format: 'csv' }, parseAs: 'text' } as const;
const file: unknown = (await connect(baseUrl, organiser).listConcertOrders(csv)).data;
if (typeof file === 'string') console.log('csv', file.split(',')[0]);

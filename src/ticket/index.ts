/** Tickets for long-lived connections of clients that cannot set header fields, and their end when the access token expires. @module dpop-guard/ticket */

export { onExpiry } from './on-expiry.js'
export { createTickets, type TicketIdentity, type TicketOptions, type Tickets } from './tickets.js'

/** The work of an application: it has the event loop to itself for a while. */

/** Returns after that many microseconds. */
export function workFor(microseconds) {
  if (microseconds === 0) return
  const end = performance.now() + microseconds / 1000
  while (performance.now() < end);
}

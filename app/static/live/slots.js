/*
 * Over HTTP/1.1 a browser opens six connections to one server, for all tabs together. Agents keep more
 * tickets open than that, and if each held an open stream, the next page would never load. So only a
 * few tabs hold one, by locks that the browser shares among tabs; the others ask every two seconds.
 */

const SLOTS = 3;

/**
 * @returns {Promise<(() => void) | null>}  call it to give the slot back; null when all are taken
 */
export async function takeSlot() {
  // Without https (other than on localhost) there are no locks to ask for.
  if (!navigator.locks) return () => {};
  for (let number = 0; number < SLOTS; number += 1) {
    const release = await hold(`portal-live-${number}`);
    if (release !== null) return release;
  }
  return null;
}

/** A lock lasts as long as the promise its holder returns. */
function hold(name) {
  return new Promise((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock === null) {
        resolve(null);
        return undefined;
      }
      return new Promise((release) => resolve(release));
    });
  });
}
